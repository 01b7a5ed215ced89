import { VERSION } from "./snapshot.ts";
import type { Snapshot, Stored, StoredEntry } from "./snapshot.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The latest time that there is, in milliseconds. */
const TIME_MS_MAX = 8.64e15;

const ID = /^\d{1,20}$/;

const MOVES: readonly unknown[] = ["joined", "left", "renamed"];

const STATES: readonly unknown[] = [null, "waiting", "pending", "accepted", "undelivered", "unconfirmed", "failed"];

/** Of what is in a tab's storage, all that this version of the page may have stored. `isWhole` if nothing else was there.
 * Null if it is no log at all. */
export function readStored(stored: unknown): { readonly log: Snapshot; readonly isWhole: boolean } | null {
    if (!isFields(stored)) return null;
    const { version, open, nextKey, conversations } = stored;
    if (version !== VERSION || !isTextOrNull(open) || !isCount(nextKey) || !Array.isArray(conversations)) return null;
    const fitting = conversations.filter(isConversation);
    const isOpenThere = fitting.some(({ name }) => name === open);
    const log = { version, open: isOpenThere ? open : null, nextKey, conversations: fitting };
    return { log, isWhole: fitting.length === conversations.length && isOpenThere === (open !== null) };
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string => typeof value === "string";
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);
const isTimeOrNull = (value: unknown): boolean =>
    value === null || (typeof value === "number" && Math.abs(value) <= TIME_MS_MAX);

function isConversation(value: unknown): value is Stored {
    if (!isFields(value)) return false;
    const { name, draft, unread, mentions, marker, isCut, entries } = value;
    return (
        isText(name) &&
        name !== "" &&
        isText(draft) &&
        isCount(unread) &&
        isCount(mentions) &&
        (marker === null || isCount(marker)) &&
        typeof isCut === "boolean" &&
        Array.isArray(entries) &&
        entries.every(isEntry) &&
        // The page finds an entry by its key.
        new Set(entries.map(({ key }) => key)).size === entries.length
    );
}

function isEntry(value: unknown): value is StoredEntry {
    if (!isFields(value) || !isCount(value["key"]) || !isText(value["text"])) return false;
    return value["kind"] === "said" ? isSaid(value) : value["kind"] === "notice" && isTraffic(value["traffic"]);
}

function isSaid({ from, number, time, state, why, isMention }: Fields): boolean {
    return (
        isText(from) &&
        (number === undefined || (isText(number) && ID.test(number))) &&
        isTimeOrNull(time) &&
        STATES.includes(state) &&
        isTextOrNull(why) &&
        typeof isMention === "boolean"
    );
}

function isTraffic(value: unknown): boolean {
    if (value === undefined) return true;
    return (
        Array.isArray(value) &&
        value.every((one) => Array.isArray(one) && one.length === 2 && isText(one[0]) && MOVES.includes(one[1]))
    );
}
