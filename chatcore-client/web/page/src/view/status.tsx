import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { Link, Model } from "../model/types.ts";
import { plain } from "../text/shape.ts";
import { span } from "../text/time.ts";
import { useActions } from "./actions.ts";

/** A silence of the server that is worth a word. */
const SILENCE_MS = 4_000;

const SECOND_MS = 1_000;

/** Draws what uses it again each second. */
function useSeconds(isOn: boolean): void {
    const [, setDrawn] = useState(0);
    useEffect(() => {
        if (!isOn) return;
        const timer = setInterval(() => setDrawn((times) => times + 1), SECOND_MS);
        return () => clearInterval(timer);
    }, [isOn]);
}

const canBeSilent = (link: Link): boolean => link.kind === "open" || (link.kind === "connecting" && link.why === null);

/** For how long the server has owed us something; 0 while that is not worth a word. */
export function useSilence(link: Link): number {
    const { session } = useActions();
    const isOn = canBeSilent(link);
    useSeconds(isOn);
    const silence = session.silence ?? 0;
    return isOn && silence >= SILENCE_MS ? silence : 0;
}

/** Whether that is worth a word: what uses it is drawn again when that changes, and not each second. */
export function useIsSilent(link: Link): boolean {
    const { session } = useActions();
    const [isSilent, setIsSilent] = useState(false);
    const isOn = canBeSilent(link);
    useEffect(() => {
        if (!isOn) return;
        const timer = setInterval(() => setIsSilent((session.silence ?? 0) >= SILENCE_MS), SECOND_MS);
        return () => {
            clearInterval(timer);
            setIsSilent(false);
        };
    }, [isOn]);
    return isSilent;
}

export const Silence = ({ ms }: { ms: number }): JSX.Element | null =>
    ms > 0 ? <span class="countdown">silent for {span(ms)}</span> : null;

/** What is being done about a lost connection: it counts down, which screen readers do not read each second. */
export function Attempt({ link }: { link: Link }): JSX.Element | null {
    const { session } = useActions();
    useSeconds(link.kind === "waiting");
    if (link.kind === "connecting" && link.why !== null) return <span class="countdown">connecting…</span>;
    if (link.kind !== "waiting") return null;
    return (
        <span class="countdown" role="timer" aria-live="off">
            next attempt in {span(session.nextAttemptIn ?? 0)}
        </span>
    );
}

/** It stays where it is while an attempt is made, so that nothing jumps. */
export function ConnectNow({ link, class: classes }: { link: Link; class: string }): JSX.Element | null {
    const { session } = useActions();
    if (link.kind === "open" || link.kind === "ended" || (link.kind === "connecting" && link.why === null)) return null;
    return (
        <button
            type="button"
            class={classes}
            aria-disabled={link.kind === "connecting"}
            onClick={() => session.hurry()}
        >
            Connect now
        </button>
    );
}

/** The line that says how the connection is, and what can be done. */
export function Status({ model }: { model: Model }): JSX.Element {
    const { session } = useActions();
    const { link, me } = model;
    const silence = useSilence(link);
    const name = me?.displayName ?? me?.name ?? "";
    const isOut = link.kind === "connecting" && link.why !== null;
    return (
        <div class={`status ${silence > 0 || isOut ? "waiting" : link.kind}`}>
            <span class="dot" aria-hidden="true" />
            <p role="status" aria-label="Connection">
                {wordsOf(link, name, silence)}
            </p>
            <Silence ms={silence} />
            <Attempt link={link} />
            {silence > 0 ? (
                <button type="button" class="small" onClick={() => session.hurry()}>
                    Connect now
                </button>
            ) : (
                <ConnectNow link={link} class="small" />
            )}
            <Leave link={link} name={name} />
        </div>
    );
}

/** Each button is one of its own, so that a click that was begun on one does not end on another. */
function Leave({ link, name }: { link: Link; name: string }): JSX.Element {
    const { session } = useActions();
    if (link.kind === "ended")
        return (
            <button key="again" type="button" class="small" onClick={() => session.prompt({ name })}>
                Sign in again
            </button>
        );
    if ("isNameTaken" in link && link.isNameTaken) {
        return (
            <button key="other" type="button" class="small" onClick={() => session.prompt({ name })}>
                Choose another name
            </button>
        );
    }
    return (
        <button key="out" type="button" class="small quiet" onClick={() => session.signOut()}>
            Sign out
        </button>
    );
}

/** How the connection is, in words. */
export function wordsOf(link: Link, name: string, silence = 0): string {
    if (silence > 0) return "The server has not answered for a while";
    switch (link.kind) {
        case "open":
            return `Connected as ${plain(name)}`;
        case "connecting":
            return link.why === null ? "Connecting…" : `Not connected: ${plain(link.why)}`;
        case "waiting":
            return `Not connected: ${plain(link.why)}`;
        case "ended":
            return plain(link.why);
    }
}
