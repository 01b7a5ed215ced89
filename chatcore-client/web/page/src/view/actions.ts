import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Action } from "../model/actions.ts";
import type { Requests } from "../session/requests.ts";
import type { Session } from "../session/session.ts";

/** What the page can do for the person. */
export interface Actions {
    readonly session: Session;
    /** Changes the model, and shows it at once. */
    readonly act: (action: Action) => void;
    /** Opens a conversation. */
    readonly open: (name: string) => void;
    /** Asks the server, and tells why what was asked for was not done; false if there is no session to ask in. */
    readonly ask: (work: (requests: Requests) => Promise<unknown> | void) => boolean;
}

const Context = createContext<Actions | null>(null);

export const ActionsProvider = Context.Provider;

export function useActions(): Actions {
    const actions = useContext(Context);
    if (actions === null) throw new Error("the view is not inside its provider");
    return actions;
}

/** The field in which messages are written: it has the focus when nothing else needs it. */
export const COMPOSER_ID = "composer";

/** Not where that would open a keyboard over what one wants to read. */
export function focusComposer(): void {
    if (!matchMedia("(pointer: fine)").matches) return;
    document.getElementById(COMPOSER_ID)?.focus({ preventScroll: true });
}
