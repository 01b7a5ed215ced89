import { ChatError } from "chatcore";
import type { Client, Subscriptions, User } from "chatcore";

import { ROOMS_MAX, ROSTER_MAX } from "../model/bounds.ts";
import type { Action } from "../model/actions.ts";
import { isRoom } from "../model/types.ts";
import { roomOf, userOf } from "../text/names.ts";
import { Outbox } from "./outbox.ts";
import type { Store } from "./store.ts";
import { hasEnded, tell } from "./tell.ts";
import { unsent } from "./words.ts";

/** The room that everybody who comes for the first time is in, so that they meet. */
export const FIRST_ROOM = "#lobby";

/** How many of those who are online are offered. */
const ONLINE_MAX = 500;

/** How many rooms and users the page learns that its session is subscribed to: a server that tells of them without end
 * does not fill it. */
const SUBSCRIBED_MAX = 10_000;

/** What a person asks of the server, in one session. */
export class Requests {
    readonly #client: Client;
    readonly #store: Store;
    readonly #outbox: Outbox;
    /** Users whose presence we know or ask for. */
    readonly #watched = new Set<string>();
    /** Rooms that we have left, until the server has answered. */
    readonly #leaving = new Set<string>();
    /** Rooms that we ask to join, unless we have left them meanwhile, here or in another session of ours. */
    readonly #entering = new Set<string>();
    /** Rooms that we have come into, and those that we have left, while rooms are learnt or joined anew; else null. */
    #moved: Map<string, boolean> | null = null;
    /** Rooms whose rosters are being asked for. */
    readonly #asking = new Set<string>();
    /** Rooms whose rosters could not be had: they are asked for again when they are opened, and in the next session. */
    readonly #refused = new Set<string>();
    #isOver = false;

    /** `keep` keeps in the tab's storage what is shown now. */
    constructor(client: Client, store: Store, keep: () => void) {
        this.#client = client;
        this.#store = store;
        this.#outbox = new Outbox(client, store, keep);
    }

    /** Joins a room, and opens it. If it is aborted before that is done, the room is left again. Without a signal the
     * person does not wait for it: when they are in another conversation by then, they stay there.
     *
     * @throws {ChatError} Why it cannot be; or the signal's reason. */
    async join(given: string, signal?: AbortSignal): Promise<void> {
        const room = roomOf(given);
        const before = this.#store.model.open;
        await began(this.#client, signal);
        try {
            if (!(await this.#enter(room, signal))) return;
        } catch (error) {
            if (signal?.aborted === true && !this.#store.model.conversations.has(room)) await this.#leave(room);
            throw error;
        }
        if (signal !== undefined || this.#store.model.open === before) this.open(room);
    }

    /** @returns Whether we are in the room, and have not left it meanwhile. */
    async #enter(room: string, signal?: AbortSignal): Promise<boolean> {
        const options = signal === undefined ? {} : { signal };
        this.#entering.add(room);
        await this.#client.join(room, options);
        if (!this.#entering.has(room) && !this.isLeaving(room)) {
            // Another session has left it, before this one was in it or after: the server says whether we are.
            this.#entering.add(room);
            await this.#client.roster(room, options).next();
        }
        // Who has left it meanwhile leaves it after that.
        if (!this.#entering.delete(room)) return false;
        this.moved(room, true);
        this.#dispatch({ type: "entered", room });
        return true;
    }

    /** We have come into a room, or gone out of it, also in another session of ours. */
    moved(room: string, isIn: boolean): void {
        if (!isIn) this.#entering.delete(room);
        if (this.#moved !== null && this.#moved.size < ROOMS_MAX) this.#moved.set(room, isIn);
    }

    /** Does something with rooms that were known before: what happens to them meanwhile is newer. Then what was written
     * meanwhile is sent, unless the next session has begun its own run, or there is to be none. */
    async #noting(work: (moved: ReadonlyMap<string, boolean>) => Promise<void>): Promise<void> {
        // The answer can be older than that we leave a room.
        const moved = new Map([...this.#leaving].map((room) => [room, false]));
        this.#moved = moved;
        try {
            await work(moved);
        } finally {
            if (this.#moved === moved) {
                this.#moved = null;
                this.#dispatch({ type: "beginning", isBeginning: false });
                this.#outbox.flush();
            }
        }
    }

    /** Opens a conversation with a user, if there can be one of that name.
     *
     * @throws {ChatError} If there cannot. */
    async write(given: string, signal?: AbortSignal): Promise<void> {
        const name = userOf(given);
        // Without a connection nobody can tell.
        if (this.#client.state === "open") {
            const refused = await this.#client.watch([name], signal === undefined ? {} : { signal }).then(
                () => null,
                (error: unknown) => (error instanceof ChatError && error.code !== "invalid_name" ? null : error),
            );
            if (refused !== null) throw refused;
        }
        this.open(name);
        // Whether the user is there is told again, now that there is a place for it.
        this.#watch([name]);
    }

    /** Opens a conversation with a user who is there. That is done at once: who writes meanwhile writes to that user. */
    writeTo(name: string): void {
        this.#watch([name]);
        this.open(name);
    }

    open(name: string): void {
        this.#refused.delete(name);
        // The person goes on: the model sees that only of who comes from another conversation.
        this.#dispatch({ type: "failure", words: null });
        this.#dispatch({ type: "open", name });
        this.#store.flush();
        this.refresh();
    }

    /** Leaves a room, or closes the conversation with a user. */
    async close(name: string): Promise<void> {
        this.#dispatch({ type: "closed", name });
        // What waits for a room goes before the room is left.
        this.#outbox.close(name);
        const left = isRoom(name) ? this.#leave(name) : this.#unwatch(name);
        this.#store.flush();
        this.refresh();
        await left;
    }

    /** Whether we have left a room and the server has not answered yet: what was said before comes, and is not wanted. */
    isLeaving(room: string): boolean {
        return this.#leaving.has(room);
    }

    async #leave(room: string): Promise<void> {
        this.#leaving.add(room);
        this.moved(room, false);
        try {
            await began(this.#client);
            await this.#client.leave(room);
        } catch {
            // We are not in it, or it ends with the session.
        } finally {
            this.#leaving.delete(room);
        }
    }

    async #unwatch(name: string): Promise<void> {
        this.#watched.delete(name);
        try {
            await began(this.#client);
            await this.#client.unwatch([name]);
        } catch {
            // We do not watch them, or it ends with the session.
        }
    }

    /** By how many bytes a text is too long for this server; 0 if it is not. */
    excess(text: string): number {
        const bytes = new TextEncoder().encode(text).length;
        return Math.max(bytes - (this.#client.limits?.bodyBytesMax ?? Infinity), 0);
    }

    /** Sends a message, perhaps instead of one that failed, as soon as that can be. */
    say(to: string, text: string, instead: number | null = null): void {
        this.#outbox.say(to, text, instead);
    }

    /** The session goes on: what was written meanwhile is sent. */
    goOn(): void {
        this.#outbox.flush();
    }

    /** What was written before this session is not sent in it.
     *
     * @returns How many messages that are. */
    drop(): number {
        return this.#outbox.drop();
    }

    /** Nothing of this session is shown any more. What waits is left to the client, or to the next session.
     *
     * @returns How many messages the client cannot send. */
    end(isHandedOver: boolean): number {
        this.#dispatch({ type: "beginning", isBeginning: false });
        this.#isOver = true;
        this.#moved = null;
        return this.#outbox.end(isHandedOver);
    }

    /** An answer that comes later is of a session that is not shown any more. */
    #dispatch(action: Action): void {
        if (!this.#isOver) this.#store.dispatch(action);
    }

    /** After the session has begun anew: joins the rooms from before, watches the users, and sends what was written
     * meanwhile. Somebody who has just come and has no rooms gets the first one; who has left all rooms does not. */
    begin(isNew: boolean): Promise<void> {
        this.#dispatch({ type: "beginning", isBeginning: true });
        return this.#noting((moved) => this.#begin(moved, isNew));
    }

    async #begin(moved: ReadonlyMap<string, boolean>, isNew: boolean): Promise<void> {
        this.#watched.clear();
        this.#refused.clear();
        const { conversations } = this.#store.model;
        const names = [...conversations.keys()];
        const rooms = names.filter((name) => conversations.get(name)?.isWanted === true);
        if (isNew && names.length === 0) rooms.push(...(await this.#firstRooms()));
        for (const room of rooms) {
            if (this.#moved !== moved) return;
            if (moved.get(room) === false) continue;
            try {
                await this.#enter(room);
            } catch (error) {
                // The next session joins them: they are still wanted.
                if (this.#moved !== moved || this.#client.limits === null) return;
                if (moved.get(room) === false) continue;
                this.#dispatch({ type: "outside", room, ...outside(room, error) });
            }
        }
        const { open, conversations: left } = this.#store.model;
        this.#watch(names.filter((name) => !isRoom(name) && left.has(name)));
        const first = [...rooms, ...names].find((name) => left.has(name));
        if (open === null && first !== undefined) this.#dispatch({ type: "open", name: first });
        this.refresh();
    }

    /** The rooms of somebody who has no conversation in this tab: those in which they are in another session of theirs,
     * or the one for everybody. */
    async #firstRooms(): Promise<readonly string[]> {
        // If the session has ended, so does what follows.
        const { rooms } = await this.#subscribed().catch(() => ({ rooms: [] }));
        return rooms.length === 0 ? [FIRST_ROOM] : rooms;
    }

    async #subscribed(): Promise<Subscriptions> {
        const [rooms, users]: [string[], string[]] = [[], []];
        for await (const page of this.#client.subscriptions()) {
            rooms.push(...page.rooms);
            users.push(...page.users);
            if (rooms.length + users.length >= SUBSCRIBED_MAX) break;
        }
        return { rooms, users };
    }

    /** After the page was loaded anew: learns which rooms the session is in, and whom it watches. */
    learn(): Promise<void> {
        return this.#noting((moved) => this.#learn(moved));
    }

    async #learn(moved: ReadonlyMap<string, boolean>): Promise<void> {
        const { rooms: given, users } = await this.#subscribed();
        const told = new Set(given);
        for (const name of users) this.#watched.add(name);
        // The page before may have closed conversations without another word.
        this.#forget();
        // What has been done meanwhile is known, and newer than the answer can be.
        const rooms = [...told].filter((room) => !moved.has(room));
        for (const room of rooms) this.#dispatch({ type: "entered", room });
        const { conversations, open } = this.#store.model;
        const names = [...conversations.keys()];
        const lost = names.filter((name) => isRoom(name) && !told.has(name) && !moved.has(name));
        for (const room of lost) {
            const why = `You are not in ${room} any more`;
            this.#dispatch({ type: "outside", room, why, isWanted: false });
        }
        const first = rooms[0] ?? names[0];
        if (open === null && first !== undefined) this.#dispatch({ type: "open", name: first });
        this.#watch(names.filter((name) => !isRoom(name)));
        this.refresh();
    }

    /** Asks for the roster of the open room if it is not known. */
    refresh(): void {
        const { open, conversations } = this.#store.model;
        const room = open === null ? undefined : conversations.get(open);
        // In a session that begins or goes on, this is done when it has.
        if (room === undefined || !room.isJoined || !room.isStale || this.#client.limits === null) return;
        if (this.#asking.has(room.name) || this.#refused.has(room.name)) return;
        tell(this.#store, this.#list(room.name), `It is not known who is in ${room.name}`);
    }

    async #list(room: string): Promise<void> {
        this.#asking.add(room);
        this.#dispatch({ type: "asking", room });
        try {
            const users: User[] = [];
            for await (const page of this.#client.roster(room)) {
                users.push(...page);
                if (users.length >= ROSTER_MAX) break;
            }
            this.#dispatch({ type: "roster", room, users });
        } catch (error) {
            this.#refused.add(room);
            throw error;
        } finally {
            this.#asking.delete(room);
        }
        // It may be that something was not told meanwhile.
        this.refresh();
    }

    /** Who is online, but for us. */
    async online(): Promise<readonly User[]> {
        await began(this.#client);
        const users: User[] = [];
        for await (const page of this.#client.who()) {
            users.push(...page.filter(({ name }) => name !== this.#client.name));
            if (users.length >= ONLINE_MAX) break;
        }
        return users.slice(0, ONLINE_MAX);
    }

    /** Somebody writes to us: we want to see whether they are still there. */
    meet(name: string): void {
        if (!this.#watched.has(name)) this.#watch([name]);
    }

    /** Each by itself: a name that cannot be does not cost the presence of others. Who is watched already is told anew. */
    #watch(names: readonly string[]): void {
        const watchesMax = this.#client.limits?.watchesMax ?? 0;
        const more = names.filter((name) => !this.#watched.has(name)).length;
        if (this.#watched.size + more > watchesMax) this.#forget();
        for (const name of names) {
            if (!this.#watched.has(name) && this.#watched.size >= watchesMax) continue;
            this.#watched.add(name);
            // Of whom we cannot watch, nothing is shown: it is asked for again when they write, or in the next session.
            this.#client.watch([name]).catch(() => this.#watched.delete(name));
        }
    }

    /** Ends the watching of those with whom there is no conversation any more. */
    #forget(): void {
        const { conversations } = this.#store.model;
        for (const name of this.#watched) if (!conversations.has(name)) void this.#unwatch(name);
    }
}

/** Why we are not in a room that we wanted to join. Whether the server has done it, it may not know itself. */
function outside(room: string, error: unknown): { readonly why: string; readonly isWanted: boolean } {
    if (hasEnded(error)) return { why: `It is not known whether you are in ${room}`, isWanted: true };
    const isWanted = error instanceof ChatError && error.retryable;
    return { why: `You are not in ${room}: ${unsent(error)}`, isWanted };
}

/** Waits for the session: before there is one, a client takes no requests. If there is to be none, the client says why.
 *
 * @throws The signal's reason. */
async function began(client: Client, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (client.limits !== null) return;
    await new Promise<void>((resolve, reject) => {
        const heard = new AbortController();
        const once = { signal: heard.signal };
        const end = (settle: () => void) => (): void => {
            heard.abort();
            settle();
        };
        const types = ["registered", "resumed", "closed"] as const;
        for (const type of types) client.addEventListener(type, end(resolve), once);
        signal?.addEventListener("abort", end(() => reject(signal.reason)), once);
        if (client.closed !== null) end(resolve)();
    });
}
