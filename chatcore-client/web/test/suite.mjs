// What holds in Node and in a browser alike. Each scenario has names of its own, because all share one server.
import { cuttable, equal, next, rejected, texts } from "./checks.mjs";
import { ends } from "./ends.mjs";

/** The scenarios, by what they promise. `url` is the server's; the rest is the package, and what makes a WebSocket. */
export const scenarios = {
    async "a message arrives with the id that its sender was told"({ Client, url, WebSocket }) {
        const [alice, bob] = [new Client(url, { WebSocket }), new Client(url, { WebSocket })];
        const got = next(bob, "message");
        const session = await alice.register("Alice1");
        equal([session.name, session.displayName, session.resumed], ["alice1", "Alice1", false], "the session");
        equal([alice.name, alice.displayName, alice.state], ["alice1", "Alice1", "open"], "the client");
        await bob.register("bob1");
        const id = await alice.send("bob1", "hello \u{1F600}");
        const message = await got;
        equal([message.id, message.from, message.room, message.text], [id, "alice1", null, "hello \u{1F600}"], "the message");
        equal(Math.abs(message.time.getTime() - Date.now()) < 60_000, true, "its time");
        equal({ ...message, body: message.body.length }, { id, from: "alice1", room: null, body: 10, text: "hello \u{1F600}", time: message.time }, "plain values");
        equal(structuredClone(message).text, message.text, "which can be posted");
        const bytes = new Uint8Array([0, 255, 128]);
        const second = next(bob, "message");
        await alice.send("bob1", bytes);
        equal([...(await second).body], [0, 255, 128], "any bytes");
        equal((await alice.close()).kind, "closed", "the end");
        equal([alice.state, alice.closed.kind, alice.ticket], ["closed", "closed", null], "the closed client");
        await bob.close();
    },

    async "a refusal has a code, and another name may follow"({ Client, url, WebSocket }) {
        const [first, second] = [new Client(url, { WebSocket }), new Client(url, { WebSocket })];
        await first.register("carol2");
        const error = await rejected(second.register("Carol2"));
        equal([error.name, error.code, error.retryable], ["ChatError", "name_in_use", true], "the name is had");
        equal((await rejected(second.register("a b"))).code, "invalid_name", "no name");
        equal((await second.register("dave2")).name, "dave2", "another one");
        equal((await rejected(second.register("erin2"))).code, "registered", "one name at a time");
        await Promise.all([first.close(), second.close()]);
    },

    async "rooms are joined, listed and left"({ Client, url, WebSocket }) {
        const [alice, bob] = [new Client(url, { WebSocket }), new Client(url, { WebSocket })];
        await alice.register("alice3");
        await bob.register("bob3");
        equal((await rejected(alice.send("#room3", "x"))).code, "not_a_member", "from outside");
        await alice.join("#Room3");
        const joined = next(alice, "joined");
        await bob.join("#room3");
        equal(await joined, { room: "#room3", name: "bob3", displayName: null }, "who joins");
        const names = [];
        for await (const page of alice.roster("#room3")) names.push(...page.map(({ name }) => name));
        equal(names.sort(), ["alice3", "bob3"], "the roster");
        const online = [];
        for await (const page of alice.who()) online.push(...page.map(({ name }) => name));
        equal(online.includes("bob3"), true, "who is online");
        const got = next(bob, "message");
        await alice.send("#room3", "to all");
        equal([(await got).room, (await got).from], ["#room3", "alice3"], "a room's message");
        const left = next(alice, "left");
        await bob.leave("#room3");
        equal(await left, { room: "#room3", name: "bob3", code: "left" }, "who leaves");
        await Promise.all([alice.close(), bob.close()]);
    },

    async "presence tells the present state and each change"({ Client, url, WebSocket }) {
        const [alice, bob] = [new Client(url, { WebSocket }), new Client(url, { WebSocket })];
        await alice.register("alice4");
        const seen = [];
        alice.addEventListener("presence", ({ detail }) => seen.push([detail.name, detail.online]));
        await alice.watch(["bob4", "nobody4"]);
        equal(seen.sort(), [["bob4", false], ["nobody4", false]], "at first");
        const online = next(alice, "presence");
        await bob.register("bob4");
        equal((await online).online, true, "who comes");
        await alice.unwatch(["bob4"]);
        await bob.close();
        equal((await rejected(alice.send("bob4", "x"))).code, "no_such_user", "who is gone");
        equal(seen.length, 3, "nothing more is told");
        await alice.close();
    },

    async "a client that goes on with a session learns what it is subscribed to"({ Client, url, WebSocket }) {
        const first = new Client(url, { WebSocket });
        await first.register("alice12");
        for (const room of ["#one12", "#two12"]) await first.join(room);
        await first.watch(["bob12"]);
        const second = new Client(url, { WebSocket });
        const session = await second.resume(first.ticket);
        equal(session.resumed, true, "it goes on");
        const [rooms, users] = [[], []];
        for await (const page of second.subscriptions()) {
            rooms.push(...page.rooms);
            users.push(...page.users);
        }
        equal([rooms.sort(), users], [["#one12", "#two12"], ["bob12"]], "rooms and users");
        await second.close();
        await first.close();
    },

    async "a cut connection loses nothing and brings nothing twice"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const alice = new Client(url, { WebSocket: line.WebSocket, firstWait: 10 });
        const bob = new Client(url, { WebSocket });
        const got = texts(bob);
        await alice.register("alice5");
        await bob.register("bob5");
        const expected = [];
        for (let round = 0; round < 10; round++) {
            const waits = next(alice, "reconnecting");
            const sent = [];
            for (let i = 0; i < 20; i++) {
                expected.push(`${round} ${i}`);
                sent.push(alice.send("bob5", expected.at(-1)));
                if (i === 10) line.cut();
            }
            const { after, why } = await waits;
            equal([why.kind, alice.state], ["disconnected", "waiting"], "it says why");
            // Sums of fractions are not exact.
            equal([alice.nextAttemptIn < after + 1, alice.nextAttempt instanceof Date], [true, true], "and when");
            await Promise.all(sent);
        }
        await bob.who().next();
        equal(got, expected, "all once and in order");
        await Promise.all([alice.close(), bob.close()]);
    },

    async "a ticket goes on with the session of a client that is gone"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const gone = new Client(url, { WebSocket: line.WebSocket });
        const alice = new Client(url, { WebSocket });
        await gone.register("Bob6");
        await gone.join("#room6");
        await alice.register("alice6");
        const lost = next(gone, "reconnecting");
        [line.isOut] = [true, line.cut()];
        await lost;
        await alice.send("bob6", "meanwhile");
        const ticket = JSON.parse(JSON.stringify(gone.ticket));
        const bob = new Client(url, { WebSocket });
        const got = next(bob, "message");
        const session = await bob.resume(ticket);
        equal([session.name, session.displayName, session.resumed], ["bob6", "Bob6", true], "the session");
        equal((await got).text, "meanwhile", "what came meanwhile");
        await bob.send("#room6", "it is still in its room");
        await Promise.all([alice.close(), bob.close(), gone.close({ connectTimeMax: 0 })]);
    },

    async "names beyond ASCII are as the server maps them, and their sessions go on"({ Client, url, WebSocket }) {
        const [gone, alice] = [new Client(url, { WebSocket }), new Client(url, { WebSocket })];
        const session = await gone.register("Zoë13");
        equal([session.name, session.displayName], ["zoë13", "Zoë13"], "the session");
        await alice.register("alice13");
        const came = next(alice, "joined");
        await alice.join("#Ölraum13");
        await gone.join("#ÖLRAUM13");
        equal(await came, { room: "#ölraum13", name: "zoë13", displayName: null }, "who joins");
        const ticket = JSON.parse(JSON.stringify(gone.ticket));
        equal([ticket.name, ticket.displayName], ["zoë13", "Zoë13"], "the ticket");
        const bob = new Client(url, { WebSocket });
        const got = next(bob, "message");
        const again = await bob.resume(ticket);
        equal([again.name, again.displayName, again.resumed], ["zoë13", "Zoë13", true], "it goes on");
        await alice.send("ZOË13", "hello");
        equal([(await got).from, bob.name], ["alice13", "zoë13"], "it is the same user");
        await bob.close();
        // If the session is over, the name keeps its spelling.
        const anew = new Client(url, { WebSocket });
        const { name, displayName, resumed } = await anew.resume(ticket);
        equal([name, displayName, resumed], ["zoë13", "Zoë13", false], "another session");
        await Promise.all([alice.close(), gone.close(), anew.close()]);
    },

    async "an event is taken when its listeners are done with it"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const gone = new Client(url, { WebSocket: line.WebSocket, ackDelay: 0 });
        const alice = new Client(url, { WebSocket });
        let stored;
        gone.addEventListener("message", (event) => {
            if (event.detail.text === "kept") event.waitUntil(new Promise((resolve) => (stored = resolve)));
        });
        await gone.register("bob7");
        await alice.register("alice7");
        const [first, second] = [next(gone, "message"), next(gone, "message", ({ text }) => text === "kept")];
        await alice.send("bob7", "taken");
        await first;
        // What is acknowledged goes ahead of a request.
        await gone.who().next();
        await alice.send("bob7", "kept");
        await second;
        await gone.who().next();
        const lost = next(gone, "reconnecting");
        [line.isOut] = [true, line.cut()];
        await lost;
        const bob = new Client(url, { WebSocket });
        const got = texts(bob);
        await bob.resume(gone.ticket);
        await bob.who().next();
        equal(got, ["kept"], "what comes again");
        stored();
        await Promise.all([alice.close(), bob.close(), gone.close({ connectTimeMax: 0 })]);
    },

    async "what could not be taken ends the client, and comes again to whoever resumes its session"({ Client, url, WebSocket }) {
        const [gone, alice] = [new Client(url, { WebSocket, ackDelay: 0 }), new Client(url, { WebSocket })];
        const before = texts(gone);
        const ended = next(gone, "closed");
        let fail;
        gone.addEventListener("message", (event) => {
            if (event.detail.text === "two") event.waitUntil(new Promise((_, reject) => (fail = reject)));
        });
        await gone.register("bob18");
        await alice.register("alice18");
        for (const text of ["one", "two", "three"]) {
            const got = next(gone, "message");
            await alice.send("bob18", text);
            await got;
        }
        // What is acknowledged goes ahead of a request.
        await gone.who().next();
        fail(new Error("the disk is full"));
        const { kind, code, message, cause } = await ended;
        equal([kind, code, cause.message, /disk is full/.test(message)], ["not_taken", "not_taken", "the disk is full", true], "why");
        equal(before, ["one", "two", "three"], "what came");
        const bob = new Client(url, { WebSocket });
        const got = texts(bob);
        equal((await bob.resume(gone.ticket)).resumed, true, "the session is there");
        await bob.who().next();
        equal(got, ["two", "three"], "what comes again");
        await Promise.all([alice.close(), bob.close()]);
    },

    async "who waits too late with an event is told"({ Client, url, WebSocket }) {
        const client = new Client(url, { WebSocket });
        const late = new Promise((resolve) => {
            client.addEventListener("registered", async (event) => {
                await undefined;
                resolve(rejected((async () => event.waitUntil(Promise.resolve()))()));
            });
        });
        await client.register("bob19");
        equal([(await late).code, client.state], ["invalid", "open"], "after an await");
        await client.close();
    },

    async "a session that is over is told, and another one begins"({ Client, url, WebSocket }) {
        const first = new Client(url, { WebSocket });
        await first.register("bob8");
        const ticket = first.ticket;
        await first.close();
        const second = new Client(url, { WebSocket });
        const lost = next(second, "sessionlost");
        equal((await second.resume(ticket)).resumed, false, "another session");
        await lost;
        await second.close();
    },

    async "signals end the waiting and close a client"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const [all, one] = [new AbortController(), new AbortController()];
        const client = new Client(url, { WebSocket: line.WebSocket, signal: all.signal, firstWait: 60_000, longestWait: 60_000 });
        await client.register("bob9");
        const lost = next(client, "reconnecting");
        line.cut();
        await lost;
        const sending = client.send("bob9", "x", { signal: one.signal });
        one.abort();
        equal((await rejected(sending)).name, "AbortError", "the request");
        const open = next(client, "resumed");
        client.hurry();
        await open;
        const pending = client.send("nobody9", "x");
        const closed = next(client, "closed");
        all.abort();
        equal((await rejected(pending)).code !== undefined, true, "what was asked for before");
        equal((await closed).kind, "closed", "the client");
        equal((await rejected(client.send("bob9", "x"))).code, "closed", "a closed client");
        equal((await rejected(client.register("bob9"))).code, "closed", "it begins no more");
    },

    async "what waits for the server is bounded"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const client = new Client(url, { WebSocket: line.WebSocket, outboxBytesMax: 10_000, firstWait: 10 });
        await client.register("bob10");
        line.isOut = true;
        const lost = next(client, "reconnecting");
        line.cut();
        await lost;
        const sent = Array.from({ length: 20 }, (_, i) => client.send("bob10", new Uint8Array(1_000).fill(i)));
        const all = Promise.allSettled(sent);
        const error = await rejected(sent.at(-1));
        equal([error.code, error.retryable], ["outbox_full", true], "what is too much");
        line.isOut = false;
        client.hurry();
        const done = (await all).filter(({ status }) => status === "fulfilled").length;
        equal(done >= 8 && done <= 10, true, `${done} go out`);
        await client.close();
    },

    async "what cannot be is told at once"({ Client, ChatError, url, WebSocket }) {
        const code = (make) => {
            try {
                make();
            } catch (error) {
                if (error instanceof ChatError) return error.code;
            }
            return undefined;
        };
        equal(code(() => new Client("mailto:bob@example.org", { WebSocket })), "invalid", "a URL");
        equal(code(() => new Client(url, { WebSocket, firstWait: -1 })), "invalid", "a time");
        for (const [options, words] of [
            [{ outboxBytesMax: 10 }, /^outboxBytesMax must be 512 to/],
            [{ frameBytesMax: 10 }, /^frameBytesMax must be at least/],
            [{ ackFrames: -1 }, /^ackFrames/],
            [{ ackDelay: NaN }, /^ackDelay/],
            [{ firstWait: 0 }, /^firstWait must be more than 0/],
            [{ firstWait: "200" }, /^firstWait must be a number/],
            [{ answerTimeMax: 0 }, /^answerTimeMax must be/],
            [{ probeTimeMax: 0 }, /^probeTimeMax must be/],
            [{ firstWait: 1_000, longestWait: 10 }, /^longestWait must be at least firstWait/],
            [{ keepsTrying: "no" }, /^keepsTrying must be a boolean/],
            [{ followedHosts: "chat.example" }, /^followedHosts must be an array/],
            [{ WebSocket: {} }, /WebSocket/],
        ]) {
            const error = await rejected((async () => new Client(url, { WebSocket, ...options }))());
            equal([error.code, words.test(error.message) ? "" : error.message], ["invalid", ""], JSON.stringify(options));
        }
        // Each that there is, as the README has it.
        const all = {
            keepsTrying: false, followedHosts: [], outboxBytesMax: 1 << 20, frameBytesMax: 1 << 20, ackFrames: 256, ackDelay: 50, firstWait: 200,
            longestWait: 30_000, waitsResetAfter: 10_000, announcedWaitMax: 600_000, answerTimeMax: 30_000, probeTimeMax: 5_000, flushTimeMax: 5_000,
        };
        equal((await new Client(url, { WebSocket, ...all }).close()).code, "ended", "every option");
        const options = { WebSocket, firstWait: 10 };
        const early = new Client(url, options);
        options.firstWait = -1;
        equal((await early.register("early")).name, "early", "what was given is looked at once");
        await early.close();
        const client = new Client(url, { WebSocket });
        equal((await rejected(client.send("bob", "x"))).code, "not_registered", "too early");
        equal((await rejected(client.register("x".repeat(2_000)))).code, "name_too_long", "a long name");
        // More than the module could take.
        equal((await rejected(client.register("x".repeat(1 << 28)))).code, "name_too_long", "a longer name");
        equal((await rejected(new Client(url, { WebSocket }).resume({ name: "bob", displayName: null, token: "zz", attempt: 0 }))).code, "invalid", "a ticket");
        equal((await client.close()).kind, "closed", "nothing was begun");
    },

    async "what is none of its kind is told, and nobody's client ends"({ Client, url, WebSocket }) {
        const [client, other] = [new Client(url, { WebSocket }), new Client(url, { WebSocket })];
        await client.register("alice17");
        await other.register("bob17");
        const { bodyBytesMax } = client.limits;
        for (const [code, ask] of [
            ["invalid", () => client.join()],
            ["invalid", () => client.leave(null)],
            ["invalid", () => client.send(undefined, "x")],
            ["invalid", () => client.send("bob17")],
            ["invalid", () => client.send("bob17", new ArrayBuffer(8))],
            ["invalid", () => client.send("bob17", { length: 2 ** 33 })],
            ["invalid", () => client.watch("bob17")],
            ["invalid", () => client.watch(["bob17", 7])],
            ["invalid", () => client.unwatch()],
            ["invalid", async () => client.roster().next()],
            ["invalid", () => new Client(url, { WebSocket }).register()],
            ["invalid", () => new Client(url, { WebSocket }).register("bob", { credential: 7 })],
            ["invalid", () => new Client(url, { WebSocket }).resume()],
            ["invalid", () => new Client(url, { WebSocket }).resume({ ...client.ticket, displayName: 7 })],
            ["invalid", () => new Client(url, { WebSocket }).resume({ ...client.ticket, attempt: NaN })],
            ["name_too_long", () => client.join("#".repeat(1 << 28))],
            ["too_many_names", () => client.watch(Array(1 << 20).fill("bob17"))],
            ["too_many_names", () => client.watch(Array(1_000).fill("x".repeat(60_000)))],
            ["body_too_long", () => client.send("bob17", new Uint8Array(bodyBytesMax + 1))],
            ["body_too_long", () => client.send("bob17", "\u20ac".repeat(bodyBytesMax / 2))],
        ]) {
            equal((await rejected(ask())).code, code, String(ask));
        }
        const got = next(other, "message");
        // Any view of bytes is one.
        await client.send("bob17", new Uint16Array([0x4241, 0x4443]));
        equal((await got).text, "ABCD", "the next message");
        await Promise.all([client.close(), other.close()]);
    },

    ...ends,
};
