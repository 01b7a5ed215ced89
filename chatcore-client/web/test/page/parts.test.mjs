// A part is missing, refused, or of another version: a person is told what, and what to do.
import assert from "node:assert/strict";
import test from "node:test";

import { Person, TIMEOUT, browser, member, profile, server, share, startServer, until, url } from "./kit.mjs";
import { startLiar } from "./liar.mjs";

share();

for (const [what, refuse] of [
    ["refused", () => Object.defineProperty(globalThis, "sessionStorage", { get: () => { throw new DOMException("denied", "SecurityError"); } })],
    ["full", () => (Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); })],
]) {
    test(`a browser whose storage is ${what} chats, and the person is told what that means`, TIMEOUT, async () => {
        const context = await profile(browser);
        await context.addInitScript(refuse);
        const page = await Person.enter(context, url, `storage-${what}`);
        await page.page.getByRole("status").filter({ hasText: "stores nothing" }).waitFor();
        const peer = await member(url, `peer-${what}`, "#lobby");
        await page.say("hello");
        await until("it is heard", () => peer.heard.some(({ text }) => text === "hello"));
        await page.clean();
        await peer.client.close();
        await context.close();
    });
}

const wasm = (change) => (file) => (file.path === "/chatcore.wasm" ? { ...file, ...change(file) } : file);
const patched = ({ body }) => {
    const at = body.indexOf("0.1.0");
    assert.ok(at >= 0, "the module names its version");
    return { body: Buffer.concat([body.subarray(0, at), Buffer.from("0.9.0"), body.subarray(at + 5)]) };
};

for (const [what, change, words] of [
    ["is missing", wasm(() => ({ status: 404, body: Buffer.from("not here") })), "A part of the page is missing"],
    ["is no module", wasm(() => ({ body: Buffer.from("<!doctype html>") })), "A part of the page is damaged"],
    ["is of another version", wasm(patched), "The page is of two versions"],
    ["is blocked by a policy", (file) => {
        const policy = file.headers["content-security-policy"];
        return { ...file, headers: { ...file.headers, "content-security-policy": policy?.replace(" 'wasm-unsafe-eval'", "") } };
    }, "The page may not run"],
]) {
    test(`a module that ${what} is told, and the page goes on when it is there`, TIMEOUT, async () => {
        let isBad = true;
        const liar = await startLiar(server.port, {
            change: (file) => {
                // A browser that has cached nothing asks for all of it again.
                const fresh = { ...file, headers: { ...file.headers, "cache-control": "no-store" } };
                if (fresh.headers["content-security-policy"] === undefined) delete fresh.headers["content-security-policy"];
                return isBad ? change(fresh) : fresh;
            },
        });
        const context = await profile(browser);
        const page = await Person.open(context, liar.url, { isQuiet: true });
        await page.page.getByRole("alert").getByRole("heading", { name: words }).waitFor();
        isBad = false;
        await page.page.getByRole("button", { name: "Try again" }).click();
        await page.page.getByRole("textbox", { name: "Your name" }).waitFor();
        assert.deepEqual(page.faults, []);
        await context.close();
        liar.end();
    });
}

test("a script that is missing, one that is turned off, and a browser without WebAssembly are told", TIMEOUT, async () => {
    const liar = await startLiar(server.port, {
        change: (file) => (file.path === "/page.js" ? { ...file, status: 404, body: Buffer.from("") } : file),
    });
    const context = await profile(browser);
    const page = await Person.open(context, liar.url, { isQuiet: true });
    await page.page.getByText("could not be loaded").waitFor();
    await context.close();
    liar.end();

    const without = await browser.newContext({ javaScriptEnabled: false });
    const still = await without.newPage();
    await still.goto(url);
    // The texts of this element are none for playwright's own selectors.
    const words = still.locator("noscript p");
    await words.waitFor();
    assert.match(await words.textContent(), /turned off here/);
    await without.close();

    const old = await profile(browser);
    await old.addInitScript(() => delete globalThis.WebAssembly);
    const person = await Person.open(old, url);
    await person.page.getByRole("alert").filter({ hasText: "There is no WebAssembly here" }).waitFor();
    await person.clean();
    await old.close();
});

for (const [what, lack] of [
    ["time-outs of signals", () => delete AbortSignal.timeout],
    ["searches from the end", () => delete Array.prototype.findLastIndex],
]) {
    test(`a browser that is too old for ${what} is told so, and which ones are new enough`, TIMEOUT, async () => {
        const context = await profile(browser);
        await context.addInitScript(lack);
        const page = await Person.open(context, url);
        const alert = page.page.getByRole("alert").filter({ hasText: "This browser is too old" });
        await alert.waitFor();
        // The words of the page without its script name the same.
        const words = await (await fetch(url)).text();
        for (const name of ["Edge 103", "Firefox 104", "Safari 16.4", "iOS 16.4"]) {
            assert.ok(words.includes(name), name);
            await alert.filter({ hasText: name }).waitFor();
        }
        await page.clean();
        await context.close();
    });
}

test("a server that is gone before somebody has a name is waited for", TIMEOUT, async () => {
    const gone = await startServer();
    const context = await profile(browser);
    const page = await Person.open(context, `http://127.0.0.1:${gone.port}/`);
    await page.page.getByRole("textbox", { name: "Your name" }).waitFor();
    await gone.stop();
    await page.page.getByRole("textbox", { name: "Your name" }).fill("early");
    await page.page.keyboard.press("Enter");
    await page.status.filter({ hasText: "cannot be reached" }).waitFor();
    await page.page.getByText(/next attempt in/).waitFor();
    const again = await startServer("--listen", `ws://127.0.0.1:${gone.port}`);
    await page.connected();
    await page.clean();
    await context.close();
    await again.stop();
});
