// What a message costs a client, on a WebSocket that is nothing but calls. It runs in Node and in pages.
import { SERVERS } from "./servers.mjs";

const BODY_LENGTH = 64;

/** Does something in a task of its own, as all that a WebSocket tells is told. */
function later(work) {
    if (globalThis.setImmediate !== undefined) return void setImmediate(work);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
        port1.close();
        work();
    };
    port2.postMessage(null);
}

/** A WebSocket whose other end is a server in the same process. */
function socketOf(server) {
    return class FakeSocket {
        static last;
        readyState = 0;
        bufferedAmount = 0;
        binaryType = "blob";
        extensions = "";
        protocol = server.constructor.protocol ?? "";
        /** While the clock runs, messages are counted and not answered. */
        counted = null;
        #listeners = {};

        constructor(url) {
            this.url = url;
            FakeSocket.last = this;
            later(() => {
                this.readyState = 1;
                this.#tell("open", {});
                server.opened?.(this);
            });
        }

        addEventListener(type, listener) {
            (this.#listeners[type] ??= []).push(listener);
        }

        removeEventListener() {}

        #tell(type, event) {
            this[`on${type}`]?.(event);
            const listeners = this.#listeners[type];
            if (listeners !== undefined) for (const listener of listeners) listener(event);
        }

        /** Bytes are the receiver's own. */
        deliver(data) {
            this.#tell("message", { data });
        }

        send(given) {
            const data = given instanceof ArrayBuffer ? new Uint8Array(given) : given;
            if (this.counted !== null) this.counted(server.count(data));
            else later(() => server.received(data, this));
        }

        close() {
            if (this.readyState === 3) return;
            this.readyState = 3;
            later(() => this.#tell("close", { code: 1000, reason: "", wasClean: true }));
        }
    };
}

/** Counts up to what is awaited. */
class Counter {
    #count = 0;
    #awaited = Infinity;
    #resolve;

    add(more) {
        this.#count += more;
        if (this.#count >= this.#awaited) this.#resolve();
    }

    until(count) {
        if (this.#count >= count) return Promise.resolve();
        this.#awaited = count;
        return new Promise((resolve) => (this.#resolve = resolve));
    }
}

/** A client that is in its room, and its server. */
export async function opened(name, library) {
    const server = new SERVERS[name]();
    const Socket = socketOf(server);
    let heard = () => {};
    const client = await library.open(Socket, (text) => heard(text));
    return { server, client, socket: Socket.last, hear: (listener) => (heard = listener) };
}

/** The first message goes out. */
export async function sendOne(name, library) {
    const { client, socket } = await opened(name, library);
    const counter = new Counter();
    socket.counted = (more) => counter.add(more);
    Promise.resolve(client.send("x".repeat(BODY_LENGTH))).catch(() => {});
    await counter.until(1);
}

const bodies = (count) => Array.from({ length: count }, (_, i) => String(i).padStart(BODY_LENGTH, "x"));

async function receive({ server, socket, hear }, count, together, clock) {
    const pieces = server.messages(bodies(count), together);
    const counter = new Counter();
    let length = 0;
    hear((text) => {
        length += text.length;
        counter.add(1);
    });
    socket.counted = () => {};
    const begun = clock();
    // Each message of a WebSocket is a task of its own.
    for (let at = 0; at < pieces.length; at += 1) {
        socket.deliver(pieces[at]);
        await counter.until(Math.floor(((at + 1) * count) / pieces.length));
    }
    const took = clock() - begun;
    if (length !== count * BODY_LENGTH) throw new Error(`${length} bytes arrived of ${count * BODY_LENGTH}`);
    return took / count;
}

async function send({ server, client, socket }, count, together, clock) {
    const answers = server.answers(count, together);
    const answersEach = answers.length / (count / together);
    const texts = bodies(count);
    const counter = new Counter();
    socket.counted = (more) => counter.add(more);
    const begun = clock();
    for (let at = 0; at < count; at += together) {
        const sent = [];
        for (let i = at; i < at + together; i += 1) sent.push(client.send(texts[i]));
        await counter.until(at + together);
        for (const answer of answers.splice(0, answersEach)) socket.deliver(answer);
        await Promise.all(sent);
    }
    return (clock() - begun) / count;
}

/** How many messages come, or are sent, at once. */
export const TOGETHER = [1, 64];

/** One round: the time for each message, in the unit of the clock. */
export async function round(name, library, count, clock) {
    const result = {};
    for (const together of TOGETHER) {
        for (const [what, work] of [["received", receive], ["sent", send]]) {
            const end = await opened(name, library);
            result[`${what} ${together}`] = await work(end, count, together, clock);
            end.client.close();
        }
    }
    return result;
}
