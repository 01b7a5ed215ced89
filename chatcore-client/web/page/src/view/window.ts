import type { Entry } from "../model/types.ts";

/** The most entries that are drawn. */
const DRAWN_MAX = 240;

/** By how many entries the window moves. */
const STEP = 80;

/** Which entries are drawn: the newest ones, or those from a key on. */
export interface Window {
    /** Null while it follows the end. */
    readonly from: number | null;
}

/** Where the drawn entries begin and end. */
export function bounds(entries: readonly Entry[], { from }: Window): readonly [first: number, end: number] {
    const following = Math.max(entries.length - DRAWN_MAX, 0);
    if (from === null) return [following, entries.length];
    const at = entries.findIndex(({ key }) => key >= from);
    const first = Math.min(at < 0 ? entries.length : at, following);
    return [first, Math.min(first + DRAWN_MAX, entries.length)];
}

/** The window after somebody has come to its upper end. */
export function earlier(entries: readonly Entry[], window: Window): Window {
    const [first] = bounds(entries, window);
    return { from: entries[Math.max(first - STEP, 0)]?.key ?? null };
}

/** The window after somebody has come to its lower end. */
export function later(entries: readonly Entry[], window: Window): Window {
    const [first, end] = bounds(entries, window);
    return end === entries.length ? window : { from: entries[Math.min(first + STEP, entries.length - 1)]?.key ?? null };
}

/** A window that stays where it is though entries come. */
export function staying(entries: readonly Entry[], window: Window): Window {
    return { from: entries[bounds(entries, window)[0]]?.key ?? null };
}
