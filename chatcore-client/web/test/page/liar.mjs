// A server whose files are those of a real one, unless a test changes them, and whose WebSocket does what a test wants.
import { once } from "node:events";
import { createServer } from "node:http";

import { WebSocketServer } from "ws";

import { PREFACE, blob, frame, joinBytes, kinds, uint } from "../wire.mjs";

/**
 * @param port Where the real server is.
 * @param change Of a file's path, status, headers and body, what is to be told instead.
 * @param talk What the WebSocket does.
 */
export async function startLiar(port, { change = (file) => file, talk = () => {}, protocol = "chatcore.v1" }) {
    const http = createServer(async ({ url }, response) => {
        const real = await fetch(`http://127.0.0.1:${port}${url}`);
        const headers = Object.fromEntries(real.headers);
        const file = change({ path: url, status: real.status, headers, body: Buffer.from(await real.arrayBuffer()) });
        file.headers["content-length"] = file.body.length;
        response.writeHead(file.status, file.headers).end(file.body);
    }).listen(0, "127.0.0.1");
    await once(http, "listening");
    const sockets = new WebSocketServer({ server: http, handleProtocols: () => protocol });
    sockets.on("connection", (socket) => {
        socket.on("error", () => {});
        talk(socket);
    });
    return {
        url: `http://127.0.0.1:${http.address().port}/`,
        end: () => {
            for (const socket of sockets.clients) socket.terminate();
            http.closeAllConnections();
            http.close();
        },
    };
}

const LIMITS = [65_792, 65_536, 4 << 20, 60_000, 600_000, 600_000, 100, 100, 0, 0].flatMap(uint);

/** Registers whoever comes, lets them into each room, and then does what a test wants. */
export const polite = (then) => (socket) => {
    let frames = Buffer.alloc(0);
    let hasPreface = false;
    let requests = 0;
    socket.on("message", (bytes) => {
        frames = Buffer.concat([frames, bytes]);
        if (!hasPreface && frames.length > 16) {
            hasPreface = true;
            frames = frames.subarray(16);
            socket.send(joinBytes([PREFACE, frame(0x02, [...blob("me"), 0, ...new Uint8Array(16).fill(7), ...LIMITS])]));
        }
        if (!hasPreface) return;
        for (const kind of kinds(frames)) {
            if ((kind & 0x40) === 0) continue;
            requests += 1;
            if (kind !== 0x42) continue;
            socket.send(joinBytes([frame(0x55, uint(requests))]));
            if (requests === 1) then(socket);
        }
        frames = Buffer.alloc(0);
    });
};

let id = BigInt(Date.now() - 1_735_689_600_000) << 23n;

/** A message in the lobby. */
export const said = (from, body) => frame(0x54, [...uint((id += 1n)), ...blob("#lobby"), ...blob(from), ...blob(body)]);

/** Somebody comes into the lobby. */
export const joined = (name, displayName) => frame(0x57, [...blob("#lobby"), ...blob(name), 1, ...blob(displayName)]);
