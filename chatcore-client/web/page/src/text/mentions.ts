/** Shorter names are words of many sentences: they are meant only after an `@`. */
const PLAIN_NAME_MIN = 3;

const isPartOfName = (character: string | undefined): boolean =>
    character !== undefined && /[\p{L}\p{N}\p{M}_-]/u.test(character);

/** Whether the text names this user, as a word of its own. */
export function mentions(text: string, name: string, displayName: string | null): boolean {
    return isIn(text, name) || (displayName !== null && isIn(text, displayName));
}

function isIn(text: string, name: string): boolean {
    const [haystack, needle] = [text.toLowerCase(), name.toLowerCase()];
    if (needle === "") return false;
    for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) {
        const before = [...haystack.slice(Math.max(at - 2, 0), at)].at(-1);
        const after = [...haystack.slice(at + needle.length, at + needle.length + 2)][0];
        const isWord = !isPartOfName(before) && !isPartOfName(after);
        if (isWord && (before === "@" || needle.length >= PLAIN_NAME_MIN)) return true;
    }
    return false;
}
