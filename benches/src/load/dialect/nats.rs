//! NATS: a subject for each user.

use super::{Dialect, Envelope, Heard, To, line, name, number};
use crate::load::{Failure, Result};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Nats {
    pub(crate) has_room: bool,
}

impl Dialect for Nats {
    type Conn = ();

    fn open(&self, (): &mut (), user: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(b"CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n");
        out.extend_from_slice(format!("SUB {} 1\r\n", name(user)).as_bytes());
        if self.has_room {
            out.extend_from_slice(b"SUB room 2\r\n");
        }
        out.extend_from_slice(b"PING\r\n");
    }

    fn reopen(&self, conn: &mut (), user: usize, out: &mut Vec<u8>) {
        self.open(conn, user, out);
    }

    fn envelope(&self, to: To, body_bytes: usize) -> Envelope {
        let subject = match to {
            To::User(user) => name(user),
            To::Room => "room".to_owned(),
        };
        Envelope { before: format!("PUB {subject} {body_bytes}\r\n").into_bytes(), after: b"\r\n" }
    }

    fn take<'a>(&self, (): &mut (), input: &mut &'a [u8], out: &mut Vec<u8>) -> Result<Heard<'a>> {
        let mut rest = *input;
        let Some(line) = line(&mut rest) else { return Ok(Heard::Incomplete) };
        let heard = if line.starts_with(b"MSG ") {
            let bytes = line.rsplit(|byte| *byte == b' ').next().and_then(number);
            let bytes = bytes.ok_or_else(|| Failure::said(line))?;
            // The body has a line's end of its own.
            let Some((body, behind)) = rest.split_at_checked(bytes + 2) else { return Ok(Heard::Incomplete) };
            rest = behind;
            Heard::Message(&body[..bytes])
        } else if line == b"PING" {
            out.extend_from_slice(b"PONG\r\n");
            Heard::Nothing
        } else if line == b"PONG" {
            Heard::Ready
        } else if line.starts_with(b"INFO ") || line == b"+OK" {
            Heard::Nothing
        } else {
            return Err(Failure::said(line));
        };
        *input = rest;
        Ok(heard)
    }
}
