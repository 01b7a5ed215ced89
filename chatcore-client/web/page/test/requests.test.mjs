// What the page asks of the server by itself.
import assert from "node:assert/strict";
import test from "node:test";

import { Requests, Store } from "./parts.mjs";

// What a browser has, and Node has not.
globalThis.document = { visibilityState: "hidden" };

/** A client that does nothing, and keeps what is asked of it. */
function clientOf({ pages, watchesMax }) {
    const asked = [];
    return {
        asked,
        name: "alice",
        state: "open",
        limits: { watchesMax },
        async *subscriptions() {
            yield* pages;
        },
        async *roster() {},
        watch: async (names) => void asked.push(["watch", ...names]),
        unwatch: async (names) => void asked.push(["unwatch", ...names]),
    };
}

/** A page that was loaded anew, with these conversations. */
async function learned(client, ...names) {
    const store = new Store();
    store.dispatch({ type: "me", user: { name: "alice", displayName: null } });
    for (const name of names) store.dispatch({ type: "open", name });
    await new Requests(client, store).learn();
    return client.asked.map((asked) => asked.join(" ")).sort();
}

test("a page that is loaded anew ends the watching of those with whom it has no conversation, and asks how the others are", async () => {
    const pages = [{ rooms: ["#lobby"], users: ["bob"] }, { rooms: [], users: ["carol", "dave"] }];
    const asked = await learned(clientOf({ pages, watchesMax: 10 }), "bob", "erin");
    assert.deepEqual(asked, ["unwatch carol", "unwatch dave", "watch bob", "watch erin"]);
});

test("whom the session watches counts: no more are asked for than the server allows", async () => {
    const pages = [{ rooms: [], users: ["bob", "carol"] }];
    const asked = await learned(clientOf({ pages, watchesMax: 2 }), "carol", "bob", "dave");
    assert.deepEqual(asked, ["watch bob", "watch carol"]);
});
