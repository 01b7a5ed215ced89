//! What the servers speak, as far as a load generator must.

mod chatcore;
mod floor;
mod irc;
mod nats;
mod redis;

pub(crate) use self::chatcore::Chatcore;
pub(crate) use self::floor::Floor;
pub(crate) use self::irc::Irc;
pub(crate) use self::nats::Nats;
pub(crate) use self::redis::Redis;

use super::Result;

/// One server's language.
pub(crate) trait Dialect {
    /// What is remembered of one connection.
    type Conn: Default;

    /// The server says of each message that it has taken it.
    const SAYS_ACCEPTED: bool = false;

    /// What a new connection says first: who the user is. In the end [`Heard::Ready`] must come.
    fn open(&self, conn: &mut Self::Conn, user: usize, out: &mut Vec<u8>);

    /// What a connection says that comes in place of one that broke.
    fn reopen(&self, conn: &mut Self::Conn, user: usize, out: &mut Vec<u8>);

    /// What stands around a body that goes to somebody.
    fn envelope(&self, to: To, body_bytes: usize) -> Envelope;

    /// Takes one thing off the input. What must be said to it at once is put into `out`.
    fn take<'a>(&self, conn: &mut Self::Conn, input: &mut &'a [u8], out: &mut Vec<u8>) -> Result<Heard<'a>>;

    /// A message is about to be put into `out`.
    fn precede(&self, _conn: &mut Self::Conn, _out: &mut Vec<u8>) {}

    /// All that had arrived is taken, and what is in `out` is about to be written.
    fn settle(&self, _conn: &mut Self::Conn, _out: &mut Vec<u8>) {}
}

/// What was taken off an input.
#[derive(Debug)]
pub(crate) enum Heard<'a> {
    /// It is not whole yet.
    Incomplete,
    /// Nothing that matters.
    Nothing,
    /// The user is known to the server, and is in the room if there is one.
    Ready,
    /// The server has taken a message. Not all say so.
    Accepted(u64),
    /// Somebody's message.
    Message(&'a [u8]),
}

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    User(usize),
    Room,
}

/// What stands before and behind a body.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) before: Vec<u8>,
    pub(crate) after: &'static [u8],
}

/// A name that all servers take: at most nine letters and digits.
fn name(user: usize) -> String {
    format!("u{user:05}")
}

/// Takes a line off the input, without its end; none until it is whole.
fn line<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = input.split_at(end);
    *input = &rest[1..];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// A number in decimal digits.
fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
