import type { Action } from "./actions.ts";
import type { Draft } from "./draft.ts";
import type { Entry, OwnState, Said } from "./types.ts";

/** How many reports of messages whose ids are not known yet a conversation keeps. */
const EARLY_MAX = 1_000;

/** The person has written something, or sends it again. */
export function say(draft: Draft, { to, text, key, instead }: Action & { type: "say" }): void {
    const conversation = draft.conversation(to);
    const again = conversation.entries.findIndex((entry) => entry.key === instead);
    if (again >= 0) {
        conversation.units -= conversation.entries[again]!.text.length;
        conversation.entries.splice(again, 1);
    } else conversation.draft = "";
    conversation.marker = null;
    draft.model.nextKey = Math.max(draft.model.nextKey, key + 1);
    const from = draft.model.me?.name ?? "";
    const isNew = { id: null, time: null, state: "pending", why: null, isMention: false } as const;
    draft.append(conversation, { kind: "said", key, from, text, ...isNew });
}

/** The server has answered. */
export function answered(draft: Draft, { to, key, state, id, time, why }: Action & { type: "state" }): void {
    const conversation = draft.known(to);
    const at = conversation?.entries.findLastIndex((entry) => entry.key === key) ?? -1;
    const said = conversation?.entries[at];
    if (conversation === undefined || said?.kind !== "said") return;
    const reported = id === null ? undefined : conversation.early.get(id);
    conversation.entries[at] = { ...said, id, time, state: reported ?? state, why };
    if (id === null) return;
    settle(conversation.entries, at, id);
    if (reported === undefined) return;
    const early = new Map(conversation.early);
    early.delete(id);
    conversation.early = early;
}

/** Puts a message of ours where the server has it: others may have been accepted since it was written. Ids rise in its order. */
function settle(entries: Entry[], at: number, id: bigint): void {
    const to = entries.findLastIndex((entry) => entry.kind === "said" && entry.id !== null && entry.id < id);
    if (to > at) entries.splice(to, 0, ...entries.splice(at, 1));
}

const REPORTED: Readonly<Record<string, OwnState>> = { undelivered: "undelivered", unconfirmed: "unconfirmed" };

/** A user has not taken messages of ours. A report may come before the answer that tells the message's id. */
export function report(draft: Draft, { to, ids, status }: Action & { type: "report" }): void {
    const state = REPORTED[status] ?? "unconfirmed";
    const isNew = !draft.has(to);
    const conversation = draft.conversation(to);
    const missing = new Set(ids);
    conversation.entries = conversation.entries.map((entry) => {
        const isOurs = entry.kind === "said" && entry.state !== null && entry.id !== null;
        return isOurs && missing.delete((entry as Said).id!) ? { ...entry, state } : entry;
    });
    if (isNew) {
        const words = state === "undelivered" ? "did not arrive" : "may not have arrived";
        draft.notice(to, `${ids.length === 1 ? "A message" : `${ids.length} messages`} of yours ${words}`);
        conversation.unread += 1;
    } else if (missing.size > 0) {
        const early = [...conversation.early, ...[...missing].map((id) => [id, state] as const)];
        conversation.early = new Map(early.slice(-EARLY_MAX));
    }
}
