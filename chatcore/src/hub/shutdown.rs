//! The end of a hub, which ends its sessions in slices.

use crate::reconnect::Reconnect;
use crate::wire::ReconnectHint;

/// A hub that stops: how far it has come.
#[derive(Debug)]
pub(super) struct ShuttingDown {
    reconnect: Option<Reconnect>,
    /// Sessions without a connection end first: their messages are lost, and the senders can still be told.
    pub(super) is_at_attached: bool,
    pub(super) next_slot: usize,
}

impl ShuttingDown {
    pub(super) fn new(reconnect: Option<&Reconnect>) -> Self {
        Self { reconnect: reconnect.cloned(), is_at_attached: false, next_slot: 0 }
    }

    /// When, and perhaps where, clients are to connect again.
    pub(super) fn hint(&self) -> Option<ReconnectHint<'_>> {
        self.reconnect.as_ref().map(Reconnect::hint)
    }
}
