import { isRoom, isWaiting } from "./types.ts";
import type { Conversation, Entry, Model } from "./types.ts";

/** The most entries of a conversation that a page which is loaded anew shows again, beside those that wait. */
const ENTRIES_MAX = 200;

/** What an entry takes beside its text when it is stored, in UTF-16 units. */
const ENTRY_UNITS = 200;

/** It rises with each change of what is stored. */
export const VERSION = 3;

/** JSON has no large numbers: an id is text. */
export type StoredEntry = Entry & { readonly number?: string | undefined };

/** What is stored of a conversation: plain values for JSON. */
export interface Stored {
    readonly name: string;
    readonly draft: string;
    readonly unread: number;
    readonly mentions: number;
    readonly marker: number | null;
    readonly isCut: boolean;
    readonly entries: readonly StoredEntry[];
}

export interface Snapshot {
    readonly version: number;
    readonly open: string | null;
    readonly nextKey: number;
    readonly conversations: readonly Stored[];
}

/** What a page that is loaded anew shows again, in about so many UTF-16 units. What waits to be sent goes first, then
 * drafts, and then the newest of each conversation. `isWhole` if all drafts and all that waits are in it. */
export function snapshot(model: Model, units: number): { readonly log: Snapshot; readonly isWhole: boolean } {
    const all = [...model.conversations.values()];
    let left = units;
    const takes = (need: number): boolean => {
        const fits = need <= left;
        if (fits) left -= need;
        return fits;
    };
    // It is sent in this order: nothing is kept that was written after what is lost.
    const waiting = all.flatMap(({ entries }) => entries.filter(isWaiting)).sort((a, b) => a.key - b.key);
    const lost = waiting.find((entry) => !takes(unitsOf(entry)))?.key ?? Infinity;
    const byDraft = [...all].sort((a, b) => a.draft.length - b.draft.length);
    const drafts = new Set(byDraft.filter(({ draft }) => takes(draft.length)));
    const logs = shares(all, left);
    const conversations = all.map((conversation): Stored => {
        const { name, unread, mentions, marker } = conversation;
        const entries = fitting(newest(conversation), logs.get(name) ?? 0, lost).map(storedOf);
        const isCut = conversation.isCut || entries.length < conversation.entries.length;
        const draft = drafts.has(conversation) ? conversation.draft : "";
        return { name, draft, unread, mentions, marker, isCut, entries };
    });
    const log = { version: VERSION, open: model.open, nextKey: model.nextKey, conversations };
    return { log, isWhole: lost === Infinity && drafts.size === all.length };
}

/** The newest entries of those that do not wait to be sent, and all that do. */
function newest({ entries }: Conversation): Entry[] {
    let drop = entries.filter((entry) => !isWaiting(entry)).length - ENTRIES_MAX;
    return entries.filter((entry) => isWaiting(entry) || drop-- <= 0);
}

const unitsOf = ({ text }: Entry): number => text.length + ENTRY_UNITS;

/** The newest entries that so many units have room for, and what waits to be sent beside them, but for what was written
 * from the key `lost` on. */
function fitting(entries: readonly Entry[], units: number, lost: number): Entry[] {
    let left = units;
    const last = entries.findLast((entry) => !isWaiting(entry));
    const kept = [...entries].reverse().map((entry) => {
        if (isWaiting(entry)) return entry.key < lost ? entry : null;
        left -= unitsOf(entry);
        if (left >= 0) return entry;
        // At least its start: the server has been told that we have it.
        return entry === last ? startOf(entry, left + entry.text.length) : null;
    });
    return kept.reverse().filter((entry) => entry !== null);
}

/** An entry with the start of its text, in so many units; null if that is nothing, or if it may be sent again. */
function startOf(entry: Entry, units: number): Entry | null {
    const words = `… (cut here: this browser has no room to keep all ${entry.text.length} characters)`;
    const isWanted = entry.kind === "said" && (entry.state === null || entry.state === "accepted");
    const length = units - words.length;
    return isWanted && length > 0 ? { ...entry, text: entry.text.slice(0, length) + words } : null;
}

const storedOf = (entry: Entry): StoredEntry =>
    entry.kind === "said" ? { ...entry, id: null, number: entry.id?.toString() } : entry;

/** How many units the log of each may take. Who needs little gets it whole, whatever the others need. */
function shares(all: readonly Conversation[], units: number): Map<string, number> {
    let left = units;
    const needs = all.map((one) => [one.name, needOf(one)] as const).sort(([, a], [, b]) => a - b);
    return new Map(
        needs.map(([name, need], at) => {
            const share = Math.min(need, Math.floor(left / (needs.length - at)));
            left -= share;
            return [name, share];
        }),
    );
}

const needOf = (one: Conversation): number =>
    newest(one).reduce((sum, entry) => (isWaiting(entry) ? sum : sum + unitsOf(entry)), 0);

/** The model with what was stored. Of what the client had and the server had not answered, nobody knows whether it was
 * sent: it went with the page. */
export function restore(model: Model, { open, nextKey, conversations }: Snapshot): Model {
    const restored = conversations.map((stored): [string, Conversation] => [stored.name, conversationOf(stored)]);
    const keys = conversations.flatMap(({ entries }) => entries.map(({ key }) => key + 1));
    const next = keys.reduce((highest, key) => Math.max(highest, key), Math.max(nextKey, model.nextKey));
    return { ...model, open, nextKey: next, conversations: new Map(restored) };
}

function conversationOf({ name, draft, unread, mentions, marker, isCut, entries: stored }: Stored): Conversation {
    const entries = stored.map(entryOf);
    return {
        name,
        draft,
        unread,
        mentions,
        marker,
        isCut,
        entries,
        units: entries.reduce((sum, { text }) => sum + text.length, 0),
        restoredTo: entries.reduce((highest, entry) => later(highest, entry.kind === "said" ? entry.id : null), 0n),
        touched: entries.at(-1)?.key ?? 0,
        isJoined: isRoom(name),
        isWanted: isRoom(name),
        early: new Map(),
        roster: null,
        isStale: true,
        moves: null,
        isOnline: null,
    };
}

const later = (highest: bigint, id: bigint | null): bigint => (id !== null && id > highest ? id : highest);

function entryOf({ number, ...entry }: StoredEntry): Entry {
    if (entry.kind !== "said") return entry;
    const state = entry.state === "pending" ? "unconfirmed" : entry.state;
    return { ...entry, id: number === undefined ? null : BigInt(number), state };
}
