//! What both ends say when they are given input.

use crate::time::Instant;

/// Whether a hub or a client wants more input from a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// The call has done as much work as one call may do. The rest of the input stays with the caller: drain the
    /// actions, give others their turn, and call again with it. A client never says this.
    More,
    /// The connection has used up its rate. The rest of the input stays with the caller, who reads nothing more from
    /// the transport and calls again at this time. A client never says this.
    Paused {
        /// When it may go on.
        until: Instant,
    },
    /// All whole frames are used; the rest of the input is the start of one, and stays with the caller.
    NeedInput,
    /// The connection is closing: nothing more is read from it, and the input is used up.
    Closed,
}
