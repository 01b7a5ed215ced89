//! A hub and its users without a network: bytes are carried by hand, and time stands until it is moved.

#![allow(dead_code, reason = "each test file uses another part of it")]

use std::collections::BTreeSet;
use std::time::Duration;

use chatcore::wire::{
    self, Ack, Announced, ClientMessage, HubMessage, Join, Kind, Message, PREFACE_BYTES, Preface, Register, Rejected,
    Resume, Token, Welcome,
};
use chatcore::{
    Action, Admission, Client, ClientConfig, CloseReason, ConnId, Event, GoodbyeCode, Handshake, HandshakeError, Hub,
    HubEvent, Instant, Limits, MessageId, QuotaKey, Received, Refusal, Registration, RejectCode,
};

/// What a hub announces that is bytes alone.
pub(crate) const ANNOUNCED: Announced = Announced {
    frame_bytes_max: 1_000,
    body_bytes_max: 100,
    outbox_bytes_max: 100_000,
    stall_ms_max: 10_000,
    idle_ms_max: 60_000,
    resume_ms_max: 60_000,
    rooms_max: 64,
    watches_max: 8,
    cost_per_s: 0,
    cost_burst: 0,
};

/// Slices that a hub of a test needs at one time, at the most.
const SLICES_MAX: usize = 1_000;

pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) now: Instant,
    /// Connections that the hub closed.
    pub(crate) closes: Vec<(ConnId, CloseReason)>,
    /// What the hub told.
    pub(crate) hub_events: Vec<HubEvent>,
    /// Connections that are to be written to.
    pub(crate) writable: BTreeSet<ConnId>,
    /// How long sessions wait for their clients that come in now; none for as long as the hub's limits say.
    pub(crate) resume_time: Option<Duration>,
}

impl World {
    pub(crate) fn new(limits: Limits) -> Self {
        let hub = Hub::new(limits, [7; 32]);
        Self {
            hub,
            now: Instant::from_millis(1_000),
            closes: Vec::new(),
            hub_events: Vec::new(),
            writable: BTreeSet::new(),
            resume_time: None,
        }
    }

    /// A connection that has registered, of which the hub knows only bytes. The preface and the welcome
    /// are taken off.
    pub(crate) fn join(&mut self, name: &str) -> ConnId {
        let conn = self.try_join(name).expect("the name is free");
        let greeting = self.written(conn);
        assert_eq!(greeting[..PREFACE_BYTES], Preface::OURS.encode());
        let messages = decode_all(&greeting[PREFACE_BYTES..]);
        assert!(matches!(messages[..], [HubMessage::Welcome(_)]), "{messages:?}");
        self.confirm(conn);
        conn
    }

    /// The client has its welcome.
    pub(crate) fn confirm(&mut self, conn: ConnId) {
        let input = encode_all(&[ClientMessage::Ack(Ack { count: 0 })]);
        // It may have cost all that the session may cost.
        let _ = self.hub.receive(self.now, conn, &mut &input[..]).expect("the connection is there");
    }

    pub(crate) fn try_join(&mut self, name: &str) -> Result<ConnId, Refusal> {
        let registration = registration(self.now, self.hub.limits(), name);
        self.hub.admit(self.now, registration).map_err(|not_admitted| not_admitted.refusal)
    }

    /// Admits a registration, whose client takes its welcome.
    pub(crate) fn let_in(&mut self, registration: Registration) -> Result<ConnId, Refusal> {
        let conn = self.hub.admit(self.now, registration).map_err(|not_admitted| not_admitted.refusal)?;
        self.written(conn);
        self.confirm(conn);
        Ok(conn)
    }

    /// The same for a name that is asked for from an origin.
    pub(crate) fn let_in_from(&mut self, name: &str, origin: u128) -> Result<ConnId, Refusal> {
        let registration = registration(self.now, self.hub.limits(), name);
        self.let_in(registration.with_origin(QuotaKey(origin)))
    }

    pub(crate) fn join_from(&mut self, name: &str, origin: u128) -> ConnId {
        self.let_in_from(name, origin).expect("there is room for it")
    }

    /// Asks for a room. The answer, if that is no.
    pub(crate) fn join_room(&mut self, conn: ConnId, room: &str) -> Result<(), RejectCode> {
        let _ = self.say(conn, &[ClientMessage::Join(Join { room })]);
        let answers = self.written(conn);
        let code = decode_all(&answers).into_iter().find_map(|answer| match answer {
            HubMessage::Rejected(Rejected { code, .. }) => Some(code),
            _ => None,
        });
        code.map_or(Ok(()), Err)
    }

    /// Gives the hub messages as one piece of input, which it must use up.
    pub(crate) fn say(&mut self, conn: ConnId, messages: &[ClientMessage<'_>]) -> Received {
        self.put(conn, &encode_all(messages))
    }

    /// Gives the hub bytes as one piece of input, which it must use up.
    pub(crate) fn put(&mut self, conn: ConnId, bytes: &[u8]) -> Received {
        let mut input = bytes;
        let received = self.hub.receive(self.now, conn, &mut input).expect("the connection is known");
        assert_eq!(input, b"", "whole frames are used up");
        received
    }

    /// Drains the actions and the events.
    pub(crate) fn drain(&mut self) {
        while let Some(action) = self.hub.poll_action() {
            match action {
                Action::Write { conn } => assert!(self.writable.insert(conn), "{conn} is told once"),
                Action::Close { conn, reason } => self.closes.push((conn, reason)),
            }
        }
        self.hub_events.extend(std::iter::from_fn(|| self.hub.poll_event()));
    }

    /// Takes all that is to be written to a connection.
    pub(crate) fn written(&mut self, conn: ConnId) -> Vec<u8> {
        self.drain();
        let bytes = self.hub.transmit(conn).concat();
        if !bytes.is_empty() {
            assert!(self.writable.remove(&conn), "what is to be written is announced");
            self.hub.transmitted(self.now, conn, bytes.len()).expect("the connection is known");
        }
        self.drain();
        bytes
    }

    /// Moves the time, step by step to each deadline on the way, as a driver does. What is more than one call does is
    /// due again at once, but comes to an end.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut slices = 0;
        while let Some(due) = self.hub.poll_timeout().filter(|due| *due <= end) {
            slices = if due > self.now { 0 } else { slices + 1 };
            assert!(slices < SLICES_MAX, "what is due is done in the end");
            self.now = self.now.max(due);
            self.hub.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
        self.drain();
    }

    /// Why a connection was closed; none if it was not.
    pub(crate) fn closed(&self, conn: ConnId) -> Option<CloseReason> {
        self.closes.iter().find(|(closed, _)| *closed == conn).map(|(_, reason)| *reason)
    }
}

/// Takes the bodies of the messages that a user was told.
pub(crate) fn bodies(user: &mut User) -> Vec<String> {
    let events = std::mem::take(&mut user.events);
    let bodies = events.into_iter().filter_map(|event| match event {
        Event::Message { body, .. } => Some(String::from_utf8(body).unwrap()),
        _ => None,
    });
    bodies.collect()
}

/// The id of the nth message of a world, if the time has not been moved.
pub(crate) const fn nth(n: u64) -> MessageId {
    MessageId((1_000 << 23) + n - 1)
}

/// A user with a real client at its end.
pub(crate) struct User {
    pub(crate) client: Client,
    pub(crate) conn: ConnId,
    pub(crate) events: Vec<Event>,
    /// The numbered frames of the hub that have come, as far as they were carried.
    frames: Vec<Kind>,
    /// How many of them the hub knows that it need not send again.
    acknowledged: u64,
}

impl User {
    pub(crate) const fn new(client: Client, conn: ConnId) -> Self {
        Self { client, conn, events: Vec::new(), frames: Vec::new(), acknowledged: 0 }
    }

    /// Notes what the hub is given of this client.
    pub(crate) fn tally_up(&mut self, mut bytes: &[u8]) {
        while let Ok(Some(content)) = wire::take(&mut bytes, u32::MAX) {
            if let Ok(Some(ClientMessage::Ack(Ack { count }))) = ClientMessage::decode(content) {
                self.acknowledged = self.acknowledged.max(count);
            }
        }
    }

    fn tally_down(&mut self, bytes: &[u8]) {
        let mut frames = bytes.strip_prefix(&Preface::OURS.encode()[..]).unwrap_or(bytes);
        while let Ok(Some(content)) = wire::take(&mut frames, u32::MAX) {
            self.frames.extend(Some(content.kind).filter(|kind| kind.is_numbered()));
        }
    }

    /// How many frames about messages have come that the hub does not know to be acknowledged.
    pub(crate) fn unacknowledged_messages(&self) -> usize {
        let frames = &self.frames[usize::try_from(self.acknowledged).expect("it is small")..];
        let messages = [Kind::DELIVER, Kind::ROOM_DELIVER, Kind::SENT, Kind::REPORT, Kind::MISSED];
        frames.iter().filter(|kind| messages.contains(kind)).count()
    }
}

impl World {
    pub(crate) fn connect(&mut self, name: &str) -> User {
        self.connect_with(name, ClientConfig::default())
    }

    pub(crate) fn connect_with(&mut self, name: &str, config: ClientConfig) -> User {
        self.connect_as(name, config, Admission::NewUser)
    }

    pub(crate) fn connect_as(&mut self, name: &str, config: ClientConfig, admission: Admission) -> User {
        let mut client = Client::new(self.now, config, 7);
        client.register(self.now, name, b"").expect("a fresh client may register");
        let conn = self.admit_as(&mut client, admission).expect("the name is free");
        let mut user = User::new(client, conn);
        self.carry(&mut user);
        assert!(matches!(user.events.remove(0), Event::Registered { .. }));
        user
    }

    /// Lets a client in that asks for a name or a session in its first bytes.
    pub(crate) fn admit(&mut self, client: &mut Client) -> Result<ConnId, Refusal> {
        self.admit_as(client, Admission::NewUser)
    }

    pub(crate) fn admit_as(&mut self, client: &mut Client, admission: Admission) -> Result<ConnId, Refusal> {
        let opening = client.transmit().concat();
        client.transmitted(self.now, opening.len());
        let mut handshake = Handshake::new(self.now, self.hub.limits());
        let registration = handshake.receive(self.now, &mut &opening[..]).expect("the client is polite");
        let mut registration = registration.expect("it asks at once");
        if let Some(time) = self.resume_time {
            registration = registration.with_resume_time_max(time).expect("it is not too long");
        }
        let admitted = self.hub.admit_as(self.now, registration, admission);
        let admitted = admitted.map_err(|not_admitted| not_admitted.refusal);
        if let Err(refusal) = &admitted {
            handshake.refuse(self.now, refusal).expect("it is the first time");
            let refused = handshake.transmit().concat();
            handshake.transmitted(refused.len());
            let _ = client.receive(self.now, &mut &refused[..]);
        }
        admitted
    }

    /// Cuts a user's connection, at both ends.
    pub(crate) fn cut(&mut self, user: &mut User) {
        self.hub.disconnect(self.now, user.conn).expect("the connection is known");
        user.client.disconnect(self.now);
        user.events.extend(std::iter::from_fn(|| user.client.poll_event()));
        assert!(matches!(user.events.pop(), Some(Event::Reconnecting { .. })), "a session is gone on with");
        self.drain();
    }

    /// Lets a user connect again, when it wants to.
    pub(crate) fn reconnect(&mut self, user: &mut User) -> Result<(), Refusal> {
        self.pass(user.client.poll_timeout().expect("it wants to") - self.now);
        user.client.handle_timeout(self.now);
        assert!(matches!(user.client.poll_event(), Some(Event::Connect { address: None, .. })));
        user.client.connected(self.now);
        user.conn = self.admit(&mut user.client)?;
        // The resume has told how many have come.
        user.acknowledged = user.frames.len() as u64;
        Ok(())
    }

    /// Lets a client in that was refused and asks for a name in the same breath.
    pub(crate) fn admit_again(&mut self, client: &mut Client) -> ConnId {
        let asked = client.transmit().concat();
        client.transmitted(self.now, asked.len());
        let opening = [&Preface::OURS.encode()[..], &asked].concat();
        let mut handshake = Handshake::new(self.now, self.hub.limits());
        let registration = handshake.receive(self.now, &mut &opening[..]).expect("it is polite").expect("it is whole");
        let conn = self.hub.admit(self.now, registration).expect("the name is free");
        // The client has seen a preface already.
        self.drain();
        self.hub.transmitted(self.now, conn, PREFACE_BYTES).expect("the connection is known");
        conn
    }

    /// As [`World::carry`], with a connection that is closing or gone at the hub.
    pub(crate) fn carry_closed(&mut self, user: &mut User) {
        self.carry(user);
        assert!(self.hub.name(user.conn).is_none());
    }

    /// Carries bytes both ways until there is nothing more to say.
    pub(crate) fn carry(&mut self, user: &mut User) {
        loop {
            let up = user.client.transmit().concat();
            user.client.transmitted(self.now, up.len());
            if !up.is_empty() && self.hub.name(user.conn).is_some() {
                user.tally_up(&up);
                let _ = self.put(user.conn, &up);
            }
            let down = self.written(user.conn);
            user.tally_down(&down);
            let _ = user.client.receive(self.now, &mut &down[..]);
            user.events.extend(std::iter::from_fn(|| user.client.poll_event()));
            if up.is_empty() && down.is_empty() {
                break;
            }
        }
    }
}

/// A connection that has registered, of which the hub knows only bytes, and the token of its session.
pub(crate) fn join_with_token(world: &mut World, name: &str) -> (ConnId, Token) {
    let conn = world.try_join(name).unwrap();
    let greeting = world.written(conn);
    world.confirm(conn);
    match decode_all(&greeting[PREFACE_BYTES..])[..] {
        [HubMessage::Welcome(Welcome { token, .. })] => (conn, token),
        ref other => panic!("{other:?}"),
    }
}

/// Asks for a session with its token, and says how much was received.
pub(crate) fn try_resume(
    world: &mut World,
    name: &str,
    token: Token,
    received: Option<u64>,
) -> Result<ConnId, Refusal> {
    try_resume_again(world, name, token, received, 1)
}

/// The same as a later attempt.
pub(crate) fn try_resume_again(
    world: &mut World,
    name: &str,
    token: Token,
    received: Option<u64>,
    attempt: u64,
) -> Result<ConnId, Refusal> {
    let mut opening = Preface::OURS.encode().to_vec();
    ClientMessage::Resume(Resume { name, token, received, attempt, frame_bytes_max: u32::MAX }).encode(&mut opening);
    let mut handshake = Handshake::new(world.now, world.hub.limits());
    let registration = handshake.receive(world.now, &mut &opening[..]).unwrap().unwrap();
    assert!(registration.is_resumption());
    world.hub.admit(world.now, registration).map_err(|not_admitted| not_admitted.refusal)
}

pub(crate) fn send<'a>(to: &'a str, body: &'a [u8]) -> ClientMessage<'a> {
    ClientMessage::Send(wire::Send { to, body })
}

pub(crate) fn goodbye() -> ClientMessage<'static> {
    ClientMessage::Goodbye(wire::Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None })
}

/// A registration as a handshake makes it.
pub(crate) fn registration(now: Instant, limits: &Limits, name: &str) -> Registration {
    let mut handshake = Handshake::new(now, limits);
    handshake.receive(now, &mut &opening(name)[..]).expect("the name can be one").expect("the registration is whole")
}

/// The first bytes of a client that asks for a name.
pub(crate) fn opening(name: &str) -> Vec<u8> {
    let mut bytes = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }).encode(&mut bytes);
    bytes
}

pub(crate) fn handshake_error(input: &[u8]) -> (HandshakeError, Vec<u8>) {
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    let error = handshake.receive(Instant::ZERO, &mut &input[..]).expect_err("the input is wrong");
    (error, handshake.transmit().concat())
}

pub(crate) fn encode_all<'a, M: Message<'a>>(messages: &[M]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        message.encode(&mut bytes);
    }
    bytes
}

/// All messages of a hub in these bytes, which hold nothing else.
pub(crate) fn decode_all(mut bytes: &[u8]) -> Vec<HubMessage<'_>> {
    let mut messages = Vec::new();
    while let Some(content) = wire::take(&mut bytes, u32::MAX).expect("frames are well-formed") {
        messages.push(HubMessage::decode(content).expect("messages are well-formed").expect("kinds are known"));
    }
    assert_eq!(bytes, b"", "nothing is left over");
    messages
}

/// Carries what each of these users and the hub say, until the first of them has heard what the last one led to.
pub(crate) fn carry_all<const N: usize>(world: &mut World, users: [&mut User; N]) {
    let mut users = users;
    for _ in 0..2 {
        for user in &mut users {
            world.carry(user);
        }
    }
}

/// What a user was told since this was last asked.
pub(crate) fn events(user: &mut User) -> Vec<Event> {
    std::mem::take(&mut user.events)
}
