import type { Client } from "chatcore";

import type { Action } from "../model/actions.ts";

type Dispatch = (action: Action) => void;

/** Puts into the model what a client tells of conversations. */
export function listen(client: Client, dispatch: Dispatch): void {
    client.addEventListener("message", ({ detail: { id, from, room, text, time } }) =>
        dispatch({ type: "message", id, from, room, text, time: time.getTime() }),
    );
    client.addEventListener("sent", ({ detail: { id, to, text, time } }) =>
        dispatch({ type: "sent", id, to, text, time: time.getTime() }),
    );
    client.addEventListener("report", ({ detail }) => dispatch({ type: "report", ...detail }));
    client.addEventListener("missed", ({ detail: { room, count } }) => dispatch({ type: "missed", room, count }));
    client.addEventListener("joined", ({ detail: { room, name, displayName } }) =>
        dispatch({ type: "joined", room, user: { name, displayName } }),
    );
    client.addEventListener("left", ({ detail: { room, name } }) => dispatch({ type: "left", room, name }));
    client.addEventListener("stale", ({ detail: { room } }) => dispatch({ type: "stale", room }));
    client.addEventListener("presence", ({ detail: { name, online } }) =>
        dispatch({ type: "presence", name, isOnline: online }),
    );
}
