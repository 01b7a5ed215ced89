//! Any sequence of what can happen to a hub.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use chatcore::wire::{
    Ack, ClientMessage, Deliver, Goodbye, HubMessage, Message, OVERHEAD_BYTES_MAX, Ping, Pong, Preface, Register, Send,
    Sent, Who,
};
use chatcore::{Admission, GoodbyeCode, Handshake, MessageId, Refusal, RenameError, UserName};

use crate::heard::{Answer, new_name, own_room};
use crate::hub_model::{Forecast, Run, SESSIONS_MAX, SESSIONS_OF_USER_MAX, User};
use crate::operation::{Operation, UserMessage};
use crate::stream::Stream;

/// Operations of one run, at the most.
const OPERATIONS_MAX: usize = 200;

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "Ünal"];

/// From this number on, who asks for a name is a user that may have it already.
const ANOTHER_SESSION: u8 = 128;

/// From this number on, an operator renames a user.
const RENAMES: u8 = 128;

/// The first byte chooses the rates. Runs the operations on two hubs at once: they do the same, and each keeps its
/// promises.
pub fn hub_operations(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let Ok(operations) = Vec::<Operation>::arbitrary(&mut Unstructured::new(data)) else { return };
    let (mut one, mut other) = (Run::new(*choice), Run::new(*choice));
    for operation in operations.iter().take(OPERATIONS_MAX) {
        one.step(operation);
        other.step(operation);
        assert_eq!((&one.closes, &one.events), (&other.closes, &other.events), "the same inputs, other outputs");
    }
    one.end();
    other.end();
    assert_eq!((&one.closes, &one.events), (&other.closes, &other.events), "the same inputs, other outputs");
    for (one, other) in one.users.iter().zip(&other.users) {
        assert_eq!(one.stream.written(), other.stream.written(), "the same inputs, other bytes");
    }
    one.check();
}

impl Run {
    fn step(&mut self, operation: &Operation) {
        match operation {
            Operation::Admit(name) => {
                let admission = if *name < ANOTHER_SESSION { Admission::NewUser } else { Admission::AnotherSession };
                self.admit(NAMES[usize::from(*name) % NAMES.len()], admission);
            }
            Operation::Say(user, said) => self.say(*user, said),
            Operation::Raw(user, bytes) => {
                if let Some(user) = self.pick(*user) {
                    self.receive(user, bytes);
                    self.note_anything(user, bytes);
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
            Operation::Operate(number) => {
                let (name, other) = (usize::from(*number % RENAMES), usize::from(*number % RENAMES) / NAMES.len());
                let name = NAMES[name % NAMES.len()].parse().expect("these are names");
                if *number < RENAMES {
                    self.hub.kick(self.now, &name);
                } else {
                    self.rename(&name, NAMES[other % NAMES.len()]);
                }
            }
            Operation::Pass(millis) => self.pass_until(self.now + Duration::from_millis(u64::from(*millis))),
            Operation::Drain => self.drain(),
            Operation::ShutDown => self.hub.shut_down(self.now, None),
        }
        self.note_no_mail();
        assert!(self.hub.users() <= self.hub.sessions() && self.hub.sessions() <= self.hub.connections());
        let limit = self.hub.limits().outbox_bytes_max as usize;
        // The reserve, the answer that went beyond it, a farewell; and a ping.
        let bytes_max = limit + limit / 4 + 3 * OVERHEAD_BYTES_MAX as usize;
        for user in self.users.iter().filter(|user| user.known) {
            assert!(user.stream.kept_bytes() <= bytes_max, "an outbox is bounded");
        }
    }

    fn pick(&self, user: u8) -> Option<usize> {
        (!self.users.is_empty()).then(|| usize::from(user) % self.users.len())
    }

    fn admit(&mut self, name: &str, admission: Admission) {
        let mut opening = Preface::OURS.encode().to_vec();
        ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }).encode(&mut opening);
        let mut handshake = Handshake::new(self.now, self.hub.limits());
        let registration = handshake.receive(self.now, &mut &opening[..]).expect("it is right").expect("it is whole");
        let (before, others) = (self.hub.sessions(), self.hub.sessions_of(registration.name()).count());
        let name = registration.name().clone();
        let admitted = self.hub.admit_as(self.now, registration, admission);
        match &admitted {
            Ok(conn) => {
                assert!(
                    others == 0 || admission == Admission::AnotherSession,
                    "nobody else gets a name that is in use"
                );
                assert!(
                    before < SESSIONS_MAX as usize && others < SESSIONS_OF_USER_MAX as usize,
                    "there is room for it"
                );
                let session = self.hub.session_on(*conn);
                assert_eq!(self.hub.sessions_of(&name).last(), session, "it is the newest session of its user");
            }
            Err(not_admitted) => match not_admitted.refusal {
                Refusal::NameInUse { .. } => assert!(others > 0 && admission == Admission::NewUser),
                Refusal::TooManySessions { .. } => assert_eq!(others, SESSIONS_OF_USER_MAX as usize),
                Refusal::HubFull { .. } => assert_eq!(before, SESSIONS_MAX as usize),
                _ => {}
            },
        }
        if let Ok(conn) = admitted {
            let mut stream = Stream::default();
            let mut greeting = stream.extend(&self.hub.transmit(conn).concat());
            assert!(matches!(greeting.remove(0), HubMessage::Welcome(_)), "the welcome comes first");
            let rooms: BTreeSet<&str> = self.hub.rooms_of(&name).collect();
            let told: BTreeSet<&str> = greeting.iter().filter_map(|message| own_room(message, name.as_str())).collect();
            assert_eq!((greeting.len(), &told), (rooms.len(), &rooms), "then come its user's rooms, and nothing else");
            self.users.push(User {
                conn,
                known: true,
                writable: false,
                stream,
                requests: 0,
                foretold: VecDeque::new(),
            });
        }
    }

    /// Renames a user, and holds what the hub did against the model.
    fn rename(&mut self, from: &UserName, to: &str) {
        let (name, limit) = (UserName::new(to).expect("these are names"), self.hub.limits().outbox_bytes_max as usize);
        let renamed = self.hub.rename(self.now, from, to, "");
        let (with_old, with_new) = (self.hub.sessions_of(from).count(), self.hub.sessions_of(&name).count());
        match renamed {
            Ok(()) => {
                assert!(with_new > 0 && (with_old == 0 || *from == name), "it has the one name, and not the other");
            }
            Err(RenameError::NoSuchUser) => assert_eq!(with_old, 0),
            Err(RenameError::NameInUse) => assert!(with_old > 0 && with_new > 0 && *from != name),
            Err(RenameError::Unavailable) => {}
            Err(error) => panic!("these names are no others': {error}"),
        }
        for session in if renamed == Ok(()) { self.sessions_of(&name) } else { Vec::new() } {
            let has_room = self.users[session].stream.kept_bytes() + OVERHEAD_BYTES_MAX as usize <= limit;
            let User { conn, stream, .. } = &mut self.users[session];
            let unwritten = self.hub.transmit(*conn).concat();
            let told = stream.peek(&unwritten);
            let names: Vec<&str> = told.iter().filter_map(new_name).collect();
            let is_told = names == [name.as_str()];
            assert!(is_told || names.is_empty() && (*from == name || !has_room), "session {session} is told {names:?}");
        }
    }

    fn say(&mut self, user: u8, message: &UserMessage) {
        let Some(user) = self.pick(user) else { return };
        self.wait_for_rate(user);
        match message {
            UserMessage::Send(to, bytes) => {
                self.send(user, NAMES[usize::from(*to) % NAMES.len()], usize::from(*bytes) % 1200);
            }
            UserMessage::Who(cursor) => self.request(user, Who { cursor: u64::from(*cursor) }),
            UserMessage::Ack(less) => {
                let count = self.users[user].stream.acknowledge(*less);
                self.put(user, &ClientMessage::Ack(Ack { count }));
            }
            UserMessage::Ping => {
                let is_open = self.is_open(user);
                self.put(user, &ClientMessage::Ping(Ping { nonce: 1 }));
                let pong = HubMessage::Pong(Pong { nonce: 1 });
                assert_eq!(self.news(user).first() == Some(&pong), is_open, "a ping is answered at once");
            }
            UserMessage::Goodbye => {
                self.put(
                    user,
                    &ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None }),
                );
                assert!(!self.is_open(user), "who says goodbye is gone");
            }
        }
    }

    fn request(&mut self, user: usize, who: Who) {
        let is_open = self.is_open(user);
        self.put(user, &ClientMessage::Who(who));
        if !is_open {
            return;
        }
        self.users[user].requests += 1;
        let number = self.users[user].requests;
        match self.news(user).first() {
            Some(HubMessage::Online(page)) => assert_eq!(page.number, number, "the answer names its request"),
            other => panic!("a listing is answered, not with {other:?}"),
        }
    }

    /// Sends, and holds what the hub did against the model: a message goes to each session of who has the name, once,
    /// and the sender's sessions are told.
    fn send(&mut self, sender: usize, to: &str, body_bytes: usize) {
        let body = vec![b'x'; body_bytes];
        let message = ClientMessage::Send(Send { to, body: &body });
        if !self.is_open(sender) {
            return self.put(sender, &message);
        }
        let from = self.hub.name(self.users[sender].conn).expect("it is open").clone();
        let Forecast { recipients, siblings, rejected } = self.forecast(sender, to, body_bytes);
        self.users[sender].requests += 1;
        let number = self.users[sender].requests;
        let id = MessageId((self.accepted.0 + 1).max((self.now.as_nanos() / 1_000_000) << 23));
        self.users[sender].foretold.push_back(match rejected {
            Some(code) => Answer::Rejected { number, code },
            None => Answer::Accepted { number, id },
        });
        self.put(sender, &message);
        let deliver = HubMessage::Deliver(Deliver { id, from: from.as_str(), body: &body });
        if rejected.is_none() {
            self.accepted = id;
            assert!(!recipients.is_empty(), "nobody's message is rejected");
            let name = UserName::new(to).expect("these are names");
            let sent = HubMessage::Sent(Sent { id, to: name.as_str(), body: &body });
            let told = recipients.into_iter().map(|session| (session, &deliver));
            for (session, message) in told.chain(siblings.into_iter().map(|session| (session, &sent))) {
                let mut news = self.news(session);
                assert!(!news.is_empty(), "session {session} is told at once: {message:?}");
                assert_eq!(news.remove(0), *message, "an accepted message is its recipient's at once");
                assert!(matches!(news[..], [] | [HubMessage::Goodbye(_)]), "and nothing else is: {news:?}");
            }
        }
        let news = self.news(sender);
        // Behind the answer there may be a farewell, to a sender who reads nothing.
        assert!(matches!(news[..], [] | [HubMessage::Goodbye(_)]), "one answer: {news:?}");
        let waits = self.users[sender].foretold.iter().any(|answer| matches!(answer, Answer::Rejected { .. }));
        assert!(!waits, "what is rejected is told at once");
    }
}
