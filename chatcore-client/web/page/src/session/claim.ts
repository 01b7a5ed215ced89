/** How long the page before may take to let go of its session when it is loaded anew. */
const LET_GO_MS = 1_500;

/** How long another tab may take to say that a session is its own. */
const ANSWER_MS = 300;

const CHANNEL = "chatcore";

/** What ends a claim. */
export type Release = () => void;

/** A new name for a session among tabs. */
export const newClaim = (): string =>
    [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Claims a session for this tab; null if another tab has it. The claim ends with the page. */
export function claim(name: string): Promise<Release | null> {
    // Browsers have locks on pages from https and from this machine alone.
    return navigator.locks === undefined ? claimByAsking(name) : claimByLock(`${CHANNEL} ${name}`);
}

function claimByLock(name: string): Promise<Release | null> {
    return new Promise((resolve) => {
        const held = (): Promise<void> => new Promise((release) => resolve(release));
        navigator.locks.request(name, { signal: AbortSignal.timeout(LET_GO_MS) }, held).catch(() => resolve(null));
    });
}

interface Call {
    readonly kind: "asks" | "has";
    readonly name: string;
}

/** Tabs ask each other where there are no locks. */
function claimByAsking(name: string): Promise<Release | null> {
    if (typeof BroadcastChannel === "undefined") return Promise.resolve(() => {});
    const channel = new BroadcastChannel(CHANNEL);
    return new Promise((resolve) => {
        const answers = setTimeout(() => {
            channel.onmessage = ({ data }: MessageEvent<Call>): void => {
                if (data.kind === "asks" && data.name === name)
                    channel.postMessage({ kind: "has", name } satisfies Call);
            };
            resolve(() => channel.close());
        }, ANSWER_MS);
        channel.onmessage = ({ data }: MessageEvent<Call>): void => {
            if (data.kind !== "has" || data.name !== name) return;
            clearTimeout(answers);
            channel.close();
            resolve(null);
        };
        channel.postMessage({ kind: "asks", name } satisfies Call);
    });
}
