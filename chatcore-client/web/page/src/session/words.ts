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
    return message === "" ? `The server refuses the name: ${code}` : sentence(message);
}

/** Why a name cannot even be asked for. */
export function notAsked(error: unknown): string {
    const code = error instanceof ChatError ? error.code : "";
    if (code === "name_too_long") return "This name is too long.";
    if (code === "credential_too_long") return "This password is too long.";
    if (code === "invalid") return "The session of this tab cannot go on. Begin anew.";
    return sentence(messageOf(error));
}

/** Why a connection was lost. */
export function why(reason: Reason): string {
    if (!navigator.onLine && (reason.kind === "disconnected" || reason.kind === "timed_out"))
        return "this device is offline";
    if (reason.kind === "disconnected") return "the server cannot be reached";
    if (reason.kind === "timed_out") return "the server does not answer";
    if (reason.code === "name_in_use") return "somebody else has your name now";
    if (reason.kind === "refused") return REFUSALS[reason.code] ?? reason.message;
    return reason.message === "" ? reason.code : reason.message;
}

/** Why a session has ended for good. */
export function ended(reason: Reason): string {
    return reason.kind === "left"
        ? "You have signed out."
        : sentence(reason.message === "" ? reason.code : reason.message);
}

/** Why a message is not even kept until it can be sent. */
export const TOO_MUCH_WAITS = "too much waits for the server already";

/** Why a message was not sent. */
export function unsent(error: unknown): string {
    const isLost = error instanceof ChatError && error.code === "unsent";
    if (error instanceof ChatError && error.code === "outbox_full") return TOO_MUCH_WAITS;
    return isLost ? "the session ended before the server had it" : messageOf(error);
}

/** Why something that was asked for was not done. */
export function failure(error: unknown): string {
    if (error instanceof ChatError && error.code === "invalid_name") return NAME;
    return sentence(messageOf(error));
}

export function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

function sentence(text: string): string {
    const whole = text.slice(0, 1).toUpperCase() + text.slice(1);
    return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
