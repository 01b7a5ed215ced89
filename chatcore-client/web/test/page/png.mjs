// Makes a picture of the browser small: at most 256 colours, as a palette. What a page shows has few, but for the edges of letters.
import { crc32, deflateSync, inflateSync } from "node:zlib";

const COLOURS_MAX = 256;
const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** The same picture, of 8 bits in red, green, blue and perhaps alpha, with a palette. */
export function withPalette(png) {
    const { header, data } = chunks(png);
    const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
    const channels = { 2: 3, 6: 4 }[header[9]];
    if (header[8] !== 8 || channels === undefined || header[12] !== 0) throw new Error("this PNG is of another kind than browsers make");
    const pixels = unfiltered(inflateSync(data), width * channels, height, channels);
    const colours = new Uint32Array(width * height);
    for (let i = 0; i < colours.length; i += 1) colours[i] = (pixels[i * channels] << 16) | (pixels[i * channels + 1] << 8) | pixels[i * channels + 2];
    const palette = commonest(colours);
    const nearest = new Map(palette.map((colour, index) => [colour, index]));
    const rows = Buffer.alloc((width + 1) * height);
    for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
            const colour = colours[y * width + x];
            if (!nearest.has(colour)) nearest.set(colour, closest(palette, colour));
            rows[y * (width + 1) + 1 + x] = nearest.get(colour);
        }
    }
    const head = Buffer.from(header);
    head[9] = 3;
    const bytes = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
    return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("PLTE", bytes), chunk("IDAT", deflateSync(rows, { level: 9, memLevel: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

function chunks(png) {
    const found = { header: null, data: [] };
    for (let at = 8; at < png.length; ) {
        const length = png.readUInt32BE(at);
        const type = png.toString("latin1", at + 4, at + 8);
        const body = png.subarray(at + 8, at + 8 + length);
        if (type === "IHDR") found.header = body;
        if (type === "IDAT") found.data.push(body);
        at += 12 + length;
    }
    return { header: found.header, data: Buffer.concat(found.data) };
}

function chunk(type, body) {
    const named = Buffer.concat([Buffer.from(type, "latin1"), body]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(body.length);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
}

/** What stood there before each row was written as a difference: section 9 of the PNG specification. */
function unfiltered(raw, stride, height, channels) {
    const out = Buffer.alloc(stride * height);
    for (let y = 0; y < height; y += 1) {
        const filter = raw[y * (stride + 1)];
        for (let x = 0; x < stride; x += 1) {
            const at = y * stride + x;
            const left = x >= channels ? out[at - channels] : 0;
            const up = y > 0 ? out[at - stride] : 0;
            const corner = x >= channels && y > 0 ? out[at - stride - channels] : 0;
            const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
            out[at] = raw[y * (stride + 1) + 1 + x] + guess;
        }
    }
    return out;
}

function paeth(left, up, corner) {
    const guess = left + up - corner;
    const [byLeft, byUp, byCorner] = [left, up, corner].map((value) => Math.abs(guess - value));
    if (byLeft <= byUp && byLeft <= byCorner) return left;
    return byUp <= byCorner ? up : corner;
}

function commonest(colours) {
    const counts = new Map();
    for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]).slice(0, COLOURS_MAX).map(([colour]) => colour);
}

function closest(palette, colour) {
    const distance = (other) => [16, 8, 0].reduce((sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0);
    return palette.reduce((best, other, index) => (distance(other) < distance(palette[best]) ? index : best), 0);
}
