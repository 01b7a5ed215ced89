/** How long the page before may take to let go of its session when it is loaded anew. */
const LET_GO_MS = 1_500;

/** How long another tab may take to say that a session is its own, in waits. After each of them comes what has arrived
 * meanwhile: a page that stood still does not take that for silence. */
const ANSWER_WAIT_MS = 50;
const ANSWER_WAITS = 6;

const CHANNEL = "chatcore";

/** What ends a claim. */
export type Release = () => void;

/** A new name for a session among tabs. */
export const newClaim = (): string =>
    [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Claims a session for this tab; null if another tab has it. The claim ends with the page. */
export function claim(name: string): Promise<Release | null> {
    // Browsers have locks on pages from https and from this machine alone.
    return navigator.locks === undefined ? claimByAsking(name) : claimByLock(name);
}

function claimByLock(name: string): Promise<Release | null> {
    return new Promise((resolve) => {
        const held = (): Promise<void> => new Promise((release) => resolve(release));
        const signal = AbortSignal.timeout(LET_GO_MS);
        // Without the time-out, the browser gives this page no locks, and that says nothing of other tabs.
        const refused = (): void => resolve(signal.aborted ? null : claimByAsking(name));
        navigator.locks.request(`${CHANNEL} ${name}`, { signal }, held).catch(refused);
    });
}

interface Call {
    readonly kind: "asks" | "has";
    readonly name: string;
    /** Which tab speaks: of two that ask at once, the lower one lets the other have it. */
    readonly tab: string;
}

/** Tabs ask each other where there are no locks. */
function claimByAsking(name: string): Promise<Release | null> {
    if (typeof BroadcastChannel === "undefined") return Promise.resolve(() => {});
    const channel = new BroadcastChannel(CHANNEL);
    const tab = newClaim();
    const say = (kind: Call["kind"]): void => channel.postMessage({ kind, name, tab } satisfies Call);
    const release = (): void => {
        channel.onmessage = null;
        channel.close();
    };
    return new Promise((resolve) => {
        let isOurs = false;
        channel.onmessage = ({ data }: MessageEvent<Call>): void => {
            if (data.name !== name) return;
            if (!isOurs && (data.kind === "has" || data.tab > tab)) {
                release();
                resolve(null);
            }
            // While we ask, too: one that began to listen later has not heard us.
            else if (data.kind === "asks") say(isOurs ? "has" : "asks");
        };
        say("asks");
        void answersPassed().then(() => {
            isOurs = true;
            resolve(release);
        });
    });
}

async function answersPassed(): Promise<void> {
    for (let waits = 0; waits < ANSWER_WAITS; waits += 1) await new Promise((resolve) => setTimeout(resolve, ANSWER_WAIT_MS));
}
