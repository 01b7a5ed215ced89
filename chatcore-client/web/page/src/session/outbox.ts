import { ChatError, timeOf } from "chatcore";
import type { Client } from "chatcore";

import { WAITING_MAX, WAITING_UNITS_MAX } from "../model/bounds.ts";
import { isRoom, isWaiting } from "../model/types.ts";
import type { Model, OwnState } from "../model/types.ts";
import type { Store } from "./store.ts";
import { TOO_MUCH_WAITS, notSent, unsent } from "./words.ts";

/** Bytes that the client must have room for: a unit takes three at the most, and a message has some before it. As much
 * again may be on its way. */
export const OUTBOX_BYTES_MAX = 8 * WAITING_UNITS_MAX;

/** After these nobody knows whether the server has a message. */
const UNKNOWN: ReadonlySet<string | null> = new Set(["unconfirmed", "fault"]);

interface Written {
    readonly to: string;
    readonly text: string;
    /** The key of its entry: they rise in the order in which they were written. */
    readonly key: number;
}

/** What the person has written, in one session. What cannot go out at once waits here and not in the client: a page
 * that is loaded anew has it still, and only the page knows when it is in its rooms again. */
export class Outbox {
    readonly #client: Client;
    readonly #store: Store;
    /** Keeps in the tab's storage what is shown now. */
    readonly #keep: () => void;
    /** In the order in which they were written. */
    #waiting: Written[];
    #isOver = false;

    constructor(client: Client, store: Store, keep: () => void) {
        this.#client = client;
        this.#store = store;
        this.#keep = keep;
        this.#waiting = waitingIn(store.model);
    }

    /** Sends a message, perhaps instead of one that failed, as soon as that can be, and tells the model how far it has
     * come. */
    say(to: string, text: string, instead: number | null): void {
        const key = this.#store.model.nextKey;
        this.#store.dispatch({ type: "say", to, text, key, instead });
        const written = { to, text, key };
        if (this.#isReady) this.#send(written);
        else if (this.#hasRoom(text)) this.#wait(written);
        else this.#tell(written, "failed", TOO_MUCH_WAITS);
    }

    /** Sends what waits, if there is a session to send it in, and the page is in its rooms. */
    flush(): void {
        if (!this.#isReady || this.#waiting.length === 0) return;
        const all = this.#waiting;
        this.#waiting = [];
        for (const written of all) this.#tell(written, "pending");
        // Before it goes out: a page that is loaded anew meanwhile must not send it again.
        this.#keep();
        for (const written of all) this.#send(written);
    }

    /** The conversation is closed: what waits for it goes now, or never. Nothing keeps it any more: what the client still had
     * to send would be lost with the page. */
    close(name: string): void {
        const waiting = this.#waiting.filter(({ to }) => to === name);
        if (waiting.length === 0) return;
        this.#waiting = this.#waiting.filter(({ to }) => to !== name);
        this.#keep();
        if (this.#client.state !== "open")
            return this.#store.dispatch({ type: "failure", words: notSent(waiting.length) });
        for (const written of waiting) this.#send(written);
    }

    /** What waits is not sent.
     *
     * @returns How many messages that are. */
    drop(): number {
        return this.#waiting.splice(0).length;
    }

    /** Nothing of this session is shown any more. What waits is handed over to the client, or left to the next session.
     *
     * @returns How many messages the client cannot send: it has no session yet, or is not yet in their rooms. */
    end(isHandedOver: boolean): number {
        this.#isOver = true;
        const [waiting, { conversations }] = [this.#waiting, this.#store.model];
        this.#waiting = [];
        if (!isHandedOver) return 0;
        const isBegun = this.#client.limits !== null;
        let lost = 0;
        for (const written of waiting) {
            const isThere = !isRoom(written.to) || conversations.get(written.to)?.isJoined === true;
            if (isBegun && isThere) this.#send(written);
            else lost += 1;
        }
        return lost;
    }

    get #isReady(): boolean {
        return this.#client.state === "open" && !this.#store.model.isBeginning;
    }

    #hasRoom(text: string): boolean {
        const units = this.#waiting.reduce((sum, written) => sum + written.text.length, text.length);
        return this.#waiting.length < WAITING_MAX && units <= WAITING_UNITS_MAX;
    }

    #wait(written: Written): void {
        this.#waiting = inOrder([...this.#waiting, written]);
        this.#tell(written, "waiting");
    }

    #send(written: Written): void {
        const { to, text, key } = written;
        this.#client.send(to, text).then(
            (id) => {
                const time = timeOf(id).getTime();
                this.#store.dispatch({ type: "state", to, key, state: "accepted", id, time, why: null });
            },
            (error: unknown) => {
                const code = error instanceof ChatError ? error.code : null;
                // The session ended, and it certainly never went out: the next session sends it.
                const goesOn = code === "unsent" && !this.#isOver && this.#isShown(written);
                if (goesOn && this.#hasRoom(text)) this.#wait(written);
                else this.#tell(written, UNKNOWN.has(code) ? "unconfirmed" : "failed", unsent(error));
            },
        );
    }

    /** Whether its conversation has it: what nobody sees is not kept, either. */
    #isShown({ to, key }: Pick<Written, "to" | "key">): boolean {
        return this.#store.model.conversations.get(to)?.entries.some((entry) => entry.key === key) === true;
    }

    #tell({ to, key }: Written, state: OwnState, why: string | null = null): void {
        this.#store.dispatch({ type: "state", to, key, state, id: null, time: null, why });
        if (why === null || this.#isOver || this.#isShown({ to, key })) return;
        // Its conversation is closed, and shows it no more.
        const what = state === "failed" ? notSent(1) : "A message of yours may not have arrived.";
        this.#store.dispatch({ type: "failure", words: `${what} It was for ${to}: ${why}.` });
    }
}

/** What waits since before the page was loaded anew, or since a session that has ended. */
function waitingIn({ conversations }: Model): Written[] {
    const all = [...conversations.values()].flatMap(({ name, entries }) =>
        entries.filter(isWaiting).map(({ text, key }) => ({ to: name, text, key })),
    );
    return inOrder(all);
}

const inOrder = (written: Written[]): Written[] => written.sort((a, b) => a.key - b.key);
