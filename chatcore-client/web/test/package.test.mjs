// What the package promises to bundlers, and what its README shows: with the packed file.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { promisify } from "node:util";

import * as esbuild from "esbuild";

import { startServer } from "./server.mjs";

const TIMEOUT = { timeout: 30_000 };
const SCRIPT = new URL(import.meta.resolve("chatcore"));

/** What a bundler makes of a program, and how many bytes of the package are in it. */
async function bundled(program) {
    const { metafile, outputFiles } = await esbuild.build({
        stdin: { contents: program, resolveDir: import.meta.dirname },
        bundle: true,
        format: "esm",
        metafile: true,
        minify: true,
        write: false,
    });
    const [output] = Object.values(metafile.outputs);
    const bytes = Object.entries(output.inputs).filter(([path]) => path.endsWith("chatcore.js")).reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
    return { bytes, text: outputFiles[0].text };
}

const run = async (program, ...flags) =>
    (await promisify(execFile)(process.execPath, ["--input-type=module", ...flags, "--eval", program], { timeout: 20_000 })).stdout;

test("a program that uses nothing of the package has nothing of it in its bundle", TIMEOUT, async () => {
    for (const program of ['import "chatcore";', 'import { Client, load } from "chatcore"; console.log(1);']) {
        assert.equal((await bundled(program)).bytes, 0, program);
    }
    assert.ok((await bundled('import { timeOf } from "chatcore"; console.log(timeOf(0n));')).bytes > 0, "what is used is there");
});

test("an import does nothing: no global is made or changed, and nothing is loaded, asked for or waited for", TIMEOUT, async () => {
    // What is got here is told; the package is of no use to whoever looks at it so closely.
    const program = `
        const told = [];
        const shape = () => [globalThis, Object.prototype, Array.prototype, Uint8Array.prototype, Promise.prototype, EventTarget.prototype, BigInt.prototype]
            .map((object) => Reflect.ownKeys(object).map((key) => {
                const { get, set, value } = Object.getOwnPropertyDescriptor(object, key);
                return [key, get, set, typeof value === "object" ? null : value];
            }));
        for (const [object, name] of [[globalThis, "fetch"], [globalThis, "setTimeout"], [globalThis, "setInterval"], [globalThis, "queueMicrotask"],
            [WebAssembly, "compile"], [WebAssembly, "instantiate"], [WebAssembly, "Module"], [EventTarget.prototype, "addEventListener"]]) {
            object[name] = () => told.push(name);
        }
        // Node makes these when they are read for the first time.
        void [TextEncoder, TextDecoder];
        const before = shape();
        await import("chatcore");
        const same = (a, b) => a.length === b.length && a.every((value, i) => Array.isArray(value) ? same(value, b[i]) : Object.is(value, b[i]));
        console.log(JSON.stringify([told, same(before, shape())]));`;
    assert.deepEqual(JSON.parse(await run(program)), [[], true]);
});

test("nothing waits at the top level", TIMEOUT, async () => {
    const noWaiting = (code) => esbuild.transform(code, { format: "esm", supported: { "top-level-await": false } });
    await noWaiting(await readFile(SCRIPT, "utf8"));
    await assert.rejects(noWaiting("await 1;"), /[Tt]op-level await/, "this would tell");
});

test("the README's first program does what it says", TIMEOUT, async () => {
    const readme = await readFile(new URL("../README.md", SCRIPT), "utf8");
    const shown = /```js\n(.*?)```/s.exec(readme)[1];
    const server = await startServer();
    const program = shown.replace("wss://chat.example/chat", server.url);
    assert.notEqual(program, shown);
    const out = await run(`import WebSocket from "ws";\nglobalThis.WebSocket = WebSocket;\n${program}`);
    assert.match(out, /^the server has it as \d+n?\n\[ 'alice' \]\nclosed\n$/);
    await server.stop();
});
