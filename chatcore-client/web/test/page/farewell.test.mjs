// Who signs out without a connection is gone as soon as there is one.
import assert from "node:assert/strict";
import test from "node:test";

import { Person, TIMEOUT, browser, member, profile, server, share, startLine, until, url } from "./kit.mjs";

share();

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
