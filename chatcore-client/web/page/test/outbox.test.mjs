// What a person writes is sent once and in order, waits, or is told as not sent.
import assert from "node:assert/strict";
import test from "node:test";

import { INITIAL, Requests, keepLog, keptLog, restore } from "./parts.mjs";
import { beginning, begun, clientOf, refusal, turn } from "./session.mjs";

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
    const beginning = requests.begin(false);
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

test("what waits in a conversation that is closed while the page joins its rooms is kept as gone, and goes before the room is left", async () => {
    const client = clientOf();
    const kept = [];
    const { requests, store } = begun(client, (states) => kept.push([client.asked.length, ...states]));
    void requests.begin(false);
    requests.say("#lobby", "last words");
    requests.say("bob", "for bob");
    client.asked.length = 0;
    void requests.close("#lobby");
    await turn();
    assert.deepEqual(client.asked, [["#lobby", "last words"], ["leave", "#lobby"]], "bob's waits on");
    assert.deepEqual(kept, [[0]], "a page that is loaded anew does not send it again");
    client.answers.get("last words").reject(refusal("not_a_member"));
    await turn();
    assert.match(store.model.failure, /^A message of yours was not sent\. It was for #lobby: /);
});

test("what waits in a conversation that is closed without a connection is told as not sent: it would be lost with the page", async () => {
    for (const state of ["waiting", "connecting"]) {
        const client = clientOf({ state });
        const kept = [];
        const { requests, store } = begun(client, (states) => kept.push(states));
        requests.say("#lobby", "last words");
        requests.say("bob", "for bob");
        void requests.close("#lobby");
        assert.equal(store.model.failure, "A message of yours was not sent.");
        assert.deepEqual(kept, [[]], "nor does a page send it that is loaded anew");
        await turn();
        client.state = "open";
        requests.goOn();
        assert.deepEqual(client.asked, [["leave", "#lobby"], ["bob", "for bob"]]);
    }
});

test("what never went out, and is not shown any more when the session ends, does not wait unseen", async () => {
    const client = clientOf();
    const { requests, store } = begun(client);
    requests.say("bob", "one");
    await requests.close("bob");
    // A conversation of this name that is begun anew does not have it.
    requests.writeTo("bob");
    client.state = "connecting";
    client.answers.get("one").reject(refusal("unsent"));
    await turn();
    assert.match(store.model.failure, /^A message of yours was not sent\. It was for bob: the session ended/);
    client.state = "open";
    client.asked.length = 0;
    requests.goOn();
    assert.deepEqual(client.asked, []);
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

/** A session without a connection, to be signed out of or closed: what waits in it was written in the order of its numbers,
 * in two conversations by turns, and the first went out and came back. */
async function shuffled() {
    const client = clientOf();
    const { store, requests } = begun(client);
    requests.say("bob", "1");
    client.state = "waiting";
    for (const [to, text] of [["#lobby", "2"], ["bob", "3"], ["#lobby", "4"]]) requests.say(to, text);
    client.answers.get("1").reject(refusal("unsent"));
    await turn();
    client.asked.length = 0;
    return { client, store, requests, numbers: () => client.asked.filter(([, text]) => text > 0).map(([, text]) => text) };
}

test("what waits goes in the order in which it was written: when the session goes on, and for who signs out or loads the page anew", async () => {
    for (const end of [
        ({ client, requests }) => requests.goOn((client.state = "open")),
        ({ requests }) => requests.end(true),
        ({ client, store }) => new Requests(client, store, () => {}).end(true),
    ]) {
        const session = await shuffled();
        end(session);
        assert.deepEqual(session.numbers(), ["1", "2", "3", "4"]);
    }
});

test("what waits in a conversation that is closed goes in the order in which it was written", async () => {
    const session = await shuffled();
    session.requests.say("bob", "5");
    session.client.state = "open";
    void session.requests.begin(false);
    void session.requests.close("bob");
    assert.deepEqual(session.numbers(), ["1", "3", "5"]);
});

test("what was under way when the module failed may have arrived", async () => {
    const client = clientOf();
    const { requests, states } = begun(client);
    requests.say("#lobby", "hello");
    client.answers.get("hello").reject(refusal("fault"));
    await turn();
    assert.deepEqual(states(), ["hello unconfirmed"]);
});
