import type { Engine, Settings } from "./engine/engine_bg.js";
import { decodeLimits, decodeTicket } from "./decode.ts";
import type { Answer, Ticket, Told } from "./decode.ts";
import { Driver, TIMER_MS_MAX } from "./driver.ts";
import type { Place } from "./driver.ts";
import { ChatError, refusal } from "./error.ts";
import { ChatEvent } from "./events.ts";
import type { ChatEvents, Limits, Reason, Subscriptions, User } from "./events.ts";
import { bytesOf, credentialOf, invalid, nameOf, namesOf } from "./given.ts";
import type { SocketConstructor } from "./link.ts";
import { call } from "./load.ts";
import type { Module } from "./load.ts";
import type { ClientOptions, CloseOptions, RegisterOptions, RequestOptions } from "./options.ts";
import { Requests } from "./requests.ts";
import { settingsOf } from "./settings.ts";

/** A session that has begun or goes on. */
export interface Session extends User {
    /** Whether an older session goes on: else another one has begun, which is in no room. */
    readonly resumed: boolean;
    /** What the server allows. */
    readonly limits: Limits;
}

/** What a client does: `idle` asks for nothing, `waiting` waits before it connects again. */
export type State = "idle" | "connecting" | "open" | "waiting" | "closed";

interface Asking {
    resolve(session: Session): void;
    reject(error: ChatError): void;
}

/** How long a client that is closed without a connection tries to make one. */
const CONNECT_TIME_MS_MAX = 5_000;

/** With what the ticket changes. */
const CHANGES_TICKET: ReadonlySet<Told["type"]> = new Set(["registered", "connecting", "resumed", "renamed", "lost"]);

/** After what kinds of end the server does not have the session, or is not to have it. */
const ENDS_SESSION: ReadonlySet<Reason["kind"]> = new Set(["closed", "goodbye"]);

/** The length of a body that is too much while no limits are known: that of a frame, if there is no option for it. */
const BODY_LENGTH_MAX = 16 << 20;

/**
 * A user's end of a session, which outlives its connections. Make it, add listeners, and call {@link Client.register} or
 * {@link Client.resume}.
 *
 * Events come in the order of the session, each once. An event is taken when its listeners have run, or later with
 * {@link ChatEvent.waitUntil}; what was not taken comes again to a client that resumes the session with its ticket.
 *
 * After `closed` a client does nothing any more: make another one.
 */
export class Client extends EventTarget {
    readonly #place: Place;
    readonly #options: ClientOptions;
    readonly #requests = new Requests();
    #driver: Driver | undefined;
    #asking: Asking | undefined;
    #user: User | undefined;
    #limits: Limits | null = null;
    /** As it was last read: a module with a fault gives none. */
    #ticket: Ticket | null = null;
    #state: State = "idle";
    /** When it connects again while it is `waiting`, on the clock of `performance.now()`. */
    #attemptAt = 0;
    #reason: Reason | undefined;
    /** Says goodbye without a connection, while one is waited for to say it. */
    #leaving: ReturnType<typeof setTimeout> | undefined;
    #isClosing = false;
    readonly #stop = (): void => void this.close();

    /**
     * @param url Where the server offers a WebSocket, such as `wss://chat.example/chat`. In a page it may be relative.
     * @throws {ChatError} `not_loaded`, or `invalid` for a URL or an option that cannot be.
     */
    constructor(url: string | URL, options: ClientOptions = {}) {
        super();
        const constructor = options.WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor | undefined);
        if (typeof constructor !== "function") {
            invalid("there is no WebSocket here: give the option WebSocket, such as that of the package ws");
        }
        const followed = options.followedHosts ?? [];
        if (!Array.isArray(followed)) invalid("followedHosts must be an array of hosts");
        // What the program does with its own later changes nothing.
        this.#options = { ...options };
        this.#place = { WebSocket: constructor, home: socketUrl(url), followed: [...followed] };
        settingsOf(this.#options).free();
        if (options.signal?.aborted === true) this.#stop();
        else options.signal?.addEventListener("abort", this.#stop, { once: true });
    }

    // ---- the session ----

    /**
     * Asks for a name. After a refusal, it may be called again. With {@link ClientOptions.keepsTrying} it waits until there
     * is an answer. It takes no signal of its own, because the server may have given the name by the time: whoever gives up
     * closes the client, by {@link Client.close} or {@link ClientOptions.signal}, and makes another one.
     *
     * @throws {ChatError} With the refusal's code, such as `name_in_use`; or why the client has ended.
     */
    async register(name: string, { credential = "" }: RegisterOptions = {}): Promise<Session> {
        this.#mustBeFree();
        const [asked, proof] = [nameOf(name), credentialOf(credential)];
        const driver = this.#driver ?? this.#start(({ Engine }, settings, now, seed) => new Engine(settings, now, seed));
        driver.command((engine, now) => engine.register(now, asked, proof));
        return this.#session();
    }

    /**
     * Goes on with the session of a client that is gone, such as that of a page before it was loaded anew. If the server does
     * not have it any more, `sessionlost` comes, and the client registers under the same name.
     *
     * Two clients with one ticket take the session away from each other: see that only one has it.
     *
     * @param options For that registration.
     * @throws {ChatError} As {@link Client.register}; `invalid` for what is no ticket.
     */
    async resume(ticket: Ticket, { credential = "" }: RegisterOptions = {}): Promise<Session> {
        this.#mustBeFree();
        if (this.#driver !== undefined) throw new ChatError("registered", false, "this client has begun already: resume with another one");
        const { displayName, attempt, ...stored } = { ...ticket };
        if (!(attempt >= 0)) invalid("this is no ticket: give one as the client told it");
        const [name, token, proof] = [nameOf(stored.name), nameOf(stored.token), credentialOf(credential)];
        const spelling = displayName == null ? undefined : nameOf(displayName);
        this.#start(({ Engine, Ticket }, settings, now, seed) =>
            Engine.resume(settings, now, seed, new Ticket(name, spelling, token, Math.max(Date.now(), attempt + 1)), proof),
        );
        this.#user = { name, displayName };
        return this.#session();
    }

    /**
     * What {@link Client.resume} needs, as plain values; null without a session. Store it where nobody else can read it, and
     * read it when you store it: it changes with `registered`, `renamed` and each attempt to resume.
     *
     * After `closed` it is there if the server may still have the session: after each `kind` of end but `closed` and `goodbye`.
     */
    get ticket(): Ticket | null {
        this.#readTicket();
        return this.#ticket;
    }

    /** Our name, as the server mapped it; null before there is a session. */
    get name(): string | null {
        return this.#user?.name ?? null;
    }

    /** The spelling of our name to show; null if that is the name. */
    get displayName(): string | null {
        return this.#user?.displayName ?? null;
    }

    /** What the server allows; null before there is a session. */
    get limits(): Limits | null {
        return this.#limits;
    }

    /** What the client does. */
    get state(): State {
        return this.#state;
    }

    /** In how many milliseconds it connects again, while it is `waiting`; else null. What counts down reads it again and again:
     * it does not change when somebody sets the clock. */
    get nextAttemptIn(): number | null {
        return this.#state === "waiting" ? Math.max(this.#attemptAt - performance.now(), 0) : null;
    }

    /** The same as a time of the day, by the clock as it is set now. */
    get nextAttempt(): Date | null {
        const wait = this.nextAttemptIn;
        return wait === null ? null : new Date(Date.now() + wait);
    }

    /** For how many milliseconds nothing has been heard though something of the server is awaited; null if nothing is. */
    get silence(): number | null {
        const since = this.#driver?.ask((engine) => engine.silent_since());
        return since === undefined ? null : Math.max(performance.now() - since, 0);
    }

    /** Why the client has ended; null if it has not. */
    get closed(): Reason | null {
        return this.#reason ?? null;
    }

    /** Connects at once if it waits, also if the server has asked for that, and else asks the server for a sign of life: for a
     * person who does not want to wait. By itself the client does the same when the page is shown again, or the machine is online
     * again or has slept, but for a wait that the server has asked for. It notices a sleep when something arrives or a timer is
     * due, and within 10 s unless nobody sees the page. */
    hurry(): void {
        this.#command((engine, now) => engine.hurry(now));
    }

    /**
     * Ends the session, after all that was asked for before. Nothing can be asked for any more. Without a connection, the client
     * tries to make one, at once and then as it always does, for {@link CloseOptions.connectTimeMax}: the server keeps the
     * session, and the name, until it hears the goodbye or the time is over for which it keeps sessions
     * ({@link Limits.resumeTimeMax}). Whoever calls it again sets this time anew.
     *
     * @returns Why the client ended, when it has. The kind is `closed` if it was because of this call, and then the code is
     *   `ended` if the server has ended the session, or there was none to end; `unsent` if there was no connection; or
     *   `unconfirmed` if the server has not answered within {@link ClientOptions.flushTimeMax}. Another kind tells what came
     *   in between: then the server may keep the session as well.
     */
    close({ connectTimeMax = CONNECT_TIME_MS_MAX }: CloseOptions = {}): Promise<Reason> {
        if (this.#reason !== undefined) return Promise.resolve(this.#reason);
        const closed = new Promise<Reason>((resolve) => {
            this.addEventListener("closed", (event) => resolve(event.detail), { once: true });
        });
        this.#isClosing = true;
        if (this.#driver === undefined) this.#ended({ kind: "closed", code: "ended", message: "closed", after: null });
        else if (this.#state === "open" || this.ticket === null || connectTimeMax <= 0) this.#sayGoodbye();
        else this.#connectToLeave(connectTimeMax);
        return closed;
    }

    // ---- requests ----

    /**
     * Sends a message to a user, or to a room (`#lobby`) that we are in. Without a connection it waits for one; before there is a
     * session, which also `resume` has to wait for, it fails with `not_registered`. Messages of one client arrive in the order of
     * the calls.
     *
     * @returns The id with which the recipients get it, when the server has taken responsibility for it.
     * @throws {ChatError} Why it was not sent. If the session or the client ended before the answer: `unsent` if it never
     *   went out, or `unconfirmed` if nobody knows.
     */
    async send(to: string, body: string | Uint8Array, options?: RequestOptions): Promise<bigint> {
        const bytesMax = this.#limits?.bodyBytesMax ?? this.#options.frameBytesMax ?? BODY_LENGTH_MAX;
        const [recipient, bytes] = [nameOf(to), bytesOf(body, bytesMax, "body_too_long")];
        const answer = await this.#ask((engine, now) => engine.send(now, recipient, bytes), options);
        return answer.kind === "accepted" ? answer.id : unexpected(answer);
    }

    /** Joins a room, which the server makes if it is not there. */
    async join(room: string, options?: RequestOptions): Promise<void> {
        const name = nameOf(room);
        await this.#ask((engine, now) => engine.join(now, name), options);
    }

    /** Leaves a room. */
    async leave(room: string, options?: RequestOptions): Promise<void> {
        const name = nameOf(room);
        await this.#ask((engine, now) => engine.leave(now, name), options);
    }

    /** Watches users, beside those that we watch already: `presence` tells how each is now, and each change. */
    async watch(names: readonly string[], options?: RequestOptions): Promise<void> {
        const checked = namesOf(names);
        await this.#ask((engine, now) => engine.watch(now, checked), options);
    }

    /** Ends the watching of users. */
    async unwatch(names: readonly string[], options?: RequestOptions): Promise<void> {
        const checked = namesOf(names);
        await this.#ask((engine, now) => engine.unwatch(now, checked), options);
    }

    /** The users who are online, page by page; a page may be empty. The next one is asked for when it is wanted. */
    who(options?: RequestOptions): AsyncGenerator<readonly User[], void, void> {
        return this.#pages((engine, now, cursor) => engine.who(now, cursor), options);
    }

    /** The members of a room that we are in, page by page; a page may be empty. */
    roster(room: string, options?: RequestOptions): AsyncGenerator<readonly User[], void, void> {
        const name = nameOf(room);
        return this.#pages((engine, now, cursor) => engine.roster(now, name, cursor), options);
    }

    /** The rooms that we are in and the users that we watch, page by page: what a page that was loaded anew does not know of its
     * session. `roster` tells who is in a room, and `watch` of the same users how each is now. */
    subscriptions(options?: RequestOptions): AsyncGenerator<Subscriptions, void, void> {
        return this.#pages((engine, now, cursor) => engine.subscriptions(now, cursor), options);
    }

    override addEventListener<K extends keyof ChatEvents>(
        type: K,
        listener: ((event: ChatEvent<K>) => void) | { handleEvent(event: ChatEvent<K>): void } | null,
        options?: boolean | AddEventListenerOptions,
    ): void;
    override addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
    override addEventListener(type: string, listener: unknown, options?: boolean | AddEventListenerOptions): void {
        super.addEventListener(type, listener as EventListener | null, options);
    }

    override removeEventListener<K extends keyof ChatEvents>(
        type: K,
        listener: ((event: ChatEvent<K>) => void) | { handleEvent(event: ChatEvent<K>): void } | null,
        options?: boolean | EventListenerOptions,
    ): void;
    override removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
    override removeEventListener(type: string, listener: unknown, options?: boolean | EventListenerOptions): void {
        super.removeEventListener(type, listener as EventListener | null, options);
    }

    // ---- inside ----

    #start(make: (module: Module, settings: Settings, now: number, seed: bigint) => Engine): Driver {
        const [seed] = crypto.getRandomValues(new BigUint64Array(1));
        const engine = call((module) => make(module, settingsOf(this.#options), performance.now(), seed!));
        this.#driver = new Driver(engine, this.#place, {
            told: (told, wait) => this.#told(told, wait),
            failed: (error) => this.#ended({ kind: "fault", code: "fault", message: error.message, after: null, cause: error.cause }, error),
            untaken: (cause) => this.#untaken(cause),
        });
        return this.#driver;
    }

    /** A command without an answer. A client that has ended, as it does with a fault, tells so with `closed` alone. */
    #command(work: (engine: Engine, now: number) => void): void {
        try {
            this.#driver?.command(work);
        } catch (error) {
            if (this.#reason === undefined) throw error;
        }
    }

    #sayGoodbye(): void {
        clearTimeout(this.#leaving);
        this.#command((engine, now) => engine.close(now));
    }

    #connectToLeave(timeMax: number): void {
        clearTimeout(this.#leaving);
        this.#command((engine, now) => engine.hurry(now));
        if (this.#reason !== undefined) return;
        this.#leaving = setTimeout(() => this.#sayGoodbye(), Math.min(timeMax, TIMER_MS_MAX));
    }

    #untaken(cause: unknown): void {
        if (this.#reason === undefined && !this.#isClosing) {
            this.#driver?.abandon();
            const message = `what came could not be taken: ${cause instanceof Error ? cause.message : cause}`;
            this.#ended({ kind: "not_taken", code: "not_taken", message, after: null, cause });
        }
        // After another end there is no session to give it again: whoever handles what nobody has caught is told.
        else if (this.#reason?.kind !== "not_taken") void Promise.reject(cause);
    }

    /** There is a connection now to say goodbye on, if that is what is waited for. */
    #leaveNow(): void {
        if (this.#leaving !== undefined) this.#sayGoodbye();
    }

    #mustBeOpen(): void {
        if (this.#reason !== undefined || this.#isClosing) throw new ChatError("closed", false, "the connection is closed");
    }

    #mustBeFree(): void {
        this.#mustBeOpen();
        if (this.#asking !== undefined) throw new ChatError("registered", false, "a registration waits for its answer already");
    }

    #session(): Promise<Session> {
        return new Promise((resolve, reject) => (this.#asking = { resolve, reject }));
    }

    /** The registration or the resume is answered. */
    #answered(answer: (asking: Asking) => void): void {
        const asking = this.#asking;
        this.#asking = undefined;
        if (asking !== undefined) answer(asking);
    }

    /** @throws {ChatError} What cannot be asked for. */
    #ask(make: (engine: Engine, now: number) => number, options: RequestOptions | undefined): Promise<Answer> {
        this.#mustBeOpen();
        const driver = this.#driver;
        if (driver === undefined) throw new ChatError("not_registered", false, "not registered yet: ask for a name first");
        return this.#requests.ask(() => driver.command(make), options?.signal);
    }

    /** What each page has follows from the request. */
    async *#pages<T>(
        make: (engine: Engine, now: number, cursor: bigint) => number,
        options: RequestOptions | undefined,
    ): AsyncGenerator<T, void, void> {
        for (let cursor: bigint | null = 0n; cursor !== null; ) {
            const from: bigint = cursor;
            const answer = await this.#ask((engine, now) => make(engine, now, from), options);
            if (answer.kind !== "page") return unexpected(answer);
            yield answer.page as T;
            cursor = answer.next;
        }
    }

    #told(told: Told, wait: (until: Promise<unknown>) => void): void {
        if (CHANGES_TICKET.has(told.type)) this.#readTicket();
        switch (told.type) {
            case "answer":
                return this.#requests.answer(told.answer);
            case "lost":
                this.#requests.lose(told.unsentFrom);
                this.#limits = null;
                // A session that has begun anew on this connection is not wanted either.
                this.#leaveNow();
                return this.#dispatch("sessionlost", {}, wait);
            case "registered":
            case "resumed":
                return this.#began(told, wait);
            case "refused": {
                this.#state = "idle";
                const { code, message, after } = told.detail;
                this.#answered(({ reject }) => reject(refusal(code, message, after ?? undefined)));
                break;
            }
            case "reconnecting": {
                [this.#state, this.#attemptAt] = ["waiting", performance.now() + told.detail.after];
                const why = this.#explained(told.detail.why);
                return this.#dispatch("reconnecting", { ...told.detail, why }, wait);
            }
            case "connecting":
                this.#state = "connecting";
                break;
            case "idle":
                this.#state = "idle";
                return this.#dispatch("idle", { why: this.#explained(told.detail.why) }, wait);
            case "renamed":
                this.#user = { name: told.detail.name, displayName: told.detail.displayName };
                break;
            case "closed":
                return this.#ended(this.#explained(told.detail));
        }
        this.#dispatch(told.type, told.detail, wait);
    }

    #began(told: Told & { type: "registered" | "resumed" }, wait: (until: Promise<unknown>) => void): void {
        this.#state = "open";
        if (told.type === "registered") this.#user = { name: told.detail.name, displayName: told.detail.displayName };
        this.#limits = told.type === "registered" ? told.detail.limits : this.#announced();
        this.#leaveNow();
        this.#dispatch(told.type, told.detail, wait);
        const [user, limits] = [this.#user, this.#limits];
        // Whoever has closed the client hears how it ends.
        if (user !== undefined && limits !== null && !this.#isClosing) {
            this.#answered(({ resolve }) => resolve({ ...user, resumed: told.type === "resumed", limits }));
        }
    }

    #readTicket(): void {
        const bytes = this.#driver?.ask((engine) => engine.ticket()) as Uint8Array<ArrayBuffer> | undefined;
        if (bytes !== undefined) this.#ticket = bytes.length === 0 ? null : decodeTicket(bytes);
    }

    #announced(): Limits | null {
        const bytes = this.#driver?.ask((engine) => engine.limits()) as Uint8Array<ArrayBuffer> | undefined;
        return bytes === undefined || bytes.length === 0 ? null : decodeLimits(bytes);
    }

    /** With what the transport has said, if that is all that is known. */
    #explained(reason: Reason): Reason {
        const why = this.#driver?.why ?? "";
        return reason.kind === "disconnected" && why !== "" ? { ...reason, message: `${reason.message}: ${why}` } : reason;
    }

    #ended(reason: Reason, error?: ChatError): void {
        if (this.#reason !== undefined) return;
        this.#reason = reason;
        if (ENDS_SESSION.has(reason.kind)) this.#ticket = null;
        clearTimeout(this.#leaving);
        this.#state = "closed";
        this.#options.signal?.removeEventListener("abort", this.#stop);
        if (error === undefined) this.#requests.lose(this.#driver?.unsentFrom);
        else this.#requests.fail(error);
        this.#answered(({ reject }) => reject(error ?? new ChatError(reason.code, reason.kind === "disconnected", reason.message)));
        this.#dispatch("closed", reason, () => {});
    }

    #dispatch<K extends keyof ChatEvents>(type: K, detail: ChatEvents[K], wait: (until: Promise<unknown>) => void): void {
        let isTaken = false;
        const waitInTime = (until: Promise<unknown>): void => {
            if (isTaken) invalid("waitUntil is too late, the event is taken: call it before the listener awaits or returns");
            wait(until);
        };
        this.dispatchEvent(new ChatEvent(type, detail, waitInTime));
        isTaken = true;
    }
}

function unexpected(answer: Answer): never {
    throw new ChatError("fault", false, `the answer to this request is not "${answer.kind}"`);
}

/** A URL of a WebSocket: in a page it may be relative, and `http` stands for `ws`. */
function socketUrl(given: string | URL): URL {
    let url;
    try {
        url = new URL(given, (globalThis as { location?: { href: string } }).location?.href);
    } catch (cause) {
        throw new ChatError("invalid", false, `${given} is no URL: it must be such as wss://chat.example/chat`, { cause });
    }
    if (url.protocol === "https:") url.protocol = "wss:";
    if (url.protocol === "http:") url.protocol = "ws:";
    if (url.protocol !== "ws:" && url.protocol !== "wss:") {
        throw new ChatError("invalid", false, `${url.protocol} is no WebSocket: it must be ws: or wss:`);
    }
    url.hash = "";
    return url;
}
