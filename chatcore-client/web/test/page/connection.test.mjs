// The connection goes, and nothing else does.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { Person, TIMEOUT, launch, member, profile, startLine, startServer, until } from "./kit.mjs";
import { PREFACE, frame, joinBytes } from "../wire.mjs";
import { UNAVAILABLE, forgetful, polite, startLiar } from "./liar.mjs";

let browser;
before(async () => {
    browser = await launch();
});
after(() => browser.close());

const CUTS = 50;
const EACH_WAY = 1_000;

test("2 000 messages over a connection that is cut 50 times: all once, and in order", { timeout: 120_000 }, async () => {
    const server = await startServer("--session-cost-per-s", "0", "--origin-cost-per-s", "0");
    const line = await startLine(server.port);
    const context = await profile(browser);
    const page = await Person.enter(context, line.url, "page");
    const peer = await member(`http://127.0.0.1:${server.port}/`, "peer", "#lobby");
    const hello = async () => {
        await peer.client.send("#lobby", "begin");
        await page.message("begin").waitFor();
    };
    await hello();
    await page.record();
    const batch = EACH_WAY / CUTS;
    for (let at = 0; at < EACH_WAY; at += batch) {
        const numbers = Array.from({ length: batch }, (_, i) => at + i);
        const sent = numbers.map((number) => peer.client.send("#lobby", `to the page ${number}`));
        await page.page.evaluate((numbers) => {
            const field = document.querySelector("textarea");
            for (const number of numbers) {
                field.value = `from the page ${number}`;
                field.dispatchEvent(new Event("input", { bubbles: true }));
                field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
            }
        }, numbers);
        line.cut();
        await Promise.all(sent);
        // What is shown is bounded: the next ones wait until these are there.
        // The person does not wait for the next attempt.
        await page.page.waitForFunction((last) => {
            for (const button of document.querySelectorAll("button")) if (button.textContent === "Connect now") button.click();
            return globalThis.shown.includes(last);
        }, `to the page ${at + batch - 1}`, { polling: 20 });
    }
    await until("the peer has heard all", () => peer.heard.length >= EACH_WAY);
    assert.deepEqual(peer.heard.map(({ text }) => text), Array.from({ length: EACH_WAY }, (_, i) => `from the page ${i}`));
    const shown = await page.shown();
    assert.deepEqual(shown.filter((text) => text.startsWith("to ")), Array.from({ length: EACH_WAY }, (_, i) => `to the page ${i}`));
    await until("all of its own are accepted", async () => (await page.page.getByText("sending", { exact: true }).count()) === 0);
    await page.clean();
    await peer.client.close();
    await context.close();
    line.end();
    await server.stop();
});

test("a page counts down to its next attempt, connects when it is asked to, and when the machine is online again", TIMEOUT, async () => {
    const server = await startServer();
    const line = await startLine(server.port);
    const context = await profile(browser);
    const page = await Person.enter(context, line.url, "page");
    const peer = await member(`http://127.0.0.1:${server.port}/`, "peer", "#lobby");
    const now = page.page.getByRole("button", { name: "Connect now" });
    const timer = page.page.getByRole("timer");
    // Until it waits for long. Gives by when it would not be connected by itself.
    const lose = async () => {
        [line.isOut] = [true, line.cut()];
        await now.waitFor();
        const seconds = async () => Number(/in (\d+) s/.exec((await timer.allTextContents())[0] ?? "")?.[1] ?? 0);
        const left = await until("it waits for long", async () => (await seconds()) >= 5 && (await seconds()));
        // Whoever sets the clock back does not wait longer.
        await page.page.evaluate(() => {
            const now = Date.now;
            Date.now = () => now() - 3_600_000;
        });
        const counted = await until("it counts on", async () => {
            const at = await seconds();
            return at > 0 && at < left && at;
        });
        line.isOut = false;
        return performance.now() + (counted - 1) * 1_000;
    };
    await page.say("before");
    // Or it would be sent anew, after what comes meanwhile.
    await page.message("before").getByRole("img", { name: "accepted" }).waitFor();
    let byItself = await lose();
    await page.status.filter({ hasText: "Not connected" }).waitFor();
    await page.say("while it is gone");
    await page.message("while it is gone").getByText("waiting").waitFor();
    await peer.client.send("#lobby", "meanwhile");
    await now.click();
    await page.message("meanwhile").waitFor();
    await page.connected();
    assert.ok(performance.now() < byItself, "the button has no part in it");
    await page.message("while it is gone").getByRole("img", { name: "accepted" }).waitFor();

    await context.setOffline(true);
    byItself = await lose();
    await peer.client.send("#lobby", "while offline");
    await context.setOffline(false);
    await page.message("while offline").waitFor();
    assert.ok(performance.now() < byItself, "being online again has no part in it");
    // In the order in which the server has them, which is the same for all.
    assert.deepEqual(await page.texts(), ["before", "meanwhile", "while it is gone", "while offline"]);
    await page.clean();
    await peer.client.close();
    await context.close();
    line.end();
    await server.stop();
});

test("what is written without a connection is sent once and in order, by whichever page there is then", TIMEOUT, async () => {
    const server = await startServer();
    const line = await startLine(server.port);
    const context = await profile(browser);
    const page = await Person.enter(context, line.url, "writer");
    const peer = await member(`http://127.0.0.1:${server.port}/`, "peer", "#lobby", "#garden");
    [line.hasFilesAlone] = [true, line.cut()];
    await page.status.filter({ hasText: "Not connected" }).waitFor();
    await page.say("one");
    await page.page.reload();
    await page.message("one").getByText("waiting").waitFor();
    await page.say("two");
    await page.message("two").getByText("waiting").waitFor();
    // Other things wait for the session as well.
    await page.page.getByRole("button", { name: "Join a room" }).click();
    await page.page.getByRole("dialog").getByRole("textbox", { name: "Room" }).fill("garden");
    await page.page.keyboard.press("Enter");
    line.hasFilesAlone = false;
    await until("it is connected", async () => {
        const now = page.page.getByRole("button", { name: "Connect now" });
        if (await now.isVisible()) await now.click({ timeout: 1_000, force: true }).catch(() => {});
        return peer.heard.length >= 2;
    });
    await page.composer("#garden").waitFor();
    await page.page.reload();
    await page.connected();
    await page.say("three", "#garden");
    await until("the peer hears it", () => peer.heard.some(({ text }) => text === "three"));
    assert.deepEqual(peer.heard.map(({ text }) => text), ["one", "two", "three"]);
    await page.tab(/^#lobby/).click();
    for (const text of ["one", "two"]) await page.message(text).getByRole("img", { name: "accepted" }).waitFor();
    await page.clean();
    await peer.client.close();
    await context.close();
    line.end();
    await server.stop();
});

/** In the page: somebody looks at it, or does not. */
function seen(isSeen) {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (isSeen ? "visible" : "hidden") });
    Object.defineProperty(document, "hidden", { configurable: true, get: () => !isSeen });
    document.dispatchEvent(new Event("visibilitychange"));
}

test("a tab that is hidden for minutes has all when it is shown again", TIMEOUT, async () => {
    const server = await startServer();
    const line = await startLine(server.port);
    const context = await profile(browser);
    const page = await Person.open(context, line.url);
    await page.page.clock.install();
    await page.page.reload();
    await page.register("hidden");
    const peer = await member(`http://127.0.0.1:${server.port}/`, "peer", "#lobby");
    await page.page.evaluate(seen, false);
    await peer.client.send("#lobby", "hidden: look at this");
    await page.page.clock.runFor(60_000);
    await until("the title tells it", async () => (await page.page.title()).startsWith("(1)"));
    await page.page.clock.fastForward(5 * 60_000);
    line.cut();
    await peer.client.send("#lobby", "later");
    await page.page.evaluate(seen, true);
    await until("it is shown", async () => {
        await page.page.clock.runFor(100);
        return (await page.texts()).length === 2;
    });
    await page.page.clock.resume();
    await page.connected();
    assert.deepEqual(await page.texts(), ["hidden: look at this", "later"]);
    await page.say("here");
    await until("the peer hears it", () => peer.heard.some(({ text }) => text === "here"));
    await page.clean();
    await peer.client.close();
    await context.close();
    line.end();
    await server.stop();
});

test("a server that begins anew finds the page in its rooms", TIMEOUT, async () => {
    const server = await startServer();
    const url = `http://127.0.0.1:${server.port}/`;
    const context = await profile(browser);
    const page = await Person.enter(context, url, "page");
    await page.join("#garden");
    await page.say("before", "#garden");
    await page.message("before").getByRole("img", { name: "accepted" }).waitFor();
    await server.stop("SIGKILL");
    await page.status.filter({ hasText: "Not connected" }).waitFor();
    for (const text of ["while it was away", "and once more"]) await page.say(text, "#garden");
    const again = await startServer("--listen", `ws://127.0.0.1:${server.port}`);
    await page.connected();
    const peer = await member(url, "peer", "#garden", "#lobby");
    await peer.client.send("#garden", "after");
    await page.message("after").waitFor();
    await page.message("before").waitFor();
    for (const text of ["while it was away", "and once more"]) {
        await page.message(text).getByRole("img", { name: "accepted" }).waitFor();
    }
    await page.say("it goes on", "#garden");
    await until("the peer hears it", () => peer.heard.some(({ text }) => text === "it goes on"));
    await peer.client.send("#lobby", "in the other room");
    await page.tab(/^#lobby, 1 unread/).waitFor();
    await page.clean();
    await peer.client.close();
    await context.close();
    await again.stop();
});

for (const [what, answer] of [["ends before the server has answered", null], ["finds it unavailable", UNAVAILABLE]]) {
    test(`a room that one session ${what} is joined by the next`, TIMEOUT, async () => {
        const server = await startServer();
        const sessions = [];
        let socket;
        const talk = forgetful(sessions, (session, room) => session !== 1 || room !== "#one" || answer);
        const liar = await startLiar(server.port, {
            talk: (opened) => {
                socket = opened;
                talk(opened);
            },
        });
        const context = await profile(browser);
        const page = await Person.enter(context, liar.url, "me");
        await page.join("#one");
        await page.join("#two");
        const again = async (session) => {
            await until(`session ${session} asks`, async () => {
                const now = page.page.getByRole("button", { name: "Connect now" });
                if (await now.isVisible()) await now.click({ timeout: 1_000 }).catch(() => {});
                return sessions[session]?.length > 0;
            });
        };
        socket.terminate();
        await again(1);
        if (answer !== null) {
            await until("it is asked for all", () => sessions[1].includes("#two"));
            await page.tab("#one").click();
            await page.page.getByText("You are not in #one").waitFor();
            socket.terminate();
        }
        await again(2);
        await until("it is asked for all", () => sessions[2].length === 3);
        assert.deepEqual(sessions[2], ["#lobby", "#one", "#two"]);
        await page.connected();
        await page.tab("#one").click();
        await page.composer("#one").waitFor();
        assert.equal(await page.page.getByText("You are not in this room").count(), 0);
        await page.clean();
        await context.close();
        liar.end();
        await server.stop();
    });
}

test("while the page joins its rooms anew what is written waits, and nobody is told that they are in no room", TIMEOUT, async () => {
    const server = await startServer();
    const sessions = [];
    let socket;
    const talk = forgetful(sessions, (session) => (session === 1 ? undefined : true));
    const liar = await startLiar(server.port, {
        talk: (opened) => {
            socket = opened;
            talk(opened);
        },
    });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    socket.terminate();
    await until("the room is asked for", () => sessions[1]?.length === 1);
    await page.connected();
    await page.say("later");
    await page.message("later").getByText("waiting").waitFor();
    assert.equal(await page.page.getByText("You are not in this room").count(), 0);
    socket.terminate();
    await page.message("later").getByText("sending").waitFor();
    await page.clean();
    await context.close();
    liar.end();
    await server.stop();
});

test("what is written outlives an end that comes between two sessions, and a name that cannot be", TIMEOUT, async () => {
    const server = await startServer();
    let socket;
    const talk = forgetful([], () => true, (welcome, session) => (session === 1 || session === 2 ? frame(0x02, [1]) : welcome));
    const liar = await startLiar(server.port, {
        talk: (opened) => {
            socket = opened;
            talk(opened);
        },
    });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    await page.composer().fill("half of it");
    socket.terminate();
    const ended = page.status.filter({ hasText: "This server says what the page does not understand" });
    await ended.waitFor();
    await page.composer().fill("half of it, and more");
    await page.page.reload();
    await ended.waitFor();
    assert.equal(await page.composer().inputValue(), "half of it, and more");
    await page.page.getByRole("button", { name: "Sign in again" }).click();
    const field = page.page.getByRole("textbox", { name: "Your name" });
    await field.fill("x".repeat(2_000));
    await field.press("Enter");
    await page.page.getByText("This name is too long.").waitFor();
    await page.page.reload();
    await page.connected();
    assert.equal(await page.composer().inputValue(), "half of it, and more");
    await page.clean();
    await context.close();
    liar.end();
    await server.stop();
});

/** Somebody who has written two messages without a connection, and whose chat has ended since. */
async function endedWriter() {
    const server = await startServer();
    let [socket, talk] = [null, polite(() => {})];
    const liar = await startLiar(server.port, {
        talk: (opened) => {
            socket = opened;
            talk(opened);
        },
    });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    talk = (opened) => opened.close();
    socket.terminate();
    await page.status.filter({ hasText: "Not connected" }).waitFor();
    for (const text of ["one", "two"]) await page.say(text);
    await page.message("two").getByText("waiting").waitFor();
    talk = (opened) => opened.once("message", () => opened.send(joinBytes([PREFACE, frame(0x02, [1])])));
    await page.status.filter({ hasText: "This server says what the page does not understand" }).waitFor();
    const end = async () => {
        await page.clean();
        await context.close();
        liar.end();
        await server.stop();
    };
    return { page, end, setTalk: (other) => (talk = other) };
}

test("who takes another name after an end is told what was not sent; no other tab has the session before", TIMEOUT, async () => {
    const { page, end, setTalk } = await endedWriter();
    const claims = () => page.page.evaluate(async () => (await navigator.locks.query()).held.map(({ name }) => name));
    const before = await claims();
    assert.equal(before.length, 1, "a page that is loaded anew goes on");
    await page.page.getByRole("button", { name: "Sign in again" }).click();
    await page.page.getByRole("textbox", { name: "Your name" }).waitFor();
    assert.deepEqual(await claims(), before, "a copy of the tab does not");
    setTalk(polite(() => {}, { name: "other" }));
    await page.register("other");
    await page.page.getByText("2 messages of yours were not sent.").waitFor();
    assert.deepEqual(await page.texts(), []);
    await until("the session before is let go of", async () => {
        const now = await claims();
        return now.length === 1 && now[0] !== before[0];
    });
    await end();
});

test("until another name is there, nothing is told as not sent: a page that is loaded anew sends it", TIMEOUT, async () => {
    const { page, end, setTalk } = await endedWriter();
    // What has just been written is kept, too.
    await page.page.evaluate(() => {
        const field = document.querySelector("textarea");
        field.value = "half of it";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        [...document.querySelectorAll("button")].find((button) => button.innerText === "Sign in again").click();
    });
    let isAsked = false;
    setTalk((opened) => opened.once("message", () => (isAsked = true)));
    const field = page.page.getByRole("textbox", { name: "Your name" });
    await field.fill("other");
    await field.press("Enter");
    await until("the name is asked for", () => isAsked);
    await page.page.getByRole("button", { name: "Cancel" }).waitFor();
    assert.equal(await page.page.getByText("not sent").count(), 0);
    setTalk(forgetful([], () => true));
    await page.page.reload();
    await page.connected();
    for (const text of ["one", "two"]) await page.message(text).getByText("sending").waitFor();
    assert.equal(await page.composer().inputValue(), "half of it");
    await end();
});

test("who chooses another name, because somebody else has theirs meanwhile, is told what was not sent under theirs", TIMEOUT, async () => {
    const first = await startServer();
    const line = await startLine(first.port);
    const context = await profile(browser);
    const page = await Person.enter(context, line.url, "wanted");
    [line.isOut] = [true, line.cut()];
    await page.status.filter({ hasText: "Not connected" }).waitFor();
    await page.say("this is me");
    await page.message("this is me").getByText("waiting").waitFor();
    await first.stop("SIGKILL");
    const second = await startServer("--listen", `ws://127.0.0.1:${first.port}`);
    const peer = await member(`http://127.0.0.1:${first.port}/`, "wanted", "#lobby");
    line.isOut = false;
    const choose = page.page.getByRole("button", { name: "Choose another name" });
    await until("the name is taken", async () => {
        const now = page.page.getByRole("button", { name: "Connect now" });
        if (await now.isVisible()) await now.click({ timeout: 1_000, force: true }).catch(() => {});
        return choose.isVisible();
    });
    await choose.click();
    await page.register("other");
    await page.page.getByText("A message of yours was not sent.").waitFor();
    await page.say("hello");
    await until("the peer hears it", () => peer.heard.some(({ text }) => text === "hello"));
    assert.deepEqual(peer.heard.map(({ from, text }) => `${from} ${text}`), ["other hello"]);
    assert.deepEqual(await page.texts(), ["hello"]);
    await page.clean();
    await peer.client.close();
    await context.close();
    line.end();
    await second.stop();
});

test("a list of people that could not be had is told, and comes when the room is opened again", TIMEOUT, async () => {
    const server = await startServer();
    let asked = 0;
    const members = () => (asked++ === 0 ? null : ["me", "mia"]);
    const liar = await startLiar(server.port, { talk: polite(() => {}, { members }) });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    await page.page.getByRole("alert").filter({ hasText: "It is not known who is in #lobby" }).waitFor();
    await page.tab(/^#lobby/).click();
    await page.page.getByTitle("Write to mia").waitFor();
    assert.equal(await page.page.getByRole("alert").filter({ hasText: "It is not known" }).count(), 0);
    await page.clean();
    await context.close();
    liar.end();
    await server.stop();
});

test("of a server that is silent while it owes an answer a person is told, until it answers", TIMEOUT, async () => {
    const server = await startServer();
    const line = await startLine(server.port);
    const context = await profile(browser);
    const page = await Person.open(context, line.url);
    await page.page.clock.install();
    await page.page.reload();
    await page.register("waiter");
    line.hold();
    await page.say("hello?");
    const words = page.status.filter({ hasText: "The server has not answered for a while" });
    await until("it is told", async () => {
        await page.page.clock.runFor(1_000);
        return (await words.count()) > 0;
    });
    await page.page.getByText(/^silent for \d+ s$/).waitFor();
    const now = page.page.getByRole("button", { name: "Connect now" });
    await now.waitFor();
    // Where the line is in a panel, it comes out.
    await page.page.setViewportSize({ width: 360, height: 740 });
    await until("it is told there, too", async () => {
        await page.page.clock.runFor(1_000);
        return (await words.isVisible()) && (await now.isVisible());
    });
    await page.page.setViewportSize({ width: 1280, height: 720 });
    line.release();
    await page.page.clock.resume();
    await page.connected();
    await page.message("hello?").getByRole("img", { name: "accepted" }).waitFor();
    assert.equal(await page.page.getByText(/^silent for/).count(), 0);
    await page.clean();
    await context.close();
    line.end();
    await server.stop();
});
