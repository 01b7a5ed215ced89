// What the tab has stored may be damaged or of another version, and scripts of others may fail: the page goes on.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { Person, TIMEOUT, launch, member, profile, startServer, until } from "./kit.mjs";

let browser, server, url;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer("--session-cost-per-s", "0", "--origin-cost-per-s", "0")]);
    url = `http://127.0.0.1:${server.port}/`;
});
after(async () => {
    await browser.close();
    await server.stop();
});

const LOG = "chatcore.log /";
const TICKET = "chatcore.ticket /";

/** Loads the page anew, with another value in its storage. */
async function reload({ page }, key, value) {
    // The page keeps both when it goes.
    await page.addInitScript(([key, value]) => {
        if (sessionStorage.getItem("isDamaged") !== null) return;
        sessionStorage.setItem("isDamaged", "yes");
        sessionStorage.setItem(key, value);
    }, [key, value]);
    await page.reload();
}

for (const [at, [what, damage]] of [
    ["of another version", (log) => ({ ...log, version: 0 })],
    ["of nothing but braces", () => ({})],
    ["without what was said", () => ({ conversations: [{ name: "#lobby" }] })],
    ["with a time that is none", (log) => {
        log.conversations[0].entries.at(-1).time = 1e300;
        return log;
    }],
].entries()) {
    test(`a log ${what} is dropped with a word, and the session goes on`, TIMEOUT, async () => {
        const context = await profile(browser);
        const page = await Person.enter(context, url, `keeper-${at}`);
        await page.say("hello");
        await page.message("hello").getByRole("img", { name: "accepted" }).waitFor();
        await page.page.evaluate(() => dispatchEvent(new Event("pagehide")));
        const log = JSON.parse(await page.page.evaluate((key) => sessionStorage.getItem(key), LOG));
        await reload(page, LOG, JSON.stringify(damage(log)));
        await page.connected();
        await page.page.getByText("has not kept all that was said").waitFor();
        await page.say("again");
        await page.message("again").getByRole("img", { name: "accepted" }).waitFor();
        // And once more, with what it has stored itself.
        await page.page.reload();
        await page.message("again").waitFor();
        await page.clean();
        await page.page.getByRole("button", { name: "Sign out" }).click();
        await page.page.getByRole("textbox", { name: "Your name" }).waitFor();
        await context.close();
    });
}

for (const [at, ticket] of ["{}", "no JSON", "null", '{"ticket":{},"claim":"x"}', '{"ticket":{"token":"00"},"claim":"x"}',
    '{"ticket":{"name":"x","displayName":null,"token":"zz","attempt":1},"claim":"x"}'].entries()) {
    test(`a ticket that is ${ticket} is forgotten with a word, and a name is asked for`, TIMEOUT, async () => {
        const context = await profile(browser);
        const page = await Person.open(context, url);
        await page.page.getByRole("textbox", { name: "Your name" }).waitFor();
        await reload(page, TICKET, ticket);
        await page.page.getByText(/begin anew/i).waitFor();
        await page.register(`again-${at}`);
        await page.clean();
        await context.close();
    });
}

test("a log that is longer than what is stored says after a reload that there was more", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "longish");
    const { client } = await member(url, "chatter", "#lobby");
    for (let at = 0; at < 205; at++) await client.send("#lobby", `line ${at}.`);
    await page.message("line 204.").waitFor();
    const words = page.page.getByText("What was said before this is not here any more.");
    assert.equal(await words.count(), 0);
    await page.page.reload();
    await page.message("line 204.").waitFor();
    await words.waitFor();
    assert.equal(await page.message("line 1.").count(), 0);
    await page.clean();
    await client.close();
    await context.close();
});

test("a page at another path of the same host has nothing of this one: it is another server", TIMEOUT, async () => {
    const context = await profile(browser);
    // Behind a proxy. Files alone come from there.
    await context.route(`${url}other/**`, async (route) => {
        const response = await route.fetch({ url: route.request().url().replace("/other/", "/") });
        await route.fulfill({ response });
    });
    const page = await Person.enter(context, url, "pathfinder");
    await page.page.goto(`${url}other/`);
    await page.page.getByRole("textbox", { name: "Your name" }).waitFor();
    assert.equal(await page.page.locator(".note").count(), 0);
    await page.page.goto(url);
    await page.connected();
    await page.clean();
    await context.close();
});

test("an error of somebody else's script leaves the chat", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "extended");
    await page.say("before");
    await page.page.evaluate(() => {
        setTimeout(() => { throw new Error("not of the page"); });
        void Promise.reject(new Error("nor this"));
    });
    await until("both are told", () => page.faults.length === 2);
    await page.say("after");
    await page.message("after").getByRole("img", { name: "accepted" }).waitFor();
    await page.message("before").waitFor();
    await context.close();
});

test("an error of the page itself is told, and leaves what was said and what was written", TIMEOUT, async () => {
    const context = await profile(browser);
    await context.route("**/page.js", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: `${await response.text()};addEventListener("fail",()=>{throw new Error("a fault")})` });
    });
    const page = await Person.enter(context, url, "faulty");
    await page.say("said");
    await page.message("said").getByRole("img", { name: "accepted" }).waitFor();
    await page.composer().fill("half of it");
    await page.page.evaluate(() => dispatchEvent(new Event("fail")));
    await page.page.getByRole("alert").filter({ hasText: "a fault" }).waitFor();
    await page.page.getByRole("button", { name: "Try again" }).click();
    await page.message("said").waitFor();
    assert.equal(await page.composer().inputValue(), "half of it");
    await context.close();
});

/** In the page: a browser that stores so many UTF-16 units, or as many as somebody says meanwhile. */
function limit(unitsMax) {
    globalThis.unitsMax = unitsMax;
    const put = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key, value) {
        const others = Object.entries(this).filter(([name]) => name !== key);
        const units = [...others, [key, value]].reduce((sum, [name, kept]) => sum + name.length + kept.length, 0);
        if (units > globalThis.unitsMax) throw new DOMException("full", "QuotaExceededError");
        put.call(this, key, value);
    };
}

/** Keeps what there is now, and tells the keys and their lengths. */
const keepNow = ({ page }) => page.evaluate(() => {
    dispatchEvent(new Event("pagehide"));
    return Object.fromEntries(Object.entries({ ...sessionStorage }).map(([key, value]) => [key, value.length]));
});

test("who writes more than the browser has room for is told that it would be lost with the page", TIMEOUT, async () => {
    const context = await profile(browser);
    await context.addInitScript(limit, 60_000);
    const page = await Person.enter(context, url, "longhand");
    const words = page.page.getByRole("status").filter({ hasText: "no room to keep all that you have written" });
    await page.composer().fill("d".repeat(60_000));
    await words.waitFor();
    assert.ok((await keepNow(page))[LOG] < 50_000);
    await page.composer().fill("d".repeat(5_000));
    await words.waitFor({ state: "detached" });
    assert.ok((await keepNow(page))[LOG] > 5_000);
    await page.clean();
    await context.close();
});

test("a storage that fills up while people talk has the newest of it, what is written, and the session", TIMEOUT, async () => {
    const context = await profile(browser);
    await context.addInitScript(limit, 60_000);
    const page = await Person.enter(context, url, "filler");
    const { client } = await member(url, "talker", "#lobby");
    for (let at = 0; at < 205; at++) await client.send("#lobby", `line ${at}. ${"x".repeat(500)}`);
    await page.message("line 204.").waitFor();
    await page.composer().fill("half of it");
    const before = await keepNow(page);
    assert.ok(before[LOG] > 20_000 && before[LOG] < 60_000, JSON.stringify(before));
    await page.page.reload();
    await page.connected();
    await page.message("line 204.").waitFor();
    await page.message("line 180.").waitFor();
    await page.page.getByText("What was said before this is not here any more.").waitFor();
    assert.equal(await page.composer().inputValue(), "half of it");
    assert.equal(await page.page.locator(".warning").count(), 0);

    // Somebody else takes the rest.
    await page.page.evaluate(() => (globalThis.unitsMax = 600));
    await page.say("no room");
    const words = page.page.getByRole("status").filter({ hasText: "no room to keep what is said" });
    await words.waitFor();
    assert.deepEqual(Object.keys(await keepNow(page)), [TICKET], "an older log is worse than none");
    await page.page.evaluate(() => (globalThis.unitsMax = 60_000));
    await page.say("room again");
    await words.waitFor({ state: "detached" });
    assert.ok((await keepNow(page))[LOG] > 20_000);

    // The session comes before what was said in it.
    await page.page.evaluate(([log, ticket]) => {
        sessionStorage.removeItem(ticket);
        globalThis.unitsMax = sessionStorage.getItem(log).length + 100;
    }, [LOG, TICKET]);
    const after = await keepNow(page);
    assert.ok(after[TICKET] > 100 && after[LOG] > 1_000, JSON.stringify(after));
    await page.page.evaluate(() => (globalThis.unitsMax = 600));
    await page.page.reload();
    await page.connected();
    await page.page.getByText("has not kept all that was said").waitFor();
    await page.say("on it goes");
    await page.message("on it goes").getByRole("img", { name: "accepted" }).waitFor();
    await page.clean();
    await client.close();
    await context.close();
});
