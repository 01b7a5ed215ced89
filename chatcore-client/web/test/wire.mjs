// The bytes of chatcore's protocol, as far as servers need them that only imitate one: docs/src/protocol.md.
const utf8 = new TextEncoder();

export const PREFACE = Uint8Array.of(0xc4, ...utf8.encode("chat\r\n"), 0, 1, 0, 0, 0, 0, 0, 0, 0);

export function joinBytes(pieces) {
    const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
    }
    return all.buffer;
}

/** The kind of each frame. */
export function* kinds(frames) {
    const view = new DataView(frames.buffer, frames.byteOffset, frames.length);
    for (let at = 0; at < frames.length; at += 4 + view.getUint32(at, true)) yield frames[at + 4];
}

/** An integer in its shortest form. */
export function uint(value) {
    const number = BigInt(value);
    const [mark, length] = number < 251n ? [undefined, 1] : number < 1n << 16n ? [0xfb, 2] : number < 1n << 32n ? [0xfc, 4] : [0xfd, 8];
    const bytes = Array.from({ length }, (_, i) => Number((number >> BigInt(8 * i)) & 255n));
    return mark === undefined ? bytes : [mark, ...bytes];
}

/** A text, or bytes, after its length. */
export function blob(given) {
    const bytes = typeof given === "string" ? utf8.encode(given) : given;
    return [...uint(bytes.length), ...bytes];
}

export function frame(kind, fields) {
    const bytes = new Uint8Array(5 + fields.length);
    new DataView(bytes.buffer).setUint32(0, 1 + fields.length, true);
    bytes[4] = kind;
    bytes.set(fields, 5);
    return bytes;
}
