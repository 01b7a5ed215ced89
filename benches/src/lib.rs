//! What the benches share: messages to write and read, and a hub full of users without sockets.
#![allow(clippy::missing_errors_doc, reason = "only this crate's own programs and tests call it")]

mod coding;
pub mod conformance;
mod routing;

pub use coding::Coding;
pub use routing::{BATCH_MESSAGES, Routing};

/// The examples of the README and of the book, which are no crate's own docs.
#[cfg(doctest)]
mod examples {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/src/embedding.md")]
    struct Embedding;
}
