// A tab that is closed looks like one that is loaded anew: its session waits, and whoever comes back hears for how long.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { Person, TIMEOUT, launch, member, profile, startServer, until } from "./kit.mjs";

/** Longer than a client waits by itself. */
const RESUME_MINUTES = 60;

let browser, server, url;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer("--resume-time-max", `${RESUME_MINUTES}m`)]);
    url = `http://127.0.0.1:${server.port}/`;
});
after(async () => {
    await browser.close();
    await server.stop();
});

/** Asks for a name, and gives what the page says against it. */
async function refusal(person, name) {
    const field = person.page.getByRole("textbox", { name: "Your name" });
    await field.fill(name);
    await field.press("Enter");
    const alert = person.page.getByRole("alert").filter({ hasText: "has this name already" });
    await alert.waitFor();
    return alert.textContent();
}

/** In the page: so many minutes from now, as the page writes it: a minute can begin meanwhile. */
function timesIn(minutes) {
    const [now, minute] = [Date.now(), 60_000];
    return [-1, 0, 1].map((more) => {
        const then = Math.ceil(now / minute) * minute + (minutes + more) * minute;
        const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(then);
        const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" }).format(then);
        return new Date(now).toDateString() === new Date(then).toDateString() ? `at ${time}.` : `on ${day} at ${time}.`;
    });
}

/** What a tab has stored. */
const storedIn = ({ page }) => page.evaluate(() => ({ ...sessionStorage }));

test("who closes a tab and comes back under the same name hears when it is free, and goes on in that tab when it is opened again", TIMEOUT, async () => {
    const context = await profile(browser);
    const closed = await Person.enter(context, url, "closer");
    await closed.say("before");
    await closed.message("before").getByRole("img", { name: "accepted" }).waitFor();
    await closed.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: false })));
    const stored = await storedIn(closed);
    await closed.page.close({ runBeforeUnload: true });

    const back = await Person.open(context, url);
    const words = await refusal(back, "closer");
    assert.match(words, /open that tab again/);
    const times = await back.page.evaluate(timesIn, RESUME_MINUTES);
    assert.ok(times.some((time) => words.includes(`free ${time}`)), `${words} has none of ${times}`);
    const elsewhere = await back.page.evaluate(async () => [localStorage.length, document.cookie, await indexedDB.databases()]);
    assert.deepEqual(elsewhere, [0, "", []], "nothing of it is anywhere else");

    // A browser that opens a tab again gives it what it had.
    const again = await context.newPage();
    await again.addInitScript((stored) => {
        for (const [key, value] of Object.entries(stored)) sessionStorage.setItem(key, value);
    }, stored);
    const reopened = new Person(again, url);
    await again.goto(url);
    await reopened.connected();
    await reopened.message("before").waitFor();
    await reopened.say("after");
    await reopened.message("after").getByRole("img", { name: "accepted" }).waitFor();
    for (const person of [back, reopened]) await person.clean();
    await context.close();
});

/** In the page: a browser that stores nothing. */
const storeNothing = () => {
    Storage.prototype.setItem = () => {
        throw new DOMException("full", "QuotaExceededError");
    };
};

for (const [what, go] of [["is loaded anew", ({ page }) => page.reload()], ["is closed", ({ page }) => page.close({ runBeforeUnload: true })]]) {
    test(`where nothing is stored, a page that ${what} ends the session with which nobody can go on`, TIMEOUT, async () => {
        const context = await profile(browser);
        await context.addInitScript(storeNothing);
        const { client } = await member(url, "watcher");
        const page = await Person.enter(context, url, "fleeting");
        await page.say("hello");
        await page.message("hello").getByRole("img", { name: "accepted" }).waitFor();
        await go(page);
        await until("the name is free", async () => {
            for await (const users of client.who()) if (users.some(({ name }) => name === "fleeting")) return false;
            return true;
        });
        const back = await Person.enter(context, url, "fleeting");
        await back.clean();
        await client.close();
        await context.close();
    });
}

test("a page that a browser keeps for the way back keeps its session, also where nothing is stored", TIMEOUT, async () => {
    const context = await profile(browser);
    await context.addInitScript(storeNothing);
    const page = await Person.enter(context, url, "turning");
    await page.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    await page.say("still here");
    await page.message("still here").getByRole("img", { name: "accepted" }).waitFor();
    await page.connected();
    await page.clean();
    await context.close();
});
