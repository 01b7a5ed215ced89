//! IRC (RFC 2812).

use super::{Dialect, Envelope, Heard, To, line, name};
use crate::load::{Failure, Result};

/// More users than can be asked for.
const USERS_MAX: usize = 20_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Irc {
    pub(crate) has_room: bool,
}

impl Dialect for Irc {
    type Conn = ();

    fn open(&self, (): &mut (), user: usize, out: &mut Vec<u8>) {
        let name = name(user);
        out.extend_from_slice(format!("NICK {name}\r\nUSER {name} 0 * :{name}\r\n").as_bytes());
    }

    // The server may not have noticed yet that the old connection broke, and hold its name.
    fn reopen(&self, conn: &mut (), user: usize, out: &mut Vec<u8>) {
        self.open(conn, user + USERS_MAX, out);
    }

    fn envelope(&self, to: To, _body_bytes: usize) -> Envelope {
        let target = match to {
            To::User(user) => name(user),
            To::Room => "#room".to_owned(),
        };
        Envelope { before: format!("PRIVMSG {target} :").into_bytes(), after: b"\r\n" }
    }

    fn take<'a>(&self, (): &mut (), input: &mut &'a [u8], out: &mut Vec<u8>) -> Result<Heard<'a>> {
        let Some(line) = line(input) else { return Ok(Heard::Incomplete) };
        let mut words = line.split(|byte| *byte == b' ');
        let mut first = words.next().unwrap_or_default();
        if first.starts_with(b":") {
            first = words.next().unwrap_or_default();
        }
        Ok(match first {
            b"PRIVMSG" => {
                let colon = line[1..].iter().position(|byte| *byte == b':').ok_or_else(|| Failure::said(line))?;
                Heard::Message(&line[colon + 2..])
            }
            b"PING" => {
                out.extend_from_slice(b"PONG ");
                out.extend_from_slice(words.next().unwrap_or_default());
                out.extend_from_slice(b"\r\n");
                Heard::Nothing
            }
            b"001" if self.has_room => {
                out.extend_from_slice(b"JOIN #room\r\n");
                Heard::Nothing
            }
            // Welcome; and the end of the names in a room.
            b"001" | b"366" => Heard::Ready,
            // No message of the day.
            b"422" => Heard::Nothing,
            error if error.len() == 3 && matches!(error[0], b'4' | b'5') => {
                return Err(Failure::said(line));
            }
            b"ERROR" => return Err(Failure::said(line)),
            _ => Heard::Nothing,
        })
    }
}
