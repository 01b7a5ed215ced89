import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Link, Phase } from "../model/types.ts";
import { plain } from "../text/shape.ts";
import { useActions } from "./actions.ts";
import { Logo } from "./logo.tsx";
import { Attempt, ConnectNow, Silence, useSilence, wordsOf } from "./status.tsx";

type Props = { phase: Phase & { kind: "prompt" }; link: Link };

/** Asks for a name, and for a password if there is one. */
export function Prompt({ phase, link }: Props): JSX.Element {
    const { session } = useActions();
    const [hasPassword, setHasPassword] = useState(false);
    const [name, password] = [useRef<HTMLInputElement>(null), useRef<HTMLInputElement>(null)];
    const { isBusy, error, note, asksPassword } = phase;
    const showsPassword = hasPassword || asksPassword;
    useLayoutEffect(() => {
        if (isBusy) return;
        const field = asksPassword ? password.current : name.current;
        field?.focus();
        field?.select();
    }, [isBusy, asksPassword, error]);
    const submit = (event: Event): void => {
        event.preventDefault();
        const given = name.current?.value.trim() ?? "";
        if (given === "") name.current?.focus();
        else session.register(given, password.current?.value ?? "");
    };
    return (
        <main class="prompt">
            <form onSubmit={submit} aria-label="Start chatting">
                <div>
                    <Logo />
                    <h1>chatcore</h1>
                </div>
                {note !== null && <p class="note">{plain(note)}</p>}
                <div>
                    <label for="name">Your name</label>
                    <input
                        id="name"
                        ref={name}
                        defaultValue={phase.name}
                        autocomplete="nickname"
                        autocapitalize="none"
                        spellcheck={false}
                        readOnly={isBusy}
                        aria-describedby="prompt-error"
                        aria-invalid={error !== null}
                        required
                    />
                </div>
                {showsPassword && (
                    <div>
                        <label for="password">Password</label>
                        <input
                            id="password"
                            type="password"
                            ref={password}
                            autocomplete="current-password"
                            maxLength={1024}
                            readOnly={isBusy}
                        />
                    </div>
                )}
                <div id="prompt-error" role="alert">
                    {error !== null && <p class="error">{plain(error)}</p>}
                </div>
                {isBusy ? (
                    <Waiting link={link} name={phase.name} />
                ) : (
                    <button type="submit" class="primary">
                        Start chatting
                    </button>
                )}
                {!showsPassword && !isBusy && (
                    <button type="button" class="quiet" onClick={() => setHasPassword(true)}>
                        I have a password
                    </button>
                )}
                <p class="hint">
                    Others see this name. You meet everybody in <strong>#lobby</strong>.
                </p>
            </form>
        </main>
    );
}

function Waiting({ link, name }: { link: Link; name: string }): JSX.Element {
    const { session } = useActions();
    const silence = useSilence(link);
    return (
        <div class="waiting">
            <p role="status" aria-label="Connection">
                {wordsOf(link, name, silence)}
            </p>
            <Silence ms={silence} />
            <Attempt link={link} />
            <span class="buttons">
                <ConnectNow link={link} class="primary" />
                <button type="button" onClick={() => session.prompt({ name })}>
                    Cancel
                </button>
            </span>
        </div>
    );
}
