import type { Answer } from "./decode.ts";
import { ChatError, rejection } from "./error.ts";

/** Requests that may wait for their answers. */
const REQUESTS_MAX = 65_536;

interface Waiting {
    resolve(answer: Answer): void;
    reject(error: unknown): void;
}

/** Requests that wait for their answers, by their numbers. */
export class Requests {
    readonly #waiting = new Map<number, Waiting>();

    /**
     * Makes a request, and waits for its answer: a promise rejects with what the server answers, or with the signal's reason,
     * and then the request may be done all the same.
     *
     * @throws What `make` throws; or the signal's reason, and then nothing was made.
     */
    ask(make: () => number, signal: AbortSignal | undefined): Promise<Answer> {
        signal?.throwIfAborted();
        if (this.#waiting.size >= REQUESTS_MAX) {
            throw new ChatError("too_many_pending", true, `${REQUESTS_MAX} requests wait for an answer of the server: try again when it has answered some`);
        }
        const number = make();
        const answered = new Promise<Answer>((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
        return signal === undefined ? answered : this.#until(answered, number, signal);
    }

    /** The answer, if the signal does not end the waiting for it. */
    async #until(answered: Promise<Answer>, number: number, signal: AbortSignal): Promise<Answer> {
        const stop = (): void => this.#end(number)?.reject(signal.reason);
        signal.addEventListener("abort", stop, { once: true });
        try {
            return await answered;
        } finally {
            signal.removeEventListener("abort", stop);
        }
    }

    answer(answer: Answer): void {
        const waiting = this.#end(answer.number);
        if (answer.kind === "rejected") waiting?.reject(rejection(answer.code));
        else waiting?.resolve(answer);
    }

    /** The session or the client is gone: requests from this number on never went out. Of the others nobody knows. */
    lose(unsentFrom: number | undefined): void {
        for (const [number, { reject }] of this.#waiting) {
            reject(
                unsentFrom !== undefined && number >= unsentFrom
                    ? new ChatError("unsent", true, "the session ended before this went out: it was not done")
                    : new ChatError("unconfirmed", false, "the session ended before the server answered: nobody knows whether it was done"),
            );
        }
        this.#waiting.clear();
    }

    fail(error: ChatError): void {
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#waiting.clear();
    }

    /** Nothing of it is waited for any more. */
    #end(number: number): Waiting | undefined {
        const waiting = this.#waiting.get(number);
        this.#waiting.delete(number);
        return waiting;
    }
}
