//! Nodes that flood the hub with one kind of request, as fast as it reads.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::network::{End, WireId};
use super::server::{Around, Entrance, Server};
use super::violation::Violation;
use crate::wire::{
    self, Ack, ClientMessage, Goodbye, HubMessage, Join, Leave, Message, PREFACE_BYTES, Ping, Register, Roster, Send,
    Unwatch, Watch, Who,
};
use crate::{GoodbyeCode, Instant, QuotaKey, UserName};

/// How long an attacker waits before it connects again.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Bytes that an attacker has ready to be written, at the least.
const READY_BYTES_MIN: usize = 4_096;

/// Frames that an attacker reads before it acknowledges them.
const ACK_FRAMES: u64 = 64;

/// What the origins of attackers begin with: users have lower ones.
const ORIGIN_MIN: u128 = 1 << 64;

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
}

impl Flood {
    /// Every kind of flood.
    pub const ALL: [Self; 14] = [
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
    ];

    /// It is one in what is said; otherwise in how often somebody comes.
    const fn is_of_requests(self) -> bool {
        !matches!(self, Self::Register | Self::ComeAndGo)
    }

    /// It leads to fan-outs to the members of a room.
    pub(super) const fn is_for_rooms(self) -> bool {
        matches!(self, Self::ToRoom | Self::ToRoomBetween | Self::JoinLeave)
    }

    /// One round of it, in frames.
    fn encode(self, name: &str, out: &mut Vec<u8>) {
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
                let costly = "\u{660}".repeat(60);
                ClientMessage::Unwatch(Unwatch { names: [&costly[..]; 9].to_vec() }).encode(out);
            }
            Self::Ping => ClientMessage::Ping(Ping { nonce: 0 }).encode(out),
            Self::Ack => ClientMessage::Ack(Ack { count: 0 }).encode(out),
            Self::Unread => ClientMessage::Send(Send { to: name, body: &body }).encode(out),
            Self::Register | Self::ComeAndGo => {}
        }
    }
}

/// The room that attackers are in.
const ROOM: &str = "#attack";

/// Names that come and go, of which each is watched, at the most.
const WATCHED_MAX: usize = 50;

pub(super) struct Attacker {
    index: usize,
    lives: u32,
    name: String,
    flood: Flood,
    origin: QuotaKey,
    wire: Option<WireId>,
    /// When it connects; never if it has given up.
    connects_at: Instant,
    /// What is to be written.
    ready: Vec<u8>,
    heard: Vec<u8>,
    has_preface: bool,
    is_let_in: bool,
    is_refused: bool,
    /// Numbered frames that it has heard, and how many of those it has acknowledged.
    numbered: u64,
    acked: u64,
}

impl Attacker {
    /// One of many, from one of this many places.
    pub(super) fn new(index: usize, flood: Flood, origins: usize) -> Self {
        Self {
            index,
            lives: 0,
            name: String::new(),
            flood,
            origin: QuotaKey(ORIGIN_MIN + (index % origins) as u128),
            wire: None,
            connects_at: Instant::ZERO,
            ready: Vec::new(),
            heard: Vec::new(),
            has_preface: false,
            is_let_in: false,
            is_refused: false,
            numbered: 0,
            acked: 0,
        }
    }

    /// When there is something for it to do.
    pub(super) fn due(&self, around: &Around<'_>) -> Instant {
        let Some(wire) = self.wire else { return self.connects_at };
        let has_to_write = self.flood.is_of_requests() || !self.ready.is_empty();
        if has_to_write && around.network.is_writable(wire, End::Client) {
            return around.now;
        }
        let reads_at = around.network.readable_at(wire, End::Client).filter(|_| self.reads());
        reads_at.unwrap_or(Instant::MAX)
    }

    const fn reads(&self) -> bool {
        !matches!(self.flood, Flood::Unread)
    }

    /// It gives up, and comes back no more: an operator has ended its session.
    pub(super) fn give_up(&mut self, around: &mut Around<'_>, server: &mut Server) -> Result<(), Violation> {
        self.hang_up(around);
        self.connects_at = Instant::MAX;
        match UserName::new(&self.name) {
            Ok(name) => server.kick(around, &name),
            Err(_) => Ok(()),
        }
    }

    fn hang_up(&mut self, around: &mut Around<'_>) {
        if let Some(wire) = self.wire.take() {
            around.network.close(around.now, wire, End::Client);
            self.connects_at = around.now + if self.flood.is_of_requests() { AGAIN_AFTER } else { Duration::ZERO };
        }
    }

    /// It comes and goes, and is watched by others.
    const fn is_watched(&self) -> bool {
        matches!(self.flood, Flood::ComeAndGo) && self.index.is_multiple_of(2)
    }

    /// Reads what there is, and writes as much as the network takes.
    pub(super) fn work(&mut self, around: &mut Around<'_>, server: &mut Server) {
        if self.wire.is_none() && self.connects_at <= around.now {
            self.connect(around, server);
        }
        let Some(wire) = self.wire else { return };
        if self.reads() && around.network.read(around.now, wire, End::Client, &mut self.heard) {
            return self.hang_up(around);
        }
        self.count();
        if self.numbered >= self.acked + ACK_FRAMES {
            self.acked = self.numbered;
            ClientMessage::Ack(Ack { count: self.numbered }).encode(&mut self.ready);
        }
        if self.is_refused || (self.is_let_in && matches!(self.flood, Flood::Register)) {
            return self.hang_up(around);
        }
        loop {
            while self.flood.is_of_requests() && self.ready.len() < READY_BYTES_MIN {
                self.flood.encode(&self.name, &mut self.ready);
            }
            let taken = around.network.write(around.now, wire, End::Client, &self.ready);
            around.trace.bytes(around.now, wire, &self.ready[..taken]);
            self.ready.drain(..taken);
            if taken == 0 {
                return;
            }
        }
    }

    fn connect(&mut self, around: &mut Around<'_>, server: &mut Server) {
        let wire = around.network.connect();
        self.lives += 1;
        // Its last name may be taken still, unless it has said goodbye.
        self.name =
            if self.is_watched() { watched(self.index) } else { format!("attacker-{}-{}", self.index, self.lives) };
        self.wire = Some(wire);
        (self.numbered, self.acked) = (0, 0);
        (self.has_preface, self.is_let_in, self.is_refused) = (false, false, false);
        self.heard.clear();
        self.ready.clear();
        self.ready.extend_from_slice(&wire::OUR_PREFACE);
        ClientMessage::Register(Register { name: &self.name, credential: b"", frame_bytes_max: u32::MAX })
            .encode(&mut self.ready);
        match self.flood {
            Flood::Register => {}
            Flood::ComeAndGo if self.is_watched() => {
                ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None })
                    .encode(&mut self.ready);
            }
            Flood::ComeAndGo => {
                let names: Vec<String> = (0..WATCHED_MAX).map(|index| watched(2 * index)).collect();
                let names = names.iter().map(String::as_str).collect();
                ClientMessage::Watch(Watch { names }).encode(&mut self.ready);
            }
            _ => ClientMessage::Join(Join { room: ROOM }).encode(&mut self.ready),
        }
        server.accept(around, wire, Entrance { origin: self.origin, is_vouched: false, resume_time: None });
    }

    /// Counts the numbered frames that have come.
    fn count(&mut self) {
        let mut rest = &self.heard[..];
        if !self.has_preface {
            if rest.len() < PREFACE_BYTES {
                return;
            }
            rest = &rest[PREFACE_BYTES..];
            self.has_preface = true;
        }
        while let Ok(Some(content)) = wire::take(&mut rest, u32::MAX) {
            self.numbered += u64::from(content.kind.is_numbered());
            match HubMessage::decode(content) {
                Ok(Some(HubMessage::Welcome(_))) => (self.numbered, self.is_let_in) = (0, true),
                Ok(Some(HubMessage::Refused(_))) => self.is_refused = true,
                _ => {}
            }
        }
        let used = self.heard.len() - rest.len();
        self.heard.drain(..used);
    }
}

/// A name that comes and goes.
fn watched(index: usize) -> String {
    format!("watched-{index}")
}
