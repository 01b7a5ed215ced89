import type { Client } from "chatcore";

/** How long a goodbye may wait for a connection. */
const PATIENCE_MS = 10 * 60_000;

/** Ends a session of which nothing is shown any more. Without a connection it waits for one, so that what was written is sent,
 * the server hears a goodbye, and the name is free. */
export function farewell(client: Client): void {
    const close = (): void => void client.close();
    if (client.state === "open" || client.ticket === null) return close();
    const timer = setTimeout(close, PATIENCE_MS);
    client.addEventListener("resumed", close);
    // There is nothing to end any more, and nothing is to begin.
    client.addEventListener("sessionlost", close);
    client.addEventListener("closed", () => clearTimeout(timer));
    client.hurry();
}
