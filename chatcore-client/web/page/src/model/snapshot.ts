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

/** What a page that is loaded anew shows again, in about so many UTF-16 units. The newest of each conversation goes
 * first. */
export function snapshot(model: Model, units: number): Snapshot {
    const all = [...model.conversations.values()];
    const drafts = shares(all, units, ({ draft }) => draft.length);
    const written = all.reduce((sum, one) => sum + (fits(one, drafts) ? one.draft.length : 0), 0);
    const logs = shares(all, units - written, (one) => newest(one).reduce((sum, entry) => sum + unitsOf(entry), 0));
    const conversations = all.map((conversation): Stored => {
        const { name, draft, unread, mentions, marker } = conversation;
        const entries: StoredEntry[] = [];
        const kept = fits(conversation, drafts) ? draft : "";
        let left = logs.get(name) ?? 0;
        for (const entry of newest(conversation).reverse()) {
            left -= unitsOf(entry);
            if (left < 0) break;
            entries.unshift(entry.kind === "said" ? { ...entry, id: null, number: entry.id?.toString() } : entry);
        }
        const isCut = conversation.isCut || entries.length < conversation.entries.length;
        return { name, draft: kept, unread, mentions, marker, isCut, entries };
    });
    return { version: VERSION, open: model.open, nextKey: model.nextKey, conversations };
}

const newest = ({ entries }: Conversation): Entry[] => entries.slice(-ENTRIES_MAX);
const unitsOf = ({ text }: Entry): number => text.length + ENTRY_UNITS;

const fits = ({ name, draft }: Conversation, drafts: ReadonlyMap<string, number>): boolean =>
    draft.length <= (drafts.get(name) ?? 0);

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
