//! One session: a name, what is kept for it, what has come from it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::conn_id::ConnId;
use super::event::CloseReason;
use super::groups::MemberSlot;
use super::origins::Share;
use super::rate::Bucket;
use crate::limits::Limits;
use crate::liveness::{Liveness, Silence};
use crate::name::UserName;
use crate::outbox::Outbox;
use crate::time::Instant;
use crate::wire::{AcceptedRun, MessageId, Token, UserInfo};

/// In this order what every message needs to know of its recipient is in one line of the cache, and what it does to the
/// outbox in those that follow.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Session {
    pub(super) name: UserName,
    pub(super) attachment: Attachment,
    /// Numbered frames that have come from the client.
    pub(super) received: u64,
    pub(super) details: Box<Details>,
    /// The driver is to be told that there is something to write, and has not asked yet.
    pub(super) write_queued: bool,
    /// Some of what has come is to be acknowledged when the batch ends.
    pub(super) ack_due: bool,
    /// It is in the queue of sessions that are answered when the batch ends.
    pub(super) replies_queued: bool,
    /// It is marked to be ended, and is told no more.
    pub(super) is_closing: bool,
    /// The index of the last recipient. May be stale: compare the name before use.
    pub(super) last_recipient: u32,
    pub(super) outbox: Outbox,
    pub(super) liveness: Liveness,
    /// Since when numbered frames wait for an acknowledgement without any; the end of time if none do.
    pub(super) unacked_since: Instant,
    /// What of it has been accepted, and is not told yet.
    pub(super) accepted: Run,
    pub(super) bucket: Bucket,
    pub(super) share: Share,
    /// Bytes of a body that its client takes, at the most.
    pub(super) body_bytes_max: u32,
    /// Bytes of input that the last call left with the driver.
    pub(super) leftover: u32,
    /// Something of its rooms or watches is to be told when its outbox has room.
    pub(super) is_lagging: bool,
    /// The last call has paused its input, and none has gone on with it.
    pub(super) is_paused: bool,
    /// The client has acknowledged something, and so has its welcome: it can come back.
    pub(super) is_confirmed: bool,
    /// The size class under which it is found when buffers are short; 0 if it is too small for that.
    pub(super) size_class: u8,
}

/// Where pointers have 32 bits it is smaller, and nothing but time depends on that.
#[cfg(target_pointer_width = "64")]
const _: () = {
    // Bytes of a line of the cache.
    const LINE: usize = 64;
    assert!(core::mem::offset_of!(Session, outbox) == LINE);
    assert!(size_of::<Session>() == 4 * LINE);
};

/// Messages that were accepted one after another.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    /// The id of the first.
    id: u64,
    /// The lower half of its number: the upper one follows from how many frames have come.
    number: u32,
    /// How many they are.
    count: u32,
}

impl Run {
    /// As many as one frame can tell.
    const COUNT_MAX: u32 = 1 << u16::BITS;

    /// Goes on with one more message. False if it does not follow.
    pub(super) fn extend(&mut self, number: u64, id: MessageId) -> bool {
        let follows =
            self.number.wrapping_add(self.count) == lower_half(number) && self.id + u64::from(self.count) == id.0;
        if follows && (1..Self::COUNT_MAX).contains(&self.count) {
            self.count += 1;
            return true;
        }
        false
    }

    pub(super) const fn of(number: u64, id: MessageId) -> Self {
        Self { id: id.0, number: lower_half(number), count: 1 }
    }

    /// What is to be told of it, if there is anything, after this many frames have come.
    pub(super) fn take(&mut self, received: u64) -> Option<AcceptedRun> {
        let Self { id, number, count } = core::mem::take(self);
        let more = u16::try_from(count.checked_sub(1)?).expect("a run is no longer than that");
        let number = received - u64::from(lower_half(received).wrapping_sub(number));
        Some(AcceptedRun { number, id: MessageId(id), more })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "that is meant")]
const fn lower_half(number: u64) -> u32 {
    number as u32
}

/// What is looked at seldom: apart, so that what every message needs lies close together.
#[derive(Debug)]
pub(super) struct Details {
    /// The session's entry among the timers.
    pub(super) armed: Option<Instant>,
    pub(super) token: Token,
    /// The last attempt of the client to resume that was granted.
    pub(super) attempt: u64,
    /// Messages with higher ids that bear its name are its own.
    pub(super) created_at_id: MessageId,
    pub(super) rooms: Vec<Membership>,
    pub(super) watches: Vec<Watching>,
    /// Other forms of the name, if it has any.
    pub(super) forms: Option<Box<NameForms>>,
    /// Boxed like the forms, because few sessions have one.
    pub(super) begun_list: Option<Box<BegunList>>,
    /// Why it is marked to be ended.
    pub(super) closing: Option<Box<CloseReason>>,
}

/// What a name looks like besides.
#[derive(Debug)]
pub(super) struct NameForms {
    /// The spelling that the user registered with, if that is something else than the name.
    pub(super) display_name: Option<Box<str>>,
    /// The key of names that look the same, likewise.
    pub(super) looks_like: Option<Box<str>>,
}

/// A list of names that is still to be taken.
#[derive(Debug, Default)]
pub(super) struct BegunList {
    /// As far as they are resolved: none for what can be no name.
    pub(super) resolved: Vec<Option<UserName>>,
}

/// A room that a session is in.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) slot: MemberSlot,
    /// Messages for which the outbox had no room, and of which the session is not told yet.
    pub(super) missed: Option<MissedRun>,
    /// Changes of the membership had no room.
    pub(super) is_stale: bool,
}

/// Messages of a room that a member misses one after another.
#[derive(Clone, Copy, Debug)]
pub(super) struct MissedRun {
    pub(super) first: MessageId,
    pub(super) last: MessageId,
    pub(super) count: u64,
}

/// A name that a session watches.
#[derive(Debug)]
pub(super) struct Watching {
    pub(super) slot: MemberSlot,
    /// What the session was told last.
    pub(super) told_online: bool,
    /// It was to be told otherwise since, and the outbox had no room.
    pub(super) is_behind: bool,
}

/// What carries a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attachment {
    Attached(ConnId),
    /// Its connection is gone; it waits for another one until then.
    Detached {
        until: Instant,
    },
}

/// What a session's timer calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimerAction {
    Nothing,
    Ping,
    Detach,
    End(CloseReason),
}

impl Session {
    /// When this session is to be looked at.
    pub(super) fn due_at(&self, now: Instant, limits: &Limits) -> Instant {
        match self.attachment {
            Attachment::Attached(_) => {
                let alive = self.liveness.due(probe_after(limits), limits.idle_time_max);
                // What begins to wait right after this look stalls no earlier than at the next one.
                let stalled_at = self.unacked_since.min(now) + limits.stall_time_max;
                if stalled_at > now || !self.is_paused {
                    return alive.min(stalled_at);
                }
                // While it is excused, it is looked at now and then.
                let again_at = now + limits.stall_time_max / EXCUSED_LOOKS;
                alive.min(again_at.min(stalled_at + limits.stall_time_max))
            }
            Attachment::Detached { until } => until,
        }
    }

    /// What is to be done about it now. It is not judged while its input is paused.
    pub(super) fn check_timers(&mut self, now: Instant, limits: &Limits) -> TimerAction {
        if let Attachment::Detached { until } = self.attachment {
            return if until <= now { TimerAction::End(CloseReason::Expired) } else { TimerAction::Nothing };
        }
        if !self.outbox.awaits_ack() {
            self.unacked_since = Instant::MAX;
        }
        let stalled_at = self.unacked_since + limits.stall_time_max;
        // A pause may hide an acknowledgement, but not for longer than another stall time.
        let is_excused = self.is_paused && stalled_at + limits.stall_time_max > now;
        if stalled_at <= now && !is_excused {
            // A client that says nothing at all has most likely lost its connection, and may come back for the rest.
            let is_heard = self.liveness.heard_at() > self.unacked_since;
            return if is_heard { TimerAction::End(CloseReason::SlowConsumer) } else { TimerAction::Detach };
        }
        match self.liveness.check(now, probe_after(limits), limits.idle_time_max) {
            Silence::Short => TimerAction::Nothing,
            Silence::Probe => TimerAction::Ping,
            Silence::Dead => TimerAction::Detach,
        }
    }

    pub(super) fn display_name(&self) -> Option<&str> {
        self.details.forms.as_ref()?.display_name.as_deref()
    }

    /// The key of names that look like this one, if that is not the name itself.
    pub(super) fn looks_like(&self) -> Option<&str> {
        self.details.forms.as_ref()?.looks_like.as_deref()
    }

    pub(super) fn info(&self) -> UserInfo<'_> {
        UserInfo { name: self.name.as_str(), display_name: self.display_name() }
    }

    pub(super) const fn is_detached(&self) -> bool {
        matches!(self.attachment, Attachment::Detached { .. })
    }

    /// The memory that is kept for it: its outbox, and what its connection has of a frame.
    #[inline]
    pub(super) const fn buffer_bytes(&self) -> usize {
        self.outbox.held_bytes() + self.leftover as usize
    }
}

/// Looks at a session that has stalled, but is excused, within one stall time.
const EXCUSED_LOOKS: u32 = 8;

fn probe_after(limits: &Limits) -> Duration {
    limits.idle_time_max / 2
}
