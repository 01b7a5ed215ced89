import type { JSX } from "preact";

/** The most that a badge counts. */
const COUNT_MAX = 99;

/** A count on something. The style writes it, so that it is no part of the name of what it is on. */
export const Badge = ({ count, class: classes = "badge" }: { count: number; class?: string }): JSX.Element => (
    <span class={classes} data-count={count > COUNT_MAX ? `${COUNT_MAX}+` : count} aria-hidden="true" />
);
