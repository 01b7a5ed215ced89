import type { Ticket } from "chatcore";

import type { Snapshot } from "../model/snapshot.ts";

/** What the tab's own storage has of us. The ticket is secret: it is nowhere else. */
const TICKET = "chatcore.ticket";
const LOG = "chatcore.log";

/** A session of this tab. `claim` names it among tabs, and tells nobody anything. */
export interface Kept {
    readonly ticket: Ticket;
    readonly claim: string;
}

/** Whether something was stored. */
export function keepTicket(kept: Kept): boolean {
    return put(TICKET, kept);
}

export function keepLog(log: Snapshot): boolean {
    if (put(LOG, log)) return true;
    // An old log is worse than none: it would miss what came since.
    remove(LOG);
    return false;
}

export function keptTicket(): Kept | null {
    const kept = get(TICKET) as Partial<Kept> | null;
    return typeof kept?.claim === "string" && typeof kept.ticket?.token === "string" ? (kept as Kept) : null;
}

export function keptLog(): Snapshot | null {
    const log = get(LOG) as Partial<Snapshot> | null;
    return Array.isArray(log?.conversations) ? (log as Snapshot) : null;
}

export function forget(): void {
    remove(TICKET);
    remove(LOG);
}

// The storage may be refused, full, or written by somebody else: then it is as if nothing were there.

function put(key: string, value: unknown): boolean {
    try {
        sessionStorage.setItem(key, JSON.stringify(value));
        return true;
    } catch {
        return false;
    }
}

function get(key: string): unknown {
    try {
        return JSON.parse(sessionStorage.getItem(key) ?? "null");
    } catch {
        return null;
    }
}

function remove(key: string): void {
    try {
        sessionStorage.removeItem(key);
    } catch {
        // There is nothing to remove.
    }
}
