import { render } from "preact";

import { Session } from "./session/session.ts";
import { Store } from "./session/store.ts";
import { tell } from "./session/tell.ts";
import { broken } from "./session/words.ts";
import { ActionsProvider } from "./view/actions.ts";
import type { Actions } from "./view/actions.ts";
import { App, Guard } from "./view/app.tsx";

const store = new Store();
const session = new Session(store);
const actions: Actions = {
    session,
    act: (action) => {
        store.dispatch(action);
        store.flush();
    },
    open: (name) => {
        if (session.requests !== null) return session.requests.open(name);
        store.dispatch({ type: "open", name });
        store.flush();
    },
    ask: (work) => {
        const { requests } = session;
        if (requests !== null) {
            const asked = work(requests);
            if (asked !== undefined) tell(store, asked);
        }
        store.flush();
        return requests !== null;
    },
};

const root = document.getElementById("page");
if (root !== null) {
    root.textContent = "";
    store.onDraw((model) =>
        render(
            <ActionsProvider value={actions}>
                <Guard>
                    <App model={model} />
                </Guard>
            </ActionsProvider>,
            root,
        ),
    );
    watchAttention();
    addEventListener("keydown", actOnce, { capture: true });
    // Nothing fails without a word.
    addEventListener("error", ({ error, filename }) => {
        if (filename === import.meta.url) fail(error);
    });
    addEventListener("unhandledrejection", ({ reason }) => {
        if (reason instanceof Error && reason.stack?.includes(import.meta.url) === true) fail(reason);
    });
    session.start().catch(fail);
}

/** The person sees the page: what comes is read. */
function watchAttention(): void {
    const look = (): void =>
        store.dispatch({ type: "seen", isSeen: document.visibilityState === "visible" && document.hasFocus() });
    for (const sign of ["focus", "blur", "pageshow"]) addEventListener(sign, look);
    document.addEventListener("visibilitychange", look);
    look();
}

/** An Enter that is held acts once: that can move the focus, and the rest of the press is not for what has it then. */
function actOnce(event: KeyboardEvent): void {
    if (event.key !== "Enter" || !event.repeat || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
}

function fail(error: unknown): void {
    // It is nothing of ours: a browser tells so of an observer that goes on in the next frame.
    if (!(error instanceof Error)) return;
    const [title, words] = broken(error);
    store.dispatch({ type: "phase", phase: { kind: "broken", title, words } });
}
