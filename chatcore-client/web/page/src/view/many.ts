/** A count for a badge. */
export const many = (count: number): string => (count > 99 ? "99+" : String(count));
