//! NATS: a subject for each user.

use super::client_side::{Envelope, Incoming, Protocol, Recipient, line, number, user_name};
use crate::failure::{Failure, Result};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Nats {
    pub(crate) has_room: bool,
}

impl Protocol for Nats {
    type Conn = ();

    fn register(&self, (): &mut (), user: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(b"CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n");
        out.extend_from_slice(format!("SUB {} 1\r\n", user_name(user)).as_bytes());
        if self.has_room {
            out.extend_from_slice(b"SUB room 2\r\n");
        }
        out.extend_from_slice(b"PING\r\n");
    }

    fn reconnect(&self, conn: &mut (), user: usize, out: &mut Vec<u8>) {
        self.register(conn, user, out);
    }

    fn envelope(&self, to: Recipient, body_bytes: usize) -> Envelope {
        let subject = match to {
            Recipient::User(user) => user_name(user),
            Recipient::Room => "room".to_owned(),
        };
        Envelope { before: format!("PUB {subject} {body_bytes}\r\n").into_bytes(), after: b"\r\n" }
    }

    fn take<'a>(&self, (): &mut (), input: &mut &'a [u8], out: &mut Vec<u8>) -> Result<Incoming<'a>> {
        let mut rest = *input;
        let Some(line) = line(&mut rest) else { return Ok(Incoming::Incomplete) };
        let incoming = if line.starts_with(b"MSG ") {
            let bytes = line.rsplit(|byte| *byte == b' ').next().and_then(number);
            let bytes = bytes.ok_or_else(|| Failure::unexpected(line))?;
            // The body has a line's end of its own.
            let Some((body, after)) = rest.split_at_checked(bytes + 2) else { return Ok(Incoming::Incomplete) };
            rest = after;
            Incoming::Message(&body[..bytes])
        } else if line == b"PING" {
            out.extend_from_slice(b"PONG\r\n");
            Incoming::Nothing
        } else if line == b"PONG" {
            Incoming::Ready
        } else if line.starts_with(b"INFO ") || line == b"+OK" {
            Incoming::Nothing
        } else {
            return Err(Failure::unexpected(line));
        };
        *input = rest;
        Ok(incoming)
    }
}
