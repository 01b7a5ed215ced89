import { ChatError } from "chatcore";
import type { Reason } from "chatcore";

import { timeIn } from "../text/time.ts";

export const TOO_OLD = [
    "This browser is too old",
    "The chat needs Chrome or Edge 103, Firefox 104, Safari 16.4 or a newer one (on an iPhone or iPad iOS 16.4), " +
        "or a terminal: chatcore-client.",
] as const;

/** What a person can do about an error of `load`, or a fault. */
const BROKEN: Readonly<Record<string, readonly [title: string, words: string]>> = {
    no_wasm: [
        "There is no WebAssembly here",
        "The chat needs it. Use another browser, or a terminal: chatcore-client --connect ADDRESS.",
    ],
    wasm_missing: [
        "A part of the page is missing",
        "chatcore.wasm could not be loaded. Try again; if it stays so, tell who runs this server.",
    ],
    wasm_wrong: [
        "A part of the page is damaged",
        "chatcore.wasm is not what belongs to this page. Load it anew; if it stays so, tell who runs this server.",
    ],
    wasm_version: [
        "The page is of two versions",
        "The page and its module are of different versions. Load it anew; if it stays so, empty the browser's cache.",
    ],
    wasm_blocked: [
        "The page may not run",
        "A security policy forbids WebAssembly here. Tell who runs this server: script-src needs 'wasm-unsafe-eval'.",
    ],
};

export function broken(error: unknown): readonly [title: string, words: string] {
    const known = error instanceof ChatError ? BROKEN[error.code] : undefined;
    if (known !== undefined) return known;
    return typeof WebAssembly === "undefined"
        ? BROKEN["no_wasm"]!
        : ["The page has a fault", `${messageOf(error)}. Load the page anew: your session goes on.`];
}

/** What a name is. The server's words for it name characters by their numbers. */
const NAME = "A name has letters, digits and most signs, but no spaces, no # @ or :, and at most 32 bytes.";

/** Why a name was not given, and what to do. */
const REFUSALS: Readonly<Record<string, string>> = {
    invalid_name: NAME,
    confusable: "This name looks like one that somebody has. Try another one.",
    hub_full: "The server is full. Try again later.",
    shutting_down: "The server is stopping. Try again in a moment.",
    rate_limited: "That was too often. Try again in a moment.",
    too_many_sessions: "You have as many sessions as the server allows. Close one first.",
    denied: "The server does not give this name.",
};

/** The holder of a name may be the same person, in a tab that is closed: that has said no goodbye, and the browser opens it
 * again with all that was stored in it. */
function inUse(wait: number | null): string {
    const when = wait === null ? "in some minutes" : timeIn(wait);
    return (
        "Somebody has this name already: try another one. If that was you, in a tab that is closed, open that tab again " +
        `(“Reopen closed tab”), and the chat goes on there. Or wait: then the name is free ${when}.`
    );
}

/** Why the server has not given a name; `wait` is after how many milliseconds it may, if the server has said so. */
export function refused(code: string, message: string, wait: number | null, hadPassword: boolean): string {
    if (code === "denied" && hadPassword) return "This is not the password of this name.";
    if (code === "name_in_use") return inUse(wait);
    const words = REFUSALS[code];
    if (words !== undefined && (code !== "denied" || message === "")) return words;
    return message === "" ? "The server refuses the name." : sentence(message);
}

/** Why a name cannot even be asked for. */
export function notAsked(error: unknown): string {
    const code = error instanceof ChatError ? error.code : "";
    if (code === "name_too_long") return "This name is too long.";
    if (code === "credential_too_long") return "This password is too long.";
    if (code === "invalid") return "The session of this tab cannot go on. Begin anew.";
    return failure(error);
}

/** Why the server says goodbye. What somebody wrote who ended a session or stops the server is in place of the first two. */
const GOODBYES: Readonly<Record<string, string>> = {
    kicked: "somebody who runs this server has ended your session",
    shutting_down: "the server is stopping",
    taken_over: "your session goes on in another place",
    slow_consumer: "this page did not keep up with what came, and the server has ended your session",
    timed_out: "the server has heard nothing from this page for too long",
};

/** Other ends, by their kind. What exactly was wrong is for the console. */
const ENDS: Readonly<Record<string, string>> = {
    disconnected: "the server cannot be reached",
    timed_out: "the server does not answer",
    other_protocol: "what answers here is no chat. Tell who runs this server",
    protocol_error:
        "this server says what the page does not understand. Load the page anew; if it stays so, tell who runs this server",
    error: "this server does not understand the page. Load the page anew; if it stays so, tell who runs this server",
    fault: "the page has a fault. Load it anew: your session goes on",
};

/** Why a connection was lost. */
export function why({ kind, code, message }: Reason): string {
    if (!navigator.onLine && (kind === "disconnected" || kind === "timed_out")) return "this device is offline";
    if (code === "name_in_use") return "somebody else has your name now";
    // Without words of its own, a goodbye has its code for them.
    const own = message === code ? "" : message;
    if (kind === "refused") return REFUSALS[code] ?? (own || "the server refuses the name");
    if (kind === "goodbye") {
        const isWritten = own !== "" && (code === "kicked" || code === "shutting_down" || GOODBYES[code] === undefined);
        return isWritten ? own : (GOODBYES[code] ?? "the server has ended the connection");
    }
    return ENDS[kind] ?? "the session has ended";
}

/** Why a session has ended for good. */
export const ended = (reason: Reason): string => (reason.kind === "closed" ? "You have signed out." : sentence(why(reason)));

/** Why a message is not even kept until it can be sent. */
export const TOO_MUCH_WAITS = "too much waits for the server already";

/** What somebody is told who does not see these messages any more. */
export const notSent = (count: number): string =>
    count === 1 ? "A message of yours was not sent." : `${count} messages of yours were not sent.`;

/** Why something was not done, by its code, where the error's own words are for those who write programs. */
const FAILURES: Readonly<Record<string, string>> = {
    not_registered: "you are not connected yet: try again in a moment",
    registered: "you are connected already",
    closed: "your session has ended",
    invalid: "the page has asked for what cannot be",
    invalid_name:
        "a name has letters, digits and most signs, but no spaces, @ or :, and at most 32 bytes; that of a room has a # before it, and no other",
    name_too_long: "this name is too long",
    body_too_long: "the message is too long",
    outbox_full: `${TOO_MUCH_WAITS}: try again in a moment`,
    too_many_pending: "too much waits for an answer of the server: try again in a moment",
    unsent: "the session ended before the server had it",
    unconfirmed: "nobody knows whether it was done",
    fault: ENDS["fault"]!,
};

/** Why a message was not sent. */
export const unsent = (error: unknown): string =>
    (error instanceof ChatError ? FAILURES[error.code] : undefined) ?? messageOf(error);

/** Why something that was asked for was not done. */
export const failure = (error: unknown): string => sentence(unsent(error));

export function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

function sentence(text: string): string {
    const whole = text.slice(0, 1).toUpperCase() + text.slice(1);
    return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
