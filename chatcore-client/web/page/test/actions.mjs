// What happens in the tests of the model, and what they read of it.
import { INITIAL, reduce } from "./parts.mjs";

export const ME = { name: "alice", displayName: "Alice" };
let id = 0n;

/** An id above all before it. */
export const nextId = () => (id += 1n);
export const message = (from, text, room = null) => ({ type: "message", id: nextId(), from, room, text, time: 1_000 });
export const say = (to, text, key) => ({ type: "say", to, text, key, instead: null });
export const state = (to, key, state, id = null) => ({
    type: "state",
    to,
    key,
    state,
    id,
    time: id === null ? null : 1_000,
    why: null,
});
export const begun = (...actions) =>
    reduce(INITIAL, [
        { type: "me", user: ME },
        { type: "entered", room: "#lobby" },
        { type: "open", name: "#lobby" },
        ...actions,
    ]);

export const texts = (model, name) => model.conversations.get(name).entries.map(({ text }) => text);
export const last = (model, name) => model.conversations.get(name).entries.at(-1);
export const counts = (model, name) => (({ unread, mentions }) => [unread, mentions])(model.conversations.get(name));
