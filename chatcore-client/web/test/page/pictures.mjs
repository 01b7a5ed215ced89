// The pictures of the page for the book: `.ci/web --pictures docs/src/screens`. But for the times, they are the same each time.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { Person, launch, member, profile, startLine, startServer } from "./kit.mjs";
import { withPalette } from "./png.mjs";

const SIZES = { phone: [360, 740], tablet: [820, 1000], desktop: [1440, 900] };

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node pictures.mjs FOLDER");
await mkdir(folder, { recursive: true });
const server = await startServer();
const line = await startLine(server.port);
const url = `http://127.0.0.1:${server.port}/`;
const browser = await launch();
const context = await profile(browser, { viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", timezoneId: "UTC" });
const shot = async ({ page }, what, ...sizes) => {
    for (const size of sizes) {
        const [width, height] = SIZES[size];
        for (const colorScheme of ["light", "dark"]) {
            await page.setViewportSize({ width, height });
            await page.emulateMedia({ colorScheme });
            // Fonts and colours are there after two frames.
            await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
            const png = await page.screenshot({ caret: "hide" });
            await writeFile(join(folder, `page-${what}-${size}-${colorScheme}.png`), withPalette(png));
        }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
};

const alice = await Person.open(context, line.url);
await alice.page.getByRole("textbox", { name: "Your name" }).fill("alice");
await shot(alice, "name", "phone");
await alice.register("alice");
const [bob, carol, dave] = await Promise.all(["bob", "carol", "dave"].map((name) => member(url, name, "#lobby", "#garden")));
await alice.join("#garden");
await alice.tab("#lobby").click();
await bob.client.send("#lobby", "Good morning! Did the new build reach the test machines?");
await carol.client.send("#lobby", "Since seven. The report is at https://ci.example/builds/4711");
await alice.message("Since seven").waitFor();
await alice.say("I read it on the train. One thing is odd: the third run took twice as long.");
await carol.client.send("#lobby", "That was me, the machine was compiling beside it.\nI have started it again.");
await bob.client.send("#lobby", "מה שלום כולם?");
await dave.client.send("#lobby", "alice: can you look at the plan before noon?");
await alice.say("Yes, at eleven.");
await dave.client.send("alice", "Thanks. It is not finished, only you see it yet.");
await bob.client.send("#garden", "The tomatoes are red.");
await carol.client.send("#garden", "At last!");
await alice.tab(/^#garden, 2 unread/).waitFor();
await alice.tab(/^dave, 1 unread/).waitFor();
await alice.message("Yes, at eleven").getByRole("img", { name: "accepted" }).waitFor();
await alice.composer().fill("What I still wonder ");
await shot(alice, "chat", "phone", "tablet", "desktop");
[line.isOut] = [true, line.cut()];
await alice.page.getByRole("button", { name: "Connect now" }).waitFor();
await alice.say("Are you still there?");
await alice.message("Are you still there?").getByText("waiting").waitFor();
await shot(alice, "reconnecting", "tablet");
await browser.close();
line.end();
await server.stop();
process.exit();
