//! What a server has said over one connection, read along as it is written.

use alloc::vec::Vec;

use crate::wire::{self, HubMessage, Message, PREFACE_BYTES};

/// The bytes that were written and are not a whole frame yet.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    preface_is_over: bool,
    /// Numbered frames of the session that are wholly written.
    numbered: u64,
}

impl Outgoing {
    /// These bytes were written.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if !self.preface_is_over && self.bytes.len() >= PREFACE_BYTES {
            self.preface_is_over = true;
            self.bytes.drain(..PREFACE_BYTES);
        }
    }

    /// How many numbered frames of the session are written.
    pub(super) const fn numbered(&self) -> u64 {
        self.numbered
    }

    /// The bodies of messages that are wholly written since the last time.
    pub(super) fn take_bodies(&mut self) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let mut rest = if self.preface_is_over { &self.bytes[..] } else { &[] };
        let whole = rest.len();
        while let Ok(Some(content)) = wire::take(&mut rest, u32::MAX) {
            self.numbered += u64::from(content.kind.is_numbered());
            match HubMessage::decode(content) {
                Ok(Some(HubMessage::Resumed(resumed))) => self.numbered = resumed.sent,
                Ok(Some(HubMessage::Deliver(message))) => bodies.push(message.body.to_vec()),
                Ok(Some(HubMessage::RoomDeliver(message))) => bodies.push(message.body.to_vec()),
                _ => {}
            }
        }
        let used = whole - rest.len();
        self.bytes.drain(..used);
        bodies
    }
}
