//! A hub, and the model of mailboxes that it is held against.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chatcore::wire::{self, Ack, ClientMessage, HubMessage, Message, OVERHEAD_BYTES_MAX};
use chatcore::{Action, ConnId, Hub, HubEvent, Instant, Limits, MessageId, Received, RejectCode, UserName};

use crate::heard::{Answer, accepted_id, answers};
use crate::rates::Rates;
use crate::stream::{Stream, is_mail, is_notice};

/// Sessions of all users, and of one.
pub(crate) const SESSIONS_MAX: u32 = 4;
pub(crate) const SESSIONS_OF_USER_MAX: u32 = 3;

/// A hub, and what the model knows of its sessions.
pub(crate) struct Run {
    pub(crate) hub: Hub,
    pub(crate) now: Instant,
    pub(crate) users: Vec<User>,
    pub(crate) closes: Vec<ConnId>,
    pub(crate) events: Vec<HubEvent>,
    /// The id of the last message that the hub has accepted.
    pub(crate) accepted: MessageId,
}

/// A session of a user.
pub(crate) struct User {
    pub(crate) conn: ConnId,
    pub(crate) known: bool,
    /// The driver has been told that there is something to write.
    pub(crate) writable: bool,
    /// Everything that was ever put out for it, in order.
    pub(crate) stream: Stream,
    /// Numbered frames that the hub has taken from it.
    pub(crate) requests: u64,
    /// What must be said of its messages, in this order: of those that are accepted it may take until the outputs are
    /// drained.
    pub(crate) foretold: VecDeque<Answer>,
}

/// What the model says about a message that is about to be sent.
pub(crate) struct Forecast {
    /// All sessions of its recipient.
    pub(crate) recipients: Vec<usize>,
    /// The other sessions of its sender, unless that writes to itself.
    pub(crate) siblings: Vec<usize>,
    /// None if the message must be accepted.
    pub(crate) rejected: Option<RejectCode>,
}

impl Run {
    pub(crate) fn new(choice: u8) -> Self {
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

    pub(crate) fn pass_until(&mut self, then: Instant) {
        self.now = then;
        self.hub.handle_timeout(self.now);
        assert!(self.hub.poll_timeout().is_none_or(|due| due > self.now), "what was due is done");
    }

    pub(crate) fn forecast(&self, sender: usize, to: &str, body_bytes: usize) -> Forecast {
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
    pub(crate) fn sessions_of(&self, name: &UserName) -> Vec<usize> {
        let all = self.users.iter().enumerate();
        all.filter(|(_, user)| self.hub.name(user.conn) == Some(name)).map(|(index, _)| index).collect()
    }

    /// Messages that are for a user since this was last asked, but for answers to its own, which are as foretold; none
    /// for who is gone.
    pub(crate) fn news(&mut self, user: usize) -> Vec<HubMessage<'_>> {
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
    pub(crate) fn note_no_mail(&mut self) {
        for user in 0..self.users.len() {
            assert!(!self.news(user).iter().any(is_mail), "nobody asked for this");
        }
    }

    /// A user that says anything may well have sent something to anybody, and acknowledged something.
    pub(crate) fn note_anything(&mut self, user: usize, mut bytes: &[u8]) {
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

    pub(crate) fn is_open(&self, user: usize) -> bool {
        self.hub.name(self.users[user].conn).is_some()
    }

    pub(crate) fn put(&mut self, user: usize, message: &ClientMessage<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.receive(user, &bytes);
    }

    /// Gives a user's bytes to the hub until they are used up, as a driver does.
    pub(crate) fn receive(&mut self, user: usize, bytes: &[u8]) {
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
    pub(crate) fn wait_for_rate(&mut self, user: usize) {
        while let Ok(Received::Paused { until }) = self.hub.receive(self.now, self.users[user].conn, &mut &b""[..]) {
            assert!(until > self.now, "a pause has an end that is to come");
            self.pass_until(until);
        }
        self.note_no_mail();
    }

    pub(crate) fn transmit(&mut self, user: usize, bytes: usize) {
        let conn = self.users[user].conn;
        let unwritten = self.hub.transmit(conn).concat();
        let taken = &unwritten[..bytes.min(unwritten.len())];
        if self.hub.transmitted(self.now, conn, taken.len()).is_ok() {
            self.users[user].stream.transmitted(taken.len());
            self.users[user].writable &= taken.len() < unwritten.len();
        }
    }

    pub(crate) fn drain(&mut self) {
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
    pub(crate) fn end(&mut self) {
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

    pub(crate) fn check(&self) {
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
