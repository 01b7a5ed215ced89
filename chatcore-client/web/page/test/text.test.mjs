// How the page shows the texts of others.
import assert from "node:assert/strict";
import test from "node:test";

import { complete, fold, mentions, plain, roomOf, shape, userOf, wordBefore } from "./parts.mjs";

/** What any of the texts may cost, in microseconds of the processor. */
const CPU_US_MAX = 1_000_000;

/** The most pieces of a text, and the links among them. */
const PIECES_MAX = 64;
const LINKS_MAX = 20;

/** The bytes of the longest message by default. */
const BODY_UNITS_MAX = 65_536;

/** The same numbers each time. */
function numbers(seed) {
    let state = seed;
    return (below) => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
    };
}

/** Shapes a text, which must be quick and become few elements. */
function measure(text, what) {
    // Of this process alone: others may have the machine. What is not linear takes much longer.
    const began = process.cpuUsage();
    const pieces = shape(text);
    mentions(text, "alice", null);
    fold(text);
    wordBefore(text, text.length);
    const { user, system } = process.cpuUsage(began);
    assert.ok(user + system < CPU_US_MAX, `${what}: ${user + system} µs`);
    assert.ok(pieces.length <= PIECES_MAX, `${what}: ${pieces.length} elements`);
    assert.ok(pieces.filter(({ kind }) => kind === "link").length <= LINKS_MAX, what);
}

const shown = (text) =>
    shape(text)
        .map(({ kind, text }) => (kind === "mark" ? `⟨${text}⟩` : kind === "link" ? `<${text}>` : text))
        .join("");
const hrefs = (text) => shape(text).flatMap((piece) => (piece.kind === "link" ? [piece.href] : []));

test("what cannot be seen is seen as a mark", () => {
    assert.equal(
        shown("a\u202Eb\u0007\u001b[0m\u200b\u00ad\u2028\ufeff\u3164\u2800"),
        "a⟨U+202E⟩b⟨U+0007⟩⟨U+001B⟩[0m⟨U+200B⟩⟨U+00AD⟩⟨U+2028⟩⟨U+FEFF⟩⟨U+3164⟩⟨U+2800⟩",
    );
    assert.equal(plain("bob\u202e\nx"), "bob⟨U+202E⟩␤x");
    assert.equal(plain(""), "(no name)");
});

test("what belongs to words and to emoji is not a mark", () => {
    for (const text of [
        "two\nlines\tand a tab",
        "👩‍👩‍👧 ❤️ 🏳️‍🌈",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} wins",
        "می‌خواهم",
        "שלום",
        "a\u0301e\u0308",
        "",
    ]) {
        assert.equal(shown(text), text);
    }
    assert.equal(shown("x\u{e0067}"), "x⟨U+E0067⟩", "a tag without a flag");
    assert.equal(shown("one\r\ntwo"), "one\ntwo");
});

test("a letter carries four marks, and the rest is counted", () => {
    assert.equal(shown(`z${"\u0301".repeat(3_000)}y`), `z${"\u0301".repeat(4)}⟨+2996⟩y`);
    assert.equal(shown(`z${"\u0301\u200d".repeat(50)}`), `z${"\u0301\u200d".repeat(2)}⟨+96⟩`);
});

test("addresses of the web lead there, and nothing else does", () => {
    assert.deepEqual(hrefs("see https://example.org/a(b)?c=d&e#f, (http://example.net/x) and HTTPS://EXAMPLE.COM."), [
        "https://example.org/a(b)?c=d&e#f",
        "http://example.net/x",
        "https://example.com/",
    ]);
    for (const text of [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://bank.example@evil.example/",
        "http://",
        "https://[",
        "xhttps://a.example",
        `https://a.example/${"x".repeat(3_000)}`,
        "vbscript:x",
        "//a.example",
        "ftp://a.example",
    ]) {
        assert.deepEqual(hrefs(text), [], text);
        assert.equal(shown(text), text);
    }
    assert.equal(shown("https://a.example/\u202efdp.exe"), "<https://a.example/>⟨U+202E⟩fdp.exe");
    assert.match(shown("https://аррle.example/"), /^<https:\/\/аррle\.example\/> \[xn--.*\.example\]$/u);
});

test("hostile texts take no long time, and become few elements", () => {
    const parts = [
        ")",
        "(",
        "https://",
        "https://a.example/))))",
        "https://a/…",
        "\u0301",
        "a\u0301\u0301\u0301\u0301\u0301",
        "\u202e",
        "x\u200b",
        "@",
        "alice",
        "\u{1f3f4}\u{e0067}",
    ];
    const texts = [
        ...parts.map((part) => part.repeat(BODY_UNITS_MAX / part.length)),
        ...[")", "'", "…"].map((end) => `https://a/${end.repeat(2_000)} `.repeat(95)),
        "\u200b\u202e".repeat(600),
        "https://a.example/ ".repeat(110),
    ];
    for (const text of texts) measure(text, text.slice(0, 20));
    // Any mixture of them.
    for (let seed = 1; seed <= 60; seed++) {
        const below = numbers(seed);
        const some = Array.from({ length: 1 + below(4) }, () => parts[below(parts.length)]);
        let text = "";
        while (text.length < BODY_UNITS_MAX) text += some[below(some.length)].repeat(1 + below(9));
        measure(text.slice(0, BODY_UNITS_MAX), `seed ${seed}`);
    }
    assert.equal(shown(`a${"\u200b\u202e".repeat(600)}b`), `a${"⟨U+200B⟩⟨U+202E⟩".repeat(4)}⟨+1192⟩b`);
    assert.equal(hrefs("https://a.example/ ".repeat(110)).length, LINKS_MAX);
    assert.equal(shown("x\u200b".repeat(100)).replaceAll(/[⟨⟩]/g, ""), "xU+200B".repeat(100), "nothing is lost");
    assert.equal(shown("a\u200b\u200b\u200bb"), "a⟨U+200B × 3⟩b");
    assert.equal(hrefs("https://a.example/((x)))))).")[0], "https://a.example/((x))");
});

test("long texts are folded where no character is cut", () => {
    assert.equal(fold("short"), null);
    assert.equal(fold("one\n".repeat(10)), null);
    assert.equal(fold(Array.from({ length: 40 }, (_, at) => `line ${at}`).join("\n")).split("\n").length, 16);
    const folded = fold(`x${"😀".repeat(5_000)}`);
    assert.ok(folded.length <= 1_200 && folded.isWellFormed?.() !== false && folded.endsWith("😀"));
});

test("a name is meant as a word of its own, and a short one after an @", () => {
    for (const text of ["alice", "Hey Alice!", "@alice: x", "(ALICE)", "so,alice,what", "Zoë and alice"])
        assert.ok(mentions(text, "alice", null), text);
    for (const text of ["malice", "alices", "alice-ann", "al", "", "alicé".normalize("NFD")])
        assert.ok(!mentions(text, "alice", null), text);
    assert.ok(mentions("@a", "a", null) && !mentions("this is a word", "a", null));
    assert.ok(mentions("Zoë?", "zoe2", "Zoë") && !mentions("x", "", ""));
});

test("names are completed from their beginning", () => {
    const names = ["bob", "Bea", "carol"];
    assert.deepEqual(wordBefore("hi @b", 5), { start: 3, end: 5, text: "b", hasAt: true });
    assert.deepEqual(complete(wordBefore("hi @b", 5), names), ["bob", "Bea"]);
    assert.deepEqual(complete(wordBefore("c", 1), names), ["carol"]);
    assert.deepEqual([wordBefore("", 0), wordBefore("x ", 2), wordBefore("a@b", 3)], [null, null, null]);
    assert.equal(wordBefore("@", 1).hasAt, true);
});

test("a name is meant in every spelling that the server takes for it", () => {
    for (const given of ["lobby", "#lobby", " #Lobby ", "\uff2c\uff2f\uff22\uff22\uff39", "\uff03lobby"])
        assert.equal(roomOf(given), "#lobby", given);
    assert.deepEqual(["@Bob", "ZOE\u0308", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2"].map(userOf), [
        "bob",
        "zo\u00eb",
        "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3",
    ]);
});
