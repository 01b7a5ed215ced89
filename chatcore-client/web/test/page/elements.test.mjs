// Whatever messages are made of, a page full of them stays small.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { Person, TIMEOUT, launch, profile, startServer } from "./kit.mjs";
import { polite, said, startLiar } from "./liar.mjs";
import { joinBytes } from "../wire.mjs";

/** More than a page draws at once. */
const MESSAGES = 260;

/** For each of the 240 that are drawn: every other of 64 pieces, for text between them is no element, and what is around. */
const ELEMENTS_MAX = 240 * 40;

let browser, server;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer()]);
});
after(async () => {
    await browser.close();
    await server.stop();
});

for (const [what, body] of [
    ["marks in turn", "\u200b\u202e".repeat(600)],
    ["letters and marks in turn", "x\u200b".repeat(600)],
    ["short links", "https://a.example/ ".repeat(60)],
    ["letters with many marks", `a${"\u0301".repeat(6)}`.repeat(160)],
]) {
    test(`${MESSAGES} messages of ${what}`, TIMEOUT, async (t) => {
        const liar = await startLiar(server.port, {
            talk: polite((socket) => {
                socket.send(joinBytes(Array.from({ length: MESSAGES }, () => said("evil", body))));
                socket.send(joinBytes([said("evil", "the end")]));
            }),
        });
        const context = await profile(browser);
        const page = await Person.open(context, liar.url);
        await page.page.evaluate(() => {
            globalThis.longest = 0;
            new PerformanceObserver((list) => {
                for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
            }).observe({ type: "longtask" });
        });
        await page.page.getByRole("textbox", { name: "Your name" }).fill("me");
        await page.page.keyboard.press("Enter");
        await page.message("the end").waitFor();
        const [elements, longest] = await page.page.evaluate(() => [document.querySelectorAll("*").length, globalThis.longest]);
        t.diagnostic(`${elements} elements; the longest task took ${Math.round(longest)} ms`);
        assert.ok(elements <= ELEMENTS_MAX, `${elements} elements`);
        await page.clean();
        await context.close();
        liar.end();
    });
}
