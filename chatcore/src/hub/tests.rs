//! What only the inside of a hub can tell.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::collection;
use proptest::prelude::*;

use super::Hub;
use super::conn_id::ConnId;
use super::work::SLICE_WORK_MAX;
use crate::handshake::{Handshake, Refusal};
use crate::limits::{Limits, Rate};
use crate::name::UserName;
use crate::received::Received;
use crate::time::Instant;
use crate::wire::{
    Ack, ClientMessage, Join, Leave, Message, Ping, Preface, Register, Roster, Send, Unwatch, Watch, Who,
};

const USERS: usize = 40;
const ROOMS: u8 = 3;

/// Bytes that outboxes may grow by in one call: those of the room for one message beyond the work that it begins with, each
/// unit of which copies 1 KiB or puts a frame into an outbox.
fn bytes_of_call_max(limits: &Limits) -> usize {
    Hub::work_of_call_max(limits) as usize * (1024 + 256)
}

/// What a session asks for, many times in a row.
#[derive(Clone, Debug)]
enum Ask {
    Say { room: u8, bytes: usize },
    Send { to: u8, bytes: usize },
    Join(u8),
    Leave(u8),
    Roster(u8),
    Who(u16),
    Watch { names: usize, is_costly: bool },
    Unwatch { names: usize, is_costly: bool },
    Nobody,
    Ping,
    Ack,
    Garbage(Vec<u8>),
}

/// What happens to a hub.
#[derive(Clone, Debug)]
enum Step {
    Input {
        user: u8,
        asks: Vec<(Ask, u16)>,
    },
    /// A user reads what waits for it, and acknowledges nothing of it.
    Read(u8),
    Break(u8),
    /// A user whose connection broke comes again: under its name if that is free, and never with its session.
    Return(u8),
    Kick(u8),
    Action,
    Timeout {
        millis: u32,
    },
}

fn ask() -> impl Strategy<Value = Ask> {
    let bytes = || prop_oneof![4 => 0..100_usize, 1 => 0..4_000_usize];
    prop_oneof![
        4 => (0..ROOMS, bytes()).prop_map(|(room, bytes)| Ask::Say { room, bytes }),
        2 => (any::<u8>(), bytes()).prop_map(|(to, bytes)| Ask::Send { to, bytes }),
        1 => (0..ROOMS).prop_map(Ask::Join),
        1 => (0..ROOMS).prop_map(Ask::Leave),
        1 => (0..ROOMS).prop_map(Ask::Roster),
        1 => (0..100_u16).prop_map(Ask::Who),
        1 => (0..300_usize, any::<bool>()).prop_map(|(names, is_costly)| Ask::Watch { names, is_costly }),
        1 => (0..300_usize, any::<bool>()).prop_map(|(names, is_costly)| Ask::Unwatch { names, is_costly }),
        1 => Just(Ask::Nobody),
        1 => Just(Ask::Ping),
        1 => Just(Ask::Ack),
        1 => collection::vec(any::<u8>(), 0..40).prop_map(Ask::Garbage),
    ]
}

/// Of a session and of its origin: without a bound, or enough for everybody's opening and some more.
fn rates() -> impl Strategy<Value = [Rate; 2]> {
    let bounded = (1_000..100_000_u32, 20_000..200_000_u32).prop_map(|(per_s, burst)| Rate { per_s, burst });
    prop_oneof![
        Just([Rate::UNLIMITED; 2]),
        (bounded, 1..4_u32).prop_map(|(session, sessions)| {
            [session, Rate { per_s: sessions * session.per_s, burst: sessions * session.burst }]
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let times = || prop_oneof![2 => Just(1_u16), 1 => 1..1_000_u16];
    prop_oneof![
        6 => (any::<u8>(), collection::vec((ask(), times()), 1..6)).prop_map(|(user, asks)| Step::Input { user, asks }),
        1 => any::<u8>().prop_map(Step::Read),
        1 => any::<u8>().prop_map(Step::Break),
        1 => any::<u8>().prop_map(Step::Return),
        1 => any::<u8>().prop_map(Step::Kick),
        2 => Just(Step::Action),
        2 => (0..90_000_u32).prop_map(|millis| Step::Timeout { millis }),
    ]
}

struct Run {
    hub: Hub,
    now: Instant,
    conns: Vec<ConnId>,
}

impl Run {
    fn new([session_rate, origin_rate]: [Rate; 2]) -> Self {
        let limits = Limits {
            body_bytes_max: 4_000,
            outbox_bytes_max: 32 << 10,
            idle_time_max: Duration::from_secs(40),
            stall_time_max: Duration::from_secs(50),
            session_rate,
            origin_rate,
            presence_time_min: Duration::from_millis(100),
            ..Limits::default()
        };
        let mut run = Self { hub: Hub::new(limits, [7; 32]), now: Instant::from_millis(1), conns: Vec::new() };
        for user in 0..USERS {
            let conn = run.admit(user).expect("the name is free, and there is room for it");
            run.conns.push(conn);
            let mut opening = Vec::new();
            for room in 0..ROOMS {
                ClientMessage::Join(Join { room: &room_name(room) }).encode(&mut opening);
            }
            // Everybody watches the first, who comes and goes.
            ClientMessage::Watch(Watch { names: Vec::from(["u0"]) }).encode(&mut opening);
            run.give(user, &opening);
        }
        run
    }

    fn admit(&mut self, user: usize) -> Result<ConnId, Refusal> {
        let mut opening = Preface::OURS.encode().to_vec();
        ClientMessage::Register(Register { name: &format!("u{user}"), credential: b"", frame_bytes_max: u32::MAX })
            .encode(&mut opening);
        let mut handshake = Handshake::new(self.now, self.hub.limits());
        let registration = handshake.receive(self.now, &mut &opening[..]).expect("it is right").expect("it is whole");
        let (now, work_max) = (self.now, step_work_max(self.hub.limits()));
        self.bounded(work_max, |run| run.hub.admit(now, registration))
    }

    /// Bytes that wait in all outboxes.
    fn kept(&self) -> usize {
        let sessions = self.hub.ordered.sessions();
        (0..sessions.slots()).filter_map(|index| sessions.get(index)).map(|session| session.outbox.kept_bytes()).sum()
    }

    /// Does something that is bounded, and checks that it was: by what the hub says, and by what has come into outboxes.
    fn bounded<T>(&mut self, work_max: u32, call: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.kept();
        let outcome = call(self);
        let (work, grown) = (self.hub.work_of_last_call(), self.kept().saturating_sub(before));
        assert!(work <= work_max, "{work} units in one call, {work_max} at the most");
        let bytes_max = bytes_of_call_max(self.hub.limits());
        assert!(grown <= bytes_max, "outboxes grow by {grown} bytes in one call, {bytes_max} at the most");
        outcome
    }

    fn give(&mut self, user: usize, mut input: &[u8]) {
        let work_max = Hub::work_of_call_max(self.hub.limits());
        let (conn, now) = (self.conns[user], self.now);
        for calls in 0.. {
            let received = self.bounded(work_max, |run| run.hub.receive(now, conn, &mut input));
            if received != Ok(Received::More) {
                return;
            }
            // A driver gives others their turn in between. Some let the hub go on, too.
            if calls % 3 == 2 {
                self.slice();
            }
            assert!(calls < 100_000, "the input comes to its end");
        }
    }

    fn slice(&mut self) {
        while self.hub.poll_event().is_some() {}
        let work_max = 2 * SLICE_WORK_MAX + step_work_max(self.hub.limits());
        let _ = self.bounded(work_max, |run| run.hub.poll_action());
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Input { user, asks } => {
                let mut input = Vec::new();
                for (ask, times) in asks {
                    let frame = frame(ask);
                    // Lists and pages are long: fewer of them are as much work.
                    let times = if frame.len() > 4_000 { times % 20 } else { *times };
                    (0..times).for_each(|_| input.extend_from_slice(&frame));
                }
                self.give(usize::from(*user) % USERS, &input);
            }
            Step::Read(user) => {
                let conn = self.conns[usize::from(*user) % USERS];
                let owed = self.hub.transmit(conn).concat().len();
                let _ = self.hub.transmitted(self.now, conn, owed);
            }
            Step::Break(user) => {
                let _ = self.hub.disconnect(self.now, self.conns[usize::from(*user) % USERS]);
            }
            Step::Return(user) => {
                let user = usize::from(*user) % USERS;
                if let Ok(conn) = self.admit(user) {
                    self.conns[user] = conn;
                }
            }
            Step::Kick(user) => {
                let name = UserName::new(&format!("u{}", usize::from(*user) % USERS)).expect("it is a name");
                let (now, work_max) = (self.now, step_work_max(self.hub.limits()));
                self.bounded(work_max, |run| run.hub.kick(now, &name));
            }
            Step::Action => self.slice(),
            Step::Timeout { millis } => {
                self.now = self.now + Duration::from_millis(u64::from(*millis));
                let (now, work_max) = (self.now, 2 * SLICE_WORK_MAX + step_work_max(self.hub.limits()));
                self.bounded(work_max, |run| run.hub.handle_timeout(now));
            }
        }
    }
}

/// The longest step beyond what a call begins with: all that a call may do, but for that and what it does for others.
fn step_work_max(limits: &Limits) -> u32 {
    Hub::work_of_call_max(limits) - super::work::CALL_WORK_MAX - 2 * SLICE_WORK_MAX
}

fn room_name(room: u8) -> String {
    format!("#room{room}")
}

fn frame(ask: &Ask) -> Vec<u8> {
    let list = |names: usize, is_costly: bool| -> Vec<String> {
        let name = |n| if is_costly { format!("{n}{}", "\u{660}".repeat(60)) } else { format!("u{n}") };
        (0..names).map(name).collect()
    };
    let mut bytes = Vec::new();
    match ask {
        Ask::Say { room, bytes: body } => {
            ClientMessage::Send(Send { to: &room_name(*room), body: &vec![b'x'; *body] }).encode(&mut bytes);
        }
        Ask::Send { to, bytes: body } => {
            let to = format!("u{}", usize::from(*to) % USERS);
            ClientMessage::Send(Send { to: &to, body: &vec![b'x'; *body] }).encode(&mut bytes);
        }
        Ask::Join(room) => ClientMessage::Join(Join { room: &room_name(*room) }).encode(&mut bytes),
        Ask::Leave(room) => ClientMessage::Leave(Leave { room: &room_name(*room) }).encode(&mut bytes),
        Ask::Roster(room) => {
            ClientMessage::Roster(Roster { room: &room_name(*room), cursor: 0 }).encode(&mut bytes);
        }
        Ask::Who(cursor) => ClientMessage::Who(Who { cursor: u64::from(*cursor) }).encode(&mut bytes),
        Ask::Watch { names, is_costly } => {
            let names = list(*names, *is_costly);
            ClientMessage::Watch(Watch { names: names.iter().map(String::as_str).collect() }).encode(&mut bytes);
        }
        Ask::Unwatch { names, is_costly } => {
            let names = list(*names, *is_costly);
            ClientMessage::Unwatch(Unwatch { names: names.iter().map(String::as_str).collect() }).encode(&mut bytes);
        }
        Ask::Nobody => {
            ClientMessage::Send(Send { to: &"\u{660}".repeat(64), body: b"" }).encode(&mut bytes);
        }
        Ask::Ping => ClientMessage::Ping(Ping { nonce: 1 }).encode(&mut bytes),
        Ask::Ack => ClientMessage::Ack(Ack { count: 1 }).encode(&mut bytes),
        Ask::Garbage(garbage) => bytes.extend_from_slice(garbage),
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_call_does_more_than_so_much_whatever_comes_in(
        rates in rates(),
        steps in collection::vec(step(), 1..24),
    ) {
        let mut run = Run::new(rates);
        for step in &steps {
            run.step(step);
        }
    }
}

#[test]
fn nothing_inside_a_hub_shows_a_token() {
    let now = Instant::from_millis(1_000);
    let mut hub = Hub::new(Limits::default(), [7; 32]);
    let mut opening = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX })
        .encode(&mut opening);
    let mut handshake = Handshake::new(now, hub.limits());
    let registration = handshake.receive(now, &mut &opening[..]).expect("it is right").expect("it is whole");
    hub.admit(now, registration).expect("the name is free");
    let sessions = hub.ordered.sessions();
    let session = &sessions[0];
    let inside = [format!("{session:?}"), format!("{:?}", sessions.pool), format!("{:?}", hub.secrets)].concat();
    for window in session.details.token.as_bytes().windows(4) {
        let list = format!("{window:?}");
        assert!(!inside.contains(list.trim_matches(['[', ']'])), "{list} in {inside}");
    }
}
