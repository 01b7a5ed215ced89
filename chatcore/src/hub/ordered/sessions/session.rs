//! One session: a name, what is kept for it, what has come from it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::former_names::Renaming;
use crate::handshake::OwnResumeTime;
use crate::hub::conn_id::ConnId;
use crate::hub::ended_session::SharedIds;
use crate::hub::event::CloseReason;
use crate::hub::groups::MemberSlot;
use crate::hub::origins::{Numbers, Share};
use crate::hub::rate::Bucket;
use crate::limits::Limits;
use crate::liveness::{Liveness, Silence};
use crate::name::{NAME_BYTES_MAX, UserName};
use crate::outbox::Outbox;
use crate::time::Instant;
use crate::wire::{AcceptedRun, MessageId, Token, UserInfo};

/// In this order what every message needs to know of its recipient is in one line of the cache, and what it does to the
/// outbox in those that follow.
#[derive(Debug)]
#[repr(C, align(64))]
pub(in crate::hub) struct Session {
    pub(in crate::hub) name: UserName,
    pub(in crate::hub) attachment: Attachment,
    /// Numbered frames that have come from the client.
    pub(in crate::hub) received: u64,
    pub(in crate::hub) details: Box<Details>,
    /// The driver is to be told that there is something to write, and has not asked yet.
    pub(in crate::hub) write_queued: bool,
    /// Some of what has come is to be acknowledged when the batch ends.
    pub(in crate::hub) ack_due: bool,
    /// It is in the queue of sessions that are answered when the batch ends.
    pub(in crate::hub) replies_queued: bool,
    /// It is marked to be ended, and is told no more.
    pub(in crate::hub) is_closing: bool,
    /// The index of the last recipient. May be stale: compare the name before use.
    pub(in crate::hub) last_recipient: u32,
    /// Private to what counts what is in it, and asks whether it may be.
    pub(super) outbox: Outbox,
    pub(in crate::hub) liveness: Liveness,
    /// Since when numbered frames wait for an acknowledgement without any; the end of time if none do.
    pub(in crate::hub) unacked_since: Instant,
    /// What of it has been accepted, and is not told yet.
    pub(in crate::hub) accepted: Run,
    pub(in crate::hub) bucket: Bucket,
    pub(in crate::hub) share: Share,
    /// Bytes of a body that its client takes, at the most.
    pub(in crate::hub) body_bytes_max: u32,
    /// Bytes of input that the last call left with the driver, of a list that is begun, and of what waits for answers
    /// of the program.
    pub(in crate::hub) leftover: u32,
    /// Something of its rooms or watches is to be told when its outbox has room.
    pub(in crate::hub) is_lagging: bool,
    /// Its input was paused, and nothing was heard since: its silence counts from the end of the pause.
    pub(in crate::hub) is_paused: bool,
    /// The client has acknowledged something, and so has its welcome: it can come back.
    pub(in crate::hub) is_confirmed: bool,
    /// The size class under which it is found when buffers are short; 0 if it is too small for that.
    pub(in crate::hub) size_class: u8,
    /// The next session of the same user, in a ring; [`ALONE`] if there is no other.
    pub(super) next: u32,
}

/// Stands for no other session.
pub(super) const ALONE: u32 = u32::MAX;

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
pub(in crate::hub) struct Run {
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
    pub(in crate::hub) fn extend(&mut self, number: u64, id: MessageId) -> bool {
        let follows =
            self.number.wrapping_add(self.count) == lower_half(number) && self.id + u64::from(self.count) == id.0;
        if follows && (1..Self::COUNT_MAX).contains(&self.count) {
            self.count += 1;
            return true;
        }
        false
    }

    pub(in crate::hub) const fn of(number: u64, id: MessageId) -> Self {
        Self { id: id.0, number: lower_half(number), count: 1 }
    }

    /// What is to be told of it, if there is anything, after this many frames have come.
    pub(in crate::hub) fn take(&mut self, received: u64) -> Option<AcceptedRun> {
        let Self { id, number, count } = mem::take(self);
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
pub(in crate::hub) struct Details {
    /// The session's entry among the timers.
    pub(in crate::hub) armed: Option<Instant>,
    /// In the account of the origin from which it began. Its memberships and watches count there: if they went with it
    /// to other origins, one could begin ever more of them.
    pub(in crate::hub) home: Option<Share>,
    /// When something was last heard before the pause, while the silence counts from the end of one.
    pub(in crate::hub) heard_before_pause: Instant,
    /// Unlike that of a session that had the same index before.
    pub(in crate::hub) serial: u32,
    /// How long it waits when its connection breaks.
    pub(in crate::hub) resume_time: OwnResumeTime,
    pub(in crate::hub) token: Token,
    /// The last attempt of the client to resume that was granted.
    pub(in crate::hub) attempt: u64,
    /// Messages with higher ids can be its own, or for it.
    pub(in crate::hub) created_at_id: MessageId,
    pub(in crate::hub) rooms: Vec<Membership>,
    pub(in crate::hub) watches: Vec<Watching>,
    /// What few sessions have.
    pub(in crate::hub) rare: Option<Box<Rare>>,
    /// Boxed likewise.
    pub(in crate::hub) begun_list: Option<Box<BegunList>>,
}

/// What few sessions have.
#[derive(Debug, Default)]
pub(in crate::hub) struct Rare {
    /// The spelling that the user registered with, if that is something else than the name.
    pub(in crate::hub) display_name: Option<Box<str>>,
    /// The key of names that look the same, likewise.
    pub(in crate::hub) looks_like: Option<Box<str>>,
    /// What is kept of its former names, if its user was renamed.
    pub(in crate::hub) renaming: Option<Box<Renaming>>,
    /// Why it is marked to be ended.
    pub(in crate::hub) closing: Option<CloseReason>,
    /// Messages that may have reached a session of the user that has ended since.
    pub(in crate::hub) shared: Option<SharedIds>,
    /// What the program keeps with it, and with its user.
    pub(in crate::hub) value: u64,
    pub(in crate::hub) user_value: u64,
    /// Its requests that wait for answers of the program, in order.
    pub(in crate::hub) waiting: VecDeque<usize>,
    /// Bytes of these.
    pub(in crate::hub) waiting_bytes: usize,
}

/// A list of names that is still to be taken.
#[derive(Debug, Default)]
pub(in crate::hub) struct BegunList {
    /// As far as they are resolved: none for what can be no name.
    pub(in crate::hub) resolved: Vec<Option<UserName>>,
}

/// What a name of a list takes, at the most: it has its bytes elsewhere if it is long. The same on every platform.
pub(in crate::hub) const LISTED_NAME_BYTES: usize = 24 + NAME_BYTES_MAX;

const _: () = assert!(size_of::<Option<UserName>>() + NAME_BYTES_MAX <= LISTED_NAME_BYTES);

impl BegunList {
    /// Bytes that it makes the hub keep.
    pub(super) const fn bytes(&self) -> usize {
        self.resolved.len() * LISTED_NAME_BYTES
    }
}

/// A room that a session is in.
#[derive(Debug)]
pub(in crate::hub) struct Membership {
    pub(in crate::hub) slot: MemberSlot,
    /// Messages for which the outbox had no room, and of which the session is not told yet.
    pub(in crate::hub) missed: Option<MissedRun>,
    /// Changes of the membership had no room.
    pub(in crate::hub) is_stale: bool,
}

/// Messages of a room that a member misses one after another.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct MissedRun {
    pub(in crate::hub) first: MessageId,
    pub(in crate::hub) last: MessageId,
    pub(in crate::hub) count: u64,
}

/// A name that a session watches.
#[derive(Debug)]
pub(in crate::hub) struct Watching {
    pub(in crate::hub) slot: MemberSlot,
    /// What the session was told last.
    pub(in crate::hub) told_online: bool,
    /// It was to be told otherwise since, and the outbox had no room.
    pub(in crate::hub) is_behind: bool,
}

/// What carries a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Attachment {
    Attached(ConnId),
    /// Its connection is gone; it waits for another one until then.
    Detached {
        until: Instant,
    },
}

/// What a session's timer calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum TimerAction {
    Nothing,
    Ping,
    Detach(CloseReason),
    End(CloseReason),
}

impl Session {
    /// A session that begins on a connection, with what is to be written before its first frame.
    pub(in crate::hub) fn new(
        name: UserName,
        conn: ConnId,
        details: Box<Details>,
        outbox: Outbox,
        share: Share,
        body_bytes_max: u32,
        now: Instant,
    ) -> Self {
        Self {
            name,
            attachment: Attachment::Attached(conn),
            received: 0,
            details,
            write_queued: false,
            ack_due: false,
            replies_queued: false,
            is_closing: false,
            last_recipient: u32::MAX,
            outbox,
            liveness: Liveness::new(now),
            unacked_since: Instant::MAX,
            accepted: Run::default(),
            bucket: Bucket::default(),
            share,
            body_bytes_max,
            leftover: 0,
            is_lagging: false,
            is_paused: false,
            is_confirmed: false,
            size_class: 0,
            next: ALONE,
        }
    }

    #[inline]
    pub(in crate::hub) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// When this session is to be looked at.
    pub(in crate::hub) fn due_at(&self, now: Instant, limits: &Limits) -> Instant {
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
    pub(in crate::hub) fn check_timers(&mut self, now: Instant, limits: &Limits) -> TimerAction {
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
            // A client that was not heard lately has most likely lost its connection, and may come back for the rest.
            let is_there = now - self.heard_at() <= heard_lately(limits);
            let detach = TimerAction::Detach(CloseReason::TimedOut);
            return if is_there { TimerAction::End(CloseReason::SlowConsumer) } else { detach };
        }
        match self.liveness.check(now, probe_after(limits), limits.idle_time_max) {
            Silence::Short => TimerAction::Nothing,
            Silence::Probe => TimerAction::Ping,
            Silence::Dead => TimerAction::Detach(CloseReason::TimedOut),
            Silence::Unanswered => TimerAction::Detach(CloseReason::Unanswered),
        }
    }

    /// When something was last heard from its client. The end of a pause is none of that.
    fn heard_at(&self) -> Instant {
        if self.is_paused { self.details.heard_before_pause } else { self.liveness.heard_at() }
    }

    /// Something is heard from its client.
    #[inline]
    pub(in crate::hub) const fn hear(&mut self, now: Instant) {
        self.liveness.touch(now);
        self.is_paused = false;
    }

    /// Its input is paused until then: it is not judged silent for what is not read.
    pub(in crate::hub) fn pause(&mut self, until: Instant) {
        if !mem::replace(&mut self.is_paused, true) {
            self.details.heard_before_pause = self.liveness.heard_at();
        }
        self.liveness.touch(until);
    }

    pub(in crate::hub) fn display_name(&self) -> Option<&str> {
        self.details.rare.as_ref()?.display_name.as_deref()
    }

    /// The key of names that look like this one, if that is not the name itself.
    pub(in crate::hub) fn looks_like(&self) -> Option<&str> {
        self.details.rare.as_ref()?.looks_like.as_deref()
    }

    /// What is kept of its former names, if its user was renamed.
    pub(in crate::hub) fn renaming(&self) -> Option<&Renaming> {
        self.details.rare.as_ref()?.renaming.as_deref()
    }

    /// Messages with higher ids that bear its name are its own.
    pub(in crate::hub) fn named_after(&self) -> MessageId {
        self.details.created_at_id.max(self.renaming().map_or(MessageId(0), Renaming::since))
    }

    /// Why it is marked to be ended, if it is.
    pub(in crate::hub) fn closing(&self) -> Option<CloseReason> {
        self.details.rare.as_ref()?.closing
    }

    /// Messages that may have reached another session of the user, which has ended since.
    pub(in crate::hub) fn shared(&self) -> Option<SharedIds> {
        self.details.rare.as_ref().and_then(|rare| rare.shared)
    }

    /// Its requests that wait for answers of the program, in order.
    pub(in crate::hub) fn waiting(&self) -> &VecDeque<usize> {
        static NONE: VecDeque<usize> = VecDeque::new();
        self.details.rare.as_ref().map_or(&NONE, |rare| &rare.waiting)
    }

    pub(in crate::hub) fn value(&self) -> u64 {
        self.details.rare.as_ref().map_or(0, |rare| rare.value)
    }

    pub(in crate::hub) fn user_value(&self) -> u64 {
        self.details.rare.as_ref().map_or(0, |rare| rare.user_value)
    }

    pub(in crate::hub) fn set_value(&mut self, value: u64) {
        if self.value() != value {
            self.rare().value = value;
        }
    }

    pub(in crate::hub) fn set_user_value(&mut self, value: u64) {
        if self.user_value() != value {
            self.rare().user_value = value;
        }
    }

    pub(in crate::hub) fn rare(&mut self) -> &mut Rare {
        self.details.rare.get_or_insert_default()
    }

    /// Its user has no other session.
    #[inline]
    pub(in crate::hub) const fn is_alone(&self) -> bool {
        self.next == ALONE
    }

    pub(in crate::hub) fn info(&self) -> UserInfo<'_> {
        UserInfo { name: self.name.as_str(), display_name: self.display_name() }
    }

    pub(in crate::hub) const fn is_detached(&self) -> bool {
        matches!(self.attachment, Attachment::Detached { .. })
    }

    /// What it counts for the origin of its connection.
    pub(super) fn numbers(&self) -> Numbers {
        Numbers { sessions: 1, waiting: few(self.waiting().len()), ..Numbers::default() }
    }

    /// What it counts for the origin from which it began, wherever it goes on.
    pub(super) fn held(&self) -> Numbers {
        let (memberships, watches) = (few(self.details.rooms.len()), few(self.details.watches.len()));
        Numbers { memberships, watches, ..Numbers::default() }
    }

    /// Its share of that origin.
    pub(in crate::hub) fn home(&self) -> &Share {
        self.details.home.as_ref().unwrap_or(&self.share)
    }

    /// The rooms that it is in.
    pub(super) fn rooms(&self) -> impl Iterator<Item = usize> + '_ {
        self.details.rooms.iter().map(|membership| membership.slot.group())
    }

    /// The memory that is kept for it: its outbox, and what its connection has of a frame.
    #[inline]
    pub(in crate::hub) const fn buffer_bytes(&self) -> usize {
        self.outbox.held_bytes() + self.leftover as usize
    }
}

/// No session has so many of anything.
pub(super) fn few(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Looks at a session that has stalled, but is excused, within one stall time.
const EXCUSED_LOOKS: u32 = 8;

fn probe_after(limits: &Limits) -> Duration {
    limits.idle_time_max / 2
}

/// How long ago a client is heard at the most that is there, when it has acknowledged nothing for the stall time. A
/// ping would have followed a longer silence; and what it said while the frame was on its way says little.
fn heard_lately(limits: &Limits) -> Duration {
    probe_after(limits).min(limits.stall_time_max / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_where_the_lower_half_of_its_number_wraps() {
        let first = (1 << 32) - 1;
        let mut run = Run::of(first, MessageId(7));
        assert!(run.extend(first + 1, MessageId(8)));
        assert!(run.extend(first + 2, MessageId(9)));
        assert!(!run.extend(first + 2, MessageId(10)), "that number is told already");
        assert!(!run.extend(first + 3, MessageId(11)), "an id is left out");
        // Frames that are not accepted may have come since.
        let told = run.take(first + 5).expect("there is something to tell");
        assert_eq!((told.number, told.id, told.more), (first, MessageId(7), 2));
        assert!(run.take(first + 5).is_none(), "it is told once");
    }
}
