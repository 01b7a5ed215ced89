//! Sessions and rooms, and what is put into outboxes in which order.
//!
//! What was said in a room is fanned out later, and waits until then. Four things must not overtake it, so that each
//! has a borrow of its own that is only to be had once the fan-out has come far enough:
//!
//! - a message to one user, after what was said in that user's rooms: [`Ordered::recipient`];
//! - a join or a leave, while nothing is on its way to members: [`Ordered::membership`];
//! - another name for a user, likewise: [`Ordered::name_of`];
//! - a message to a room, while there is room for it among what waits: [`Ordered::pending_fanout`].
//!
//! What the program says keeps the order of all that it says: to users ([`Ordered::listener`]), to rooms
//! ([`PendingFanout::announce`]), and to all ([`Ordered::announce`]).
//!
//! Whoever forgets to flush has nothing to call: what puts a user's words into an outbox, and what changes who is in a
//! room, is private to this module. Everything else is to be had without an order, from [`Ordered::unordered`]: what a
//! transport did, a session's own answers, news of who is online, and ends.
//!
//! Two things the types do not say. What was said in rooms before a goodbye is still for the client that says it, so a
//! goodbye asks [`Ordered::membership`], too; but an end that no client asked for waits for nothing. And the end of a
//! session is news for its rooms, so that what can wait asks [`Ordered::has_room`] first.

mod announcements;
mod borrow;
mod rooms;
mod sessions;

pub use self::announcements::ANNOUNCEMENTS_MAX;
pub(super) use self::borrow::{Ordered, PendingFanout, Recipient};
pub(super) use self::rooms::Rooms;
pub use self::sessions::Memory;
pub(super) use self::sessions::{
    Answer, Attachment, BegunList, Details, LISTED_NAME_BYTES, NewName, Rare, Session, Sessions, TimerAction, Watching,
};
