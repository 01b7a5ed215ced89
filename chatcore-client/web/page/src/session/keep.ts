import type { Ticket } from "chatcore";

import { snapshot } from "../model/snapshot.ts";
import { readStored } from "../model/stored.ts";
import type { Model } from "../model/types.ts";

/** What the tab's own storage has of us. The ticket is secret: it is nowhere else. */
const TICKET = "chatcore.ticket";
const LOG = "chatcore.log";

/** At another path is another server. */
const keyOf = (what: string): string => `${what} ${location.pathname}`;

/** How many UTF-16 units of the log are kept, and how many if the browser has no room for those. */
const LOG_UNITS = [512 << 10, 128 << 10, 32 << 10, 8 << 10];

/** A session of this tab. `claim` names it among tabs, and tells nobody anything. */
export interface Kept {
    readonly ticket: Ticket;
    readonly claim: string;
}

/** Keeps the session, if need be in place of what was said in it. False if the browser does not. */
export function keepTicket(kept: Kept): boolean {
    if (put(TICKET, kept)) return true;
    remove(LOG);
    return put(TICKET, kept);
}

/** How much of the log is kept. Of one that is cut, something is lost with the page that nobody else has: drafts, or
 * what waits to be sent. */
export type LogKept = "whole" | "cut" | "none";

/** Keeps as much of what was said as the browser has room for. */
export function keepLog(model: Model): LogKept {
    for (const units of LOG_UNITS) {
        const { log, isWhole } = snapshot(model, units);
        if (put(LOG, log)) return isWhole ? "whole" : "cut";
    }
    // An old log is worse than none: it would miss what came since.
    remove(LOG);
    return "none";
}

/** The session of this tab; null if there is none, undefined if what is there cannot be read. */
export function keptTicket(): Kept | null | undefined {
    const kept = get(TICKET);
    return kept === null || isKept(kept) ? kept : undefined;
}

/** What was stored of the log, if it can be read. */
export const keptLog = (): ReturnType<typeof readStored> => readStored(get(LOG));

export function forget(): void {
    remove(TICKET);
    remove(LOG);
}

/** The client itself looks at the token. */
function isKept(value: unknown): value is Kept {
    const { ticket, claim } = (value ?? {}) as Partial<Kept>;
    if (typeof claim !== "string" || typeof ticket !== "object" || ticket === null) return false;
    const { name, displayName, token, attempt } = ticket as Partial<Ticket>;
    const isUser = typeof name === "string" && (displayName === null || typeof displayName === "string");
    return isUser && typeof token === "string" && Number.isSafeInteger(attempt);
}

// The storage may be refused or full: then it is as if nothing were there. What cannot be read is undefined.

function put(what: string, value: unknown): boolean {
    try {
        sessionStorage.setItem(keyOf(what), JSON.stringify(value));
        return true;
    } catch {
        return false;
    }
}

function get(what: string): unknown {
    let stored;
    try {
        stored = sessionStorage.getItem(keyOf(what));
    } catch {
        return null;
    }
    try {
        return stored === null ? null : (JSON.parse(stored) ?? undefined);
    } catch {
        return undefined;
    }
}

function remove(what: string): void {
    try {
        sessionStorage.removeItem(keyOf(what));
    } catch {
        // There is nothing to remove.
    }
}
