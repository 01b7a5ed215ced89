// Compares the sizes that the docs tell with those of what was built: `node figures.mjs PACKAGE PAGE`.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** A size of the docs may be off by so much: compilers differ, and what is small changes often. */
const SHARE_MAX = 0.04;

const [pack, page] = process.argv.slice(2);
const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
const sizes = (files) => {
    const all = files.map((file) => readFileSync(file));
    return [all.reduce((sum, { length }) => sum + length, 0), all.reduce((sum, bytes) => sum + gzipped(bytes), 0)];
};
const wasm = sizes([`${pack}/chatcore.wasm`]);
const script = sizes([`${pack}/chatcore.js`]);
const whole = sizes(readdirSync(page).filter((name) => !name.endsWith(".sources")).map((name) => `${page}/${name}`));

/** Where the docs tell a size in kB, and what it is in bytes. */
const BOOK = "../../docs/src/browser.md";
const README = "js/README.md";
const TOLD = [
    [BOOK, /`chatcore\.wasm` \| ([\d.]+) \| ([\d.]+) \|/, wasm],
    [BOOK, /`chatcore\.js` \| ([\d.]+) \| ([\d.]+) \|/, script],
    [BOOK, /([\d.]+) kB\s+in five files \(([\d.]+) kB with gzip\)/, whole],
    [README, /([\d.]+) kB for the module and ([\d.]+) kB for the script, with gzip/, [wasm[1], script[1]]],
];

let isOff = false;
for (const [file, pattern, bytes] of TOLD) {
    const told = pattern.exec(read(file))?.slice(1).map((kB) => Number(kB) * 1_000);
    if (told?.every((told, at) => Math.abs(told - bytes[at]) <= SHARE_MAX * bytes[at])) continue;
    console.error(`${file} tells ${told ?? "nothing"} where ${pattern} is: it is ${bytes} bytes`);
    isOff = true;
}
process.exit(isOff ? 1 : 0);
