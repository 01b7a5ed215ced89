import type { SocketConstructor } from "./link.ts";

/** How a client behaves. All times are milliseconds. */
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
    /** How many milliseconds a connection, or the answer to a registration, may take. Default 30 000. */
    answerTimeMax?: number;
    /** How many milliseconds the server may take to give a sign of life after `hurry`. Default 5 000. */
    probeTimeMax?: number;
    /** How many milliseconds the server may take to answer a goodbye. Default 5 000. */
    flushTimeMax?: number;
    /** How many milliseconds an acknowledgement waits for something to travel with. Default 50. */
    ackDelay?: number;
    /** After how many events an acknowledgement waits no longer. Default 256. */
    ackFrames?: number;
    /** The milliseconds before the first attempt to connect again; they double with each further one. Default 200. */
    firstWait?: number;
    /** The most milliseconds before an attempt. Default 30 000. */
    longestWait?: number;
    /** How many milliseconds a session must have been connected before attempts are counted from 1 again.
     * Default 10 000. */
    waitsResetAfter?: number;
    /** The most milliseconds for which the server can ask to wait. Default 600 000, which is 10 minutes. */
    announcedWaitMax?: number;
}

/** How a name is asked for. No signal ends that by itself: {@link ClientOptions.signal} ends the client with it. */
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
    /** For how many milliseconds it tries to connect, where it has no connection, to say goodbye. Default 5 000; with 0 it
     * does not try. */
    connectTimeMax?: number;
}
