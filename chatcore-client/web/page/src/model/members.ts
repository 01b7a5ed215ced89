import { ROSTER_MAX } from "./bounds.ts";
import type { Action } from "./actions.ts";
import type { Draft, Open } from "./draft.ts";
import type { Move, Notice, User } from "./types.ts";

/** In a room with more members, it is not told who comes and goes: the roster shows it. */
const TOLD_MEMBERS_MAX = 12;

/** How many names one line of comings and goings has. */
const TOLD_NAMES_MAX = 6;

type Traffic = NonNullable<Notice["traffic"]>;

/** The roster is as the server says, and as has been told since it was asked. It is right unless something was not told. */
export function listed(room: Open, users: readonly User[]): void {
    const roster = new Map(users.slice(0, ROSTER_MAX).map((user) => [user.name, user.displayName]));
    for (const [name, user] of room.moves ?? []) {
        if (user === null) roster.delete(name);
        else if (roster.size < ROSTER_MAX) roster.set(name, user.displayName);
    }
    room.roster = roster;
    room.isStale = room.moves === null;
    room.moves = null;
}

/** Notes who comes or goes while the roster is asked for: the answer may be older. */
function note(room: Open | undefined, name: string, user: User | null): void {
    if (room?.moves == null) return;
    room.moves = room.moves.size < ROSTER_MAX ? new Map(room.moves).set(name, user) : null;
}

export function joined(draft: Draft, name: string, user: User): void {
    const room = draft.known(name);
    note(room, user.name, user);
    if (room?.roster == null || room.roster.has(user.name) || room.roster.size >= ROSTER_MAX) return;
    room.roster = new Map(room.roster).set(user.name, user.displayName);
    if (room.roster.size <= TOLD_MEMBERS_MAX) tell(draft, room, user.displayName ?? user.name, "joined");
}

/** Who has another name comes as well, under that: nothing tells which of those who come it is. */
export function left(draft: Draft, { room: name, name: user, isRenamed }: Action & { type: "left" }): void {
    const room = draft.known(name);
    note(room, user, null);
    if (room?.roster?.has(user) !== true) return;
    const roster = new Map(room.roster);
    const shown = roster.get(user) ?? user;
    roster.delete(user);
    room.roster = roster;
    if (roster.size < TOLD_MEMBERS_MAX) tell(draft, room, shown, isRenamed ? "renamed" : "left");
}

/** Comings and goings after each other are one line: somebody whose connection is bad does not push out what was said. */
function tell(draft: Draft, room: Open, shown: string, move: Move): void {
    const last = room.entries.at(-1);
    const earlier = last?.kind === "notice" ? (last.traffic ?? null) : null;
    const others = (earlier ?? []).filter(([name]) => name !== shown).slice(-TOLD_NAMES_MAX + 1);
    const traffic: Traffic = [...others, [shown, move]];
    const text = words(traffic);
    if (earlier === null || last === undefined) {
        draft.append(room, { kind: "notice", key: draft.key(), text, traffic });
    } else {
        room.units += text.length - last.text.length;
        room.entries[room.entries.length - 1] = { kind: "notice", key: last.key, text, traffic };
    }
}

/** Who did the same. */
export interface Clause {
    readonly names: readonly string[];
    /** Such as `have joined`. */
    readonly verb: string;
}

const VERBS: Readonly<Record<Move, string>> = {
    renamed: "another name now",
    joined: "joined",
    left: "left",
};

export function clauses(traffic: Traffic): readonly Clause[] {
    const clause = ([wanted, verb]: [string, string]): Clause => {
        const names = traffic.filter(([, move]) => move === wanted).map(([shown]) => shown);
        return { names, verb: `${names.length === 1 ? "has" : "have"} ${verb}` };
    };
    return Object.entries(VERBS)
        .map(clause)
        .filter(({ names }) => names.length > 0);
}

/** What stands before a name in a list of them. */
export const before = (at: number, count: number): string => (at === 0 ? "" : at < count - 1 ? ", " : " and ");

const words = (traffic: Traffic): string =>
    clauses(traffic)
        .map(({ names, verb }) => `${names.map((name, at) => before(at, names.length) + name).join("")} ${verb}`)
        .join("; ");
