// People meet: in browsers, at a terminal, in a room of fifty, in several tabs, and after the page was loaded anew.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after, before } from "node:test";

import { Person, TIMEOUT, launch, member, profile, startLine, startServer, until } from "./kit.mjs";

let browser, server, url;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer("--uncounted-origin", "127.0.0.0/8")]);
    url = `http://127.0.0.1:${server.port}/`;
});
after(async () => {
    await browser.close();
    await server.stop();
});

test("two people in browsers and one at a terminal chat with each other", TIMEOUT, async () => {
    const [alice, bob] = await Promise.all(["alice", "bob"].map(async (name) => Person.enter(await profile(browser), url, name)));
    const program = process.env.CHATCORE_CLIENT;
    assert.ok(program !== undefined, "CHATCORE_CLIENT must be the path of chatcore-client");
    const carol = spawn(program, ["--json", "--connect", `ws://127.0.0.1:${server.port}/`, "--name", "carol"], { stdio: ["pipe", "pipe", "inherit"] });
    const events = [];
    createInterface({ input: carol.stdout }).on("line", (line) => events.push(JSON.parse(line)));
    carol.stdin.write('{"join":"#lobby"}\n{"to":"#lobby","body":"from the terminal"}\n');
    await Promise.all([alice, bob].map((person) => person.message("from the terminal").waitFor()));
    await alice.say("from alice");
    await bob.message("from alice").waitFor();
    await alice.message("from alice").getByRole("img", { name: "accepted" }).waitFor();
    await until("carol hears alice", () => events.some(({ event, from, body }) => event === "message" && from === "alice" && body === "from alice"));
    // All are listed, and one is written to without a command.
    const people = bob.page.getByRole("complementary", { name: "People in #lobby" });
    for (const name of ["alice", "bob", "carol"]) await people.getByText(name, { exact: true }).waitFor();
    await people.getByRole("button", { name: "carol" }).click();
    await bob.say("only for you", "carol");
    await until("carol hears bob", () => events.some(({ event, from, body, room }) => event === "message" && from === "bob" && body === "only for you" && room == null));
    carol.stdin.write('{"to":"bob","body":"I see"}\n');
    await bob.message("I see").waitFor();
    carol.stdin.write('{"to":"#lobby","body":"where are you, bob?"}\n');
    await bob.tab(/^#lobby, 1 unread, 1 for you$/).waitFor();
    await until("the title tells it", async () => (await bob.page.title()).startsWith("(1)"));
    await bob.tab(/^#lobby/).click();
    await bob.message("where are you, bob?").waitFor();
    assert.equal(await bob.page.getByRole("article").filter({ hasText: "only for you" }).count(), 0, "what is private stays private");
    carol.stdin.end('{"quit":true}\n');
    await once(carol, "exit");
    await people.getByText("carol").waitFor({ state: "detached" });
    for (const person of [alice, bob]) {
        await person.clean();
        await person.page.context().close();
    }
});

test("in a room of 50 each hears all", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "fifty");
    await page.join("#fifty");
    const members = await Promise.all(Array.from({ length: 49 }, (_, i) => member(url, `m${i}`, "#fifty")));
    const people = page.page.getByRole("complementary", { name: "People in #fifty" });
    await until("50 are in the room", async () => (await people.getByRole("listitem").count()) === 50);
    await Promise.all(members.map(({ client }, i) => client.send("#fifty", `this is ${i}.`)));
    for (let i = 0; i < 49; i += 1) await page.message(`this is ${i}.`).waitFor();
    assert.equal(await page.page.getByRole("article").count(), 49);
    await page.say("hello, all", "#fifty");
    await until("all have heard the page", () => members.every(({ heard }) => heard.filter(({ text }) => text === "hello, all").length === 1));
    await page.clean();
    await Promise.all(members.map(({ client }) => client.close()));
    await context.close();
});

test("a page that is loaded anew goes on where it was, and a duplicated tab is another person", TIMEOUT, async () => {
    const context = await profile(browser);
    const dora = await Person.enter(context, url, "dora");
    const peer = await member(url, "peer", "#lobby");
    const gone = [];
    peer.client.addEventListener("left", ({ detail: { name } }) => name === "dora" && gone.push(name));
    await dora.say("before");
    await dora.message("before").getByRole("img", { name: "accepted" }).waitFor();
    await peer.client.send("dora", "to you alone");
    await dora.tab(/^peer, 1 unread/).waitFor();
    await dora.composer().fill("half a sen");
    await dora.page.reload();
    await dora.connected();
    await dora.message("before").waitFor();
    assert.equal(await dora.composer().inputValue(), "half a sen");
    await dora.tab(/^peer, 1 unread/).waitFor();
    await dora.say("after");
    await until("it is the same session", () => peer.heard.some(({ text, from, room }) => text === "after" && from === "dora" && room === "#lobby"));
    assert.deepEqual(gone, [], "it has never left");

    const [popup] = await Promise.all([context.waitForEvent("page"), dora.page.evaluate(() => void window.open(location.href))]);
    const twin = new Person(popup, url);
    await twin.page.getByText("Another tab goes on as dora").waitFor();
    await twin.register("dorothea");
    await twin.say("from the twin");
    await dora.message("from the twin").waitFor();
    await dora.connected();
    await dora.say("still here");
    await twin.message("still here").waitFor();
    await twin.clean();
    await dora.clean();
    await peer.client.close();
    await context.close();
});

/** A server that lets `olga` in with the password `correct horse`, and nobody else. */
async function startClosed() {
    const folder = await mkdtemp(join(tmpdir(), "chatcore-page-"));
    const passwords = join(folder, "passwords");
    execFileSync(process.env.CHATCORE_SERVER, ["password", "add", "olga", "--password-file", passwords], { input: "correct horse\n" });
    const closed = await startServer("--password-file", passwords, "--guests", "no");
    const stop = async () => {
        await closed.stop();
        await rm(folder, { recursive: true });
    };
    return { ...closed, stop };
}

/** In the page: the browser renders it ahead and gives it no locks, until somebody calls `show`. */
function renderAhead() {
    Object.defineProperty(document, "prerendering", { configurable: true, value: true });
    const { request } = LockManager.prototype;
    LockManager.prototype.request = () => Promise.reject(new DOMException("too late", "TimeoutError"));
    AbortSignal.timeout = () => AbortSignal.abort();
    globalThis.show = () => {
        Object.defineProperty(document, "prerendering", { configurable: true, value: false });
        LockManager.prototype.request = request;
        AbortSignal.timeout = () => new AbortController().signal;
        document.dispatchEvent(new Event("prerenderingchange"));
    };
}

test("a page that the browser renders ahead goes on when somebody sees it", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "ahead");
    await page.page.addInitScript(renderAhead);
    await Promise.all([page.page.waitForResponse(/chatcore\.wasm$/), page.page.reload()]);
    await page.page.evaluate(() => globalThis.show());
    await page.connected();
    await page.clean();
    await context.close();
});

test("a server that wants a password gets one", TIMEOUT, async () => {
    const closed = await startClosed();
    const context = await profile(browser);
    const olga = await Person.open(context, `http://127.0.0.1:${closed.port}/`);
    await olga.page.getByRole("textbox", { name: "Your name" }).fill("olga");
    await olga.page.keyboard.press("Enter");
    const field = olga.page.getByLabel("Password", { exact: true });
    await field.fill("wrong horse");
    // The words of the refusal before are gone when it asks again.
    const asks = olga.page.getByRole("button", { name: "Cancel" }).waitFor();
    await field.press("Enter");
    await asks;
    await olga.page.getByRole("alert").filter({ hasText: "password" }).waitFor();
    await field.fill("correct horse");
    await field.press("Enter");
    await olga.connected();
    const stored = await olga.page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }) + document.cookie);
    assert.ok(!stored.includes("horse"), "the password is kept nowhere");
    const elsewhere = await olga.page.evaluate(async () => [localStorage.length, document.cookie, await indexedDB.databases()]);
    assert.deepEqual(elsewhere, [0, "", []], "the ticket is in the tab's own storage alone");
    await olga.clean();
    await context.close();
    await closed.stop();
});

test("who has two sessions is in the same rooms in both", TIMEOUT, async () => {
    const closed = await startClosed();
    const enter = async () => {
        const olga = await Person.open(await profile(browser), `http://127.0.0.1:${closed.port}/`);
        await olga.page.getByRole("textbox", { name: "Your name" }).fill("olga");
        await olga.page.getByRole("button", { name: "I have a password" }).click();
        await olga.page.getByLabel("Password", { exact: true }).fill("correct horse");
        await olga.page.keyboard.press("Enter");
        await olga.connected();
        return olga;
    };
    const leave = ({ page }, room) => page.getByRole("button", { name: `Leave ${room}`, exact: true }).click();
    const desk = await enter();
    await desk.join("#garden");
    await desk.tab(/^#lobby/).click();
    await leave(desk, "#lobby");
    const phone = await enter();
    await phone.composer("#garden").waitFor();
    assert.equal(await phone.tab(/^#/).count(), 1, "nobody has asked for the first room");
    await leave(phone, "#garden");
    await desk.page.getByText("You have left #garden in another session of yours").waitFor();
    await desk.page.getByRole("button", { name: "Join it again" }).click();
    await phone.tab(/^#garden/).waitFor();
    assert.equal(await desk.tab(/^#lobby/).count(), 0);
    for (const olga of [desk, phone]) {
        await olga.clean();
        await olga.page.context().close();
    }
    await closed.stop();
});

/** In the page: notifications as they would be shown, of somebody who looks elsewhere. */
function countNotifications() {
    globalThis.notified = [];
    globalThis.Notification = class {
        static permission = "default";
        static requestPermission() {
            globalThis.Notification.permission = "granted";
            return Promise.resolve("granted");
        }
        constructor(title, { body }) {
            globalThis.notified.push(`${title}: ${body}`);
        }
    };
    document.hasFocus = () => false;
}

test("who has allowed it is notified of what is for them, and of nothing else", TIMEOUT, async () => {
    const context = await profile(browser);
    await context.addInitScript(countNotifications);
    const nora = await Person.enter(context, url, "nora");
    const { client } = await member(url, "norbert", "#lobby");
    await client.send("nora", "too early");
    await nora.tab(/^norbert, 1 unread/).waitFor();
    await nora.page.getByRole("button", { name: /^Notify me/ }).click();
    await nora.page.getByRole("button", { name: /^Notify me/ }).waitFor({ state: "detached" });
    for (const [to, text] of [["#lobby", "norah is somebody else"], ["#lobby", "hello, nora"], ["nora", "to you alone"], ["#lobby", "the end"]]) await client.send(to, text);
    await nora.message("the end").waitFor();
    assert.deepEqual(await nora.page.evaluate(() => globalThis.notified), ["norbert in #lobby: hello, nora", "norbert: to you alone"]);
    await nora.clean();
    await client.close();
    await context.close();
});

test("a name that is taken is told, and another one works; who signs out is gone", TIMEOUT, async () => {
    const taken = await member(url, "taken");
    const context = await profile(browser);
    const person = await Person.open(context, url);
    const field = person.page.getByRole("textbox", { name: "Your name" });
    await field.fill("taken");
    await person.page.getByRole("button", { name: "Start chatting" }).click();
    await person.page.getByRole("alert").filter({ hasText: "has this name already" }).waitFor();
    await field.fill("two words");
    await field.press("Enter");
    await person.page.getByRole("alert").filter({ hasText: "no spaces" }).waitFor();
    assert.doesNotMatch(await person.page.getByRole("alert").textContent(), /U\+/);
    await person.register("free");
    await person.page.getByRole("button", { name: "Sign out" }).click();
    await field.waitFor();
    await until("the name is free again", async () => {
        for await (const page of taken.client.who()) if (page.some(({ name }) => name === "free")) return false;
        return true;
    });
    assert.deepEqual(await person.page.evaluate(() => Object.keys(sessionStorage)), [], "nothing secret stays");
    await person.clean();
    await taken.client.close();
    await context.close();
});

test("who clicks on somebody writes to that user, before the server has answered anything", TIMEOUT, async () => {
    const line = await startLine(server.port);
    const { client, heard } = await member(url, "carla", "#lobby");
    const context = await profile(browser);
    const alice = await Person.enter(context, line.url, "anna");
    const carla = alice.page.getByTitle("Write to carla");
    await carla.waitFor();
    line.hold();
    await carla.click();
    await alice.page.keyboard.type("for you alone");
    await alice.page.keyboard.press("Enter");
    line.release();
    await until("the message", () => heard.length > 0);
    assert.deepEqual([heard[0].text, heard[0].room], ["for you alone", null]);
    await alice.clean();
    await context.close();
    await client.close();
    line.end();
});

test("who writes to somebody by name sees whether they are there", TIMEOUT, async () => {
    const { client } = await member(url, "present");
    const context = await profile(browser);
    const page = await Person.enter(context, url, "caller");
    for (const [name, words] of [["present", "online"], ["absent", "not online"]]) {
        await page.page.getByRole("button", { name: "Write to somebody" }).click();
        await page.page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill(name);
        await page.page.keyboard.press("Enter");
        await page.composer(name).waitFor();
        await page.page.locator("header").getByText(words, { exact: true }).waitFor();
    }
    await page.clean();
    await client.close();
    await context.close();
});
