//! The bare forwarder's.

use super::client_side::{Envelope, Incoming, Protocol, Recipient};
use crate::failure::Result;
use crate::floor::{EVERYBODY, HEADER_BYTES};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor;

#[derive(Debug, Default)]
pub(crate) struct Conn {
    is_ready: bool,
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("it is a small number")
}

impl Protocol for Floor {
    type Conn = Conn;

    fn register(&self, _conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&small(user).to_le_bytes());
    }

    fn reconnect(&self, conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        *conn = Conn::default();
        self.register(conn, user, out);
    }

    fn envelope(&self, to: Recipient, body_bytes: usize) -> Envelope {
        let to = match to {
            Recipient::User(user) => small(user),
            Recipient::Room => EVERYBODY,
        };
        Envelope { before: [small(body_bytes).to_le_bytes(), to.to_le_bytes()].concat(), after: b"" }
    }

    fn take<'a>(&self, conn: &mut Conn, input: &mut &'a [u8], _out: &mut Vec<u8>) -> Result<Incoming<'a>> {
        let Some((header, rest)) = input.split_first_chunk::<HEADER_BYTES>() else { return Ok(Incoming::Incomplete) };
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let Some((body, rest)) = rest.split_at_checked(length) else { return Ok(Incoming::Incomplete) };
        *input = rest;
        if conn.is_ready {
            return Ok(Incoming::Message(body));
        }
        conn.is_ready = true;
        Ok(Incoming::Ready)
    }
}
