//! Redis publish and subscribe over RESP3, so that one connection does both: a channel for each user.

use super::client_side::{Envelope, Incoming, Protocol, Recipient, line, number, user_name};
use crate::failure::{Failure, Result};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Redis {
    pub(crate) has_room: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Conn {
    subscribed: u32,
}

impl Protocol for Redis {
    type Conn = Conn;

    fn register(&self, _conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        let name = user_name(user);
        out.extend_from_slice(b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n");
        out.extend_from_slice(format!("*2\r\n$9\r\nSUBSCRIBE\r\n${}\r\n{name}\r\n", name.len()).as_bytes());
        if self.has_room {
            out.extend_from_slice(b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nroom\r\n");
        }
    }

    fn reconnect(&self, conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        *conn = Conn::default();
        self.register(conn, user, out);
    }

    fn envelope(&self, to: Recipient, body_bytes: usize) -> Envelope {
        let channel = match to {
            Recipient::User(user) => user_name(user),
            Recipient::Room => "room".to_owned(),
        };
        let before = format!("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{channel}\r\n${body_bytes}\r\n", channel.len());
        Envelope { before: before.into_bytes(), after: b"\r\n" }
    }

    fn take<'a>(&self, conn: &mut Conn, input: &mut &'a [u8], _out: &mut Vec<u8>) -> Result<Incoming<'a>> {
        let mut rest = *input;
        // A push of three: what it is, the channel, and the body or how many channels are subscribed to.
        let incoming = if rest.starts_with(b">3\r\n") {
            rest = &rest[4..];
            let (Some(what), Some(_channel)) = (bulk(&mut rest)?, bulk(&mut rest)?) else {
                return Ok(Incoming::Incomplete);
            };
            if what == b"message" {
                match bulk(&mut rest)? {
                    Some(body) => Incoming::Message(body),
                    None => return Ok(Incoming::Incomplete),
                }
            } else if skip(&mut rest)? {
                conn.subscribed += 1;
                if conn.subscribed == 1 + u32::from(self.has_room) { Incoming::Ready } else { Incoming::Nothing }
            } else {
                return Ok(Incoming::Incomplete);
            }
        } else if skip(&mut rest)? {
            Incoming::Nothing
        } else {
            return Ok(Incoming::Incomplete);
        };
        *input = rest;
        Ok(incoming)
    }
}

/// Takes a string; none until it is whole.
fn bulk<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>> {
    let mut rest = *input;
    let Some(line) = line(&mut rest) else { return Ok(None) };
    let bytes = line.strip_prefix(b"$").and_then(number).ok_or_else(|| Failure::unexpected(line))?;
    let Some((string, after)) = rest.split_at_checked(bytes + 2) else { return Ok(None) };
    *input = after;
    Ok(Some(&string[..bytes]))
}

/// Skips any value. False until it is whole.
fn skip(input: &mut &[u8]) -> Result<bool> {
    let mut rest = *input;
    let mut values = 1;
    while values > 0 {
        values -= 1;
        let Some(line) = line(&mut rest) else { return Ok(false) };
        let (kind, count) = line.split_first().ok_or_else(|| Failure::unexpected(line))?;
        let count = || number(count).ok_or_else(|| Failure::unexpected(line));
        match kind {
            b':' | b'+' | b'_' | b'#' => {}
            b'$' => match rest.split_at_checked(count()? + 2) {
                Some((_, after)) => rest = after,
                None => return Ok(false),
            },
            b'*' | b'>' | b'~' => values += count()?,
            b'%' => values += 2 * count()?,
            _ => return Err(Failure::unexpected(line)),
        }
    }
    *input = rest;
    Ok(true)
}
