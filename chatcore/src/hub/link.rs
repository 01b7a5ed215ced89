//! One connection at a hub: what it is used for.

use alloc::boxed::Box;

use super::conn_id::ConnId;
use super::event::CloseReason;
use super::session::Session;
use crate::name::UserName;
use crate::outbox::Outbox;
use crate::time::Instant;

#[derive(Debug)]
pub(super) struct Link {
    pub(super) conn: ConnId,
    pub(super) role: Role,
}

#[derive(Debug)]
pub(super) enum Role {
    /// Frames of this session come and go.
    Session(usize),
    /// Last words are written out.
    Farewell(Box<Farewell>),
}

/// What is still said to a connection that no session has any more.
#[derive(Debug)]
pub(super) struct Farewell {
    pub(super) outbox: Outbox,
    /// The driver knows that there is something to write, or will be told: by the session's own announcement.
    pub(super) announced: bool,
    /// As [`Session::write_queued`].
    pub(super) write_queued: bool,
    pub(super) reason: CloseReason,
    /// They are written, or their time is over: the driver is told, and then the connection is gone.
    pub(super) is_over: bool,
    /// Whose session ended with this connection: what it does not get is to be reported.
    pub(super) heir: Option<UserName>,
    /// Its entry among the deadlines.
    pub(super) armed: Option<Instant>,
}

impl Farewell {
    /// What is written to a session's connection without the session.
    pub(super) fn after(session: &Session, outbox: Outbox, reason: CloseReason, heir: Option<UserName>) -> Self {
        let (announced, write_queued) = (!session.outbox.is_written(), session.write_queued);
        Self { outbox, announced, write_queued, reason, is_over: false, heir, armed: None }
    }
}
