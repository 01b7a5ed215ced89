import type { ChatEvent, Client } from "chatcore";

import type { Action } from "../model/actions.ts";

/** Takes what has happened. The event is taken when its `waitUntil` says so. */
type Take = (action: Action, event: ChatEvent) => void;

/** Gives what a client tells of conversations, as actions of the model. */
export function listen(client: Client, take: Take): void {
    client.addEventListener("message", (event) => {
        const { id, from, room, text, time } = event.detail;
        take({ type: "message", id, from, room, text, time: time.getTime() }, event);
    });
    client.addEventListener("sent", (event) => {
        const { id, to, text, time } = event.detail;
        take({ type: "sent", id, to, text, time: time.getTime() }, event);
    });
    client.addEventListener("report", (event) => take({ type: "report", ...event.detail }, event));
    client.addEventListener("missed", (event) => {
        const { room, count } = event.detail;
        take({ type: "missed", room, count }, event);
    });
    client.addEventListener("joined", (event) => {
        const { room, name, displayName } = event.detail;
        take({ type: "joined", room, user: { name, displayName } }, event);
    });
    client.addEventListener("left", (event) => {
        const { room, name, code } = event.detail;
        take({ type: "left", room, name, isRenamed: code === "renamed" }, event);
    });
    client.addEventListener("stale", (event) => take({ type: "stale", room: event.detail.room }, event));
    client.addEventListener("presence", (event) => {
        const { name, online } = event.detail;
        take({ type: "presence", name, isOnline: online }, event);
    });
}
