//! What the core wrote, read again.

use chatcore::wire::{self, Message};

/// Takes all messages off what the core wrote, which must be whole frames of known messages.
pub(crate) fn check_written<'a, M: Message<'a>>(mut bytes: &'a [u8]) -> Vec<M> {
    let mut messages = Vec::new();
    while let Some(content) = wire::take(&mut bytes, u32::MAX).expect("the core writes frames") {
        messages.push(M::decode(content).expect("the core writes messages").expect("the core writes what it knows"));
    }
    assert!(bytes.is_empty(), "the core writes whole frames");
    messages
}
