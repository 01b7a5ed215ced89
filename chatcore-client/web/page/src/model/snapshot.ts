import { isRoom } from "./types.ts";
import type { Conversation, Entry, Model } from "./types.ts";

/** The most entries of a conversation, and UTF-16 units of all, that a page which is loaded anew shows again. */
const ENTRIES_MAX = 200;
const UNITS_MAX = 512 << 10;

/** What is stored of a conversation: plain values for JSON. */
interface Stored {
    readonly name: string;
    readonly draft: string;
    readonly unread: number;
    readonly mentions: number;
    readonly marker: number | null;
    readonly entries: readonly (Entry & { readonly number?: string | undefined })[];
}

export interface Snapshot {
    readonly open: string | null;
    readonly nextKey: number;
    readonly conversations: readonly Stored[];
}

/** What a page that is loaded anew shows again. The newest of each conversation goes first, within the bounds. */
export function snapshot(model: Model): Snapshot {
    let left = UNITS_MAX;
    const conversations = [...model.conversations.values()].map((conversation): Stored => {
        const { name, draft, unread, mentions, marker } = conversation;
        const entries: Stored["entries"][number][] = [];
        for (const entry of conversation.entries.slice(-ENTRIES_MAX).reverse()) {
            left -= entry.text.length;
            if (left < 0) break;
            entries.unshift(entry.kind === "said" ? { ...entry, id: null, number: entry.id?.toString() } : entry);
        }
        return { name, draft, unread, mentions, marker, entries };
    });
    return { open: model.open, nextKey: model.nextKey, conversations };
}

/** The model with what was stored. Of what waited for the server, nobody knows whether it was sent: it went with the page. */
export function restore(model: Model, { open, nextKey, conversations }: Snapshot): Model {
    const restored = conversations.map(({ entries: stored, ...rest }): [string, Conversation] => {
        const entries = stored.map(({ number, ...entry }): Entry =>
            entry.kind !== "said"
                ? entry
                : {
                      ...entry,
                      id: number === undefined ? null : BigInt(number),
                      state: entry.state === "pending" ? "unconfirmed" : entry.state,
                  },
        );
        const restoredTo = entries.reduce(
            (highest, entry) => (entry.kind === "said" && entry.id !== null && entry.id > highest ? entry.id : highest),
            0n,
        );
        const units = entries.reduce((sum, entry) => sum + entry.text.length, 0);
        const touched = entries.at(-1)?.key ?? 0;
        return [
            rest.name,
            {
                ...rest,
                entries,
                units,
                restoredTo,
                touched,
                isJoined: isRoom(rest.name),
                roster: null,
                isStale: true,
                isOnline: null,
            },
        ];
    });
    return { ...model, open, nextKey: Math.max(nextKey, model.nextKey), conversations: new Map(restored) };
}
