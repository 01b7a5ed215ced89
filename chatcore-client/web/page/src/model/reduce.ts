import { mentions } from "../text/mentions.ts";
import type { Action } from "./actions.ts";
import { Draft } from "./draft.ts";
import type { Open } from "./draft.ts";
import { joined, left, listed } from "./members.ts";
import { answered, report, say } from "./own.ts";
import { isRoom } from "./types.ts";
import type { Entry, Model, Said, User } from "./types.ts";

/** The model after a batch of actions. */
export function reduce(model: Model, actions: readonly Action[]): Model {
    const draft = new Draft(model);
    for (const action of actions) apply(draft, action);
    return draft.done();
}

function apply(draft: Draft, action: Action): void {
    const { model } = draft;
    switch (action.type) {
        case "phase":
            model.phase = action.phase;
            return;
        case "link":
            model.link = action.link;
            return;
        case "warning":
            model.warning = action.words;
            return;
        case "failure":
            model.failure = action.words;
            return;
        case "me":
            return me(draft, action.user);
        case "beginning":
            model.isBeginning = action.isBeginning;
            return;
        case "lost":
            return lost(draft);
        case "seen":
            model.isSeen = action.isSeen;
            if (action.isSeen && model.open !== null) read(draft.conversation(model.open));
            return;
        case "open":
            return open(draft, action.name);
        case "draft":
            draft.conversation(action.name).draft = action.text;
            return;
        case "say":
            return say(draft, action);
        case "state":
            return answered(draft, action);
        case "report":
            return report(draft, action);
        case "message":
            return arrived(draft, action.room ?? action.from, action);
        case "sent":
            return arrived(draft, action.to, { ...action, from: model.me?.name ?? "" });
        case "missed":
            return draft.notice(action.room, missing(action.count));
        case "notice":
            return draft.notice(action.name, action.text);
        case "entered": {
            const room = draft.conversation(action.room);
            room.isJoined = true;
            room.isWanted = true;
            return stale(room);
        }
        case "outside": {
            const room = draft.conversation(action.room);
            room.isJoined = false;
            room.isWanted = action.isWanted;
            return draft.notice(action.room, action.why);
        }
        case "closed":
            draft.remove(action.name);
            if (model.isSeen && model.open !== null) read(draft.conversation(model.open));
            return;
        case "joined":
            // Another session of ours has: then we are in the room as well.
            if (action.user.name === model.me?.name) return apply(draft, { type: "entered", room: action.room });
            return joined(draft, action.room, action.user);
        case "left":
            // And out of it as well. In a room in which we have another name, we are still.
            if (action.name === model.me?.name && !action.isRenamed) return out(draft, action.room);
            return left(draft, action);
        case "asking": {
            const room = draft.known(action.room);
            if (room !== undefined) room.moves = new Map();
            return;
        }
        case "roster": {
            const room = draft.known(action.room);
            if (room === undefined) return;
            return listed(room, action.users);
        }
        case "stale": {
            const room = draft.known(action.room);
            if (room !== undefined) stale(room);
            return;
        }
        case "presence": {
            const user = draft.known(action.name);
            if (user !== undefined) user.isOnline = action.isOnline;
        }
    }
}

const missing = (count: bigint): string =>
    count === 1n ? "1 message is missing here" : `${count} messages are missing here`;

/** Who is in a room is not known any more, nor by an answer that is under way. */
function stale(room: Open): void {
    room.isStale = true;
    room.moves = null;
}

/** We have left a room somewhere else. */
function out(draft: Draft, room: string): void {
    if (!draft.has(room)) return;
    apply(draft, { type: "outside", room, why: `You have left ${room} in another session of yours`, isWanted: false });
}

/** Nobody is told that they themselves have another name in a room. */
function me(draft: Draft, user: User): void {
    const before = draft.model.me;
    draft.model.me = user;
    if (before === null || before.name === user.name) return;
    for (const name of draft.names()) stale(draft.conversation(name));
}

function lost(draft: Draft): void {
    for (const name of draft.names()) {
        const conversation = draft.conversation(name);
        conversation.isJoined = false;
        stale(conversation);
        conversation.isOnline = null;
        if (isRoom(name))
            draft.notice(name, "Your session ended while you were away: what was said meanwhile is missing here");
    }
}

function open(draft: Draft, name: string): void {
    const { model } = draft;
    if (model.open !== null && model.open !== name) {
        const before = draft.known(model.open);
        if (before !== undefined) before.marker = null;
    }
    // The first one is opened by the page: nobody has read the words yet.
    if (model.open !== null) model.failure = null;
    model.open = name;
    const conversation = draft.conversation(name);
    if (model.isSeen) read(conversation);
}

/** The person sees the end of it. The marker stays, so that they see where they were. */
function read(conversation: Open): void {
    conversation.unread = 0;
    conversation.mentions = 0;
}

interface Arrived {
    readonly id: bigint;
    readonly from: string;
    readonly text: string;
    readonly time: number;
}

function arrived(draft: Draft, name: string, { id, from, text, time }: Arrived): void {
    const { model } = draft;
    const conversation = draft.conversation(name);
    const isOwn = from === model.me?.name;
    const isKnown = (entry: Entry): boolean =>
        entry.kind === "said" && (entry.id === id || (entry.state === "pending" && entry.text === text));
    // It came before the page was loaded anew, or we have written to ourselves.
    if ((id <= conversation.restoredTo || (isOwn && name === from)) && conversation.entries.some(isKnown)) return;
    const isMention = !isOwn && model.me !== null && mentions(text, model.me.name, model.me.displayName);
    const entry: Said = {
        kind: "said",
        key: draft.key(),
        from,
        text,
        id,
        time,
        state: isOwn ? "accepted" : null,
        why: null,
        isMention,
    };
    draft.append(conversation, entry);
    if (isOwn) return;
    model.open ??= name;
    count(draft, conversation, entry, isMention || !isRoom(name));
}

function count(draft: Draft, conversation: Open, entry: Entry, isForUs: boolean): void {
    if (draft.model.isSeen && draft.model.open === conversation.name) return;
    if (conversation.unread === 0) conversation.marker = entry.key;
    conversation.unread += 1;
    if (isForUs) conversation.mentions += 1;
}
