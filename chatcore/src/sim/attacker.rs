//! Nodes that flood the hub, each with one kind of request or of connection, as fast as it takes that.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::flood::{Flood, ROOM, spelled_wide};
use super::network::{End, WireId};
use super::server::{Around, Entrance, Server};
use super::violation::Violation;
use crate::wire::{
    self, Ack, ClientMessage, Goodbye, HubMessage, Join, Message, PREFACE_BYTES, Register, Resume, Send, Token, Watch,
};
use crate::{GoodbyeCode, Instant, QuotaKey, UserName};

/// How long an attacker waits before it connects again.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Bytes that an attacker has ready to be written, at the least.
const READY_BYTES_MIN: usize = 4_096;

/// Frames that an attacker reads before it acknowledges them.
const ACK_FRAMES: u64 = 64;

/// Messages that wait in a session that is resumed again and again.
const UNREAD_FRAMES: usize = 200;

/// Bytes at the end of a message that come one by one, and how long each of them takes.
const DRIPPED_BYTES: usize = 40;
const DRIP_AFTER: Duration = Duration::from_millis(1);

/// What the origins of attackers begin with: users have lower ones.
const ORIGIN_MIN: u128 = 1 << 64;

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
    /// With this it resumes its session, which it has tried so often.
    ticket: Option<(Token, u64)>,
    /// Bytes of the longest body, as the hub says.
    body_bytes_max: usize,
    /// The end of a message, of which the next byte is written then.
    dripping: Vec<u8>,
    drips_at: Instant,
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
            ticket: None,
            body_bytes_max: 0,
            dripping: Vec::new(),
            drips_at: Instant::ZERO,
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
        let drips_at = (self.drips() && self.ready.is_empty()).then_some(self.drips_at);
        reads_at.into_iter().chain(drips_at).min().unwrap_or(Instant::MAX)
    }

    /// It writes a byte now and then.
    const fn drips(&self) -> bool {
        self.is_let_in && matches!(self.flood, Flood::HalfFrames)
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
        let is_done = self.is_let_in && self.ready.is_empty() && self.hangs_up();
        if self.is_refused || is_done {
            return self.hang_up(around);
        }
        if self.drips() && self.ready.is_empty() && self.drips_at <= around.now {
            self.drip(around.now);
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

    /// It breaks each connection that has led to a session.
    const fn hangs_up(&self) -> bool {
        matches!(self.flood, Flood::Register | Flood::RegisterCostly | Flood::Resume)
    }

    /// Makes the next byte ready, or nearly all of another message.
    fn drip(&mut self, now: Instant) {
        self.drips_at = now + DRIP_AFTER;
        if self.dripping.is_empty() {
            let body = vec![b'x'; self.body_bytes_max];
            ClientMessage::Send(Send { to: &self.name, body: &body }).encode(&mut self.ready);
            self.dripping = self.ready.split_off(self.ready.len().saturating_sub(DRIPPED_BYTES));
        } else {
            self.ready.push(self.dripping.remove(0));
        }
    }

    fn connect(&mut self, around: &mut Around<'_>, server: &mut Server) {
        let wire = around.network.connect();
        self.lives += 1;
        // Its last name may be taken still, unless it has said goodbye.
        if self.is_watched() {
            self.name = watched(self.index);
        } else if self.ticket.is_none() {
            self.name = format!("attacker-{}-{}", self.index, self.lives);
        }
        self.wire = Some(wire);
        (self.numbered, self.acked) = (0, 0);
        (self.has_preface, self.is_let_in, self.is_refused) = (false, false, false);
        self.heard.clear();
        self.ready.clear();
        self.dripping.clear();
        self.ready.extend_from_slice(&wire::OUR_PREFACE);
        self.ask_for_session();
        match self.flood {
            Flood::Register | Flood::RegisterCostly | Flood::Resume | Flood::HalfFrames => {}
            Flood::ComeAndGo if self.is_watched() => {
                ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None })
                    .encode(&mut self.ready);
            }
            Flood::ComeAndGo => {
                let names: Vec<String> = (0..WATCHED_MAX).map(|index| watched(2 * index)).collect();
                let names = names.iter().map(String::as_str).collect();
                ClientMessage::Watch(Watch { names }).encode(&mut self.ready);
            }
            Flood::Subscriptions => {
                let names: Vec<String> = (0..WATCHED_MAX).map(watched).collect();
                let names = names.iter().map(String::as_str).collect();
                ClientMessage::Watch(Watch { names }).encode(&mut self.ready);
            }
            _ => ClientMessage::Join(Join { room: ROOM }).encode(&mut self.ready),
        }
        server.accept(around, wire, Entrance { origin: self.origin, is_vouched: false, resume_time: None });
    }

    /// Resumes the session that it has, or registers.
    fn ask_for_session(&mut self) {
        let (name, frame_bytes_max) = (self.name.as_str(), u32::MAX);
        if let Some((token, attempts)) = &mut self.ticket {
            *attempts += 1;
            let (token, attempt) = (*token, *attempts);
            ClientMessage::Resume(Resume { name, token, received: None, attempt, frame_bytes_max })
                .encode(&mut self.ready);
            return;
        }
        let wide = matches!(self.flood, Flood::RegisterCostly).then(|| spelled_wide(name));
        let name = wide.as_deref().unwrap_or(name);
        ClientMessage::Register(Register { name, credential: b"", frame_bytes_max }).encode(&mut self.ready);
    }

    /// It has a session.
    fn is_welcome(&mut self, token: Token, body_bytes_max: u32) {
        (self.numbered, self.is_let_in, self.body_bytes_max) = (0, true, body_bytes_max as usize);
        if matches!(self.flood, Flood::Resume) {
            self.ticket = Some((token, 0));
            for _ in 0..UNREAD_FRAMES {
                Flood::Unread.encode(&self.name, &mut self.ready);
            }
        }
    }

    /// Counts the numbered frames that have come.
    fn count(&mut self) {
        let mut rest_bytes = self.heard.len();
        if !self.has_preface {
            if rest_bytes < PREFACE_BYTES {
                return;
            }
            rest_bytes -= PREFACE_BYTES;
            self.has_preface = true;
        }
        let heard = mem::take(&mut self.heard);
        let mut rest = &heard[heard.len() - rest_bytes..];
        while let Ok(Some(content)) = wire::take(&mut rest, u32::MAX) {
            self.numbered += u64::from(content.kind.is_numbered());
            match HubMessage::decode(content) {
                Ok(Some(HubMessage::Welcome(welcome))) => {
                    self.is_welcome(welcome.token, welcome.limits.body_bytes_max);
                }
                Ok(Some(HubMessage::Resumed(resumed))) => (self.numbered, self.is_let_in) = (resumed.sent, true),
                Ok(Some(HubMessage::Refused(_))) => (self.is_refused, self.ticket) = (true, None),
                _ => {}
            }
        }
        self.heard = rest.to_vec();
    }
}

/// A name that comes and goes.
fn watched(index: usize) -> String {
    format!("watched-{index}")
}
