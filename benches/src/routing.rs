//! A hub full of users without sockets, and the bytes that they say.

use std::hint::black_box;
use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, Content, HubMessage, Join, Message, Send, take};
use chatcore::{Action, ConnId, Handshake, Hub, Instant, Limits, Rate, Received, wire};

/// Messages that are delivered in one batch, more or less: what a server might write in one turn of its loop.
pub const BATCH_MESSAGES: usize = 1024;

/// Messages that one sender has in a batch, one after the other.
const BURST: usize = 4;

/// Different batches, used in turn, so that no run has its recipients in the cache because of the last.
const BATCHES: usize = 100;

/// Frames after which a user that has nothing else to say acknowledges. Others acknowledge with what they say, as a
/// client does.
const ACK_FRAMES: u32 = 32;

/// Users who send each other messages through a hub, or write into rooms: bytes in, bytes out.
#[derive(Debug)]
pub struct Routing {
    hub: Hub,
    users: Vec<User>,
    /// Users by [`ConnId::index`].
    by_conn: Vec<usize>,
    batches: Vec<Batch>,
    next: usize,
    batch: Tally,
    /// Stands for the sockets: what is written is copied there.
    socket: Vec<u8>,
    ack: Vec<u8>,
}

#[derive(Debug)]
struct User {
    conn: ConnId,
    /// Numbered frames that have been written to the user.
    received: u32,
    acknowledged: u32,
}

/// Messages of a batch: said, and delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tally {
    said: usize,
    delivered: usize,
}

/// Who says what in a batch, encoded beforehand, and who gets a numbered frame by that.
#[derive(Debug)]
struct Batch {
    said: Vec<(usize, Vec<u8>)>,
    heard: Vec<usize>,
}

/// All of it happens at once.
const NOW: Instant = Instant::from_millis(1);

/// Some time in 2026: the ids of messages hold it, and so are as long as anywhere.
const UNIX_EPOCH: Duration = Duration::from_secs(1_780_000_000);

/// A sequence that is the same in every run and looks random (`SplitMix64`).
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("it is below a usize")
    }
}

impl Routing {
    /// This many users with names like `user00042`, and batches of messages with bodies of this many bytes between
    /// users picked at random.
    pub fn direct(users: usize, body_bytes: usize) -> Self {
        Self::between(users, body_bytes, |_, sequence| sequence.below(users))
    }

    /// The same, but each writes to the other one of its pair.
    pub fn in_pairs(users: usize, body_bytes: usize) -> Self {
        Self::between(users, body_bytes, |sender, _| sender ^ 1)
    }

    fn between(users: usize, body_bytes: usize, recipient: impl Fn(usize, &mut Sequence) -> usize) -> Self {
        let (hub, names, users) = crowd(users);
        let burst = |sequence: &mut Sequence| {
            let sender = sequence.below(names.len());
            (sender, [(); BURST].map(|()| &*names[recipient(sender, sequence)]))
        };
        let batch = Tally { said: BATCH_MESSAGES, delivered: BATCH_MESSAGES };
        let mut routing = Self::new(hub, users, batch, burst, body_bytes);
        routing.check();
        routing
    }

    /// This many rooms of this many members each, who are a thousand users at the least, and batches of messages to
    /// rooms picked at random.
    ///
    /// # Panics
    ///
    /// As [`check`](Self::check).
    pub fn in_rooms(rooms: usize, members: usize, body_bytes: usize) -> Self {
        const USERS_MIN: usize = 1_000;

        let (hub, _, users) = crowd(USERS_MIN.max(members));
        let (count, conns): (_, Vec<ConnId>) = (users.len(), users.iter().map(|user| user.conn).collect());
        let member = |room: usize, seat: usize| (room * members + seat) % count;
        let names: Vec<String> = (0..rooms).map(|room| format!("#room{room:05}")).collect();
        let burst = |sequence: &mut Sequence| {
            let room = sequence.below(rooms);
            (member(room, sequence.below(members)), [&*names[room]; BURST])
        };
        let mut routing = Self::new(hub, users, Tally::of_rooms(members), burst, body_bytes);
        for (room, name) in names.iter().enumerate() {
            let mut join = Vec::new();
            ClientMessage::Join(Join { room: name }).encode(&mut join);
            for seat in 0..members {
                routing.hub.receive(NOW, conns[member(room, seat)], &mut &join[..]).map(drop).expect("it is there");
                routing.write_out(|_, _| ());
            }
        }
        routing.check();
        routing
    }

    fn new<'a>(
        hub: Hub,
        users: Vec<User>,
        batch: Tally,
        burst: impl Fn(&mut Sequence) -> (usize, [&'a str; BURST]),
        body_bytes: usize,
    ) -> Self {
        let mut by_conn = vec![0; users.len()];
        for (number, user) in users.iter().enumerate() {
            by_conn[user.conn.index()] = number;
        }
        let mut sequence = Sequence(42);
        let mut bursts = |count| (0..count).map(|_| burst(&mut sequence)).collect::<Vec<_>>();
        let batches = (0..BATCHES).map(|_| Batch::new(&bursts(batch.said / BURST), body_bytes)).collect();
        Self { hub, users, by_conn, batches, next: 0, batch, socket: Vec::new(), ack: Vec::new() }
    }

    /// Routes batches until every user acknowledges in turn. Before that the outboxes grow, which is not what is to be
    /// measured.
    #[must_use]
    pub fn warmed_up(mut self) -> Self {
        let frames = self.users.len() * ACK_FRAMES as usize;
        for _ in 0..frames.div_ceil(self.batch.delivered) {
            self.route_batch();
        }
        self
    }

    /// Messages that a batch delivers in rooms of this many members.
    pub const fn batch_messages_in_rooms(members: usize) -> usize {
        Tally::of_rooms(members).delivered
    }

    /// Routes a batch: everything is said, everything is written, and who has heard enough acknowledges.
    pub fn route_batch(&mut self) {
        let batch = &self.batches[self.next];
        self.next = (self.next + 1) % BATCHES;
        for (sender, bytes) in &batch.said {
            self.users[*sender].acknowledge(&mut self.hub, &mut self.ack);
            let mut input = &bytes[..];
            let conn = self.users[*sender].conn;
            while black_box(self.hub.receive(NOW, conn, &mut input)) == Ok(Received::More) {
                drain(&mut self.hub, &mut self.socket);
            }
        }
        drain(&mut self.hub, &mut self.socket);
        for user in &batch.heard {
            let user = &mut self.users[*user];
            user.received += 1;
            if user.received - user.acknowledged == ACK_FRAMES {
                user.acknowledge(&mut self.hub, &mut self.ack);
            }
        }
    }

    /// A bench of nothing would be fast: every message must be delivered, and accepted. Users acknowledge at
    /// the end, or when a quarter of what an outbox holds has come.
    ///
    /// # Panics
    ///
    /// If a message is not delivered or not accepted.
    pub fn check(&mut self) {
        let pending_max = self.hub.limits().outbox_bytes_max as usize / 4;
        let mut pending_bytes = vec![0; self.users.len()];
        for number in 0..BATCHES {
            let mut tally = Tally { said: 0, delivered: 0 };
            let mut heard = Vec::new();
            let mut tell = |user: usize, content: Content<'_>| {
                if content.kind.is_numbered() {
                    heard.push(user);
                    pending_bytes[user] += content.fields.len();
                }
                match HubMessage::decode(content).expect("the hub writes messages") {
                    Some(HubMessage::Deliver(_) | HubMessage::RoomDeliver(_)) => tally.delivered += 1,
                    Some(HubMessage::Accepted(told)) => {
                        tally.said += usize::try_from(told.count()).expect("it is small");
                    }
                    _ => {}
                }
            };
            let said = core::mem::take(&mut self.batches[number].said);
            for (sender, bytes) in &said {
                let mut input = &bytes[..];
                while self.hub.receive(NOW, self.users[*sender].conn, &mut input) == Ok(Received::More) {
                    self.write_out(&mut tell);
                }
            }
            self.write_out(&mut tell);
            self.batches[number].said = said;
            assert_eq!(tally, self.batch);
            // An outbox has room for what one batch says, and not always for what all of them say.
            for user in &heard {
                if pending_bytes[*user] >= pending_max {
                    pending_bytes[*user] = 0;
                    self.users[*user].acknowledge(&mut self.hub, &mut self.ack);
                }
            }
            self.batches[number].heard = heard;
        }
        for user in &mut self.users {
            user.acknowledge(&mut self.hub, &mut self.ack);
            assert!(self.hub.name(user.conn).is_some(), "the acknowledgement is right");
        }
    }

    /// Writes everything out, and tells which user gets what.
    fn write_out(&mut self, mut tell: impl FnMut(usize, Content<'_>)) {
        while let Some(output) = self.hub.poll_action() {
            let Action::Write { conn } = output else { continue };
            let bytes = self.hub.transmit(conn).concat();
            self.hub.transmitted(NOW, conn, bytes.len()).expect("it is there");
            let number = self.by_conn[conn.index()];
            let mut input = &bytes[..];
            while let Some(content) = take(&mut input, u32::MAX).expect("the hub writes frames") {
                self.users[number].received += u32::from(content.kind.is_numbered());
                tell(number, content);
            }
        }
    }
}

impl Tally {
    const fn of_rooms(members: usize) -> Self {
        let said = (BATCH_MESSAGES / (members - 1)).next_multiple_of(BURST);
        Self { said, delivered: said * (members - 1) }
    }
}

impl User {
    /// Says how much has come, if more has come since it said so last.
    fn acknowledge(&mut self, hub: &mut Hub, ack: &mut Vec<u8>) {
        if self.acknowledged == self.received {
            return;
        }
        self.acknowledged = self.received;
        ack.clear();
        ClientMessage::Ack(Ack { count: self.received.into() }).encode(ack);
        let received = hub.receive(NOW, self.conn, &mut &ack[..]);
        let _ = black_box(received).expect("the user is there");
    }
}

impl Batch {
    fn new(bursts: &[(usize, [&str; BURST])], body_bytes: usize) -> Self {
        let body = vec![b'x'; body_bytes];
        let said = bursts.iter().map(|(sender, recipients)| {
            let mut bytes = Vec::new();
            for to in recipients {
                ClientMessage::Send(Send { to, body: &body }).encode(&mut bytes);
            }
            (*sender, bytes)
        });
        Self { said: said.collect(), heard: Vec::new() }
    }
}

/// Time stands still here, and a rate would let nothing more through after its burst. All users come from one origin,
/// so its share is all that there is.
fn unlimited() -> Limits {
    let buffer_bytes_max = 8 << 30;
    Limits::default()
        .with_session_rate(Rate::UNLIMITED)
        .with_origin_rate(Rate::UNLIMITED)
        .with_origin_buffer_bytes_max(buffer_bytes_max)
        .with_buffer_bytes_max(buffer_bytes_max)
}

/// A hub with this many users, their names, and themselves.
fn crowd(users: usize) -> (Hub, Vec<String>, Vec<User>) {
    let mut hub = Hub::new(unlimited(), [7; 32]).with_unix_epoch(UNIX_EPOCH);
    let names: Vec<String> = (0..users).map(|i| format!("user{i:05}")).collect();
    let users = names.iter().map(|name| admit(&mut hub, name)).collect();
    (hub, names, users)
}

fn admit(hub: &mut Hub, name: &str) -> User {
    let mut opening = wire::Preface::OURS.encode().to_vec();
    ClientMessage::Register(wire::Register { name, credential: b"", frame_bytes_max: u32::MAX }).encode(&mut opening);
    let mut handshake = Handshake::new(NOW, hub.limits());
    let registration = handshake.receive(NOW, &mut &opening[..]).expect("the name can be one").expect("it is whole");
    let conn = hub.admit(NOW, registration).expect("the name is free");
    drain(hub, &mut Vec::new());
    User { conn, received: 0, acknowledged: 0 }
}

/// Does what a driver does: writes everything, and hears what has happened.
fn drain(hub: &mut Hub, socket: &mut Vec<u8>) {
    while hub.poll_event().is_some() {}
    while let Some(output) = hub.poll_action() {
        if let Action::Write { conn } = output {
            socket.clear();
            for chunk in hub.transmit(conn) {
                socket.extend_from_slice(chunk);
            }
            black_box(&socket);
            hub.transmitted(NOW, conn, socket.len()).expect("the connection is there");
        }
    }
}
