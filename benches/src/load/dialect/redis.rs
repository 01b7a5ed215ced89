//! Redis publish and subscribe over RESP3, so that one connection does both: a channel for each user.

use super::{Dialect, Envelope, Heard, To, line, name, number};
use crate::load::{Failure, Result};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Redis {
    pub(crate) has_room: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Conn {
    subscribed: u32,
}

impl Dialect for Redis {
    type Conn = Conn;

    fn open(&self, _conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        let name = name(user);
        out.extend_from_slice(b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n");
        out.extend_from_slice(format!("*2\r\n$9\r\nSUBSCRIBE\r\n${}\r\n{name}\r\n", name.len()).as_bytes());
        if self.has_room {
            out.extend_from_slice(b"*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nroom\r\n");
        }
    }

    fn reopen(&self, conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        *conn = Conn::default();
        self.open(conn, user, out);
    }

    fn envelope(&self, to: To, body_bytes: usize) -> Envelope {
        let channel = match to {
            To::User(user) => name(user),
            To::Room => "room".to_owned(),
        };
        let before = format!("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{channel}\r\n${body_bytes}\r\n", channel.len());
        Envelope { before: before.into_bytes(), after: b"\r\n" }
    }

    fn take<'a>(&self, conn: &mut Conn, input: &mut &'a [u8], _out: &mut Vec<u8>) -> Result<Heard<'a>> {
        let mut rest = *input;
        // A push of three: what it is, the channel, and the body or how many channels are subscribed to.
        let heard = if rest.starts_with(b">3\r\n") {
            rest = &rest[4..];
            let (Some(what), Some(_channel)) = (bulk(&mut rest)?, bulk(&mut rest)?) else {
                return Ok(Heard::Incomplete);
            };
            if what == b"message" {
                match bulk(&mut rest)? {
                    Some(body) => Heard::Message(body),
                    None => return Ok(Heard::Incomplete),
                }
            } else if skip(&mut rest)? {
                conn.subscribed += 1;
                if conn.subscribed == 1 + u32::from(self.has_room) { Heard::Ready } else { Heard::Nothing }
            } else {
                return Ok(Heard::Incomplete);
            }
        } else if skip(&mut rest)? {
            Heard::Nothing
        } else {
            return Ok(Heard::Incomplete);
        };
        *input = rest;
        Ok(heard)
    }
}

/// Takes a string; none until it is whole.
fn bulk<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>> {
    let mut rest = *input;
    let Some(line) = line(&mut rest) else { return Ok(None) };
    let bytes = line.strip_prefix(b"$").and_then(number).ok_or_else(|| Failure::said(line))?;
    let Some((string, behind)) = rest.split_at_checked(bytes + 2) else { return Ok(None) };
    *input = behind;
    Ok(Some(&string[..bytes]))
}

/// Skips any value. False until it is whole.
fn skip(input: &mut &[u8]) -> Result<bool> {
    let mut rest = *input;
    let mut values = 1;
    while values > 0 {
        values -= 1;
        let Some(line) = line(&mut rest) else { return Ok(false) };
        let (kind, count) = line.split_first().ok_or_else(|| Failure::said(line))?;
        let count = || number(count).ok_or_else(|| Failure::said(line));
        match kind {
            b':' | b'+' | b'_' | b'#' => {}
            b'$' => match rest.split_at_checked(count()? + 2) {
                Some((_, behind)) => rest = behind,
                None => return Ok(false),
            },
            b'*' | b'>' | b'~' => values += count()?,
            b'%' => values += 2 * count()?,
            _ => return Err(Failure::said(line)),
        }
    }
    *input = rest;
    Ok(true)
}
