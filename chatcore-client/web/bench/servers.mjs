// The servers' ends, as little of each protocol as a client in one room needs. Each makes the bytes of messages and of answers
// before they are wanted, so that only the client is at work while the clock runs.

import { PREFACE, blob, frame, joinBytes, kinds, uint } from "../test/wire.mjs";

const FROM = "bob";
const utf8 = new TextEncoder();
const text = new TextDecoder();

/** One piece for all, where the protocol has several messages in one of the WebSocket's; else one for each. */
const joined = (pieces, join, together) => {
    const all = [];
    for (let at = 0; at < pieces.length; at += together) all.push(join(pieces.slice(at, at + together)));
    return all;
};

/** The protocol of chatcore: docs/src/protocol.md. */
export class ChatcoreServer {
    static protocol = "chatcore.v1";
    #requests = 0n;
    #id = BigInt(Date.now() - 1_735_689_600_000) << 23n;
    #hasBegun = false;

    received(bytes, socket) {
        const frames = this.#hasBegun ? bytes : bytes.subarray(16);
        if (!this.#hasBegun && frames.length > 0) {
            this.#hasBegun = true;
            const limits = [65_792, 65_536, 4 << 20, 60_000, 600_000, 600_000, 100, 100, 0, 0].flatMap(uint);
            const welcome = frame(0x02, [...blob("alice"), 0, ...new Uint8Array(16).fill(7), ...limits]);
            socket.deliver(joinBytes([PREFACE, welcome]));
        }
        for (const kind of kinds(frames)) {
            // The room is joined with the first request.
            if ((kind & 0x40) !== 0 && ++this.#requests === 1n) socket.deliver(joinBytes([frame(0x55, [1])]));
        }
    }

    count(bytes) {
        let count = 0;
        for (const kind of kinds(bytes)) if (kind === 0x40) count += 1;
        return count;
    }

    messages(bodies, together) {
        const frames = bodies.map((body) => frame(0x54, [...uint(++this.#id), ...blob("#lobby"), ...blob(FROM), ...blob(body)]));
        return joined(frames, joinBytes, together);
    }

    /** Several sends have one answer, as the hub does it. */
    answers(count, together) {
        const answers = [];
        for (let done = 0; done < count; done += together) {
            const run = [1, ...uint(this.#requests + 1n), ...uint(this.#id + 1n), ...uint(together - 1)];
            this.#requests += BigInt(together);
            this.#id += BigInt(together);
            answers.push(joinBytes([frame(0x04, uint(this.#requests)), frame(0x51, run)]));
        }
        return answers;
    }
}

/** Centrifugo's JSON, with a channel that keeps its history, so that the client can recover what it has missed. */
export class CentrifugeServer {
    #next = 1;
    #offset = 0;

    received(data, socket) {
        for (const line of data.split("\n")) {
            const { id, connect, subscribe } = JSON.parse(line);
            this.#next = id + 1;
            if (connect !== undefined) socket.deliver(JSON.stringify({ id, connect: { client: "a", version: "6" } }));
            if (subscribe !== undefined) {
                socket.deliver(JSON.stringify({ id, subscribe: { recoverable: true, positioned: true, epoch: "a", offset: 0 } }));
            }
        }
    }

    count(data) {
        return data.split("\n").length;
    }

    messages(bodies, together) {
        const info = { user: FROM, client: "a1b2c3d4-0000-4000-8000-000000000000" };
        const pieces = bodies.map((body) =>
            JSON.stringify({ push: { channel: "lobby", pub: { data: { text: body }, info, offset: ++this.#offset } } }));
        return joined(pieces, (lines) => lines.join("\n"), together);
    }

    answers(count, together) {
        const pieces = Array.from({ length: count }, () => JSON.stringify({ id: this.#next++, publish: {} }));
        return joined(pieces, (lines) => lines.join("\n"), together);
    }
}

/** The protocol of a NATS server. */
export class NatsServer {
    opened(socket) {
        const info = { server_id: "A", version: "2.12.0", proto: 1, headers: true, max_payload: 1 << 20 };
        socket.deliver(joinBytes([utf8.encode(`INFO ${JSON.stringify(info)}\r\n`)]));
    }

    received(bytes, socket) {
        if (text.decode(bytes).includes("PING\r\n")) socket.deliver(joinBytes([utf8.encode("PONG\r\n")]));
    }

    /** Each message here is as long as the others. */
    count(bytes) {
        return bytes.length / ("PUB lobby 64\r\n\r\n".length + 64);
    }

    messages(bodies, together) {
        return joined(bodies.map((body) => utf8.encode(`MSG lobby 1 ${body.length}\r\n${body}\r\n`)), joinBytes, together);
    }

    /** Nothing that is published is answered. */
    answers() {
        return [];
    }
}

/** The channels of Phoenix, whose messages are one to each of the WebSocket's. */
export class PhoenixServer {
    #next = 1;
    #join = null;

    received(data, socket) {
        const [join, ref, topic, event] = JSON.parse(data);
        this.#next = Number(ref) + 1;
        if (event !== "phx_join") return;
        this.#join = join;
        socket.deliver(JSON.stringify([join, ref, topic, "phx_reply", { status: "ok", response: {} }]));
    }

    count() {
        return 1;
    }

    messages(bodies) {
        return bodies.map((body) => JSON.stringify([null, null, "room:lobby", "message", { from: FROM, text: body }]));
    }

    answers(count) {
        return Array.from({ length: count }, () =>
            JSON.stringify([this.#join, String(this.#next++), "room:lobby", "phx_reply", { status: "ok", response: {} }]));
    }
}

export const SERVERS = { chatcore: ChatcoreServer, centrifuge: CentrifugeServer, nats: NatsServer, phoenix: PhoenixServer };
