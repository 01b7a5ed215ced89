import { ChatError } from "chatcore";

import type { Store } from "./store.ts";
import { failure } from "./words.ts";

/** Tells the person why what was asked for was not done. `what` says of something that they did not ask for themselves what the
 * page wanted to know: if the session ends meanwhile, its events tell more, and the next session asks anew. */
export function tell(store: Store, asked: Promise<unknown>, what: string | null = null): void {
    asked.catch((error: unknown) => {
        if (what !== null && error instanceof ChatError && ENDED.has(error.code)) return;
        const words = what === null ? failure(error) : `${what}: ${failure(error)}`;
        store.dispatch({ type: "failure", words });
    });
}

const ENDED: ReadonlySet<string> = new Set(["unsent", "unconfirmed", "closed"]);
