import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { Model } from "../model/types.ts";
import { plain } from "../text/shape.ts";
import { span } from "../text/time.ts";
import { useActions } from "./actions.ts";

/** A silence of the server that is worth a word. */
const SILENCE_MS = 4_000;

const SECOND_MS = 1_000;

/** The milliseconds of `performance.now()`, each second. */
function useNow(isOn: boolean): number {
    const [now, setNow] = useState(performance.now());
    useEffect(() => {
        if (!isOn) return;
        setNow(performance.now());
        const timer = setInterval(() => setNow(performance.now()), SECOND_MS);
        return () => clearInterval(timer);
    }, [isOn]);
    return now;
}

/** How long it is until the next attempt. Screen readers do not read each second. */
export function Countdown({ due }: { due: number }): JSX.Element {
    const now = useNow(true);
    return <span class="countdown" role="timer" aria-live="off">next attempt in {span(due - Math.max(now, performance.now()))}</span>;
}

/** The line that says how the connection is, and what can be done. */
export function Status({ model }: { model: Model }): JSX.Element {
    const { session } = useActions();
    const { link, me } = model;
    useNow(link.kind === "open" || link.kind === "connecting");
    const silence = session.silence ?? 0;
    const isSilent = (link.kind === "open" || link.kind === "connecting") && silence >= SILENCE_MS;
    const name = plain(me?.displayName ?? me?.name ?? "");
    const words = isSilent ? "The server has not answered for a while" : wordsOf(model, name);
    const state = isSilent ? "waiting" : link.kind;
    return (
        <div class={`status ${state}`}>
            <span class="dot" aria-hidden="true" />
            <p role="status" aria-label="Connection">{words}</p>
            {isSilent && <span class="countdown">{span(silence)}</span>}
            {link.kind === "waiting" && <Countdown due={link.due} />}
            {(link.kind === "waiting" || isSilent) && <button type="button" class="small" onClick={() => session.hurry()}>Connect now</button>}
            {link.kind === "ended"
                ? <button type="button" class="small" onClick={() => session.prompt({ name: me?.name ?? "" })}>Sign in again</button>
                : <button type="button" class="small quiet" onClick={() => session.signOut()}>Sign out</button>}
        </div>
    );
}

function wordsOf({ link }: Model, name: string): string {
    switch (link.kind) {
        case "open":
            return `Connected as ${name}`;
        case "connecting":
            return "Connecting…";
        case "waiting":
            return `Not connected: ${link.why}`;
        case "ended":
            return link.why;
    }
}
