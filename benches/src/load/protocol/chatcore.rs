//! Ours, with every duty of a client: it counts what it gets, and acknowledges as lazily as `chatcore::Client` does.

use std::time::Instant;

use chatcore::wire::{
    self, Ack, ClientMessage, HubMessage, Join, Kind, Message, PREFACE_BYTES, Pong, Preface, Register, Resume, Send,
    Token,
};
use chatcore::{ClientConfig, Limits};

use super::client_side::{Envelope, Incoming, Protocol, Recipient, user_name};
use crate::failure::{Failure, Result};

const ROOM: &str = "#room";

#[derive(Clone, Debug)]
pub(crate) struct Chatcore {
    pub(crate) has_room: bool,
    pub(crate) body_bytes: usize,
    /// How a client acknowledges unless it is told otherwise.
    pub(crate) client: ClientConfig,
    pub(crate) frame_bytes_max: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Conn {
    is_greeted: bool,
    /// Numbered frames that have come.
    received: u64,
    acknowledged: u64,
    pending_bytes: usize,
    /// Since when something has been waiting to be acknowledged.
    since: Option<Instant>,
    token: Option<Token>,
    attempts: u64,
}

impl Chatcore {
    pub(crate) fn new(has_room: bool, body_bytes: usize) -> Self {
        let limits = Limits::default();
        Self { has_room, body_bytes, client: ClientConfig::default(), frame_bytes_max: limits.frame_bytes_max() }
    }
}

impl Conn {
    const fn pending(&self) -> u64 {
        self.received - self.acknowledged
    }

    fn acknowledge(&mut self, out: &mut Vec<u8>) {
        ClientMessage::Ack(Ack { count: self.received }).encode(out);
        self.acknowledged = self.received;
        self.pending_bytes = 0;
        self.since = None;
    }
}

impl Protocol for Chatcore {
    type Conn = Conn;

    const HAS_ACCEPTANCE: bool = true;
    const HAS_REDELIVERY: bool = true;

    fn register(&self, _conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&Preface::OURS.encode());
        ClientMessage::Register(Register { name: &user_name(user), credential: b"", frame_bytes_max: u32::MAX })
            .encode(out);
    }

    fn reconnect(&self, conn: &mut Conn, user: usize, out: &mut Vec<u8>) {
        let token = conn.token.expect("it was registered");
        conn.is_greeted = false;
        conn.attempts += 1;
        // What came since the last acknowledgement counts as never seen, so that it must come again.
        conn.received = conn.acknowledged;
        let received = Some(conn.received);
        out.extend_from_slice(&Preface::OURS.encode());
        ClientMessage::Resume(Resume {
            name: &user_name(user),
            token,
            received,
            attempt: conn.attempts,
            frame_bytes_max: u32::MAX,
        })
        .encode(out);
    }

    fn envelope(&self, to: Recipient, body_bytes: usize) -> Envelope {
        let mut before = Vec::new();
        let name = match to {
            Recipient::User(user) => user_name(user),
            Recipient::Room => ROOM.to_owned(),
        };
        ClientMessage::Send(Send { to: &name, body: &vec![0; body_bytes] }).encode(&mut before);
        before.truncate(before.len() - body_bytes);
        Envelope { before, after: b"" }
    }

    fn take<'a>(&self, conn: &mut Conn, input: &mut &'a [u8], out: &mut Vec<u8>) -> Result<Incoming<'a>> {
        if !conn.is_greeted {
            let Some((preface, rest)) = input.split_first_chunk::<PREFACE_BYTES>() else {
                return Ok(Incoming::Incomplete);
            };
            if *preface != Preface::OURS.encode() {
                return Err(Failure::unexpected(preface));
            }
            conn.is_greeted = true;
            *input = rest;
        }
        let content = wire::take(input, self.frame_bytes_max).map_err(Failure::new)?;
        let Some(content) = content else { return Ok(Incoming::Incomplete) };
        if content.kind.is_numbered() {
            conn.received += 1;
            conn.pending_bytes += content.fields.len();
        }
        // A body is the last of the fields, and all bodies have one length.
        if let Kind::DELIVER | Kind::ROOM_DELIVER = content.kind {
            return Ok(Incoming::Message(&content.fields[content.fields.len() - self.body_bytes..]));
        }
        let message = HubMessage::decode(content).map_err(Failure::new)?;
        Ok(match message.expect("the server speaks our version") {
            HubMessage::Accepted(accepted) => Incoming::Accepted(accepted.count()),
            HubMessage::Welcome(welcome) => {
                conn.token = Some(welcome.token);
                // From now on the session outlives its connection.
                ClientMessage::Ack(Ack { count: 0 }).encode(out);
                if self.has_room {
                    ClientMessage::Join(Join { room: ROOM }).encode(out);
                    return Ok(Incoming::Nothing);
                }
                Incoming::Ready
            }
            HubMessage::Done(_) | HubMessage::Resumed(_) => Incoming::Ready,
            HubMessage::Ping(ping) => {
                ClientMessage::Pong(Pong { nonce: ping.nonce }).encode(out);
                Incoming::Nothing
            }
            HubMessage::Ack(_) | HubMessage::Joined(_) | HubMessage::Left(_) => Incoming::Nothing,
            other => return Err(Failure::new(format_args!("the server said {other:?}"))),
        })
    }

    fn before_message(&self, conn: &mut Conn, out: &mut Vec<u8>) {
        if conn.pending() > 0 {
            conn.acknowledge(out);
        }
    }

    fn before_flush(&self, conn: &mut Conn, out: &mut Vec<u8>) {
        let pending = conn.pending();
        if pending == 0 {
            return;
        }
        let is_large = pending >= u64::from(self.client.ack_frames)
            || conn.pending_bytes >= Limits::default().outbox_bytes_max as usize / 16;
        let is_late = conn.since.is_some_and(|since| since.elapsed() >= self.client.ack_delay);
        if !out.is_empty() || is_large || is_late {
            conn.acknowledge(out);
        } else if conn.since.is_none() {
            conn.since = Some(Instant::now());
        }
    }
}
