import type { Action } from "../model/actions.ts";
import { reduce } from "../model/reduce.ts";
import { INITIAL } from "../model/types.ts";
import type { Model } from "../model/types.ts";

/** Actions that may wait for the next frame: a flood is worked off in batches of this many. */
const ACTIONS_MAX = 2_000;

/** How often a page is drawn that nobody sees: it has no frames, and its title tells what is unread. */
const HIDDEN_MS = 500;

/** For each millisecond that drawing takes, the page is free for input for this many. */
const REST_FACTOR = 2;

/** The model, which changes at most once in a frame. */
export class Store {
    #model: Model = INITIAL;
    #waiting: Action[] = [];
    #draw: (model: Model) => void = () => {};
    #changed: () => void = () => {};
    #isDue = false;
    #restUntil = 0;
    #drawnAt = 0;

    /** The model with all that has happened. */
    get model(): Model {
        if (this.#waiting.length > 0) {
            // What the model cannot take is not tried again: the page is told once, and keeps what it has.
            const actions = this.#waiting;
            this.#waiting = [];
            this.#model = reduce(this.#model, actions);
        }
        return this.#model;
    }

    dispatch(action: Action): void {
        this.#waiting.push(action);
        this.#changed();
        if (this.#waiting.length >= ACTIONS_MAX) void this.model;
        this.#queue();
    }

    /** Another model, as from before the page was loaded anew. */
    replace(model: Model): void {
        this.#model = model;
        this.#waiting = [];
        this.#queue();
    }

    /** Calls this with each action. */
    onChange(changed: () => void): void {
        this.#changed = changed;
    }

    /** Draws now, and after each change. */
    onDraw(draw: (model: Model) => void): void {
        this.#draw = draw;
        draw(this.model);
    }

    /** Draws at once: the person has done something. */
    flush(): void {
        const began = performance.now();
        this.#draw(this.model);
        this.#drawnAt = performance.now();
        this.#restUntil = this.#drawnAt + (this.#drawnAt - began) * REST_FACTOR;
    }

    #queue(): void {
        if (this.#isDue) return;
        this.#isDue = true;
        const draw = (): void => {
            this.#isDue = false;
            this.flush();
        };
        const now = performance.now();
        const rest = this.#restUntil - now;
        if (document.visibilityState === "hidden") {
            // The timers of such a page may be a minute late.
            if (now - this.#drawnAt >= HIDDEN_MS) queueMicrotask(draw);
            else setTimeout(draw, HIDDEN_MS);
        } else if (rest > 0) setTimeout(draw, rest);
        else this.#inFrame(draw);
    }

    /** Frames may stop coming because the page is hidden meanwhile: then the timer draws. */
    #inFrame(draw: () => void): void {
        let isDrawn = false;
        const once = (): void => {
            if (isDrawn) return;
            isDrawn = true;
            cancelAnimationFrame(frame);
            clearTimeout(timer);
            draw();
        };
        const frame = requestAnimationFrame(once);
        const timer = setTimeout(once, HIDDEN_MS);
    }
}
