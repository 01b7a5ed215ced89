import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { isRoom } from "../model/types.ts";
import type { Conversation, Model } from "../model/types.ts";
import { ask, canAsk } from "../session/notify.ts";
import { FIRST_ROOM } from "../session/requests.ts";
import { plain } from "../text/shape.ts";
import { focusComposer, useActions } from "./actions.ts";
import { Composer } from "./composer.tsx";
import { Badge } from "./badge.tsx";
import { ClosePanel } from "./close.tsx";
import { Conversations } from "./conversations.tsx";
import { Log } from "./log.tsx";
import { Logo } from "./logo.tsx";
import { useIsNarrow } from "./media.ts";
import { Name } from "./name.tsx";
import { Roster } from "./roster.tsx";
import { Status, useIsSilent } from "./status.tsx";

/** On a narrow screen, one of these is shown over the conversation. */
export type Panel = "conversations" | "people" | null;

export function Chat({ model }: { model: Model }): JSX.Element {
    const [panel, setPanel] = useState<Panel>(null);
    const open = model.open === null ? undefined : model.conversations.get(model.open);
    // What is wrong is not hidden in a panel.
    const isSilent = useIsSilent(model.link);
    const isAbove = useIsNarrow() && (isSilent || model.link.kind !== "open");
    const classes = ["chat", panel !== null && `shows-${panel}`, model.link.kind !== "open" && "is-out"]
        .filter(Boolean)
        .join(" ");
    const label = open === undefined ? "No conversation" : plain(open.name);
    const close = (): void => {
        setPanel(null);
        focusComposer();
    };
    useEffect(() => setPanel(null), [model.open]);
    useEffect(() => {
        if (panel !== null)
            document
                .querySelector<HTMLElement>(panel === "people" ? "#people button" : "#side [role=tab][tabindex='0']")
                ?.focus();
    }, [panel]);
    // Wherever the focus is, from the moment on at which it is seen.
    useLayoutEffect(() => {
        if (panel === null) return undefined;
        const onKeyDown = (event: KeyboardEvent): void => {
            if (event.key === "Escape") close();
        };
        document.addEventListener("keydown", onKeyDown);
        return () => document.removeEventListener("keydown", onKeyDown);
    }, [panel]);
    return (
        <div class={classes}>
            <nav class="side" id="side" aria-label="chatcore">
                <div class="brand">
                    <Logo />
                    <span aria-hidden="true">chatcore</span>
                    <ClosePanel onClose={close} />
                </div>
                <Conversations model={model} />
                <Notify />
                {!isAbove && <Status model={model} />}
            </nav>
            <main>
                <div class="main" id="panel" role="tabpanel" aria-label={label}>
                    {model.warning !== null && (
                        <p class="warning" role="status">
                            {model.warning}
                        </p>
                    )}
                    <Failure words={model.failure} />
                    {isAbove && <Status model={model} />}
                    {open === undefined ? (
                        <Nothing panel={panel} setPanel={setPanel} />
                    ) : (
                        <Opened key={open.name} model={model} open={open} panel={panel} setPanel={setPanel} />
                    )}
                </div>
            </main>
            {open !== undefined && isRoom(open.name) && (
                <Roster room={open} me={model.me?.name ?? ""} onClose={close} />
            )}
            {panel !== null && <div class="shade" onClick={close} />}
        </div>
    );
}

/** Why something was not done, until somebody has read it or goes on. */
function Failure({ words }: { words: string | null }): JSX.Element {
    const { act } = useActions();
    const dismiss = (): void => {
        act({ type: "failure", words: null });
        focusComposer();
    };
    return (
        <div role="alert">
            {words !== null && (
                <p class="warning">
                    {plain(words)}{" "}
                    <button type="button" class="small quiet" onClick={dismiss}>
                        Dismiss
                    </button>
                </p>
            )}
        </div>
    );
}

type PanelProps = { panel: Panel; setPanel: (panel: Panel) => void };

/** What leads to the conversations on a narrow screen. */
const Menu = ({ panel, setPanel, unread }: PanelProps & { unread: number }): JSX.Element => (
    <button
        type="button"
        class="narrow icon"
        aria-label="Conversations"
        aria-expanded={panel === "conversations"}
        aria-controls="side"
        onClick={() => setPanel(panel === "conversations" ? null : "conversations")}
    >
        <Lines />
        {unread > 0 && <Badge count={unread} />}
    </button>
);

const Nothing = (props: PanelProps): JSX.Element => (
    <>
        <header>
            <Menu {...props} unread={0} />
        </header>
        <div class="empty">
            <p>Join a room, or write to somebody.</p>
            <Lobby />
        </div>
    </>
);

type OpenedProps = PanelProps & { model: Model; open: Conversation };

function Opened({ model, open, panel, setPanel }: OpenedProps): JSX.Element {
    const { ask } = useActions();
    const room = isRoom(open.name);
    const others = [...model.conversations.values()].reduce(
        (sum, { unread, name }) => (name === open.name ? sum : sum + unread),
        0,
    );
    return (
        <>
            <header>
                <Menu panel={panel} setPanel={setPanel} unread={others} />
                <h1>
                    <Name name={open.name} />
                </h1>
                {model.link.kind === "open" && <Presence open={open} />}
                <button
                    type="button"
                    class="quiet leave"
                    onClick={({ detail }) => {
                        // A second click is not for the next conversation.
                        if (detail <= 1) ask((requests) => requests.close(open.name));
                    }}
                    aria-label={`${room ? "Leave" : "Close"} ${plain(open.name)}`}
                >
                    {room ? "Leave" : "Close"}
                </button>
                {room && (
                    <button
                        type="button"
                        class="narrow icon"
                        aria-label="People"
                        aria-expanded={panel === "people"}
                        aria-controls="people"
                        onClick={() => setPanel(panel === "people" ? null : "people")}
                    >
                        <Heads />
                        {open.roster !== null && <Badge count={open.roster.size} class="count" />}
                    </button>
                )}
            </header>
            <Log conversation={open} me={model.me} />
            <Composer conversation={open} model={model} />
        </>
    );
}

const Presence = ({ open }: { open: Conversation }): JSX.Element | null => {
    if (isRoom(open.name)) return open.roster === null ? null : <span class="about">{people(open.roster.size)}</span>;
    return open.isOnline === null ? null : (
        <span class={`about ${open.isOnline ? "online" : "offline"}`}>{open.isOnline ? "online" : "not online"}</span>
    );
};

const people = (count: number): string => (count === 1 ? "only you" : `${count} people`);

const Lines = (): JSX.Element => (
    <svg viewBox="0 0 20 20" aria-hidden="true">
        <path d="M3 5h14M3 10h14M3 15h9" />
    </svg>
);

const Heads = (): JSX.Element => (
    <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="7" r="3.2" />
        <path d="M3.5 17c.6-3.6 3-5.2 6.5-5.2s5.9 1.6 6.5 5.2" />
    </svg>
);

/** The way back for somebody who has left everything. */
function Lobby(): JSX.Element {
    const { ask } = useActions();
    const button = useRef<HTMLButtonElement>(null);
    useLayoutEffect(() => button.current?.focus(), []);
    return (
        <button
            type="button"
            class="primary"
            ref={button}
            onClick={() => ask((requests) => requests.join(FIRST_ROOM))}
        >
            Join {FIRST_ROOM}
        </button>
    );
}

/** Offers notifications, as long as the person has not decided. */
function Notify(): JSX.Element | null {
    const [isOffered, setIsOffered] = useState(canAsk);
    if (!isOffered) return null;
    const onClick = (): void => void ask().then(() => setIsOffered(canAsk()));
    return (
        <button type="button" class="notify quiet" onClick={onClick}>
            Notify me of mentions
        </button>
    );
}
