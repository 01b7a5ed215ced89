//! The end of a hub, which ends its sessions in slices.

use alloc::string::String;

use crate::wire::ReconnectHint;

/// A hub that stops: how far it has come.
#[derive(Debug)]
pub(super) struct ShuttingDown {
    after_ms: Option<u32>,
    address: Option<String>,
    /// Sessions without a connection end first: their messages are lost, and the senders can still be told.
    pub(super) is_at_attached: bool,
    pub(super) next_slot: usize,
}

impl ShuttingDown {
    pub(super) fn new(hint: Option<ReconnectHint<'_>>) -> Self {
        let hint = hint.map(ReconnectHint::bounded);
        Self {
            after_ms: hint.map(|hint| hint.after_ms),
            address: hint.and_then(|hint| hint.address).map(Into::into),
            is_at_attached: false,
            next_slot: 0,
        }
    }

    /// When, and perhaps where, clients are to connect again.
    pub(super) fn hint(&self) -> Option<ReconnectHint<'_>> {
        self.after_ms.map(|after_ms| ReconnectHint { after_ms, address: self.address.as_deref() })
    }
}
