//! All sessions and their connections: the one place that puts bytes into a session's outbox, and that attaches,
//! detaches and ends a session. What an end means for others is told by whoever called, from the value that it returns.

mod answers;
mod conns;
mod former_names;
mod memory;
mod outboxes;
mod own;
mod own_limits;
mod renaming;
mod session;
mod shares;
mod store;
mod users;

pub(in crate::hub) use self::answers::Answer;
pub(in crate::hub) use self::former_names::NewName;
pub use self::memory::Memory;
pub(in crate::hub) use self::session::{
    Attachment, BegunList, Details, LISTED_NAME_BYTES, Membership, MissedRun, Rare, Session, TimerAction, Watching,
};
pub(in crate::hub) use self::store::Sessions;
