// What a program in TypeScript sees of the package: it is checked, and never run.
import { ChatError, Client, load, timeOf } from "chatcore";
import type { Ticket } from "chatcore";

export async function use(ticket: Ticket, module: WebAssembly.Module): Promise<readonly string[]> {
    await load(module);
    const client = new Client(new URL("wss://chat.example"), { keepsTrying: true });
    client.addEventListener("reconnecting", ({ detail }) => detail.after + detail.attempt + (client.nextAttemptIn ?? 0));
    client.addEventListener("message", (event) => event.waitUntil(Promise.resolve(event.detail.text)));
    // @ts-expect-error: a message has no such field
    client.addEventListener("message", ({ detail }) => detail.attempt);
    client.addEventListener("refused", ({ detail: { code } }) => code === "name_in_use" || code === "a_newer_one");
    const { resumed } = await client.resume(ticket, { credential: "secret" });
    const id: bigint = await client.send("bob", resumed ? "back" : new Uint8Array(3));
    const names: string[] = [timeOf(id).toISOString()];
    for await (const page of client.who()) names.push(...page.map(({ name, displayName }) => displayName ?? name));
    for await (const { rooms, users } of client.subscriptions()) names.push(...rooms, ...users);
    const { kind, code } = await client.close({ connectTimeMax: 1_000 });
    return kind === "closed" ? [...names, code] : names;
}

export const isRetryable = (error: unknown): boolean => error instanceof ChatError && error.retryable;
