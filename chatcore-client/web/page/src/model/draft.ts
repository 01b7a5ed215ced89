import {
    ALL_UNITS_MAX,
    CONVERSATIONS_MAX,
    CONVERSATION_UNITS_MAX,
    ENTRIES_MAX,
    ROOMS_MAX,
    TEXT_UNITS_MAX,
} from "./bounds.ts";
import { isRoom, isWaiting } from "./types.ts";
import type { Conversation, Entry, Model } from "./types.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A conversation that is being changed: it shares nothing with the model from before. */
export type Open = Mutable<Omit<Conversation, "entries">> & { entries: Entry[] };

const EMPTY: Omit<Conversation, "name"> = {
    entries: [],
    isCut: false,
    units: 0,
    unread: 0,
    mentions: 0,
    marker: null,
    draft: "",
    isJoined: false,
    isWanted: false,
    early: new Map(),
    roster: null,
    isStale: true,
    moves: null,
    isOnline: null,
    restoredTo: 0n,
    touched: 0,
};

const unitsOf = (entry: Entry): number => entry.text.length;

/** A model that is being changed by a batch of actions: each conversation is copied once in it. */
export class Draft {
    readonly model: Mutable<Model>;
    readonly #conversations: Map<string, Conversation>;
    readonly #copied = new Map<string, Open>();

    constructor(model: Model) {
        this.#conversations = new Map(model.conversations);
        this.model = { ...model };
    }

    key(): number {
        return this.model.nextKey++;
    }

    has(name: string): boolean {
        return this.#conversations.has(name);
    }

    names(): string[] {
        return [...this.#conversations.keys()];
    }

    /** The conversation of this name, to be changed; it is made if it is not there. */
    conversation(name: string): Open {
        const copied = this.#copied.get(name);
        if (copied !== undefined) return copied;
        const before = this.#conversations.get(name) ?? { ...EMPTY, name, touched: this.model.nextKey };
        const open: Open = { ...before, entries: [...before.entries] };
        this.#copied.set(name, open);
        this.#conversations.set(name, open);
        return open;
    }

    /** The same, if it is there. */
    known(name: string): Open | undefined {
        return this.has(name) ? this.conversation(name) : undefined;
    }

    remove(name: string): void {
        this.#conversations.delete(name);
        this.#copied.delete(name);
        if (this.model.open === name) this.model.open = this.names()[0] ?? null;
    }

    append(conversation: Open, entry: Entry): void {
        const kept = entry.text.length > TEXT_UNITS_MAX ? { ...entry, text: cut(entry.text) } : entry;
        conversation.entries.push(kept);
        conversation.units += unitsOf(kept);
        conversation.touched = entry.key;
    }

    /** Says something of the page's own. */
    notice(name: string, text: string): void {
        const conversation = this.conversation(name);
        const last = conversation.entries.at(-1);
        // The same words again say nothing more.
        if (last?.kind === "notice" && last.text === text) return;
        this.append(conversation, { kind: "notice", key: this.key(), text });
    }

    /** The changed model, within its bounds. */
    done(): Model {
        for (const conversation of this.#copied.values()) trim(conversation, ENTRIES_MAX);
        this.#forgetStrangers();
        this.#keepAllWithin();
        this.model.conversations = sorted(this.#conversations);
        return this.model;
    }

    #forgetStrangers(): void {
        while (this.#conversations.size > CONVERSATIONS_MAX && this.#forgetOne() !== null);
        if (this.#conversations.size > ROOMS_MAX) this.#forgetRooms();
    }

    #forgetRooms(): void {
        const rooms = [...this.#conversations.values()].filter(({ name }) => isRoom(name) && name !== this.model.open);
        const oldest = rooms.sort((a, b) => a.touched - b.touched);
        for (const { name } of oldest.slice(0, Math.max(oldest.length - ROOMS_MAX, 0))) this.remove(name);
    }

    /** Forgets a user: first those to whom we have never written, and of them who was heard of longest ago. Null if there is none. */
    #forgetOne(): Conversation | null {
        const oldest = [...this.#conversations.values()]
            .filter(({ name, draft }) => !isRoom(name) && name !== this.model.open && draft === "")
            .filter(({ entries }) => !entries.some(isWaiting))
            .reduce<Conversation | null>(
                (first, one) => (first === null || goesBefore(one, first) ? one : first),
                null,
            );
        if (oldest !== null) this.remove(oldest.name);
        return oldest;
    }

    #keepAllWithin(): void {
        let units = 0;
        for (const conversation of this.#conversations.values()) units += conversation.units;
        while (units > ALL_UNITS_MAX) {
            const longest = [...this.#conversations.values()].reduce((longest, one) =>
                one.units > longest.units ? one : longest,
            );
            const open = this.conversation(longest.name);
            const before = { count: open.entries.length, units: open.units };
            trim(open, othersIn(open).length >> 1);
            if (open.entries.length < before.count) units -= before.units - open.units;
            else {
                const forgotten = this.#forgetOne();
                if (forgotten === null) return;
                units -= forgotten.units;
            }
        }
    }
}

const isStranger = ({ entries }: Conversation): boolean =>
    !entries.some((entry) => entry.kind === "said" && entry.state !== null);

function goesBefore(one: Conversation, other: Conversation): boolean {
    const [a, b] = [isStranger(one), isStranger(other)];
    return a === b ? one.touched < other.touched : a;
}

const cut = (text: string): string =>
    `${text.slice(0, TEXT_UNITS_MAX)}… (cut here: ${text.length} characters are too long for this page)`;

/** What does not wait to be sent: that which does has bounds of its own. */
const othersIn = ({ entries }: Open): Entry[] => entries.filter((entry) => !isWaiting(entry));

/** Drops the oldest of them until they are within their bounds. The newest one stays. */
function trim(conversation: Open, entriesMax: number): void {
    const others = othersIn(conversation);
    let drop = 0;
    const isTooMuch = (): boolean => others.length - drop > entriesMax || conversation.units > CONVERSATION_UNITS_MAX;
    while (drop < others.length - 1 && isTooMuch()) conversation.units -= unitsOf(others[drop++]!);
    if (drop === 0) return;
    const dropped = new Set(others.slice(0, drop));
    conversation.entries = conversation.entries.filter((entry) => !dropped.has(entry));
    conversation.isCut = true;
}

/** Rooms first, each kind by name. */
function sorted(conversations: ReadonlyMap<string, Conversation>): ReadonlyMap<string, Conversation> {
    const rank = (name: string): string => (isRoom(name) ? "0" : "1") + name;
    return new Map([...conversations].sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1)));
}
