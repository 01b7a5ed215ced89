//! Any bytes, as a server gets them from a connection that it does not know yet.

use chatcore::wire::{HubMessage, PREFACE_BYTES, Preface};
use chatcore::{Action, ConnId, Handshake, HandshakeError, Hub, HubEvent, Instant, Limits, Received};

use crate::written::check_written;

/// The first byte is the size of the pieces in which the others arrive. However they are cut, the outcome is the
/// same, the answers are well-formed, and nobody else notices.
pub fn server_input(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else { return };
    let whole = Outcome::of(stream, stream.len().max(1));
    let pieces = Outcome::of(stream, usize::from(*piece) + 1);
    assert_eq!(whole, pieces, "the same bytes, cut otherwise");
    if !matches!(whole.error, Some(HandshakeError::OtherProtocol(_))) && !whole.written.is_empty() {
        assert_eq!(whole.written[..PREFACE_BYTES], Preface::OURS.encode());
        check_written::<HubMessage<'_>>(&whole.written[PREFACE_BYTES..]);
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    error: Option<HandshakeError>,
    written: Vec<u8>,
    closes: Vec<Action>,
    events: Vec<HubEvent>,
}

impl Outcome {
    fn of(stream: &[u8], piece: usize) -> Self {
        let limits = Limits::default().with_body_bytes_max(256).with_outbox_bytes_max(8192);
        let mut hub = Hub::new(limits, [7; 32]);
        let bystander = admit_bystander(&mut hub);
        let mut server =
            Connection { handshake: Handshake::new(Instant::ZERO, hub.limits()), hub, conn: None, written: Vec::new() };
        let mut arrived = Vec::new();
        let mut error = None;
        for piece in stream.chunks(piece) {
            arrived.extend_from_slice(piece);
            let mut input = &arrived[..];
            match server.take_in(&mut input) {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => {
                    error = Some(why);
                    break;
                }
            }
            let used = arrived.len() - input.len();
            arrived.drain(..used);
        }
        let mut closes = Vec::new();
        while let Some(action) = server.hub.poll_action() {
            closes.extend(Some(action).filter(|action| matches!(action, Action::Close { .. })));
        }
        let events = std::iter::from_fn(|| server.hub.poll_event()).collect();
        server.written.extend(server.handshake.transmit().concat());
        if let Some(conn) = server.conn {
            let unwritten = server.hub.transmit(conn).concat();
            let limit = server.hub.limits().outbox_bytes_max as usize;
            // The reserve for answers, and a farewell with its longest detail.
            assert!(unwritten.len() <= limit + limit / 4 + 1024, "an outbox is bounded");
            server.written.extend(unwritten);
        }
        assert!(server.hub.name(bystander).is_some(), "nobody else is touched");
        server.check_end();
        Self { error, written: server.written, closes, events }
    }
}

struct Connection {
    hub: Hub,
    handshake: Handshake,
    conn: Option<ConnId>,
    written: Vec<u8>,
}

impl Connection {
    /// False if no more is read.
    fn take_in(&mut self, input: &mut &[u8]) -> Result<bool, HandshakeError> {
        loop {
            if let Some(conn) = self.conn {
                let received = self.hub.receive(Instant::ZERO, conn, input).expect("it is not drained before the end");
                return Ok(received == Received::NeedInput);
            }
            let Some(registration) = self.handshake.receive(Instant::ZERO, input)? else { return Ok(true) };
            match self.hub.admit(Instant::ZERO, registration) {
                Ok(conn) => self.conn = Some(conn),
                Err(not_admitted) => self.handshake.refuse(Instant::ZERO, &not_admitted.refusal)?,
            }
        }
    }
}

impl Connection {
    /// A connection that is closing stays so, whatever else arrives, and is gone once it has been written out.
    fn check_end(&mut self) {
        let Some(conn) = self.conn.filter(|conn| self.hub.name(*conn).is_none()) else { return };
        let unwritten = self.hub.transmit(conn).concat();
        let mut input = &b"\x01\0\0\0\xff"[..];
        assert_eq!(self.hub.receive(Instant::ZERO, conn, &mut input), Ok(Received::Closed));
        assert!(input.is_empty(), "what is not read is not kept either");
        assert_eq!(self.hub.transmit(conn).concat(), unwritten, "nothing follows the farewell");
        self.hub.transmitted(Instant::ZERO, conn, unwritten.len()).expect("it is there until it is written out");
        let end = std::iter::from_fn(|| self.hub.poll_action()).collect::<Vec<_>>();
        assert!(matches!(end[..], [Action::Close { conn: closed, .. }] if closed == conn), "{end:?}");
    }
}

/// Alice is there already, so that her name is in use.
fn admit_bystander(hub: &mut Hub) -> ConnId {
    let mut opening = Preface::OURS.encode().to_vec();
    opening.extend(b"\x0d\0\0\0\x01\x05alice\0\xfc\0\0\x01\0");
    let mut handshake = Handshake::new(Instant::ZERO, hub.limits());
    let registration = handshake.receive(Instant::ZERO, &mut &opening[..]).expect("it is right").expect("it is whole");
    let conn = hub.admit(Instant::ZERO, registration).expect("the hub is empty");
    while hub.poll_action().is_some() {}
    let unwritten = hub.transmit(conn).concat().len();
    hub.transmitted(Instant::ZERO, conn, unwritten).expect("alice is there");
    conn
}
