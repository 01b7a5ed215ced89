// Tabs that want one session where browsers have no locks: each is a claim on a BroadcastChannel of its own.
import assert from "node:assert/strict";
import test from "node:test";

import { claim } from "./parts.mjs";

const TIMEOUT = { timeout: 30_000 };

// As on a page that is not from https.
Object.defineProperty(globalThis, "navigator", { configurable: true, value: {} });

/** A browser whose locks are asked for with this. */
function withLocks(t, request) {
    navigator.locks = { request };
    t.after(() => delete navigator.locks);
}

test("a lock that another tab holds until the time is over is another tab's", TIMEOUT, async (t) => {
    const time = new AbortController();
    t.mock.method(AbortSignal, "timeout", () => time.signal);
    withLocks(t, (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))));
    const claimed = claim("held");
    time.abort(new DOMException("too late", "TimeoutError"));
    assert.equal(await claimed, null);
});

test("a browser that gives no locks has tabs that ask each other", TIMEOUT, async (t) => {
    withLocks(t, () => Promise.reject(new DOMException("not here", "SecurityError")));
    const claims = await Promise.all([claim("no locks"), claim("no locks")]);
    assert.equal(owners(claims).length, 1);
    release(claims);
});

const owners = (claims) => claims.filter((release) => release !== null);
const release = (claims) => owners(claims).forEach((end) => end());

for (const tabs of [2, 3, 8]) {
    test(`of ${tabs} tabs that ask at once, one gets the session`, TIMEOUT, async () => {
        // Who wins is a matter of luck: several rounds show each order.
        for (let round = 0; round < 3; round += 1) {
            const claims = await Promise.all(Array.from({ length: tabs }, () => claim("at once")));
            assert.equal(owners(claims).length, 1);
            release(claims);
        }
    });
}

test("of tabs that ask one after another, while none has it, one gets the session", TIMEOUT, async () => {
    for (let round = 0; round < 3; round += 1) {
        const asked = [];
        for (let tab = 0; tab < 3; tab += 1) {
            asked.push(claim("in turn"));
            // The next tab begins to listen when the one before has asked.
            await new Promise(setImmediate);
        }
        const claims = await Promise.all(asked);
        assert.equal(owners(claims).length, 1);
        release(claims);
    }
});

test("a tab that has a session keeps it, another session is another tab's, and what is released can be had", TIMEOUT, async () => {
    const first = await claim("one");
    assert.notEqual(first, null);
    // Whichever number these draw.
    assert.deepEqual(await Promise.all(Array.from({ length: 8 }, () => claim("one"))), Array(8).fill(null));
    const other = await claim("two");
    assert.notEqual(other, null);
    first();
    const again = await claim("one");
    assert.notEqual(again, null);
    release([other, again]);
});

test("a page that stood still hears the answer before it takes a session", TIMEOUT, async () => {
    const first = await claim("still");
    // After this, timers come before messages.
    await new Promise(setImmediate);
    const asked = claim("still");
    const end = performance.now() + 500;
    while (performance.now() < end);
    assert.equal(await asked, null);
    first();
});
