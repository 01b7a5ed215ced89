import type { JSX } from "preact";
import { useMemo } from "preact/hooks";

import type { Conversation } from "../model/types.ts";
import { plain } from "../text/shape.ts";
import { focusComposer, useActions } from "./actions.ts";
import { ClosePanel } from "./close.tsx";
import { Name } from "./name.tsx";

/** How many members are listed. */
const LISTED_MAX = 200;

/** Who is in the room. */
export function Roster({ room, me, onClose }: { room: Conversation; me: string; onClose: () => void }): JSX.Element {
    const { ask } = useActions();
    const members = useMemo(() => [...(room.roster ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)), [room.roster]);
    const write = (name: string): void => {
        ask((requests) => requests.writeTo(name));
        focusComposer();
    };
    return (
        <aside class="roster" id="people" aria-label={`People in ${plain(room.name)}`}>
            <div class="title">
                <h2>
                    People <span class="count">{room.roster === null ? "" : members.length}</span>
                </h2>
                <ClosePanel onClose={onClose} />
            </div>
            <ul class="people">
                {members.slice(0, LISTED_MAX).map(([name, displayName]) => (
                    <li key={name}>
                        {name === me ? (
                            <span class="person">
                                <span class="dot online" aria-hidden="true" />
                                <Name name={name} shown={displayName} />
                                <small>you</small>
                            </span>
                        ) : (
                            <button
                                type="button"
                                class="person"
                                title={`Write to ${plain(name)}`}
                                onClick={() => write(name)}
                            >
                                <span class="dot online" aria-hidden="true" />
                                <Name name={name} shown={displayName} />
                            </button>
                        )}
                    </li>
                ))}
            </ul>
            {members.length > LISTED_MAX && <p class="hint">and {members.length - LISTED_MAX} more</p>}
        </aside>
    );
}
