//! One connection at a hub: what it carries.

use alloc::boxed::Box;

use super::conn_id::ConnId;
use super::event::CloseReason;
use super::origins::Share;
use super::reports::EndedSession;
use crate::outbox::Outbox;
use crate::time::Instant;

#[derive(Debug)]
pub(super) struct Conn {
    pub(super) id: ConnId,
    pub(super) state: ConnState,
}

#[derive(Debug)]
pub(super) enum ConnState {
    /// It carries the frames of this session.
    Open(usize),
    /// It is written out, and then closed.
    Closing(Box<Closing>),
}

/// What is still written to a connection that carries no session any more.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) outbox: Outbox,
    pub(super) share: Share,
    /// The driver knows that there is something to write, or will be told: by the session's own announcement.
    pub(super) is_announced: bool,
    /// As [`Session::write_queued`](super::session::Session::write_queued).
    pub(super) write_queued: bool,
    pub(super) reason: CloseReason,
    /// It is written out, or its time is over: the driver is to close it.
    pub(super) is_over: bool,
    /// The session that ended with this connection: what it does not get is reported to the senders.
    pub(super) ended: Option<EndedSession>,
    /// Its entry among the timers.
    pub(super) armed: Option<Instant>,
}
