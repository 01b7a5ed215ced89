/** Whether the browser lacks what browsers have had for the shortest time of all that the page uses. `build` names the
 * same browsers, and so do `index.html` and the book. */
export const isTooOld = (): boolean => !("timeout" in AbortSignal) || !("findLastIndex" in Array.prototype);
