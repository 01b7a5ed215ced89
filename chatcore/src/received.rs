//! What both ends say when they are given input.

/// Whether a hub or a client wants more input from a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// All whole frames are used; the rest of the input is the start of one, and stays with the caller.
    NeedInput,
    /// The connection is closing: nothing more is read from it, and the input is used up.
    Closed,
}
