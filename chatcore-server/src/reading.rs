//! From the transport to the hub, or to a handshake.

use std::io::ErrorKind;
use std::time::Duration;

use chatcore::{ConnId, Hub, Instant, Received, cost_of_read};

use crate::buffers::BUFFER_BYTES_FREE;
use crate::charging::{charge, cost_of_framing};
use crate::config::DriverLimits;
use crate::connection::{Connection, Flow, Kept, Stage};
#[cfg(feature = "websocket")]
use crate::file_responses;
use crate::load::Load;
use crate::log_in::Pool;
use crate::table::Table;
use crate::time_slice::TimeSlice;
use crate::{closing, handshakes, proxied, writing};
use chatcore_transport::{Framing, Input};

/// Bytes of one go, at the most, while somebody waits who has little to say.
const SHORT_BYTES_MAX: usize = 4 << 10;

/// How long a connection that the hub closes is left unread, while all that it is to be told is not written. Then it is
/// read once more, and again: so a peer that writes first and reads then comes to read.
const CLOSING_PAUSE: Duration = Duration::from_millis(100);

/// Bytes that the hub is given before somebody looks at the clock.
const PIECE_BYTES: usize = 64 << 10;

/// One turn of reading: what it reads with, and how long it may take. It has no `Debug`, because the buffer holds what
/// others have said.
pub(crate) struct Reading<'a> {
    pub(crate) hub: &'a mut Hub,
    pub(crate) table: &'a mut Table,
    pub(crate) limits: &'a DriverLimits,
    /// Who decides about registrations.
    pub(crate) pool: Option<&'a Pool>,
    pub(crate) now: Instant,
    pub(crate) time: TimeSlice,
    /// Everything is read into this.
    pub(crate) buffer: &'a mut [u8],
    /// Connections, at the most.
    pub(crate) room: usize,
    /// What the present input has cost.
    pub(crate) cost: u32,
}

/// What became of input that was handed on.
#[derive(Debug)]
enum Fed {
    /// All whole frames are taken.
    All,
    /// Not all is taken, and the rest goes on when others have had their go.
    Part,
    /// Not all is taken, and the rest waits for this time.
    Paused(Instant),
    /// The connection is closing.
    Closed,
}

impl Reading<'_> {
    /// Gives everybody who waits one go, as long as the time lasts: those with little to say first, but a quarter of
    /// the time is for those with much. A connection that does not get its go now gets it in one of the next turns,
    /// before those that come later.
    ///
    /// While the hub is behind with what was said before, or some were left who have little to say, the others are
    /// held, but not for ever.
    pub(crate) fn turn(&mut self, are_heavy_held: bool) {
        let are_alone = are_heavy_held || self.table.read_queue.len(Load::Heavy) == 0;
        let time = if are_alone { self.time } else { self.time.without_last_quarter() };
        self.goes(Load::Light, time);
        if !are_heavy_held {
            // Those included that turned out to have much to say just now.
            self.goes(Load::Heavy, self.time);
        }
    }

    /// One go for everybody in a queue. However little time is left, the first one has its go.
    fn goes(&mut self, load: Load, time: TimeSlice) {
        for _ in 0..self.table.read_queue.len(load) {
            let Some(key) = self.table.next_go(load) else { return };
            self.go(key, load);
            if time.is_over() {
                return;
            }
        }
    }

    /// Takes what a connection has to say, up to its budget.
    fn go(&mut self, key: usize, load: Load) {
        let queue = &self.table.read_queue;
        let is_short = queue.len(Load::Light) > 0 || (load == Load::Light && !queue.is_empty());
        let bytes_max =
            if is_short { SHORT_BYTES_MAX.min(self.limits.turn_bytes_max) } else { self.limits.turn_bytes_max };
        let mut budget = bytes_max;
        if !proxied::take_header(self.hub, self.table, (self.limits, self.room), self.now, key) {
            return;
        }
        let connection = self.table.at(key);
        let goes_on = if connection.flow() == Flow::Continue { self.hand_on_kept(key) } else { true };
        if !goes_on {
            return;
        }
        while let Some(connection) = self.table.get_mut(key) {
            if !connection.readiness.readable {
                return;
            }
            if budget == 0 || (budget < bytes_max && self.time.is_over()) {
                // It has more to say than others have.
                return self.table.wait_for_go(Load::Heavy, key);
            }
            match self.read(key, budget) {
                Some(count) => budget = budget.saturating_sub(count),
                None => return,
            }
        }
    }

    /// Gives the hub what it has not taken yet. Whether more may be read.
    fn hand_on_kept(&mut self, key: usize) -> bool {
        let mut kept = self.table.take_kept(key);
        let mut rest = kept.rest();
        let fed = self.feed_and_charge(key, &mut rest, 0);
        let rest_bytes = rest.len();
        if matches!(fed, Fed::Closed) && kept.bytes.is_empty() && self.is_open(key) {
            // Its pause is over.
            self.table.keep(self.now, key, kept, Flow::Read);
            return true;
        }
        kept.leave(rest_bytes);
        self.keep(key, kept, &fed);
        matches!(fed, Fed::All)
    }

    /// Reads once and hands on what has arrived. None if that was all for now.
    fn read(&mut self, key: usize, budget: usize) -> Option<usize> {
        let bytes_max = budget.min(self.table.read_bytes_max(self.now, key));
        let connection = self.table.at(key);
        let kept_bytes = connection.kept().len();
        // There is room for what was left over last time before what comes now.
        let has_room = kept_bytes <= self.buffer.len() - BUFFER_BYTES_FREE;
        let start = if has_room { kept_bytes } else { 0 };
        let room = bytes_max.min(self.buffer.len() - start);
        let input = connection.transport.read(&mut self.buffer[start..start + room]);
        // It may have answered something that is not for the hub.
        connection.readiness.blocked |= connection.transport.is_blocked();
        let framing = connection.transport.take_framing();
        let (count, is_all) = match input {
            Input::Bytes { count, is_all } => (count, is_all),
            Input::Overhead(count) => return self.take_overhead(key, count, framing).then_some(count),
            Input::None => {
                connection.readiness.readable = false;
                return Some(0);
            }
            Input::End(Err(error)) if error.kind() == ErrorKind::InvalidData => {
                closing::broke_rules(self.table, self.limits, self.now, key, &error);
                return None;
            }
            Input::End(why) => {
                let is_open = matches!(connection.stage, Stage::Open(_));
                if why.is_ok() && is_open {
                    // It may have ended its side alone, and read what is still to be said.
                    self.table.end_input(key, self.now + self.hub.limits().flush_time_max);
                    return None;
                }
                if why.is_ok() {
                    writing::write(self.hub, self.table, self.now, key);
                }
                closing::broke(self.table, key, why);
                return None;
            }
        };
        if is_all && !connection.readiness.ending {
            connection.readiness.readable = false;
        }
        // The shorter one of the two is moved to the longer one: so a byte that comes to a long frame is no long work.
        let is_moved = has_room && kept_bytes <= count;
        let (rest_bytes, fed) =
            if is_moved { self.take_in_buffer(key, count) } else { self.take_in_kept(key, start, count) };
        let is_any_taken = rest_bytes < kept_bytes + count;
        let own_cost = match fed {
            Fed::All if !is_any_taken => cost_of_read(count),
            // Nobody takes what comes now, and reading it is work.
            Fed::Closed => u32::try_from(count >> 10).unwrap_or(u32::MAX).max(1),
            _ => 0,
        };
        // The frames have paid for a part of it.
        let own_cost = own_cost.max(cost_of_framing(framing)).saturating_sub(self.cost);
        let is_paid = charge(self.hub, self.table, self.limits, self.now, key, own_cost);
        (matches!(fed, Fed::All) && is_paid).then_some(count + framing.bytes as usize)
    }

    /// What carries nothing of the stream may have asked for a file. Whether more may be read.
    fn take_overhead(&mut self, key: usize, count: usize, framing: Framing) -> bool {
        #[cfg(feature = "websocket")]
        if file_responses::begin(self.hub, self.table, self.limits, self.now, key) {
            return true;
        }
        if let Stage::Lingering { bytes_left, .. } = &mut self.table.at(key).stage {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let left = bytes_left.checked_sub(count);
            match left {
                Some(left) => *bytes_left = left,
                None => self.table.remove(key),
            }
            return left.is_some();
        }
        // It is work all the same.
        charge(self.hub, self.table, self.limits, self.now, key, cost_of_framing(framing).max(1))
    }

    /// Hands on what is kept and what has come after it, in the shared buffer. Returns how many bytes are left, and
    /// what became of the others.
    fn take_in_buffer(&mut self, key: usize, count: usize) -> (usize, Fed) {
        let kept = self.table.take_kept(key);
        let buffer = std::mem::take(&mut self.buffer);
        let start = kept.rest().len();
        buffer[..start].copy_from_slice(kept.rest());
        let mut rest = &buffer[..start + count];
        let fed = self.feed_and_charge(key, &mut rest, count);
        let kept = self.table.copy_rest(kept.bytes, rest);
        let rest_bytes = rest.len();
        self.buffer = buffer;
        self.keep(key, kept, &fed);
        (rest_bytes, fed)
    }

    /// The same where the rest is kept.
    fn take_in_kept(&mut self, key: usize, start: usize, count: usize) -> (usize, Fed) {
        let mut kept = self.table.take_kept(key);
        kept.bytes.drain(..kept.used as usize);
        kept.bytes.extend_from_slice(&self.buffer[start..start + count]);
        let mut rest = &kept.bytes[..];
        let fed = self.feed_and_charge(key, &mut rest, count);
        let rest_bytes = rest.len();
        kept.leave(rest_bytes);
        self.keep(key, kept, &fed);
        (rest_bytes, fed)
    }

    /// Keeps what was not taken, and says how it goes on.
    fn keep(&mut self, key: usize, kept: Kept, fed: &Fed) {
        let flow = match fed {
            // What has to be said about this input is to go out before more is looked at: after it there may be the
            // end, which would silence the answer. And nobody waits for what comes now.
            Fed::Closed if self.is_open(key) => Flow::Paused { until: self.now + CLOSING_PAUSE },
            Fed::All | Fed::Closed => Flow::Read,
            Fed::Paused(until) if *until > self.now => Flow::Paused { until: *until },
            Fed::Part | Fed::Paused(_) => Flow::Continue,
        };
        self.table.keep(self.now, key, kept, flow);
    }

    /// The connection is the hub's, if only to be closed.
    fn is_open(&mut self, key: usize) -> bool {
        matches!(self.table.get_mut(key), Some(Connection { stage: Stage::Open(_), .. }))
    }

    /// Gives input to whom it is for, and remembers what that has cost: at the least a unit for each KiB that was read.
    fn feed_and_charge(&mut self, key: usize, input: &mut &[u8], bytes: usize) -> Fed {
        self.cost = 0;
        let fed = self.feed(key, input);
        if let Some(connection) = self.table.get_mut(key) {
            connection.usage.add(self.now, self.cost.max(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)));
        }
        fed
    }

    /// Gives input to whom it is for.
    fn feed(&mut self, key: usize, input: &mut &[u8]) -> Fed {
        let mut paused_until = None;
        if let Stage::Handshaking(_) = self.table.at(key).stage {
            match handshakes::drive_handshake(self.hub, self.table, (self.limits, self.pool), self.now, key, input) {
                Ok(until) => paused_until = until,
                Err(error) => handshakes::end(self.hub, self.table, self.limits, self.now, key, &error),
            }
        }
        match self.table.get_mut(key).map(|connection| &mut connection.stage) {
            Some(Stage::Handshaking(_)) => {
                writing::write(self.hub, self.table, self.now, key);
                paused_until.map_or(Fed::All, Fed::Paused)
            }
            Some(Stage::Open(conn)) => {
                let conn = *conn;
                self.receive(conn, input)
            }
            Some(Stage::Lingering { bytes_left, .. }) => {
                let left = u32::try_from(input.len()).ok().and_then(|count| bytes_left.checked_sub(count));
                *input = &[];
                if let Some(left) = left {
                    *bytes_left = left;
                    return Fed::All;
                }
                self.table.remove(key);
                Fed::Closed
            }
            Some(Stage::Broken { .. }) | None => {
                *input = &[];
                Fed::Closed
            }
        }
    }

    /// Gives the hub its input in pieces, until the time is over, and tells it what is kept.
    fn receive(&mut self, conn: ConnId, input: &mut &[u8]) -> Fed {
        let mut bytes_max = PIECE_BYTES;
        loop {
            let mut piece = &input[..bytes_max.min(input.len())];
            let given = piece.len();
            let received = self.hub.receive(self.now, conn, &mut piece).expect("the hub has not closed it yet");
            let used = given - piece.len();
            self.cost = self.cost.saturating_add(self.hub.last_cost());
            let is_last = given == input.len();
            *input = &input[used..];
            let fed = match received {
                Received::More => Fed::Part,
                Received::Paused { until } => Fed::Paused(until),
                Received::Closed => {
                    *input = &[];
                    return Fed::Closed;
                }
                Received::NeedInput if is_last => return Fed::All,
                // There is a frame that is longer.
                Received::NeedInput if used == 0 => {
                    bytes_max *= 2;
                    continue;
                }
                Received::NeedInput if self.time.is_over() => Fed::Part,
                Received::NeedInput => continue,
            };
            if !is_last {
                self.hub.note_kept(conn, input.len()).expect("the hub has not closed it yet");
            }
            return fed;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use chatcore::wire::{ClientMessage, Message, Preface, Register, Send};
    use chatcore::{Handshake, Limits};
    use mio::net::TcpStream;
    use socket2::{Domain, Type};

    use super::*;
    use crate::clock::Clock;
    use crate::peer::Peer;
    use chatcore_transport::{Socket, Transport};

    pub(crate) const NOW: Instant = Instant::from_millis(1);

    /// What a reading is made of, but for its time.
    pub(crate) struct Bench {
        pub(crate) hub: Hub,
        pub(crate) table: Table,
        pub(crate) limits: DriverLimits,
        pub(crate) buffer: Vec<u8>,
    }

    impl Bench {
        pub(crate) fn new() -> Self {
            let hub = Hub::new(Limits::default(), [7; 32]);
            Self {
                hub,
                table: Table::default(),
                limits: DriverLimits::default(),
                buffer: vec![0; 2 * BUFFER_BYTES_FREE],
            }
        }

        /// A reading that may take so long. Each look at the clock takes a millisecond.
        pub(crate) fn reading(&mut self, millis: u64) -> Reading<'_> {
            let time = TimeSlice::start(Clock::ticking(), Duration::from_millis(millis));
            let Self { hub, table, limits, buffer } = self;
            Reading { hub, table, limits, pool: None, now: NOW, time, buffer, room: usize::MAX, cost: 0 }
        }

        /// A connection that has something to say, if only that it broke: its socket was never connected.
        fn broken_connection(&mut self) {
            let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).expect("the system has sockets");
            socket.set_nonblocking(true).expect("a socket may be told not to block");
            let peer = Peer::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
            let handshake = Handshake::new(NOW, self.hub.limits());
            let transport = Transport::Plain(Socket::Tcp(TcpStream::from_std(socket.into())));
            let connection = Connection::new(NOW, transport, peer, handshake);
            let key = self.table.insert(connection);
            self.table.readable(NOW, key);
        }
    }

    impl Reading<'_> {
        /// Bytes of the stream that one read gives, if there is no other bound.
        pub(crate) fn read_once(&mut self, key: usize) -> usize {
            self.read(key, usize::MAX).expect("more may be read")
        }
    }

    /// The hub's connection of a user.
    pub(crate) fn admit(hub: &mut Hub, name: &str) -> ConnId {
        let mut opening = Preface::OURS.encode().to_vec();
        ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }).encode(&mut opening);
        let registration = Handshake::new(NOW, hub.limits()).receive(NOW, &mut &opening[..]);
        hub.admit(NOW, registration.expect("it is polite").expect("it is whole")).expect("the name is free")
    }

    #[test]
    fn a_turn_ends_with_its_time_and_who_waits_has_its_go_in_the_next() {
        let mut bench = Bench::new();
        for _ in 0..10 {
            bench.broken_connection();
        }
        for (millis, left) in [(4, 6), (0, 5), (1_000, 0)] {
            bench.reading(millis).turn(false);
            assert_eq!((bench.table.len(), bench.table.read_queue.len(Load::Heavy)), (left, left), "{millis} ms");
        }
    }

    #[test]
    #[cfg(all(unix, feature = "websocket"))]
    fn pings_of_a_websocket_cost_their_connection_and_its_origin() {
        use std::io::Write;
        use std::os::unix::net::UnixStream;
        use std::sync::Arc;

        use chatcore::Rate;
        use chatcore::websocket::UpgradeRules;
        use chatcore_transport::{Base, WebSocketStream};

        const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Protocol: chatcore.v1\r\n\r\n";
        const PING: &[u8] = &[0x89, 0x80, 0, 0, 0, 0];

        let mut bench = Bench::new();
        // Of the rate of the origin, so much is left after the admission that a thousand reads use it up.
        let limits = Limits::default().with_origin_rate(Rate { per_s: 10, burst: 800 });
        bench.hub = Hub::new(limits, [7; 32]);
        let conn = admit(&mut bench.hub, "alice");
        let (ours, mut client) = UnixStream::pair().expect("the system has sockets");
        ours.set_nonblocking(true).expect("a socket may be told not to block");
        let base = Base::Plain(Socket::Unix(mio::net::UnixStream::from_std(ours)));
        let stream = WebSocketStream::server(base, Arc::new(UpgradeRules::default()));
        let handshake = Handshake::new(NOW, bench.hub.limits());
        let transport = Transport::WebSocket(Box::new(stream));
        let key = bench.table.insert(Connection::new(NOW, transport, Peer::Local { uid: None }, handshake));
        let mut say = |bench: &mut Bench, bytes: &[u8]| {
            client.write_all(bytes).expect("there is room");
            bench.table.readable(NOW, key);
            bench.reading(1_000_000).turn(false);
        };
        say(&mut bench, REQUEST);
        bench.table.open(key, conn);
        say(&mut bench, PING);
        assert_eq!(bench.table.at(key).load(NOW), Load::Light);
        let mut pings = 1;
        while bench.table.at(key).flow() == Flow::Read && pings < 1_000 {
            say(&mut bench, PING);
            pings += 1;
        }
        assert_eq!(bench.table.at(key).load(NOW), Load::Heavy, "after {pings} pings");
        assert!(matches!(bench.table.at(key).flow(), Flow::Paused { until } if until > NOW), "after {pings} pings");
        assert!(pings > 512, "it had little to say until then: {pings} pings");
    }

    #[test]
    fn input_that_takes_longer_than_its_turn_is_taken_in_several() {
        // Three of them are whole in a piece.
        let mut input = Vec::new();
        for _ in 0..12 {
            ClientMessage::Send(Send { to: "nobody", body: &[0; 16 << 10] }).encode(&mut input);
        }
        let mut bench = Bench::new();
        let conn = admit(&mut bench.hub, "alice");
        let (mut rest, frame_bytes) = (&input[..], input.len() / 12);
        let fed = bench.reading(2).receive(conn, &mut rest);
        assert!(matches!(fed, Fed::Part), "{fed:?}");
        assert_eq!(rest.len(), 6 * frame_bytes, "two pieces are taken");
        let fed = bench.reading(1_000).receive(conn, &mut rest);
        assert!(matches!(fed, Fed::All), "{fed:?}");
        assert_eq!(rest, b"");
    }
}
