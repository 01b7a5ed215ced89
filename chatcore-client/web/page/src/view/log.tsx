import { Component, Fragment, createRef } from "preact";
import type { ComponentChildren, JSX } from "preact";

import { isRoom } from "../model/types.ts";
import type { Conversation, Entry, User } from "../model/types.ts";
import { plain } from "../text/shape.ts";
import { day, isSameDay } from "../text/time.ts";
import { focusComposer } from "./actions.ts";
import { EntryView } from "./entry.tsx";
import { bounds, earlier, later, staying } from "./window.ts";
import type { Window } from "./window.ts";

/** How near to an end it counts as there, in CSS pixels. */
const NEAR_PX = 48;

/** Messages of one sender within this time stand under one name. */
const TOGETHER_MS = 5 * 60_000;

/** If more entries than this come at once, a screen reader does not read them. */
const READ_MAX = 12;

interface Props {
    readonly conversation: Conversation;
    readonly me: User | null;
}

interface State {
    readonly window: Window;
    /** The newest key when the person scrolled away from the end. */
    readonly seenTo: number;
}

/** Where an entry stood before something changed above it. */
interface Anchor {
    readonly key: string;
    readonly top: number;
}

/** What was said. It draws a part of it, and follows the end until the person scrolls away from there. */
export class Log extends Component<Props, State> {
    override state: State = { window: { from: null }, seenTo: 0 };
    readonly #box = createRef<HTMLDivElement>();
    readonly #resized = new ResizeObserver(() => this.#keepEnd());
    /** The newest key that was drawn last. */
    #newest = newest(this.props.conversation.entries);
    /** Up to this key a screen reader reads nothing by itself. */
    #unspokenTo = this.#newest;

    override componentDidMount(): void {
        const box = this.#box.current;
        if (box === null) return;
        this.#resized.observe(box);
        const marker = box.querySelector(".new");
        if (marker === null) this.#keepEnd();
        else marker.scrollIntoView({ block: "center" });
    }

    override componentWillUnmount(): void {
        this.#resized.disconnect();
    }

    override shouldComponentUpdate(next: Props, state: State): boolean {
        const { entries, marker, roster } = this.props.conversation;
        const to = next.conversation;
        return (
            to.entries !== entries ||
            to.marker !== marker ||
            to.roster !== roster ||
            next.me !== this.props.me ||
            state !== this.state
        );
    }

    override getSnapshotBeforeUpdate(): Anchor | null {
        const box = this.#box.current;
        if (box === null || this.#follows) return null;
        const { top } = box.getBoundingClientRect();
        for (const line of box.querySelectorAll<HTMLElement>("[data-key]")) {
            const at = line.getBoundingClientRect();
            if (at.bottom > top) return { key: line.dataset["key"]!, top: at.top };
        }
        return null;
    }

    override componentDidUpdate(before: Props, _: State, anchor: Anchor | null): void {
        const { entries } = this.props.conversation;
        const last = entries.at(-1);
        const isNew = last !== undefined && last.key !== before.conversation.entries.at(-1)?.key;
        const isSaid = isNew && last.kind === "said" && (last.state === "waiting" || last.state === "pending");
        if (isSaid) return this.#toEnd();
        this.#keepEnd();
        const box = this.#box.current;
        if (anchor === null || box === null || this.#follows) return;
        const line = box.querySelector(`[data-key="${anchor.key}"]`);
        if (line !== null) box.scrollTop += line.getBoundingClientRect().top - anchor.top;
    }

    get #follows(): boolean {
        return this.state.window.from === null;
    }

    #keepEnd(): void {
        const box = this.#box.current;
        if (box !== null && this.#follows) box.scrollTop = box.scrollHeight;
    }

    readonly #toEnd = (): void => {
        if (this.#follows) this.#keepEnd();
        else this.#goDown({ from: null });
    };

    /** Draws what has come since the person scrolled away: they go there to read it. */
    #goDown(window: Window): void {
        this.#unspokenTo = newest(this.props.conversation.entries);
        this.setState({ window });
    }

    // The button that is clicked goes.
    readonly #onToEnd = (): void => {
        this.#toEnd();
        focusComposer();
    };

    readonly #onScroll = (): void => {
        const box = this.#box.current;
        if (box === null) return;
        const { entries } = this.props.conversation;
        const { window } = this.state;
        const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
        const [first, end] = bounds(entries, window);
        if (isAtEnd && end === entries.length) {
            if (!this.#follows) this.setState({ window: { from: null } });
        } else if (isAtEnd) {
            this.#goDown(later(entries, window));
        } else if (box.scrollTop < NEAR_PX && first > 0) {
            this.#stay(earlier(entries, window));
        } else if (this.#follows) {
            this.#stay(staying(entries, window));
        }
    };

    #stay(window: Window): void {
        const seenTo = this.#follows ? newest(this.props.conversation.entries) : this.state.seenTo;
        this.setState({ window, seenTo });
    }

    override render(): ComponentChildren {
        const { conversation } = this.props;
        const { entries, name, marker } = conversation;
        const { window, seenTo } = this.state;
        const [first, end] = bounds(entries, window);
        const lines = entries
            .slice(first, end)
            .map((entry, at) => this.#line(entry, entries[first + at - 1], marker));
        const unspoken = Math.max(this.#unspokenEnd(entries) - first, 0);
        const below = window.from === null ? 0 : entries.length - endOf(entries, seenTo);
        const label = isRoom(name) ? `Messages in ${plain(name)}` : `Messages with ${plain(name)}`;
        return (
            <div class="log">
                <div
                    class="lines"
                    ref={this.#box}
                    role="log"
                    aria-label={label}
                    aria-live="polite"
                    aria-relevant="additions"
                    tabIndex={0}
                    onScroll={this.#onScroll}
                >
                    {entries.length === 0 && <Empty conversation={conversation} />}
                    <div class="unspoken" aria-live="off">
                        {conversation.isCut && first === 0 && (
                            <p class="notice">What was said before this is not here any more.</p>
                        )}
                        {lines.slice(0, unspoken)}
                    </div>
                    {lines.slice(unspoken)}
                </div>
                {window.from !== null && (
                    <button type="button" class="to-end" onClick={this.#onToEnd}>
                        {below > 0 ? `${below} new message${below === 1 ? "" : "s"}` : "To the newest"} ↓
                    </button>
                )}
            </div>
        );
    }

    /** Where the entries end that a screen reader does not read by itself: what was there, what comes in a flood, and
     * what the person scrolls to. They stand apart, because a region that is turned on again is read as a whole. */
    #unspokenEnd(entries: readonly Entry[]): number {
        if (entries.length - endOf(entries, this.#newest) > READ_MAX) this.#unspokenTo = newest(entries);
        this.#newest = newest(entries);
        return endOf(entries, this.#unspokenTo);
    }

    /** The spelling of its sender's name. */
    #shown(entry: Entry): string {
        if (entry.kind !== "said") return "";
        const { conversation, me } = this.props;
        const spelling = entry.from === me?.name ? me.displayName : conversation.roster?.get(entry.from);
        return spelling ?? entry.from;
    }

    #line(entry: Entry, before: Entry | undefined, marker: number | null): JSX.Element {
        const time = entry.kind === "said" ? entry.time : null;
        const timeBefore = before?.kind === "said" ? before.time : null;
        const isNewDay = time !== null && timeBefore !== null && !isSameDay(time, timeBefore);
        const isMarked = entry.key === marker;
        return (
            <Fragment key={entry.key}>
                {isNewDay && (
                    <div class="day" role="separator" aria-label={day(time)}>
                        <span aria-hidden="true">{day(time)}</span>
                    </div>
                )}
                {isMarked && (
                    <div class="new" role="separator" aria-label="New">
                        <span aria-hidden="true">New</span>
                    </div>
                )}
                <EntryView
                    entry={entry}
                    shown={this.#shown(entry)}
                    isFirst={isNewDay || isMarked || !isTogether(entry, before)}
                    to={this.props.conversation.name}
                />
            </Fragment>
        );
    }
}

const newest = (entries: readonly Entry[]): number => entries.at(-1)?.key ?? 0;

/** Where the entries up to a key end. */
const endOf = (entries: readonly Entry[], to: number): number => entries.findLastIndex(({ key }) => key <= to) + 1;

/** What to do where nothing has been said. */
function Empty({ conversation: { name, roster } }: { conversation: Conversation }): JSX.Element {
    const isAlone = isRoom(name) && roster !== null && roster.size < 2;
    return (
        <div class="empty">
            <p>{isRoom(name) ? "Nothing has been said since you came." : "Nothing has been said yet."}</p>
            {isAlone && (
                <p>
                    Nobody else is here. Others come in at <code>{location.origin + location.pathname}</code>
                </p>
            )}
        </div>
    );
}

function isTogether(entry: Entry, before: Entry | undefined): boolean {
    if (entry.kind !== "said" || before?.kind !== "said" || entry.from !== before.from) return false;
    // The server has not said yet when it took what we have just sent.
    return Math.abs((entry.time ?? Date.now()) - (before.time ?? Date.now())) < TOGETHER_MS;
}
