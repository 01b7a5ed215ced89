// What the module tells, from bytes: see `src/encoding.rs` and `src/events.rs` of the module.
import { timeOf } from "./events.ts";
import type { ChatEvents, Limits, Message, Reason, Subscriptions, User } from "./events.ts";

/** An answer to a request. */
export type Answer =
    | { readonly kind: "accepted"; readonly number: number; readonly id: bigint }
    | { readonly kind: "done"; readonly number: number }
    | { readonly kind: "rejected"; readonly number: number; readonly code: string }
    | { readonly kind: "page"; readonly number: number; readonly page: readonly User[] | Subscriptions; readonly next: bigint | null };

/** What the module tells: an event for the program, or something that the package handles first. */
export type Told =
    | { [K in keyof ChatEvents]: { readonly type: K; readonly detail: ChatEvents[K] } }[keyof ChatEvents]
    | { readonly type: "lost"; readonly unsentFrom: number }
    | { readonly type: "answer"; readonly answer: Answer };

const UTF8 = new TextDecoder();

/** Bytes of a text for which the call of a decoder takes longer than to read them one by one. */
const SHORT_BYTES_MAX = 32;

class Reader {
    readonly #bytes: Uint8Array<ArrayBuffer>;
    readonly #view: DataView;
    #at = 0;

    constructor(bytes: Uint8Array<ArrayBuffer>) {
        this.#bytes = bytes;
        this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }

    get isAtEnd(): boolean {
        return this.#at === this.#bytes.length;
    }

    byte(): number {
        return this.#view.getUint8(this.#at++);
    }

    flag(): boolean {
        return this.byte() !== 0;
    }

    count(): number {
        return this.#view.getUint32((this.#at += 4) - 4, true);
    }

    number(): bigint {
        return this.#view.getBigUint64((this.#at += 8) - 8, true);
    }

    /** The number of a request: no client makes 2^53 of them. */
    request(): number {
        return Number(this.number());
    }

    time(): number {
        return this.#view.getFloat64((this.#at += 8) - 8, true);
    }

    /** Bytes of their own: a small body does not keep a whole batch. */
    blob(): Uint8Array<ArrayBuffer> {
        const length = this.count();
        return this.#bytes.slice(this.#at, (this.#at += length));
    }

    body(): Pick<Message, "body" | "text"> {
        const body = this.blob();
        return { body, text: UTF8.decode(body) };
    }

    text(): string {
        const length = this.count();
        const from = this.#at;
        this.#at += length;
        const short = length <= SHORT_BYTES_MAX ? this.#ascii(from, this.#at) : undefined;
        return short ?? UTF8.decode(this.#bytes.subarray(from, this.#at));
    }

    /** A text of ASCII, as most names are; undefined if it is another one. */
    #ascii(from: number, end: number): string | undefined {
        let text = "";
        for (let at = from; at < end; at += 1) {
            const byte = this.#bytes[at]!;
            if (byte >= 0x80) return undefined;
            text += String.fromCharCode(byte);
        }
        return text;
    }

    optionalText(): string | null {
        return this.option(() => this.text());
    }

    option<T>(read: () => T): T | null {
        return this.flag() ? read() : null;
    }

    list<T>(read: () => T): T[] {
        return Array.from({ length: this.count() }, read);
    }

    user(): User {
        return { name: this.text(), displayName: this.optionalText() };
    }

    reason(): Reason {
        return { kind: this.text(), code: this.text(), message: this.text(), after: this.option(() => this.time()) };
    }

    page(read: () => readonly User[] | Subscriptions): Told {
        const [number, page] = [this.request(), read()];
        return { type: "answer", answer: { kind: "page", number, page, next: this.option(() => this.number()) } };
    }

    users(): readonly User[] {
        return this.list(() => this.user());
    }

    limits(): Limits {
        return {
            frameBytesMax: this.count(),
            bodyBytesMax: this.count(),
            outboxBytesMax: this.count(),
            stallTimeMax: this.count(),
            idleTimeMax: this.count(),
            resumeTimeMax: this.count(),
            roomsMax: this.count(),
            watchesMax: this.count(),
            costPerS: this.count(),
            costBurst: this.count(),
        };
    }
}

/** How each kind is read: its place in the list is its number. */
const KINDS: readonly ((from: Reader) => Told)[] = [
    (from) => ({ type: "registered", detail: { ...from.user(), limits: from.limits() } }),
    (from) => ({ type: "refused", detail: { code: from.text(), message: from.text(), after: from.option(() => from.time()) } }),
    (from) => ({ type: "reconnecting", detail: { why: from.reason(), attempt: from.count(), after: from.time() } }),
    (from) => ({ type: "idle", detail: { why: from.reason() } }),
    () => ({ type: "connecting", detail: {} }),
    () => ({ type: "resumed", detail: {} }),
    (from) => ({ type: "lost", unsentFrom: from.request() }),
    (from) => ({ type: "renamed", detail: { from: from.text(), ...from.user(), message: from.text() } }),
    (from) => ({ type: "closed", detail: from.reason() }),
    (from) => ({ type: "answer", answer: { kind: "accepted", number: from.request(), id: from.number() } }),
    (from) => ({ type: "answer", answer: { kind: "done", number: from.request() } }),
    (from) => ({ type: "answer", answer: { kind: "rejected", number: from.request(), code: from.text() } }),
    (from) => from.page(() => from.users()),
    (from) => from.page(() => from.users()),
    (from) => {
        const id = from.number();
        return { type: "message", detail: { id, from: from.text(), room: from.optionalText(), ...from.body(), time: timeOf(id) } };
    },
    (from) => {
        const id = from.number();
        return { type: "sent", detail: { id, to: from.text(), ...from.body(), time: timeOf(id) } };
    },
    (from) => ({ type: "report", detail: { status: from.text(), to: from.text(), ids: from.list(() => from.number()) } }),
    (from) => ({ type: "joined", detail: { room: from.text(), ...from.user() } }),
    (from) => ({ type: "left", detail: { room: from.text(), name: from.text(), code: from.text() } }),
    (from) => ({
        type: "missed",
        detail: { room: from.text(), firstId: from.number(), lastId: from.number(), count: from.number() },
    }),
    (from) => ({ type: "stale", detail: { room: from.text() } }),
    (from) => {
        const [name, online, displayName] = [from.text(), from.flag(), from.optionalText()];
        return { type: "presence", detail: { name, online, displayName } };
    },
    (from) => from.page(() => ({ rooms: from.list(() => from.text()), users: from.list(() => from.text()) })),
];

/** What a batch tells, in its order. */
export function* decode(batch: Uint8Array<ArrayBuffer>): Generator<Told> {
    const from = new Reader(batch);
    while (!from.isAtEnd) yield KINDS[from.byte()]!(from);
}

/** What the server allows. */
export const decodeLimits = (bytes: Uint8Array<ArrayBuffer>): Limits => new Reader(bytes).limits();

/** What a program stores to go on with its session. */
export interface Ticket {
    /** The session's name. */
    readonly name: string;
    /** The spelling with which the user registered; null if that is the name. */
    readonly displayName: string | null;
    /** The session's secret: who has it can take the session over. */
    readonly token: string;
    /** The number of the last attempt to resume the session. */
    readonly attempt: number;
}

/** A ticket as plain values, which JSON keeps as they are. */
export function decodeTicket(bytes: Uint8Array<ArrayBuffer>): Ticket {
    const from = new Reader(bytes);
    const user = from.user();
    const token = Array.from(from.blob(), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { ...user, token, attempt: Number(from.number()) };
}
