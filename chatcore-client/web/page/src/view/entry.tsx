import { Component } from "preact";
import type { ComponentChildren, JSX } from "preact";

import { before, clauses } from "../model/members.ts";
import type { Clause } from "../model/members.ts";
import type { Entry, Notice, OwnState, Said } from "../model/types.ts";
import { fold } from "../text/fold.ts";
import { plain, shape } from "../text/shape.ts";
import { clock, whole } from "../text/time.ts";
import { useActions } from "./actions.ts";
import { Name } from "./name.tsx";

interface Props {
    readonly entry: Entry;
    /** The spelling of its sender's name. */
    readonly shown: string;
    /** Whether it says who and when: the one before is of another user, or another time. */
    readonly isFirst: boolean;
    readonly to: string;
}

/** A line of the log. It is drawn again only if it has changed: there can be many. */
export class EntryView extends Component<Props, { isUnfolded: boolean }> {
    override state = { isUnfolded: false };

    override shouldComponentUpdate(next: Props, state: { isUnfolded: boolean }): boolean {
        const { entry, shown, isFirst } = this.props;
        return (
            next.entry !== entry ||
            next.shown !== shown ||
            next.isFirst !== isFirst ||
            state.isUnfolded !== this.state.isUnfolded
        );
    }

    override render(): ComponentChildren {
        const { entry, shown, isFirst, to } = this.props;
        if (entry.kind === "notice") return <NoticeView notice={entry} />;
        const { key, from, state, isMention, time } = entry;
        const classes = ["entry", isFirst && "first", state !== null && "own", state, isMention && "mention"]
            .filter(Boolean)
            .join(" ");
        return (
            <article class={classes} data-key={key}>
                {isMention && <span class="unseen">for you: </span>}
                {isFirst && (
                    <span class="from">
                        <Name name={from} shown={shown} isColoured />
                    </span>
                )}
                {time !== null && (
                    <time dateTime={new Date(time).toISOString()} title={whole(time)}>
                        {clock(time)}
                    </time>
                )}
                {this.#body(entry.text)}
                {state !== null && <State said={entry} state={state} to={to} />}
            </article>
        );
    }

    #body(text: string): JSX.Element {
        if (text.trim() === "") return <div class="body hint">(empty message)</div>;
        const folded = fold(text);
        const { isUnfolded } = this.state;
        return (
            <div class="body" dir="auto">
                <Text text={folded === null || isUnfolded ? text : `${folded}…`} />
                {folded !== null && (
                    <button
                        type="button"
                        class="fold quiet"
                        aria-expanded={isUnfolded}
                        onClick={() => this.setState({ isUnfolded: !isUnfolded })}
                    >
                        {isUnfolded ? "Show less" : `Show all (${text.length} characters)`}
                    </button>
                )}
            </div>
        );
    }
}

const NoticeView = ({ notice: { key, text, traffic } }: { notice: Notice }): JSX.Element => (
    <p class="notice" data-key={key}>
        {traffic === undefined ? <bdi>{plain(text)}</bdi> : clauses(traffic).map(told)}
    </p>
);

const told = ({ names, verb }: Clause, at: number): JSX.Element => (
    <span key={verb}>
        {at > 0 && "; "}
        {names.map((name, at) => [before(at, names.length), <Name key={name} name={name} />])} {verb}
    </span>
);

const Text = ({ text }: { text: string }): JSX.Element => (
    <>
        {shape(text).map((piece, at) => {
            switch (piece.kind) {
                case "text":
                    return piece.text;
                case "mark":
                    return (
                        <span key={at} class="mark" title={piece.title}>
                            {piece.text}
                        </span>
                    );
                case "link":
                    return (
                        <a key={at} href={piece.href} target="_blank" rel="noopener noreferrer">
                            {piece.text}
                        </a>
                    );
            }
        })}
    </>
);

const STATES: Readonly<Record<OwnState, string>> = {
    waiting: "waiting",
    pending: "sending",
    accepted: "accepted",
    undelivered: "not delivered",
    unconfirmed: "may not have arrived",
    failed: "not sent",
};

/** How far a message of ours has come. */
function State({ said, state, to }: { said: Said; state: OwnState; to: string }): JSX.Element {
    const { ask } = useActions();
    if (state === "accepted")
        return (
            <span class="state" role="img" aria-label="accepted" title="The server has it">
                ✓
            </span>
        );
    const why = state === "failed" && said.why !== null ? `: ${plain(said.why)}` : "";
    const again = (): void => void ask((requests) => requests.say(to, said.text, said.key));
    return (
        <span class="state">
            {STATES[state]}
            {why}
            {state !== "pending" && state !== "waiting" && (
                <button type="button" class="small quiet" onClick={again}>
                    Send again
                </button>
            )}
        </span>
    );
}
