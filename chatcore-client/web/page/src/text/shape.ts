import { links } from "./links.ts";

/** A part of a text, as it is shown. `mark` stands for what cannot be seen, or should not be. */
export type Piece =
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "mark"; readonly text: string; readonly title: string }
    | { readonly kind: "link"; readonly text: string; readonly href: string };

/** What cannot be seen: controls, formats, blanks that are letters; and a run of marks on one letter. */
const SUSPECT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|[\p{M}\u200c\u200d]{5,}/gu;

/** Line breaks and tabs are shown as they are. Joiners and variation selectors belong to words and to emoji. */
const HARMLESS = /^[\n\t\u200c\u200d\ufe00-\ufe0f]$/u;

/** The most pieces of a text, whatever it is made of: what is beyond is written into the last one. */
const PIECES_MAX = 64;

/** How many characters that cannot be seen are shown after each other: of the others their number is. */
const HIDDEN_MAX = 8;

/** The characters after each other that cannot be seen. */
const HIDDEN = /(?:(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800])+/uy;

/** The most marks that one letter may carry. */
const MARKS_MAX = 4;

/** A flag that is written with tags, which are invisible: England's, Scotland's and Wales's are in use. */
const TAGGED_FLAG = /^\u{1f3f4}[\u{e0061}-\u{e007a}]{5}\u{e007f}/u;

/** The parts of a text: nothing of it is lost, and nothing of it is hidden. */
export function shape(text: string): readonly Piece[] {
    const normalized = text.replaceAll("\r\n", "\n");
    const pieces: Piece[] = [];
    for (const part of links(normalized)) {
        if (part.kind === "link") put(pieces, part);
        else reveal(part.text, pieces);
    }
    return pieces;
}

/** Adds a piece, as a part of the last one if that is a text and there are too many. */
function put(pieces: Piece[], piece: Piece): void {
    if (pieces.length < PIECES_MAX - 1) {
        pieces.push(piece);
        return;
    }
    const last = pieces.at(-1);
    if (last?.kind === "text") pieces[pieces.length - 1] = { kind: "text", text: last.text + written(piece) };
    else pieces.push({ kind: "text", text: written(piece) });
}

function reveal(text: string, pieces: Piece[]): void {
    let shown = 0;
    let hidden = 0;
    const show = (to: number): void => {
        if (to === shown) return;
        put(pieces, { kind: "text", text: text.slice(shown, to) });
        hidden = 0;
    };
    SUSPECT.lastIndex = 0;
    for (let match = SUSPECT.exec(text); match !== null; match = SUSPECT.exec(text)) {
        const [suspect] = match;
        const flag =
            suspect >= "\u{e0000}"
                ? TAGGED_FLAG.exec(text.slice(Math.max(match.index - 2, 0), match.index + 14))
                : null;
        if (flag !== null) {
            SUSPECT.lastIndex = match.index - 2 + flag[0].length;
            continue;
        }
        if (HARMLESS.test(suspect)) continue;
        const characters = [...suspect];
        const isRun = characters.length > MARKS_MAX;
        const kept = isRun ? characters.slice(0, MARKS_MAX).join("").length : 0;
        show(match.index + kept);
        let end = match.index + suspect.length;
        if (isRun) put(pieces, tooMany(characters.length - MARKS_MAX));
        else if (hidden++ < HIDDEN_MAX) {
            let count = 1;
            while (text.startsWith(suspect, end)) [end, count] = [end + suspect.length, count + 1];
            put(pieces, mark(suspect, count));
        } else {
            HIDDEN.lastIndex = match.index;
            const [more] = HIDDEN.exec(text) ?? match;
            put(pieces, moreHidden([...more].length));
            end = match.index + more.length;
        }
        SUSPECT.lastIndex = shown = end;
    }
    show(text.length);
}

const tooMany = (count: number): Piece => ({
    kind: "mark",
    text: `+${count}`,
    title: `${count} more marks on this letter`,
});

const moreHidden = (count: number): Piece => ({
    kind: "mark",
    text: `+${count}`,
    title: `${count} more characters that cannot be seen`,
});

function mark(character: string, count: number): Piece {
    const number = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
    const text = count === 1 ? number : `${number} × ${count}`;
    return { kind: "mark", text, title: `a character that cannot be seen: ${text}` };
}

const written = (piece: Piece): string => (piece.kind === "mark" ? `\u27e8${piece.text}\u27e9` : piece.text);

/** A name or other short text for one line, with what cannot be seen as marks in the text. */
export function plain(text: string): string {
    if (text === "") return "(no name)";
    const pieces: Piece[] = [];
    reveal(text, pieces);
    return pieces.map((piece) => written(piece).replaceAll("\n", "\u2424")).join("");
}
