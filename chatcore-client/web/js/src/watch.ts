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

type Scope = Partial<Pick<typeof globalThis, "addEventListener" | "document">>;

/** Nobody sees the page: its timers are slow, and it may be ended without a word. */
export const isHidden = (): boolean => (globalThis as Scope).document?.visibilityState === "hidden";

/** What there is to do at a sign. */
export interface Signs {
    /** Something speaks for it that the network is back. */
    back(): void;
    /** The machine has no network any more. */
    gone(): void;
    /** Nobody sees the page any more, or it goes. */
    hidden(): void;
}

/** Watches for signs, and gives what ends that. Where there are none, it does nothing. */
export function watchSigns({ back, gone, hidden }: Signs): () => void {
    const scope = globalThis as Scope;
    if (scope.addEventListener === undefined) return () => {};
    const ended = new AbortController();
    const { signal } = ended;
    for (const sign of SIGNS) scope.addEventListener(sign, back, { signal });
    scope.addEventListener("offline", gone, { signal });
    scope.addEventListener("pagehide", hidden, { signal });
    scope.document?.addEventListener("visibilitychange", () => (isHidden() ? hidden() : back()), { signal });
    return () => ended.abort();
}
