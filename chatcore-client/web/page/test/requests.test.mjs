// What the page asks of the server by itself.
import assert from "node:assert/strict";
import test from "node:test";

import { ChatError } from "chatcore";

import { INITIAL, Requests, Store, keepLog, keptLog, restore } from "./parts.mjs";

// What a browser has, and Node has not.
globalThis.document = { visibilityState: "hidden" };
globalThis.location = { pathname: "/" };
const stored = new Map();
globalThis.sessionStorage = {
    setItem: (key, value) => stored.set(key, value),
    getItem: (key) => stored.get(key) ?? null,
    removeItem: (key) => stored.delete(key),
};

const refusal = (code) => new ChatError(code, false, code);

/** A client that does nothing, and keeps what is asked of it. What is sent and joined waits until a test answers it. */
function clientOf({ pages = [], watchesMax = 10, state = "open" } = {}) {
    const asked = [];
    const answers = new Map();
    const answered = (what) => {
        asked.push(what);
        return new Promise((resolve, reject) => answers.set(what[1], { resolve, reject }));
    };
    return {
        asked,
        answers,
        name: "alice",
        state,
        limits: { watchesMax },
        send: (to, text) => answered([to, text]),
        join: (room) => answered(["join", room]),
        leave: (room) => answered(["leave", room]),
        async *subscriptions() {
            yield* pages;
        },
        // Each page is what a test gives, or an error.
        rosters: [],
        async *roster(room) {
            asked.push(["roster", room]);
            const page = await this.rosters.shift();
            if (page instanceof Error) throw page;
            if (page !== undefined) yield page;
        },
        watch: async (names) => void asked.push(["watch", ...names]),
        unwatch: async (names) => void asked.push(["unwatch", ...names]),
    };
}

/** A page that was loaded anew, with these conversations. */
async function learned(client, ...names) {
    const store = new Store();
    store.dispatch({ type: "me", user: { name: "alice", displayName: null } });
    for (const name of names) store.dispatch({ type: "open", name });
    await new Requests(client, store, () => {}).learn();
    return client.asked.map((asked) => asked.join(" ")).sort();
}

test("a page that is loaded anew ends the watching of those with whom it has no conversation, and asks how the others are", async () => {
    const pages = [{ rooms: ["#lobby"], users: ["bob"] }, { rooms: [], users: ["carol", "dave"] }];
    const asked = await learned(clientOf({ pages, watchesMax: 10 }), "bob", "erin");
    assert.deepEqual(asked, ["unwatch carol", "unwatch dave", "watch bob", "watch erin"]);
});

test("whom the session watches counts: no more are asked for than the server allows", async () => {
    const pages = [{ rooms: [], users: ["bob", "carol"] }];
    const asked = await learned(clientOf({ pages, watchesMax: 2 }), "carol", "bob", "dave");
    assert.deepEqual(asked, ["watch bob", "watch carol"]);
});

/** A session of somebody who is in the lobby. `states` tells how far what they have written is, in its order. */
function begun(client, keep = () => {}) {
    const store = new Store();
    store.dispatch({ type: "me", user: { name: "alice", displayName: null } });
    for (const type of ["entered", "open"]) store.dispatch({ type, room: "#lobby", name: "#lobby" });
    const states = () => (store.model.conversations.get("#lobby")?.entries ?? []).filter(({ kind }) => kind === "said")
        .map(({ text, state }) => `${text} ${state}`);
    return { store, states, requests: new Requests(client, store, () => keep(states())) };
}

/** Until everything that is settled is told. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what is written without a connection is kept as sent before it goes out, in order, and once", async () => {
    const client = clientOf({ state: "waiting" });
    const kept = [];
    const { requests, states } = begun(client, (states) => kept.push([client.asked.length, ...states]));
    for (const text of ["one", "two"]) requests.say("#lobby", text);
    requests.goOn();
    assert.deepEqual([client.asked, states(), kept], [[], ["one waiting", "two waiting"], []]);
    client.state = "open";
    requests.goOn();
    requests.goOn();
    assert.deepEqual(client.asked, [["#lobby", "one"], ["#lobby", "two"]]);
    assert.deepEqual([states(), kept], [["one pending", "two pending"], [[0, "one pending", "two pending"]]]);
    client.answers.get("one").resolve(1n);
    client.answers.get("two").reject(refusal("unconfirmed"));
    await turn();
    assert.deepEqual(states(), ["one accepted", "two unconfirmed"]);
});

test("what never went out before the session ended goes with the next, after its rooms and before what came later", async () => {
    const client = clientOf();
    const { requests, states, store } = begun(client);
    requests.say("#lobby", "one");
    client.state = "connecting";
    requests.say("#lobby", "two");
    client.answers.get("one").reject(refusal("unsent"));
    await turn();
    assert.deepEqual(states(), ["one waiting", "two waiting"]);
    client.state = "open";
    const beginning = requests.begin();
    requests.say("#lobby", "three");
    await turn();
    assert.deepEqual(client.asked.slice(1), [["join", "#lobby"]]);
    assert.ok(store.model.isBeginning, "nobody is told that they are in no room");
    client.answers.get("#lobby").resolve();
    await beginning;
    assert.equal(store.model.isBeginning, false);
    const sent = client.asked.slice(2).filter(([what]) => what === "#lobby");
    assert.deepEqual(sent, [["#lobby", "one"], ["#lobby", "two"], ["#lobby", "three"]]);
});

test("of a session that is not shown any more nothing waits for the next one", async () => {
    const client = clientOf();
    const { requests, states } = begun(client);
    requests.say("#lobby", "one");
    client.state = "waiting";
    requests.say("#lobby", "two");
    assert.equal(requests.end(true), 0);
    assert.deepEqual(client.asked, [["#lobby", "one"], ["#lobby", "two"]], "the client says goodbye after them");
    client.answers.get("one").reject(refusal("unsent"));
    await turn();
    assert.deepEqual(states(), ["one failed", "two waiting"]);
});

test("only so much waits, and of the rest a person is told that it is not sent", () => {
    const client = clientOf({ state: "waiting" });
    const { requests, states } = begun(client);
    for (let at = 0; at < 4; at += 1) requests.say("#lobby", "x".repeat(100_000));
    assert.deepEqual(states().map((told) => told.split(" ")[1]), ["waiting", "waiting", "failed", "failed"]);
    requests.say("#lobby", "short");
    assert.equal(states().at(-1), "short waiting");
});

test("all that the page lets wait, and a draft as long as can be, is there for a page that is loaded anew", () => {
    for (const length of [1, 1_000, 1_310, 60_000]) {
        const { requests, store, states } = begun(clientOf({ state: "waiting" }));
        const waiting = ({ conversations }) => [...conversations.values()].flatMap(({ name, entries }) =>
            entries.filter(({ state }) => state === "waiting").map(({ text, key }) => `${name} ${text} ${key}`));
        for (let at = 0; at < 250; at += 1) requests.say(at % 2 === 0 ? "#lobby" : `user${at % 7}`, "x".repeat(length));
        assert.ok(states().at(-1).endsWith("failed") && waiting(store.model).length > 1, "as much as can wait");
        store.dispatch({ type: "draft", name: "#lobby", text: "d".repeat(100_000) });
        // Pages of a session before have much in them.
        for (let at = 0; at < 900; at += 1) {
            store.dispatch({ type: "message", id: BigInt(at), from: "bob", room: "#lobby", text: "y".repeat(900), time: 1 });
        }
        assert.equal(keepLog(store.model), "whole");
        const again = restore(INITIAL, keptLog().log);
        assert.deepEqual([waiting(again), again.conversations.get("#lobby").draft.length], [waiting(store.model), 100_000]);
    }
});

test("what waits in a conversation that is closed is kept as gone, and goes before the room is left", async () => {
    const client = clientOf({ state: "waiting" });
    const kept = [];
    const { requests, store } = begun(client, (states) => kept.push([client.asked.length, ...states]));
    requests.say("#lobby", "last words");
    requests.say("bob", "for bob");
    void requests.close("#lobby");
    await turn();
    assert.deepEqual(client.asked, [["#lobby", "last words"], ["leave", "#lobby"]], "bob's waits on");
    assert.deepEqual(kept, [[0]], "a page that is loaded anew does not send it again");
    client.answers.get("last words").reject(refusal("not_a_member"));
    await turn();
    assert.match(store.model.failure, /^A message of yours was not sent\. It was for #lobby: /);
});

test("what never went out before the client ended is told as not sent", async () => {
    const client = clientOf();
    const { requests, states } = begun(client);
    for (const text of ["one", "two"]) requests.say("#lobby", text);
    assert.equal(requests.end(false), 0);
    client.answers.get("one").reject(refusal("unconfirmed"));
    client.answers.get("two").reject(refusal("unsent"));
    await turn();
    assert.deepEqual(states(), ["one unconfirmed", "two failed"]);
});

test("what the client cannot send before its session goes on, or begins, is counted when somebody signs out", async () => {
    for (const [limits, isJoined, count, asked] of [
        [null, true, 2, []],
        [{ watchesMax: 10 }, false, 1, [["bob", "two"]]],
        [{ watchesMax: 10 }, true, 0, [["#lobby", "one"], ["bob", "two"]]],
    ]) {
        const client = Object.assign(clientOf({ state: "waiting" }), { limits });
        const { store, requests } = begun(client);
        if (!isJoined) store.dispatch({ type: "lost" });
        requests.say("#lobby", "one");
        requests.say("bob", "two");
        assert.equal(requests.end(true), count);
        assert.deepEqual(client.asked, asked);
    }
});

test("what waits in a conversation that is closed before the session goes on is told as not sent at once", async () => {
    const client = beginning(clientOf({ state: "connecting" }));
    const { requests, store } = begun(client);
    for (const text of ["some words", "last words"]) requests.say("#lobby", text);
    const left = requests.close("#lobby");
    assert.equal(store.model.failure, "2 messages of yours were not sent.");
    [client.limits, client.state] = [{ watchesMax: 10 }, "open"];
    requests.goOn();
    client.dispatchEvent(new Event("resumed"));
    await turn();
    assert.deepEqual(client.asked, [["leave", "#lobby"]]);
    client.answers.get("#lobby").resolve();
    await left;
    assert.deepEqual([...store.model.conversations.keys()], []);
});

test("what was under way when the module failed may have arrived", async () => {
    const client = clientOf();
    const { requests, states } = begun(client);
    requests.say("#lobby", "hello");
    client.answers.get("hello").reject(refusal("fault"));
    await turn();
    assert.deepEqual(states(), ["hello unconfirmed"]);
});

/** What a client has only while it is there, in place of what a session has. */
function beginning(client) {
    const target = new EventTarget();
    return Object.assign(target, client, { limits: null, closed: null });
}

test("what is asked for before the session has begun is asked for then", async () => {
    const client = beginning(clientOf({ state: "connecting" }));
    const { requests, store } = begun(client);
    const joined = requests.join("#garden");
    const aborted = new AbortController();
    const never = requests.join("#never", aborted.signal);
    const left = requests.close("#lobby");
    aborted.abort(new Error("not wanted"));
    await assert.rejects(never, { message: "not wanted" });
    assert.deepEqual(client.asked, []);
    [client.limits, client.state] = [{ watchesMax: 10 }, "open"];
    client.dispatchEvent(new Event("resumed"));
    await turn();
    assert.deepEqual(client.asked, [["join", "#garden"], ["leave", "#lobby"]]);
    for (const { resolve } of client.answers.values()) resolve();
    await Promise.all([joined, left]);
    assert.deepEqual([...store.model.conversations.keys()], ["#garden"]);
});

const people = (store) => [...(store.model.conversations.get("#lobby").roster?.keys() ?? [])];
const user = (name) => ({ name, displayName: null });

test("a conversation with a user that is closed while the page joins its rooms anew is not watched again", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    for (const name of ["bob", "carol"]) requests.writeTo(name);
    store.dispatch({ type: "lost" });
    const beginning = requests.begin();
    await turn();
    void requests.close("bob");
    client.asked.length = 0;
    client.answers.get("#lobby").resolve();
    await beginning;
    assert.deepEqual(client.asked.filter(([what]) => what === "watch"), [["watch", "carol"]]);
});

test("a session that begins while the page still joins the rooms of the one before does it in order", async () => {
    const client = clientOf();
    const { store, requests, beginning } = beginningAnew(client);
    requests.say("#lobby", "hello");
    await turn();
    // The end of one session and the beginning of the next one are told together.
    client.answers.get("#garden").reject(refusal("unconfirmed"));
    store.dispatch({ type: "lost" });
    const again = requests.begin();
    await beginning;
    await turn();
    assert.ok(store.model.isBeginning);
    assert.deepEqual(client.asked, [["join", "#garden"], ["join", "#garden"]]);
    assert.equal(store.model.conversations.get("#garden").entries.at(-1).text.includes("It is not known"), false);
    client.answers.get("#garden").resolve();
    await turn();
    client.answers.get("#lobby").resolve();
    await again;
    assert.equal(store.model.isBeginning, false);
    const more = client.asked.slice(2).filter(([what]) => what !== "roster");
    assert.deepEqual(more, [["join", "#lobby"], ["#lobby", "hello"]]);
});

test("a list of people that could not be had is told, and asked for again when its room is opened", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    client.rosters.push(refusal("unavailable"), [user("bob")]);
    requests.refresh();
    await turn();
    assert.match(store.model.failure, /^It is not known who is in #lobby: /);
    requests.refresh();
    await turn();
    assert.deepEqual([client.asked.length, people(store)], [1, []], "it is not asked for again and again");
    requests.open("#lobby");
    await turn();
    assert.deepEqual([people(store), store.model.failure], [["bob"], null]);
});

test("a list of people that a session did not give any more is asked for in the next one, without a word", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    client.rosters.push(refusal("unconfirmed"), [user("bob")]);
    requests.refresh();
    await turn();
    const beginning = requests.begin();
    client.answers.get("#lobby").resolve();
    await beginning;
    await turn();
    assert.deepEqual([people(store), store.model.failure], [["bob"], null]);
});

test("a list of people that is out of date when it comes is asked for again", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    let answer;
    client.rosters.push(new Promise((resolve) => (answer = resolve)), [user("bob"), user("carol")]);
    requests.refresh();
    await turn();
    store.dispatch({ type: "stale", room: "#lobby" });
    requests.refresh();
    answer([user("bob")]);
    await turn();
    assert.deepEqual(people(store), ["bob", "carol"]);
    assert.deepEqual([client.asked.length, store.model.conversations.get("#lobby").isStale], [2, false]);
});

test("a room that is joined does not come in the middle of what somebody writes elsewhere", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    const dialog = new AbortController();
    for (const [room, signal, goesTo, opened] of [
        ["#lobby", undefined, "carol", "carol"],
        ["#lobby", undefined, null, "#lobby"],
        ["#garden", dialog.signal, "carol", "#garden"],
    ]) {
        requests.open("#lobby");
        const joined = requests.join(room, signal);
        await turn();
        if (goesTo !== null) requests.open(goesTo);
        client.answers.get(room).resolve();
        await joined;
        assert.equal(store.model.open, opened);
        assert.ok(store.model.conversations.get(room).isJoined);
    }
});

test("who has no conversation here begins in the rooms of their other sessions, or else in the first room", async () => {
    for (const [pages, rooms] of [
        [[{ rooms: ["#garden"], users: [] }, { rooms: ["#kitchen"], users: [] }], ["#garden", "#kitchen"]],
        [[{ rooms: [], users: [] }], ["#lobby"]],
    ]) {
        const client = clientOf({ pages });
        client.join = async (room) => void client.asked.push(["join", room]);
        const store = new Store();
        await new Requests(client, store, () => {}).begin();
        assert.deepEqual(client.asked.filter(([what]) => what === "join").map(([, room]) => room), rooms);
        assert.equal(store.model.open, rooms[0]);
    }
});

test("a room that another session leaves while this one joins it: the server says whether we are in it", async () => {
    for (const [answer, isJoined] of [[refusal("not_a_member"), undefined], [[user("alice")], true]]) {
        const client = clientOf();
        const { store, requests } = begun(client);
        client.rosters.push(answer);
        const joined = requests.join("#garden").catch(({ code }) => code);
        await turn();
        // The answer and what comes after it are told together.
        client.answers.get("#garden").resolve();
        requests.moved("#garden", false);
        store.dispatch({ type: "left", room: "#garden", name: "alice", isRenamed: false });
        assert.equal(await joined, isJoined ? undefined : "not_a_member");
        assert.equal(store.model.conversations.get("#garden")?.isJoined, isJoined);
    }
});

/** A session that was lost, of somebody in two rooms; it begins anew. */
function beginningAnew(client) {
    const given = begun(client);
    given.store.dispatch({ type: "entered", room: "#garden" });
    given.store.dispatch({ type: "lost" });
    return { ...given, beginning: given.requests.begin() };
}

test("a room that is left while the page joins its rooms anew stays left", async () => {
    // In alphabetical order: the garden is joined first.
    for (const [left, isElsewhere, joins, rooms] of [
        ["#garden", false, ["#garden", "#lobby"], ["#lobby true"]],
        ["#lobby", false, ["#garden"], ["#garden true"]],
        ["#lobby", true, ["#garden"], ["#garden true", "#lobby false"]],
    ]) {
        const client = clientOf();
        const { store, requests, beginning } = beginningAnew(client);
        await turn();
        const { resolve } = client.answers.get("#garden");
        if (isElsewhere) {
            requests.moved(left, false);
            store.dispatch({ type: "left", room: left, name: "alice", isRenamed: false });
        } else void requests.close(left);
        await turn();
        resolve();
        await turn();
        client.answers.get("#lobby")?.resolve();
        await beginning;
        assert.deepEqual(client.asked.filter(([what]) => what === "join").map(([, room]) => room), joins);
        const all = [...store.model.conversations].map(([name, { isJoined }]) => `${name} ${isJoined}`);
        assert.deepEqual([all, store.model.open], [rooms, left === "#lobby" && isElsewhere ? "#lobby" : rooms[0].split(" ")[0]]);
    }
});

test("a room of which the server does not know whether it was joined does not keep the page from the others", async () => {
    const client = clientOf();
    const { store, requests, beginning } = beginningAnew(client);
    requests.say("#lobby", "hello");
    await turn();
    client.answers.get("#garden").reject(refusal("unconfirmed"));
    await turn();
    client.answers.get("#lobby").resolve();
    await beginning;
    assert.ok(client.asked.some(([to, text]) => to === "#lobby" && text === "hello"));
    const { isJoined, isWanted, entries } = store.model.conversations.get("#garden");
    assert.deepEqual([isJoined, isWanted, entries.at(-1).text], [false, true, "It is not known whether you are in #garden"]);
    // In words for people.
    client.state = "connecting";
    store.dispatch({ type: "lost" });
    client.state = "open";
    const again = requests.begin();
    await turn();
    client.answers.get("#garden").reject(new ChatError("outbox_full", true, "1048576 bytes wait"));
    await turn();
    client.answers.get("#lobby").resolve();
    await again;
    assert.match(store.model.conversations.get("#garden").entries.at(-1).text, /^You are not in #garden: too much waits/);
    // Of the session that ends meanwhile nothing more is asked.
    const count = client.asked.length;
    const last = requests.begin();
    await turn();
    client.limits = null;
    client.answers.get("#garden").reject(refusal("unconfirmed"));
    await last;
    assert.deepEqual(client.asked.slice(count), [["join", "#garden"]]);
});

test("what a session that is not shown any more is answered changes nothing", async () => {
    const client = clientOf();
    const { store, requests, beginning } = beginningAnew(client);
    await turn();
    requests.end(true);
    store.replace(INITIAL);
    client.answers.get("#garden").resolve();
    await turn();
    await beginning;
    assert.deepEqual(store.model, INITIAL);
    assert.deepEqual(client.asked, [["join", "#garden"]], "nor is more asked for");
});

test("a room that cannot be joined anew, and is left meanwhile, does not come back, nor does the only one", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    store.dispatch({ type: "lost" });
    const beginning = requests.begin();
    await turn();
    const { reject } = client.answers.get("#lobby");
    void requests.close("#lobby");
    await turn();
    reject(refusal("room_full"));
    await beginning;
    assert.deepEqual([[...store.model.conversations.keys()], store.model.open], [[], null]);
});

test("what came and went before a page learns its rooms counts no more, and of what does meanwhile only so much", async () => {
    const client = clientOf({ pages: [{ rooms: ["#lobby", "#room5", "#room1005"], users: [] }] });
    const { store, requests } = begun(client);
    store.dispatch({ type: "lost" });
    requests.moved("#lobby", false);
    const { subscriptions } = client;
    client.subscriptions = async function* () {
        for (let at = 0; at < 1_010; at += 1) requests.moved(`#room${at}`, false);
        yield* subscriptions();
    };
    await requests.learn();
    const rooms = [...store.model.conversations].filter(([, { isJoined }]) => isJoined).map(([name]) => name);
    assert.deepEqual(rooms, ["#lobby", "#room1005"]);
});

test("a server that tells of subscriptions without end does not keep the page", async () => {
    for (const ask of ["learn", "begin"]) {
        const client = clientOf();
        let pages = 0;
        client.subscriptions = async function* () {
            for (; pages < 1_000; pages += 1) yield { rooms: [], users: Array.from({ length: 100 }, (_, at) => `user${pages}-${at}`) };
        };
        client.join = async () => {};
        const store = new Store();
        await new Requests(client, store, () => {})[ask]();
        assert.ok(pages < 200, `${ask} has read ${pages} pages`);
    }
});

test("what is joined and left while a page learns its rooms stays so", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    for (const room of ["#lost", "#elsewhere"]) store.dispatch({ type: "entered", room });
    client.subscriptions = async function* () {
        yield { rooms: ["#lobby", "#elsewhere"], users: [] };
        const joined = requests.join("#new");
        void requests.close("#lobby");
        await turn();
        client.answers.get("#new").resolve();
        await joined;
        // In another session of ours.
        requests.moved("#elsewhere", false);
        store.dispatch({ type: "left", room: "#elsewhere", name: "alice", isRenamed: false });
        yield { rooms: ["#other"], users: [] };
    };
    await requests.learn();
    const { conversations } = store.model;
    assert.deepEqual([...conversations].map(([name, { isJoined }]) => `${name} ${isJoined}`), [
        "#elsewhere false", "#lost false", "#new true", "#other true",
    ]);
    const notices = (name) => conversations.get(name).entries.map(({ text }) => text);
    assert.deepEqual([notices("#lost"), notices("#new")], [["You are not in #lost any more"], []]);
});
