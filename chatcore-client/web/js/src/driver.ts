import type { Engine } from "./engine/engine_bg.js";
import { decode } from "./decode.ts";
import type { Told } from "./decode.ts";
import { ChatError } from "./error.ts";
import { Link } from "./link.ts";
import type { SocketConstructor } from "./link.ts";
import { call } from "./load.ts";
import { SleepWatch, isHidden, watchSigns } from "./watch.ts";

/** Bytes of a message of the WebSocket: some ends take no more. */
const MESSAGE_BYTES_MAX = 64 << 10;

/** Bytes that may wait in the WebSocket: what is beyond waits in the module, where it is counted. */
const BUFFERED_BYTES_MAX = 256 << 10;

/** How often to look whether a WebSocket has passed on what waits in it: no event tells. */
const DRAIN_POLL_MS = 50;

/** How often to look whether the machine has slept, where nothing else tells. */
const SLEEP_POLL_MS = 10_000;

/** The longest time that a timer takes. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

// What the module wants, as a sum: `engine.rs` has the same.
const WANTS_TRANSPORT = 1;
const WANTS_CONNECTION = 2;
const WANTS_TO_WRITE = 4;
const WANTS_TO_TELL = 8;

/** Where a client connects to. */
export interface Place {
    readonly WebSocket: SocketConstructor;
    readonly home: URL;
    /** Hosts to which a server may send the client beside its own. */
    readonly followed: readonly string[];
}

/** What a driver tells its client. */
export interface DriverListener {
    /** Somebody who wants to take it later gives the promise to `wait`. */
    told(told: Told, wait: (until: Promise<unknown>) => void): void;
    /** The module has a fault: nothing follows. */
    failed(error: ChatError): void;
    /** A promise was rejected that was given to `wait`: what it waited for is not taken, nor anything later. */
    untaken(cause: unknown): void;
}

/** The client of the module on WebSockets and timers. */
export class Driver {
    readonly #engine: Engine;
    readonly #place: Place;
    readonly #listener: DriverListener;
    readonly #watch = new SleepWatch();
    readonly #unwatch: () => void;
    #link: Link | undefined;
    #timer: ReturnType<typeof setTimeout> | undefined;
    #timerAt = Infinity;
    #isPumping = false;
    #isQueued = false;
    #isOver = false;
    /** It was late, and has let what has arrived meanwhile come first. */
    #hasYielded = false;
    /** When what was told so far is taken; none if all of it is. */
    #taking: Promise<void> | undefined;
    #why = "";
    #unsentFrom: number | undefined;

    constructor(engine: Engine, place: Place, listener: DriverListener) {
        this.#engine = engine;
        this.#place = place;
        this.#listener = listener;
        this.#unwatch = watchSigns({
            back: () => this.#input((engine, now) => engine.probe(now)),
            // An attempt to connect would be of no use, and the connection does not notice it by itself for long.
            gone: () => {
                if (this.#link?.isOpen === true) this.#input((engine, now) => engine.probe(now));
            },
            // Not later in this turn: a page that goes has none.
            hidden: () => this.#input((engine, now) => engine.acknowledge(now)),
        });
        this.#queue();
    }

    /** Why the last connection broke, or could not be made, as far as somebody has said it. */
    get why(): string {
        return this.#why;
    }

    /** From which request on nothing has gone out, at the end; none before it, and after a fault. */
    get unsentFrom(): number | undefined {
        return this.#unsentFrom;
    }

    /** A command. What comes of it goes out soon, together with that of others.
     *
     * @throws {ChatError} If it cannot be done.
     */
    command<T>(work: (engine: Engine, now: number) => T): T {
        if (this.#isOver) throw new ChatError("closed", false, "the connection is closed");
        const result = this.#call(work, performance.now());
        this.#queue();
        return result;
    }

    /** Asks the module; none when it is over, or has a fault. */
    ask<T>(work: (engine: Engine) => T): T | undefined {
        try {
            return this.#isOver ? undefined : this.#call(work, 0);
        } catch {
            return undefined; // Its client knows.
        }
    }

    /** Whoever has read the clock gives the time on: browsers let pages wait for it. */
    #call<T>(work: (engine: Engine, now: number) => T, now: number): T {
        try {
            return call(() => work(this.#engine, now));
        } catch (error) {
            if (error instanceof ChatError && error.code === "fault") this.#fail(error);
            throw error;
        }
    }

    /** Pumps when all commands of this turn are there. */
    #queue(): void {
        if (this.#isQueued) return;
        this.#isQueued = true;
        queueMicrotask(() => {
            this.#isQueued = false;
            this.#pump(performance.now());
        });
    }

    /** An input, and all that comes of it. */
    #input(work: (engine: Engine, now: number) => void, now = performance.now()): void {
        if (this.#isOver) return;
        try {
            this.#call(work, now);
        } catch {
            return; // Its client knows.
        }
        this.#pump(now);
    }

    /** Connects, writes and tells until nothing is left to do. */
    #pump(begun: number): void {
        if (this.#isOver || this.#isPumping) return;
        this.#isPumping = true;
        try {
            let now = begun;
            while (!this.#isOver && this.#step(now)) now = performance.now();
            this.#arm(now);
        } catch (error) {
            if (!this.#isOver) throw error;
        } finally {
            this.#isPumping = false;
        }
    }

    /** The next thing that is to be done. False if there is none. */
    #step(now: number): boolean {
        const link = this.#link;
        const gone = link?.gone() ?? 0;
        if (gone > 0) this.#call((engine) => engine.transmitted(now, gone), now);
        const wants = this.#call(wanted, now);
        if (link !== undefined) {
            if ((wants & WANTS_TO_WRITE) !== 0 && link.isOpen && link.buffered < BUFFERED_BYTES_MAX) {
                link.send(this.#call(transmit, now));
                return true;
            }
            const isWanted = (wants & WANTS_TRANSPORT) !== 0 || ((wants & WANTS_CONNECTION) !== 0 && !link.isOpen);
            if (!isWanted) {
                this.#link = undefined;
                this.#why = "";
                link.drop();
            }
        }
        if (this.#link === undefined && (wants & WANTS_CONNECTION) !== 0) {
            this.#connect(now);
            return true;
        }
        if ((wants & WANTS_TO_TELL) === 0) return false;
        this.#tell(now);
        return true;
    }

    #connect(now: number): void {
        const { WebSocket, home, followed } = this.#place;
        const url = advised(this.#call((engine) => engine.address(), now), home, followed);
        try {
            // One that was dropped says no more, so there is one at a time.
            this.#link = new Link(WebSocket, url, {
                opened: () => this.#input((engine, now) => engine.connected(now)),
                arrived: (bytes) => this.#arrived(bytes),
                ended: (why) => this.#ended(why),
            });
        } catch (error) {
            // Such as an address that the page may not connect to.
            this.#why = error instanceof Error ? error.message : String(error);
            this.#call((engine) => engine.disconnect(now), now);
        }
    }

    #arrived(bytes: ArrayBuffer): void {
        const link = this.#link;
        let now = performance.now();
        if (this.#watch.hasSlept(0, now)) this.#input((engine) => engine.probe(now), now);
        // In pieces, each of which is told before the next: a long message does not fill the module.
        for (let at = 0; at < bytes.byteLength && this.#link === link; at += MESSAGE_BYTES_MAX) {
            const piece = new Uint8Array(bytes, at, Math.min(MESSAGE_BYTES_MAX, bytes.byteLength - at));
            if (at > 0) now = performance.now();
            this.#input((engine) => engine.receive(now, piece), now);
        }
    }

    #ended(why: string): void {
        this.#link = undefined;
        this.#why = why;
        this.#input((engine, now) => engine.disconnect(now));
    }

    /** Tells a batch of events, if there are some that the package knows. */
    #tell(now: number): void {
        const batch = this.#call(events, now);
        if (batch.length === 0) return;
        const waits: Promise<unknown>[] = [];
        const wait = (until: Promise<unknown>): void => void waits.push(until);
        for (const told of decode(batch)) {
            if (told.type === "closed") this.#end();
            this.#listener.told(told, wait);
            if (this.#isOver) return;
        }
        this.#take(waits, now);
    }

    /** Takes a batch when it, and each before it, is done with. */
    #take(waits: readonly Promise<unknown>[], now: number): void {
        if (waits.length === 0 && this.#taking === undefined) {
            this.#call(take, now);
            return;
        }
        const taking = Promise.allSettled([this.#taking, ...waits]).then((settled) => {
            const failed = settled.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
            if (failed !== undefined) {
                this.#listener.untaken(failed.reason);
                // Whoever takes a later one takes this one as well.
                return new Promise<never>(() => {});
            }
            if (this.#taking === taking) this.#taking = undefined;
            return this.#input(take);
        });
        this.#taking = taking;
    }

    #arm(now: number): void {
        if (this.#isOver) return;
        const due = this.#call(dueOf, now);
        const drain = (this.#link?.buffered ?? 0) > 0 ? now + DRAIN_POLL_MS : Infinity;
        // A page that nobody sees looks when it is shown again: its timers are late in any case.
        const look = due === Infinity || isHidden() ? Infinity : now + SLEEP_POLL_MS;
        const at = Math.min(due, drain, look);
        // One that is early enough finds out that it is early.
        if (this.#timer !== undefined && this.#timerAt <= at) return;
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#timerAt = at;
        if (at !== Infinity) {
            this.#timer = setTimeout(() => this.#wake(), Math.min(Math.max(Math.ceil(at - now), 0), TIMER_MS_MAX));
        }
    }

    #wake(): void {
        this.#timer = undefined;
        const now = performance.now();
        const due = this.ask(dueOf) ?? Infinity;
        const hasSlept = this.#watch.hasSlept(now - Math.min(due, this.#timerAt), now);
        if (hasSlept && !this.#hasYielded) {
            // What has arrived meanwhile comes first: it may be the sign of life that is due.
            this.#hasYielded = true;
            this.#timerAt = now;
            this.#timer = setTimeout(() => this.#wake(), 0);
            this.#input((engine) => engine.probe(now), now);
            return;
        }
        this.#hasYielded = false;
        this.#input((engine) => {
            if (due <= now) engine.handle_timeout(now);
        }, now);
    }

    /** Ends without a goodbye, when what was taken is acknowledged: the server keeps the session. */
    abandon(): void {
        this.#input((engine, now) => engine.acknowledge(now));
        this.#end();
    }

    #end(): void {
        this.#unsentFrom ??= this.ask((engine) => engine.unsent_from());
        if (this.#stop()) this.#engine.free();
    }

    /** A module with a fault is not called any more, not even to be freed. */
    #fail(error: ChatError): void {
        if (this.#stop()) this.#listener.failed(error);
    }

    /** Nothing follows. False if that was so before. */
    #stop(): boolean {
        if (this.#isOver) return false;
        this.#isOver = true;
        clearTimeout(this.#timer);
        this.#unwatch();
        this.#link?.drop();
        this.#link = undefined;
        return true;
    }
}

const wanted = (engine: Engine): number => engine.wants();
const dueOf = (engine: Engine): number => engine.due();
const transmit = (engine: Engine, now: number): Uint8Array<ArrayBuffer> =>
    engine.transmit(now, MESSAGE_BYTES_MAX) as Uint8Array<ArrayBuffer>;
const events = (engine: Engine): Uint8Array<ArrayBuffer> => engine.events() as Uint8Array<ArrayBuffer>;

/** Takes the oldest batch. No timer of a page that nobody sees is to be waited for with the acknowledgement. */
function take(engine: Engine, now: number): void {
    engine.take(now);
    if (isHidden()) engine.acknowledge(now);
}

/** Where a server's advice leads, if it is the same server at another place or a host that the program has named, and is not less
 * private; else home. */
function advised(advice: string | undefined, home: URL, followed: readonly string[]): URL {
    if (advice === undefined) return home;
    try {
        const there = new URL(advice.includes("://") ? advice : `${home.protocol}//${advice}${home.pathname}`);
        there.hash = "";
        const isKnown = there.hostname === home.hostname || followed.includes(there.hostname) || followed.includes(there.host);
        const isPrivate = there.protocol === "wss:" || (there.protocol === "ws:" && home.protocol === "ws:");
        return isKnown && isPrivate ? there : home;
    } catch {
        return home;
    }
}
