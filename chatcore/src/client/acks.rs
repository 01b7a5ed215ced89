//! How far a session's numbered frames have come: over the wire, and to the program.
//!
//! A frame is acknowledged when the program has *taken* all that it tells, not when it arrives: then a program that is
//! killed loses nothing that was acknowledged. What has arrived and is not taken waits with the client, and the hub
//! keeps it, too. When the connection breaks, the hub sends again what was not taken. The client knows it already, and
//! skips it: so every event comes once, whenever the program takes it.

use core::mem;
use core::time::Duration;

use crate::time::Instant;

/// Counts of numbered frames since the session began, and the acknowledgement that is to be sent.
///
/// `acknowledged <= taken <= given <= received`, and `acknowledged <= arrived <= received`.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// The counts are unknown until the hub tells, because the program was started again.
    is_unknown: bool,
    /// Frames whose events were put into the queue.
    received: u64,
    /// How far the present connection has come: less than `received` as long as it brings frames again.
    arrived: u64,
    /// Frames whose events the program has got.
    given: u64,
    /// This many of those are the last and told nothing: they are taken with what was before them.
    given_silent: u64,
    /// Frames that the program is done with.
    taken: u64,
    /// What the hub was told last.
    acknowledged: u64,
    /// What a resume tells, from the first attempt until one is answered. The hub may have heard any of them, and on
    /// the connection of that one it has sent nothing beyond this count yet.
    told: Option<u64>,
    /// Frames whose events the program has got, of all sessions. It never falls.
    given_ever: u64,
    given_bytes: usize,
    pending_frames: u32,
    pending_bytes: usize,
    due: Option<Instant>,
}

impl Acks {
    /// Of a session that another process had.
    pub(super) fn unknown() -> Self {
        Self { is_unknown: true, ..Self::default() }
    }

    // ---- what happens ----

    /// A frame with this many bytes has come. False if it has come before, over a connection that is gone.
    pub(super) fn arrive(&mut self, bytes: usize, due: Instant) -> bool {
        self.arrived += 1;
        if self.arrived > self.received {
            self.received = self.arrived;
            return true;
        }
        self.pend(1, bytes, due);
        false
    }

    /// A frame that tells nothing is there, and the program has got all events of those before it.
    pub(super) fn skip(&mut self, bytes: usize, due: Instant) {
        let silent = self.given_silent + 1;
        self.give(1, bytes);
        self.given_silent = silent;
        if self.taken + silent >= self.given {
            self.take(self.given_ever, due);
        }
    }

    /// The program has got all events of this many frames.
    pub(super) fn give(&mut self, frames: u32, bytes: usize) {
        self.given_silent = 0;
        self.given += u64::from(frames);
        self.given_ever += u64::from(frames);
        self.given_bytes += bytes;
        debug_assert!(self.given <= self.received, "what is given has come");
    }

    /// How many frames the program has got the events of.
    pub(super) const fn given_ever(&self) -> u64 {
        self.given_ever
    }

    /// The program is done with all frames up to this count of [`Acks::given_ever`].
    pub(super) fn take(&mut self, given_ever: u64, due: Instant) {
        let mut taken = self.given.saturating_sub(self.given_ever.saturating_sub(given_ever));
        if taken + self.given_silent >= self.given {
            taken = self.given;
        }
        if taken > self.taken {
            let frames = u32::try_from(taken - self.taken).unwrap_or(u32::MAX);
            self.taken = taken;
            let bytes = mem::take(&mut self.given_bytes);
            self.pend(frames, bytes, due);
        }
    }

    fn pend(&mut self, frames: u32, bytes: usize, due: Instant) {
        if self.count() > self.acknowledged {
            self.pending_frames = self.pending_frames.saturating_add(frames);
            self.pending_bytes += bytes;
            self.due.get_or_insert(due);
        }
    }

    /// The connection is gone.
    pub(super) fn disconnect(&mut self) {
        (self.pending_frames, self.pending_bytes, self.due) = (0, 0, None);
    }

    /// A resume is sent: what it tells; none if nobody knows.
    pub(super) fn tell(&mut self) -> Option<u64> {
        let count = self.count();
        (!self.is_unknown).then(|| *self.told.get_or_insert(count))
    }

    /// What the last resume told; none if nobody knew.
    pub(super) const fn told(&self) -> Option<u64> {
        self.told
    }

    /// The session goes on, and the next frame is the one after this count.
    pub(super) fn resume(&mut self, count: u64) {
        if mem::take(&mut self.is_unknown) {
            (self.received, self.given, self.taken) = (count, count, count);
        }
        (self.arrived, self.acknowledged, self.told) = (count, count, None);
        self.disconnect();
    }

    /// The session is gone, and another one begins.
    pub(super) fn start_over(&mut self) {
        *self = Self { given_ever: self.given_ever, ..Self::default() };
    }

    // ---- the acknowledgement ----

    /// What can be acknowledged: what is taken, as far as this connection has brought it.
    pub(super) fn count(&self) -> u64 {
        self.taken.min(self.arrived)
    }

    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// It is too much to wait for company any longer.
    pub(super) const fn is_large(&self, frames_max: u32, bytes_max: usize) -> bool {
        self.pending_frames >= frames_max || self.pending_bytes >= bytes_max
    }

    /// It is sent.
    pub(super) fn acknowledge(&mut self) {
        self.acknowledged = self.count();
        self.disconnect();
    }

    /// It has no room, and waits until then.
    pub(super) const fn wait(&mut self, due: Instant) {
        self.due = Some(due);
    }
}

/// A place in a client's stream of events. [`Client::position`](super::Client::position) gives it, and
/// [`Client::take_events`](super::Client::take_events) takes it. Later places are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub(super) u64);

/// How long an acknowledgement waits that has no room, at the least.
pub(super) const ACK_RETRY_MIN: Duration = Duration::from_millis(1);
