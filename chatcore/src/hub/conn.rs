//! One connection at a hub: what it carries.

use alloc::boxed::Box;

use super::ended_session::EndedSession;
use super::event::CloseReason;
use super::origins::Share;
use crate::outbox::Outbox;
use crate::time::Instant;

#[derive(Debug)]
pub(super) struct Conn {
    /// Of its id, which also has its index.
    pub(super) serial: u32,
    /// Bytes that the driver has taken, and has not reported as transmitted.
    pub(super) on_their_way: u32,
    pub(super) state: ConnState,
}

/// Every connection has one.
const _: () = assert!(size_of::<Conn>() <= 24);

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
