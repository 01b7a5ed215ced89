// What a person asks for and does not get is told, wherever they asked.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { Person, TIMEOUT, launch, profile, startServer, until } from "./kit.mjs";
import { NO_SUCH_USER, UNCONFIRMED, UNDELIVERED, accepted, missed, nextId, polite, rejected, report, startLiar, told } from "./liar.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("a room that cannot be joined again says why, until that is dismissed", TIMEOUT, async () => {
    const first = await startServer();
    const context = await profile(browser);
    const page = await Person.enter(context, `http://127.0.0.1:${first.port}/`, "roomer");
    await page.join("#one");
    await first.stop();
    const second = await startServer("--listen", `ws://127.0.0.1:${first.port}`, "--rooms-of-user-max", "1");
    await page.connected();
    await page.tab("lobby").click();
    await page.tab("one").click();
    await page.page.getByRole("button", { name: "Join it again" }).click();
    const alert = page.page.getByRole("alert").filter({ hasText: "as many rooms as the server allows" });
    await alert.waitFor();
    await alert.getByRole("button", { name: "Dismiss" }).click();
    await alert.waitFor({ state: "detached" });
    assert.ok(await page.composer("#one").evaluate((field) => field === document.activeElement));
    await page.page.getByRole("button", { name: "Join it again" }).click();
    await alert.waitFor();
    await page.tab("lobby").click();
    await alert.waitFor({ state: "detached" });
    await page.clean();
    await context.close();
    await second.stop();
});

test("who is in a room is asked for again when it is opened, if the server would not tell at first", TIMEOUT, async () => {
    const server = await startServer();
    const rosters = [];
    const members = () => {
        rosters.push(rosters.length === 0 ? null : ["me", "bob"]);
        return rosters.at(-1);
    };
    const liar = await startLiar(server.port, { talk: polite(() => {}, { members }) });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    await until("it is not told", () => rosters.length > 0);
    await page.join("#one");
    const [asked, people] = [rosters.length, page.page.getByRole("complementary", { name: "People in #lobby" })];
    await page.tab("lobby").click();
    await people.getByText("bob", { exact: true }).waitFor();
    assert.equal(rosters.length, asked + 1);
    await page.clean();
    await context.close();
    liar.end();
    await server.stop();
});

test("each state of one's own messages is told in words, and whoever has missed those of others is told so", TIMEOUT, async () => {
    const server = await startServer();
    const ids = [];
    const accept = (number) => accepted(number, ids[ids.push(nextId()) - 1]);
    // One after the other, as they are sent.
    const fates = [
        () => [],
        (number) => [accept(number)],
        (number) => [accept(number), report(UNDELIVERED, "bob", ids.at(-1))],
        (number) => [accept(number), report(UNCONFIRMED, "bob", ids.at(-1))],
        (number) => [rejected(number, NO_SUCH_USER)],
    ];
    const talk = polite((socket) => [told("bob", "hello"), missed(3)].forEach((bytes) => socket.send(bytes)), {
        answers: (number) => fates.shift()(number),
    });
    const liar = await startLiar(server.port, { talk });
    const context = await profile(browser);
    const page = await Person.enter(context, liar.url, "me");
    await page.page.getByText("3 messages are missing here", { exact: true }).waitFor();
    await page.tab(/^bob/).click();
    const states = ["sending", "✓", "not delivered", "may not have arrived", "not sent: nobody with that name is here"];
    for (const [at, state] of states.entries()) {
        await page.say(`number ${at}.`, "bob");
        await page.message(`number ${at}.`).getByText(state).waitFor();
        const again = page.message(`number ${at}.`).getByRole("button", { name: "Send again" });
        assert.equal(await again.count(), at < 2 ? 0 : 1, state);
    }
    await page.clean();
    await context.close();
    liar.end();
    await server.stop();
});
