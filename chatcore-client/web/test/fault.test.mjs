// What the module does not bear: memory that is filled, and a fault, with which all clients of the process end, and their
// sessions do not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { promisify } from "node:util";

import { Client, load } from "chatcore";
import WebSocket from "ws";

import { startServer } from "./server.mjs";

const event = (client, type) => new Promise((resolve) => client.addEventListener(type, ({ detail }) => resolve(detail), { once: true }));

/** A line that is out. */
class Out {
    constructor() {
        throw new Error("the line is out");
    }
}

/** From now on, what arrives is a fault. */
let isBroken = false;
let memory;
const settings = { made: 0, freed: 0 };
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...given) => {
    const { exports } = await instantiate(...given);
    memory = exports.memory;
    const receive = (...bytes) => {
        if (isBroken) throw new WebAssembly.RuntimeError("unreachable");
        return exports.engine_receive(...bytes);
    };
    const made = () => {
        settings.made += 1;
        return exports.settings_new();
    };
    const freed = (...given) => {
        settings.freed += 1;
        return exports.__wbg_settings_free(...given);
    };
    return { exports: { ...exports, engine_receive: receive, settings_new: made, __wbg_settings_free: freed } };
};

test("options that cannot be leave nothing in the module", async () => {
    await load();
    const before = { ...settings };
    for (const options of [{ firstWait: "200" }, { firstWait: 0 }, { outboxBytesMax: 10 }, { ackDelay: NaN }]) {
        assert.throws(() => new Client("ws://127.0.0.1/", { WebSocket, ...options }), { code: "invalid" });
    }
    assert.deepEqual([settings.made - before.made, settings.freed - before.freed], [4, 4]);
});

test("what is too large does not fill the module's memory", { timeout: 60_000 }, async () => {
    await load();
    const server = await startServer();
    const client = new Client(server.url, { WebSocket });
    await client.register("bob");
    const bytes = memory.buffer.byteLength;
    await assert.rejects(client.send("bob", new Uint8Array(60 << 20)), { code: "body_too_long" });
    await assert.rejects(client.send("bob", "x".repeat(60 << 20)), { code: "body_too_long" });
    await assert.rejects(client.watch(Array(1_000).fill("x".repeat(60_000))), { code: "too_many_names" });
    assert.equal(memory.buffer.byteLength, bytes);
    await client.close();
    await server.stop();
});

test("after a fault of the module, another process goes on with the session", { timeout: 60_000 }, async () => {
    await load();
    const server = await startServer();
    const [bob, carol, dave, erin] = Array.from({ length: 4 }, () => new Client(server.url, { WebSocket }));
    await bob.register("Bob");
    await bob.join("#room");
    await carol.register("carol");
    await dave.register("dave");
    await erin.register("erin");
    // One that waits for a connection.
    const frank = new Client(server.url, { WebSocket: Out, firstWait: 60_000, longestWait: 60_000 });
    const absent = frank.resume({ ...bob.ticket, name: "frank" }).catch((error) => error);
    await event(frank, "reconnecting");
    const before = bob.ticket;
    const program = (what) => `
        import { Client, load } from "chatcore";
        import WebSocket from "ws";
        await load();
        const client = new Client(${JSON.stringify(server.url)}, { WebSocket });
        ${what}
        await client.close();`;
    const run = async (what) => (await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program(what)], { timeout: 30_000 })).stdout;
    isBroken = true;
    const ended = event(bob, "closed");
    await run(`await client.register("alice"); await client.send("bob", "while it is broken");`);
    const { kind, code } = await ended;
    assert.deepEqual([kind, code, bob.state], ["fault", "fault", "closed"]);
    assert.deepEqual({ ...bob.ticket, attempt: 0 }, { ...before, attempt: 0 });
    // The other one finds out when it is asked for something, and is asked for its ticket first.
    assert.equal(carol.ticket?.name, "carol");
    assert.equal(carol.closed?.kind, "fault");
    await assert.rejects(carol.send("bob", "x"), { code: "closed" });
    // Or when it is told something.
    dave.hurry();
    assert.equal(dave.closed?.kind, "fault");
    dave.hurry();
    for (const client of [erin, frank, erin]) assert.equal((await client.close()).kind, "fault");
    assert.equal((await absent).code, "fault");
    assert.throws(() => new Client(server.url, { WebSocket }), { code: "fault" });
    const out = await run(`
        const got = new Promise((resolve) => client.addEventListener("message", ({ detail }) => resolve(detail.text)));
        const { resumed, name } = await client.resume(${JSON.stringify(bob.ticket)});
        await client.send("#room", "it is in its room");
        console.log(resumed, name, await got);`);
    assert.equal(out, "true bob while it is broken\n");
    await server.stop();
});
