import { ChatError } from "chatcore";

import type { Store } from "./store.ts";
import { failure } from "./words.ts";

/** Tells the person why something was not done. With `what`, the page has asked for it by itself, and these words say what
 * is lacking. That is over without a word if the session ends: its events say so, and the next session asks anew. */
export function tell(store: Store, asked: Promise<unknown>, what: string | null = null): void {
    asked.catch((error: unknown) => {
        if (what !== null && hasEnded(error)) return;
        const words = what === null ? failure(error) : `${what}: ${failure(error)}`;
        store.dispatch({ type: "failure", words });
    });
}

/** Whether something was not done because the session was over. */
export const hasEnded = (error: unknown): boolean => error instanceof ChatError && ENDED.has(error.code);

const ENDED: ReadonlySet<string> = new Set(["unsent", "unconfirmed", "closed"]);
