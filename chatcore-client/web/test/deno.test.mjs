// The suite in Deno, which has a WebSocket of its own, and may do no more than the package needs.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { promisify } from "node:util";

import { startServer } from "./server.mjs";
import { scenarios } from "./suite.mjs";

const TIMEOUT_MS = 60_000;
const DENO = process.env.DENO;
if (DENO === undefined) throw new Error("DENO must be the path of deno");

test("in Deno", { timeout: 2 * TIMEOUT_MS }, async () => {
    const server = await startServer();
    const may = ["--allow-net=127.0.0.1", "--allow-read=."];
    const { stdout } = await promisify(execFile)(
        DENO,
        ["run", "--no-prompt", "--no-remote", "--node-modules-dir=manual", ...may, "deno.mjs", server.url],
        { timeout: TIMEOUT_MS },
    );
    assert.deepEqual(stdout.trim().split("\n"), Object.keys(scenarios));
    await server.stop();
});
