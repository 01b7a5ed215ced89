//! What a hub and a client answer to input.

use crate::time::Instant;

/// Whether a hub or a client wants more input from a connection: [`Hub::receive`](crate::Hub::receive) and
/// [`Client::receive`](crate::Client::receive) return it. A driver must obey each, so the enum is not
/// `#[non_exhaustive]`.
///
/// ```
/// use chatcore::{Client, ClientConfig, Instant, Received};
///
/// let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
/// let mut input = &b"\xC4chat"[..]; // the start of a preface
/// assert_eq!(client.receive(Instant::ZERO, &mut input), Received::NeedInput);
/// assert_eq!(input, b"\xC4chat", "the caller keeps it");
///
/// let mut input = &b"HTTP/1.1 400 Bad Request\r\n"[..];
/// assert_eq!(client.receive(Instant::ZERO, &mut input), Received::Closed);
/// assert!(input.is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// The call has done as much work as one call does. The caller keeps the rest of the input, drains the actions,
    /// serves other connections, and calls again with the rest, whether new bytes have arrived or not. Only a hub
    /// returns this.
    More,
    /// The session or its origin has used up its rate (protocol.md, *Cost*). The caller keeps the rest of the input,
    /// which may be empty, reads nothing more from the transport, and calls again at the given time or later. It goes
    /// on writing. Only a hub returns this.
    Paused {
        /// When the connection may go on.
        until: Instant,
    },
    /// All whole frames are used. The rest of the input is the start of a frame, and the caller keeps it.
    NeedInput,
    /// The connection is closing, or lost. The input is used up, and the caller reads nothing more from this transport.
    Closed,
}
