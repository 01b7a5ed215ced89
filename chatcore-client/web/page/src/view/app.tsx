import { Component } from "preact";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";

import { isRoom } from "../model/types.ts";
import type { Model } from "../model/types.ts";
import { broken } from "../session/words.ts";
import { plain } from "../text/shape.ts";
import { Chat } from "./chat.tsx";
import { Prompt } from "./prompt.tsx";

export function App({ model }: { model: Model }): JSX.Element {
    const title = titleOf(model);
    useEffect(() => {
        document.title = title;
    }, [title]);
    const { phase } = model;
    switch (phase.kind) {
        case "loading":
            return (
                <main class="words">
                    <p role="status">{phase.words}</p>
                    {phase.isLate && <Again />}
                </main>
            );
        case "broken":
            return <Broken title={phase.title} words={phase.words} />;
        case "prompt":
            return <Prompt phase={phase} link={model.link} />;
        case "chat":
            return <Chat model={model} />;
    }
}

const Again = (): JSX.Element => (
    <button type="button" class="primary" onClick={() => location.reload()}>
        Try again
    </button>
);

const Broken = ({ title, words }: { title: string; words: string }): JSX.Element => (
    <main class="words">
        <div role="alert">
            <h1>{title}</h1>
            <p>{plain(words)}</p>
        </div>
        <Again />
    </main>
);

/** With how much is unread that is for us, or a dot if others have said something. */
function titleOf({ phase, open, conversations }: Model): string {
    if (phase.kind !== "chat" || open === null) return "chatcore";
    let [forUs, isUnread] = [0, false];
    for (const { unread, mentions, name } of conversations.values()) {
        forUs += isRoom(name) ? mentions : unread;
        isUnread ||= unread > 0;
    }
    const badge = forUs > 0 ? `(${forUs}) ` : isUnread ? "• " : "";
    return `${badge}${plain(open)} – chatcore`;
}

/** Shows words instead of nothing if the page itself has a fault. */
export class Guard extends Component<{ children: ComponentChildren }, { fault: ReturnType<typeof broken> | null }> {
    override state = { fault: null };

    override componentDidCatch(error: unknown): void {
        this.setState({ fault: broken(error) });
    }

    override render(): ComponentChildren {
        const { fault } = this.state;
        return fault === null ? this.props.children : <Broken title={fault[0]} words={fault[1]} />;
    }
}
