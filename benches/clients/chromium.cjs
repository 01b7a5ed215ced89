// Carries standard input to a server and its answers to standard output, over the WebSocket of a page in Chromium.
//
//     node chromium.cjs BROWSER URL
//
// BROWSER is where a Chromium listens for its tools (`--remote-debugging-port`), which many of these share. The page is
// of the server's own origin. An empty one is answered here in place of the server's, which would chat by itself.

"use strict";

const { chromium } = require("playwright-core");

const [browser, url] = process.argv.slice(2);

/** Runs in the page. */
function open(url) {
    const socket = new WebSocket(url, "chatcore.v1");
    socket.binaryType = "arraybuffer";
    const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    socket.onmessage = ({ data }) => received(text(new Uint8Array(data)));
    socket.onclose = ({ code }) => ended(code);
    window.send = (text) => socket.send(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
    return new Promise((resolve) => (socket.onopen = resolve));
}

async function main() {
    const context = await (await chromium.connectOverCDP(browser)).newContext();
    // Chromium asks people before a page may connect to the machine or the network that it runs on.
    await context.grantPermissions(["local-network-access"]);
    const page = await context.newPage();
    const pageUrl = url.replace(/^ws/, "http");
    await page.route(pageUrl, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
    await page.exposeFunction("received", (text) => void process.stdout.write(Buffer.from(text, "base64")));
    await page.exposeFunction("ended", (code) => {
        console.error(`closed with ${code}`);
        process.stdout.write("", () => process.exit());
    });
    await page.goto(pageUrl);
    await page.evaluate(open, url);
    for await (const bytes of process.stdin) {
        await page.evaluate((text) => window.send(text), bytes.toString("base64"));
    }
    await context.close();
    process.exit();
}

main().catch((error) => {
    console.error(error.message);
    process.exit(1);
});
