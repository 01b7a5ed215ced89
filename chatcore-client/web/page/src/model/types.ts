/** How far a message of ours has come. One that is `waiting` certainly has not gone out. */
export type OwnState = "waiting" | "pending" | "accepted" | "undelivered" | "unconfirmed" | "failed";

/** A message, of ours or of somebody else. */
export interface Said {
    readonly kind: "said";
    /** Its place in the page: it rises, and nothing else has it. */
    readonly key: number;
    /** The name of its sender. */
    readonly from: string;
    readonly text: string;
    /** The server's id; null until it has one. */
    readonly id: bigint | null;
    /** When the server accepted it, in milliseconds; null until it has. */
    readonly time: number | null;
    /** Null for those of others. */
    readonly state: OwnState | null;
    /** Why it failed. */
    readonly why: string | null;
    /** Whether it names us. */
    readonly isMention: boolean;
}

/** How somebody came to a room, or is not there any more: who has another name is there under that. */
export type Move = "joined" | "left" | "renamed";

/** Something that the page itself says among the messages. */
export interface Notice {
    readonly kind: "notice";
    readonly key: number;
    readonly text: string;
    /** Of whom it says that they came or went; missing if it says something else. */
    readonly traffic?: readonly (readonly [shown: string, move: Move])[];
}

export type Entry = Said | Notice;

/** Whether it is a message of ours that waits to be sent: nobody else has it. */
export const isWaiting = (entry: Entry): boolean => entry.kind === "said" && entry.state === "waiting";

/** A room or a user, and what was said there. */
export interface Conversation {
    /** Its name: rooms begin with `#`. */
    readonly name: string;
    readonly entries: readonly Entry[];
    /** Whether older entries were there, and are not any more. */
    readonly isCut: boolean;
    /** The UTF-16 units of all texts in it. */
    readonly units: number;
    readonly unread: number;
    /** How many of the unread ones are for us. */
    readonly mentions: number;
    /** The key of the first entry that was not read when the conversation was opened; null if there is none. */
    readonly marker: number | null;
    /** What is written and not sent. */
    readonly draft: string;
    /** For a room: whether we are in it. */
    readonly isJoined: boolean;
    /** For a room: whether we want to be in it, also in a session that begins anew. */
    readonly isWanted: boolean;
    /** What was reported of messages of ours before their ids were known. */
    readonly early: ReadonlyMap<bigint, OwnState>;
    /** For a room: its members by name, with the spelling to show; null as long as nobody has asked. */
    readonly roster: ReadonlyMap<string, string | null> | null;
    /** For a room: whether its roster may be wrong, so that it must be asked for. */
    readonly isStale: boolean;
    /** For a room whose roster is being asked for: who has come, or gone (null), since then; null if it is not asked for, or if
     * the answer may be wrong. */
    readonly moves: ReadonlyMap<string, User | null> | null;
    /** For a user: whether they are online; null if we do not know. */
    readonly isOnline: boolean | null;
    /** The highest id among what came from before the page was loaded anew: what comes again is not shown twice. */
    readonly restoredTo: bigint;
    /** When something happened in it last, as a key. */
    readonly touched: number;
}

/** What the page is doing. */
export type Phase =
    | { readonly kind: "loading"; readonly words: string; readonly isLate: boolean }
    | {
          readonly kind: "prompt";
          readonly name: string;
          readonly error: string | null;
          readonly note: string | null;
          readonly asksPassword: boolean;
          readonly isBusy: boolean;
      }
    | { readonly kind: "chat" }
    | { readonly kind: "broken"; readonly title: string; readonly words: string };

/** How the connection is. */
export type Link =
    /** `why` the attempt before did not help; null for the first. `isNameTaken` as it was then. */
    | { readonly kind: "connecting"; readonly why: string | null; readonly isNameTaken: boolean }
    | { readonly kind: "open" }
    /** Until the next attempt: the client knows when that is. */
    | { readonly kind: "waiting"; readonly why: string; readonly isNameTaken: boolean }
    /** Nothing happens until the person does something. */
    | { readonly kind: "ended"; readonly why: string };

export interface User {
    readonly name: string;
    readonly displayName: string | null;
}

export interface Model {
    readonly phase: Phase;
    readonly link: Link;
    /** Who we are; null before the first session. */
    readonly me: User | null;
    /** In the order of the list. */
    readonly conversations: ReadonlyMap<string, Conversation>;
    /** The name of the open one. */
    readonly open: string | null;
    /** Whether the person looks at the page. */
    readonly isSeen: boolean;
    /** Whether a session has begun, and the page joins its rooms: until it has, what is written waits. */
    readonly isBeginning: boolean;
    /** Words about the page itself, such as that nothing can be stored; null if there are none. */
    readonly warning: string | null;
    /** Why something that the person asked for was not done, until they go on; null if there is nothing to tell. */
    readonly failure: string | null;
    readonly nextKey: number;
}

export const isRoom = (name: string): boolean => name.startsWith("#");

export const INITIAL: Model = {
    phase: { kind: "loading", words: "Loading…", isLate: false },
    link: { kind: "connecting", why: null, isNameTaken: false },
    me: null,
    conversations: new Map(),
    open: null,
    isSeen: true,
    isBeginning: false,
    warning: null,
    failure: null,
    nextKey: 1,
};
