//! What only the inside of a hub can tell.

mod steps;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::collection;
use proptest::prelude::*;

use self::steps::{Ask, Crowd, LARGE, Settings, Step, frame, settings, step};
use super::conn::ConnState;
use super::conn_id::ConnId;
use super::work::{CALL_WORK_MAX, PASSED, SLICE_WORK_MAX, of_bytes};
use super::{Admission, Asking, Audience, Hub};
use crate::handshake::{Handshake, Refusal};
use crate::limits::Limits;
use crate::name::{RoomName, UserName};
use crate::outbox::Tally;
use crate::rate::Rate;
use crate::received::Received;
use crate::time::Instant;
use crate::wire::{
    Ack, ClientMessage, HEADER_BYTES, Join, Message, OVERHEAD_BYTES_MAX, Preface, Register, RejectCode, Resume, Watch,
};

/// What one unit of work may do to outboxes: copy 1 KiB and what stands before a body, put in an answer and what goes
/// before it, pass over 16 frames.
const UNIT: Tally = Tally { copied: 1024 + OVERHEAD_BYTES_MAX as u64, calls: 2, walked: 16 };

/// What one call may really do to outboxes, whatever is noted of it: the units that it begins with, and one step beyond
/// them. The longest are a batch of a room for one member, once to be shared and once put in; the notices of all rooms
/// and watches; one outbox that moves; and one that is passed over frame by frame.
fn tally_max(limits: &Limits, units: u32) -> Tally {
    let (units, notices) = (u64::from(units), notices_max(limits));
    let outbox_bytes = limits.outbox_bytes_hard_max() as u64;
    let notices_bytes = notices * u64::from(OVERHEAD_BYTES_MAX);
    Tally {
        copied: units * UNIT.copied + 2 * segment_bytes_max(limits) + outbox_bytes + notices_bytes,
        calls: units * UNIT.calls + BATCH_BYTES / ROOM_FRAME_BYTES_MIN + notices,
        walked: units * UNIT.walked + walk_max(limits),
    }
}

/// What letting somebody in may really do to outboxes. Who comes back has its outbox searched for what it has and for
/// what is half written, and settled; one segment of it is copied, and what is put in beside that fits what is left.
fn admit_tally_max(limits: &Limits) -> Tally {
    const FEW: u64 = 16;
    Tally {
        copied: limits.outbox_bytes_hard_max() as u64 + segment_bytes_max(limits),
        calls: notices_max(limits) + FEW,
        walked: 3 * walk_max(limits),
    }
}

/// What it is noted as: what is kept for a session is copied to another client's connection, and passed over.
fn admit_work_max(limits: &Limits) -> u32 {
    let frames = u32::try_from(walk_max(limits)).unwrap_or(u32::MAX);
    of_bytes(limits.outbox_bytes_hard_max()) + frames / PASSED
}

/// Bytes of a batch of a room, which is the longest segment that outboxes share.
fn segment_bytes_max(limits: &Limits) -> u64 {
    BATCH_BYTES + u64::from(limits.body_bytes_max + OVERHEAD_BYTES_MAX)
}

/// What a session may be told of all its rooms and watches.
fn notices_max(limits: &Limits) -> u64 {
    2 * u64::from(limits.rooms_of_user_max + limits.watches_max)
}

/// Frames that are passed over to find one place in an outbox: all, because the outbox of a session that was detached
/// is one segment.
fn walk_max(limits: &Limits) -> u64 {
    limits.outbox_bytes_hard_max() as u64 / FRAME_BYTES_MIN
}

/// Bytes of a batch of a room, but for its last message.
const BATCH_BYTES: u64 = 64 << 10;

/// The shortest frame has a header and one number.
const FRAME_BYTES_MIN: u64 = HEADER_BYTES as u64 + 1;

/// A frame of a room has a header, an id, and two names.
const ROOM_FRAME_BYTES_MIN: u64 = HEADER_BYTES as u64 + 12;

struct Run {
    hub: Hub,
    crowd: Crowd,
    now: Instant,
    conns: Vec<ConnId>,
    names: Vec<String>,
    attempts: u64,
}

impl Run {
    fn new(settings: &Settings) -> Self {
        let Settings { crowd, rates: [session_rate, origin_rate], outbox_bytes_max, body_bytes_max, .. } = *settings;
        let Crowd { users, rooms } = crowd;
        let limits = Limits {
            body_bytes_max,
            outbox_bytes_max,
            announced_members_max: 2 * u32::try_from(users).unwrap(),
            rooms_of_user_max: Limits::default().rooms_of_user_max.max(rooms.into()),
            idle_time_max: Duration::from_secs(40),
            stall_time_max: Duration::from_secs(50),
            session_rate,
            origin_rate,
            presence_time_min: Duration::from_millis(100),
            ..Limits::default()
        };
        let mut run = Self {
            hub: Hub::new(limits, [7; 32]).with_asking(settings.asking).with_room_events(settings.has_room_events),
            crowd,
            now: Instant::from_millis(1),
            conns: Vec::new(),
            names: (0..users).map(|user| format!("u{user}")).collect(),
            attempts: 0,
        };
        for user in 0..users {
            let conn = run.admit(user, Admission::NewUser).expect("the name is free, and there is room for it");
            run.conns.push(conn);
            let mut opening = Vec::new();
            for room in 0..rooms {
                ClientMessage::Join(Join { room: &crowd.room_name(room) }).encode(&mut opening);
            }
            // Everybody watches the first, who comes and goes.
            ClientMessage::Watch(Watch { names: Vec::from(["u0"]) }).encode(&mut opening);
            run.give(user, &opening);
            run.answer(false);
        }
        run
    }

    /// What asks for this; no body of it is longer than the hub takes.
    fn frame(&self, ask: &Ask) -> Vec<u8> {
        let body_bytes_max = self.hub.limits().body_bytes_max as usize;
        match ask {
            Ask::Say { room, bytes } => frame(self.crowd, &Ask::Say { room: *room, bytes: body_bytes_max.min(*bytes) }),
            Ask::Send { to, bytes } => frame(self.crowd, &Ask::Send { to: *to, bytes: body_bytes_max.min(*bytes) }),
            _ => frame(self.crowd, ask),
        }
    }

    fn admit(&mut self, user: usize, admission: Admission) -> Result<ConnId, Refusal> {
        let name = self.names[user].clone();
        let register = Register { name: &name, credential: b"", frame_bytes_max: u32::MAX };
        self.open(&ClientMessage::Register(register), admission)
    }

    /// A user comes, from which client it likes.
    fn come(&mut self, user: u8, admission: Admission) {
        let user = self.crowd.user(user);
        if let Ok(conn) = self.admit(user, admission) {
            self.conns[user] = conn;
        }
    }

    fn open(&mut self, first: &ClientMessage<'_>, admission: Admission) -> Result<ConnId, Refusal> {
        let mut opening = Preface::OURS.encode().to_vec();
        first.encode(&mut opening);
        let mut handshake = Handshake::new(self.now, self.hub.limits());
        let registration = handshake.receive(self.now, &mut &opening[..]).expect("it is right").expect("it is whole");
        let now = self.now;
        let (max, units) = (admit_tally_max(self.hub.limits()), admit_work_max(self.hub.limits()));
        self.bounded_by(units, max, |run| run.hub.admit_as(now, registration, admission))
            .map_err(|not_admitted| not_admitted.refusal)
    }

    /// The session of the device from which a user acts; another one of it if that has lost its connection.
    fn session_of(&self, user: usize) -> Option<usize> {
        let sessions = self.hub.ordered.sessions();
        match sessions.conn_state(self.conns[user]) {
            Ok(ConnState::Open(index)) => Some(*index),
            _ => sessions.find(self.names[user].as_bytes()),
        }
    }

    /// How many numbered frames a user has acknowledged, and how many it has read.
    fn read_by(&self, user: usize) -> Option<(usize, u64, u64)> {
        let index = self.session_of(user)?;
        let sessions = self.hub.ordered.sessions();
        let outbox = &sessions[index].outbox();
        Some((index, outbox.acknowledged(), outbox.first_unwritten() - 1))
    }

    fn resume(&mut self, user: usize, lacks: u64) {
        let Some((index, acknowledged, read)) = self.read_by(user) else { return };
        let token = self.hub.ordered.sessions()[index].details.token;
        self.attempts += 1;
        let (received, attempt) = (Some(read.saturating_sub(lacks).max(acknowledged)), self.attempts);
        let name = self.names[user].clone();
        let resume = Resume { name: &name, token, received, attempt, frame_bytes_max: u32::MAX };
        if let Ok(conn) = self.open(&ClientMessage::Resume(resume), Admission::NewUser) {
            self.conns[user] = conn;
        }
    }

    fn read(&mut self, user: usize) {
        let (now, conn) = (self.now, self.conns[user]);
        let owed = self.hub.transmit(conn).concat().len();
        // What is written is let go of, if nobody acknowledges it.
        let units = owed / HEADER_BYTES / 16;
        let _ = self.bounded(u32::try_from(units).unwrap(), |run| run.hub.transmitted(now, conn, owed));
    }

    /// Does something that begins with this many units, and checks that it is bounded: by what the hub says, and by
    /// what was really done to outboxes.
    fn bounded<T>(&mut self, units: u32, call: impl FnOnce(&mut Self) -> T) -> T {
        let max = tally_max(self.hub.limits(), units);
        self.bounded_by(units, max, call)
    }

    /// The same with a bound of its own for what is done to outboxes.
    fn bounded_by<T>(&mut self, units: u32, max: Tally, call: impl FnOnce(&mut Self) -> T) -> T {
        let before = Tally::now();
        let outcome = call(self);
        let (work, done) = (self.hub.work_of_last_call(), Tally::now().since(before));
        let work_max = units + step_work_max(self.hub.limits());
        assert!(work <= work_max, "{work} units in one call, {work_max} at the most");
        let is_bounded = done.copied <= max.copied && done.calls <= max.calls && done.walked <= max.walked;
        assert!(is_bounded, "{done:?} in one call of {units} units, {work} noted; {max:?} at the most");
        outcome
    }

    fn give(&mut self, user: usize, mut input: &[u8]) {
        let conn = self.conns[user];
        for calls in 0.. {
            let now = self.now;
            let sessions = self.hub.ordered.sessions();
            let units = self.session_of(user).map_or(0, |index| sessions.work_and_cost_max(index).0);
            assert!(units <= CALL_WORK_MAX);
            let received = self.bounded(units, |run| run.hub.receive(now, conn, &mut input));
            match received {
                Ok(Received::More) => {}
                // A driver gives the rest of paused input again. Here it is left out, be it in the middle of a list.
                _ => return,
            }
            // A driver gives others their turn in between. Some let the hub go on, too.
            if calls % 3 == 2 {
                self.slice();
            }
            assert!(calls < 100_000, "the input comes to its end");
        }
    }

    /// The program answers all that it is asked. Each answer may lead to a slice of what waited for it.
    fn answer(&mut self, is_denied: bool) {
        while let Some(question) = self.hub.poll_question() {
            let (now, answer) = (self.now, if is_denied { Err(RejectCode::Denied) } else { Ok(()) });
            let known = self.bounded(SLICE_WORK_MAX, |run| run.hub.answer(now, question.id, answer));
            assert_eq!(known, Ok(()));
        }
    }

    fn rename(&mut self, user: usize) {
        let (now, old) = (self.now, self.names[user].clone());
        let new = if old.starts_with('u') { format!("v{user}") } else { format!("u{user}") };
        let from = UserName::new(&old).expect("it is a name");
        let renamed = self.bounded(SLICE_WORK_MAX, |run| run.hub.rename(now, &from, &new, "as it likes"));
        if renamed.is_ok() {
            self.names[user] = new;
        }
    }

    fn announce(&mut self, (user, room): (u8, u8), times: usize, bytes: usize) {
        let (now, from) = (self.now, UserName::new("server").expect("it is a name"));
        let user = UserName::new(&format!("u{}", self.crowd.user(user))).expect("it is a name");
        let room = RoomName::new(&self.crowd.room_name(room)).expect("it is a name");
        let body = vec![b'x'; bytes.min(self.hub.limits().body_bytes_max as usize)];
        for _ in 0..times {
            for to in [Audience::All, Audience::Room(&room), Audience::User(&user)] {
                // A command may do a slice of what goes first.
                let _ = self.bounded(SLICE_WORK_MAX, |run| run.hub.say(now, &from, to, &body));
            }
        }
    }

    fn slice(&mut self) {
        while self.hub.poll_event().is_some() {}
        let _ = self.bounded(2 * SLICE_WORK_MAX, |run| run.hub.poll_action());
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Input { user, asks } => {
                let mut input = Vec::new();
                for (ask, times) in asks {
                    let frame = self.frame(ask);
                    // Lists and pages are long: fewer of them are as much work.
                    let times = match frame.len() {
                        0..16 => 20 * u32::from(*times),
                        16..4_000 => u32::from(*times),
                        _ => u32::from(*times % 20),
                    };
                    (0..times).for_each(|_| input.extend_from_slice(&frame));
                }
                self.give(self.crowd.user(*user), &input);
            }
            Step::Read(user) => self.read(self.crowd.user(*user)),
            Step::ReadAll => (0..self.crowd.users).for_each(|user| self.read(user)),
            Step::Acknowledge { user, by } => {
                let user = self.crowd.user(*user);
                let Some((_, acknowledged, read)) = self.read_by(user) else { return };
                let mut input = Vec::new();
                for count in (acknowledged..=read).step_by(*by) {
                    ClientMessage::Ack(Ack { count }).encode(&mut input);
                }
                self.give(user, &input);
            }
            Step::Chorus { room, rounds, bytes } => {
                let said = self.frame(&Ask::Say { room: *room, bytes: *bytes });
                (0..rounds * self.crowd.users).for_each(|turn| self.give(turn % self.crowd.users, &said));
            }
            Step::Around { user, rounds, bytes } => {
                let all = (0..self.crowd.rooms)
                    .flat_map(|room| self.frame(&Ask::Say { room, bytes: *bytes }))
                    .collect::<Vec<_>>();
                self.give(self.crowd.user(*user), &all.repeat(*rounds));
            }
            Step::Break(user) => {
                let (now, conn) = (self.now, self.conns[self.crowd.user(*user)]);
                let _ = self.bounded(0, |run| run.hub.disconnect(now, conn));
            }
            Step::Resume { user, lacks } => self.resume(self.crowd.user(*user), *lacks),
            Step::Return(user) => self.come(*user, Admission::NewUser),
            Step::Another(user) => self.come(*user, Admission::AnotherSession),
            Step::TakeOver(user) => self.come(*user, Admission::TakeOver),
            Step::Rename(user) => self.rename(self.crowd.user(*user)),
            Step::Answer { is_denied } => self.answer(*is_denied),
            Step::Kick(user) => {
                let name = UserName::new(&self.names[self.crowd.user(*user)]).expect("it is a name");
                let now = self.now;
                self.bounded(0, |run| run.hub.kick(now, &name));
            }
            Step::Announce { user, room, times, bytes } => self.announce((*user, *room), *times, *bytes),
            Step::Action => self.slice(),
            Step::Timeout { millis } => {
                self.now = self.now + Duration::from_millis(u64::from(*millis));
                // Its timers, and a slice of the fan-out and of the rest.
                let now = self.now;
                self.bounded(3 * SLICE_WORK_MAX, |run| run.hub.handle_timeout(now));
            }
        }
    }
}

/// The rows of the table of *Bounded work*, each with its number by default; and the sum that the page gives.
fn stated_bound() -> Option<(u32, Vec<u32>)> {
    // A package of this crate alone has no such page.
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/architecture.md")).ok()?;
    let section = page.split("\n- **The bound of one call.**").nth(1).expect("the page gives the bound");
    let (sentence, rest) = section.split_once(" units").expect("it is in units");
    let sum = sentence.rsplit(' ').next().and_then(|sum| sum.parse().ok()).expect("it is a number");
    let rows = rest.lines().skip_while(|line| !line.starts_with("  |")).take_while(|line| line.starts_with("  |"));
    let cells =
        rows.skip(2).map(|row| row.trim_end_matches(" |").rsplit("| ").next().and_then(|cell| cell.parse().ok()));
    Some((sum, cells.collect::<Option<_>>().expect("each row ends with its number")))
}

#[test]
fn the_bound_of_a_call_is_the_one_that_the_page_gives() {
    let Some((sum, rows)) = stated_bound() else { return };
    assert_eq!(sum, Hub::work_of_call_max(&Limits::default()));
    assert_eq!(rows.iter().sum::<u32>(), sum, "the rows {rows:?} are its parts");
}

/// The longest step beyond what a call begins with: all that a call may do, but for that and what it does for others.
fn step_work_max(limits: &Limits) -> u32 {
    Hub::work_of_call_max(limits) - CALL_WORK_MAX - 2 * SLICE_WORK_MAX
}

/// A hub in which every user has this many frames of a room, and reads none of them.
fn with_unread(frames: u64) -> Run {
    let mut run = Run::new(&Settings {
        crowd: LARGE,
        rates: [Rate::UNLIMITED; 2],
        outbox_bytes_max: 1 << 20,
        body_bytes_max: 4_000,
        asking: Asking::new(),
        has_room_events: false,
    });
    for _ in 0..frames {
        run.give(0, &run.frame(&Ask::Say { room: 0, bytes: 1 }));
        while run.hub.poll_action().is_some() {}
    }
    run
}

#[test]
fn an_ack_is_charged_by_what_it_lets_go_of() {
    const FRAMES: u64 = 4_000;
    let mut run = with_unread(FRAMES);
    run.read(1);
    let (_, acknowledged, read) = run.read_by(1).expect("it is there");
    assert!(read - acknowledged >= FRAMES, "every member has them");
    run.give(1, &run.frame(&Ask::Ack(read - 1)));
    let work = u64::from(run.hub.work_of_last_call());
    assert!(work > FRAMES / u64::from(PASSED) / 4, "{work} units for an ack of {FRAMES} frames");
}

#[test]
fn what_an_ended_session_leaves_is_gone_through_in_slices() {
    const FRAMES: u64 = 20_000;
    let mut run = with_unread(FRAMES);
    let name = UserName::new("u1").expect("it is a name");
    assert!(run.hub.kick(run.now, &name), "it is there");
    let (now, conn) = (run.now, run.conns[1]);
    run.hub.disconnect(now, conn).expect("it is open");
    let mut walked = 0;
    while run.hub.poll_timeout().is_some_and(|due| due <= now) {
        let before = Tally::now();
        run.hub.handle_timeout(now);
        let done = Tally::now().since(before).walked;
        assert!(done <= 2 * u64::from(SLICE_WORK_MAX * PASSED), "{done} frames passed over in one call");
        walked += done;
    }
    assert!(walked >= FRAMES, "all {FRAMES} are passed over, not {walked}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_call_does_more_than_so_much_whatever_comes_in(
        settings in settings(),
        steps in collection::vec(step(), 1..24),
    ) {
        let mut run = Run::new(&settings);
        for step in &steps {
            run.step(step);
        }
    }
}

/// A hub with one user, alice.
fn with_alice() -> Hub {
    let now = Instant::from_millis(1_000);
    let mut hub = Hub::new(Limits::default(), [7; 32]);
    let mut opening = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX })
        .encode(&mut opening);
    let mut handshake = Handshake::new(now, hub.limits());
    let registration = handshake.receive(now, &mut &opening[..]).expect("it is right").expect("it is whole");
    hub.admit(now, registration).expect("the name is free");
    hub
}

#[test]
fn a_value_that_is_not_set_takes_no_memory() {
    let mut hub = with_alice();
    let alice = UserName::new("alice").expect("it can be a name");
    let session = hub.sessions_of(&alice).next().expect("she is there");
    assert!(hub.set_session_value(session, 0) && hub.set_user_value(&alice, 0));
    assert!(hub.ordered.sessions()[0].details.rare.is_none(), "nothing is kept for it");
    assert!(hub.set_session_value(session, 7) && hub.set_user_value(&alice, 8));
    assert_eq!((hub.session_value(session), hub.user_value(&alice)), (7, 8));
    assert!(hub.set_session_value(session, 0) && hub.set_user_value(&alice, 0));
    assert_eq!((hub.session_value(session), hub.user_value(&alice)), (0, 0), "it is taken back");
}

#[test]
fn nothing_inside_a_hub_shows_a_token() {
    let hub = with_alice();
    let sessions = hub.ordered.sessions();
    let session = &sessions[0];
    let inside = [format!("{session:?}"), format!("{:?}", sessions.pool), format!("{:?}", hub.secrets)].concat();
    for window in session.details.token.as_bytes().windows(4) {
        let list = format!("{window:?}");
        assert!(!inside.contains(list.trim_matches(['[', ']'])), "{list} in {inside}");
    }
}
