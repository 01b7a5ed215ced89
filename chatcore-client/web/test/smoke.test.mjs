import assert from "node:assert/strict";
import test from "node:test";

import { Client, load } from "chatcore";
import WebSocket from "ws";

import { startServer } from "./server.mjs";

test("one registers and sends", { timeout: 60_000 }, async () => {
    const server = await startServer();
    try {
        await load();
        const [alice, bob] = [new Client(server.url, { WebSocket }), new Client(server.url, { WebSocket })];
        const got = new Promise((resolve) => bob.addEventListener("message", ({ detail }) => resolve(detail)));
        const session = await alice.register("Alice");
        assert.equal(session.name, "alice");
        await bob.register("bob");
        const id = await alice.send("bob", "hello");
        const message = await got;
        assert.deepEqual([message.id, message.from, message.text], [id, "alice", "hello"]);
        assert.equal((await alice.close()).kind, "left");
        await bob.close();
    } finally {
        await server.stop();
    }
});
