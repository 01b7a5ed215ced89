/** The word before the cursor, which may become a name. */
export interface Word {
    readonly start: number;
    readonly end: number;
    /** Without the `@`. */
    readonly text: string;
    readonly hasAt: boolean;
}

/** How many names are offered. */
const OFFERED_MAX = 8;

/** The word that ends at the cursor; null if there is none. */
export function wordBefore(text: string, cursor: number): Word | null {
    const word = /(?:^|\s)(@?)([^\s@]*)$/u.exec(text.slice(0, cursor));
    if (word === null) return null;
    const [, at = "", letters = ""] = word;
    if (at === "" && letters === "") return null;
    return { start: cursor - at.length - letters.length, end: cursor, text: letters, hasAt: at !== "" };
}

/** The names that begin like this, in their order. */
export function complete({ text }: Word, names: readonly string[]): readonly string[] {
    const begun = text.toLowerCase();
    return names.filter((name) => name.toLowerCase().startsWith(begun)).slice(0, OFFERED_MAX);
}
