// The suite in Node, and what only a test there can do: servers that end, begin anew and lie.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import test from "node:test";
import { promisify } from "node:util";

import * as chatcore from "chatcore";
import WebSocket, { WebSocketServer } from "ws";

import { startServer } from "./server.mjs";
import { scenarios } from "./suite.mjs";

const { Client, load } = chatcore;
const TIMEOUT = { timeout: 60_000 };
const event = (client, type) => new Promise((resolve) => client.addEventListener(type, ({ detail }) => resolve(detail), { once: true }));

test("a module that is missing, wrong or not loaded is told, and a later one is taken", TIMEOUT, async () => {
    assert.throws(() => new Client("ws://127.0.0.1:1/", { WebSocket }), { code: "not_loaded" });
    await assert.rejects(load(new URL("missing.wasm", import.meta.url)), { name: "ChatError", code: "wasm_missing", retryable: true });
    const http = createServer((_, response) => response.writeHead(404).end("<!doctype html>")).listen(0, "127.0.0.1");
    await once(http, "listening");
    await assert.rejects(load(`http://127.0.0.1:${http.address().port}/chatcore.wasm`), { code: "wasm_missing", message: /404/ });
    http.close();
    await assert.rejects(load(new Response("<!doctype html>")), { code: "wasm_wrong" });
    const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    await assert.rejects(load(empty), { code: "wasm_wrong" });
    await load();
    await load(empty);
});

test("the module is taken from wherever it may come", TIMEOUT, async () => {
    const file = new URL("chatcore.wasm", import.meta.resolve("chatcore"));
    const bytes = await readFile(file);
    const http = createServer((_, response) => response.setHeader("content-type", "application/wasm").end(bytes)).listen(0, "127.0.0.1");
    await once(http, "listening");
    const url = `http://127.0.0.1:${http.address().port}/chatcore.wasm`;
    const read = `(await import("node:fs/promises")).readFile(new URL(${JSON.stringify(file.href)}))`;
    for (const source of [
        JSON.stringify(url),
        `new URL(${JSON.stringify(url)})`,
        `fetch(${JSON.stringify(url)})`,
        `await ${read}`,
        `(await ${read}).buffer`,
        `WebAssembly.compile(await ${read})`,
    ]) {
        // A process loads it once.
        const program = `
            import { Client, load } from "chatcore";
            await load(${source});
            console.log(new Client("ws://127.0.0.1:1/", { WebSocket: class {} }).state);`;
        const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { timeout: 30_000 });
        assert.match(stdout, /^\w+\n$/, source);
    }
    http.close();
});

test("in Node", TIMEOUT, async (t) => {
    const server = await startServer();
    for (const [promise, scenario] of Object.entries(scenarios)) {
        await t.test(promise, TIMEOUT, () => scenario({ ...chatcore, url: server.url, WebSocket }));
    }
    await server.stop();
});

test("another process goes on with a session, and ends when it is done", TIMEOUT, async () => {
    const server = await startServer();
    const [gone, alice] = [new Client(server.url, { WebSocket }), new Client(server.url, { WebSocket })];
    await gone.register("bob");
    await alice.register("alice");
    const taken = event(gone, "closed");
    const program = `
        import { Client, load } from "chatcore";
        import WebSocket from "ws";
        await load();
        const bob = new Client(process.argv[1], { WebSocket });
        const session = await bob.resume(JSON.parse(process.argv[2]));
        await bob.send("alice", "from another process");
        await bob.close();
        console.log(session.name, session.resumed);`;
    const got = event(alice, "message");
    const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--input-type=module", "--eval", program, server.url, JSON.stringify(gone.ticket)],
        { timeout: 30_000 },
    );
    assert.equal(stdout, "bob true\n");
    assert.equal((await got).text, "from another process");
    assert.equal((await taken).code, "taken_over");
    assert.equal(gone.ticket, null, "the session is another one's");
    await alice.close();
    await server.stop();
});

test("in a page that nobody sees, what is taken is acknowledged at once", TIMEOUT, async () => {
    const server = await startServer();
    const sockets = [];
    class Kept extends WebSocket {
        constructor(...given) {
            super(...given);
            sockets.push(this);
        }
    }
    const [bob, alice] = [new Client(server.url, { WebSocket: Kept, ackDelay: 60_000 }), new Client(server.url, { WebSocket })];
    await bob.register("bob");
    await alice.register("alice");
    globalThis.document = { visibilityState: "hidden" };
    try {
        const seen = event(bob, "message");
        await alice.send("bob", "seen");
        await seen;
        await new Promise(setImmediate);
        const { ticket } = bob;
        sockets.at(-1).terminate();
        const next = new Client(server.url, { WebSocket });
        const first = event(next, "message");
        await next.resume(ticket);
        await alice.send("bob", "new");
        assert.equal((await first).text, "new", "what was seen does not come again");
        await Promise.all([next.close(), bob.close(), alice.close()]);
    } finally {
        delete globalThis.document;
    }
    await server.stop();
});

test("a server that is not there is told, and with keepsTrying it is waited for", TIMEOUT, async () => {
    const server = await startServer();
    await server.stop();
    await assert.rejects(new Client(server.url, { WebSocket }).register("bob"), { code: "disconnected", retryable: true });
    const client = new Client(server.url, { WebSocket, keepsTrying: true, firstWait: 10, longestWait: 50 });
    const waits = event(client, "reconnecting");
    const session = client.register("bob");
    assert.equal((await waits).attempt, 1);
    const again = await startServer("--listen", `ws://127.0.0.1:${server.port}`);
    assert.equal((await session).name, "bob");
    await client.close();
    await again.stop();
});

test("a server that begins anew has no session, and what was asked for is accounted for", TIMEOUT, async () => {
    const server = await startServer();
    const client = new Client(server.url, { WebSocket, firstWait: 10, longestWait: 50 });
    await client.register("bob");
    const [waits, lost, registered] = ["reconnecting", "sessionlost", "registered"].map((type) => event(client, type));
    await server.stop("SIGKILL");
    await waits;
    const unsent = assert.rejects(client.send("bob", "x"), { code: "unsent", retryable: true });
    const again = await startServer("--listen", `ws://127.0.0.1:${server.port}`);
    await Promise.all([lost, registered, unsent]);
    assert.equal(client.state, "open");
    await client.close();
    await again.stop();
});

/** A server that says what it wants to. */
async function liar(lie, options = { handleProtocols: () => "chatcore.v1" }) {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
    await once(server, "listening");
    server.on("connection", lie);
    const end = () => {
        for (const socket of server.clients) socket.terminate();
        server.close();
    };
    return { url: `ws://127.0.0.1:${server.address().port}/`, end };
}

const PREFACE = Buffer.from("\xC4chat\r\n\0\x01\0\0\0\0\0\0\0", "latin1");

for (const [what, lie, expected, options] of [
    ["speaks HTTP", (socket) => socket.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")), { code: "other_protocol" }],
    ["sends a frame that is none", (socket) => socket.send(Buffer.concat([PREFACE, Buffer.alloc(64, 255)])), { code: "frame_too_long" }],
    ["sends text", (socket) => socket.send("hello"), { code: "disconnected", message: /text/ }],
    ["closes at once", (socket) => socket.close(1011, "no room"), { code: "disconnected", message: /no room/ }],
    ["never answers", () => {}, { code: "timed_out" }],
    ["speaks another subprotocol", () => {}, { code: "disconnected", message: /ubprotocol|chatcore\.v1/ }, { handleProtocols: () => false }],
]) {
    test(`a server that ${what} ends the client with a word`, TIMEOUT, async () => {
        const server = await liar(lie, options);
        const client = new Client(server.url, { WebSocket, answerTimeMax: 300 });
        await assert.rejects(client.register("bob"), { name: "ChatError", ...expected });
        assert.equal(client.state, "closed");
        server.end();
    });
}

test("after a server has broken the protocol the ticket is still there", TIMEOUT, async () => {
    const server = await startServer();
    let near;
    // All that the server says goes through, and what nobody said.
    const lying = await liar((socket) => {
        near = socket;
        const real = new WebSocket(server.url, "chatcore.v1");
        const open = once(real, "open");
        real.on("message", (bytes) => socket.send(bytes));
        socket.on("message", (bytes) => open.then(() => real.send(bytes)));
        socket.on("close", () => real.close());
    });
    const client = new Client(lying.url, { WebSocket });
    await client.register("bob");
    const { token } = client.ticket;
    const closed = event(client, "closed");
    near.send(Buffer.alloc(64, 255));
    assert.equal((await closed).kind, "protocol_error");
    assert.equal(client.ticket.token, token);
    // Where it has heard of the error it has ended the session: then another one begins.
    const again = new Client(server.url, { WebSocket });
    assert.equal((await again.resume(client.ticket)).name, "bob");
    await again.close();
    lying.end();
    await server.stop();
});

test("what a WebSocket does not pass on waits in the module", TIMEOUT, async () => {
    const server = await startServer();
    let most = 0;
    // One that passes on a message in a millisecond.
    class Slow extends WebSocket {
        #waiting = [];
        #bytes = 0;
        get bufferedAmount() {
            return this.#bytes;
        }
        send(bytes) {
            this.#waiting.push(bytes);
            most = Math.max(most, (this.#bytes += bytes.length));
            setTimeout(() => {
                const next = this.#waiting.shift();
                this.#bytes -= next.length;
                super.send(next);
            }, 1);
        }
    }
    const [alice, bob] = [new Client(server.url, { WebSocket: Slow, outboxBytesMax: 64 << 20 }), new Client(server.url, { WebSocket })];
    const got = [];
    bob.addEventListener("message", ({ detail }) => got.push(detail.body[0]));
    const { limits } = await alice.register("alice");
    await bob.register("bob");
    const body = new Uint8Array(Math.min(limits.bodyBytesMax, 60_000));
    const full = [];
    for (let i = 0; i < 100; i++) {
        body[0] = i;
        full.push(alice.send("bob", body).catch(({ code }) => code));
    }
    const sent = (await Promise.all(full)).map((result, i) => (typeof result === "bigint" ? i : result)).filter((i) => typeof i === "number");
    await bob.who().next();
    assert.deepEqual(got, sent);
    assert.ok(sent.length > 10, `${sent.length} were sent`);
    assert.ok(most < (256 + 128) << 10, `${most} bytes waited`);
    await Promise.all([alice.close(), bob.close()]);
    await server.stop();
});

test("requests that a server never answers are bounded, and whoever gives one up makes room", TIMEOUT, async () => {
    const REQUESTS_MAX = 65_536;
    const server = await startServer();
    let isDumb = false;
    // All that the server says goes through, until it answers no more.
    const lying = await liar((socket) => {
        const real = new WebSocket(server.url, "chatcore.v1");
        const open = once(real, "open");
        real.on("message", (bytes) => isDumb || socket.send(bytes));
        socket.on("message", (bytes) => open.then(() => real.send(bytes)));
        socket.on("close", () => real.terminate());
    });
    const client = new Client(lying.url, { WebSocket, outboxBytesMax: 64 << 20, flushTimeMax: 100 });
    await client.register("bob");
    isDumb = true;
    const given = new AbortController();
    const ask = () => client.leave("#x").catch(({ code }) => code);
    const first = client.leave("#x", { signal: given.signal }).catch(({ name }) => name);
    const waiting = Array.from({ length: REQUESTS_MAX - 1 }, () => ask());
    await assert.rejects(client.leave("#x"), { code: "too_many_pending", retryable: true, message: /65536 requests wait for an answer/ });
    given.abort();
    assert.equal(await first, "AbortError");
    waiting.push(ask());
    assert.equal(await ask(), "too_many_pending", "there was room for one");
    const { kind, code } = await client.close();
    assert.deepEqual([kind, code], ["closed", "unconfirmed"], "nobody knows whether it has heard the goodbye");
    const codes = new Set(await Promise.all(waiting));
    assert.ok(codes.has("unconfirmed"), "what has gone out is told in the end");
    assert.deepEqual([...codes].filter((code) => code !== "unconfirmed" && code !== "unsent"), [], "as is what has not");
    lying.end();
    await server.stop();
});
