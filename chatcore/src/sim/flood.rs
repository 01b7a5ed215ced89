//! What attackers say, again and again.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::wire::{Ack, ClientMessage, Join, Leave, Message, Ping, Roster, Send, Subscriptions, Unwatch, Watch, Who};

/// The room that attackers are in.
pub(super) const ROOM: &str = "#attack";

/// What an attacker does, again and again, as fast as the hub reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flood {
    /// Messages for another attacker.
    ToUser,
    /// Messages for nobody.
    ToNobody,
    /// Messages for a room that all attackers are in.
    ToRoom,
    /// Messages for that room, one after each request of another kind.
    ToRoomBetween,
    /// Joins and leaves of one room.
    JoinLeave,
    /// Lists of who is online.
    Who,
    /// Lists of who is in the room.
    Roster,
    /// Watches of many names.
    Watch,
    /// Unwatches of names that cost much to map.
    Unwatch,
    /// Pings.
    Ping,
    /// Acknowledgements of nothing.
    Ack,
    /// Messages for itself, which it never reads.
    Unread,
    /// Registrations, each on a connection of its own, which breaks as soon as it is let in.
    Register,
    /// Every second attacker registers and says goodbye, again and again, and the others watch them.
    ComeAndGo,
    /// Lists of what it is subscribed to, which are many names.
    Subscriptions,
    /// Messages for nobody, whose name costs much to map.
    ToCostlyName,
    /// Joins and leaves of a room whose name costs much to map.
    JoinCostly,
    /// Registrations under a name that costs much to map, each on a connection of its own.
    RegisterCostly,
    /// Resumes of a session with much unread, each on a connection of its own, which breaks as soon as the session goes
    /// on.
    Resume,
    /// The longest messages but for their end, which comes a byte at a time.
    HalfFrames,
}

impl Flood {
    /// Every kind of flood.
    pub const ALL: [Self; 20] = [
        Self::ToUser,
        Self::ToNobody,
        Self::ToRoom,
        Self::ToRoomBetween,
        Self::JoinLeave,
        Self::Who,
        Self::Roster,
        Self::Watch,
        Self::Unwatch,
        Self::Ping,
        Self::Ack,
        Self::Unread,
        Self::Register,
        Self::ComeAndGo,
        Self::Subscriptions,
        Self::ToCostlyName,
        Self::JoinCostly,
        Self::RegisterCostly,
        Self::Resume,
        Self::HalfFrames,
    ];

    /// It is one in what is said; otherwise in how often somebody comes.
    pub(super) const fn is_of_requests(self) -> bool {
        !matches!(self, Self::Register | Self::ComeAndGo | Self::RegisterCostly | Self::Resume | Self::HalfFrames)
    }

    /// It leads to fan-outs to the members of a room.
    pub(super) const fn is_for_rooms(self) -> bool {
        matches!(self, Self::ToRoom | Self::ToRoomBetween | Self::JoinLeave | Self::JoinCostly)
    }

    /// One round of it, in frames.
    pub(super) fn encode(self, name: &str, out: &mut Vec<u8>) {
        let body = [b'x'; 10];
        let room = |out: &mut Vec<u8>| ClientMessage::Send(Send { to: ROOM, body: &body }).encode(out);
        match self {
            Self::ToUser => ClientMessage::Send(Send { to: "attacker-0-1", body: &body }).encode(out),
            Self::ToNobody => ClientMessage::Send(Send { to: "nobody", body: &body }).encode(out),
            Self::ToRoom => room(out),
            Self::ToRoomBetween => {
                room(out);
                ClientMessage::Ping(Ping { nonce: 0 }).encode(out);
            }
            Self::JoinLeave => {
                ClientMessage::Join(Join { room: "#in-and-out" }).encode(out);
                ClientMessage::Leave(Leave { room: "#in-and-out" }).encode(out);
            }
            Self::Who => ClientMessage::Who(Who { cursor: 0 }).encode(out),
            Self::Roster => ClientMessage::Roster(Roster { room: ROOM, cursor: 0 }).encode(out),
            Self::Watch => {
                let names: Vec<String> = (0..50).map(|index| format!("watched-{index}")).collect();
                let names = names.iter().map(String::as_str).collect();
                ClientMessage::Watch(Watch { names }).encode(out);
            }
            Self::Unwatch => {
                let costly = costly_name();
                ClientMessage::Unwatch(Unwatch { names: [&costly[..]; 9].to_vec() }).encode(out);
            }
            Self::Ping => ClientMessage::Ping(Ping { nonce: 0 }).encode(out),
            Self::Ack => ClientMessage::Ack(Ack { count: 0 }).encode(out),
            Self::Unread => ClientMessage::Send(Send { to: name, body: &body }).encode(out),
            Self::Subscriptions => ClientMessage::Subscriptions(Subscriptions { cursor: 0 }).encode(out),
            Self::ToCostlyName => ClientMessage::Send(Send { to: &costly_name(), body: &body }).encode(out),
            Self::JoinCostly => {
                let room = format!("#{}", spelled_wide("in-and-out"));
                ClientMessage::Join(Join { room: &room }).encode(out);
                ClientMessage::Leave(Leave { room: &room }).encode(out);
            }
            Self::Register | Self::ComeAndGo | Self::RegisterCostly | Self::Resume | Self::HalfFrames => {}
        }
    }
}

/// A spelling of 120 bytes that must be mapped to see that it is nobody's name.
fn costly_name() -> String {
    "\u{660}".repeat(60)
}

/// Another spelling of a name, of which each byte is three that must be mapped.
pub(super) fn spelled_wide(name: &str) -> String {
    name.chars().map(|ascii| char::from_u32(u32::from(ascii) + WIDE_FROM_ASCII).unwrap_or(ascii)).collect()
}

/// From a character of ASCII to its full-width form.
const WIDE_FROM_ASCII: u32 = 0xfee0;
