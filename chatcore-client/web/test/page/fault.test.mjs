// The module of the page has a fault: the session goes on when the page is loaded anew.
import assert from "node:assert/strict";
import test from "node:test";

import { Person, TIMEOUT, browser, member, profile, share, url } from "./kit.mjs";

share();

/** In a page: what arrives is a fault while `isBroken`. */
function breakable() {
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (...given) => {
        const { exports } = await instantiate(...given);
        const receive = (...bytes) => {
            if (globalThis.isBroken) throw new WebAssembly.RuntimeError("unreachable");
            return exports.engine_receive(...bytes);
        };
        return { exports: { ...exports, engine_receive: receive } };
    };
}

test("a page whose module has a fault says so, and goes on with its session when it is loaded anew", TIMEOUT, async () => {
    const { client } = await member(url, "peer", "#lobby");
    const left = [];
    client.addEventListener("left", ({ detail }) => left.push(detail.name));
    const context = await profile(browser);
    await context.addInitScript(breakable);
    const page = await Person.enter(context, url, "lasting");
    await client.send("#lobby", "before");
    await page.message("before").waitFor();
    await page.page.evaluate(() => (globalThis.isBroken = true));
    await client.send("#lobby", "while it is broken");
    await page.status.filter({ hasText: /fault.*load it anew/i }).waitFor();
    await page.message("before").waitFor();
    // Another session cannot begin here.
    await page.page.getByRole("button", { name: "Sign in again" }).click();
    await page.page.getByRole("button", { name: "Start chatting" }).click();
    await page.page.getByText("your session goes on").waitFor();
    await page.page.reload();
    await page.connected();
    await page.message("while it is broken").waitFor();
    assert.deepEqual(await page.texts(), ["before", "while it is broken"]);
    assert.deepEqual(left, [], "it is the same session");
    await page.clean();
    await context.close();
    await client.close();
});
