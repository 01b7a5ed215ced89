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

const welcome = (name) => frame(0x02, [...blob(name), 0, ...new Uint8Array(16).fill(7), ...LIMITS]);

/** Registers whoever comes, lets them into each room, and then does what a test wants. Of who is in a room it tells
 * nothing, unless `members` gives names for that, or null for a rejection that passes. What is sent is not answered, unless
 * `answers` gives frames for its number. */
export const polite = (then, { name = "me", members = null, answers = () => [] } = {}) => (socket) => {
    let frames = Buffer.alloc(0);
    let hasPreface = false;
    let requests = 0;
    let isIn = false;
    socket.on("message", (bytes) => {
        frames = Buffer.concat([frames, bytes]);
        if (!hasPreface && frames.length > 16) {
            hasPreface = true;
            frames = frames.subarray(16);
            socket.send(joinBytes([PREFACE, welcome(name)]));
        }
        if (!hasPreface) return;
        for (const kind of kinds(frames)) {
            if ((kind & 0x40) === 0) continue;
            requests += 1;
            if (kind === 0x44 && members !== null) socket.send(joinBytes([roster(requests, members())]));
            if (kind === 0x47) socket.send(joinBytes([inNoRoom(requests)]));
            if (kind === 0x40) for (const answer of answers(requests)) socket.send(joinBytes([answer]));
            if (kind !== 0x42) continue;
            socket.send(joinBytes([frame(0x55, uint(requests))]));
            if (!isIn) then(socket);
            isIn = true;
        }
        frames = Buffer.alloc(0);
    });
};

/** What a session is subscribed to that has just begun. */
const inNoRoom = (number) => frame(0x5f, [...uint(number), 0, 0]);

/** Who is in a room. */
const roster = (number, names) =>
    names === null
        ? frame(0x52, [...uint(number), ...uint(UNAVAILABLE)])
        : frame(0x56, [...uint(number), ...uint(names.length), ...names.flatMap((name) => [...blob(name), 0]), 0]);

/** Has forgotten each session when somebody comes back to it, and registers them anew. What a test gives decides on
 * each joining, by the session's number and the room: `true`, or the code of a rejection, or `undefined` for no answer,
 * or `null`, with which the session ends; and may answer a registration otherwise. */
export const forgetful = (sessions, decide, register = (welcome) => welcome) => (socket) => {
    let bytes = Buffer.alloc(0);
    let session = null;
    let requests = 0;
    const send = (...frames) => socket.send(joinBytes(frames));
    const take = (kind, fields) => {
        if (kind === 0x09) send(frame(0x03, [...uint(SESSION_OVER), ...blob(""), 0]));
        if (kind === 0x01) {
            session = sessions.push([]) - 1;
            send(register(welcome("me"), session));
        }
        if ((kind & 0x40) === 0) return;
        requests += 1;
        if (kind === 0x47) send(inNoRoom(requests));
        if (kind !== 0x42) return;
        const room = fields.subarray(1).toString();
        sessions[session].push(room);
        const decision = decide(session, room);
        if (decision === null) socket.terminate();
        else if (decision !== undefined) send(decision === true ? frame(0x55, uint(requests)) : frame(0x52, [...uint(requests), ...uint(decision)]));
    };
    let hasPreface = false;
    socket.on("message", (more) => {
        bytes = Buffer.concat([bytes, more]);
        if (!hasPreface && bytes.length >= PREFACE.length) {
            hasPreface = true;
            bytes = bytes.subarray(PREFACE.length);
            send(PREFACE);
        }
        while (hasPreface && bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE(0)) {
            const end = 4 + bytes.readUInt32LE(0);
            const [kind, fields] = [bytes[4], bytes.subarray(5, end)];
            bytes = bytes.subarray(end);
            take(kind, fields);
        }
    });
};

/** Codes of refusals, of ends and of rejections. */
const SESSION_OVER = 6;
const DENIED = 4;
const KICKED = 5;
export const NO_SUCH_USER = 1;
export const UNDELIVERED = 1;
export const UNCONFIRMED = 2;
export const UNAVAILABLE = 11;

/** Refuses each name, with words for people. */
export const refusing = (words) => (socket) => {
    socket.once("message", () => socket.send(joinBytes([PREFACE, frame(0x03, [...uint(DENIED), ...blob(words), 0])])));
};

/** The session is ended by an operator, with words for people. */
export const kicked = (words) => frame(0x07, [...uint(KICKED), ...blob(words), 0]);

let id = BigInt(Date.now() - 1_735_689_600_000) << 23n;

/** The id of a message that the server accepts now. */
export const nextId = () => (id += 1n);

/** A message in a room, and one for a user. */
export const said = (from, body, room = "#lobby") => frame(0x54, [...uint(nextId()), ...blob(room), ...blob(from), ...blob(body)]);
export const told = (from, body) => frame(0x50, [...uint(nextId()), ...blob(from), ...blob(body)]);

/** What becomes of a message: it has this id, or is rejected, or a user has not taken it. */
export const accepted = (number, id) => frame(0x51, [1, ...uint(number), ...uint(id), 0]);
export const rejected = (number, code) => frame(0x52, [...uint(number), ...uint(code)]);
export const report = (code, to, id) => frame(0x5a, [...uint(code), ...blob(to), 1, ...uint(id)]);

/** So many messages of the lobby are missing. */
export const missed = (count) => frame(0x5b, [...blob("#lobby"), ...uint(nextId()), ...uint(nextId()), ...uint(count)]);

/** Somebody comes into the lobby; the display name is another than the name, or there is none. */
export const joined = (name, displayName = null) =>
    frame(0x57, [...blob("#lobby"), ...blob(name), ...(displayName === null ? [0] : [1, ...blob(displayName)])]);
