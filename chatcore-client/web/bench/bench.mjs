// The npm package chatcore beside other clients of a WebSocket: size, start-up and time per message. `npm ci && npm run bench`
// here, after ../build. Options: --rounds N, --starts N, --messages N, --chromium, --bundle (no more than that).
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { round } from "./measure.mjs";

const NAMES = ["chatcore", "centrifuge", "nats", "phoenix"];
const here = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({
    options: {
        rounds: { type: "string", default: "21" },
        starts: { type: "string", default: "21" },
        messages: { type: "string", default: "6400" },
        chromium: { type: "boolean", default: false },
        bundle: { type: "boolean", default: false },
        package: { type: "string", default: join(here, "../js/dist") },
    },
});
const [rounds, starts, messages] = [options.rounds, options.starts, options.messages].map(Number);

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const digits = (value) => value.toPrecision(3);

function table(heads, rows) {
    console.log(`\n| ${heads.join(" | ")} |\n|${"---|".repeat(heads.length)}`);
    for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}

/** Each figure as its median, and as a multiple of ours. */
function medians(results, names, heads) {
    const ours = heads.map((head) => median(results[names[0]].map((result) => result[head])));
    return names.map((name) => [name, ...heads.map((head, i) => {
        const value = median(results[name].map((result) => result[head]));
        return `${digits(value)} (× ${(value / ours[i]).toFixed(2)})`;
    })]);
}

const work = mkdtempSync(join(tmpdir(), "chatcore-bench-"));
process.on("exit", () => rmSync(work, { recursive: true }));
const ours = resolve(options.package);
const wasmPath = join(ours, "chatcore.wasm");
const wasm = readFileSync(wasmPath);
const bundleOf = (name) => join(work, `${name}.mjs`);

await build({
    entryPoints: NAMES.map((name) => ({ in: join(here, "clients", `${name}.mjs`), out: name })),
    outdir: work,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    alias: { chatcore: join(ours, "chatcore.js") },
});
console.log("Size of what a page loads, in bytes");
table(["", "script", "WebAssembly", "together with gzip -9"], NAMES.map((name) => {
    const files = name === "chatcore" ? [readFileSync(bundleOf(name)), wasm] : [readFileSync(bundleOf(name))];
    const gzipped = files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
    return [name, files[0].length, files[1]?.length ?? "", gzipped];
}));
if (options.bundle) process.exit();

const begun = Object.fromEntries(NAMES.map((name) => [name, []]));
for (let i = 0; i < starts; i += 1) {
    for (const name of NAMES) {
        const given = name === "chatcore" ? [wasmPath] : [];
        begun[name].push(JSON.parse(execFileSync(process.execPath, [join(here, "start.mjs"), name, bundleOf(name), ...given])));
    }
}
console.log(`\nStart-up in Node ${process.versions.node}: milliseconds from the import on, medians of ${starts} processes`);
table(["", "ready to encode", "first message written"], medians(begun, NAMES, ["ready", "first"]));

const COLUMNS = ["received 1", "received 64", "sent 1", "sent 64"];
const HEADS = ["", "received alone", "64 together", "sent alone", "64 together"];
const empty = () => Object.fromEntries(NAMES.map((name) => [name, []]));

/** Rounds in turn: the first is thrown away. */
async function rounded(one) {
    const results = empty();
    for (let i = 0; i <= rounds; i += 1) {
        for (const name of NAMES) {
            const result = await one(name);
            if (i > 0) results[name].push(result);
        }
    }
    return results;
}

const libraries = {};
for (const name of NAMES) {
    libraries[name] = await import(pathToFileURL(bundleOf(name)));
    await libraries[name].prepare(wasm);
}
// All threads of the process: those that compile and collect are part of the price.
const cpuMicros = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
};
const inNode = await rounded((name) => round(name, libraries[name], messages, cpuMicros));
console.log(`\nIn Node: microseconds of processor time a message of 64 bytes, medians of ${rounds} rounds of ${messages} messages`);
table(HEADS, medians(inNode, NAMES, COLUMNS));

if (options.chromium) {
    const { chromium } = await import("playwright-core");
    const measure = join(work, "measure.mjs");
    await build({ entryPoints: [join(here, "measure.mjs")], outfile: measure, bundle: true, format: "esm" });
    const http = createServer((request, response) => {
        const file = /^\/([a-z]+\.(mjs|wasm))$/.exec(request.url)?.[1];
        if (file === undefined) return response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>bench</title>");
        const path = { "chatcore.wasm": wasmPath, "measure.mjs": measure }[file] ?? join(work, file);
        const type = file.endsWith(".wasm") ? "application/wasm" : "text/javascript";
        return response.writeHead(200, { "Content-Type": type }).end(readFileSync(path));
    }).listen(0, "127.0.0.1");
    await once(http, "listening");
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${http.address().port}/`);
    const inChromium = await rounded((name) => page.evaluate(async ([name, messages]) => {
        const [library, { round }] = await Promise.all([import(`/${name}.mjs`), import("/measure.mjs")]);
        await library.prepare("/chatcore.wasm");
        return round(name, library, messages, () => performance.now() * 1_000);
    }, [name, messages]));
    const version = browser.version();
    await browser.close();
    http.close();
    console.log(`\nIn Chromium ${version}: microseconds a message, medians of ${rounds} rounds of ${messages} messages`);
    table(HEADS, medians(inChromium, NAMES, COLUMNS));
}
process.exit();
