/** Text of which these are known. A newer server has others: ignore what you do not know. */
export type Open<Known extends string> = Known | (string & {});

/** Why the server refuses a name. */
export type RefusalCode = Open<
    | "invalid_name"
    | "name_in_use"
    | "hub_full"
    | "denied"
    | "shutting_down"
    | "rate_limited"
    | "confusable"
    | "too_many_sessions"
>;

/** Why somebody is not in a room any more: they left it, ended their session, lost it, or have another name. */
export type LeaveCode = Open<"left" | "quit" | "timed_out" | "renamed">;

/** What became of a message that was not taken: its recipient has not seen it, or may have. */
export type ReportStatus = Open<"undelivered" | "unconfirmed">;

/** What kind of end it is: see {@link Reason}. */
export type EndKind = Open<
    | "closed"
    | "goodbye"
    | "refused"
    | "error"
    | "protocol_error"
    | "other_protocol"
    | "timed_out"
    | "disconnected"
    | "not_taken"
    | "fault"
>;

/** What the server allows. All times are milliseconds. */
export interface Limits {
    /** The most bytes of a frame. */
    readonly frameBytesMax: number;
    /** The most bytes of a message's body. */
    readonly bodyBytesMax: number;
    /** The bytes that the server keeps for a client until it has taken them. */
    readonly outboxBytesMax: number;
    /** The milliseconds for which a client can take nothing of what waits for it. */
    readonly stallTimeMax: number;
    /** The milliseconds of silence after which the server closes a connection. */
    readonly idleTimeMax: number;
    /** For how many milliseconds the server keeps the session when its connection broke; 0 if it does not. */
    readonly resumeTimeMax: number;
    /** The rooms that one user can be in. */
    readonly roomsMax: number;
    /** The names that one user can watch. */
    readonly watchesMax: number;
    /** What requests may cost in a second; 0 if that is not bounded. */
    readonly costPerS: number;
    /** What requests may cost at once, after a pause. */
    readonly costBurst: number;
}

/** A user in a list. */
export interface User {
    /** The name, which identifies the user. */
    readonly name: string;
    /** The spelling to show; null if that is the name. */
    readonly displayName: string | null;
}

/** Why a connection or a client ended. */
export interface Reason {
    /** What kind of end it is: "closed" is our own, by `close` or the option `signal`. */
    readonly kind: EndKind;
    /** Which of that kind, such as "kicked". Of "closed": "ended", "unsent" or "unconfirmed", as `Client.close` tells. */
    readonly code: Open<"ended" | "unsent" | "unconfirmed" | "kicked" | "taken_over" | "slow_consumer" | "shutting_down" | "timed_out">;
    /** The same for people. The server may have written it: show it as text, never as markup. */
    readonly message: string;
    /** The milliseconds after which the server wants to see us again, or may give what it has refused; null if it does not say. */
    readonly after: number | null;
    /** What was thrown, of the kinds "not_taken" and "fault". */
    readonly cause?: unknown;
}

/** A message that has come. */
export interface Message {
    /** Its id, which rises in the order in which the server accepts messages. */
    readonly id: bigint;
    /** The name of its sender. */
    readonly from: string;
    /** The room that it was sent to, with its `#`; null if it was sent to us alone. */
    readonly room: string | null;
    /** What was sent: any bytes. */
    readonly body: Uint8Array<ArrayBuffer>;
    /** The body as text; bytes that are no UTF-8 become U+FFFD. */
    readonly text: string;
    /** When the server accepted it, by the server's clock. */
    readonly time: Date;
}

/** A page of what our session is subscribed to. */
export interface Subscriptions {
    /** Rooms that it is in. */
    readonly rooms: readonly string[];
    /** The names of users whom it watches. */
    readonly users: readonly string[];
}

/** A message that another session of ours has sent. */
export interface Sent {
    /** Its id. */
    readonly id: bigint;
    /** The name of its recipient. */
    readonly to: string;
    /** What was sent. */
    readonly body: Uint8Array<ArrayBuffer>;
    /** The body as text. */
    readonly text: string;
    /** When the server accepted it. */
    readonly time: Date;
}

/** Each event by its name, with its `detail`. More may come: ignore what you do not know. */
export interface ChatEvents {
    /** We have the name, and a session begins. */
    registered: User & { readonly limits: Limits };
    /** We do not get the name. `register` may be called again, `after` so many milliseconds if the server says how many. */
    refused: { readonly code: RefusalCode; readonly message: string; readonly after: number | null };
    /** The connection is lost. The next one is tried after so many milliseconds: {@link Client.nextAttemptIn} counts down. */
    reconnecting: { readonly why: Reason; readonly attempt: number; readonly after: number };
    /** The connection is lost while there is no session and no name to ask for: nothing happens until `register` or `close`. It
     * is `reconnecting` that tells of a connection that is lost otherwise. */
    idle: { readonly why: Reason };
    /** An attempt to connect begins. */
    connecting: Record<string, never>;
    /** The session goes on over a new connection: nothing is lost, and nothing comes twice. */
    resumed: Record<string, never>;
    /** The server does not have the session any more, and the client registers anew. We are in no room, and watch nobody. */
    sessionlost: Record<string, never>;
    /** An operator has renamed us. Store the ticket again. */
    renamed: User & { readonly from: string; readonly message: string };
    /** The client has ended. This is the last event. */
    closed: Reason;
    /** A message has come. */
    message: Message;
    /** Another session of ours has sent a message to a user. */
    sent: Sent;
    /** A recipient's session ended before it took messages of ours: it has not seen them ("undelivered"), or may have ("unconfirmed"). */
    report: { readonly status: ReportStatus; readonly to: string; readonly ids: readonly bigint[] };
    /** A user has joined a room that we are in; with our own name: another session of ours has. */
    joined: User & { readonly room: string };
    /** A user has left a room that we are in. */
    left: { readonly room: string; readonly name: string; readonly code: LeaveCode };
    /** Messages of a room are missing in this place. */
    missed: { readonly room: string; readonly firstId: bigint; readonly lastId: bigint; readonly count: bigint };
    /** Some joined and left of a room are missing: its roster tells who is there now. */
    stale: { readonly room: string };
    /** A user that we watch is online, or is not. */
    presence: User & { readonly online: boolean };
}

/** An event of a client. */
export class ChatEvent<K extends keyof ChatEvents = keyof ChatEvents> extends Event {
    /** What it tells. */
    readonly detail: ChatEvents[K];
    readonly #wait: (until: Promise<unknown>) => void;

    /** @internal */
    constructor(type: K, detail: ChatEvents[K], wait: (until: Promise<unknown>) => void) {
        super(type);
        this.detail = detail;
        this.#wait = wait;
    }

    /**
     * Takes the event only when this promise is fulfilled: the server keeps what the event told until then, and tells it again
     * to a client that resumes the session. Call it in a listener, for example with the writing of a message to a store.
     * Without it, an event is taken when its listeners have run, also if one has thrown. A server ends a session that takes
     * nothing for long ({@link Limits.stallTimeMax}).
     *
     * If the promise is rejected, the event is not taken, nor any later one: the client ends with the kind `not_taken` and
     * without a goodbye, and whoever resumes the session with the client's `ticket` gets them. They may come twice then: events
     * that came together are taken together.
     *
     * @throws {ChatError} `invalid` if the listeners have run already, such as after an `await`.
     */
    waitUntil(until: Promise<unknown>): void {
        this.#wait(until);
    }
}

/** When the server accepted a message with this id: the id holds it. */
export function timeOf(id: bigint): Date {
    return new Date(Number(id >> 23n) + 1_735_689_600_000);
}
