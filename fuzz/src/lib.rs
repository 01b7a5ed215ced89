//! What the fuzzer does with its bytes. Each target is a plain function, so that `cargo test` can run the
//! corpus through it without a fuzzer.

mod client_input;
mod hub_operations;
mod operation;
mod rates;
mod seeds;
mod server_input;
mod session_operations;
mod stream;

pub use client_input::client_input;
pub use hub_operations::hub_operations;
pub use operation::{Operation, UserMessage};
pub use seeds::{Seed, seeds};
pub use server_input::server_input;
pub use session_operations::{Happening, session_operations};

/// A target: its name, which is also its folder in the corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 4] = [
    ("server_input", server_input),
    ("client_input", client_input),
    ("hub_operations", hub_operations),
    ("session_operations", session_operations),
];

/// Takes all messages off what the core wrote, which must be whole frames of known messages.
fn check_written<'a, M: chatcore::wire::Message<'a>>(mut bytes: &'a [u8]) -> Vec<M> {
    let mut messages = Vec::new();
    while let Some(content) = chatcore::wire::take(&mut bytes, u32::MAX).expect("the core writes frames") {
        messages.push(M::decode(content).expect("the core writes messages").expect("the core writes what it knows"));
    }
    assert!(bytes.is_empty(), "the core writes whole frames");
    messages
}
