//! One user at a hub: a name, what is owed to it, what has come from it.

use core::time::Duration;

use super::output::{CloseReason, ConnId};
use crate::limits::Limits;
use crate::liveness::{Liveness, Silence};
use crate::name::UserName;
use crate::outbox::Outbox;
use crate::time::Instant;
use crate::transition::State;

#[derive(Debug)]
pub(super) struct Session {
    pub(super) conn: ConnId,
    pub(super) name: UserName,
    pub(super) phase: Phase,
    pub(super) outbox: Outbox,
    /// The driver is to be told that there is something to write, and has not asked yet.
    pub(super) write_queued: bool,
    /// Numbered frames that have come from the user.
    pub(super) received: u64,
    /// Some of them are to be acknowledged when the batch ends.
    pub(super) ack_due: bool,
    pub(super) liveness: Liveness,
    /// Since when the outbox has been too full for a message, without an acknowledgement.
    pub(super) full_since: Option<Instant>,
    /// The session's entry among the deadlines.
    pub(super) armed: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The name is held; frames come and go.
    Open,
    /// The name is free; what is left is written out until then.
    Flushing { reason: CloseReason, until: Instant },
    /// The driver is to be told, and then the session is gone.
    Finished,
}

/// What a session's deadline calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    Close(Silenced),
    Finish,
}

/// The ends that come with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silenced {
    TimedOut,
    SlowConsumer,
}

impl Session {
    pub(super) fn new(now: Instant, conn: ConnId, name: UserName, outbox: Outbox) -> Self {
        Self {
            conn,
            name,
            phase: Phase::Open,
            outbox,
            write_queued: false,
            received: 0,
            ack_due: false,
            liveness: Liveness::new(now),
            full_since: None,
            armed: None,
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Open => State::Registered,
            Phase::Flushing { .. } | Phase::Finished => State::Closed,
        }
    }

    /// When this session wants to be looked at.
    pub(super) fn due_at(&self, limits: &Limits) -> Option<Instant> {
        match &self.phase {
            Phase::Open => {
                let alive = self.liveness.due(probe_after(limits), limits.idle_time_max);
                let stalled = self.full_since.map(|since| since + limits.stall_time_max);
                Some(stalled.map_or(alive, |stalled| stalled.min(alive)))
            }
            Phase::Flushing { until, .. } => Some(*until),
            Phase::Finished => None,
        }
    }

    /// What is to be done about it now.
    pub(super) fn look(&mut self, now: Instant, limits: &Limits) -> Due {
        match &self.phase {
            Phase::Open => {
                // It may have become empty without an acknowledgement, if answers alone had filled it.
                if self.outbox.has_room(limits.body_bytes_max as usize, limits.outbox_bytes_max) {
                    self.full_since = None;
                }
                if self.full_since.is_some_and(|since| since + limits.stall_time_max <= now) {
                    return Due::Close(Silenced::SlowConsumer);
                }
                match self.liveness.check(now, probe_after(limits), limits.idle_time_max) {
                    Silence::Short => Due::Nothing,
                    Silence::Probe => Due::Ping,
                    Silence::Dead => Due::Close(Silenced::TimedOut),
                }
            }
            Phase::Flushing { until, .. } if *until <= now => Due::Finish,
            Phase::Flushing { .. } | Phase::Finished => Due::Nothing,
        }
    }
}

fn probe_after(limits: &Limits) -> Duration {
    limits.idle_time_max / 2
}
