//! IRC (RFC 2812).

use super::client_side::{Envelope, Incoming, Protocol, Recipient, line, user_name};
use crate::failure::{Failure, Result};

/// More users than can be asked for.
const USERS_MAX: usize = 20_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Irc {
    pub(crate) has_room: bool,
}

impl Protocol for Irc {
    type Conn = ();

    fn register(&self, (): &mut (), user: usize, out: &mut Vec<u8>) {
        let name = user_name(user);
        out.extend_from_slice(format!("NICK {name}\r\nUSER {name} 0 * :{name}\r\n").as_bytes());
    }

    // The server may not have noticed yet that the old connection broke, and hold its name.
    fn reconnect(&self, conn: &mut (), user: usize, out: &mut Vec<u8>) {
        self.register(conn, user + USERS_MAX, out);
    }

    fn envelope(&self, to: Recipient, _body_bytes: usize) -> Envelope {
        let target = match to {
            Recipient::User(user) => user_name(user),
            Recipient::Room => "#room".to_owned(),
        };
        Envelope { before: format!("PRIVMSG {target} :").into_bytes(), after: b"\r\n" }
    }

    fn take<'a>(&self, (): &mut (), input: &mut &'a [u8], out: &mut Vec<u8>) -> Result<Incoming<'a>> {
        let Some(line) = line(input) else { return Ok(Incoming::Incomplete) };
        let mut words = line.split(|byte| *byte == b' ');
        let mut first = words.next().unwrap_or_default();
        if first.starts_with(b":") {
            first = words.next().unwrap_or_default();
        }
        Ok(match first {
            b"PRIVMSG" => {
                let colon = line[1..].iter().position(|byte| *byte == b':').ok_or_else(|| Failure::unexpected(line))?;
                Incoming::Message(&line[colon + 2..])
            }
            b"PING" => {
                out.extend_from_slice(b"PONG ");
                out.extend_from_slice(words.next().unwrap_or_default());
                out.extend_from_slice(b"\r\n");
                Incoming::Nothing
            }
            b"001" if self.has_room => {
                out.extend_from_slice(b"JOIN #room\r\n");
                Incoming::Nothing
            }
            // Welcome; and the end of the names in a room.
            b"001" | b"366" => Incoming::Ready,
            // No message of the day.
            b"422" => Incoming::Nothing,
            error if error.len() == 3 && matches!(error[0], b'4' | b'5') => {
                return Err(Failure::unexpected(line));
            }
            b"ERROR" => return Err(Failure::unexpected(line)),
            _ => Incoming::Nothing,
        })
    }
}
