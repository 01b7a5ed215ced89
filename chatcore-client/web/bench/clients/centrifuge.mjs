import { Centrifuge } from "centrifuge";

export const prepare = () => {};

export async function open(WebSocket, heard) {
    const client = new Centrifuge("ws://fake/", { websocket: WebSocket });
    const room = client.newSubscription("lobby");
    room.on("publication", ({ data }) => heard(data.text));
    room.subscribe();
    client.connect();
    await room.ready();
    return { send: (text) => room.publish({ text }), close: () => client.disconnect() };
}
