import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { isRoom } from "../model/types.ts";
import type { Conversation, Model } from "../model/types.ts";
import { plain } from "../text/shape.ts";
import { focusComposer, useActions } from "./actions.ts";
import { Ask } from "./ask.tsx";
import { Badge } from "./badge.tsx";
import { Name } from "./name.tsx";

/** All conversations, as tabs beside each other from top to bottom. */
export function Conversations({ model }: { model: Model }): JSX.Element {
    const { open } = useActions();
    const [asks, setAsks] = useState<"room" | "user" | null>(null);
    const list = useRef<HTMLDivElement>(null);
    const all = [...model.conversations.values()];
    const select = (name: string): void => {
        open(name);
        focusComposer();
    };
    const onKeyDown = (event: KeyboardEvent): void => {
        const tabs = [...(list.current?.querySelectorAll<HTMLElement>("[role=tab]") ?? [])];
        const at = tabs.indexOf(event.target as HTMLElement);
        const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
        if (at < 0 || to === undefined) return;
        event.preventDefault();
        tabs.at(to % tabs.length)?.focus();
    };
    const close = (): void => {
        setAsks(null);
        focusComposer();
    };
    return (
        <div class="conversations">
            <div role="tablist" aria-label="Conversations" aria-orientation="vertical" ref={list} onKeyDown={onKeyDown}>
                {all.map((one) => (
                    <Tab key={one.name} one={one} isOpen={one.name === model.open} onSelect={select} />
                ))}
            </div>
            <div class="more">
                <button type="button" class="quiet" onClick={() => setAsks("room")}>
                    Join a room
                </button>
                <button type="button" class="quiet" onClick={() => setAsks("user")}>
                    Write to somebody
                </button>
            </div>
            {asks !== null && <Ask kind={asks} onClose={close} />}
        </div>
    );
}

type TabProps = { one: Conversation; isOpen: boolean; onSelect: (name: string) => void };

function Tab({ one, isOpen, onSelect }: TabProps): JSX.Element {
    const { name, unread, mentions, isOnline, draft, isJoined } = one;
    const room = isRoom(name);
    const presence = room || isOnline !== false ? "" : ", not online";
    const counts = `${unread > 0 ? `, ${unread} unread` : ""}${room && mentions > 0 ? `, ${mentions} for you` : ""}`;
    const classes = ["tab", unread > 0 && "unread", room && !isJoined && "away"].filter(Boolean).join(" ");
    return (
        <button
            type="button"
            role="tab"
            class={classes}
            aria-selected={isOpen}
            aria-controls="panel"
            tabIndex={isOpen ? 0 : -1}
            aria-label={`${plain(name)}${counts}${presence}`}
            onClick={() => onSelect(name)}
        >
            {room ? (
                <span class="hash" aria-hidden="true" />
            ) : (
                <span class={`dot ${isOnline === true ? "online" : ""}`} aria-hidden="true" />
            )}
            <Name name={name} shown={room ? name.slice(1) : name} />
            {draft !== "" && !isOpen && <span class="pen" title="not sent yet" aria-hidden="true" />}
            {unread > 0 && <Badge count={unread} class={`badge ${!room || mentions > 0 ? "for-us" : ""}`} />}
        </button>
    );
}
