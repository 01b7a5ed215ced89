//! One user at a hub: a name, what is owed to it, what has come from it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::circles::Seat;
use super::conn_id::ConnId;
use super::parked::Parked;
use crate::handshake::Origin;
use crate::limits::Limits;
use crate::liveness::{Liveness, Silence};
use crate::name::UserName;
use crate::outbox::{Outbox, Pool};
use crate::time::Instant;
use crate::wire::{Accepted, MessageId, Token};

/// In this order what every message needs to know of its recipient is in one line of the cache, and what it does to the
/// outbox in the one that follows.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Session {
    pub(super) name: UserName,
    pub(super) place: Place,
    /// Numbered frames that have come from the user.
    pub(super) received: u64,
    pub(super) details: Box<Details>,
    /// The driver is to be told that there is something to write, and has not asked yet.
    pub(super) write_queued: bool,
    /// Some of what has come is to be acknowledged when the batch ends.
    pub(super) ack_due: bool,
    /// It is among those that are owed something when the batch ends.
    pub(super) is_owed: bool,
    /// It is among those that end when the present input is done.
    pub(super) doomed: bool,
    /// Whom it wrote to last. The session may be another one by now: its name tells.
    pub(super) peer: u32,
    pub(super) outbox: Outbox,
    pub(super) liveness: Liveness,
    /// Since when the outbox has been too full for a message, without an acknowledgement; the end of time if it is not.
    pub(super) full_since: Instant,
    /// What of it has been accepted, and is not told yet.
    pub(super) accepted: Run,
}

/// Bytes of a line of the cache.
const LINE: usize = 64;
const _: () = assert!(core::mem::offset_of!(Session, outbox) == LINE);
const _: () = assert!(size_of::<Session>() == 4 * LINE);

/// Messages that were accepted one behind the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    /// The number and the id of the first.
    number: u64,
    id: u64,
    /// How many they are.
    count: u32,
}

impl Run {
    /// As many as one frame can tell.
    const COUNT_MAX: u32 = 1 << u16::BITS;

    /// Goes on with one more message. False if it does not follow.
    pub(super) fn extend(&mut self, number: u64, id: MessageId) -> bool {
        let count = u64::from(self.count);
        let follows = self.number + count == number && self.id + count == id.0;
        if follows && (1..Self::COUNT_MAX).contains(&self.count) {
            self.count += 1;
            return true;
        }
        false
    }

    pub(super) const fn of(number: u64, id: MessageId) -> Self {
        Self { number, id: id.0, count: 1 }
    }

    /// What is to be told of it, if there is anything.
    pub(super) fn take(&mut self) -> Option<Accepted> {
        let Self { number, id, count } = core::mem::take(self);
        let more = u16::try_from(count.checked_sub(1)?).expect("a run is no longer than that");
        Some(Accepted { number, id: MessageId(id), more })
    }
}

/// What is looked at seldom: apart, so that what every message needs lies close together.
#[derive(Debug)]
pub(super) struct Details {
    /// The session's entry among the deadlines.
    pub(super) armed: Option<Instant>,
    pub(super) token: Token,
    pub(super) origin: Origin,
    /// The last attempt of the client to resume that was granted.
    pub(super) attempt: u64,
    /// Messages with higher ids that bear its name are its own.
    pub(super) born: MessageId,
    pub(super) rooms: Vec<Seat>,
    pub(super) watches: Vec<Seat>,
}

/// Where a session is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Connected(ConnId),
    /// Its connection is gone; it waits for another one until then.
    Parked {
        until: Instant,
    },
}

/// What a session's deadline calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    Silent,
    SlowConsumer,
    Expired,
}

impl Session {
    /// When this session wants to be looked at.
    pub(super) fn due_at(&self, limits: &Limits) -> Instant {
        match self.place {
            Place::Connected(_) => {
                let alive = self.liveness.due(probe_after(limits), limits.idle_time_max);
                alive.min(self.full_since + limits.stall_time_max)
            }
            Place::Parked { until } => until,
        }
    }

    /// What is to be done about it now.
    pub(super) fn look(&mut self, now: Instant, limits: &Limits) -> Due {
        if let Place::Parked { until } = self.place {
            return if until <= now { Due::Expired } else { Due::Nothing };
        }
        // It may have become empty without an acknowledgement, if answers alone had filled it.
        if self.outbox.has_room(limits.body_bytes_max as usize, limits.outbox_bytes_max) {
            self.full_since = Instant::MAX;
        }
        if self.full_since + limits.stall_time_max <= now {
            return Due::SlowConsumer;
        }
        match self.liveness.check(now, probe_after(limits), limits.idle_time_max) {
            Silence::Short => Due::Nothing,
            Silence::Probe => Due::Ping,
            Silence::Dead => Due::Silent,
        }
    }

    /// Whether an attempt to resume is later than the last that was granted. A client that was started again counts anew.
    pub(super) fn is_news(&self, received: Option<u64>, attempt: u64) -> bool {
        received.is_none() || attempt > self.details.attempt
    }

    /// Puts something into the outbox. True if nothing was to be written before, and the driver is to be told.
    #[inline]
    pub(super) fn put(
        &mut self,
        pool: &mut Pool,
        parked: &mut Parked,
        put: impl FnOnce(&mut Outbox, &mut Pool),
    ) -> bool {
        let was_written = self.outbox.is_written();
        let before = self.outbox.kept_bytes();
        put(&mut self.outbox, pool);
        if self.is_parked() {
            parked.grow(self.outbox.kept_bytes() - before);
            return false;
        }
        was_written
    }

    pub(super) const fn is_parked(&self) -> bool {
        matches!(self.place, Place::Parked { .. })
    }
}

fn probe_after(limits: &Limits) -> Duration {
    limits.idle_time_max / 2
}
