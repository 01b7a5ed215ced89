import { Client, load } from "chatcore";
import type { ChatEvent, Reason } from "chatcore";

import type { Action } from "../model/actions.ts";
import { restore } from "../model/snapshot.ts";
import { INITIAL } from "../model/types.ts";
import type { Link } from "../model/types.ts";
import { isTooOld } from "./age.ts";
import { claim, newClaim } from "./claim.ts";
import type { Release } from "./claim.ts";
import { farewell } from "./farewell.ts";
import { forget, keepTicket, keptLog, keptTicket } from "./keep.ts";
import type { Kept, LogKept } from "./keep.ts";
import { Keeper } from "./keeper.ts";
import { listen } from "./listen.ts";
import { notify } from "./notify.ts";
import { OUTBOX_BYTES_MAX } from "./outbox.ts";
import { Requests } from "./requests.ts";
import type { Store } from "./store.ts";
import { tell } from "./tell.ts";
import { TOO_OLD, broken, ended, notAsked, notSent, refused, why } from "./words.ts";

/** How long the module may take before there are words about it. */
const LATE_MS = 6_000;

const CONNECTING: Link = { kind: "connecting", why: null, isNameTaken: false };

const LOG_LOST = "This browser has not kept all that was said before the page was loaded anew.";
const UNREADABLE = "What this tab has kept of its session cannot be read: begin anew.";
const NOT_STORED = "This browser stores nothing for this page: if it is loaded anew, you begin anew.";
const LOG_NOT_STORED: Readonly<Record<LogKept, string | null>> = {
    whole: null,
    cut: "This browser has no room to keep all that you have written: if this page is loaded anew, some of it is lost.",
    none: "This browser has no room to keep what is said: if this page is loaded anew, your session goes on without it.",
};

/** The session of this tab, from the name to the end. */
export class Session {
    readonly #store: Store;
    readonly #keeper: Keeper;
    #client: Client | null = null;
    #requests: Requests | null = null;
    #isLogLost = false;
    #logKept: LogKept = "whole";
    #isTicketKept = true;
    /** There is no client any more, and a page that is loaded anew goes on all the same. */
    #isKeptOn = false;
    #claim: { readonly name: string; readonly release: Release } | null = null;

    constructor(store: Store) {
        this.#store = store;
        this.#keeper = new Keeper(
            store,
            () => this.#requests !== null || this.#isKeptOn,
            (kept) => {
                this.#logKept = kept;
                this.#warn();
            },
        );
        store.onChange(() => this.#keeper.changed());
        addEventListener("pagehide", ({ persisted }) => {
            this.#keepAll();
            // Nobody can go on with a session that is not kept anywhere: its name is free.
            if (!persisted && !this.#isTicketKept) void this.#client?.close({ connectTimeMax: 0 });
        });
        // A page that is frozen may be thrown away without another word.
        document.addEventListener("freeze", () => this.#keepAll());
        document.addEventListener("visibilitychange", () => {
            if (document.visibilityState === "hidden") this.#keepAll();
        });
    }

    /** What the person can ask for; null if there is no session. */
    get requests(): Requests | null {
        return this.#requests;
    }

    /** The client's silence: for how many milliseconds the server owes us something. */
    get silence(): number | null {
        return this.#client?.silence ?? null;
    }

    /** In how many milliseconds the client connects again; null if it does not wait for that. */
    get nextAttemptIn(): number | null {
        return this.#client?.nextAttemptIn ?? null;
    }

    /** Loads the module, and goes on with the tab's session or asks for a name. */
    async start(): Promise<void> {
        if (isTooOld()) return this.#break(TOO_OLD);
        this.#store.dispatch({ type: "phase", phase: { kind: "loading", words: "Loading…", isLate: false } });
        const late = setTimeout(() => {
            const words = "The server is slow to give a part of this page. Wait, or load it anew.";
            this.#store.dispatch({ type: "phase", phase: { kind: "loading", words, isLate: true } });
        }, LATE_MS);
        try {
            await load();
        } catch (error) {
            clearTimeout(late);
            return this.#break(broken(error));
        }
        clearTimeout(late);
        await shown();
        const kept = keptTicket();
        if (kept === null) return this.prompt({});
        if (kept === undefined) {
            forget();
            return this.prompt({ note: UNREADABLE });
        }
        const release = await claim(kept.claim);
        if (release === null) {
            forget();
            return this.prompt({
                note: `Another tab goes on as ${kept.ticket.name}. This one needs a name of its own.`,
            });
        }
        this.#claim = { name: kept.claim, release };
        this.#resume(kept);
    }

    /** The page cannot go on. */
    #break([title, words]: readonly [title: string, words: string]): void {
        this.#store.dispatch({ type: "phase", phase: { kind: "broken", title, words } });
    }

    /** Asks for a name. */
    prompt({
        error = null,
        note = this.#note,
        name = "",
        asksPassword = false,
    }: {
        error?: string | null;
        note?: string | null;
        name?: string;
        asksPassword?: boolean;
    }): void {
        // Until somebody has a name, a page that is loaded anew goes on with what is shown now, and no other tab does.
        this.#keeper.keep();
        this.#end();
        this.#store.dispatch({
            type: "phase",
            phase: { kind: "prompt", name, error, note, asksPassword, isBusy: false },
        });
    }

    register(name: string, password: string): void {
        this.#end();
        const asksPassword = password !== "";
        this.#store.dispatch({
            type: "phase",
            phase: { kind: "prompt", name, error: null, note: this.#note, asksPassword, isBusy: true },
        });
        this.#isLogLost = false;
        const begun = this.#begin(name, asksPassword);
        begun?.client.register(name, { credential: password }).catch((error: unknown) => this.#notBegun(begun.client, name, error));
    }

    #resume({ ticket }: Kept): void {
        const kept = keptLog();
        if (kept !== null) this.#store.replace(restore(this.#store.model, kept.log));
        this.#isLogLost = kept?.isWhole !== true;
        this.#store.dispatch({ type: "me", user: { name: ticket.name, displayName: ticket.displayName } });
        this.#store.dispatch({ type: "phase", phase: { kind: "chat" } });
        const begun = this.#begin(ticket.name, false);
        if (begun === null) return;
        this.#requests = begun.requests;
        begun.client.resume(ticket).catch((error: unknown) => {
            const isOurs = this.#client === begun.client;
            this.#notBegun(begun.client, ticket.name, error);
            // It would not be taken another time either.
            if (isOurs) forget();
        });
    }

    /** The client itself does not take what it was given. Of the rest its events have told, and it is not ours any more. */
    #notBegun(client: Client, name: string, error: unknown): void {
        if (this.#client === client) this.prompt({ name, error: notAsked(error) });
    }

    /** What the person was told about the tab holds until they have a name. */
    get #note(): string | null {
        const { phase } = this.#store.model;
        return phase.kind === "prompt" ? phase.note : null;
    }

    /** Connects at once. */
    hurry(): void {
        this.#client?.hurry();
    }

    /** Says goodbye, and asks for a name. */
    signOut(): void {
        const { me, phase } = this.#store.model;
        if (phase.kind !== "chat") return;
        // The server is told that we have what is shown.
        this.#keeper.keep();
        const lost = this.#end({ isHandedOver: true });
        this.prompt({ name: me?.displayName ?? me?.name ?? "", note: lost === 0 ? null : notSent(lost) });
        this.#clear();
        this.#release();
        // Another click is not another answer.
        this.#store.flush();
    }

    /** Nothing of what was said is there for whoever comes next, nor is it kept. */
    #clear(): void {
        forget();
        const { isSeen, phase, nextKey } = this.#store.model;
        // What the client before is still told is of other entries.
        this.#store.replace({ ...INITIAL, isSeen, phase, nextKey });
    }

    /** A client whose events are shown as long as it is ours. */
    #begin(name: string, hasPassword: boolean): { client: Client; requests: Requests } | null {
        this.#link(CONNECTING);
        let client: Client;
        try {
            client = new Client(location.pathname, { keepsTrying: true, outboxBytesMax: OUTBOX_BYTES_MAX });
        } catch (error) {
            this.#break(broken(error));
            return null;
        }
        this.#client = client;
        const requests = new Requests(client, this.#store, () => this.#keeper.keep());
        this.#listen(client, requests);
        this.#watchName(client, name, hasPassword);
        return { client, requests };
    }

    /** What happens in the session, and to its connection, as long as the client is ours. */
    #listen(client: Client, requests: Requests): void {
        const ours = this.#ours(client);
        let isKnown = false;
        listen(client, (action, event) => {
            if (this.#client !== client) return;
            if ("room" in action && action.room !== null && requests.isLeaving(action.room)) return;
            // Another session of ours has come into a room, or gone out of it.
            if (action.type === "joined" && action.user.name === client.name) requests.moved(action.room, true);
            if (action.type === "left" && action.name === client.name && !action.isRenamed)
                requests.moved(action.room, false);
            this.#store.dispatch(action);
            // The server is told that we have it when it would not be lost with the page.
            event.waitUntil(this.#keeper.kept);
            if (action.type === "message") this.#heard(action, requests);
            if (action.type === "stale") requests.refresh();
        });
        const began = ours(({ type }: { type: string }) => {
            const isNew = this.#entered(client, requests);
            if (type === "registered") void requests.begin(isNew);
            else requests.goOn();
            // If the session has ended meanwhile, its events say so.
            if (type === "resumed" && !isKnown)
                tell(this.#store, requests.learn(), "The page does not know which rooms you are in");
            isKnown = true;
        });
        const connecting = ours(() => {
            const { link } = this.#store.model;
            this.#link(link.kind === "waiting" ? { ...link, kind: "connecting" } : CONNECTING);
        });
        const renamed = ours(() => {
            this.#keepTicket(client);
            requests.refresh();
        });
        const lost = ours(() => this.#store.dispatch({ type: "lost" }));
        client.addEventListener("registered", began);
        client.addEventListener("resumed", began);
        client.addEventListener("renamed", renamed);
        client.addEventListener("sessionlost", lost);
        client.addEventListener("connecting", connecting);
    }

    /** What comes of the name that was asked for. */
    #watchName(client: Client, name: string, hasPassword: boolean): void {
        const ours = this.#ours(client);
        const refusal = ours(({ detail: { code, message, after } }: ChatEvent<"refused">) => {
            const asksPassword = code === "denied";
            this.prompt({ name, error: refused(code, message, after, hasPassword), asksPassword });
        });
        const reconnecting = ours(({ detail }: ChatEvent<"reconnecting">) => this.#reconnecting(name, detail));
        const closed = ours(({ detail }: ChatEvent<"closed">) => this.#closed(name, detail));
        client.addEventListener("refused", refusal);
        client.addEventListener("reconnecting", reconnecting);
        client.addEventListener("closed", closed);
    }

    #ours(client: Client): <T>(work: (given: T) => void) => (given: T) => void {
        return (work) => (given) => {
            if (this.#client === client) work(given);
        };
    }

    #heard(message: Action & { type: "message" }, requests: Requests): void {
        notify(
            () => this.#store.model,
            message,
            (name) => {
                if (this.#requests === requests && this.#store.model.conversations.has(name)) requests.open(name);
            },
        );
        if (message.room === null) requests.meet(message.from);
    }

    /** @returns Whether somebody was asked for the name. */
    #entered(client: Client, requests: Requests): boolean {
        this.#requests = requests;
        const { me, phase } = this.#store.model;
        const isNew = phase.kind !== "chat";
        if (isNew && me !== null) {
            if (client.name !== me.name) this.#another(requests);
            // What was said meanwhile is missing, and the rooms are joined anew.
            else this.#store.dispatch({ type: "lost" });
        }
        this.#link({ kind: "open" });
        this.#store.dispatch({ type: "phase", phase: { kind: "chat" } });
        this.#keepTicket(client);
        return isNew;
    }

    /** Somebody was asked for a name, and has another one than before: they need not be the same person. */
    #another(requests: Requests): void {
        const lost = requests.drop();
        this.#clear();
        this.#release();
        if (lost > 0) this.#store.dispatch({ type: "failure", words: notSent(lost) });
    }

    #reconnecting(name: string, { why: reason }: { why: Reason }): void {
        const { phase } = this.#store.model;
        // Somebody who asks for a name can have another one now.
        if (phase.kind === "prompt" && reason.kind === "refused")
            return this.prompt({ name, error: refused(reason.code, reason.message, reason.after, false) });
        const isNameTaken = reason.kind === "refused" && reason.code === "name_in_use";
        this.#link({ kind: "waiting", why: why(reason), isNameTaken });
    }

    #closed(name: string, reason: Reason): void {
        if (reason.kind !== "closed" && reason.kind !== "goodbye") console.warn(reason.kind, reason.code, reason.message);
        if (this.#store.model.phase.kind === "prompt") return this.prompt({ name, error: ended(reason) });
        // After any other end a page that is loaded anew goes on with the session, or else under its name.
        const isGoodbye = reason.kind === "goodbye";
        if (isGoodbye) forget();
        else this.#keepAll();
        this.#end();
        if (isGoodbye) this.#release();
        // What the client has not sent is told after this.
        this.#isKeptOn = !isGoodbye;
        this.#link({ kind: "ended", why: ended(reason) });
    }

    /** Says what a page that is loaded anew does not have, or did not. */
    #warn(): void {
        const lost = this.#isLogLost ? LOG_LOST : null;
        const words = this.#isTicketKept ? (LOG_NOT_STORED[this.#logKept] ?? lost) : NOT_STORED;
        if (this.#store.model.warning !== words) this.#store.dispatch({ type: "warning", words });
    }

    #link(link: Link): void {
        this.#store.dispatch({ type: "link", link });
    }

    #keepTicket(client: Client): void {
        const { ticket, name, displayName } = client;
        if (ticket === null) return;
        if (name !== null) this.#store.dispatch({ type: "me", user: { name, displayName } });
        const claimed = this.#claim?.name ?? this.#claimNew();
        this.#isTicketKept = keepTicket({ ticket, claim: claimed });
        this.#warn();
    }

    #claimNew(): string {
        const name = newClaim();
        const claimed = claim(name);
        this.#claim = { name, release: () => void claimed.then((release) => release?.()) };
        return name;
    }

    #keepAll(): void {
        if (this.#client !== null && this.#requests !== null) this.#keepTicket(this.#client);
        this.#keeper.keep();
    }

    /** Lets go of the client. What waits to be sent is left to it, or to the next session.
     *
     * @returns How many messages the client cannot send. */
    #end({ isHandedOver } = { isHandedOver: false }): number {
        const client = this.#client;
        this.#isKeptOn = false;
        const lost = this.#requests?.end(isHandedOver) ?? 0;
        this.#client = null;
        this.#requests = null;
        if (client !== null) farewell(client);
        return lost;
    }

    /** Another tab may go on with what is kept. */
    #release(): void {
        this.#claim?.release();
        this.#claim = null;
    }
}

/** Until the page is there for somebody: a browser may render it ahead, and gives it no locks then. */
async function shown(): Promise<void> {
    const { prerendering = false } = document as { prerendering?: boolean };
    if (!prerendering) return;
    await new Promise((resolve) => document.addEventListener("prerenderingchange", resolve, { once: true }));
}
