// A session of the page without a server: what the tests of its requests and of its outbox share.
import { ChatError } from "chatcore";

import { Requests, Store } from "./parts.mjs";

// What a browser has, and Node has not.
globalThis.document = { visibilityState: "hidden" };
globalThis.location = { pathname: "/" };
const stored = new Map();
globalThis.sessionStorage = {
    setItem: (key, value) => stored.set(key, value),
    getItem: (key) => stored.get(key) ?? null,
    removeItem: (key) => stored.delete(key),
};

export const refusal = (code) => new ChatError(code, false, code);

/** A client that does nothing, and keeps what is asked of it. What is sent and joined waits until a test answers it. */
export function clientOf({ pages = [], watchesMax = 10, state = "open" } = {}) {
    const asked = [];
    const answers = new Map();
    const answered = (what) => {
        asked.push(what);
        return new Promise((resolve, reject) => answers.set(what[1], { resolve, reject }));
    };
    return {
        asked,
        answers,
        name: "alice",
        state,
        limits: { watchesMax },
        send: (to, text) => answered([to, text]),
        join: (room) => answered(["join", room]),
        leave: (room) => answered(["leave", room]),
        async *subscriptions() {
            yield* pages;
        },
        // Each page is what a test gives, or an error.
        rosters: [],
        async *roster(room) {
            asked.push(["roster", room]);
            const page = await this.rosters.shift();
            if (page instanceof Error) throw page;
            if (page !== undefined) yield page;
        },
        watch: async (names) => void asked.push(["watch", ...names]),
        unwatch: async (names) => void asked.push(["unwatch", ...names]),
    };
}

/** A session of somebody who is in the lobby. `states` tells how far what they have written is, in its order. */
export function begun(client, keep = () => {}) {
    const store = new Store();
    store.dispatch({ type: "me", user: { name: "alice", displayName: null } });
    for (const type of ["entered", "open"]) store.dispatch({ type, room: "#lobby", name: "#lobby" });
    const states = () => (store.model.conversations.get("#lobby")?.entries ?? []).filter(({ kind }) => kind === "said")
        .map(({ text, state }) => `${text} ${state}`);
    return { store, states, requests: new Requests(client, store, () => keep(states())) };
}

/** What a client has only while it is there, in place of what a session has. */
export function beginning(client) {
    const target = new EventTarget();
    return Object.assign(target, client, { limits: null, closed: null });
}

/** Until everything that is settled is told. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));
