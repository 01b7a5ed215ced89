// What others send, and servers that lie: nothing runs, nothing is lost, and a person is told.
import assert from "node:assert/strict";
import test from "node:test";

import { Person, TIMEOUT, browser, member, profile, server, share, until, url } from "./kit.mjs";
import { joined, polite, said, startLiar } from "./liar.mjs";
import { joinBytes, PREFACE } from "../wire.mjs";

share();

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
    for (const name of names) {
        const context = await profile(browser);
        const page = await Person.enter(context, liar.url, "me");
        socket.send(joinBytes([joined(name, name), said(name, `this is ${JSON.stringify(name)}`)]));
        // Either it is shown, or the client finds the server at fault, and says so.
        await until(`${JSON.stringify(name)} is shown or told`, async () =>
            (await page.message("this is").count()) > 0 || !(await page.status.textContent()).startsWith("Connected"));
        assert.equal(await page.page.locator("img, script:not([src])").count(), 0);
        await page.clean();
        await context.close();
    }
    liar.end();
});

for (const [what, talk, words, protocol] of [
    ["speaks HTTP", (socket) => socket.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")), /speaks HTTP, not chatcore/],
    ["sends a frame that is none", (socket) => socket.send(Buffer.concat([PREFACE, Buffer.alloc(64, 255)])), /frame|protocol|long/i],
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
