/** Wide and narrow forms, as keyboards of East Asia write them. */
const WIDTH_FORMS = /[\uff00-\uffef]+/gu;

/** A name as the server maps it, but for five letters of Thai, Lao and Armenian: its tables of Unicode would weigh more than the
 * rest of the page. */
export function mapped(name: string): string {
    const ordinary = name.trim().replace(WIDTH_FORMS, (forms) => forms.normalize("NFKC"));
    return ordinary.toLowerCase().replaceAll("\u03c2", "\u03c3").normalize("NFC");
}

/** The room that somebody means, with or without its sign. */
export function roomOf(given: string): string {
    const name = mapped(given);
    return name.startsWith("#") ? name : `#${name}`;
}

/** The user whom somebody means, with or without a sign. */
export const userOf = (given: string): string => mapped(given).replace(/^@/, "");
