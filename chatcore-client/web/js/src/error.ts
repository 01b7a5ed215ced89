import type { Open, RefusalCode } from "./events.ts";

/** What cannot be done: each {@link ChatError.code} that is known. */
export type ErrorCode =
    | RefusalCode
    | Open<
          | "wasm_missing"
          | "wasm_wrong"
          | "wasm_version"
          | "wasm_blocked"
          | "not_loaded"
          | "invalid"
          | "not_registered"
          | "registered"
          | "closed"
          | "name_too_long"
          | "credential_too_long"
          | "too_many_names"
          | "body_too_long"
          | "outbox_full"
          | "too_many_pending"
          | "no_such_user"
          | "recipient_full"
          | "not_a_member"
          | "too_many_rooms"
          | "room_full"
          | "hub_rooms_full"
          | "too_many_watches"
          | "hub_watches_full"
          | "unavailable"
          | "unsent"
          | "unconfirmed"
          | "disconnected"
          | "timed_out"
          | "kicked"
          | "not_taken"
          | "ended"
          | "fault"
      >;

/** A command that was not done, or a client that cannot begin. */
export class ChatError extends Error {
    /** What it is, for programs: the table of the README has all of them. */
    readonly code: ErrorCode;
    /** Whether the same may work later. */
    readonly retryable: boolean;
    /** The milliseconds after which the server thinks that it may work; missing if it does not say. */
    readonly after?: number;

    /** @internal */
    constructor(code: string, retryable: boolean, message: string, options: { after?: number | undefined; cause?: unknown } = {}) {
        super(message, "cause" in options ? { cause: options.cause } : undefined);
        this.name = "ChatError";
        this.code = code;
        this.retryable = retryable;
        if (options.after !== undefined) this.after = options.after;
    }
}

/** What the module throws: it imports this by its name. */
export const chatError = (code: string, retryable: boolean, message: string): ChatError => new ChatError(code, retryable, message);

/** Why the server has not done a request, for people. Whether a later try may do. */
const REJECTIONS: Readonly<Record<string, readonly [words: string, retryable: boolean]>> = {
    no_such_user: ["nobody with that name is here", true],
    recipient_full: ["the recipient has too much unread: try again later", true],
    body_too_long: ["the message is longer than the server or the recipient takes", false],
    invalid_name: ["that can be no name of a user or a room", false],
    not_a_member: ["only members of the room can do that: join it first", false],
    too_many_rooms: ["you are in as many rooms as the server allows: leave one first", false],
    room_full: ["the room has as many members as the server allows", true],
    hub_rooms_full: ["the server has as many rooms as it allows", true],
    too_many_watches: ["you would watch more users than the server allows", false],
    hub_watches_full: ["the server's users watch as many names as it allows", true],
    unavailable: ["the server cannot decide at present: try again later", true],
    unconfirmed: ["the server does not know whether it was done", false],
    denied: ["the server does not allow it", false],
};

/** A request that the server has rejected. */
export function rejection(code: string): ChatError {
    const [words, retryable] = REJECTIONS[code] ?? [`the server has not done it: ${code}`, false];
    return new ChatError(code, retryable, words);
}

/** Refusals of a name of which a later try may do. */
const RETRYABLE_REFUSALS = new Set(["name_in_use", "hub_full", "shutting_down", "rate_limited"]);

/** A name that the server refuses. */
export function refusal(code: string, detail: string, after: number | undefined): ChatError {
    const retryable = RETRYABLE_REFUSALS.has(code) || after !== undefined;
    return new ChatError(code, retryable, detail === "" ? `the server refuses the name: ${code}` : detail, { after });
}
