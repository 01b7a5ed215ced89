// How a client ends, and what becomes then of what it was asked for: a part of the suite.
import { cuttable, equal, next, rejected, texts } from "./checks.mjs";

/** Scenarios as those of the suite. */
export const ends = {
    async "who is closed without a connection says goodbye as soon as there is one"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const gone = new Client(url, { WebSocket: line.WebSocket, firstWait: 10, longestWait: 10 });
        const alice = new Client(url, { WebSocket });
        const got = texts(alice);
        await gone.register("bob14");
        await alice.register("alice14");
        const offline = next(alice, "presence", ({ online }) => !online);
        await alice.watch(["bob14"]);
        const lost = next(gone, "reconnecting");
        [line.isOut] = [true, line.cut()];
        await lost;
        const sent = gone.send("alice14", "last words");
        const waits = next(gone, "reconnecting");
        const closed = gone.close({ connectTimeMax: 60_000 });
        equal((await rejected(gone.send("alice14", "one more"))).code, "closed", "nothing more is asked for");
        equal((await rejected(gone.register("bob14"))).code, "closed", "nor a name");
        await waits;
        equal(gone.closed, null, "it goes on trying");
        line.isOut = false;
        equal(typeof (await sent), "bigint", "what was asked for before is done");
        const { kind, code } = await closed;
        equal([kind, code, gone.state], ["closed", "ended", "closed"], "the server knows");
        equal((await offline).name, "bob14", "the session is over");
        equal(got, ["last words"], "what arrives");
        await alice.close();
    },

    async "who is closed and gets no connection is told that the server does not know"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const [gone, other] = [new Client(url, { WebSocket: line.WebSocket, firstWait: 10 }), new Client(url, { WebSocket })];
        await gone.register("bob15");
        const lost = next(gone, "reconnecting");
        [line.isOut] = [true, line.cut()];
        await lost;
        const { ticket } = gone;
        const closed = gone.close({ connectTimeMax: 60_000 });
        // Whoever does not want to wait any more says so.
        const { kind, code, message } = await gone.close({ connectTimeMax: 0 });
        equal([kind, code, (await closed).code, /keeps the session/.test(message)], ["closed", "unsent", "unsent", true], "the reason");
        equal((await rejected(other.register("bob15"))).code, "name_in_use", "the server keeps the session");
        const again = new Client(url, { WebSocket: line.WebSocket, firstWait: 10, longestWait: 10 });
        const resuming = rejected(again.resume(ticket));
        await next(again, "reconnecting");
        equal((await again.close({ connectTimeMax: 50 })).code, "unsent", "nor within a time");
        equal((await resuming).code, "unsent", "and whoever waits for the session knows");
        line.isOut = false;
        const last = new Client(url, { WebSocket });
        equal((await last.resume(ticket)).resumed, true, "it is there");
        equal((await last.close()).code, "ended", "with a connection");
        equal((await other.register("bob15")).name, "bob15", "the name is free");
        await other.close();
    },

    async "who gives up while a client keeps trying closes it"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        line.isOut = true;
        const [patient, other] = [new Client(url, { WebSocket: line.WebSocket, keepsTrying: true, firstWait: 10 }), new Client(url, { WebSocket })];
        const waits = next(patient, "reconnecting");
        const registering = rejected(patient.register("bob22"));
        await waits;
        await patient.close();
        equal((await registering).code, "ended", "what it waits for");
        equal((await other.register("bob22")).name, "bob22", "the name is free");
        // Also if the server gives the name, or the session, while the client closes.
        const hasty = new Client(url, { WebSocket });
        const asked = rejected(hasty.register("bob23"));
        hasty.addEventListener("registered", () => void hasty.close(), { once: true });
        equal((await asked).code, "ended", "what is given too late");
        await other.close();
    },

    async "what never went out before the end is told apart from that of which nobody knows"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const [gone, other] = [new Client(url, { WebSocket: line.WebSocket, firstWait: 60_000, longestWait: 60_000 }), new Client(url, { WebSocket })];
        await gone.register("bob20");
        line.isMute = true;
        const written = rejected(gone.send("bob20", "one"));
        // When it was given to the line.
        await new Promise((resolve) => setTimeout(resolve));
        const lost = next(gone, "reconnecting");
        line.cut();
        await lost;
        const waits = [rejected(gone.send("bob20", "two")), rejected(gone.join("#room20"))];
        const { ticket } = gone;
        await gone.close({ connectTimeMax: 0 });
        equal((await written).code, "unconfirmed", "what went out");
        for (const { code, retryable } of await Promise.all(waits)) equal([code, retryable], ["unsent", true], "what did not");
        await other.resume(ticket);
        await other.close();
    },

    async "what could not be taken tells what never went out, too"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const [gone, alice] = [new Client(url, { WebSocket: line.WebSocket, firstWait: 60_000, longestWait: 60_000 }), new Client(url, { WebSocket })];
        let fail;
        gone.addEventListener("message", (event) => event.waitUntil(new Promise((_, reject) => (fail = reject))));
        await gone.register("bob21");
        await alice.register("alice21");
        const got = next(gone, "message");
        await alice.send("bob21", "x");
        await got;
        const lost = next(gone, "reconnecting");
        line.cut();
        await lost;
        const waits = rejected(gone.send("alice21", "y"));
        const ended = next(gone, "closed");
        fail(new Error("the disk is full"));
        equal([(await ended).kind, (await waits).code], ["not_taken", "unsent"], "what did not go out");
        await alice.close();
    },

    async "who is closed while the server forgets the session begins none"({ Client, url, WebSocket }) {
        const line = cuttable(WebSocket);
        const gone = new Client(url, { WebSocket: line.WebSocket, firstWait: 10, longestWait: 10, keepsTrying: true });
        await gone.register("bob16");
        const lost = next(gone, "reconnecting");
        [line.isOut] = [true, line.cut()];
        await lost;
        // Another one ends the session meanwhile, and somebody else has the name then.
        const other = new Client(url, { WebSocket });
        await other.resume(gone.ticket);
        await other.close();
        const somebody = new Client(url, { WebSocket });
        await somebody.register("bob16");
        const closed = gone.close({ connectTimeMax: 60_000 });
        line.isOut = false;
        const { kind, code } = await closed;
        equal([kind, code], ["closed", "ended"], "there is nothing to end any more");
        const got = next(somebody, "message");
        await somebody.send("bob16", "to myself");
        equal((await got).text, "to myself", "the name is somebody's");
        await somebody.close();
    },
};
