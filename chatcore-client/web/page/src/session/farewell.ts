import type { Client } from "chatcore";

/** How long a goodbye may wait for a connection. */
const PATIENCE_MS = 10 * 60_000;

/** Ends a session of which nothing is shown any more. Without a connection it waits for one, so that what the client has
 * is sent, the server hears a goodbye, and the name is free. What is kept in this turn is taken before: of the rest,
 * others are told that it may not have arrived. */
export function farewell(client: Client): void {
    setTimeout(() => void client.close({ connectTimeMax: PATIENCE_MS }));
}
