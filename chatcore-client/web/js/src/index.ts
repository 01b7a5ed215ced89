/**
 * A chat client that keeps its session over broken connections.
 *
 * @packageDocumentation
 */
export { Client } from "./client.ts";
export type { Session, State } from "./client.ts";
export type { Ticket } from "./decode.ts";
export { ChatError } from "./error.ts";
export type { ErrorCode } from "./error.ts";
export { ChatEvent, timeOf } from "./events.ts";
export type { ChatEvents, EndKind, LeaveCode, Limits, Message, Open, Reason, RefusalCode, ReportStatus, Sent, Subscriptions, User } from "./events.ts";
export type { Socket, SocketConstructor } from "./link.ts";
export { load } from "./load.ts";
export type { Source } from "./load.ts";
export type { ClientOptions, CloseOptions, RegisterOptions, RequestOptions } from "./options.ts";
