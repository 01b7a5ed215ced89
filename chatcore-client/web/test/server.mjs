// A server of chatcore on loopback, at a port that the system gives.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const PROGRAM = process.env.CHATCORE_SERVER;
if (PROGRAM === undefined) throw new Error("CHATCORE_SERVER must be the path of chatcore-server");

/** Starts one: its URL, and what ends it. */
export async function startServer(...flags) {
    const child = spawn(PROGRAM, ["--listen", "ws://127.0.0.1:0", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    // A test that fails does not stop its server.
    process.once("exit", () => child.kill());
    const log = [];
    child.stderr.on("data", (data) => log.push(data));
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const lines = createInterface({ input: child.stdout });
    const port = await new Promise((resolve) => {
        lines.on("line", (line) => {
            const port = /^listening on ws .*:(\d+)/.exec(line)?.[1];
            if (port !== undefined) resolve(Number(port));
        });
        ended.then(() => resolve(undefined));
    });
    if (port === undefined) throw new Error(`the server has not begun: ${Buffer.concat(log)}`);
    return {
        port,
        url: `ws://127.0.0.1:${port}/`,
        log: () => Buffer.concat(log).toString(),
        stop: (signal = "SIGTERM") => {
            child.kill(signal);
            return ended;
        },
    };
}
