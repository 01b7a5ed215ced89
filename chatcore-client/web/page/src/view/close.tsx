import type { JSX } from "preact";

/** Closes what lies over the conversation on a narrow screen. */
export const ClosePanel = ({ onClose }: { onClose: () => void }): JSX.Element => (
    <button type="button" class="narrow icon close" aria-label="Back to the conversation" onClick={onClose}>
        <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M5 5l10 10M15 5L5 15" />
        </svg>
    </button>
);
