/** The most entries of one conversation. */
export const ENTRIES_MAX = 1_000;

/** The most UTF-16 units of all texts of one conversation, and of all conversations. */
export const CONVERSATION_UNITS_MAX = 2 << 20;
export const ALL_UNITS_MAX = 8 << 20;

/** The most UTF-16 units of one text: what is longer is cut, and says so. */
export const TEXT_UNITS_MAX = 256 << 10;

/** The most conversations: strangers can begin them. */
export const CONVERSATIONS_MAX = 200;

/** The most rooms, of which a server lets nobody into so many: one that lies does not fill the page. */
export const ROOMS_MAX = 1_000;

/** The most messages that wait to be sent, and the most UTF-16 units of them all: what is kept for a page that is
 * loaded anew has room for these, and nearly as much again for all else. */
export const WAITING_MAX = 200;
export const WAITING_UNITS_MAX = 256 << 10;

/** The most members of a room that the page knows by name. */
export const ROSTER_MAX = 2_000;
