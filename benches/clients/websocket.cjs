// Carries standard input to a server and its answers to standard output, over WebSocket by Node's ws.
//
//     node websocket.cjs URL [CERTIFICATE]

"use strict";

const { readFileSync } = require("node:fs");
const { WebSocket } = require("ws");

const [url, certificate] = process.argv.slice(2);
const socket = new WebSocket(url, "chatcore.v1", certificate ? { ca: readFileSync(certificate) } : {});

socket.on("open", () => process.stdin.on("data", (bytes) => socket.send(bytes)));
socket.on("message", (bytes) => process.stdout.write(bytes));
socket.on("close", () => process.exit());
socket.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
});
