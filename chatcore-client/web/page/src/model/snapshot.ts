import { isRoom } from "./types.ts";
import type { Conversation, Entry, Model } from "./types.ts";

/** The most entries of a conversation that a page which is loaded anew shows again. */
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

/** What a page that is loaded anew shows again, in about so many UTF-16 units. What the server has not got goes first,
 * and then the newest of each conversation. */
export function snapshot(model: Model, units: number): Snapshot {
    const all = [...model.conversations.values()];
    const unsent = shares(all, units, unsentOf);
    const isWhole = (one: Conversation): boolean => unsentOf(one) <= (unsent.get(one.name) ?? 0);
    const left = all.reduce((left, one) => left - (isWhole(one) ? unsentOf(one) : 0), units);
    const logs = shares(all, left, (one) => newest(one).filter(isSent).reduce(sumOf, 0));
    const conversations = all.map((conversation): Stored => {
        const { name, draft, unread, mentions, marker } = conversation;
        const isKept = isWhole(conversation);
        const entries = fitting(newest(conversation), logs.get(name) ?? 0, isKept).map(storedOf);
        const isCut = conversation.isCut || entries.length < conversation.entries.length;
        return { name, draft: isKept ? draft : "", unread, mentions, marker, isCut, entries };
    });
    return { version: VERSION, open: model.open, nextKey: model.nextKey, conversations };
}

const newest = ({ entries }: Conversation): Entry[] => entries.slice(-ENTRIES_MAX);
const isSent = (entry: Entry): boolean => entry.kind === "notice" || entry.state !== "waiting";
const unitsOf = ({ text }: Entry): number => text.length + ENTRY_UNITS;
const sumOf = (sum: number, entry: Entry): number => sum + unitsOf(entry);

/** What of a conversation is here alone: its draft, and what waits to be sent. */
const unsentOf = (one: Conversation): number =>
    newest(one)
        .filter((entry) => !isSent(entry))
        .reduce(sumOf, one.draft.length);

/** The newest entries that so many units have room for, and what waits to be sent beside them if it `isKept`. */
function fitting(entries: readonly Entry[], units: number, isKept: boolean): Entry[] {
    let left = units;
    const newest = entries.findLast(isSent);
    const kept = [...entries].reverse().map((entry) => {
        if (!isSent(entry)) return isKept ? entry : null;
        left -= unitsOf(entry);
        if (left >= 0) return entry;
        // At least its start: the server has been told that we have it.
        return entry === newest ? startOf(entry, left + entry.text.length) : null;
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

/** How many units each may take. Who needs little gets it whole, whatever the others need. */
function shares(all: readonly Conversation[], units: number, need: (one: Conversation) => number): Map<string, number> {
    let left = units;
    const byNeed = [...all].sort((a, b) => need(a) - need(b));
    return new Map(
        byNeed.map((one, at) => {
            const share = Math.min(need(one), Math.floor(left / (byNeed.length - at)));
            left -= share;
            return [one.name, share];
        }),
    );
}

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
