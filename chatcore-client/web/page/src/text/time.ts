const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export const clock = (time: number): string => CLOCK.format(time);
export const day = (time: number): string => DAY.format(time);
export const whole = (time: number): string => WHOLE.format(time);
export const isSameDay = (a: number, b: number): boolean => new Date(a).toDateString() === new Date(b).toDateString();

const MINUTE_MS = 60_000;

/** When so much time has passed, as a time of the day that is not too early, with the day if it is another one. */
export function timeIn(ms: number): string {
    const now = Date.now();
    const then = Math.ceil((now + ms) / MINUTE_MS) * MINUTE_MS;
    return isSameDay(now, then) ? `at ${clock(then)}` : `on ${day(then)} at ${clock(then)}`;
}

/** How long that is, in words: `0 s`, `12 s`, `3 min`. */
export function span(ms: number): string {
    const seconds = Math.max(Math.ceil(ms / 1_000), 0);
    return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
