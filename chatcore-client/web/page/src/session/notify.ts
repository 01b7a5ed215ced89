import { plain } from "../text/shape.ts";
import { mentions } from "../text/mentions.ts";
import type { Model } from "../model/types.ts";

/** The most characters of a message that a notification shows. */
const BODY_UNITS_MAX = 200;

/** Whether somebody can be asked to allow notifications. */
export const canAsk = (): boolean =>
    typeof Notification !== "undefined" && isSecureContext && Notification.permission === "default";

/** Asks the browser, which asks the person. */
export const ask = (): Promise<unknown> => Notification.requestPermission();

/** Notifies of a message that is for us, if the person does not see the page and has allowed it: only then is the model
 * asked for. A click opens its conversation. */
export function notify(
    modelNow: () => Model,
    { from, room, text }: { from: string; room: string | null; text: string },
    open: (name: string) => void,
): void {
    if (document.hasFocus() || typeof Notification === "undefined" || Notification.permission !== "granted") return;
    const { me } = modelNow();
    if (me === null || from === me.name) return;
    if (room !== null && !mentions(text, me.name, me.displayName)) return;
    try {
        // One for each conversation: a flood does not fill the screen.
        const shown = new Notification(plain(room === null ? from : `${from} in ${room}`), {
            body: plain(text.slice(0, BODY_UNITS_MAX)),
            tag: room ?? from,
        });
        shown.onclick = (): void => {
            window.focus();
            shown.close();
            open(room ?? from);
        };
    } catch {
        // Some browsers have them for service workers alone.
    }
}
