//! What the benches share: a hub full of users without sockets, and the bytes that they say.

use std::hint::black_box;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Message, Send, take};
use chatcore::{ConnId, Handshake, Hub, Instant, Limits, Output, wire};

/// Messages of one batch: what a server might read in one turn of its loop.
pub const BATCH_MESSAGES: usize = 1024;

/// Messages that one sender has in a batch, one behind the other.
const BURST: usize = 4;

/// Different batches, used in turn, so that no run has its recipients in the cache because of the last.
const BATCHES: usize = 100;

/// Frames after which a user acknowledges who has nothing else to say. Who has acknowledges with that, as a client does.
const ACK_FRAMES: u32 = 32;

/// Users who send each other messages through a hub: bytes in, bytes out.
#[derive(Debug)]
pub struct Routing {
    hub: Hub,
    now: Instant,
    users: Vec<User>,
    /// Users by [`ConnId::index`].
    by_conn: Vec<usize>,
    batches: Vec<Batch>,
    next: usize,
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

/// Who says what in a batch, encoded beforehand, and who gets a numbered frame by that.
#[derive(Debug)]
struct Batch {
    said: Vec<(usize, Vec<u8>)>,
    heard: Vec<usize>,
}

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
    /// So many users with names like `user00042`, and batches of messages with bodies of so many bytes between
    /// users picked at random.
    pub fn new(users: usize, body_bytes: usize) -> Self {
        let now = Instant::from_millis(1);
        let mut hub = Hub::new(Limits::default(), [7; 32]);
        let names: Vec<String> = (0..users).map(|i| format!("user{i:05}")).collect();
        let users: Vec<User> = names.iter().map(|name| admit(&mut hub, now, name)).collect();
        let mut by_conn = vec![0; users.len()];
        for (number, user) in users.iter().enumerate() {
            by_conn[user.conn.index()] = number;
        }
        let mut sequence = Sequence(42);
        let batches = (0..BATCHES).map(|_| Batch::new(&mut sequence, &names, body_bytes)).collect();
        let mut routing = Self { hub, now, users, by_conn, batches, next: 0, socket: Vec::new(), ack: Vec::new() };
        routing.check();
        // Until every user acknowledges in turn the outboxes grow, which is not what is to be measured.
        let frames = routing.users.len() * ACK_FRAMES as usize;
        for _ in 0..frames.div_ceil(BATCH_MESSAGES) {
            routing.route_batch();
        }
        routing
    }

    /// Routes a batch: everything is said, everything is written, and who has heard enough acknowledges.
    pub fn route_batch(&mut self) {
        let batch = &self.batches[self.next];
        self.next = (self.next + 1) % BATCHES;
        for (sender, bytes) in &batch.said {
            self.users[*sender].acknowledge(&mut self.hub, self.now, &mut self.ack);
            let mut input = &bytes[..];
            let received = self.hub.receive(self.now, self.users[*sender].conn, &mut input);
            let _ = black_box(received).expect("the sender is there");
        }
        drain(&mut self.hub, self.now, &mut self.socket);
        for user in &batch.heard {
            let user = &mut self.users[*user];
            user.received += 1;
            if user.received - user.acknowledged == ACK_FRAMES {
                user.acknowledge(&mut self.hub, self.now, &mut self.ack);
            }
        }
    }

    /// A bench of nothing would be fast: every message must be delivered, and accepted. Panics if one is not.
    pub fn check(&mut self) {
        for batch in &mut self.batches {
            batch.heard.clear();
            for (sender, bytes) in &batch.said {
                let _ = self.hub.receive(self.now, self.users[*sender].conn, &mut &bytes[..]);
            }
            self.socket.clear();
            let (mut delivered, mut accepted) = (0, 0);
            while let Some(output) = self.hub.poll_output() {
                let Output::Write { conn } = output else { continue };
                let bytes = self.hub.transmit(conn).concat();
                self.hub.transmitted(self.now, conn, bytes.len()).expect("it is there");
                let mut input = &bytes[..];
                while let Some(content) = take(&mut input, u32::MAX).expect("the hub writes frames") {
                    if content.kind.is_numbered() {
                        batch.heard.push(self.by_conn[conn.index()]);
                    }
                    match HubMessage::decode(content).expect("the hub writes messages") {
                        Some(HubMessage::Deliver(_)) => delivered += 1,
                        Some(HubMessage::Accepted(told)) => accepted += 1 + usize::from(told.more),
                        _ => {}
                    }
                }
            }
            assert_eq!((delivered, accepted), (BATCH_MESSAGES, BATCH_MESSAGES));
            for user in &batch.heard {
                self.users[*user].received += 1;
            }
        }
        for user in &mut self.users {
            user.acknowledge(&mut self.hub, self.now, &mut self.ack);
            assert!(self.hub.name(user.conn).is_some(), "the acknowledgement is right");
        }
    }
}

impl User {
    /// Says how much has come, if more has come since it said so last.
    fn acknowledge(&mut self, hub: &mut Hub, now: Instant, ack: &mut Vec<u8>) {
        if self.acknowledged == self.received {
            return;
        }
        self.acknowledged = self.received;
        ack.clear();
        ClientMessage::Ack(Ack { count: self.received.into() }).encode(ack);
        let received = hub.receive(now, self.conn, &mut &ack[..]);
        let _ = black_box(received).expect("the user is there");
    }
}

impl Batch {
    fn new(sequence: &mut Sequence, names: &[String], body_bytes: usize) -> Self {
        let body = vec![b'x'; body_bytes];
        let mut said = Vec::new();
        for _ in 0..BATCH_MESSAGES / BURST {
            let sender = sequence.below(names.len());
            let mut bytes = Vec::new();
            for _ in 0..BURST {
                let recipient = sequence.below(names.len());
                ClientMessage::Send(Send { to: &names[recipient], body: &body }).encode(&mut bytes);
            }
            said.push((sender, bytes));
        }
        Self { said, heard: Vec::new() }
    }
}

fn admit(hub: &mut Hub, now: Instant, name: &str) -> User {
    let mut opening = wire::Preface::OURS.encode().to_vec();
    ClientMessage::Register(wire::Register { name, credential: b"" }).encode(&mut opening);
    let mut handshake = Handshake::new(now, hub.limits());
    let registration = handshake.receive(now, &mut &opening[..]).expect("the name can be one").expect("it is whole");
    let conn = hub.admit(now, registration).expect("the name is free");
    drain(hub, now, &mut Vec::new());
    User { conn, received: 0, acknowledged: 0 }
}

/// Does what a driver does: writes everything.
fn drain(hub: &mut Hub, now: Instant, socket: &mut Vec<u8>) {
    while let Some(output) = hub.poll_output() {
        if let Output::Write { conn } = output {
            socket.clear();
            for chunk in hub.transmit(conn) {
                socket.extend_from_slice(chunk);
            }
            black_box(&socket);
            hub.transmitted(now, conn, socket.len()).expect("the connection is there");
        }
    }
}

/// The examples of the README and of the book, which are no crate's own docs.
#[cfg(doctest)]
mod examples {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/src/embedding.md")]
    struct Embedding;
}
