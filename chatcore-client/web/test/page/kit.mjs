// What the tests of the page share: a browser, people in it, and a line that can be cut. Each page is watched: after a script
// error, a breach of its policy, a dialog or a request to elsewhere, `clean` fails.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { availableParallelism, loadavg } from "node:os";
import { after, before } from "node:test";

import { Client, load } from "chatcore";
import { chromium } from "playwright-core";
import WebSocket from "ws";

import { startServer } from "../server.mjs";

export { startServer };

export const TIMEOUT = { timeout: 60_000 };

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** The browser and the server that all tests of a file share, once it has asked for them. */
export let browser, server, url;

/** Starts both before the tests of a file, and ends them after the last. */
export function share() {
    before(async () => {
        [browser, server] = await Promise.all([launch(), startServer()]);
        url = `http://127.0.0.1:${server.port}/`;
    });
    after(async () => {
        await browser.close();
        await server.stop();
    });
}

/** Waits until a check gives something: it asks again and again. */
export async function until(what, check, patience = 15_000) {
    const end = performance.now() + patience;
    for (;;) {
        const result = await check();
        if (result) return result;
        if (performance.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

/** How many times longer all takes because the machine has other work. */
export const busyness = () => Math.max(1, loadavg()[0] / availableParallelism());

/** Counts in a page what its policy has stopped. */
function countViolations() {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
        globalThis.violations.push(`${violatedDirective} ${blockedURI} ${sample}`));
}

/** A browser's profile of its own. */
export async function profile(browser, options = {}) {
    const context = await browser.newContext(options);
    await context.addInitScript(countViolations);
    return context;
}

/** A person at a page. */
export class Person {
    /** What must not happen. */
    faults = [];

    constructor(page, url, options) {
        this.page = page;
        this.url = url;
        const origin = new URL(url).origin;
        page.on("pageerror", (error) => this.faults.push(`error ${error}`));
        page.on("dialog", (dialog) => {
            this.faults.push(`dialog ${dialog.message()}`);
            void dialog.dismiss();
        });
        page.on("request", (request) => {
            const to = request.url();
            if (!to.startsWith(origin) && !to.startsWith("data:")) this.faults.push(`request ${to}`);
        });
        page.on("console", (message) => {
            // Attempts that fail are told there, and are no fault of the page.
            if (message.type() === "error" && options?.isQuiet !== true && !/WebSocket|ERR_|Failed to load/.test(message.text())) {
                this.faults.push(`console ${message.text()}`);
            }
        });
    }

    /** Opens the page in a tab of its own. */
    static async open(context, url, options) {
        const person = new Person(await context.newPage(), url, options);
        await person.page.goto(url);
        return person;
    }

    /** Opens the page, and is in the lobby. */
    static async enter(context, url, name, options) {
        const person = await Person.open(context, url, options);
        await person.register(name);
        return person;
    }

    async register(name) {
        const field = this.page.getByRole("textbox", { name: "Your name" });
        await field.fill(name);
        await field.press("Enter");
        await this.composer().waitFor();
        await this.connected();
    }

    composer(to = "#lobby") {
        return this.page.getByRole("textbox", { name: `Message to ${to}`, exact: true });
    }

    async say(text, to = "#lobby") {
        await this.composer(to).fill(text);
        await this.composer(to).press("Enter");
    }

    get status() {
        return this.page.getByRole("status", { name: "Connection" });
    }

    async connected() {
        await this.status.filter({ hasText: "Connected as" }).waitFor();
    }

    /** Joins a room, which is open then. */
    async join(room) {
        await this.page.getByRole("button", { name: "Join a room" }).click();
        const dialog = this.page.getByRole("dialog", { name: "Join a room" });
        await dialog.getByRole("textbox", { name: "Room" }).fill(room);
        await dialog.getByRole("button", { name: "Join" }).click();
        await this.composer(room).waitFor();
    }

    message(text) {
        return this.page.getByRole("article").filter({ hasText: text });
    }

    tab(name) {
        return this.page.getByRole("tab", { name });
    }

    /** The texts that are in the open log. */
    texts() {
        return this.page.getByRole("article").locator(".body").allTextContents();
    }

    /** From now on, keeps the text of each message that is shown, in its order. */
    async record() {
        await this.page.evaluate(() => {
            globalThis.shown = [];
            let newest = 0;
            const look = () => {
                for (const line of document.querySelectorAll("[role=log] article")) {
                    const key = Number(line.dataset.key);
                    if (key <= newest) continue;
                    newest = key;
                    globalThis.shown.push(line.querySelector(".body").textContent);
                }
            };
            look();
            globalThis.shown = [];
            new MutationObserver(look).observe(document.querySelector("[role=log]"), { childList: true, subtree: true });
        });
    }

    shown() {
        return this.page.evaluate(() => globalThis.shown);
    }

    /** Nothing has happened that must not. */
    async clean() {
        const violations = await this.page.evaluate(() => globalThis.violations);
        assert.deepEqual([...this.faults, ...violations], []);
    }
}

/** A person who uses the npm package in this process. */
export async function member(url, name, ...rooms) {
    await load();
    const client = new Client(url.replace("http", "ws"), { WebSocket });
    const heard = [];
    client.addEventListener("message", ({ detail }) => heard.push(detail));
    await client.register(name);
    for (const room of rooms) await client.join(room);
    return { client, heard };
}

/** A line to a server that can be cut, and stays cut while `isOut`. While `hasFilesAlone`, nothing else comes through it. */
export async function startLine(port) {
    const pairs = new Set();
    const line = {
        isOut: false,
        hasFilesAlone: false,
        url: "",
        cut: () => {
            for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
        },
        /** Nothing comes through any more, and nobody is told. */
        hold: () => {
            for (const pair of pairs) for (const socket of pair) socket.pause();
        },
        release: () => {
            for (const pair of pairs) for (const socket of pair) socket.resume();
        },
        /** Whether somebody is connected for more than a file. */
        get isBusy() {
            return pairs.size > 0;
        },
        end: () => {
            line.cut();
            listener.close();
        },
    };
    const join = (near, first = "") => {
        const far = connect(port, "127.0.0.1");
        const pair = [near, far];
        pairs.add(pair);
        for (const [from, to] of [pair, [far, near]]) {
            from.on("error", () => to.destroy());
            from.on("close", () => pairs.delete(pair));
            from.pipe(to);
        }
        far.write(first);
    };
    const listener = createServer((near) => {
        if (line.isOut) return near.resetAndDestroy();
        if (!line.hasFilesAlone) return join(near);
        near.on("error", () => near.destroy());
        return near.once("data", (first) => (/^upgrade: websocket/im.test(first) ? near.resetAndDestroy() : join(near, first)));
    }).listen(0, "127.0.0.1");
    await once(listener, "listening");
    line.url = `http://127.0.0.1:${listener.address().port}/`;
    return line;
}
