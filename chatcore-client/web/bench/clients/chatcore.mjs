import { Client, load } from "chatcore";

/** What must be there before a client can be made. */
export const prepare = (wasm) => load(wasm);

export async function open(WebSocket, heard) {
    const client = new Client("ws://fake/", { WebSocket });
    client.addEventListener("message", ({ detail }) => heard(detail.text));
    await client.register("alice");
    await client.join("#lobby");
    return { send: (text) => client.send("#lobby", text), close: () => void client.close() };
}
