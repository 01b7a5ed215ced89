import type { Settings } from "./engine/engine_bg.js";
import { ChatError } from "./error.ts";
import { invalid } from "./given.ts";
import { call } from "./load.ts";
import type { ClientOptions } from "./options.ts";

/** The options that the module knows by these names. */
const SETTINGS = [
    "keepsTrying", "frameBytesMax", "outboxBytesMax", "answerTimeMax", "probeTimeMax", "flushTimeMax", "ackDelay",
    "ackFrames", "firstWait", "longestWait", "waitsResetAfter", "announcedWaitMax",
] as const satisfies readonly (keyof ClientOptions)[];

/** What the module knows of the options.
 *
 * @throws {ChatError} `invalid`, with the option's name and what would be right. */
export function settingsOf(options: ClientOptions): Settings {
    return call(({ Settings }) => {
        const settings = new Settings();
        try {
            fill(settings, options);
        } catch (error) {
            // After a fault the module is not called any more.
            if (error instanceof ChatError) settings.free();
            throw error;
        }
        return settings;
    });
}

function fill(settings: Settings, options: ClientOptions): void {
    for (const name of SETTINGS) {
        const value = options[name];
        if (value === undefined) continue;
        const type = name === "keepsTrying" ? "boolean" : "number";
        if (typeof value !== type) invalid(`${name} must be a ${type}: this is of type ${typeof value}`);
        settings.set(name, Number(value));
    }
    settings.check();
}
