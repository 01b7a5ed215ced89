//! What a load generator must know of any protocol: the client's side of it.

use crate::failure::Result;

/// The client's side of a protocol.
pub(crate) trait Protocol {
    /// State of one connection.
    type Conn: Default;

    /// Whether the server says of each message that it has accepted it.
    const HAS_ACCEPTANCE: bool = false;

    /// Whether a client that comes back gets the messages again that it had not acknowledged.
    const HAS_REDELIVERY: bool = false;

    /// Writes what a new connection says first: who the user is. In the end [`Incoming::Ready`] must come.
    fn register(&self, conn: &mut Self::Conn, user: usize, out: &mut Vec<u8>);

    /// Writes what a connection says first that replaces a broken one.
    fn reconnect(&self, conn: &mut Self::Conn, user: usize, out: &mut Vec<u8>);

    /// What stands around a body on its way to a recipient.
    fn envelope(&self, to: Recipient, body_bytes: usize) -> Envelope;

    /// Takes one item off the input. It writes to `out` what the item must be answered with at once.
    fn take<'a>(&self, conn: &mut Self::Conn, input: &mut &'a [u8], out: &mut Vec<u8>) -> Result<Incoming<'a>>;

    /// A message is about to be written to `out`.
    fn before_message(&self, _conn: &mut Self::Conn, _out: &mut Vec<u8>) {}

    /// All input has been taken, and `out` is about to be flushed.
    fn before_flush(&self, _conn: &mut Self::Conn, _out: &mut Vec<u8>) {}
}

/// An item of an input.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// The item is not whole yet.
    Incomplete,
    /// Nothing that matters.
    Nothing,
    /// The server knows the user, who is in the room if there is one.
    Ready,
    /// The server has accepted this many messages.
    Accepted(u64),
    /// The body of a message.
    Message(&'a [u8]),
}

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recipient {
    User(usize),
    Room,
}

/// The bytes before and after a body.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) before: Vec<u8>,
    pub(crate) after: &'static [u8],
}

/// A name that all servers take: at most nine letters and digits.
pub(super) fn user_name(user: usize) -> String {
    format!("u{user:05}")
}

/// Takes a line off the input, without its end; none until it is whole.
pub(super) fn line<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = input.split_at(end);
    *input = &rest[1..];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// A number in decimal digits.
pub(super) fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
