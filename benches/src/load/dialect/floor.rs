//! The bare forwarder's.

use super::{Dialect, Envelope, Heard, To};
use crate::floor::{EVERYBODY, HEADER_BYTES};
use crate::load::Result;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor;

#[derive(Debug, Default)]
pub(crate) struct Conn {
    is_ready: bool,
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("it is a small number")
}

impl Dialect for Floor {
    type Conn = Conn;

    fn open(&self, _conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&small(user).to_le_bytes());
    }

    fn reopen(&self, conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        *conn = Conn::default();
        self.open(conn, user, out);
    }

    fn envelope(&self, to: To, body_bytes: usize) -> Envelope {
        let to = match to {
            To::User(user) => small(user),
            To::Room => EVERYBODY,
        };
        Envelope { before: [small(body_bytes).to_le_bytes(), to.to_le_bytes()].concat(), after: b"" }
    }

    fn take<'a>(&self, conn: &mut Conn, input: &mut &'a [u8], _out: &mut Vec<u8>) -> Result<Heard<'a>> {
        let Some((header, rest)) = input.split_first_chunk::<HEADER_BYTES>() else { return Ok(Heard::Incomplete) };
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let Some((body, rest)) = rest.split_at_checked(length) else { return Ok(Heard::Incomplete) };
        *input = rest;
        if conn.is_ready {
            return Ok(Heard::Message(body));
        }
        conn.is_ready = true;
        Ok(Heard::Ready)
    }
}
