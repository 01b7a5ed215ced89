/** A timer that is this late, or a clock that is off by so much, means that the machine has slept, or the page. */
const JUMP_MS = 5_000;

/** Notices that the machine has slept: then on many systems the clock on the wall has gone on, and the other one has not. */
export class SleepWatch {
    #offset = Date.now() - performance.now();

    /** Whether it has slept since this was called last, or is this late. */
    hasSlept(lateMs: number): boolean {
        const before = this.#offset;
        this.#offset = Date.now() - performance.now();
        return lateMs >= JUMP_MS || this.#offset - before >= JUMP_MS;
    }
}

/** What speaks for it that the network is back: a page that is shown again, a machine that is online again. */
const SIGNS = ["online", "pageshow"] as const;

/** Calls this when something speaks for it that the network is back, and gives what ends that. Where there are no such signs, it does nothing. */
export function watchSigns(hurry: () => void): () => void {
    const scope = globalThis as Partial<Pick<typeof globalThis, "addEventListener" | "removeEventListener" | "document">>;
    if (scope.addEventListener === undefined) return () => {};
    const shown = (): void => {
        if (scope.document?.visibilityState === "visible") hurry();
    };
    for (const sign of SIGNS) scope.addEventListener(sign, hurry);
    scope.document?.addEventListener("visibilitychange", shown);
    return () => {
        for (const sign of SIGNS) scope.removeEventListener?.(sign, hurry);
        scope.document?.removeEventListener("visibilitychange", shown);
    };
}
