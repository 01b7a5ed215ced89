/** A part of a text that leads somewhere, or does not. */
type Part =
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "link"; readonly text: string; readonly href: string };

/** What may be an address of the web. It ends at what no address has, or what cannot be seen. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"`\p{C}\p{M}\p{Default_Ignorable_Code_Point}\u2800]+/giu;

/** What ends a sentence, and not an address. */
const TRAILING = /[.,:;!?'*_~\u2026\u3001\u3002\uff0c]$/u;

/** How many addresses of one text are links; the others are text. A screen full of links takes seconds to lay out. */
const LINKS_MAX = 20;

/** Longer addresses are text. */
const ADDRESS_UNITS_MAX = 2_048;

/** The parts of a text, with the addresses that are safe to follow. */
export function links(text: string): readonly Part[] {
    const parts: Part[] = [];
    let shown = 0;
    let count = 0;
    for (const match of text.matchAll(ADDRESS)) {
        if (count === LINKS_MAX) break;
        if (match[0].length > ADDRESS_UNITS_MAX) continue;
        const address = withoutTrail(match[0]);
        const href = target(address);
        if (href === null) continue;
        if (match.index > shown) parts.push({ kind: "text", text: text.slice(shown, match.index) });
        parts.push({ kind: "link", text: address, href: href.href });
        count += 1;
        shown = match.index + address.length;
        // Letters that look like others are told by the name that computers use.
        if (href.hostname.includes("xn--")) parts.push({ kind: "text", text: ` [${href.hostname}]` });
    }
    if (shown < text.length) parts.push({ kind: "text", text: text.slice(shown) });
    return parts;
}

/** Where it leads, if that is what it looks like: `https://bank.example@evil.example` is not. */
function target(address: string): URL | null {
    let url;
    try {
        url = new URL(address);
    } catch {
        return null;
    }
    const isWeb = url.protocol === "https:" || url.protocol === "http:";
    return isWeb && url.username === "" && url.password === "" ? url : null;
}

/** Without what ends the sentence that it is in: a bracket belongs to it if it was opened in it. */
function withoutTrail(address: string): string {
    let unopened = 0;
    for (const sign of address) unopened += sign === ")" ? 1 : sign === "(" ? -1 : 0;
    let end = address.length;
    for (; end > 0; end--) {
        const last = address[end - 1]!;
        if (last === ")" && unopened > 0) unopened -= 1;
        else if (!TRAILING.test(last)) break;
    }
    return address.slice(0, end);
}
