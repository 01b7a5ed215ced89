//! Sessions and rooms, and what is put into outboxes in which order.

mod borrow;
mod rooms;
mod sessions;

pub(super) use self::borrow::Ordered;
pub(super) use self::rooms::Rooms;
pub use self::sessions::Memory;
pub(super) use self::sessions::{Answer, Attachment, Details, NameForms, Session, Sessions, TimerAction, Watching};
