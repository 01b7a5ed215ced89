//! One batch on its way to the members of a room: messages, or the news that somebody came or went.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use super::super::announcements::Announcements;
use super::super::sessions::{Membership, MissedRun, Sessions};
use crate::hub::groups::{GroupId, Groups};
use crate::hub::work::{SLOTS, Work, of_bytes};
use crate::outbox::Pool;
use crate::wire::{
    self, HEADER_BYTES, Head, HubMessage, LeaveCode, Message, MessageId, Missed, OVERHEAD_BYTES_MAX, RoomDeliver, Stale,
};

/// Bytes of a missed or a stale, at the most.
pub(super) const NOTICE_BYTES_MAX: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Fanout {
    group: GroupId,
    /// What it is, if it is no batch of messages.
    news: Option<News>,
    /// What members get, one frame after another.
    frames: Vec<u8>,
    count: u32,
    /// Bytes of the longest body.
    body_bytes: u32,
    /// Whose messages they are: nobody gets its own.
    parts: Vec<Part>,
    /// The senders, sorted, once the fan-out has begun.
    senders: Vec<usize>,
    /// The same frames for outboxes to share.
    shared: Option<Arc<[u8]>>,
    /// Slots that were looked at.
    cursor: usize,
    has_begun: bool,
    /// Members get first what was said to all, up to this id: the batch holds what the program said after that. Zero if
    /// there is nothing that goes first.
    after: u64,
}

/// Who came into a room, or left it: a session of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Joined(usize),
    Left(usize, LeaveCode),
}

/// Frames of one sender, one after another.
#[derive(Debug)]
struct Part {
    sender: usize,
    /// Where they end.
    end: usize,
    /// All of them, if somebody misses them.
    run: MissedRun,
}

impl Fanout {
    pub(super) fn begin_messages(&mut self, group: GroupId) {
        self.group = group;
    }

    /// The same, of messages that follow what was said to all, up to this.
    pub(super) const fn begin_messages_after(&mut self, group: GroupId, announced: MessageId) {
        (self.group, self.after) = (group, announced.0);
    }

    pub(super) fn begin_news(&mut self, group: GroupId, news: News, message: &HubMessage<'_>) {
        (self.group, self.news, self.count) = (group, Some(news), 1);
        message.encode(&mut self.frames);
    }

    pub(super) const fn group(&self) -> GroupId {
        self.group
    }

    pub(super) fn bytes(&self) -> usize {
        self.frames.len()
    }

    /// Bytes that it has room for.
    pub(super) fn capacity(&self) -> usize {
        self.frames.capacity()
    }

    /// Whether another message of the room may join it.
    pub(super) fn takes_messages_of(&self, group: GroupId) -> bool {
        self.group == group && self.news.is_none() && !self.has_begun
    }

    /// Whether all of it follows what was said to all, up to this.
    pub(super) fn is_after(&self, announced: MessageId) -> bool {
        self.after == announced.0
    }

    pub(super) fn add(&mut self, sender: usize, id: MessageId, head: &Head, body: &[u8]) {
        head.write(body, &mut self.frames);
        let end = self.frames.len();
        self.count += 1;
        self.body_bytes = self.body_bytes.max(u32::try_from(body.len()).unwrap_or(u32::MAX));
        match self.parts.last_mut() {
            Some(part) if part.sender == sender => {
                part.end = end;
                (part.run.last, part.run.count) = (id, part.run.count + 1);
            }
            _ => self.parts.push(Part { sender, end, run: MissedRun { first: id, last: id, count: 1 } }),
        }
    }

    /// Nobody has heard that somebody came who goes now, or the other way round. Who goes because it has another name
    /// does not come back under the one that it had.
    pub(super) fn is_undone_by(&self, group: GroupId, news: News) -> bool {
        let is_opposite = match (self.news, news) {
            (Some(News::Joined(one)), News::Left(other, _)) => one == other,
            (Some(News::Left(one, code)), News::Joined(other)) => one == other && code != LeaveCode::Renamed,
            _ => false,
        };
        is_opposite && self.group == group && !self.has_begun
    }

    /// A session is no more: if this is news of it, it is that of another one from now on.
    pub(super) fn replace_subject(&mut self, session: usize, other: usize) {
        if let Some(News::Joined(subject) | News::Left(subject, _)) = &mut self.news
            && *subject == session
        {
            *subject = other;
        }
    }

    pub(super) fn is_news_of(&self, session: usize) -> bool {
        matches!(self.news, Some(News::Joined(other) | News::Left(other, _)) if other == session)
    }

    #[cfg(feature = "sim")]
    pub(super) fn shared(&self) -> Option<&[u8]> {
        self.shared.as_deref()
    }

    /// Goes on with the fan-out as far as the work goes. True if it is done.
    pub(super) fn run(
        &mut self,
        groups: &Groups,
        sessions: &mut Sessions,
        announcements: &mut Announcements,
        work: &mut Work,
    ) -> bool {
        if !groups.contains(self.group) {
            return true;
        }
        if !mem::replace(&mut self.has_begun, true) {
            self.senders.extend(self.parts.iter().map(|part| part.sender));
            self.senders.sort_unstable();
            self.senders.dedup();
        }
        let group = self.group.index();
        let slots = groups.slots(group);
        sessions.set_fanning_out(groups.members(group) >= sessions.thresholds.many_members);
        let is_done = loop {
            let next = self.give_first(groups, sessions, announcements, slots, work);
            if !self.give_all(groups, sessions, next, work) {
                break false;
            }
            if next == slots {
                break true;
            }
        };
        sessions.set_fanning_out(false);
        is_done
    }

    /// If the batch follows what was said to all, gives that to the next member. Returns the slots up to which members
    /// may get the batch now.
    #[inline]
    fn give_first(
        &self,
        groups: &Groups,
        sessions: &mut Sessions,
        announcements: &mut Announcements,
        slots: usize,
        work: &mut Work,
    ) -> usize {
        if self.after == 0 || !announcements.has_pending() || self.cursor >= slots {
            return slots;
        }
        if let Some(member) = groups.member(self.group.index(), self.cursor) {
            announcements.give_early(sessions, member, MessageId(self.after), work);
        }
        self.cursor + 1
    }

    fn give_all(&mut self, groups: &Groups, sessions: &mut Sessions, slots: usize, work: &mut Work) -> bool {
        let group = self.group.index();
        while self.cursor < slots {
            if work.is_spent() {
                return false;
            }
            match groups.member(group, self.cursor) {
                Some(member) => self.give(groups, sessions, member, work),
                None if self.cursor.is_multiple_of(SLOTS) => work.spend(1),
                None => {}
            }
            self.cursor += 1;
        }
        true
    }

    #[inline]
    fn give(&mut self, groups: &Groups, sessions: &mut Sessions, member: usize, work: &mut Work) {
        let session = &sessions[member];
        if session.is_closing {
            return work.spend(1);
        }
        let is_too_long = self.body_bytes > session.body_bytes_max;
        let is_slow = session.is_lagging || is_too_long || !sessions.fits(member, self.frames.len());
        if self.news.is_some() {
            return self.give_news(groups, sessions, member, is_slow, work);
        }
        if is_slow || self.senders.binary_search(&member).is_ok() {
            return self.give_in_parts(groups, sessions, member, is_slow, work);
        }
        let backlog = sessions[member].outbox().kept_bytes();
        if sessions.thresholds.is_worth_sharing(self.frames.len(), backlog) {
            let shared = self.shared.get_or_insert_with(|| sessions.pool.share(&self.frames));
            let mut copied = 0;
            sessions.put(member, |outbox, pool| copied = outbox.push_shared(shared, self.count, pool));
            work.spend(of_bytes(copied));
        } else {
            work.spend(of_bytes(self.frames.len()));
            sessions.put(member, |outbox, pool| outbox.push_frames(&self.frames, self.count, pool));
        }
    }

    fn give_news(&self, groups: &Groups, sessions: &mut Sessions, member: usize, is_slow: bool, work: &mut Work) {
        let (Some(News::Joined(subject) | News::Left(subject, _)), group) = (self.news, self.group.index()) else {
            return;
        };
        work.spend(1);
        // It knows, as do the other sessions of its user. If it has left, it is back.
        if sessions.is_of_same_user(subject, member) {
            return;
        }
        if !is_slow {
            return sessions.put(member, |outbox, pool| outbox.push_frames(&self.frames, 1, pool));
        }
        let Some(was_stale) = membership(sessions, member, group).map(|membership| membership.is_stale) else { return };
        // What is left out has its place before what follows.
        if !sessions.fits(member, self.frames.len() + NOTICE_BYTES_MAX) {
            set_stale(sessions, member, group, true);
            sessions[member].is_lagging = true;
            return;
        }
        if was_stale {
            set_stale(sessions, member, group, false);
            sessions.push(member, &HubMessage::Stale(Stale { room: groups.name(group) }));
        }
        sessions.put(member, |outbox, pool| outbox.push_frames(&self.frames, 1, pool));
    }

    /// Gives a member what is not its own, and of that what its outbox has room for.
    #[cold]
    #[inline(never)]
    fn give_in_parts(&self, groups: &Groups, sessions: &mut Sessions, member: usize, is_slow: bool, work: &mut Work) {
        let mut start = 0;
        for part in &self.parts {
            let frames = &self.frames[mem::replace(&mut start, part.end)..part.end];
            if part.sender == member {
                work.spend(1);
            } else if is_slow {
                self.give_slowly(groups, sessions, member, (frames, part.run), work);
            } else {
                work.spend(of_bytes(frames.len()));
                let count = u32::try_from(part.run.count).unwrap_or(u32::MAX);
                sessions.put(member, |outbox, pool| outbox.push_frames(frames, count, pool));
            }
        }
    }

    /// Gives a member frame by frame what its outbox has room for. From the first on that has no room it misses the
    /// others of this batch, and is told so in their place.
    fn give_slowly(
        &self,
        groups: &Groups,
        sessions: &mut Sessions,
        member: usize,
        (mut frames, mut run): (&[u8], MissedRun),
        work: &mut Work,
    ) {
        let group = self.group.index();
        work.spend(1);
        while !frames.is_empty() {
            let (frame, rest) = frames.split_at(wire::measure(frames).1);
            let Some(Membership { missed, .. }) = membership(sessions, member, group) else { return };
            let before = missed.take();
            let notice_bytes = if before.is_some() { NOTICE_BYTES_MAX } else { 0 };
            let frame_bytes_max = (sessions[member].body_bytes_max + OVERHEAD_BYTES_MAX) as usize + HEADER_BYTES;
            if frame.len() > frame_bytes_max || !sessions.fits(member, frame.len() + notice_bytes) {
                run.first = before.map_or_else(|| id_of(frame), |before| before.first);
                run.count += before.map_or(0, |before| before.count);
                if let Some(membership) = membership(sessions, member, group) {
                    membership.missed = Some(run);
                    sessions[member].is_lagging = true;
                }
                return;
            }
            if let Some(before) = before {
                tell_missed(sessions, member, groups.name(group), before);
            }
            sessions.put(member, |outbox, pool| outbox.push_frames(frame, 1, pool));
            work.spend(1 + of_bytes(frame.len()));
            frames = rest;
            run.count -= 1;
        }
    }

    /// Lets go of what it holds, so that it can be used again.
    pub(super) fn finish(&mut self, pool: &mut Pool) {
        if let Some(shared) = self.shared.take() {
            pool.release(shared);
        }
        self.clear();
    }

    /// As [`Fanout::finish`], of a fan-out that has not begun.
    pub(super) fn clear(&mut self) {
        debug_assert!(self.shared.is_none(), "what is shared is released");
        self.frames.clear();
        self.parts.clear();
        self.senders.clear();
        (self.news, self.count, self.body_bytes, self.cursor, self.has_begun) = (None, 0, 0, 0, false);
        self.after = 0;
    }
}

/// Tells a member what it has missed, in its place before what follows.
pub(super) fn tell_missed(sessions: &mut Sessions, session: usize, room: &str, missed: MissedRun) {
    let MissedRun { first, last, count } = missed;
    sessions.push(session, &HubMessage::Missed(Missed { room, first_id: first, last_id: last, count }));
}

fn membership(sessions: &mut Sessions, member: usize, group: usize) -> Option<&mut Membership> {
    sessions[member].details.rooms.iter_mut().find(|membership| membership.slot.group() == group)
}

fn set_stale(sessions: &mut Sessions, member: usize, group: usize, is_stale: bool) {
    if let Some(membership) = membership(sessions, member, group) {
        membership.is_stale = is_stale;
    }
}

/// The id of the message in a frame.
fn id_of(frame: &[u8]) -> MessageId {
    match HubMessage::decode(wire::content(frame)) {
        Ok(Some(HubMessage::RoomDeliver(RoomDeliver { id, .. }))) => id,
        _ => unreachable!("a batch of a room holds messages of the room"),
    }
}
