// The suite in headless Chromium, on a page with a strict content security policy, in its window and in a worker.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { startServer } from "./server.mjs";
import { scenarios } from "./suite.mjs";

const PACKAGE = fileURLToPath(new URL(".", import.meta.resolve("chatcore")));
const SUITE = ["suite.mjs", "checks.mjs", "ends.mjs"];
const FILES = {
    "/": ["text/html", () => "<!doctype html><title>chatcore</title><script type=module src=/page.mjs></script>"],
    "/page.mjs": ["text/javascript", () => `
        import * as chatcore from "/chatcore.js";
        import { scenarios } from "/suite.mjs";
        Object.assign(globalThis, { chatcore, scenarios });
        globalThis.inWorker = (url) => new Promise((resolve) => {
            const policy = trustedTypes.createPolicy("worker", { createScriptURL: (url) => url });
            const worker = new Worker(policy.createScriptURL("/worker.mjs"), { type: "module" });
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = (event) => resolve("the worker: " + event.message);
            worker.postMessage(url);
        });`],
    "/worker.mjs": ["text/javascript", () => `
        import * as chatcore from "/chatcore.js";
        import { scenarios } from "/suite.mjs";
        onmessage = async ({ data: url }) => {
            try {
                await chatcore.load();
                await scenarios["a message arrives with the id that its sender was told"]({ ...chatcore, url, WebSocket });
                postMessage("done");
            } catch (error) {
                postMessage(String(error));
            }
        };`],
    ...Object.fromEntries(SUITE.map((name) => [`/${name}`, ["text/javascript", () => readFile(new URL(name, import.meta.url))]])),
    "/chatcore.js": ["text/javascript", () => readFile(`${PACKAGE}chatcore.js`)],
    "/chatcore.wasm": ["application/wasm", () => readFile(`${PACKAGE}chatcore.wasm`)],
};

test("in Chromium", { timeout: 120_000 }, async (t) => {
    let policy = "default-src 'none'";
    const http = createServer(async ({ url }, response) => {
        const [type, body] = FILES[url] ?? [];
        if (type === undefined) return response.writeHead(404).end();
        return response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": policy }).end(await body());
    }).listen(0, "127.0.0.1");
    await once(http, "listening");
    const origin = `http://127.0.0.1:${http.address().port}`;
    const server = await startServer("--websocket-origin", origin);
    const strict = (wasm) => `default-src 'none'; script-src 'self'${wasm}; worker-src 'self'; connect-src 'self' ws://127.0.0.1:${server.port}; require-trusted-types-for 'script'; trusted-types worker`;
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
    try {
        const page = await browser.newPage();
        const errors = [];
        page.on("pageerror", (error) => errors.push(error));
        const open = async (wasm) => {
            policy = strict(wasm);
            await page.goto(origin);
            await page.waitForFunction("globalThis.chatcore !== undefined");
        };

        await t.test("a policy that forbids WebAssembly is named", async () => {
            await open("");
            assert.equal(await page.evaluate("chatcore.load().catch(({ code }) => code)"), "wasm_blocked");
        });

        await open(" 'wasm-unsafe-eval'");
        await page.evaluate("chatcore.load()");
        for (const promise of Object.keys(scenarios)) {
            await t.test(promise, { timeout: 60_000 }, () =>
                page.evaluate(([promise, url]) => scenarios[promise]({ ...chatcore, url, WebSocket }), [promise, server.url]));
        }
        await t.test("in a worker", async () => {
            assert.equal(await page.evaluate((url) => inWorker(url), server.url), "done");
        });
        await t.test("a machine that is online again does not wait", async () => {
            await page.evaluate(async (url) => {
                let socket;
                const Kept = class extends WebSocket {
                    constructor(...given) {
                        super(...given);
                        socket = this;
                    }
                };
                const client = new chatcore.Client(url, { WebSocket: Kept, firstWait: 600_000, longestWait: 600_000 });
                await client.register("online");
                const [waits, resumed] = ["reconnecting", "resumed"].map((type) => new Promise((resolve) => client.addEventListener(type, resolve)));
                socket.close();
                await waits;
                window.dispatchEvent(new Event("online"));
                await resumed;
                await client.close();
            }, server.url);
        });
        await t.test("a page that is loaded anew goes on with its session", async () => {
            const ticket = await page.evaluate(async (url) => {
                const client = new chatcore.Client(url);
                await client.register("reloaded");
                await client.join("#reloaded");
                return JSON.stringify(client.ticket);
            }, server.url);
            await open(" 'wasm-unsafe-eval'");
            const result = await page.evaluate(async ([url, ticket]) => {
                await chatcore.load();
                const client = new chatcore.Client(url);
                const { resumed } = await client.resume(JSON.parse(ticket));
                await client.send("#reloaded", "still here");
                return [resumed, (await client.close()).kind];
            }, [server.url, ticket]);
            assert.deepEqual(result, [true, "closed"]);
        });
        await t.test("the program of the book goes on when it is loaded anew, leaves a session to its tab, and begins anew after its end", async () => {
            const book = await readFile(new URL("browser.md", import.meta.url), "utf8");
            const [, shown] = /```js\n(.*?)```/s.exec(book);
            const changed = shown.replace('"chatcore"', '"/chatcore.js"').replace('"/chat"', JSON.stringify(server.url)).replace("alice", "book-reader");
            const shows = "const [show, showLost, showCountdown] = [() => {}, () => {}, () => {}];";
            FILES["/book"] = ["text/html", () => "<!doctype html><script type=module src=/book.mjs></script>"];
            FILES["/book.mjs"] = ["text/javascript", () => `${shows}\n${changed}\nglobalThis.client = client;`];
            const session = async (page) => {
                await page.waitForFunction(() => globalThis.client !== undefined);
                return page.evaluate("[client.state, client.ticket.token]");
            };
            const first = await browser.newPage();
            first.on("pageerror", (error) => errors.push(error));
            await first.goto(`${origin}/book`);
            const [state, token] = await session(first);
            assert.equal(state, "open");
            await first.reload();
            assert.deepEqual(await session(first), ["open", token], "it goes on");
            const [second] = await Promise.all([first.waitForEvent("popup"), first.evaluate("void open(location.href)")]);
            const refused = await second.waitForEvent("pageerror");
            assert.match(refused.message, /name/, "the other tab asks for the name, which is in use");
            assert.deepEqual(await session(first), ["open", token]);
            await second.close();
            await first.evaluate("client.close()");
            await first.reload();
            const [again, another] = await session(first);
            assert.deepEqual([again, another === token], ["open", false], "another one");
            await first.evaluate("client.close()");
            await first.close();
        });
        await t.test("a page of another origin is refused with a word", async () => {
            const other = await startServer("--websocket-origin", "https://chat.example");
            policy = strict(" 'wasm-unsafe-eval'").replace(String(server.port), String(other.port));
            await page.goto(origin);
            await page.waitForFunction("globalThis.chatcore !== undefined");
            const error = await page.evaluate(async (url) => {
                await chatcore.load();
                return new chatcore.Client(url).register("bob").catch(({ code, message }) => ({ code, message }));
            }, other.url);
            assert.equal(error.code, "disconnected");
            await other.stop();
        });
        assert.deepEqual(errors, []);
    } finally {
        await browser.close();
        http.close();
        await server.stop();
    }
});
