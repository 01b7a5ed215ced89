// What a page keeps of what has happened, and when the server hears that it has it.
import assert from "node:assert/strict";
import test from "node:test";

import { ME, begun, last, message, nextId, say, state, texts } from "./actions.mjs";
import { INITIAL, Keeper, readStored, reduce, restore, snapshot } from "./parts.mjs";

// What a browser has, and Node has not.
Object.assign(globalThis, { document: { visibilityState: "visible" }, location: { pathname: "/" } });
globalThis.sessionStorage = { setItem: (key, value) => stored.push([key, JSON.parse(value).version]), removeItem: () => {} };
const stored = [];

test("what the model cannot take is told once, and what comes after it is kept", async () => {
    let isBroken = true;
    const store = {
        get model() {
            if (isBroken) throw new Error("a fault");
            return INITIAL;
        },
    };
    const told = [];
    const keeper = new Keeper(store, () => true, (kept) => told.push(kept));
    keeper.changed();
    const { kept } = keeper;
    assert.throws(() => keeper.keep(), { message: "a fault" });
    await kept;
    isBroken = false;
    keeper.changed();
    assert.notEqual(keeper.kept, kept);
    keeper.keep();
    await keeper.kept;
    assert.deepEqual([told, stored], [["whole"], [["chatcore.log /", 3]]]);
});

const kept = (model, units = 512 << 10) => snapshot(model, units).log;
const json = (value) => JSON.parse(JSON.stringify(value));

/** Where each value is in another one. */
const paths = (value, path = []) =>
    typeof value !== "object" || value === null
        ? [path]
        : [path, ...Object.keys(value).flatMap((key) => paths(value[key], [...path, key]))].filter(
              ({ length }) => length > 0,
          );

/** A copy that differs in one value. */
function changed(value, [key, ...rest], by) {
    const copy = Array.isArray(value) ? [...value] : { ...value };
    copy[key] = rest.length === 0 ? by : changed(copy[key], rest, by);
    return copy;
}

test("what one conversation holds costs no other its log or its draft at a reload", () => {
    const long = Array.from({ length: 9 }, () => message("mallory", "x".repeat(60_000), "#a"));
    const model = begun(...long, message("mallory", "y".repeat(60_000)), message("zoe", "hello"), message("bob", "hi", "#lobby"), {
        type: "draft",
        name: "zoe",
        text: "half a line",
    });
    const restored = restore(INITIAL, kept(model));
    assert.deepEqual([texts(restored, "zoe"), texts(restored, "#lobby")], [["hello"], ["hi"]]);
    assert.equal(restored.conversations.get("zoe").draft, "half a line");
    assert.ok(restored.conversations.get("#a").entries.length > 5, "the rest is theirs");
});

test("a page that is loaded anew shows the same again, and what comes twice once", () => {
    const again = message("bob", "seen", "#lobby");
    const model = begun(
        again,
        { type: "draft", name: "#lobby", text: "half" },
        say("#lobby", "unanswered", 90),
        say("#lobby", "unsent", 91),
        state("#lobby", 91, "waiting"),
        say("#lobby", "refused", 92),
        { ...state("#lobby", 92, "failed"), why: "too much waits" },
    );
    const { log, isWhole } = readStored(json(kept(model)));
    assert.ok(isWhole);
    const restored = reduce(restore(INITIAL, log), [
        { type: "me", user: ME },
        again,
        message("bob", "new", "#lobby"),
    ]);
    const { entries } = restored.conversations.get("#lobby");
    assert.deepEqual(texts(restored, "#lobby"), ["seen", "unanswered", "unsent", "refused", "new"]);
    assert.deepEqual(
        [restored.open, ...entries.map(({ state }) => state)],
        ["#lobby", null, "unconfirmed", "waiting", "failed", null],
    );
    assert.equal(entries[3].why, "too much waits");
    assert.ok(new Set(entries.map(({ key }) => key)).size === 5);
});

test("what another version of the page has stored is not shown", () => {
    assert.equal(readStored({ ...kept(begun()), version: 0 }), null);
    for (const stored of [null, undefined, {}, [], 7, "x", { version: 1 }]) assert.equal(readStored(stored), null);
});

/** The page can draw all of it. */
function assertDrawable({ open, conversations }, what) {
    assert.ok(open === null || conversations.has(open), what);
    for (const [name, { entries, units, draft }] of conversations) {
        assert.ok(name.length > 0 && draft.length >= 0 && Number.isSafeInteger(units), what);
        assert.equal(new Set(entries.map(({ key }) => key)).size, entries.length, what);
        for (const { kind, key, text, from, time, traffic } of entries) {
            assert.ok(text.length >= 0 && Number.isSafeInteger(key), what);
            if (kind === "said" && time !== null) new Date(time).toISOString();
            if (kind === "said") assert.ok(from.length >= 0, what);
            for (const [who, move] of traffic ?? [])
                assert.ok(who.length >= 0 && ["joined", "left", "renamed"].includes(move), what);
        }
    }
}

test("of a log that is damaged, what does not fit is dropped, and the rest is shown", () => {
    const bob = { type: "joined", room: "#lobby", user: { name: "bob", displayName: null } };
    const model = begun(
        { type: "roster", room: "#lobby", users: [ME] },
        bob,
        message("bob", "hi", "#lobby"),
        message("carol", "psst"),
        { type: "draft", name: "carol", text: "half" },
    );
    const whole = json(kept(model));
    const kinds = whole.conversations.map(({ entries }) => entries.map(({ kind }) => kind));
    assert.deepEqual(kinds, [["notice", "said"], ["said"]]);
    // Each value that is stored, replaced by each of these, on its own.
    const wrong = [undefined, null, {}, [], -1, 0.5, 1e300, true, "x", [["x"]], [[{}, "left"]], [["x", true]]];
    let [dropped, shown] = [0, 0];
    for (const path of paths(whole)) {
        for (const value of wrong) {
            const read = readStored(json(changed(whole, path, value)));
            if (read?.isWhole !== true) dropped += 1;
            if (read === null) continue;
            shown += 1;
            const here = [
                { type: "me", user: ME },
                message("bob", "new", "#lobby"),
            ];
            assertDrawable(reduce(restore(INITIAL, read.log), here), `${path} ${value}`);
        }
    }
    assert.ok(dropped > 100 && shown > 100, `${dropped} ${shown}`);
    const { log, isWhole } = readStored(changed(whole, ["conversations", 0, "entries", 1, "time"], 1e300));
    assert.deepEqual([isWhole, log.open, log.conversations.map(({ name }) => name)], [false, null, ["carol"]]);
    assert.equal(restore(INITIAL, log).conversations.get("carol").draft, "half");
});

test("what is stored is bounded", () => {
    const model = reduce(
        begun(),
        Array.from({ length: 900 }, () => message("bob", "z".repeat(5_000), "#lobby")),
    );
    assert.ok(JSON.stringify(kept(model)).length < 700_000);
});

test("many short messages are bounded where they are stored, and each conversation has its newest", () => {
    const many = Array.from({ length: 100 * 150 }, (_, at) => message(`user${at % 100}`, `${at}`));
    const model = reduce(begun(), many);
    for (const units of [512 << 10, 128 << 10, 32 << 10]) {
        const stored = kept(model, units);
        assert.ok(JSON.stringify(stored).length < units * 1.1 + 100 * 200, `${JSON.stringify(stored).length}`);
        const restored = restore(INITIAL, stored);
        assert.equal(last(restored, "user0").text, "14900");
        assert.ok(restored.conversations.get("user0").isCut);
    }
});

test("where older entries were dropped, the conversation says so, also when it is loaded anew", () => {
    const isCut = (model) => model.conversations.get("#lobby").isCut;
    const many = (count) => Array.from({ length: count }, () => message("bob", "x", "#lobby"));
    assert.deepEqual([isCut(begun(...many(200))), isCut(begun(...many(1_001)))], [false, true]);
    const again = (model) => restore(INITIAL, readStored(json(kept(model))).log);
    assert.equal(isCut(again(begun(...many(200)))), false);
    assert.equal(isCut(again(begun(...many(201)))), true, "it stores fewer");
    assert.equal(isCut(again(again(begun(...many(201))))), true);
});

test("drafts count towards what is stored", () => {
    const drafts = ["a", "b", "c"].map((name) => ({ type: "draft", name, text: "z".repeat(300_000) }));
    assert.ok(JSON.stringify(kept(begun(...drafts))).length < 700_000);
});

test("of a message that is longer than what a conversation may keep, a page that is loaded anew has the start", () => {
    const long = (from) => message(from, `${from} ${"x".repeat(64_000)}`);
    const rooms = Array.from({ length: 12 }, (_, at) => long(`user${at}`));
    const model = begun(...rooms, message("bob", "early"), long("bob"));
    const restored = restore(INITIAL, readStored(json(kept(model))).log);
    const [cut] = texts(restored, "bob");
    assert.ok(cut.startsWith("bob xxx") && cut.length > 10_000);
    assert.match(cut, /… \(cut here: this browser has no room to keep all 64004 characters\)$/);
    assert.ok(restored.conversations.get("bob").isCut);
    // It comes again if the server was not told that we have it.
    const twice = reduce(restored, [{ type: "me", user: ME }, { ...long("bob"), id: last(model, "bob").id }]);
    assert.equal(texts(twice, "bob").length, 1);
    // What can be sent again is whole or not there.
    const own = begun(...rooms, say("bob", "y".repeat(64_000), 900), state("bob", 900, "unconfirmed"));
    assert.deepEqual(texts(restore(INITIAL, readStored(json(kept(own))).log), "bob"), []);
});

test("what waits to be sent is kept however much comes after it", () => {
    const waits = [say("#lobby", "first", 900), state("#lobby", 900, "waiting")];
    const more = Array.from({ length: 3_000 }, (_, at) => message("bob", `${at} ${"x".repeat(4_000)}`, "#lobby"));
    const isThere = (model) => model.conversations.get("#lobby").entries.some(({ text }) => text === "first");
    const model = reduce(begun(...waits), more);
    assert.ok(isThere(model) && isThere(restore(INITIAL, kept(model))));
    assert.ok(model.conversations.get("#lobby").entries.length <= 1_001);
    assert.ok(!isThere(reduce(model, [state("#lobby", 900, "accepted", nextId()), ...more])), "the server has it then");
    // Nor is its conversation forgotten, whoever else writes, nor does the page wait for it to go.
    const strangers = Array.from({ length: 300 }, (_, at) => message(`user${at}`, "y".repeat(100_000)));
    const written = Array.from({ length: 200 }, (_, at) => say(`friend${at}`, "z", 1_000 + at));
    const toBob = [say("bob", "x".repeat(1_000), 950), state("bob", 950, "waiting")];
    assert.equal(last(reduce(begun(...toBob, ...written), strangers), "bob").state, "waiting");
});

test("what waits to be sent pushes out nothing of what was said", () => {
    const said = Array.from({ length: 250 }, (_, at) => message("bob", `said ${at}`, "#lobby"));
    const keys = Array.from({ length: 200 }, (_, at) => 900 + at);
    const waits = keys.flatMap((key) => [say("#lobby", `waits ${key}`, key), state("#lobby", key, "waiting")]);
    const model = begun(...said, ...waits);
    const again = texts(restore(INITIAL, kept(model)), "#lobby");
    assert.deepEqual([again.length, again[0], again[200]], [400, "said 50", "waits 900"]);
    // Nor a conversation of somebody else, when the texts of all are too much.
    const long = "x".repeat(250_000);
    const rooms = ["#lobby", "#room1", "#room2", "#room3", "#room4"];
    const much = rooms.flatMap((room) => Array(8).fill(message("bob", long, room)));
    const full = reduce(begun(...waits, message("friend", "hello")), much);
    assert.deepEqual(texts(full, "friend"), ["hello"]);
    assert.deepEqual(texts(full, "#lobby").slice(0, 200), keys.map((key) => `waits ${key}`));
});

test("where not all that waits has room, what was written first is kept, and it is told that something is lost", () => {
    const texts = ["a", "b", "c"].map((letter) => letter.repeat(5_000));
    const waits = texts.flatMap((text, at) => [say(`to${at}`, text, 900 + at), state(`to${at}`, 900 + at, "waiting")]);
    const model = begun(...waits, { type: "draft", name: "#lobby", text: "d".repeat(900) });
    for (const [units, isWhole, first, drafts] of [[512 << 10, true, 3, 900], [12_000, false, 2, 900], [11_000, false, 2, 0]]) {
        const kept = snapshot(model, units);
        const { conversations } = restore(INITIAL, readStored(json(kept.log)).log);
        const texts = [0, 1, 2].map((at) => conversations.get(`to${at}`).entries.length);
        assert.deepEqual([kept.isWhole, texts], [isWhole, [1, 1, 1].fill(0, first)], units);
        assert.equal(conversations.get("#lobby").draft.length, drafts, units);
    }
    assert.equal(snapshot(begun({ type: "draft", name: "#lobby", text: "d".repeat(9_000) }), 8 << 10).isWhole, false);
});

test("what waits to be sent is kept before all that the server has", () => {
    const said = Array.from({ length: 250 }, (_, at) => message("bob", `${at} ${"x".repeat(4_000)}`, "#lobby"));
    const waits = [say("#lobby", "y".repeat(9_000), 900), state("#lobby", 900, "waiting")];
    const model = begun(...said, ...waits, message("bob", "z".repeat(40_000), "#lobby"));
    for (const [units, isKept] of [[512 << 10, true], [32 << 10, true], [8 << 10, false]]) {
        const { entries } = restore(INITIAL, readStored(json(kept(model, units))).log).conversations.get("#lobby");
        assert.equal(entries.some(({ state, text }) => state === "waiting" && text.length === 9_000), isKept, units);
        assert.ok(entries.reduce((sum, { text }) => sum + text.length, 0) <= units);
    }
});
