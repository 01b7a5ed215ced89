//! Connections between clients and a server, with everything that can happen to them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::conditions::NetworkConditions;
use super::pipe::Pipe;
use super::random::Random;
use crate::Instant;

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The end that has made the connection.
    Client,
    /// The end that has accepted it.
    Server,
}

impl End {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The id of a connection. Numbers count from 1, in the order in which connections are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WireId(pub u64);

impl fmt::Display for WireId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wire {}", self.0)
    }
}

/// A break of one connection at a chosen place: for tests that try all places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The end that writes the bytes that count.
    pub writer: End,
    /// How many bytes of this end arrive. The connection breaks when it writes one more.
    pub after: u64,
    /// Whether each end learns of the break: the client's, the server's. An end that learns of it does so within
    /// [`NetworkConditions::notice_max`]. Another end never does: it has only its own deadlines.
    pub noticed: [bool; 2],
}

/// A network of connections on virtual time. It does no I/O: bytes and the time go in, bytes and the time of the next
/// arrival come out. All its random decisions come from its seed.
///
/// ```
/// use chatcore::Instant;
/// use chatcore::sim::{End, Network, NetworkConditions};
///
/// let mut network = Network::new(7, NetworkConditions::calm());
/// let wire = network.connect();
/// let taken = network.write(Instant::ZERO, wire, End::Client, b"hello");
/// assert_eq!(taken, 5);
///
/// let arrives = network.readable_at(wire, End::Server).expect("it is on its way");
/// let mut heard = Vec::new();
/// let is_over = network.read(arrives, wire, End::Server, &mut heard);
/// assert_eq!((&heard[..], is_over), (&b"hello"[..], false));
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    random: Random,
    conditions: NetworkConditions,
    wires: BTreeMap<WireId, Wire>,
    made_ever: u64,
    torn_ever: u64,
    cuts: BTreeMap<WireId, Cut>,
}

#[derive(Clone, Debug)]
struct Wire {
    /// By the end that writes.
    pipes: [Pipe; 2],
    /// When an end learns that the connection is over.
    learns_at: [Option<Instant>; 2],
    /// Ends that have dropped it.
    closed: [bool; 2],
    cut: Option<Cut>,
    is_broken: bool,
}

impl Network {
    /// A network without connections.
    pub fn new(seed: u64, conditions: NetworkConditions) -> Self {
        Self {
            random: Random::new(seed),
            conditions,
            wires: BTreeMap::new(),
            made_ever: 0,
            torn_ever: 0,
            cuts: BTreeMap::new(),
        }
    }

    /// Changes the conditions. What is on its way arrives within the new `delay_max`, and connections that would have
    /// broken do not break any more.
    pub fn set_conditions(&mut self, now: Instant, conditions: NetworkConditions) {
        self.conditions = conditions;
        for wire in self.wires.values_mut() {
            wire.cut = None;
            for pipe in &mut wire.pipes {
                pipe.hurry(now + self.conditions.delay_max);
            }
        }
    }

    /// Plans the break of a connection that is not made yet, by the number that it will have. It breaks at this place
    /// whatever the conditions are.
    pub fn plan(&mut self, wire: WireId, cut: Cut) {
        self.cuts.insert(wire, cut);
    }

    /// Makes a connection. It stands at once at both ends.
    pub fn connect(&mut self) -> WireId {
        self.made_ever += 1;
        let id = WireId(self.made_ever);
        let cut = self.cuts.remove(&id).or_else(|| self.conditions.draw_cut(&mut self.random));
        let pipe = Pipe::new(self.conditions.buffer_bytes);
        let pipes = [pipe.clone(), pipe];
        self.wires.insert(id, Wire { pipes, learns_at: [None; 2], closed: [false; 2], cut, is_broken: false });
        id
    }

    /// Writes bytes at one end. Returns how many the network took: none if this end has closed the connection, and no
    /// more than fit into [`NetworkConditions::buffer_bytes`] while the other end does not read.
    pub fn write(&mut self, now: Instant, id: WireId, end: End, bytes: &[u8]) -> usize {
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.closed[end as usize]) else { return 0 };
        let pipe = &mut wire.pipes[end as usize];
        let taken = pipe.room().min(bytes.len());
        let mut rest = &bytes[..taken];
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(self.conditions.draw_piece(&mut self.random).min(rest.len()));
            pipe.put(now + self.conditions.draw_delay(&mut self.random), piece);
            rest = later;
        }
        let written = pipe.put_ever();
        if let Some(cut) = wire.cut.filter(|cut| cut.writer == end && cut.after < written) {
            wire.pipes[end as usize].cut(cut.after);
            self.tear(now, id, cut.noticed);
        }
        taken
    }

    /// Reads what has arrived at an end, and appends it to `heard`. Returns true if the connection is over for this
    /// end: nothing more will come.
    pub fn read(&mut self, now: Instant, id: WireId, end: End, heard: &mut Vec<u8>) -> bool {
        self.read_upto(now, id, end, usize::MAX, heard)
    }

    /// As [`read`](Self::read), but reads at most `bytes_max` bytes. The rest stays in the network's buffer.
    pub fn read_upto(&mut self, now: Instant, id: WireId, end: End, bytes_max: usize, heard: &mut Vec<u8>) -> bool {
        let Some(wire) = self.wires.get_mut(&id) else { return true };
        let pipe = &mut wire.pipes[end.other() as usize];
        pipe.take(now, bytes_max, heard);
        let is_empty = pipe.next_arrival().is_none_or(|arrives| arrives > now);
        is_empty && wire.learns_at[end as usize].is_some_and(|at| at <= now)
    }

    /// When an end can read bytes, or learns that the connection is over; none if nothing is on its way.
    pub fn readable_at(&self, id: WireId, end: End) -> Option<Instant> {
        let wire = self.wires.get(&id)?;
        let arrival = wire.pipes[end.other() as usize].next_arrival();
        [arrival, wire.learns_at[end as usize]].into_iter().flatten().min()
    }

    /// How many bytes an end can write.
    pub(super) fn room(&self, id: WireId, end: End) -> usize {
        let open = self.wires.get(&id).filter(|wire| !wire.closed[end as usize]);
        open.map_or(0, |wire| wire.pipes[end as usize].room())
    }

    /// How many bytes an end has written that the other one has not read: those that are lost count, too.
    pub(super) fn unread(&self, id: WireId, end: End) -> u64 {
        self.wires
            .get(&id)
            .map_or(0, |wire| wire.pipes[end as usize].put_ever() - wire.pipes[end as usize].taken_ever())
    }

    /// Whether an end can write at least one byte.
    pub fn is_writable(&self, id: WireId, end: End) -> bool {
        self.wires.get(&id).is_some_and(|wire| wire.pipes[end as usize].room() > 0)
    }

    /// Whether the connection carries bytes both ways: it is not broken, and neither end has closed it.
    pub fn is_whole(&self, id: WireId) -> bool {
        self.wires.get(&id).is_some_and(|wire| !wire.is_broken && wire.closed == [false; 2])
    }

    /// Whether nothing is on its way to an end that has not closed its connection.
    pub fn is_quiet(&self) -> bool {
        self.wires.values().all(|wire| {
            [End::Client, End::Server]
                .iter()
                .all(|end| wire.closed[*end as usize] || wire.pipes[end.other() as usize].held() == 0)
        })
    }

    /// Closes the connection at one end. What this end wrote before still arrives, unless the conditions reset the
    /// connection. What is on its way to this end is lost.
    pub fn close(&mut self, now: Instant, id: WireId, end: End) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.closed[end as usize] = true;
        if wire.closed[end.other() as usize] {
            self.wires.remove(&id);
            return;
        }
        let back = &mut wire.pipes[end.other() as usize];
        back.cut(back.taken_ever());
        // A broken connection carries no news of its end.
        if !wire.is_broken {
            let there = &mut wire.pipes[end as usize];
            if self.random.chance(self.conditions.reset_chance) {
                there.cut(there.kept_ever() - self.random.below(there.held() as u64 + 1));
            }
            let arrives = (now + self.conditions.draw_delay(&mut self.random)).max(there.last_arrival());
            wire.learns_at[end.other() as usize] = Some(arrives);
        }
    }

    /// Breaks a connection. Bytes on their way may be lost, by [`NetworkConditions::loss_chance`]. `noticed` is as in
    /// [`Cut`].
    pub fn tear(&mut self, now: Instant, id: WireId, noticed: [bool; 2]) {
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.is_broken) else { return };
        self.torn_ever += 1;
        wire.is_broken = true;
        wire.cut = None;
        for pipe in &mut wire.pipes {
            let held = pipe.held() as u64;
            let lost = if self.random.chance(self.conditions.loss_chance) { self.random.below(held + 1) } else { 0 };
            pipe.cut(pipe.kept_ever() - lost);
        }
        for end in [End::Client, End::Server] {
            if noticed[end as usize] {
                // The news does not overtake what still arrives.
                let arrived = wire.pipes[end.other() as usize].last_arrival();
                let learns_at = (now + self.conditions.draw_notice(&mut self.random)).max(arrived);
                wire.learns_at[end as usize].get_or_insert(learns_at);
            }
        }
    }

    /// Breaks a connection, and draws whether each end learns of the break.
    pub fn tear_somehow(&mut self, now: Instant, id: WireId) {
        let noticed = self.conditions.draw_noticed(&mut self.random);
        self.tear(now, id, noticed);
    }

    /// How many connections broke since the beginning. Closed ones do not count.
    pub const fn torn_ever(&self) -> u64 {
        self.torn_ever
    }

    /// The connections that at least one end has not closed.
    pub fn wires(&self) -> Vec<WireId> {
        self.wires.keys().copied().collect()
    }
}

impl NetworkConditions {
    fn draw_piece(&self, random: &mut Random) -> usize {
        if self.piece_bytes_max == usize::MAX {
            return usize::MAX;
        }
        1 + usize::try_from(random.upto(self.piece_bytes_max as u64)).unwrap_or_default()
    }

    fn draw_delay(&self, random: &mut Random) -> Duration {
        let delay = self.delay_min + random.time_upto(self.delay_max.saturating_sub(self.delay_min));
        if random.chance(self.stall_chance) { delay + random.time_upto(self.stall_max) } else { delay }
    }

    fn draw_notice(&self, random: &mut Random) -> Duration {
        random.time_upto(self.notice_max)
    }

    fn draw_noticed(&self, random: &mut Random) -> [bool; 2] {
        [!random.chance(self.half_open_chance), !random.chance(self.half_open_chance)]
    }

    fn draw_cut(&self, random: &mut Random) -> Option<Cut> {
        random.chance(self.cut_chance).then(|| Cut {
            writer: random.pick(&[End::Client, End::Server]),
            after: random.upto(self.cut_bytes_max),
            noticed: self.draw_noticed(random),
        })
    }
}
