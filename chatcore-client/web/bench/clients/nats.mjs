import { wsconnect } from "@nats-io/nats-core";

export const prepare = () => {};

export async function open(WebSocket, heard) {
    const wsFactory = async (url) => ({ socket: new WebSocket(url), encrypted: false });
    const client = await wsconnect({ servers: "ws://fake:80", wsFactory });
    client.subscribe("lobby", { callback: (_, message) => heard(message.string()) });
    await client.flush();
    return { send: (text) => client.publish("lobby", text), close: () => void client.close() };
}
