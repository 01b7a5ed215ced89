// Without a mouse: times can be read, nothing opens a keyboard unasked, and colours are not needed.
import assert from "node:assert/strict";
import test from "node:test";

import { Person, TIMEOUT, browser, member, profile, share, url } from "./kit.mjs";

share();

/** Three lines under one name; the last is for whoever looks. */
async function monologue(page, name) {
    const { client } = await member(url, name, "#lobby");
    for (const text of ["one", "a long line ".repeat(12), `three, ${page.name}`]) await client.send("#lobby", text);
    await page.message("three").waitFor();
    return client;
}

const hasTime = (line) =>
    line.locator("time").evaluate((time) => time.checkVisibility({ opacityProperty: true, visibilityProperty: true }));

test("on a touch screen each line has its time, and a tap on a conversation opens no keyboard", TIMEOUT, async () => {
    const context = await profile(browser, { hasTouch: true, isMobile: true, viewport: { width: 360, height: 640 } });
    const page = await Person.open(context, url);
    page.name = "toucher";
    // How it is connected stands in a panel here.
    await page.page.getByRole("textbox", { name: "Your name" }).fill(page.name);
    await page.page.keyboard.press("Enter");
    await page.composer().waitFor();
    await page.page.getByText("Nothing has been said since you came.").waitFor();
    await page.page.getByRole("button", { name: "People" }).waitFor();
    const client = await monologue(page, "talker");
    for (const text of ["a long line", "three"]) assert.ok(await hasTime(page.message(text)), text);
    // The time stands beside the words, not on them.
    const [time, state] = await page.message("a long line").evaluate((line) => {
        const words = document.createRange();
        words.selectNodeContents(line.querySelector(".body"));
        const { left, right, top, bottom } = line.querySelector("time").getBoundingClientRect();
        const isOn = (box) => box.left < right && box.right > left && box.top < bottom && box.bottom > top;
        return [[...words.getClientRects()].some(isOn), document.documentElement.scrollWidth > innerWidth];
    });
    assert.deepEqual([time, state], [false, false]);
    await client.send("toucher", "psst");
    await page.page.getByRole("button", { name: "Conversations" }).tap();
    await page.tab(/^talker, 1 unread/).tap();
    await page.message("psst").waitFor();
    await page.composer("talker").waitFor();
    assert.notEqual(await page.page.evaluate(() => document.activeElement.id), "composer");
    await page.clean();
    await client.close();
    await context.close();
});

test("times of lines under one name are there for the keyboard and for screen readers, and a mention without colours", TIMEOUT, async () => {
    const context = await profile(browser);
    const page = await Person.enter(context, url, "reader");
    page.name = "reader";
    const client = await monologue(page, "writer");
    const last = page.message("three");
    assert.match(await last.ariaSnapshot(), /for you:[^]*\d\d?:\d\d/);
    assert.ok(!(await hasTime(last)));
    await page.composer().press("Shift+Tab");
    await page.page.getByRole("log").press("End");
    assert.ok(await page.page.getByRole("log").evaluate((log) => log === document.activeElement));
    assert.ok(await hasTime(last));
    await page.page.emulateMedia({ forcedColors: "active" });
    const edge = await last.evaluate((line) => getComputedStyle(line).borderLeftWidth);
    assert.equal(edge, "4px");
    await page.clean();
    await client.close();
    await context.close();
});
