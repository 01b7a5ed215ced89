/** What both ends agree to speak. */
const SUBPROTOCOL = "chatcore.v1";

/** Text is a fault: the protocol is in binary messages. */
const UNSUPPORTED_DATA = 1003;

/** What the package uses of a WebSocket: that of browsers, of Deno, of newer Nodes, or of the package `ws`. */
export interface Socket {
    binaryType: string;
    readonly protocol: string;
    readonly bufferedAmount: number;
    send(bytes: Uint8Array<ArrayBuffer>): void;
    close(code?: number, reason?: string): void;
    addEventListener(type: "open", listener: () => void): void;
    addEventListener(type: "error", listener: (event: { message?: string }) => void): void;
    addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
    addEventListener(type: "close", listener: (event: { reason: string }) => void): void;
}

/** What makes a WebSocket. */
export type SocketConstructor = new (url: string, protocols: string[]) => Socket;

/** Whom a connection tells. Nothing follows `ended`, nor a call of {@link Link.drop}. */
export interface LinkListener {
    opened(): void;
    arrived(bytes: ArrayBuffer): void;
    /** It broke, or could not be made; with words if somebody gave some. */
    ended(why: string): void;
}

/** One WebSocket. */
export class Link {
    readonly #socket: Socket;
    #listener: LinkListener | undefined;
    #isOpen = false;
    /** Bytes that the socket was given. */
    #given = 0;
    /** How many of them were told to have gone. */
    #told = 0;

    /** @throws What the constructor throws. */
    constructor(constructor: SocketConstructor, url: URL, listener: LinkListener) {
        this.#listener = listener;
        const socket = new constructor(url.href, [SUBPROTOCOL]);
        this.#socket = socket;
        socket.binaryType = "arraybuffer";
        socket.addEventListener("open", () => this.#opened());
        socket.addEventListener("message", ({ data }) => {
            if (data instanceof ArrayBuffer) this.#listener?.arrived(data);
            else this.#end("it sent text", UNSUPPORTED_DATA);
        });
        // A `close` follows, which ends it. Browsers do not say why, so that pages do not explore networks; others do.
        let why = "";
        socket.addEventListener("error", ({ message }) => (why = message ?? ""));
        socket.addEventListener("close", ({ reason }) => this.#end(reason === "" ? why : reason));
    }

    get isOpen(): boolean {
        return this.#isOpen;
    }

    /** Bytes that the socket was given and has not passed on. It may count its own overhead as well. */
    get buffered(): number {
        const untold = this.#given - this.#told;
        return untold === 0 ? 0 : Math.min(this.#socket.bufferedAmount, untold);
    }

    send(bytes: Uint8Array<ArrayBuffer>): void {
        this.#given += bytes.length;
        this.#socket.send(bytes);
    }

    /** How many bytes have gone since this was called last. */
    gone(): number {
        const gone = this.#given - this.buffered - this.#told;
        this.#told += gone;
        return gone;
    }

    /** Ends the connection when what it was given has gone. */
    drop(code?: number): void {
        this.#listener = undefined;
        this.#isOpen = false;
        try {
            this.#socket.close(code);
        } catch {
            // It was not open yet, and some constructors' sockets say so.
        }
    }

    #opened(): void {
        if (this.#listener === undefined) return;
        if (this.#socket.protocol !== SUBPROTOCOL) return this.#end(`it does not speak ${SUBPROTOCOL}`);
        this.#isOpen = true;
        this.#listener.opened();
    }

    #end(why: string, code?: number): void {
        const listener = this.#listener;
        this.drop(code);
        listener?.ended(why);
    }
}
