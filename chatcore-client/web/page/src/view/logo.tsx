import type { JSX } from "preact";

/** The picture of `icon.svg`, in the colours of the page. */
export const Logo = (): JSX.Element => (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" />
        <path d="M8 11h16M8 16h16M8 21h9" />
    </svg>
);
