// What the model of the page promises.
import assert from "node:assert/strict";
import test from "node:test";

import { ME, begun, counts, last, message, nextId, say, state, texts } from "./actions.mjs";
import { INITIAL, Store, bounds, listen, reduce } from "./parts.mjs";

test("what comes elsewhere is unread, and what is for us is counted apart", () => {
    const model = begun(
        message("bob", "hi", "#lobby"),
        message("bob", "hi", "#garden"),
        message("bob", "hello, Alice!", "#garden"),
        message("carol", "psst"),
    );
    assert.deepEqual(
        [counts(model, "#lobby"), counts(model, "#garden"), counts(model, "carol")],
        [
            [0, 0],
            [2, 1],
            [1, 1],
        ],
    );
    assert.deepEqual(counts(reduce(model, [{ type: "open", name: "#garden" }]), "#garden"), [0, 0]);
});

test("what comes while nobody looks is unread, with a marker before it that stays when it is read", () => {
    let model = begun(
        message("bob", "seen", "#lobby"),
        { type: "seen", isSeen: false },
        message("bob", "first", "#lobby"),
        message("bob", "second", "#lobby"),
    );
    const { marker, entries } = model.conversations.get("#lobby");
    assert.deepEqual([counts(model, "#lobby"), entries.find(({ key }) => key === marker).text], [[2, 0], "first"]);
    model = reduce(model, [{ type: "seen", isSeen: true }]);
    assert.deepEqual([counts(model, "#lobby"), model.conversations.get("#lobby").marker], [[0, 0], marker]);
    assert.equal(reduce(model, [say("#lobby", "me", model.nextKey)]).conversations.get("#lobby").marker, null);
});

test("a message of ours goes from pending to accepted, and a report takes that back", () => {
    let model = begun({ type: "open", name: "bob" });
    const key = model.nextKey;
    model = reduce(model, [say("bob", "one", key), say("bob", "two", key + 1)]);
    assert.deepEqual([last(model, "bob").state, model.conversations.get("bob").draft], ["pending", ""]);
    model = reduce(model, [state("bob", key, "accepted", 900n), state("bob", key + 1, "accepted", 901n)]);
    model = reduce(model, [{ type: "report", to: "bob", ids: [900n], status: "undelivered" }]);
    assert.deepEqual(
        model.conversations.get("bob").entries.map(({ state }) => state),
        ["undelivered", "accepted"],
    );
});

test("a report that comes in one batch with the answer is not undone by it", () => {
    const model = begun();
    const key = model.nextKey;
    const reported = reduce(model, [
        say("bob", "x", key),
        state("bob", key, "accepted", 5n),
        { type: "report", to: "bob", ids: [5n], status: "unconfirmed" },
    ]);
    assert.equal(last(reported, "bob").state, "unconfirmed");
});

test("a message of ours that failed says why, and has no id", () => {
    const model = begun();
    const failed = reduce(model, [say("#lobby", "x", 50), { ...state("#lobby", 50, "failed"), why: "too long" }]);
    assert.deepEqual((({ state, why, id }) => [state, why, id])(last(failed, "#lobby")), ["failed", "too long", null]);
    assert.ok(failed.nextKey > 50);
});

test("a message that is sent again stands in place of the one that failed, and leaves the draft alone", () => {
    let model = begun(say("#lobby", "x", 50), { ...state("#lobby", 50, "failed"), why: "out" });
    model = reduce(model, [
        { type: "draft", name: "#lobby", text: "half" },
        { ...say("#lobby", "x", 51), instead: 50 },
    ]);
    const { entries, draft, units } = model.conversations.get("#lobby");
    assert.deepEqual([entries.map(({ key, state }) => [key, state]), draft, units], [[[51, "pending"]], "half", 1]);
});

test("a room that another session of ours joins is ours as well", () => {
    const model = begun({ type: "joined", room: "#both", user: ME });
    assert.deepEqual([model.conversations.get("#both").isJoined, texts(model, "#both")], [true, []]);
});

test("a room that we are not in any more says so", () => {
    const why = "You are not in #lobby any more";
    for (const isWanted of [false, true]) {
        const model = begun({ type: "outside", room: "#lobby", why, isWanted });
        const room = model.conversations.get("#lobby");
        assert.deepEqual([room.isJoined, room.isWanted, last(model, "#lobby").text], [false, isWanted, why]);
    }
});

test("another session's messages are ours", () => {
    const model = begun(
        { type: "sent", id: 1n, to: "bob", text: "from elsewhere", time: 1 },
        message("alice", "so is this", "#lobby"),
    );
    assert.deepEqual(
        [last(model, "bob").state, last(model, "#lobby").state, counts(model, "bob")],
        ["accepted", "accepted", [0, 0]],
    );
});

test("drafts are of their conversation", () => {
    const model = begun(
        { type: "draft", name: "#lobby", text: "to all" },
        { type: "open", name: "bob" },
        { type: "draft", name: "bob", text: "to one" },
    );
    assert.deepEqual(
        [model.conversations.get("#lobby").draft, model.conversations.get("bob").draft],
        ["to all", "to one"],
    );
});

test("what is missing is said where it is missing", () => {
    const model = begun(
        message("bob", "before", "#lobby"),
        { type: "missed", room: "#lobby", count: 3n },
        message("bob", "after", "#lobby"),
    );
    assert.deepEqual(texts(model, "#lobby"), ["before", "3 messages are missing here", "after"]);
});

test("a session that begins anew is in no room", () => {
    const model = begun(
        { type: "open", name: "bob" },
        { type: "presence", name: "bob", isOnline: true },
        { type: "lost" },
    );
    assert.deepEqual(
        [model.conversations.get("#lobby").isJoined, model.conversations.get("bob").isOnline],
        [false, null],
    );
    assert.match(last(model, "#lobby").text, /what was said meanwhile is missing here/);
});

test("a roster follows who comes and goes, and one that may be wrong is asked for", () => {
    const user = (name) => ({ name, displayName: null });
    const answer = { type: "roster", room: "#lobby", users: [user("alice"), user("bob")] };
    let model = begun({ type: "asking", room: "#lobby" }, answer);
    model = reduce(model, [
        { type: "joined", room: "#lobby", user: user("carol") },
        { type: "left", room: "#lobby", name: "bob", isRenamed: false },
    ]);
    assert.deepEqual([...model.conversations.get("#lobby").roster.keys()], ["alice", "carol"]);
    assert.equal(model.conversations.get("#lobby").isStale, false);
    assert.equal(reduce(model, [{ type: "stale", room: "#lobby" }]).conversations.get("#lobby").isStale, true);
});

test("who comes or goes while a roster is asked for is in the answer or not", () => {
    const user = (name) => ({ name, displayName: null });
    const roster = (...between) => {
        const asked = reduce(begun({ type: "stale", room: "#lobby" }), [{ type: "asking", room: "#lobby" }, ...between]);
        const answer = { type: "roster", room: "#lobby", users: [user("alice"), user("bob")] };
        const { roster, isStale } = reduce(asked, [answer]).conversations.get("#lobby");
        return [[...roster.keys()], isStale];
    };
    const comes = { type: "joined", room: "#lobby", user: user("carol") };
    const goes = { type: "left", room: "#lobby", name: "bob", isRenamed: false };
    assert.deepEqual(roster(), [["alice", "bob"], false]);
    assert.deepEqual(roster(comes, goes), [["alice", "carol"], false]);
    assert.deepEqual(roster(comes, { ...goes, name: "carol" }), [["alice", "bob"], false]);
    assert.deepEqual(roster(comes, { type: "stale", room: "#lobby" }), [["alice", "bob"], true], "it is asked for again");
});

test("what stands open is read, also if it opens by itself", () => {
    const seen = (...actions) => begun({ type: "seen", isSeen: true }, ...actions);
    const model = seen(message("bob", "hi"), { type: "closed", name: "#lobby" });
    assert.deepEqual([model.open, counts(model, "bob")], ["bob", [0, 0]]);
    const first = reduce(seen({ type: "closed", name: "#lobby" }), [message("bob", "hi")]);
    assert.deepEqual([first.open, counts(first, "bob")], ["bob", [0, 0]]);
});

test("a server that names rooms without end fills no page", () => {
    const rooms = Array.from({ length: 3_000 }, (_, at) => ({ type: "entered", room: `#room${at}` }));
    assert.ok(begun(...rooms).conversations.size < 1_100);
});

test("a flood stays within the bounds, whatever the batches are, and the newest stays", () => {
    const flood = Array.from({ length: 10_000 }, (_, at) => message("bob", `message ${at}`, "#lobby"));
    for (const model of [reduce(begun(), flood), flood.reduce((model, one) => reduce(model, [one]), begun())]) {
        const { entries, units } = model.conversations.get("#lobby");
        assert.deepEqual([entries.length, entries.at(-1).text], [1_000, "message 9999"]);
        assert.equal(
            units,
            entries.reduce((sum, { text }) => sum + text.length, 0),
        );
    }
});

test("long texts and many conversations stay within the bounds, and the open one and drafts are kept", () => {
    const long = "x".repeat(200_000);
    const many = Array.from({ length: 300 }, (_, at) => message(`user${at}`, at % 3 === 0 ? long : "hi"));
    const model = reduce(begun({ type: "draft", name: "user0", text: "unsent" }), many);
    const all = [...model.conversations.values()];
    assert.ok(all.length <= 200 && all.reduce((sum, { units }) => sum + units, 0) <= 8 << 20);
    assert.deepEqual(
        [
            model.open,
            model.conversations.has("user0"),
            model.conversations.has("user1"),
            model.conversations.has("user299"),
        ],
        ["#lobby", true, false, true],
    );
    const one = reduce(begun(), [message("bob", "y".repeat(1_000_000))]);
    assert.ok(
        last(one, "bob").text.length < 300_000 &&
            last(one, "bob").text.endsWith("1000000 characters are too long for this page)"),
    );
});

test("strangers are forgotten before those with whom we talk", () => {
    const friend = begun(message("friend", "hi"), say("friend", "hello", 500));
    const model = reduce(
        friend,
        Array.from({ length: 300 }, (_, at) => message(`stranger${at}`, "psst")),
    );
    assert.deepEqual([model.conversations.size, texts(model, "friend")], [200, ["hi", "hello"]]);
});

test("a model before a batch is not changed by it", () => {
    const before = begun(message("bob", "one", "#lobby"));
    const kept = structuredClone(before);
    reduce(before, [message("bob", "two", "#lobby"), { type: "lost" }, { type: "open", name: "bob" }]);
    assert.deepEqual(before, kept);
});

test("the window on a log follows the end, or stays and moves in steps", () => {
    const entries = Array.from({ length: 1_000 }, (_, key) => ({ kind: "notice", key, text: "" }));
    assert.deepEqual(bounds(entries, { from: null }), [760, 1_000]);
    assert.deepEqual(bounds(entries, { from: 100 }), [100, 340]);
    assert.deepEqual(bounds(entries, { from: 990 }), [760, 1_000]);
    assert.deepEqual(bounds(entries.slice(500), { from: 100 }), [0, 240], "what it showed is gone");
    assert.deepEqual(bounds([], { from: 5 }), [0, 0]);
});

test("who comes and goes in a small room is one line, which pushes out nothing", () => {
    const user = (name) => ({ name, displayName: null });
    const join = (name) => ({ type: "joined", room: "#lobby", user: user(name) });
    const leave = (name, isRenamed = false) => ({ type: "left", room: "#lobby", name, isRenamed });
    let model = begun(
        { type: "roster", room: "#lobby", users: [user("alice")] },
        message("carol", "hi", "#lobby"),
        join("bob"),
        join("dave"),
        leave("bob"),
    );
    assert.deepEqual(texts(model, "#lobby"), ["hi", "dave has joined; bob has left"]);
    model = reduce(
        model,
        Array.from({ length: 2_000 }, (_, at) => (at % 2 === 0 ? join("evil") : leave("evil"))),
    );
    assert.deepEqual(texts(model, "#lobby"), ["hi", "dave has joined; bob and evil have left"]);
    model = reduce(model, [message("carol", "more", "#lobby"), leave("dave", true), join("david")]);
    assert.equal(last(model, "#lobby").text, "dave has another name now; david has joined");
    assert.deepEqual([...model.conversations.get("#lobby").roster.keys()], ["alice", "david"]);
    model = reduce(model, [
        message("carol", "more", "#lobby"),
        ...Array.from({ length: 30 }, (_, at) => join(`user${at}`)),
    ]);
    assert.equal(texts(model, "#lobby").length, 6);
    const { units, entries } = model.conversations.get("#lobby");
    assert.equal(
        units,
        entries.reduce((sum, { text }) => sum + text.length, 0),
    );
});

test("a left tells whether somebody is renamed", () => {
    const client = new EventTarget();
    const told = [];
    listen(client, ({ isRenamed }) => told.push(isRenamed));
    for (const code of ["left", "quit", "timed_out", "renamed", "code_9"])
        client.dispatchEvent(Object.assign(new Event("left"), { detail: { room: "#lobby", name: "bob", code } }));
    assert.deepEqual(told, [false, false, false, true, false]);
});

test("who is renamed asks anew who is in the rooms", () => {
    const here = { type: "roster", room: "#lobby", users: [ME] };
    const model = begun({ type: "asking", room: "#lobby" }, here, { type: "me", user: { ...ME, displayName: "ALICE" } });
    assert.equal(model.conversations.get("#lobby").isStale, false);
    const renamed = reduce(model, [{ type: "me", user: { name: "alicia", displayName: null } }]);
    assert.equal(renamed.conversations.get("#lobby").isStale, true);
});

test("what the model cannot take fails once, and leaves what was there", () => {
    // No frame comes here.
    Object.assign(globalThis, {
        document: { visibilityState: "visible" },
        requestAnimationFrame: () => 0,
        cancelAnimationFrame: () => {},
    });
    const store = new Store();
    store.dispatch({ type: "entered", room: "#lobby" });
    assert.ok(store.model.conversations.has("#lobby"));
    store.dispatch({ type: "roster", room: "#lobby", users: null });
    assert.throws(() => store.model, TypeError);
    store.dispatch({ type: "entered", room: "#garden" });
    assert.deepEqual([...store.model.conversations.keys()], ["#garden", "#lobby"]);
});

test("what one writes to oneself is there once", () => {
    const model = begun();
    const key = model.nextKey;
    const note = message("alice", "note");
    const noted = reduce(model, [say("alice", "note", key), note, state("alice", key, "accepted", note.id)]);
    assert.deepEqual([texts(noted, "alice"), counts(noted, "alice")], [["note"], [0, 0]]);
});

test("a message of ours stands where the server has it", () => {
    let model = begun(say("#lobby", "first", 50), message("bob", "one", "#lobby"), message("bob", "two", "#lobby"));
    assert.deepEqual(texts(model, "#lobby"), ["first", "one", "two"]);
    model = reduce(model, [say("#lobby", "next", 60), state("#lobby", 50, "accepted", nextId())]);
    assert.deepEqual(texts(model, "#lobby"), ["one", "two", "first", "next"]);
    model = reduce(model, [state("#lobby", 60, "accepted", nextId())]);
    assert.deepEqual(texts(model, "#lobby"), ["one", "two", "first", "next"]);
});

test("a room that one leaves in another session is left here, too, and is not joined again", () => {
    const left = { type: "left", room: "#lobby", name: "alice", isRenamed: false };
    const told = reduce(begun(), [left, { ...left, room: "#unknown" }]);
    const { isJoined, isWanted } = told.conversations.get("#lobby");
    assert.deepEqual([isJoined, isWanted, told.conversations.size], [false, false, 1]);
    assert.equal(last(told, "#lobby").text, "You have left #lobby in another session of yours");
    // Under another name one is there still.
    assert.ok(reduce(begun(), [{ ...left, isRenamed: true }]).conversations.get("#lobby").isJoined);
});

test("a report that comes before the answer with the id holds, too", () => {
    const report = { type: "report", to: "bob", ids: [7n], status: "undelivered" };
    const model = begun(say("bob", "x", 50), report);
    assert.equal(last(model, "bob").state, "pending");
    const answered = reduce(model, [state("bob", 50, "accepted", 7n)]);
    assert.deepEqual([last(answered, "bob").state, answered.conversations.get("bob").early.size], ["undelivered", 0]);
});

test("a report about a conversation that is closed brings it back", () => {
    const model = begun(say("bob", "x", 50), state("bob", 50, "accepted", 7n), { type: "closed", name: "bob" });
    const told = reduce(model, [{ type: "report", to: "bob", ids: [7n], status: "undelivered" }]);
    assert.deepEqual([texts(told, "bob"), counts(told, "bob")[0]], [["A message of yours did not arrive"], 1]);
});

test("why something was not done is told until the person goes on", () => {
    const failed = begun({ type: "failure", words: "No." });
    assert.equal(reduce(failed, [message("bob", "hi", "#lobby")]).failure, "No.");
    assert.equal(reduce(failed, [{ type: "open", name: "bob" }]).failure, null);
    const first = [{ type: "failure", words: "No." }, { type: "open", name: "bob" }];
    assert.equal(reduce(INITIAL, first).failure, "No.", "the page opens the first one by itself");
    assert.equal(reduce(failed, [{ type: "failure", words: null }]).failure, null);
});
