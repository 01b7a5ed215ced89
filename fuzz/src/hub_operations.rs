//! Any sequence of what can happen to a hub.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use chatcore::wire::{
    self, Ack, ClientMessage, Deliver, Goodbye, HubMessage, Message, OVERHEAD_BYTES_MAX, Ping, Pong, Preface, Register,
    Send, Sent, Who,
};
use chatcore::{
    Action, Admission, ConnId, GoodbyeCode, Handshake, Hub, HubEvent, Instant, Limits, MessageId, Received, Refusal,
    RejectCode, RenameError, UserName,
};

use crate::heard::{Answer, accepted_id, answers, new_name, own_room};
use crate::operation::{Operation, UserMessage};
use crate::rates::Rates;
use crate::stream::{Stream, is_mail, is_notice};

/// Operations of one run, at the most.
const OPERATIONS_MAX: usize = 200;

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "Ünal"];

/// From this number on, who asks for a name is a user that may have it already.
const ANOTHER_SESSION: u8 = 128;

/// From this number on, an operator renames a user.
const RENAMES: u8 = 128;

/// Sessions of all users, and of one.
const SESSIONS_MAX: u32 = 4;
const SESSIONS_OF_USER_MAX: u32 = 3;

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

struct Run {
    hub: Hub,
    now: Instant,
    users: Vec<User>,
    closes: Vec<ConnId>,
    events: Vec<HubEvent>,
    /// The id of the last message that the hub has accepted.
    accepted: MessageId,
}

/// A session of a user.
struct User {
    conn: ConnId,
    known: bool,
    /// The driver has been told that there is something to write.
    writable: bool,
    /// Everything that was ever put out for it, in order.
    stream: Stream,
    /// Numbered frames that the hub has taken from it.
    requests: u64,
    /// What must be said of its messages, in this order: of those that are accepted it may take until the outputs are
    /// drained.
    foretold: VecDeque<Answer>,
}

/// What the model says about a message that is about to be sent.
struct Forecast {
    /// All sessions of its recipient.
    recipients: Vec<usize>,
    /// The other sessions of its sender, unless that writes to itself.
    siblings: Vec<usize>,
    /// None if the message must be accepted.
    rejected: Option<RejectCode>,
}

impl Run {
    fn new(choice: u8) -> Self {
        let Rates { session_rate, origin_rate } = Rates::of(choice);
        let limits = Limits::default()
            .with_body_bytes_max(1000)
            .with_outbox_bytes_max(8192)
            .with_sessions_max(SESSIONS_MAX)
            .with_sessions_of_user_max(SESSIONS_OF_USER_MAX)
            .with_idle_time_max(Duration::from_secs(20))
            // Here who loses its connection is gone; sessions have a target of their own.
            .with_resume_time_max(Duration::ZERO)
            .with_session_rate(session_rate)
            .with_origin_rate(origin_rate);
        let hub = Hub::new(limits, [7; 32]);
        Self {
            hub,
            now: Instant::ZERO,
            users: Vec::new(),
            closes: Vec::new(),
            events: Vec::new(),
            accepted: MessageId(0),
        }
    }

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

    fn pass_until(&mut self, then: Instant) {
        self.now = then;
        self.hub.handle_timeout(self.now);
        assert!(self.hub.poll_timeout().is_none_or(|due| due > self.now), "what was due is done");
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

    /// Sends, and holds what the hub did against the model: a message goes to each session of who has the name, once, and
    /// the sender's sessions are told.
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

    fn forecast(&self, sender: usize, to: &str, body_bytes: usize) -> Forecast {
        let limits = self.hub.limits();
        let to = to.parse().expect("these are names");
        let recipients = self.sessions_of(&to);
        let own = self.hub.name(self.users[sender].conn).expect("it is open");
        let mut siblings = if *own == to { Vec::new() } else { self.sessions_of(own) };
        siblings.retain(|sibling| *sibling != sender);
        let is_full = |session: &usize| {
            let needed = self.users[*session].stream.kept_bytes() + body_bytes + OVERHEAD_BYTES_MAX as usize;
            needed > limits.outbox_bytes_max as usize
        };
        let rejected = match recipients.len() {
            _ if body_bytes > limits.body_bytes_max as usize => Some(RejectCode::BodyTooLong),
            0 => Some(RejectCode::NoSuchUser),
            _ if recipients.iter().chain(&siblings).any(is_full) => Some(RejectCode::RecipientFull),
            _ => None,
        };
        Forecast { recipients, siblings, rejected }
    }

    /// The open sessions of a name.
    fn sessions_of(&self, name: &UserName) -> Vec<usize> {
        let all = self.users.iter().enumerate();
        all.filter(|(_, user)| self.hub.name(user.conn) == Some(name)).map(|(index, _)| index).collect()
    }

    /// Messages that are for a user since this was last asked, but for answers to its own, which are as foretold; none
    /// for who is gone.
    fn news(&mut self, user: usize) -> Vec<HubMessage<'_>> {
        let User { conn, known, stream, foretold, .. } = &mut self.users[user];
        let mut news = if *known { stream.extend(&self.hub.transmit(*conn).concat()) } else { Vec::new() };
        news.retain(|message| {
            let answers = answers(message);
            for answer in &answers {
                assert_eq!(foretold.pop_front().as_ref(), Some(answer), "answers come in order");
            }
            answers.is_empty() && !is_notice(message)
        });
        news
    }

    /// Only requests bring forth answers and messages.
    fn note_no_mail(&mut self) {
        for user in 0..self.users.len() {
            assert!(!self.news(user).iter().any(is_mail), "nobody asked for this");
        }
    }

    /// A user that says anything may well have sent something to anybody, and acknowledged something.
    fn note_anything(&mut self, user: usize, mut bytes: &[u8]) {
        self.drain();
        for other in (0..self.users.len()).filter(|other| *other != user) {
            let last = self.news(other).iter().filter_map(accepted_id).max();
            self.accepted = self.accepted.max(last.unwrap_or(MessageId(0)));
        }
        let before = std::mem::take(&mut self.users[user].foretold);
        let User { conn, known, stream, foretold, requests, .. } = &mut self.users[user];
        let news = if *known { stream.extend(&self.hub.transmit(*conn).concat()) } else { Vec::new() };
        // It may well have had answers to what the model does not know; but first those that it does.
        let told: Vec<Answer> = news.iter().flat_map(answers).collect();
        let foreseen = before.len().min(told.len());
        assert_eq!(told[..foreseen], before.into_iter().take(foreseen).collect::<Vec<_>>()[..]);
        let last = news.iter().filter_map(accepted_id).max();
        self.accepted = self.accepted.max(last.unwrap_or(MessageId(0)));
        assert!(foretold.is_empty());
        while let Ok(Some(content)) = wire::take(&mut bytes, self.hub.limits().frame_bytes_max()) {
            match ClientMessage::decode(content) {
                Ok(Some(ClientMessage::Ack(Ack { count }))) => stream.acknowledged(count),
                Ok(_) => *requests += u64::from(content.kind.is_numbered()),
                // The end of this user: what follows is not read.
                Err(_) => break,
            }
        }
    }

    fn is_open(&self, user: usize) -> bool {
        self.hub.name(self.users[user].conn).is_some()
    }

    fn put(&mut self, user: usize, message: &ClientMessage<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.receive(user, &bytes);
    }

    /// Gives a user's bytes to the hub until they are used up, as a driver does.
    fn receive(&mut self, user: usize, bytes: &[u8]) {
        let mut input = bytes;
        loop {
            match self.hub.receive(self.now, self.users[user].conn, &mut input) {
                // It has taken everything: what it asks for is for what comes next.
                Ok(Received::More | Received::Paused { .. }) if input.is_empty() => return,
                Ok(Received::More) => self.drain(),
                Ok(Received::Paused { until }) => {
                    assert!(until > self.now, "a pause has an end that is to come");
                    self.pass_until(until);
                    self.drain();
                }
                Ok(Received::Closed) => return assert!(input.is_empty(), "a closed connection takes everything"),
                Ok(Received::NeedInput) => return,
                Err(_) => return assert!(!self.users[user].known, "a connection is known until its end"),
            }
        }
    }

    /// Lets the time pass until the hub takes the next frame of a user at once.
    fn wait_for_rate(&mut self, user: usize) {
        while let Ok(Received::Paused { until }) = self.hub.receive(self.now, self.users[user].conn, &mut &b""[..]) {
            assert!(until > self.now, "a pause has an end that is to come");
            self.pass_until(until);
        }
        self.note_no_mail();
    }

    fn transmit(&mut self, user: usize, bytes: usize) {
        let conn = self.users[user].conn;
        let unwritten = self.hub.transmit(conn).concat();
        let taken = &unwritten[..bytes.min(unwritten.len())];
        if self.hub.transmitted(self.now, conn, taken.len()).is_ok() {
            self.users[user].stream.transmitted(taken.len());
            self.users[user].writable &= taken.len() < unwritten.len();
        }
    }

    fn drain(&mut self) {
        while let Some(action) = self.hub.poll_action() {
            match &action {
                Action::Write { conn } => {
                    let user = self.user(*conn);
                    assert!(self.users[user].known, "nothing is to be written to who is gone");
                    assert!(!self.hub.transmit(*conn).concat().is_empty(), "there is something to write");
                    self.users[user].writable = true;
                }
                Action::Close { conn, .. } => {
                    let user = self.user(*conn);
                    assert!(self.users[user].known, "a connection is closed once");
                    self.users[user].known = false;
                    self.closes.push(*conn);
                }
            }
        }
        self.events.extend(std::iter::from_fn(|| self.hub.poll_event()));
        for user in self.users.iter().filter(|user| user.known) {
            let unwritten = !self.hub.transmit(user.conn).concat().is_empty();
            assert!(user.writable || !unwritten, "what is to be written is announced");
        }
    }

    fn user(&self, conn: ConnId) -> usize {
        self.users.iter().position(|user| user.conn == conn).expect("only who was admitted is named")
    }

    /// Everything is written out.
    fn end(&mut self) {
        self.drain();
        self.note_no_mail();
        for user in 0..self.users.len() {
            self.transmit(user, usize::MAX);
            // What ends with it may be news to others.
            self.note_no_mail();
        }
        self.drain();
        self.note_no_mail();
    }

    fn check(&self) {
        let mut living = BTreeMap::new();
        for event in &self.events {
            match event {
                HubEvent::SessionStarted { session, name, .. } => {
                    assert_eq!(living.insert(*session, name), None, "a session begins once");
                }
                HubEvent::SessionEnded { session, name, .. } => assert_eq!(living.remove(session), Some(name)),
                HubEvent::Renamed { from, name, .. } => {
                    living.values_mut().filter(|other| **other == from).for_each(|other| *other = name);
                }
                _ => {}
            }
        }
        assert_eq!(living.len(), self.hub.sessions());
        let names: BTreeSet<_> = living.into_values().collect();
        assert_eq!(names.len(), self.hub.users());
    }
}
