// The suite in Deno, as a program: it gets the server's URL, and prints what was kept.
import * as chatcore from "chatcore";

import { scenarios } from "./suite.mjs";

await chatcore.load();
for (const [promise, scenario] of Object.entries(scenarios)) {
    await scenario({ ...chatcore, url: Deno.args[0], WebSocket });
    console.log(promise);
}
