import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { isRoom } from "../model/types.ts";
import type { Conversation, Model } from "../model/types.ts";
import { complete, wordBefore } from "../text/complete.ts";
import type { Word } from "../text/complete.ts";
import { plain } from "../text/shape.ts";
import { COMPOSER_ID, useActions } from "./actions.ts";
import { Name } from "./name.tsx";

/** The tallest that the field grows by itself, in CSS pixels. */
const HEIGHT_PX_MAX = 180;

/** The longest text that is taken into the field: with longer ones, browsers take seconds for a key. */
const PASTED_UNITS_MAX = 100_000;

/** Above this many UTF-16 units the field has its greatest height, without being measured. */
const MEASURED_UNITS_MAX = 4_000;

interface Offer {
    readonly word: Word;
    readonly names: readonly string[];
    readonly at: number;
}

const LIST_ID = "names";

/** Where one writes. */
export function Composer({ conversation, model }: { conversation: Conversation; model: Model }): JSX.Element {
    const { act, ask, open } = useActions();
    const field = useRef<HTMLTextAreaElement>(null);
    const [offer, setOffer] = useState<Offer | null>(null);
    const [error, setError] = useState<string | null>(null);
    const { name, draft } = conversation;
    const isOver = model.link.kind === "ended";
    const isOut = isRoom(name) && !conversation.isJoined && model.link.kind === "open" && !model.isBeginning;
    useLayoutEffect(() => {
        if (matchMedia("(pointer: fine)").matches) field.current?.focus({ preventScroll: true });
    }, []);
    useLayoutEffect(() => fit(field.current), [draft]);

    const send = (): void => {
        const text = field.current?.value ?? "";
        if (text.trim() === "" || isOut || isOver || field.current === null) return;
        setOffer(null);
        let excess = 0;
        const isAsked = ask((requests) => {
            excess = requests.excess(text);
            if (excess === 0) requests.say(name, text);
        });
        setError(
            excess > 0
                ? `The server takes no message that is so long: leave out ${excess} bytes, or send it in parts.`
                : null,
        );
        if (isAsked && excess === 0) field.current.value = "";
        fit(field.current);
        field.current.focus({ preventScroll: true });
    };
    const offerNames = (isAsked: boolean): void => {
        const { value = "", selectionStart = 0, selectionEnd = 0 } = field.current ?? {};
        const word = selectionStart === selectionEnd ? wordBefore(value, selectionStart) : null;
        const names = word !== null && (isAsked || word.hasAt) ? complete(word, known(conversation, model)) : [];
        setOffer(word === null || names.length === 0 ? null : { word, names, at: 0 });
        if (isAsked && word !== null && names.length === 1) take(word, names[0]!);
    };
    const take = (word: Word, taken: string): void => {
        const area = field.current;
        if (area === null) return;
        const isFirst = word.start === 0 && isRoom(name);
        area.setRangeText(`${word.hasAt ? "@" : ""}${taken}${isFirst ? ": " : " "}`, word.start, word.end, "end");
        act({ type: "draft", name, text: area.value });
        setOffer(null);
        area.focus({ preventScroll: true });
    };
    const onPaste = (event: ClipboardEvent): void => {
        const pasted = event.clipboardData?.getData("text/plain") ?? "";
        if (pasted.length <= PASTED_UNITS_MAX) return;
        event.preventDefault();
        setError(`That is too long to write here: ${pasted.length} characters, of at most ${PASTED_UNITS_MAX}.`);
    };
    const onInput = (): void => {
        act({ type: "draft", name, text: field.current?.value ?? "" });
        setError(null);
        offerNames(false);
    };
    const onKeyDown = (event: KeyboardEvent): void => {
        if (event.isComposing || event.keyCode === 229) return;
        const { key } = event;
        if (offer !== null && onOfferKey(key, offer)) return event.preventDefault();
        if (key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            send();
        } else if (key === "Tab" && !event.shiftKey && !event.ctrlKey && !event.altKey) {
            // Where there is no name to complete, it moves the focus as everywhere.
            const { value = "", selectionStart = 0 } = field.current ?? {};
            const word = wordBefore(value, selectionStart);
            if (word === null || complete(word, known(conversation, model)).length === 0) return;
            event.preventDefault();
            offerNames(true);
        } else if (event.altKey && (key === "ArrowUp" || key === "ArrowDown")) {
            event.preventDefault();
            const names = [...model.conversations.keys()];
            const to = names.at((names.indexOf(name) + (key === "ArrowUp" ? -1 : 1)) % names.length);
            if (to !== undefined) open(to);
        }
    };
    const onOfferKey = (key: string, { word, names, at }: Offer): boolean => {
        // A name that is typed in full needs no completion.
        if (key === "Enter" && names.length === 1 && names[0] === word.text.toLowerCase()) return false;
        if (key === "Tab" || key === "Enter") take(word, names[at]!);
        else if (key === "Escape") setOffer(null);
        else if (key === "ArrowDown" || key === "ArrowUp") {
            setOffer({ word, names, at: (at + (key === "ArrowDown" ? 1 : names.length - 1)) % names.length });
        } else return false;
        return true;
    };
    const label = `Message to ${plain(name)}`;
    return (
        <div class="composer">
            {offer !== null && (
                <ul role="listbox" aria-label="Names" id={LIST_ID} class="names">
                    {offer.names.map((one, at) => (
                        <li
                            key={one}
                            role="option"
                            id={`${LIST_ID}-${at}`}
                            aria-selected={at === offer.at}
                            onMouseDown={(event) => event.preventDefault()}
                            onClick={() => take(offer.word, one)}
                        >
                            <Name name={one} />
                        </li>
                    ))}
                </ul>
            )}
            {error !== null && (
                <p class="error" role="alert">
                    {error}
                </p>
            )}
            {isOut && (
                <p class="out">
                    You are not in this room.
                    <button
                        type="button"
                        class="small"
                        onClick={() => ask((requests) => requests.join(name))}
                    >
                        Join it again
                    </button>
                </p>
            )}
            <div class="write">
                <label for={COMPOSER_ID} class="to" aria-label={label}>
                    <span aria-hidden="true">to </span>
                    <Name name={name} />
                </label>
                <textarea
                    id={COMPOSER_ID}
                    ref={field}
                    rows={1}
                    defaultValue={draft}
                    aria-label={label}
                    placeholder="Write a message"
                    enterkeyhint="send"
                    aria-autocomplete="list"
                    aria-controls={offer === null ? undefined : LIST_ID}
                    aria-activedescendant={offer === null ? undefined : `${LIST_ID}-${offer.at}`}
                    maxLength={PASTED_UNITS_MAX}
                    onPaste={onPaste}
                    onInput={onInput}
                    onKeyDown={onKeyDown}
                    onBlur={() => setOffer(null)}
                />
                <button
                    type="button"
                    class="send primary"
                    aria-label="Send"
                    title="Send (Enter)"
                    disabled={isOver}
                    onClick={send}
                >
                    <svg viewBox="0 0 20 20" aria-hidden="true">
                        <path d="M10 16V4M5 9l5-5 5 5" />
                    </svg>
                </button>
            </div>
        </div>
    );
}

/** Grows with what is written. */
function fit(area: HTMLTextAreaElement | null): void {
    if (area === null) return;
    if (area.value.length > MEASURED_UNITS_MAX) {
        area.style.height = `${HEIGHT_PX_MAX}px`;
        return;
    }
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, HEIGHT_PX_MAX)}px`;
}

/** The names that may be meant: those who spoke last come first. */
function known(conversation: Conversation, { me }: Model): readonly string[] {
    const names = new Set<string>();
    for (const entry of conversation.entries.slice(-200).reverse()) {
        if (entry.kind === "said") names.add(entry.from);
    }
    for (const name of conversation.roster?.keys() ?? []) names.add(name);
    if (!isRoom(conversation.name)) names.add(conversation.name);
    names.delete(me?.name ?? "");
    return [...names];
}
