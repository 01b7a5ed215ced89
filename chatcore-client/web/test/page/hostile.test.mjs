// What others send, and servers that lie: nothing runs, nothing is lost, and a person is told.
import assert from "node:assert/strict";
import test from "node:test";

import { Person, TIMEOUT, browser, member, profile, server, share, until, url } from "./kit.mjs";
import { joined, kicked, polite, refusing, said, startLiar } from "./liar.mjs";
import { joinBytes, PREFACE } from "../wire.mjs";

share();

/** For tests that open several pages, one after another. */
const MANY_PAGES = { timeout: 120_000 };

const MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)><a href='https://elsewhere.example/'>x</a>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe><style>*{display:none}</style>",
    "\"><b onmouseover=alert(1)>&lt;b&gt; &amp;amp; ${alert(1)} {{alert(1)}}",
];

test("a body is text, whole, and nothing of it runs", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "reader");
    const { client } = await member(url, "writer", "#lobby");
    for (const body of MARKUP) await client.send("#lobby", body);
    await page.message(MARKUP.at(-1)).waitFor();
    assert.deepEqual(await page.texts(), MARKUP);
    assert.equal(await page.page.locator("[role=log] :is(script, img, svg:not([aria-hidden]), iframe, style, b)").count(), 0);

    await client.send("#lobby", "see javascript:alert(1) and JaVaScRiPt://x%0aalert(1) and data:text/html,x and vbscript:x and file:///etc/passwd");
    await page.message("see javascript:").waitFor();
    assert.equal(await page.message("see javascript:").getByRole("link").count(), 0, "such links are text");
    await client.send("#lobby", "but https://chat.example/a?b=c#d is one");
    const link = page.message("but https").getByRole("link");
    assert.equal(await link.getAttribute("href"), "https://chat.example/a?b=c#d");
    assert.match(await link.getAttribute("rel"), /noopener.*noreferrer/);
    assert.equal(await link.getAttribute("target"), "_blank");

    // What turns the direction or cannot be seen is shown as what it is, and does not leave its message.
    await client.send("#lobby", "invoice\u202egpj.exe \u2066x\u2069 a\u200bb \u0000\u001b[31m\u007f end");
    await page.message("invoice").waitFor();
    const [turned] = await page.message("invoice").locator(".body").allTextContents();
    assert.doesNotMatch(turned, /[\u202a-\u202e\u2066-\u2069\u200b\u0000\u001b\u007f]/);
    for (const mark of ["U+202E", "U+200B", "U+001B"]) assert.ok(turned.includes(mark), `${mark} in ${turned}`);

    await client.send("#lobby", `zalgo${"\u0301".repeat(3_000)}end`);
    await page.message("zalgo").getByRole("button", { name: /^Show all/ }).click();
    const [marked] = await page.message("zalgo").locator(".body").allTextContents();
    assert.ok(marked.match(/\u0301/g).length <= 4 && /^zalgo\u0301*\+\d+end/.test(marked), JSON.stringify(marked));
    const { height } = await page.message("zalgo").boundingBox();
    assert.ok(height < 80, `${height} px`);

    const long = Array.from({ length: 6_000 }, (_, i) => `word${i}`).join(" ");
    assert.ok(long.length > 50_000);
    await client.send("#lobby", long);
    const folded = page.message("word0 word1");
    const button = folded.getByRole("button", { name: /^Show all/ });
    await button.waitFor();
    assert.ok((await folded.boundingBox()).height < 800, "a long one is folded");
    await button.click();
    assert.ok((await folded.locator(".body").textContent()).includes(long), "all of it can be read");
    await folded.getByRole("button", { name: "Show less" }).click();

    const wide = "x".repeat(60_000);
    await client.send("#lobby", wide);
    await page.message("xxxxxxxx").waitFor();
    const overflow = await page.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `a word of 60 kB makes the page ${overflow} px too wide`);
    await client.send("#lobby", new Uint8Array([0xff, 0xfe, 0x41, 0xed, 0xa0, 0x80]));
    await page.message("A").last().waitFor();
    await client.send("#lobby", "\n".repeat(2_000) + "bottom");
    await page.say("still alive");
    await page.message("still alive").getByRole("img", { name: "accepted" }).waitFor();
    await page.clean();
    await client.close();
    await context.close();
});

test("names from a server that lies are text", TIMEOUT, async () => {
    const names = ["<img src=x onerror=alert(1)>", "\u202Eecila", "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", "me", "__proto__", "constructor", "#lobby"];
    let socket;
    const liar = await startLiar(server.port, { talk: polite((opened) => (socket = opened)) });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    socket.send(joinBytes(names.flatMap((name, at) => [joined(name), joined("bob", name), said(name, `this is ${at}.`)])));
    for (const at of names.keys()) await page.message(`this is ${at}.`).waitFor();
    assert.equal(await page.page.locator("img, script:not([src])").count(), 0);
    await page.clean();
    await context.close();
    liar.end();
});

/** Of all texts and labels of a page, those in which something cannot be seen, or turns the direction, or piles up. */
const unseen = ({ page }) => page.evaluate(() => {
    const wrong = /[\u0000-\u0008\u000b-\u001f\u007f\u200b\u202a-\u202e\u2066-\u2069]|\p{M}{5}/u;
    const found = wrong.test(document.title) ? [`title: ${document.title}`] : [];
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = nodes.nextNode(); node !== null; node = nodes.nextNode()) {
        if (node.nodeType === Node.TEXT_NODE && wrong.test(node.data)) found.push(node.data);
        for (const { name, value } of node.attributes ?? []) if (wrong.test(value)) found.push(`${name}: ${value}`);
    }
    return found.map((text) => JSON.stringify(text));
});

/** A word of a server that turns, hides and piles up, and is markup. */
const SLY = `<b onclick=alert(1)>no</b>\u202eon\u2066 a\u200bb\u0007${"\u0301".repeat(40)}`;

test("what a server says to people is shown like the words of others", TIMEOUT, async () => {
    const context = await profile(browser);
    const refuses = await startLiar(server.port, { talk: refusing(SLY) });
    const page = await Person.open(context, refuses.url);
    await page.page.getByRole("textbox", { name: "Your name" }).fill("alice");
    await page.page.keyboard.press("Enter");
    await page.page.getByRole("alert").filter({ hasText: "<b onclick=alert(1)>no</b>⟨U+202E⟩on⟨U+2066⟩ a⟨U+200B⟩b⟨U+0007⟩" }).waitFor();
    assert.deepEqual(await unseen(page), []);
    assert.equal(await page.page.locator("b").count(), 0);
    await page.clean();
    refuses.end();

    // Names of each kind, and then the end.
    const name = "m\u202ee";
    let socket;
    const lies = await startLiar(server.port, { talk: polite((opened) => (socket = opened), { name, members: () => [name, "e\u202evil\u200b"] }) });
    const person = await Person.open(context, lies.url);
    await person.page.getByRole("textbox", { name: "Your name" }).fill("me");
    await person.page.keyboard.press("Enter");
    await person.composer().waitFor();
    socket.send(joinBytes([joined("x\u2066y", "x"), said("e\u202evil\u200b", "hello"), said("evil", "there", "#r\u202eoom")]));
    await person.page.getByTitle("Write to e⟨U+202E⟩vil⟨U+200B⟩").waitFor();
    await person.tab("#r⟨U+202E⟩oom").click();
    await person.message("there").waitFor();
    for (const label of ["Leave", "Close"]) {
        const button = person.page.getByRole("button", { name: new RegExp(`^${label} `) });
        await button.waitFor();
        assert.deepEqual(await unseen(person), []);
        if (label === "Leave") await person.page.getByRole("tab", { name: "#lobby" }).click();
        if (label === "Leave") await person.page.getByTitle("Write to e⟨U+202E⟩vil⟨U+200B⟩").click();
    }
    socket.send(joinBytes([kicked(SLY)]));
    await person.status.filter({ hasText: "⟨U+202E⟩" }).waitFor();
    assert.deepEqual(await unseen(person), []);
    // The prompt has what the tab was told, and the name that somebody else made up.
    await person.page.getByRole("button", { name: "Sign in again" }).click();
    await person.page.getByRole("button", { name: "Start chatting" }).waitFor();
    assert.deepEqual((await unseen(person)).filter((text) => !text.startsWith('"value: ')), []);
    await person.clean();
    await context.close();
    lies.end();
});

for (const [what, name] of [["of 60 kB", "x".repeat(60_000)], ["with 3 000 marks", `a${"\u0301".repeat(3_000)}`]]) {
    test(`a server that has a name ${what} is at fault, and what was said stays`, MANY_PAGES, async () => {
        const context = await profile(browser);
        for (const [at, lie] of [said(name, "psst"), said("evil", "psst", `#${name}`), joined(name), joined("bob", name)].entries()) {
            let socket;
            const liar = await startLiar(server.port, { talk: polite((opened) => (socket = opened)) });
            const page = await Person.enter(context, liar.url, "me");
            socket.send(joinBytes([said("bob", "hello"), lie]));
            await until(`it is told of ${at}`, async () => /does not understand/.test(await page.status.textContent()));
            await page.message("hello").waitFor();
            assert.ok((await page.page.content()).length < 30_000);
            await page.page.getByRole("button", { name: "Sign in again" }).waitFor();
            await page.clean();
            liar.end();
        }
        const liar = await startLiar(server.port, { talk: polite(() => {}, { name }) });
        const page = await Person.open(context, liar.url);
        await page.page.getByRole("textbox", { name: "Your name" }).fill("me");
        await page.page.keyboard.press("Enter");
        await page.page.getByRole("alert").filter({ hasText: "does not understand" }).waitFor();
        await page.page.getByRole("button", { name: "Start chatting" }).waitFor();
        await page.clean();
        await context.close();
        liar.end();
    });
}

/** Names of 32 bytes, which is the most: the widest, the highest, and without a place to break. */
const LARGE = {
    widest: "\u{1242b}".repeat(8),
    wide: "\ufdfd".repeat(10),
    broad: "w".repeat(32),
    marked: `a${"\u0e49".repeat(10)}`,
    high: `${"Z\u0301\u0323\u0308"}`.repeat(4),
    turned: "\u05d0".repeat(16),
};

/** What stands outside of the page, or is much higher than a line. */
const burst = ({ page }) => page.evaluate(() => {
    const found = [];
    if (document.documentElement.scrollWidth > innerWidth) found.push(`${document.documentElement.scrollWidth} px wide`);
    const heights = { ".entry": 120, "header": 70, ".tab": 60, ".person": 60, ".composer": 90, ".notice": 120, ".status": 120 };
    for (const [selector, most] of Object.entries(heights)) {
        for (const element of document.querySelectorAll(selector)) {
            const { height, right, left } = element.getBoundingClientRect();
            if (!element.checkVisibility({ visibilityProperty: true })) continue;
            if (height > most || right > innerWidth + 1 || left < -1) found.push(`${selector} "${element.textContent.slice(0, 80)}": ${height} px high, ${left} to ${right}`);
        }
    }
    for (const button of document.querySelectorAll("header button, .composer button")) {
        const { left, right, width } = button.getBoundingClientRect();
        if (width > 0 && (left < 0 || right > innerWidth || width < 24)) found.push(`${button.ariaLabel}: ${left} to ${right}`);
    }
    return found;
});

test("the largest names that there can be leave everything in its place", MANY_PAGES, async () => {
    const names = Object.values(LARGE);
    for (const viewport of [{ width: 320, height: 568 }, { width: 820, height: 1000 }, { width: 1280, height: 800 }]) {
        const context = await profile(browser, { viewport, reducedMotion: "reduce" });
        let socket;
        const liar = await startLiar(server.port, { talk: polite((opened) => (socket = opened), { name: names[0], members: () => names.slice(0, 3) }) });
        const page = await Person.open(context, liar.url);
        await page.page.getByRole("textbox", { name: "Your name" }).fill("me");
        await page.page.keyboard.press("Enter");
        await page.composer().waitFor();
        await until("the roster is there", async () => (await page.page.locator(".roster li").count()) === 3);
        socket.send(joinBytes([
            ...names.slice(3).map((name) => joined(name)),
            ...names.map((name, at) => said(name, `line ${at}`)),
            ...names.map((name, at) => said(name, `there ${at}`, `#${name}`)),
        ]));
        await page.message(`line ${names.length - 1}`).waitFor();
        const look = async (what) => assert.deepEqual(await burst(page), [], `${what} at ${viewport.width} px`);
        await look("the lobby");
        const isNarrow = viewport.width < 680;
        for (const at of names.keys()) {
            if (isNarrow) await page.page.getByRole("button", { name: "Conversations" }).click();
            if (at === 0) await look("the list");
            await page.page.getByRole("tab").nth(at).click();
            await page.page.getByRole("button", { name: /^Leave/ }).waitFor();
            await look(`conversation ${at}`);
        }
        await page.clean();
        await context.close();
        liar.end();
    }
});

for (const [what, talk, words, protocol] of [
    ["speaks HTTP", (socket) => socket.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")), /what answers here is no chat/i],
    ["sends a frame that is none", (socket) => socket.send(Buffer.concat([PREFACE, Buffer.alloc(64, 255)])), /does not understand/],
    ["sends text", (socket) => socket.send("<script>alert(1)</script>"), /cannot be reached/],
    ["closes at once", (socket) => socket.close(1011, "<b>no room</b>"), /cannot be reached/],
    ["speaks another subprotocol", () => {}, /cannot be reached/, false],
]) {
    test(`of a server that ${what} a person is told`, TIMEOUT, async () => {
        const liar = await startLiar(server.port, { talk, protocol });
        const context = await profile(browser);
        const page = await Person.open(context, liar.url);
        await page.page.getByRole("textbox", { name: "Your name" }).fill("alice");
        await page.page.keyboard.press("Enter");
        const told = page.page.locator("[role=alert], [role=status]");
        await until(`it is told with ${words}`, async () => words.test((await told.allTextContents()).join()))
            .catch(async (error) => Promise.reject(new Error(`${error.message}, but ${await told.allTextContents()}`)));
        // There is a way on.
        const button = page.page.getByRole("button", { name: /^(Start chatting|Cancel)$/ });
        if ((await button.textContent()) === "Cancel") await button.click();
        await page.page.getByRole("button", { name: "Start chatting" }).waitFor();
        await page.clean();
        await context.close();
        liar.end();
    });
}

test("of a server that never answers a person is told, and can turn away", TIMEOUT, async () => {
    const liar = await startLiar(server.port, {});
    const context = await profile(browser);
    const page = await Person.open(context, liar.url);
    await page.page.clock.install();
    await page.page.reload();
    await page.page.getByRole("textbox", { name: "Your name" }).fill("alice");
    await page.page.keyboard.press("Enter");
    await page.status.filter({ hasText: "Connecting" }).waitFor();
    await until("it says that there is no answer", async () => {
        await page.page.clock.runFor(1_000);
        return /does not answer/.test((await page.status.allTextContents()).join());
    });
    await page.page.getByRole("button", { name: "Cancel" }).click();
    await page.page.getByRole("button", { name: "Start chatting" }).waitFor();
    await page.clean();
    await context.close();
    liar.end();
});

test("a server that lies in the middle of a conversation leaves what was said", TIMEOUT, async () => {
    let socket;
    const liar = await startLiar(server.port, { talk: polite((opened) => (socket = opened)) });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    socket.send(joinBytes([said("bob", "hello")]));
    await page.message("hello").waitFor();
    socket.send(Buffer.alloc(64, 255));
    await until("it is told", async () => !(await page.status.textContent()).startsWith("Connected"));
    await page.message("hello").waitFor();
    await page.page.getByRole("button", { name: /Sign in again|Connect now/ }).waitFor();
    await page.clean();
    await context.close();
    liar.end();
});
