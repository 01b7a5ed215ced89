// Who signs out without a connection is gone as soon as there is one.
import assert from "node:assert/strict";
import test from "node:test";

import { Person, TIMEOUT, browser, member, profile, server, share, startLine, until, url } from "./kit.mjs";

share();

/** In the page: signs out in the moment in which a text is shown. */
function signOutAfter(text) {
    new MutationObserver((_, observer) => {
        if (!document.body.innerText.includes(text)) return;
        observer.disconnect();
        [...document.querySelectorAll("button")].find((button) => button.innerText === "Sign out").click();
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
}

test("who signs out has got what was on the screen: nobody is told that it may not have arrived", TIMEOUT, async () => {
    const { client } = await member(url, "bob");
    const reports = [];
    client.addEventListener("report", ({ detail }) => reports.push(detail));
    const context = await profile(browser);
    const page = await Person.enter(context, url, "reader");
    const isGone = new Promise((resolve) => client.addEventListener("presence", ({ detail }) => detail.online || resolve()));
    await client.watch(["reader"]);
    await client.send("reader", "hello");
    await page.tab(/^bob/).click();
    await page.message("hello").waitFor();
    await page.page.evaluate(signOutAfter, "bye now");
    await client.send("reader", "bye now");
    await isGone;
    // What is told of it has come before this answer.
    await client.watch(["reader"]);
    assert.deepEqual(reports, []);
    await page.clean();
    await client.close();
    await context.close();
});

test("who signs out before the session goes on is told how much was not sent", TIMEOUT, async () => {
    const line = await startLine(server.port);
    const context = await profile(browser);
    const person = await Person.enter(context, line.url, "hasty");
    [line.hasFilesAlone] = [true, line.cut()];
    await person.status.filter({ hasText: "Not connected" }).waitFor();
    await person.say("one");
    await person.page.reload();
    await person.message("one").getByText("waiting").waitFor();
    await person.say("two");
    await person.page.getByRole("button", { name: "Sign out" }).first().click();
    await person.page.getByText("2 messages of yours were not sent.").waitFor();
    assert.deepEqual(await person.page.evaluate(() => Object.keys(sessionStorage)), []);
    await person.clean();
    await context.close();
    line.end();
});

test("who signs out without a connection: the last words arrive, and the name is free, when there is one again", TIMEOUT, async () => {
    const line = await startLine(server.port);
    const { client, heard } = await member(url, "peer", "#lobby");
    const context = await profile(browser);
    const person = await Person.enter(context, line.url, "leaver");
    [line.isOut] = [true, line.cut()];
    await person.status.filter({ hasText: "Not connected" }).waitFor();
    await person.say("last words");
    await person.message("last words").getByText("waiting").waitFor();
    await person.page.getByRole("button", { name: "Sign out" }).first().click();
    await person.page.getByRole("textbox", { name: "Your name" }).waitFor();
    line.isOut = false;
    await until("the name is free", async () => {
        for await (const page of client.who()) if (page.some(({ name }) => name === "leaver")) return false;
        return true;
    });
    assert.deepEqual(heard.map(({ text }) => text), ["last words"]);
    await person.clean();
    await client.close();
    await context.close();
    line.end();
});
