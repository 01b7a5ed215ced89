import { ROSTER_MAX } from "./bounds.ts";
import type { Draft, Open } from "./draft.ts";
import type { Notice, User } from "./types.ts";

/** In a room with more members, it is not told who comes and goes: the roster shows it. */
const TOLD_MEMBERS_MAX = 12;

/** How many names one line of comings and goings has. */
const TOLD_NAMES_MAX = 6;

type Traffic = NonNullable<Notice["traffic"]>;

export function joined(draft: Draft, name: string, user: User): void {
    const room = draft.known(name);
    if (room?.roster == null || room.roster.has(user.name) || room.roster.size >= ROSTER_MAX) return;
    room.roster = new Map(room.roster).set(user.name, user.displayName);
    if (room.roster.size <= TOLD_MEMBERS_MAX) tell(draft, room, user.displayName ?? user.name, true);
}

export function left(draft: Draft, name: string, user: string): void {
    const room = draft.known(name);
    if (room?.roster?.has(user) !== true) return;
    const roster = new Map(room.roster);
    const shown = roster.get(user) ?? user;
    roster.delete(user);
    room.roster = roster;
    if (roster.size < TOLD_MEMBERS_MAX) tell(draft, room, shown, false);
}

/** Comings and goings after each other are one line: somebody whose connection is bad does not push out what was said. */
function tell(draft: Draft, room: Open, shown: string, isHere: boolean): void {
    const last = room.entries.at(-1);
    const before = last?.kind === "notice" ? (last.traffic ?? null) : null;
    const others = (before ?? []).filter(([name]) => name !== shown).slice(-TOLD_NAMES_MAX + 1);
    const traffic: Traffic = [...others, [shown, isHere]];
    const text = words(traffic);
    if (before === null || last === undefined) {
        draft.append(room, { kind: "notice", key: draft.key(), text, traffic });
    } else {
        room.units += text.length - last.text.length;
        room.entries[room.entries.length - 1] = { kind: "notice", key: last.key, text, traffic };
    }
}

function words(traffic: Traffic): string {
    const clause = (isWanted: boolean, verb: string): string => {
        const names = traffic.filter(([, isHere]) => isHere === isWanted).map(([shown]) => shown);
        if (names.length === 0) return "";
        const list = names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
        return `${list} ${names.length === 1 ? "has" : "have"} ${verb}`;
    };
    return [clause(true, "joined"), clause(false, "left")].filter((text) => text !== "").join("; ");
}
