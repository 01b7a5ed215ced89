//! What may happen to a hub, as strategies.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::collection;
use proptest::prelude::*;

use super::super::Asking;
use crate::rate::Rate;
use crate::wire::{Ack, ClientMessage, Join, Leave, Message, Ping, Roster, Send, Unwatch, Watch, Who};

/// How many users there are, and rooms that all of them are in. Steps name them by numbers, which begin again at the
/// end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crowd {
    pub(super) users: usize,
    pub(super) rooms: u8,
}

/// Many who share few rooms.
pub(super) const LARGE: Crowd = Crowd { users: 128, rooms: 3 };

/// Some who are in more rooms than a hub looks at one by one.
const WIDE: Crowd = Crowd { users: 20, rooms: 80 };

impl Crowd {
    pub(super) fn user(self, user: u8) -> usize {
        usize::from(user) % self.users
    }

    pub(super) fn room_name(self, room: u8) -> String {
        format!("#room{}", room % self.rooms)
    }
}

/// What a hub is like.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) crowd: Crowd,
    /// Of a session and of its origin.
    pub(super) rates: [Rate; 2],
    pub(super) outbox_bytes_max: u32,
    pub(super) body_bytes_max: u32,
    pub(super) asking: Asking,
    pub(super) has_room_events: bool,
}

pub(super) fn settings() -> impl Strategy<Value = Settings> {
    let sizes = prop_oneof![
        Just((32 << 10, 4_000)),
        Just((256 << 10, 4_000)),
        Just((512 << 10, 64 << 10)),
        Just((1 << 20, 64 << 10)),
    ];
    let crowd = prop_oneof![2 => Just(LARGE), 1 => Just(WIDE)];
    (crowd, rates(), sizes, asking(), any::<bool>()).prop_map(
        |(crowd, rates, (outbox_bytes_max, body_bytes_max), asking, has_room_events)| Settings {
            crowd,
            rates,
            outbox_bytes_max,
            body_bytes_max,
            asking,
            has_room_events,
        },
    )
}

/// What a session asks for, many times in a row.
#[derive(Clone, Debug)]
pub(super) enum Ask {
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
    Ack(u64),
    Garbage(Vec<u8>),
}

/// What happens to a hub.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Input {
        user: u8,
        asks: Vec<(Ask, u16)>,
    },
    /// A user reads what waits for it, and acknowledges nothing of it.
    Read(u8),
    ReadAll,
    /// A user acknowledges what it has read, this many frames at a time.
    Acknowledge {
        user: u8,
        by: usize,
    },
    /// All say something in a room by turns.
    Chorus {
        room: u8,
        rounds: usize,
        bytes: usize,
    },
    /// One says something in all rooms by turns.
    Around {
        user: u8,
        rounds: usize,
        bytes: usize,
    },
    Break(u8),
    /// A user goes on with its session on another connection, and lacks this many frames of those that it read.
    Resume {
        user: u8,
        lacks: u64,
    },
    /// A user whose connection broke comes again: under its name if that is free, and never with its session.
    Return(u8),
    Kick(u8),
    /// A user comes with another device, from which it acts from then on.
    Another(u8),
    /// Another client of a user takes a session of it over.
    TakeOver(u8),
    Rename(u8),
    /// The program answers all that it is asked.
    Answer {
        is_denied: bool,
    },
    /// The program says something to all, to a user, and in a room.
    Announce {
        user: u8,
        room: u8,
        times: usize,
        bytes: usize,
    },
    Action,
    Timeout {
        millis: u32,
    },
}

fn ask() -> impl Strategy<Value = Ask> {
    let bytes = || prop_oneof![8 => 0..100_usize, 2 => 0..4_000_usize, 1 => 0..64_000_usize];
    prop_oneof![
        4 => (any::<u8>(), bytes()).prop_map(|(room, bytes)| Ask::Say { room, bytes }),
        2 => (any::<u8>(), bytes()).prop_map(|(to, bytes)| Ask::Send { to, bytes }),
        1 => any::<u8>().prop_map(Ask::Join),
        1 => any::<u8>().prop_map(Ask::Leave),
        1 => any::<u8>().prop_map(Ask::Roster),
        1 => (0..100_u16).prop_map(Ask::Who),
        1 => (0..300_usize, any::<bool>()).prop_map(|(names, is_costly)| Ask::Watch { names, is_costly }),
        1 => (0..300_usize, any::<bool>()).prop_map(|(names, is_costly)| Ask::Unwatch { names, is_costly }),
        1 => Just(Ask::Nobody),
        1 => Just(Ask::Ping),
        1 => (0..2_u64).prop_map(Ask::Ack),
        1 => collection::vec(any::<u8>(), 0..40).prop_map(Ask::Garbage),
    ]
}

/// Of a session and of its origin: without a bound, or enough for everybody's opening and some more.
fn rates() -> impl Strategy<Value = [Rate; 2]> {
    let bounded = (1_000..100_000_u32, 20_000..200_000_u32).prop_map(|(per_s, burst)| Rate { per_s, burst });
    prop_oneof![
        Just([Rate::UNLIMITED; 2]),
        (bounded, 1..4_u32).prop_map(|(session, sessions)| {
            [session, Rate { per_s: sessions * session.per_s, burst: sessions * session.burst + 80_000 }]
        }),
    ]
}

/// The program is asked about nothing, or about some requests.
fn asking() -> impl Strategy<Value = Asking> {
    let with = |asking: Asking, is_about, more: fn(Asking) -> Asking| if is_about { more(asking) } else { asking };
    let some = any::<[bool; 3]>().prop_map(move |[joins, sends, watches]| {
        let asking = with(with(Asking::new(), joins, Asking::joins), sends, Asking::sends);
        with(asking, watches, Asking::watches)
    });
    prop_oneof![2 => Just(Asking::new()), 1 => some]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let times = || prop_oneof![2 => Just(1_u16), 1 => 1..1_000_u16];
    prop_oneof![
        6 => (any::<u8>(), collection::vec((ask(), times()), 1..6)).prop_map(|(user, asks)| Step::Input { user, asks }),
        1 => any::<u8>().prop_map(Step::Read),
        2 => Just(Step::ReadAll),
        2 => (any::<u8>(), prop_oneof![1..4_usize, 1..300_usize]).prop_map(|(user, by)| Step::Acknowledge { user, by }),
        2 => (any::<u8>(), 1..12_usize, 0..100_usize)
            .prop_map(|(room, rounds, bytes)| Step::Chorus { room, rounds, bytes }),
        2 => (any::<u8>(), prop_oneof![1..25_usize, 18..22_usize], 0..1_000_usize)
            .prop_map(|(user, rounds, bytes)| Step::Around { user, rounds, bytes }),
        2 => (any::<u8>(), prop_oneof![Just(0), 0..500_u64]).prop_map(|(user, lacks)| Step::Resume { user, lacks }),
        1 => any::<u8>().prop_map(Step::Break),
        1 => any::<u8>().prop_map(Step::Return),
        1 => any::<u8>().prop_map(Step::Kick),
        1 => any::<u8>().prop_map(Step::Another),
        1 => any::<u8>().prop_map(Step::TakeOver),
        1 => any::<u8>().prop_map(Step::Rename),
        2 => any::<bool>().prop_map(|is_denied| Step::Answer { is_denied }),
        2 => (any::<u8>(), any::<u8>(), 1..20_usize, prop_oneof![2 => 0..100_usize, 2 => 0..4_000_usize, 1 => 0..64_000_usize])
            .prop_map(|(user, room, times, bytes)| Step::Announce { user, room, times, bytes }),
        2 => Just(Step::Action),
        2 => (0..90_000_u32).prop_map(|millis| Step::Timeout { millis }),
    ]
}

pub(super) fn frame(crowd: Crowd, ask: &Ask) -> Vec<u8> {
    let list = |names: usize, is_costly: bool| -> Vec<String> {
        let name = |n| if is_costly { format!("{}{n}", "\u{ff41}".repeat(27)) } else { format!("u{n}") };
        (0..names).map(name).collect()
    };
    let mut bytes = Vec::new();
    match ask {
        Ask::Say { room, bytes: body } => {
            ClientMessage::Send(Send { to: &crowd.room_name(*room), body: &vec![b'x'; *body] }).encode(&mut bytes);
        }
        Ask::Send { to, bytes: body } => {
            let to = format!("u{}", crowd.user(*to));
            ClientMessage::Send(Send { to: &to, body: &vec![b'x'; *body] }).encode(&mut bytes);
        }
        Ask::Join(room) => ClientMessage::Join(Join { room: &crowd.room_name(*room) }).encode(&mut bytes),
        Ask::Leave(room) => ClientMessage::Leave(Leave { room: &crowd.room_name(*room) }).encode(&mut bytes),
        Ask::Roster(room) => {
            ClientMessage::Roster(Roster { room: &crowd.room_name(*room), cursor: 0 }).encode(&mut bytes);
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
        Ask::Ack(count) => ClientMessage::Ack(Ack { count: *count }).encode(&mut bytes),
        Ask::Garbage(garbage) => bytes.extend_from_slice(garbage),
    }
    bytes
}
