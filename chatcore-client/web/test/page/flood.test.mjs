// Many messages: who types does not notice, and neither the page nor its memory grows with them.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { Person, TIMEOUT, busyness, launch, member, profile, startServer, until } from "./kit.mjs";
import { polite, said, startLiar } from "./liar.mjs";
import { joinBytes } from "../wire.mjs";

const MESSAGES = 10_000;
const FLOOD = 50_000;

/** From a key to the frame that shows it, in milliseconds, on a machine that has nothing else to do: the median, and the worst. */
const MEDIAN_MS_MAX = 150;
const WORST_MS_MAX = 800;

/** What a page may have after all of them: elements, and bytes of JavaScript's heap. */
const ELEMENTS_MAX = 2_000;
const HEAP_BYTES_MAX = 6 << 20;

let browser, server;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer("--session-cost-per-s", "0", "--origin-cost-per-s", "0")]);
});
after(async () => {
    await browser.close();
    await server.stop();
});

/** Measures keys as the browser does, up to the next paint. */
function measureKeys() {
    globalThis.keys = [];
    new PerformanceObserver((list) => {
        for (const { name, duration } of list.getEntries()) if (name === "keydown") globalThis.keys.push(duration);
    }).observe({ type: "event", durationThreshold: 16 });
}

/** Types while work is done, and tells how long keys took. Those below 16 ms are not told by the browser, and count as that. */
async function typeWhile(page, work) {
    await page.page.evaluate(measureKeys);
    await page.composer().focus();
    let isDone = false;
    const working = work().then(() => (isDone = true));
    let typed = 0;
    while (!isDone) {
        await page.page.keyboard.press("abcdefghij"[typed % 10]);
        typed += 1;
    }
    await working;
    assert.equal((await page.composer().inputValue()).length, typed, "each key is there");
    const told = await page.page.evaluate(() => globalThis.keys);
    const all = [...told, ...Array(Math.max(typed - told.length, 0)).fill(16)].sort((a, b) => a - b);
    return { typed, median: all[Math.floor(all.length / 2)], worst: all.at(-1) };
}

async function bounded(t, page, { typed, median, worst }) {
    const cdp = await page.page.context().newCDPSession(page.page);
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    const elements = await page.page.evaluate(() => document.querySelectorAll("*").length);
    t.diagnostic(`${typed} keys: median ${median} ms, worst ${worst} ms; ${elements} elements; heap ${(usedSize / 2 ** 20).toFixed(1)} MiB`);
    const busy = busyness();
    assert.ok(median <= MEDIAN_MS_MAX * busy && worst <= WORST_MS_MAX * busy, `a key takes ${median} ms, and at worst ${worst}`);
    assert.ok(elements <= ELEMENTS_MAX, `${elements} elements`);
    assert.ok(usedSize <= HEAP_BYTES_MAX, `${usedSize} bytes of heap`);
}

test("10 000 messages of a real room", TIMEOUT, async (t) => {
    const url = `http://127.0.0.1:${server.port}/`;
    const context = await profile(browser);
    const page = await Person.enter(context, url, "reader");
    const { client } = await member(url, "writer", "#lobby");
    const keys = await typeWhile(page, async () => {
        for (let at = 0; at < MESSAGES; at += 500) {
            await Promise.all(Array.from({ length: 500 }, (_, i) => client.send("#lobby", `message ${at + i} of a room that has much to say`)));
        }
        await page.message(`message ${MESSAGES - 1} of`).waitFor();
    });
    await bounded(t, page, keys);
    // Who scrolls back stays there while more comes, and is told of it.
    const log = page.page.getByRole("log");
    await log.evaluate((box) => (box.scrollTop = 400));
    await page.page.getByRole("button", { name: /To the newest/ }).waitFor();
    const before = await log.evaluate((box) => [...box.querySelectorAll("article")].find((line) => line.getBoundingClientRect().bottom > box.getBoundingClientRect().top).textContent);
    for (let i = 0; i < 100; i += 1) await client.send("#lobby", `late ${i}.`);
    await page.page.getByRole("button", { name: "100 new messages" }).waitFor();
    const then = await log.evaluate((box) => [...box.querySelectorAll("article")].find((line) => line.getBoundingClientRect().bottom > box.getBoundingClientRect().top).textContent);
    assert.equal(then, before, "it stays where it was");
    await page.page.getByRole("button", { name: "100 new messages" }).click();
    await page.message("late 99.").waitFor();
    await page.clean();
    await client.close();
    await context.close();
});

test("50 000 messages at once of a server that floods", TIMEOUT, async (t) => {
    let socket;
    const liar = await startLiar(server.port, { talk: polite((opened) => (socket = opened)) });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    const keys = await typeWhile(page, async () => {
        const body = "x".repeat(200);
        for (let at = 0; at < FLOOD; at += 100) {
            socket.send(joinBytes(Array.from({ length: 100 }, (_, i) => said(`user${(at + i) % 977}`, `${at + i}. ${body}`))));
        }
        await page.message(`${FLOOD - 1}. x`).waitFor();
    });
    await bounded(t, page, keys);
    await until("the page goes on", async () => (await page.status.textContent()).startsWith("Connected"));
    await page.clean();
    await context.close();
    liar.end();
});
