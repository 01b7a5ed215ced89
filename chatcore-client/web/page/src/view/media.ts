import { useEffect, useState } from "preact/hooks";

/** A screen on which the conversations do not fit beside one: the same as in `page.css`. */
const NARROW = "(max-width: 680px)";

/** Whether the screen is narrow now. */
export function useIsNarrow(): boolean {
    const [isNarrow, setIsNarrow] = useState(() => matchMedia(NARROW).matches);
    useEffect(() => {
        const query = matchMedia(NARROW);
        const onChange = (): void => setIsNarrow(query.matches);
        query.addEventListener("change", onChange);
        return () => query.removeEventListener("change", onChange);
    }, []);
    return isNarrow;
}
