// What a program gives, before the module sees it: a value of another kind is a fault there, which ends all clients, and what is
// large fills its memory, which does not shrink again.
import { ChatError } from "./error.ts";

/** The length of a name or a credential that no server takes. */
const SHORT_LENGTH_MAX = 64 << 10;

/** How many names no server takes at once, and how long they are together. */
const NAMES_MAX = 64 << 10;
const NAMES_LENGTH_MAX = 4 << 20;

const ENCODER = new TextEncoder();

function checkLength(length: number, lengthMax: number, code: string): void {
    if (length > lengthMax) throw new ChatError(code, false, `a length of ${length} is too much: at most ${lengthMax} is possible`);
}

/** @throws {ChatError} `invalid`, with what would be right. */
export function invalid(words: string): never {
    throw new ChatError("invalid", false, words);
}

/** @throws {ChatError} `invalid` or `name_too_long`. */
export function nameOf(given: unknown): string {
    if (typeof given !== "string") invalid(`a name must be a string: this is of type ${typeof given}`);
    checkLength(given.length, SHORT_LENGTH_MAX, "name_too_long");
    return given;
}

/** @throws {ChatError} `invalid`, `name_too_long` or `too_many_names`. */
export function namesOf(given: unknown): string[] {
    if (!Array.isArray(given)) invalid(`names must be an array of strings: this is of type ${typeof given}`);
    checkLength(given.length, NAMES_MAX, "too_many_names");
    const names = Array.from(given, nameOf);
    checkLength(names.reduce((sum, { length }) => sum + length, 0), NAMES_LENGTH_MAX, "too_many_names");
    return names;
}

/** @throws {ChatError} `invalid`, or this code if it is too long. */
export function bytesOf(given: unknown, lengthMax: number, code: string): Uint8Array {
    const isText = typeof given === "string";
    if (!isText && !ArrayBuffer.isView(given)) invalid(`it must be a string or a Uint8Array: this is of type ${typeof given}`);
    // Each unit of a text has a byte at least.
    checkLength(isText ? given.length : given.byteLength, lengthMax, code);
    const bytes = isText ? ENCODER.encode(given) : new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
    checkLength(bytes.length, lengthMax, code);
    return bytes;
}

/** @throws {ChatError} `invalid` or `credential_too_long`. */
export const credentialOf = (given: unknown): Uint8Array => bytesOf(given, SHORT_LENGTH_MAX, "credential_too_long");
