import { Socket } from "phoenix";

export const prepare = () => {};

const answered = (push) => new Promise((resolve, reject) => push.receive("ok", resolve).receive("error", reject).receive("timeout", reject));

export async function open(WebSocket, heard) {
    const client = new Socket("ws://fake/socket", { transport: WebSocket });
    client.connect();
    const room = client.channel("room:lobby");
    room.on("message", ({ text }) => heard(text));
    await answered(room.join());
    return { send: (text) => answered(room.push("message", { text })), close: () => client.disconnect() };
}
