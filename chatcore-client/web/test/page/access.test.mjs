// Everybody can use it: axe-core finds nothing in ten states and both colour schemes, the keyboard does all, and it is there quickly.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import test, { after, before } from "node:test";

import { Person, TIMEOUT, busyness, launch, member, profile, startLine, startServer, until } from "./kit.mjs";
import { polite, said, startLiar } from "./liar.mjs";
import { joinBytes } from "../wire.mjs";

/** On loopback, and on a machine that has nothing else to do: milliseconds from the request to something to see, and to a name that can be typed. */
const PAINT_MS_MAX = 500;
const INTERACTIVE_MS_MAX = 1_000;

/** Bytes of all files as they are sent. */
const BYTES_MAX = 300_000;

let browser, server, url, axe;
before(async () => {
    [browser, server, axe] = await Promise.all([launch(), startServer(), readFile(createRequire(import.meta.url).resolve("axe-core"), "utf8")]);
    url = `http://127.0.0.1:${server.port}/`;
});
after(async () => {
    await browser.close();
    await server.stop();
});

/** What axe-core finds in both colour schemes. */
async function look({ page }, state, found) {
    for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        if (!(await page.evaluate("typeof axe !== 'undefined'"))) await page.evaluate(`(() => { ${axe}; globalThis.axe ??= axe; })()`);
        const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
        for (const { id, nodes } of violations) {
            for (const { html, failureSummary } of nodes) found.push(`${state}, ${colorScheme}: ${id}: ${html.slice(0, 160)}: ${failureSummary.replace(/\s+/g, " ").slice(0, 240)}`);
        }
    }
}

test("axe-core finds nothing in ten states", TIMEOUT, async () => {
    const found = [];
    const line = await startLine(server.port);
    const context = await profile(browser, { viewport: { width: 1280, height: 800 } });
    const page = await Person.open(context, line.url);
    await page.page.getByRole("textbox", { name: "Your name" }).waitFor();
    await look(page, "name prompt", found);
    await page.page.getByRole("textbox", { name: "Your name" }).fill("a b\u202e");
    await page.page.keyboard.press("Enter");
    await page.page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
    await look(page, "name refused", found);
    await page.register("axel");
    await look(page, "empty room", found);
    const { client } = await member(url, "bea", "#lobby");
    await client.send("#lobby", "axel: look at https://chat.example/ \u202e");
    await client.send("#lobby", "long ".repeat(2_000));
    await client.send("axel", "psst");
    await page.say("hello");
    await page.say("this cannot be sent", "#lobby");
    await page.tab(/^bea, 1 unread/).waitFor();
    await page.message("hello").getByRole("img", { name: "accepted" }).waitFor();
    await look(page, "conversation", found);
    const log = page.page.getByRole("log");
    assert.deepEqual([await log.count(), await log.getAttribute("aria-live")], [1, "polite"], "the open conversation alone is read out");
    await page.page.getByRole("button", { name: "Write to somebody" }).click();
    await page.page.getByRole("dialog").getByRole("button", { name: "bea" }).waitFor();
    await look(page, "dialog", found);
    await page.page.keyboard.press("Escape");
    await page.composer().fill("be");
    await page.composer().press("Tab");
    await page.composer().fill("@");
    await page.page.getByRole("listbox", { name: "Names" }).waitFor();
    await look(page, "completion", found);
    await page.page.keyboard.press("Escape");
    await page.page.setViewportSize({ width: 320, height: 640 });
    await look(page, "narrow", found);
    await page.page.getByRole("button", { name: "Conversations" }).click();
    await page.tab(/^bea/).waitFor();
    await look(page, "narrow, list of conversations", found);
    await page.page.keyboard.press("Escape");
    await page.page.setViewportSize({ width: 1280, height: 800 });
    [line.isOut] = [true, line.cut()];
    await page.page.getByRole("button", { name: "Connect now" }).waitFor();
    await look(page, "reconnecting", found);
    await page.page.setViewportSize({ width: 360, height: 740 });
    await look(page, "reconnecting, narrow", found);
    assert.deepEqual([...new Set(found)], []);
    await client.close();
    await context.close();
    line.end();
});

/** Presses a key until something has the focus, as somebody without a mouse does. */
async function reach({ page }, locator, key = "Tab") {
    for (let i = 0; i < 40; i += 1) {
        if ((await locator.count()) > 0 && (await locator.first().evaluate((element) => element === document.activeElement))) return;
        await page.keyboard.press(key);
    }
    throw new Error(`${locator} cannot be reached with ${key}`);
}

test("the keyboard does everything", TIMEOUT, async () => {
    const context = await profile(browser);
    const person = await Person.open(context, url);
    const { page } = person;
    const { keyboard } = page;
    const focused = (locator) => until(`${locator} has the focus`, () => locator.evaluate((element) => element === document.activeElement).catch(() => false));
    await focused(page.getByRole("textbox", { name: "Your name" }));
    await keyboard.type("kim");
    await keyboard.press("Enter");
    await person.composer().waitFor();
    await focused(person.composer());
    await keyboard.type("one");
    await keyboard.press("Shift+Enter");
    await keyboard.type("two");
    await keyboard.press("Enter");
    await person.message("one").waitFor();
    assert.deepEqual(await person.texts(), ["one\ntwo"]);
    await focused(person.composer());

    // A name is completed.
    const { client, heard } = await member(url, "zacharias", "#lobby");
    await page.getByRole("complementary", { name: "People in #lobby" }).getByText("zacharias").waitFor();
    await keyboard.type("zac");
    await keyboard.press("Tab");
    assert.equal(await person.composer().inputValue(), "zacharias: ");
    await keyboard.type("hello @z");
    await page.getByRole("option", { name: "zacharias" }).waitFor();
    await keyboard.press("Enter");
    await keyboard.press("Enter");
    await until("zacharias hears it", () => heard.some(({ text }) => /^zacharias: hello @zacharias/.test(text)));

    // A room is joined, and the conversations are gone through.
    await reach(person, page.getByRole("button", { name: "Join a room" }), "Shift+Tab");
    await keyboard.press("Enter");
    await focused(page.getByRole("textbox", { name: "Room" }));
    await keyboard.press("Escape");
    await focused(person.composer());
    await reach(person, page.getByRole("button", { name: "Join a room" }), "Shift+Tab");
    await keyboard.press("Enter");
    await keyboard.type("keys");
    await keyboard.press("Enter");
    await person.composer("#keys").waitFor();
    await focused(person.composer("#keys"));
    await reach(person, person.tab("#keys"), "Shift+Tab");
    await keyboard.press("ArrowDown");
    await focused(person.tab("#lobby"));
    await keyboard.press("Home");
    await focused(person.tab("#keys"));
    await keyboard.press("End");
    await focused(person.tab("#lobby"));
    await keyboard.press("Enter");
    await focused(person.composer());

    // Somebody in the room is written to; the log can be scrolled; a conversation is closed, and one signs out.
    await reach(person, page.getByRole("button", { name: "zacharias", exact: true }));
    await keyboard.press("Enter");
    await focused(person.composer("zacharias"));
    await keyboard.type("psst");
    await keyboard.press("Enter");
    await until("only zacharias hears it", () => heard.some(({ text, room }) => text === "psst" && room === null));
    await reach(person, page.getByRole("log"), "Shift+Tab");
    await reach(person, page.getByRole("button", { name: "Close zacharias" }), "Shift+Tab");
    await keyboard.press("Enter");
    await person.tab("zacharias").waitFor({ state: "detached" });
    await reach(person, page.getByRole("button", { name: "Sign out" }));
    await keyboard.press("Enter");
    await focused(page.getByRole("textbox", { name: "Your name" }));
    await person.clean();
    await client.close();
    await context.close();
});

/** In the page: for each message that is put in from now on, whether a screen reader reads it. */
function listenIn() {
    globalThis.added = [];
    const log = document.querySelector("[role=log]");
    new MutationObserver((changes) => {
        for (const { addedNodes } of changes) {
            for (const node of addedNodes) {
                if (node.matches?.("article") !== true) continue;
                globalThis.added.push([node.querySelector(".body").textContent, node.closest("[aria-live]").ariaLive]);
            }
        }
    }).observe(log, { childList: true, subtree: true });
    new MutationObserver(() => globalThis.added.push(["the region", "changed"])).observe(log, { attributeFilter: ["aria-live", "aria-busy"] });
}

test("a screen reader reads what comes, and nothing that was there before", TIMEOUT, async () => {
    let socket;
    const liar = await startLiar(server.port, { talk: polite((opened) => (socket = opened)) });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    const log = page.page.getByRole("log");
    const lines = (from, to) => socket.send(joinBytes(Array.from({ length: to - from }, (_, at) => said("bob", `line ${from + at}.`))));
    const added = async () => {
        const all = await page.page.evaluate(() => globalThis.added.splice(0));
        return { read: all.filter(([, live]) => live !== "off"), unread: all.filter(([, live]) => live === "off") };
    };
    await page.page.evaluate(listenIn);
    lines(0, 2);
    await page.message("line 1.").waitFor();
    assert.deepEqual((await added()).read, [["line 0.", "polite"], ["line 1.", "polite"]]);
    lines(2, 600);
    await page.message("line 599.").waitFor();
    assert.deepEqual((await added()).read, [], "a flood is not read");
    lines(600, 601);
    await page.message("line 600.").waitFor();
    assert.deepEqual((await added()).read, [["line 600.", "polite"]]);

    // What is above comes when somebody goes there, and what is below when they go back.
    await log.evaluate((box) => (box.scrollTop = 0));
    await until("older lines are drawn", async () => (await page.page.locator("article").first().textContent()).includes("line 2"));
    const above = await added();
    assert.ok(above.unread.length >= 80, `${above.unread.length} are drawn`);
    assert.deepEqual(above.read, []);
    lines(601, 603);
    await page.page.getByRole("button", { name: "2 new messages" }).click();
    await page.message("line 602.").waitFor();
    const below = await added();
    assert.ok(below.unread.some(([text]) => text === "line 602."));
    assert.deepEqual(below.read, []);

    // Who opens another conversation looks at it.
    lines(603, 604);
    await page.message("line 603.").waitFor();
    assert.deepEqual((await added()).read, [["line 603.", "polite"]]);
    socket.send(joinBytes([said("bob", "elsewhere", "#other")]));
    await page.tab("#other").click();
    await page.message("elsewhere").waitFor();
    await page.tab("#lobby").click();
    await page.message("line 603.").waitFor();
    assert.equal(await page.page.locator("article").count(), await page.page.locator("[aria-live=off] article").count());
    await page.clean();
    await context.close();
    liar.end();
});

/** In the page: clicks a button, and tells how much moves when what it changes has changed. */
const moves = (name) => new Promise((resolve) => {
    const chat = document.querySelector(".chat");
    const changed = new MutationObserver(() => {
        changed.disconnect();
        resolve(document.getAnimations().length);
    });
    changed.observe(chat, { attributes: true, attributeFilter: ["class"] });
    document.querySelector(`main button[aria-label="${name}"]`).click();
});

test("who wants nothing to move sees nothing move", TIMEOUT, async () => {
    for (const [reducedMotion, isMoving] of [["no-preference", true], ["reduce", false]]) {
        const context = await profile(browser, { viewport: { width: 360, height: 740 }, reducedMotion });
        const page = await Person.open(context, url);
        await page.page.getByRole("textbox", { name: "Your name" }).fill(`mover-${isMoving}`);
        await page.page.keyboard.press("Enter");
        await page.composer().waitFor();
        await page.page.getByRole("button", { name: "People" }).waitFor();
        for (const list of ["Conversations", "People"]) {
            assert.equal((await page.page.evaluate(moves, list)) > 0, isMoving, `${list}: ${reducedMotion}`);
            await page.page.keyboard.press("Escape");
            await page.page.locator(".shade").waitFor({ state: "detached" });
        }
        // Nothing else can: neither by its style nor by a scroll that takes its time.
        const styles = await page.page.evaluate(() => [...document.querySelectorAll("*")].flatMap((element) => {
            const { transitionDuration, animationDuration, scrollBehavior } = getComputedStyle(element);
            const isStill = [transitionDuration, animationDuration].every((times) => /^0s(, 0s)*$/.test(times)) && scrollBehavior === "auto";
            return isStill ? [] : [element.className];
        }));
        assert.deepEqual(styles.sort(), isMoving ? ["roster", "side"] : []);
        await page.clean();
        await context.close();
    }
});

test("it is there quickly, from one place, and without a script of its own in the markup", TIMEOUT, async (t) => {
    const context = await profile(browser);
    const page = new Person(await context.newPage(), url);
    await page.page.addInitScript(() => {
        const look = () => {
            if (document.activeElement?.id !== "name") return requestAnimationFrame(look);
            globalThis.interactive = performance.now();
            return undefined;
        };
        requestAnimationFrame(look);
    });
    const files = [];
    page.page.on("response", (response) => files.push(response));
    await page.page.goto(url);
    const interactive = await page.page.waitForFunction(() => globalThis.interactive).then((handle) => handle.jsonValue());
    const paint = await page.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
    const shift = await page.page.evaluate(() => new Promise((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
            for (const { value } of list.getEntries()) sum += value;
        }).observe({ type: "layout-shift", buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
    }));
    const sizes = await Promise.all(files.map(async (file) => (await file.request().sizes()).responseBodySize));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    t.diagnostic(`first paint after ${Math.round(paint)} ms, interactive after ${Math.round(interactive)} ms, ${files.length} files with ${bytes} bytes, layout shift ${shift.toFixed(3)}`);
    assert.ok(paint <= PAINT_MS_MAX * busyness(), `${paint} ms`);
    assert.ok(interactive <= INTERACTIVE_MS_MAX * busyness(), `${interactive} ms`);
    assert.ok(bytes <= BYTES_MAX, `${bytes} bytes`);
    assert.ok(shift < 0.1, `layout shift ${shift}`);
    for (const file of files) assert.equal(new URL(file.url()).origin, new URL(url).origin);
    const inline = await page.page.evaluate(() => {
        const handlers = [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some(({ name }) => name.startsWith("on")));
        return [...document.querySelectorAll("script:not([src]), style"), ...handlers].map((element) => element.outerHTML);
    });
    assert.deepEqual(inline, []);
    const policy = files[0].headers()["content-security-policy"];
    assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/);
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|\*/);
    await page.clean();
    await context.close();
});
