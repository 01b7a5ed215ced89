//! A hub and its clients, with connections that break anywhere.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use chatcore::wire::{ClientMessage, Message, Preface, Resume};
use chatcore::{
    Action, Client, ClientConfig, Closed, ConnId, Event, Handshake, HandshakeError, Hub, Instant, Limits, Received,
    SessionTicket, Token,
};

use crate::rates::Rates;

/// Happenings of one run, at the most.
const HAPPENINGS_MAX: usize = 300;

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

const ROOM: &str = "#lobby";

/// Something that happens to a user, which is an index into the names.
#[derive(Arbitrary, Clone, Debug)]
pub enum Happening {
    /// It sends a body of this many bytes to a user, or to the room.
    Send(u8, u8, u16),
    /// It goes into the room, or out.
    Room(u8, bool),
    /// It watches another.
    Watch(u8, u8),
    /// It asks who is in the room.
    Roster(u8),
    /// This many bytes travel each way.
    Carry(u8, u16, u16),
    /// Its connection breaks, at both ends or at its own only.
    Cut(u8, bool),
    /// It does what time asks of it.
    Wake(u8),
    /// Its program is started again, with its ticket or without.
    Restart(u8, bool),
    /// A stranger asks for its session, with its token or another's, and a count.
    Forge(u8, u8, Option<u64>),
    /// An operator ends its session.
    Kick(u8),
    /// It says goodbye.
    Close(u8),
    /// Milliseconds pass.
    Pass(u16),
    /// It asks in which rooms it is, and whom it watches.
    Subscriptions(u8, u64),
    /// It acknowledges what it has taken.
    Acknowledge(u8),
}

/// The first byte chooses the rates. Runs the happenings: whatever they are, no client sees a broken protocol, and none
/// sees a message twice or before an earlier one.
pub fn session_operations(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let Ok(happenings) = Vec::<Happening>::arbitrary(&mut Unstructured::new(data)) else { return };
    let mut run = Run::new(*choice);
    for happening in happenings.iter().take(HAPPENINGS_MAX) {
        run.step(happening);
        run.drain();
    }
    run.heal();
}

struct Run {
    hub: Hub,
    now: Instant,
    users: Vec<User>,
    /// Bodies that were sent, all in all.
    sent: u32,
}

struct User {
    client: Client,
    line: Line,
    /// Its last token, which a stranger may know.
    token: Token,
    /// The last body from each user that this program has seen: direct, and in the room.
    seen: [[u32; 2]; NAMES.len()],
}

/// The connection of a user, as far as it is there.
#[derive(Default)]
struct Line {
    handshake: Option<Handshake>,
    conn: Option<ConnId>,
    up: Vec<u8>,
    down: Vec<u8>,
}

impl Line {
    fn new(now: Instant, limits: &Limits) -> Self {
        Self { handshake: Some(Handshake::new(now, limits)), ..Self::default() }
    }
}

impl Run {
    fn new(choice: u8) -> Self {
        let Rates { session_rate, origin_rate } = Rates::of(choice);
        let limits = Limits::default()
            .with_body_bytes_max(1000)
            .with_outbox_bytes_max(8192)
            .with_origin_buffer_bytes_max(12_000)
            .with_resume_time_max(Duration::from_secs(20))
            .with_idle_time_max(Duration::from_secs(30))
            .with_session_rate(session_rate)
            .with_origin_rate(origin_rate);
        let hub = Hub::new(limits, [7; 32]);
        let now = Instant::ZERO;
        let users = NAMES.iter().map(|name| User::start(&hub, now, name, None)).collect();
        Self { hub, now, users, sent: 0 }
    }

    fn step(&mut self, happening: &Happening) {
        let pick = |user: &u8| usize::from(*user) % NAMES.len();
        let now = self.now;
        match happening {
            Happening::Send(from, to, bytes) => {
                self.sent += 1;
                let to = NAMES.get(usize::from(*to) % (NAMES.len() + 1)).copied().unwrap_or(ROOM);
                let from = pick(from);
                let mut body = vec![0; 5 + usize::from(*bytes) % 996];
                body[..4].copy_from_slice(&self.sent.to_le_bytes());
                body[4] = u8::try_from(from).expect("there are few users");
                let _ = self.users[from].client.send(now, to, &body);
            }
            Happening::Room(user, true) => drop(self.users[pick(user)].client.join(now, ROOM)),
            Happening::Room(user, false) => drop(self.users[pick(user)].client.leave(now, ROOM)),
            Happening::Watch(user, whom) => drop(self.users[pick(user)].client.watch(now, &[NAMES[pick(whom)]])),
            Happening::Roster(user) => drop(self.users[pick(user)].client.roster(now, ROOM, 0)),
            Happening::Carry(user, up, down) => self.carry(pick(user), usize::from(*up), usize::from(*down)),
            Happening::Cut(user, at_both) => self.cut(pick(user), *at_both),
            Happening::Wake(user) => self.wake(pick(user)),
            Happening::Restart(user, with_ticket) => {
                let user = pick(user);
                self.cut(user, true);
                let ticket = self.users[user].client.ticket().filter(|_| *with_ticket).cloned();
                self.users[user] = User::start(&self.hub, now, NAMES[user], ticket);
            }
            Happening::Forge(user, whose, received) => {
                self.forge(NAMES[pick(user)], self.users[pick(whose)].token, *received);
            }
            Happening::Kick(user) => {
                self.hub.kick(now, &NAMES[pick(user)].parse().expect("these are names"));
            }
            Happening::Close(user) => self.users[pick(user)].client.close(now),
            Happening::Subscriptions(user, cursor) => {
                let _ = self.users[pick(user)].client.subscriptions(now, *cursor);
            }
            Happening::Acknowledge(user) => self.users[pick(user)].client.acknowledge(now),
            Happening::Pass(millis) => self.pass(Duration::from_millis(u64::from(*millis))),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.hub.handle_timeout(self.now);
        assert!(self.hub.poll_timeout().is_none_or(|due| due > self.now), "what was due is done");
    }

    fn carry(&mut self, user: usize, up: usize, down: usize) {
        let User { client, line, .. } = &mut self.users[user];
        let said = client.transmit().concat();
        line.up.extend_from_slice(&said[..up.min(said.len())]);
        client.transmitted(self.now, up.min(said.len()));
        self.take_up(user);

        let User { client, line, .. } = &mut self.users[user];
        let unwritten = match (&mut line.handshake, line.conn) {
            (_, Some(conn)) => self.hub.transmit(conn).concat(),
            (Some(handshake), None) => handshake.transmit().concat(),
            (None, None) => Vec::new(),
        };
        let taken = down.min(unwritten.len());
        line.down.extend_from_slice(&unwritten[..taken]);
        match (&mut line.handshake, line.conn) {
            // It may have been closed since.
            (_, Some(conn)) => drop(self.hub.transmitted(self.now, conn, taken)),
            (Some(handshake), None) => handshake.transmitted(taken),
            (None, None) => {}
        }
        let mut input = &line.down[..];
        let _ = client.receive(self.now, &mut input);
        let rest = input.len();
        line.down.drain(..line.down.len() - rest);
    }

    /// What has come up goes to whom it is for.
    fn take_up(&mut self, user: usize) {
        let line = &mut self.users[user].line;
        let mut input = &line.up[..];
        while let (Some(handshake), None) = (&mut line.handshake, line.conn) {
            let registration = match handshake.receive(self.now, &mut input) {
                Ok(Some(registration)) => registration,
                Err(HandshakeError::ProtocolError(error)) => panic!("a client is polite: {error}"),
                Ok(None) | Err(_) => break,
            };
            match self.hub.admit(self.now, registration) {
                Ok(conn) => line.conn = Some(conn),
                // After too many of them the handshake ends, and says so.
                Err(not_admitted) => drop(handshake.refuse(self.now, &not_admitted.refusal)),
            }
        }
        let rest = input.len();
        line.up.drain(..line.up.len() - rest);
        self.receive(user);
    }

    /// Gives what has come up to the hub until it wants more, as a driver does.
    fn receive(&mut self, user: usize) {
        while let Line { conn: Some(conn), up, .. } = &mut self.users[user].line {
            let mut input = &up[..];
            let received = self.hub.receive(self.now, *conn, &mut input);
            let rest = input.len();
            up.drain(..up.len() - rest);
            match received {
                Ok(Received::More) => self.drain(),
                Ok(Received::Paused { until }) => {
                    assert!(until > self.now, "a pause has an end that is to come");
                    self.pass(until - self.now);
                }
                // It may have been closed since.
                Ok(Received::NeedInput | Received::Closed) | Err(_) => return,
            }
        }
    }

    fn cut(&mut self, user: usize, at_both: bool) {
        let User { client, line, .. } = &mut self.users[user];
        let line = std::mem::take(line);
        if let Some(conn) = line.conn.filter(|_| at_both) {
            let _ = self.hub.disconnect(self.now, conn);
        }
        client.disconnect(self.now);
    }

    fn wake(&mut self, user: usize) {
        let due = self.users[user].client.poll_timeout();
        if let Some(due) = due.filter(|due| *due > self.now) {
            self.pass(due - self.now);
        }
        self.users[user].client.handle_timeout(self.now);
    }

    /// What a stranger does harms at most the one whose token it has.
    fn forge(&mut self, name: &str, token: Token, received: Option<u64>) {
        let mut opening = Preface::OURS.encode().to_vec();
        ClientMessage::Resume(Resume {
            name,
            token,
            received,
            attempt: u64::MAX >> (received.unwrap_or(0) % 64),
            frame_bytes_max: u32::MAX,
        })
        .encode(&mut opening);
        let mut handshake = Handshake::new(self.now, self.hub.limits());
        let registration = handshake.receive(self.now, &mut &opening[..]).expect("it is right").expect("it is whole");
        if let Ok(conn) = self.hub.admit(self.now, registration) {
            let _ = self.hub.disconnect(self.now, conn);
        }
    }

    /// Does what the hub and the clients ask for.
    fn drain(&mut self) {
        while let Some(output) = self.hub.poll_action() {
            if let Action::Close { conn, .. } = output
                && let Some(user) = self.users.iter().position(|user| user.line.conn == Some(conn))
            {
                // What it was written is still read, and then it is over.
                self.carry(user, 0, 0);
                self.cut(user, false);
            }
        }
        for user in 0..self.users.len() {
            while let Some(event) = self.users[user].client.poll_event() {
                self.learn(user, event);
            }
        }
    }

    fn learn(&mut self, user: usize, event: Event) {
        let limits = self.hub.limits();
        let User { client, line, token, seen } = &mut self.users[user];
        match event {
            Event::Message { body, room, from, .. } => {
                let number = u32::from_le_bytes(*body.first_chunk().expect("bodies are numbered"));
                assert_eq!(from.as_str(), NAMES[usize::from(body[4])], "the sender is the sender");
                let last = &mut seen[usize::from(body[4])][usize::from(room.is_some())];
                assert!(*last < number, "{number} after {last}: once, and in order");
                *last = number;
            }
            Event::Reconnecting { .. } | Event::Disconnected { .. } => *line = Line::default(),
            Event::Connect { .. } => {
                *line = Line::new(self.now, limits);
                client.connected(self.now);
            }
            Event::Registered { .. } | Event::Resumed => *token = client.ticket().expect("it has a session").token,
            Event::Closed(Closed::ProtocolError(error)) => panic!("the hub broke the protocol: {error}"),
            Event::Closed(Closed::Error { code, detail, .. }) => {
                panic!("the client broke the protocol: {code}: {detail}")
            }
            _ => {}
        }
    }

    /// Connections hold from now on: everybody who has not left comes to rest, connected and with nothing to come.
    fn heal(&mut self) {
        for _ in 0..400 {
            self.pass(Duration::from_millis(250));
            for user in 0..self.users.len() {
                self.wake_if_due(user);
                self.drain();
                // Once more for the answers to what comes down.
                for _ in 0..2 {
                    self.carry(user, usize::MAX, usize::MAX);
                    self.drain();
                }
            }
        }
        for user in &self.users {
            let rests = user.client.is_closed() || user.client.is_drained() || user.client.ticket().is_none();
            assert!(rests, "everything unwritten is delivered in the end: {:?}", user.client);
        }
    }

    fn wake_if_due(&mut self, user: usize) {
        let client = &mut self.users[user].client;
        if client.poll_timeout().is_some_and(|due| due <= self.now) {
            client.handle_timeout(self.now);
        }
    }
}

impl User {
    fn start(hub: &Hub, now: Instant, name: &str, ticket: Option<SessionTicket>) -> Self {
        let token = ticket.as_ref().map_or(Token::from_bytes([0; 16]), |ticket| ticket.token);
        let client = if let Some(ticket) = ticket {
            Client::resume(now, ClientConfig::default(), 7, ticket, b"")
        } else {
            let mut client = Client::new(now, ClientConfig::default(), 7);
            client.register(now, name, b"").expect("a fresh client may register");
            client
        };
        Self { client, line: Line::new(now, hub.limits()), token, seen: Default::default() }
    }
}
