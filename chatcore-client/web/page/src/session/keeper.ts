import { keepLog } from "./keep.ts";
import type { LogKept } from "./keep.ts";
import type { Store } from "./store.ts";

/** How long what has happened may wait to be kept. */
const WAIT_MS = 1_000;

/** The same while nobody sees the page, which may be ended without a word. */
const HIDDEN_WAIT_MS = 200;

/** After how many events it waits no longer: the server has kept them so far. */
const EVENTS_MAX = 500;

/** Keeps what is shown in the tab's storage, soon after it has changed. */
export class Keeper {
    readonly #store: Store;
    /** Whether there is a session to keep. */
    readonly #isWanted: () => boolean;
    /** How much of it the browser has kept. */
    readonly #told: (kept: LogKept) => void;
    #kept: Promise<void> | null = null;
    #resolve: () => void = () => {};
    #timer: ReturnType<typeof setTimeout> | undefined;
    #events = 0;
    #keptAt = 0;

    constructor(store: Store, isWanted: () => boolean, told: (kept: LogKept) => void) {
        this.#store = store;
        this.#isWanted = isWanted;
        this.#told = told;
    }

    /** Settled when what has changed so far is kept, or cannot be. */
    get kept(): Promise<void> {
        return this.#kept ?? Promise.resolve();
    }

    /** Something has changed. */
    changed(): void {
        this.#events += 1;
        const isHidden = document.visibilityState === "hidden";
        if (this.#kept === null) {
            this.#kept = new Promise((resolve) => (this.#resolve = resolve));
            this.#timer = setTimeout(() => this.keep(), isHidden ? HIDDEN_WAIT_MS : WAIT_MS);
        }
        // The timers of such a page may be a minute late.
        if (isHidden && performance.now() - this.#keptAt >= HIDDEN_WAIT_MS) queueMicrotask(() => this.#keepOnce());
        if (this.#events === EVENTS_MAX) queueMicrotask(() => this.keep());
    }

    /** Keeps it, unless that is done already. */
    #keepOnce(): void {
        if (this.#kept !== null) this.keep();
    }

    /** Keeps it now. */
    keep(): void {
        clearTimeout(this.#timer);
        try {
            if (this.#isWanted()) this.#told(keepLog(this.#store.model));
        } finally {
            // Whatever the model could not take: the next change is kept, and the server does not wait for this one.
            this.#events = 0;
            this.#keptAt = performance.now();
            this.#kept = null;
            this.#resolve();
        }
    }
}
