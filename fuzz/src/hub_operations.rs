//! Any sequence of what can happen to a hub.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use chatcore::wire::{Ack, ClientMessage, Goodbye, HubMessage, Message, PREFACE_BYTES, Ping, Preface, Send, Who};
use chatcore::{ConnId, GoodbyeCode, Handshake, Hub, Instant, Limits, Output, Received};

use crate::check_written;

/// Operations of one run, at the most.
const OPERATIONS_MAX: usize = 200;

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "Ünal"];

/// Something that happens to a hub. A user is an index into all who were ever admitted.
#[derive(Arbitrary, Clone, Debug)]
pub enum Operation {
    /// Somebody asks for one of a few names.
    Admit(u8),
    /// A user says something that the protocol knows.
    Say(u8, Said),
    /// A user says anything.
    Raw(u8, Vec<u8>),
    /// The transport takes some of what is owed to a user.
    Transmit(u8, u16),
    /// A user's transport breaks.
    Disconnect(u8),
    /// An operator ends a session.
    Kick(u8),
    /// Milliseconds pass.
    Pass(u16),
    /// The driver does what the hub asks for.
    Drain,
    /// The hub stops.
    ShutDown,
}

/// What a user says.
#[derive(Arbitrary, Clone, Debug)]
pub enum Said {
    /// A message for one of a few names, with a body of so many bytes.
    Send(u8, u16),
    /// A page of who is online.
    Who(u8),
    /// So many frames less are acknowledged than were written.
    Ack(u8),
    /// A ping.
    Ping,
    /// A goodbye.
    Goodbye,
}

/// Runs the operations on two hubs at once: they do the same, and each keeps its promises.
pub fn hub_operations(data: &[u8]) {
    let Ok(operations) = Vec::<Operation>::arbitrary(&mut Unstructured::new(data)) else { return };
    let (mut one, mut other) = (Run::new(), Run::new());
    for operation in operations.iter().take(OPERATIONS_MAX) {
        one.step(operation);
        other.step(operation);
        assert_eq!(one.outputs, other.outputs, "the same inputs, other outputs");
    }
    one.end();
    other.end();
    assert_eq!(one.written, other.written, "the same inputs, other bytes");
    one.check();
}

struct Run {
    hub: Hub,
    now: Instant,
    users: Vec<User>,
    outputs: Vec<Output>,
    /// Everything that was written to each, by its place among the users.
    written: Vec<Vec<u8>>,
}

struct User {
    conn: ConnId,
    known: bool,
    /// The driver has been told that there is something to write.
    writable: bool,
    /// Sends and listings that the hub has taken.
    requests: u64,
    /// It has said something that only a well-behaved client would not.
    raw: bool,
}

impl Run {
    fn new() -> Self {
        let limits = Limits {
            body_bytes_max: 1000,
            outbox_bytes_max: 8192,
            users_max: 4,
            idle_time_max: Duration::from_secs(20),
            ..Limits::default()
        };
        let hub = Hub::new(limits, [7; 32]);
        Self { hub, now: Instant::ZERO, users: Vec::new(), outputs: Vec::new(), written: Vec::new() }
    }

    fn step(&mut self, operation: &Operation) {
        match operation {
            Operation::Admit(name) => self.admit(NAMES[usize::from(*name) % NAMES.len()]),
            Operation::Say(user, said) => self.say(*user, said),
            Operation::Raw(user, bytes) => {
                if let Some(user) = self.pick(*user) {
                    self.users[user].raw = true;
                    self.receive(user, bytes);
                }
            }
            Operation::Transmit(user, bytes) => {
                if let Some(user) = self.pick(*user) {
                    self.transmit(user, usize::from(*bytes));
                }
            }
            Operation::Disconnect(user) => {
                if let Some(user) = self.pick(*user) {
                    let known = self.hub.disconnect(self.now, self.users[user].conn).is_ok();
                    assert_eq!(known, self.users[user].known);
                    self.users[user].known = false;
                }
            }
            Operation::Kick(name) => {
                let name = NAMES[usize::from(*name) % NAMES.len()].parse().expect("these are names");
                self.hub.kick(self.now, &name);
            }
            Operation::Pass(millis) => {
                self.now = self.now + Duration::from_millis(u64::from(*millis));
                self.hub.handle_timeout(self.now);
                assert!(self.hub.poll_timeout().is_none_or(|due| due > self.now), "what was due is done");
            }
            Operation::Drain => self.drain(),
            Operation::ShutDown => self.hub.shut_down(self.now, None),
        }
        assert!(self.hub.users() <= self.hub.connections());
        for user in self.users.iter().filter(|user| user.known) {
            let owed: usize = self.hub.transmit(user.conn).iter().map(|chunk| chunk.len()).sum();
            let limit = self.hub.limits().outbox_bytes_max as usize;
            assert!(owed <= limit + limit / 4 + 20_000, "an outbox is bounded, but for one answer and a farewell");
        }
    }

    fn pick(&self, user: u8) -> Option<usize> {
        (!self.users.is_empty()).then(|| usize::from(user) % self.users.len())
    }

    fn admit(&mut self, name: &str) {
        let mut opening = Preface::OURS.encode().to_vec();
        ClientMessage::Register(chatcore::wire::Register { name, credential: b"" }).encode(&mut opening);
        let mut handshake = Handshake::new(self.now, self.hub.limits());
        let registration = handshake.receive(self.now, &mut &opening[..]).expect("it is right").expect("it is whole");
        if let Ok(conn) = self.hub.admit(self.now, registration) {
            self.users.push(User { conn, known: true, writable: false, requests: 0, raw: false });
            self.written.push(Vec::new());
        }
    }

    fn say(&mut self, user: u8, said: &Said) {
        let Some(user) = self.pick(user) else { return };
        let body;
        let message = match said {
            Said::Send(to, bytes) => {
                body = vec![b'x'; usize::from(*bytes) % 1200];
                self.users[user].requests += 1;
                ClientMessage::Send(Send { to: NAMES[usize::from(*to) % NAMES.len()], body: &body })
            }
            Said::Who(cursor) => {
                self.users[user].requests += 1;
                ClientMessage::Who(Who { cursor: u64::from(*cursor) })
            }
            Said::Ack(less) => {
                let count = self.numbered(user).saturating_sub(u64::from(*less));
                ClientMessage::Ack(Ack { count })
            }
            Said::Ping => ClientMessage::Ping(Ping { nonce: 1 }),
            Said::Goodbye => ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None }),
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.receive(user, &bytes);
    }

    fn receive(&mut self, user: usize, bytes: &[u8]) {
        let mut input = bytes;
        match self.hub.receive(self.now, self.users[user].conn, &mut input) {
            Ok(Received::Closed) => assert!(input.is_empty(), "a closed connection takes everything"),
            Ok(Received::NeedInput) => {}
            Err(_) => assert!(!self.users[user].known, "a connection is known until its end"),
        }
    }

    /// Numbered frames that were written whole to a user.
    fn numbered(&self, user: usize) -> u64 {
        let mut count = 0;
        let mut bytes = self.written[user].get(PREFACE_BYTES..).unwrap_or_default();
        while let Ok(Some(content)) = chatcore::wire::take(&mut bytes, u32::MAX) {
            count += u64::from(content.kind.is_numbered());
        }
        count
    }

    fn transmit(&mut self, user: usize, bytes: usize) {
        let conn = self.users[user].conn;
        let owed = self.hub.transmit(conn).concat();
        let taken = &owed[..bytes.min(owed.len())];
        if self.hub.transmitted(self.now, conn, taken.len()).is_ok() {
            self.written[user].extend(taken);
            self.users[user].writable &= taken.len() < owed.len();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            match &output {
                Output::Write { conn } => {
                    let user = self.user(*conn);
                    assert!(self.users[user].known, "nothing is to be written to who is gone");
                    assert!(!self.hub.transmit(*conn).concat().is_empty(), "there is something to write");
                    self.users[user].writable = true;
                }
                Output::Close { conn, .. } => {
                    let user = self.user(*conn);
                    assert!(self.users[user].known, "a connection is closed once");
                    self.users[user].known = false;
                }
                _ => {}
            }
            self.outputs.push(output);
        }
        for user in self.users.iter().filter(|user| user.known) {
            let owed = !self.hub.transmit(user.conn).concat().is_empty();
            assert!(user.writable || !owed, "what is to be written is announced");
        }
    }

    fn user(&self, conn: ConnId) -> usize {
        self.users.iter().position(|user| user.conn == conn).expect("only who was admitted is named")
    }

    /// Everything is written out.
    fn end(&mut self) {
        self.drain();
        for user in 0..self.users.len() {
            self.transmit(user, usize::MAX);
        }
        self.drain();
    }

    fn check(&self) {
        let mut holders = BTreeMap::new();
        for output in &self.outputs {
            match output {
                Output::Joined { conn, name } => {
                    assert_eq!(holders.insert(name.clone(), *conn), None, "a name has one holder");
                }
                Output::Left { conn, name, .. } => assert_eq!(holders.remove(name), Some(*conn)),
                _ => {}
            }
        }
        assert_eq!(holders.len(), self.hub.users());
        let mut delivered = BTreeSet::new();
        for (user, written) in self.users.iter().zip(&self.written) {
            // Who is gone may have been cut off in the middle of a frame, or before the preface.
            if !user.known {
                continue;
            }
            let (mut answers, mut last_id) = (0, 0);
            for message in check_written::<HubMessage<'_>>(&written[PREFACE_BYTES..]) {
                match message {
                    HubMessage::Deliver(message) => {
                        assert!(message.id > last_id, "messages come in the order in which they were accepted");
                        assert!(delivered.insert(message.id), "and to one user alone");
                        last_id = message.id;
                    }
                    HubMessage::Accepted(_) | HubMessage::Rejected(_) | HubMessage::Online(_) => answers += 1,
                    _ => {}
                }
            }
            if self.hub.name(user.conn).is_some() && !user.raw {
                assert_eq!(answers, user.requests, "every request is answered once");
            }
        }
    }
}
