import type { SocketConstructor } from "./link.ts";

/** How a client behaves. Times are milliseconds. */
export interface ClientOptions {
    /** What makes a WebSocket, where there is none or another one is to be used, such as that of the package `ws`. */
    WebSocket?: SocketConstructor;
    /** Closes the client when it is aborted. */
    signal?: AbortSignal;
    /** Hosts to which the server may send the client, beside its own: name only those that may know the session's token. */
    followedHosts?: readonly string[];
    /** Whether it also tries again while it has no session: if the first connection cannot be made, or the name is in use. Default false. */
    keepsTrying?: boolean;
    /** The longest frame in bytes, in both directions. Default 16 MiB + 256. */
    frameBytesMax?: number;
    /** Bytes that wait for the server; beyond, requests fail with `outbox_full`. Default 1 MiB. */
    outboxBytesMax?: number;
    /** How long a connection, or the answer to a registration, may take. Default 30 s. */
    answerTimeMax?: number;
    /** How long the server may take to give a sign of life after `hurry`. Default 5 s. */
    probeTimeMax?: number;
    /** How long the server may take to answer a goodbye. Default 5 s. */
    flushTimeMax?: number;
    /** How long an acknowledgement waits for something to travel with. Default 50 ms. */
    ackDelay?: number;
    /** After how many events an acknowledgement waits no longer. Default 256. */
    ackFrames?: number;
    /** The wait before the first attempt to connect again; it doubles with each further one. Default 200 ms. */
    firstWait?: number;
    /** The longest wait. Default 30 s. */
    longestWait?: number;
    /** How long a session must have been connected before attempts are counted from 1 again. Default 10 s. */
    waitsResetAfter?: number;
    /** The longest wait that the server can ask for. Default 10 minutes. */
    announcedWaitMax?: number;
}

/** How a name is asked for. */
export interface RegisterOptions {
    /** For servers that want one, such as a password. */
    credential?: string | Uint8Array;
}

/** How a request is made. */
export interface RequestOptions {
    /** Ends the waiting for the answer. What was asked for may be done all the same. */
    signal?: AbortSignal;
}

/** How a client is closed. */
export interface CloseOptions {
    /** How long it tries to connect, where it has no connection, to say goodbye. Default 5 s; with 0 it does not try. */
    connectTimeMax?: number;
}
