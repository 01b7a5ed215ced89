// What the page asks of the server by itself.
import assert from "node:assert/strict";
import test from "node:test";

import { ChatError } from "chatcore";

import { INITIAL, Requests, Store } from "./parts.mjs";
import { beginning, begun, clientOf, refusal, turn } from "./session.mjs";

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
    const beginning = requests.begin(false);
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
    const again = requests.begin(false);
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
    const beginning = requests.begin(false);
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

test("why a room could not be joined is over when it can: also for who has left everything", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    await Promise.all([requests.close("#lobby"), turn().then(() => client.answers.get("#lobby").resolve())]);
    assert.equal(store.model.open, null);
    store.dispatch({ type: "failure", words: "The room is full." });
    const joined = requests.join("#lobby");
    await turn();
    assert.equal(store.model.failure, "The room is full.", "nothing else is known yet");
    client.answers.get("#lobby").resolve();
    await joined;
    assert.deepEqual([store.model.open, store.model.failure], ["#lobby", null]);
});

test("who has no conversation here begins in the rooms of their other sessions, or else in the first room", async () => {
    for (const [pages, rooms] of [
        [[{ rooms: ["#garden"], users: [] }, { rooms: ["#kitchen"], users: [] }], ["#garden", "#kitchen"]],
        [[{ rooms: [], users: [] }], ["#lobby"]],
    ]) {
        const client = clientOf({ pages });
        client.join = async (room) => void client.asked.push(["join", room]);
        const store = new Store();
        await new Requests(client, store, () => {}).begin(true);
        assert.deepEqual(client.asked.filter(([what]) => what === "join").map(([, room]) => room), rooms);
        assert.equal(store.model.open, rooms[0]);
    }
});

test("who has left all rooms gets none in the next session", async () => {
    const client = clientOf({ pages: [{ rooms: [], users: [] }] });
    await new Requests(client, new Store(), () => {}).begin(false);
    assert.deepEqual(client.asked, []);
});

test("a room that is left before the page knows its rooms does not come back", async () => {
    const client = beginning(clientOf({ state: "connecting", pages: [{ rooms: ["#lobby"], users: [] }] }));
    const { store, requests } = begun(client);
    const left = requests.close("#lobby");
    [client.limits, client.state] = [{ watchesMax: 10 }, "open"];
    // The page asks before the room is left.
    const learnt = requests.learn();
    client.dispatchEvent(new Event("resumed"));
    await learnt;
    client.answers.get("#lobby").resolve();
    await left;
    assert.equal(store.model.conversations.size, 0);
});

test("a room that is left elsewhere while the server is asked about it is not opened", async () => {
    const client = clientOf();
    const { store, requests } = begun(client);
    let answer;
    client.rosters.push(new Promise((resolve) => (answer = resolve)));
    const joined = requests.join("#garden");
    await turn();
    requests.moved("#garden", false);
    client.answers.get("#garden").resolve();
    await turn();
    requests.moved("#garden", false);
    answer([]);
    await joined;
    assert.deepEqual([...store.model.conversations.keys()], ["#lobby"]);
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

test("a room that is left while the server is asked whether we are in it does not come back", async () => {
    // Its answer may come with that to the leaving.
    for (const isTogether of [false, true]) {
        const client = clientOf();
        const { store, requests } = begun(client);
        let answer;
        client.rosters.push(new Promise((resolve) => (answer = resolve)));
        const joined = requests.join("#lobby");
        await turn();
        client.answers.get("#lobby").resolve();
        requests.moved("#lobby", false);
        await turn();
        const left = requests.close("#lobby");
        await turn();
        assert.deepEqual(client.asked, [["join", "#lobby"], ["roster", "#lobby"], ["leave", "#lobby"]]);
        if (isTogether) client.answers.get("#lobby").resolve();
        answer([user("alice")]);
        await joined;
        assert.deepEqual([[...store.model.conversations.keys()], store.model.open], [[], null]);
        client.answers.get("#lobby").resolve();
        await left;
    }
});

/** A session that was lost, of somebody in two rooms; it begins anew. */
function beginningAnew(client) {
    const given = begun(client);
    given.store.dispatch({ type: "entered", room: "#garden" });
    given.store.dispatch({ type: "lost" });
    return { ...given, beginning: given.requests.begin(false) };
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
    const again = requests.begin(false);
    await turn();
    client.answers.get("#garden").reject(new ChatError("outbox_full", true, "1048576 bytes wait"));
    await turn();
    client.answers.get("#lobby").resolve();
    await again;
    assert.match(store.model.conversations.get("#garden").entries.at(-1).text, /^You are not in #garden: too much waits/);
    // Of the session that ends meanwhile nothing more is asked.
    const count = client.asked.length;
    const last = requests.begin(false);
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
    const beginning = requests.begin(false);
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
