/** A timer that is this late, or a clock that is off by so much, means that the machine has slept, or the page. */
const JUMP_MS = 5_000;

/** Notices that the machine has slept: then on many systems the clock on the wall has gone on, and the other one has not. */
export class SleepWatch {
    #offset = Date.now() - performance.now();

    /** Whether it has slept since this was called last, or is this late. `now` is the time of the clock that may stand still. */
    hasSlept(lateMs: number, now: number): boolean {
        const before = this.#offset;
        this.#offset = Date.now() - now;
        return lateMs >= JUMP_MS || this.#offset - before >= JUMP_MS;
    }
}

/** What speaks for it that the network is back: a page that is shown again, a machine that is online again. */
const SIGNS = ["online", "pageshow"] as const;

type Scope = Partial<Pick<typeof globalThis, "addEventListener" | "removeEventListener" | "document">>;

/** Nobody sees the page: its timers are slow, and it may be ended without a word. */
export const isHidden = (): boolean => (globalThis as Scope).document?.visibilityState === "hidden";

/** Calls the first when something speaks for it that the network is back, and the second when the page is hidden, or goes; and
 * gives what ends that. Where there are no such signs, it does nothing. */
export function watchSigns(hurry: () => void, hide: () => void): () => void {
    const scope = globalThis as Scope;
    if (scope.addEventListener === undefined) return () => {};
    const changed = (): void => (isHidden() ? hide() : hurry());
    for (const sign of SIGNS) scope.addEventListener(sign, hurry);
    scope.addEventListener("pagehide", hide);
    scope.document?.addEventListener("visibilitychange", changed);
    return () => {
        for (const sign of SIGNS) scope.removeEventListener?.(sign, hurry);
        scope.removeEventListener?.("pagehide", hide);
        scope.document?.removeEventListener("visibilitychange", changed);
    };
}
