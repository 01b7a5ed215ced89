import type { User } from "chatcore";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { failure } from "../session/words.ts";
import { userOf } from "../text/names.ts";
import { plain } from "../text/shape.ts";
import { useActions } from "./actions.ts";
import { Name } from "./name.tsx";

const WORDS = {
    room: {
        title: "Join a room",
        label: "Room",
        hint: "Everybody who joins a room of the same name is in it. A new name makes a new room.",
        button: "Join",
    },
    user: {
        title: "Write to somebody",
        label: "Name",
        hint: "Nobody else sees what you write to each other.",
        button: "Write",
    },
};

/** A dialog that asks for a room or for a user. */
export function Ask({ kind, onClose }: { kind: "room" | "user"; onClose: () => void }): JSX.Element {
    const { session } = useActions();
    const { title, label, hint, button } = WORDS[kind];
    const [dialog, field] = [useRef<HTMLDialogElement>(null), useRef<HTMLInputElement>(null)];
    const [error, setError] = useState<string | null>(null);
    const [isBusy, setIsBusy] = useState(false);
    const [typed, setTyped] = useState("");
    useLayoutEffect(() => {
        dialog.current?.showModal();
        field.current?.focus();
    }, []);
    const [stop] = useState(() => new AbortController());
    // What is not wanted any more does not open when it is done.
    useEffect(() => () => stop.abort(), []);
    // While it is open, nothing else can have the focus.
    const done = (): void => {
        dialog.current?.close();
        onClose();
    };
    const take = (name: string): void => {
        const { requests } = session;
        const given = name.trim();
        if (given === "" || given === "#" || isBusy) return;
        if (requests === null) return setError("You are not connected.");
        setIsBusy(true);
        const asked = kind === "user" ? requests.write(given, stop.signal) : requests.join(given, stop.signal);
        asked.then(done, (reason: unknown) => {
            if (stop.signal.aborted) return;
            setIsBusy(false);
            setError(failure(reason));
            field.current?.focus();
        });
    };
    const submit = (event: Event): void => {
        event.preventDefault();
        take(field.current?.value ?? "");
    };
    return (
        <dialog ref={dialog} aria-labelledby="ask-title" onClose={onClose}>
            <form onSubmit={submit}>
                <h2 id="ask-title">{title}</h2>
                <div>
                    <label for="ask-field">{label}</label>
                    <span class="field">
                        {kind === "room" && <span aria-hidden="true">#</span>}
                        <input
                            id="ask-field"
                            ref={field}
                            autocomplete="off"
                            autocapitalize="none"
                            spellcheck={false}
                            aria-describedby="ask-hint ask-error"
                            onInput={(event) => setTyped(event.currentTarget.value)}
                            aria-invalid={error !== null}
                        />
                    </span>
                </div>
                <p class="hint" id="ask-hint">
                    {hint}
                </p>
                <div id="ask-error" role="alert">
                    {error !== null && <p class="error">{plain(error)}</p>}
                </div>
                <p class="buttons">
                    <button type="submit" class="primary" disabled={isBusy}>
                        {isBusy ? "Asking…" : button}
                    </button>
                    <button type="button" onClick={done}>
                        Cancel
                    </button>
                </p>
            </form>
            {kind === "user" && <Online typed={typed} onPick={take} />}
        </dialog>
    );
}

/** Who is online and has a name that begins like what is typed, to be picked. */
function Online({ typed, onPick }: { typed: string; onPick: (name: string) => void }): JSX.Element {
    const { session } = useActions();
    const [users, setUsers] = useState<readonly User[] | null>(null);
    const [error, setError] = useState<string | null>(null);
    useEffect(() => {
        let isOver = false;
        session.requests?.online().then(
            (users) => !isOver && setUsers(users),
            (reason: unknown) => !isOver && setError(failure(reason)),
        );
        return () => {
            isOver = true;
        };
    }, []);
    if (error !== null) return <p class="hint">It is not known who is online. {plain(error)}</p>;
    if (users === null) return <p class="hint">Asking who is online…</p>;
    if (users.length === 0) return <p class="hint">Nobody else is online.</p>;
    const begun = userOf(typed);
    return (
        <ul class="people" aria-label="Online">
            {users
                .filter(({ name }) => name.startsWith(begun))
                .map(({ name, displayName }) => (
                    <li key={name}>
                        <button type="button" class="person" onClick={() => onPick(name)}>
                            <span class="dot online" aria-hidden="true" />
                            <Name name={name} shown={displayName} />
                        </button>
                    </li>
                ))}
        </ul>
    );
}
