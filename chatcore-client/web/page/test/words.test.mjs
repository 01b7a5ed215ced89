// What a person is told: no words of those who write programs.
import assert from "node:assert/strict";
import test from "node:test";

import { ChatError } from "chatcore";

import { ended, failure, refused, unsent, why } from "./parts.mjs";

Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });

const JARGON = /protocol|frame|registered|outbox|connection is closed|reason \d|\d{4}|_|undefined|^\W|connect again/i;

test("of each end of a session a person is told in words", () => {
    const sly = "the deliver frame holds a value that its field cannot have, 4294967295 bytes";
    for (const kind of ["protocol_error", "other_protocol", "error", "timed_out", "disconnected", "fault", "other", "new"]) {
        const reason = { kind, code: "invalid_value", message: sly, after: null };
        for (const words of [why(reason), ended(reason)]) assert.doesNotMatch(words, JARGON, `${kind}: ${words}`);
    }
    for (const code of ["shutting_down", "timed_out", "slow_consumer", "kicked", "taken_over", "elsewhere", "other"]) {
        const words = ended({ kind: "goodbye", code, message: code, after: 5_000 });
        assert.doesNotMatch(words, JARGON, words);
        assert.match(words, /^[A-Z].*\.$/);
    }
    for (const code of ["hub_full", "stale_resume", "session_over", "other"]) {
        assert.doesNotMatch(why({ kind: "refused", code, message: "", after: null }), JARGON);
        assert.doesNotMatch(refused(code, "", null, false), JARGON);
    }
});

test("what an operator has written is told as it is", () => {
    assert.equal(ended({ kind: "goodbye", code: "kicked", message: "be nice", after: null }), "Be nice.");
    assert.equal(why({ kind: "goodbye", code: "shutting_down", message: "back at five", after: 5_000 }), "back at five");
    assert.equal(why({ kind: "goodbye", code: "other", message: "see you", after: null }), "see you");
    assert.match(ended({ kind: "goodbye", code: "slow_consumer", message: "the frame queue is full", after: null }), /did not keep up/);
});

test("of what was not done a person is told in words", () => {
    const words = {
        not_registered: "not registered yet: ask for a name first",
        registered: "a registration is under way or done: one connection has one name",
        closed: "the connection is closed",
        outbox_full: "1048576 bytes wait for the server already: try again when it has acknowledged some",
        too_many_pending: "65536 requests wait for an answer of the server",
        name_too_long: "a name of 66000 bytes is too long",
        body_too_long: "a length of 70000 is too much",
        invalid_name: "that can be no name of a user or a room",
        invalid: "names must be an array of strings: this is of type undefined",
        unconfirmed: "the session ended before the server answered: nobody knows whether it was done",
        unsent: "the session ended before this went out: it was not done",
    };
    for (const [code, message] of Object.entries(words)) {
        const error = new ChatError(code, false, message);
        for (const told of [unsent(error), failure(error)]) assert.doesNotMatch(told, JARGON, `${code}: ${told}`);
    }
    assert.match(failure(new ChatError("invalid_name", false, "x")), /that of a room has a #/);
    assert.equal(failure(new ChatError("room_full", true, "the room is full")), "The room is full.");
});
