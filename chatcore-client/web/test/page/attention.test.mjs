// What brings people to the page, and what they do there in haste.
import assert from "node:assert/strict";
import test from "node:test";

import { Person, TIMEOUT, browser, member, profile, server, share, url, until } from "./kit.mjs";
import { polite, said, startLiar } from "./liar.mjs";
import { joinBytes } from "../wire.mjs";

share();

/** Notifications that a test can click. */
function holdNotifications() {
    globalThis.notifications = [];
    globalThis.Notification = class {
        static permission = "granted";
        constructor(title, { body }) {
            globalThis.notifications.push(this);
            this.words = `${title}: ${body}`;
        }
        close() {
            this.isClosed = true;
        }
    };
    document.hasFocus = () => false;
}

test("a click on a notification opens its conversation, and what it says is marked as in the log", TIMEOUT, async () => {
    const context = await profile(browser);
    await context.addInitScript(holdNotifications);
    const page = await Person.enter(context, url, "nadia");
    const { client } = await member(url, "nick");
    await client.send("nadia", "see\u202e this");
    await page.tab(/^nick, 1 unread/).waitFor();
    const [words] = await page.page.evaluate(() => globalThis.notifications.map(({ words }) => words));
    assert.equal(words, "nick: see⟨U+202E⟩ this");
    await page.page.evaluate(() => globalThis.notifications[0].onclick());
    await page.composer("nick").waitFor();
    assert.ok(await page.page.evaluate(() => globalThis.notifications[0].isClosed));
    await page.clean();
    await client.close();
    await context.close();
});

test("a page that is frozen has kept what was written until then", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "frieda");
    const kept = await page.page.evaluate(() => {
        const field = document.querySelector("textarea");
        field.value = "half of it";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        const log = () => sessionStorage.getItem("chatcore.log /") ?? "";
        const before = log().includes("half of it");
        document.dispatchEvent(new Event("freeze"));
        return [before, log().includes("half of it")];
    });
    assert.deepEqual(kept, [false, true]);
    await page.clean();
    await context.close();
});

test("a page that nobody sees keeps what comes, though its timers do not", TIMEOUT, async () => {
    let socket;
    const liar = await startLiar(server.port, { talk: polite((opened) => (socket = opened)) });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    const kept = (text) => page.page.waitForFunction((text) => sessionStorage.getItem("chatcore.log /")?.includes(text), text);
    await page.page.evaluate(() => {
        Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
        // First: a timer that was begun before would keep what comes at a time of its own.
        globalThis.setTimeout = () => 0;
        document.dispatchEvent(new Event("visibilitychange"));
    });
    // The second comes when something has just been kept, and waits for a timer; the third does not wait for the same.
    await page.page.waitForFunction((due) => performance.now() >= due, (await page.page.evaluate(() => performance.now())) + 250);
    socket.send(joinBytes([said("bob", "first")]));
    await kept("first");
    socket.send(joinBytes([said("bob", "second")]));
    await page.page.waitForFunction((due) => performance.now() >= due, (await page.page.evaluate(() => performance.now())) + 250);
    // The page may be slower than that to take the second: then it does not keep the first of these at once.
    const again = setInterval(() => socket.send(joinBytes([said("bob", "third")])), 250);
    await kept("third");
    clearInterval(again);
    await kept("second");
    await page.clean();
    await context.close();
    liar.end();
});

test("an Enter that is held acts once, and not on what has the focus after that", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "slow");
    const { client, heard } = await member(url, "listener", "#lobby", "#one");
    await page.join("#one");
    await page.composer("#one").fill("half of it");
    await page.tab("#lobby").click();
    await page.tab("#lobby").press("ArrowDown");
    const hold = async () => {
        for (let times = 0; times < 4; times += 1) await page.page.keyboard.down("Enter");
        await page.page.keyboard.up("Enter");
    };
    await hold();
    await page.composer("#one").waitFor();
    assert.equal(await page.composer("#one").inputValue(), "half of it");
    // Whoever leaves the last room is not in the first one again by that.
    for (const room of ["#lobby", "#one"]) {
        await page.tab(room).click();
        await page.page.getByRole("button", { name: `Leave ${room}` }).focus();
        await hold();
        await page.tab(room).waitFor({ state: "detached" });
    }
    await page.page.getByRole("button", { name: "Join #lobby" }).waitFor();
    await page.page.getByRole("button", { name: "Join #lobby" }).press("Enter");
    await page.say("once");
    await until("it is heard", () => heard.some(({ text }) => text === "once"));
    assert.deepEqual(heard.map(({ text }) => text), ["once"]);
    await page.clean();
    await client.close();
    await context.close();
});

test("a double click on Leave leaves one room, and Enter after a whole name sends", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "hasty");
    const { client, heard } = await member(url, "bob", "#lobby");
    await page.join("#one");
    await page.join("#two");
    await page.page.getByRole("button", { name: "Leave #two" }).dblclick();
    await page.tab("two").waitFor({ state: "detached" });
    await page.say("still here", (await page.page.getByRole("tab", { selected: true }).getAttribute("aria-label")).replace(/,.*/, ""));
    await page.message("still here").getByRole("img", { name: "accepted" }).waitFor();
    assert.deepEqual(await page.page.getByRole("tab").evaluateAll((tabs) => tabs.map((tab) => tab.getAttribute("aria-label"))), ["#lobby", "#one"]);
    await page.tab("lobby").click();
    await page.composer().pressSequentially("hello @bob");
    await page.composer().press("Enter");
    await page.message("hello @bob").getByRole("img", { name: "accepted" }).waitFor();
    assert.ok(heard.every(({ text }) => !text.endsWith(" ")));
    await page.clean();
    await client.close();
    await context.close();
});
