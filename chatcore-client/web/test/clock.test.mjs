// Machines that sleep, and clocks that are set: the clocks, the timers and the server are the test's own.
import assert from "node:assert/strict";
import test from "node:test";

import { Client, load } from "chatcore";
import WebSocket from "ws";

import { startServer } from "./server.mjs";
import { PREFACE, blob, frame, joinBytes, uint } from "./wire.mjs";

const TIMEOUT = { timeout: 30_000 };
const [WELCOME, PING, PONG, GOODBYE, RESUME, MESSAGE] = [0x02, 0x05, 0x06, 0x07, 0x09, 0x54];
const SHUTTING_DOWN = 2;
const IDLE_MS_MAX = 600_000;
const LIMITS = [65_792, 65_536, 4 << 20, 60_000, IDLE_MS_MAX, 600_000, 100, 100, 0, 0].flatMap(uint);
const HOUR_MS = 3_600_000;
const ACK_MS = 50;
const PROBE_MS = 5_000;
const LOOK_MS = 10_000;
const MINUTE_MS = 60_000;

const settled = () => new Promise(setImmediate);

/** The clock on the wall, the one that only goes on, and the timers. */
class Clock {
    wall = 1_800_000_000_000;
    steady = 1_000_000;
    #timers = new Map();
    #last = 0;

    constructor(t) {
        t.mock.method(Date, "now", () => this.wall);
        t.mock.method(performance, "now", () => this.steady);
        t.mock.method(globalThis, "clearTimeout", (number) => this.#timers.delete(number));
        t.mock.method(globalThis, "setTimeout", (work, ms) => {
            this.#timers.set(++this.#last, { at: this.steady + ms, work });
            return this.#last;
        });
    }

    /** Both go on, and each timer runs at its time, or now if it is late. */
    async pass(ms) {
        const end = this.steady + ms;
        for (;;) {
            const [number, next] = [...this.#timers].reduce((a, b) => (a[1].at <= b[1].at ? a : b), [0, { at: Infinity }]);
            if (next.at > end) break;
            this.#goOn(Math.max(next.at - this.steady, 0));
            this.#timers.delete(number);
            next.work();
            await settled();
        }
        this.#goOn(end - this.steady);
    }

    /** Both go on, and no timer runs. */
    standStill(ms) {
        this.#goOn(ms);
    }

    #goOn(ms) {
        this.steady += ms;
        this.wall += ms;
    }
}

/** A server that gives everybody a name, and says no more by itself. */
class Server {
    /** What has come, as the kinds of frames of each connection. */
    connections = [];
    #sockets = [];
    #id = 1n << 40n;

    /** What makes a connection to it. */
    get WebSocket() {
        const server = this;
        return class {
            protocol = "chatcore.v1";
            bufferedAmount = 0;
            #number = server.#sockets.push(this) - 1;
            #hasPreface = false;
            #listeners = new Map();

            constructor() {
                server.connections.push([]);
                setImmediate(() => this.tell("open", {}));
            }

            addEventListener(type, listener) {
                this.#listeners.set(type, listener);
            }

            tell(type, event) {
                this.#listeners.get(type)?.(event);
            }

            send(bytes) {
                const frames = this.#hasPreface ? bytes : bytes.subarray(PREFACE.length);
                this.#hasPreface = true;
                const view = new DataView(frames.buffer, frames.byteOffset, frames.length);
                for (let at = 0; at < frames.length; at += 4 + view.getUint32(at, true)) {
                    server.connections[this.#number].push(frames[at + 4]);
                    if (frames[at + 4] === 0x01) server.#welcome(this);
                }
            }

            close() {}
        };
    }

    #welcome(socket) {
        const welcome = frame(WELCOME, [...blob("bob"), 0, ...new Uint8Array(16).fill(7), ...LIMITS]);
        setImmediate(() => socket.tell("message", { data: joinBytes([PREFACE, welcome]) }));
    }

    #send(bytes) {
        this.#sockets.at(-1).tell("message", { data: joinBytes([bytes]) });
    }

    say(text) {
        this.#send(frame(MESSAGE, [...uint(++this.#id), ...blob("#lobby"), ...blob("alice"), ...blob(text)]));
    }

    cut() {
        this.#sockets.at(-1).tell("close", { reason: "" });
    }

    pong() {
        this.#send(frame(PONG, uint(0)));
    }

    /** Sends everybody away, to come again after this time. */
    stop(ms) {
        this.#send(frame(GOODBYE, [...uint(SHUTTING_DOWN), ...blob("back soon"), 1, ...uint(ms), 0]));
    }

    cut() {
        this.#sockets.at(-1).tell("close", { reason: "" });
    }

    get pings() {
        return this.connections.flat().filter((kind) => kind === PING).length;
    }
}

/** A client with a session, whose clocks the test moves. */
async function begin(t, options) {
    await load();
    const [clock, server] = [new Clock(t), new Server()];
    const client = new Client("ws://fake/", { WebSocket: server.WebSocket, ackDelay: ACK_MS, probeTimeMax: PROBE_MS, ...options });
    const heard = [];
    client.addEventListener("message", ({ detail }) => heard.push(detail.text));
    const registered = client.register("bob");
    await settled();
    await clock.pass(0);
    await registered;
    server.say("before");
    await clock.pass(1_000);
    assert.deepEqual([heard, server.pings, client.state], [["before"], 0, "open"]);
    return { client, clock, server, heard };
}

test("a machine that has slept while its steady clock stood still asks for a sign of life, and connects anew without one", TIMEOUT, async (t) => {
    const { client, clock, server } = await begin(t);
    // The next timer that runs is that of this message's acknowledgement.
    server.say("last words");
    clock.wall += HOUR_MS;
    await clock.pass(ACK_MS);
    assert.equal(server.pings, 1);
    await clock.pass(PROBE_MS - 1);
    assert.equal(client.state, "open", "it waits for the answer");
    await clock.pass(1_000);
    assert.deepEqual([server.connections.length, server.connections[1]?.[0]], [2, RESUME]);
});

test("such a sleep is noticed though nothing comes, and nothing is due for long", TIMEOUT, async (t) => {
    const { client, clock, server } = await begin(t);
    clock.wall += HOUR_MS;
    await clock.pass(LOOK_MS);
    assert.deepEqual([server.pings, client.state], [1, "open"]);
    await clock.pass(PROBE_MS + 1_000);
    assert.deepEqual([server.connections.length, server.connections[1]?.[0]], [2, RESUME]);
});

/** It waits for half of that at least. */
const WAITS_LONG = { firstWait: 2 * MINUTE_MS, longestWait: 2 * MINUTE_MS };

test("who waits for the next attempt makes it after such a sleep", TIMEOUT, async (t) => {
    const { client, clock, server } = await begin(t, WAITS_LONG);
    server.cut();
    await clock.pass(1_000);
    assert.ok(client.nextAttemptIn > LOOK_MS);
    clock.wall += HOUR_MS;
    assert.ok(client.nextAttemptIn > LOOK_MS, "the clock that counts has stood still");
    await clock.pass(LOOK_MS);
    assert.deepEqual([server.connections.length, client.nextAttemptIn], [2, null]);
});

test("a page that nobody sees has slow timers, and is not taken for one that has slept", TIMEOUT, async (t) => {
    globalThis.document = { visibilityState: "hidden" };
    t.after(() => delete globalThis.document);
    const { client, clock, server } = await begin(t);
    // The timers of the beginning are over.
    await clock.pass(MINUTE_MS);
    for (let minute = 0; minute < 5; minute += 1) {
        clock.standStill(MINUTE_MS);
        await clock.pass(0);
    }
    assert.deepEqual([server.pings, client.state], [0, "open"]);
});

test("a countdown does not change when somebody sets the clock, and the time of the day does", TIMEOUT, async (t) => {
    const { client, clock, server } = await begin(t, WAITS_LONG);
    assert.deepEqual([client.nextAttemptIn, client.nextAttempt], [null, null]);
    server.cut();
    await settled();
    const wait = client.nextAttemptIn;
    assert.ok(wait >= MINUTE_MS && wait <= 2 * MINUTE_MS, `${wait} ms`);
    for (const [passed, by] of [[0, 0], [1_000, -HOUR_MS], [2_000, -24 * HOUR_MS], [3_000, 2_000]]) {
        clock.wall += by;
        await clock.pass(passed);
    }
    const left = client.nextAttemptIn;
    assert.equal(Math.round(left), Math.round(wait - 6_000));
    assert.ok(Math.abs(client.nextAttempt.getTime() - (clock.wall + left)) <= 1);
    await clock.pass(left - 1);
    assert.deepEqual([server.connections.length, client.state], [1, "waiting"]);
    await clock.pass(2);
    assert.deepEqual([server.connections.length, client.nextAttemptIn, client.nextAttempt], [2, null, null]);
});

test("what arrives first after the sleep is told, and the server is asked once", TIMEOUT, async (t) => {
    const { client, clock, server, heard } = await begin(t);
    clock.wall += HOUR_MS;
    server.say("after it");
    server.say("and this");
    assert.deepEqual([heard.slice(1), server.pings], [["after it", "and this"], 1]);
    await clock.pass(PROBE_MS);
    assert.deepEqual([server.pings, client.state, server.connections.length], [1, "open", 1], "that was the sign of life");
});

test("a machine whose steady clock counts the sleep lets what has arrived come before it gives a session up", TIMEOUT, async (t) => {
    const { client, clock, server, heard } = await begin(t);
    clock.standStill(HOUR_MS);
    // The timers that are late run before what waits in the socket.
    setImmediate(() => server.say("it waited"));
    await clock.pass(1_000);
    assert.deepEqual([heard.at(-1), client.state, server.connections.length], ["it waited", "open", 1]);
});

test("one that hears nothing after such a sleep connects anew at once", TIMEOUT, async (t) => {
    const { clock, server } = await begin(t);
    clock.standStill(HOUR_MS);
    await clock.pass(1_000);
    assert.deepEqual([server.connections.length, server.connections[1]?.[0]], [2, RESUME]);
});

test("a clock that is set back, or forward by little, is no sleep; a sleep after that is noticed", TIMEOUT, async (t) => {
    const { client, clock, server, heard } = await begin(t);
    for (const by of [-HOUR_MS, -24 * HOUR_MS, 2_000, 2_000, 2_000]) {
        clock.wall += by;
        server.say("on time");
        await clock.pass(1_000);
    }
    assert.deepEqual([heard.length, server.pings, client.state, server.connections.length], [6, 0, "open", 1]);
    assert.ok(server.connections[0].filter((kind) => kind === 0x04).length >= 6, "what was taken is acknowledged on time");
    clock.wall += HOUR_MS;
    server.say("after a sleep");
    assert.equal(server.pings, 1);
    server.pong();
    // A clock that is set forward for good is one sleep.
    server.say("later");
    await clock.pass(PROBE_MS);
    assert.deepEqual([server.pings, client.state, server.connections.length], [1, "open", 1]);
});

test("no sign ends a wait that the server has asked for, and a person does", TIMEOUT, async (t) => {
    const signs = new EventTarget();
    t.after(() => delete globalThis.addEventListener);
    globalThis.addEventListener = signs.addEventListener.bind(signs);
    const { client, clock, server } = await begin(t);
    const sign = async (type) => {
        signs.dispatchEvent(new Event(type));
        await settled();
        await clock.pass(0);
    };
    let told;
    client.addEventListener("reconnecting", ({ detail }) => (told = detail));
    server.stop(60_000);
    assert.deepEqual([client.state, told.why.code, told.why.message, told.why.after], ["waiting", "shutting_down", "back soon", 60_000]);
    for (const type of ["online", "pageshow", "offline"]) await sign(type);
    assert.deepEqual([client.state, server.connections.length], ["waiting", 1]);
    client.hurry();
    await settled();
    await clock.pass(0);
    assert.deepEqual([client.state, server.connections.length], ["connecting", 2]);
    // A wait of its own ends at a sign, but not when there is no network.
    await clock.pass(0);
    server.cut();
    await sign("offline");
    assert.deepEqual([client.state, server.connections.length], ["waiting", 2]);
    await sign("online");
    assert.deepEqual([client.state, server.connections.length], ["connecting", 3]);
});

test("a machine that is offline asks for a sign of life on a connection that stands", TIMEOUT, async (t) => {
    const signs = new EventTarget();
    t.after(() => delete globalThis.addEventListener);
    globalThis.addEventListener = signs.addEventListener.bind(signs);
    const { server } = await begin(t);
    signs.dispatchEvent(new Event("offline"));
    assert.equal(server.pings, 1);
});

test("a clock that is set back does not part a page that is loaded anew from its session", TIMEOUT, async (t) => {
    await load();
    const server = await startServer();
    const first = new Client(server.url, { WebSocket });
    await first.register("bob");
    const second = new Client(server.url, { WebSocket });
    assert.equal((await second.resume(first.ticket)).resumed, true);
    const { ticket } = second;
    const now = Date.now();
    t.mock.method(Date, "now", () => now - 24 * HOUR_MS);
    const third = new Client(server.url, { WebSocket });
    assert.equal((await third.resume(ticket)).resumed, true);
    await Promise.all([first.close(), second.close(), third.close()]);
    await server.stop();
});
