/** A text that is longer is folded. */
const UNITS_MAX = 1_200;
const LINES_MAX = 16;

/** Where a long text is cut; null if it is short. */
export function fold(text: string): string | null {
    const units = text.length > UNITS_MAX + UNITS_MAX / 4 ? UNITS_MAX : text.length;
    let end = 0;
    for (let lines = 0; lines < LINES_MAX; lines++) {
        const next = text.indexOf("\n", end);
        if (next < 0 || next >= units) return units === text.length ? null : whole(text, units);
        end = next + 1;
    }
    const rest = text.slice(end);
    // A last line or two are not worth a button.
    return rest.length < UNITS_MAX / 4 && rest.split("\n").length <= 3 && units === text.length
        ? null
        : text.slice(0, end - 1);
}

/** No character is cut in two. */
function whole(text: string, units: number): string {
    let end = units;
    const low = text.charCodeAt(end);
    if (low >= 0xdc00 && low < 0xe000) end -= 1;
    return text.slice(0, end);
}
