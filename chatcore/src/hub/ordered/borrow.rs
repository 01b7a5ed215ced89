//! Sessions and rooms, so that what was said in a room reaches its members before anything that must come later.

use super::announcements::Announcements;
use super::rooms::{Rooms, tell_joined, tell_left};
use super::sessions::{NewName, Sessions};
use crate::hub::work::{Budget, Work};
use crate::name::UserName;
use crate::wire::{Head, MessageId, RejectCode};

/// Both. See the rule of the [module](super).
pub(in crate::hub) struct Ordered {
    sessions: Sessions,
    rooms: Rooms,
    announcements: Announcements,
}

impl Ordered {
    pub(in crate::hub) fn new(sessions: Sessions, rooms: Rooms) -> Self {
        Self { sessions, rooms, announcements: Announcements::default() }
    }

    pub(in crate::hub) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(in crate::hub) const fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Both as they are, for what has no order with what was said in rooms: what a transport did, what a session is
    /// answered, news of who is online, and ends. Nothing that others say can be put into an outbox with them.
    #[inline]
    pub(in crate::hub) const fn unordered(&mut self) -> (&mut Sessions, &mut Rooms) {
        (&mut self.sessions, &mut self.rooms)
    }

    /// Gives what was said in rooms to the members, as far as the work goes. True if nothing is left of it.
    #[inline]
    pub(in crate::hub) fn flush(&mut self, work: &mut Work) -> bool {
        !self.rooms.has_pending() || self.flush_rooms(work)
    }

    fn flush_rooms(&mut self, work: &mut Work) -> bool {
        self.rooms.flush(&mut self.sessions, &mut self.announcements, work)
    }

    #[cold]
    #[inline(never)]
    fn flush_first(&mut self, budget: &mut Budget) -> bool {
        budget.work_for_others(|work| self.flush(work))
    }

    /// For a message to one user, once it has got what was said in its rooms. The rooms of others hold up nobody, but
    /// who is in more than 64 waits for all. None if the work does not go so far.
    ///
    /// All sessions of a user are in the same rooms. If the sender has other sessions, they get the message, too, and
    /// so have to have got what was said before it.
    #[inline]
    pub(in crate::hub) fn recipient(
        &mut self,
        session: usize,
        sender: usize,
        budget: &mut Budget,
    ) -> Option<Recipient<'_>> {
        if self.rooms.has_pending() && !self.flush_first_for(session, sender, budget) {
            return None;
        }
        Some(Recipient { sessions: &mut self.sessions, session })
    }

    #[cold]
    #[inline(never)]
    fn flush_first_for(&mut self, session: usize, sender: usize, budget: &mut Budget) -> bool {
        budget.work_for_others(|work| {
            !self.is_waiting_for(session, sender, work)
                || self.flush_rooms(work)
                || !self.is_waiting_for(session, sender, work)
        })
    }

    fn is_waiting_for(&self, session: usize, sender: usize, work: &mut Work) -> bool {
        let sender = &self.sessions[sender];
        self.rooms.is_waiting_for(&self.sessions[session], work)
            || (!sender.is_alone() && self.rooms.is_waiting_for(sender, work))
    }

    /// For a session that changes in which rooms it is, once all that was said in rooms is with the members, but for
    /// news of that session. None if the work does not go so far.
    pub(in crate::hub) fn membership(&mut self, session: usize, budget: &mut Budget) -> Option<MembershipOf<'_>> {
        if !self.rooms.has_only_news_of(session) && !self.flush_first(budget) {
            return None;
        }
        Some(MembershipOf { sessions: &mut self.sessions, rooms: &mut self.rooms, session })
    }

    /// For a user who gets another name, by its oldest session, once all that was said in rooms is with the members,
    /// and so is all news: what was said under the old name comes before the news of it. None if the work does not go
    /// so far.
    pub(in crate::hub) fn name_of(&mut self, oldest: usize, work: &mut Work) -> Option<NameOf<'_>> {
        self.flush(work).then_some(NameOf { sessions: &mut self.sessions, rooms: &mut self.rooms, oldest })
    }

    /// For a message to a room, once there is room for it among what waits. None if the work does not go so far.
    pub(in crate::hub) fn pending_fanout(&mut self, budget: &mut Budget) -> Option<PendingFanout<'_>> {
        let is_free = self.has_room(budget);
        let Self { sessions, rooms, announcements } = self;
        is_free.then_some(PendingFanout { sessions, rooms, announcements })
    }

    /// Whether there is room for one more among what waits to be fanned out. If there is none, that goes on first.
    pub(in crate::hub) fn has_room(&mut self, budget: &mut Budget) -> bool {
        !self.rooms.is_full() || self.flush_first(budget)
    }

    // ---- what the program says ----

    pub(in crate::hub) const fn announcements(&self) -> &Announcements {
        &self.announcements
    }

    /// As [`Ordered::recipient`], for what the program says to a user: all sessions of the user get first what they
    /// lack of what it has said to all.
    pub(in crate::hub) fn listener(&mut self, session: usize, budget: &mut Budget) -> Option<Recipient<'_>> {
        self.recipient(session, session, budget)?;
        let mut next = Some(session);
        while let Some(listener) = next {
            budget.spend(self.give_announced(listener));
            next = self.sessions.next_in_ring(listener, session);
        }
        Some(Recipient { sessions: &mut self.sessions, session })
    }

    /// Gives a session what it lacks of what was said to all. Returns the work.
    pub(in crate::hub) fn give_announced(&mut self, session: usize) -> u32 {
        if !self.announcements.has_pending() {
            return 0;
        }
        let mut work = Work::new(u32::MAX);
        self.announcements.give_early(&mut self.sessions, session, MessageId(u64::MAX), &mut work);
        work.spent()
    }

    /// Whether one more message to all may be on its way.
    pub(in crate::hub) fn may_announce(&self) -> bool {
        !self.announcements.is_full() && !self.sessions.is_shutting_down
    }

    /// Takes what the program says to all sessions that there are, after all that was said in rooms.
    pub(in crate::hub) fn announce(&mut self, id: MessageId, from: &UserName, body: &[u8]) {
        self.announcements.add(&mut self.sessions, self.rooms.batches(), id, from, body);
    }

    /// Goes on with that, as far as the work goes.
    pub(in crate::hub) fn advance_announcements(&mut self, work: &mut Work) {
        self.announcements.advance(&mut self.sessions, self.rooms.flushed_batches(), work);
    }
}

/// A session that has got what was said in its rooms.
pub(in crate::hub) struct Recipient<'a> {
    sessions: &'a mut Sessions,
    session: usize,
}

impl Recipient<'_> {
    #[inline]
    pub(in crate::hub) const fn index(&self) -> usize {
        self.session
    }

    /// For what needs no order, as with [`Ordered::unordered`].
    #[inline]
    pub(in crate::hub) const fn sessions(&mut self) -> &mut Sessions {
        self.sessions
    }

    /// Puts a message into its outbox.
    #[inline]
    pub(in crate::hub) fn deliver(&mut self, head: &Head, body: &[u8]) {
        self.sessions.put(self.session, |outbox, pool| outbox.push_frame(head, body, pool));
    }

    /// Puts a message into the outboxes of all sessions of the user.
    pub(in crate::hub) fn deliver_to_all(&mut self, frame: &[u8]) {
        put_into_ring(self.sessions, Some(self.session), self.session, frame);
    }

    /// Puts a message into the outboxes of the sender's other sessions.
    pub(in crate::hub) fn copy_to_siblings(&mut self, sender: usize, frame: &[u8]) {
        let first = self.sessions.next_in_ring(sender, sender);
        put_into_ring(self.sessions, first, sender, frame);
    }
}

/// Puts a frame into the outboxes of the sessions of a ring, up to the one before `end`.
fn put_into_ring(sessions: &mut Sessions, first: Option<usize>, end: usize, frame: &[u8]) {
    let mut next = first;
    while let Some(session) = next {
        sessions.put(session, |outbox, pool| outbox.push_frames(frame, 1, pool));
        next = sessions.next_in_ring(session, end);
    }
}

/// The rooms of a session, while nothing is on its way to the members of any but news of that session.
pub(in crate::hub) struct MembershipOf<'a> {
    sessions: &'a mut Sessions,
    rooms: &'a mut Rooms,
    session: usize,
}

impl MembershipOf<'_> {
    /// For what needs no order, as with [`Ordered::unordered`].
    pub(in crate::hub) const fn sessions(&mut self) -> &mut Sessions {
        self.sessions
    }

    pub(in crate::hub) fn join(&mut self, room: &str, cost: &mut u32) -> Result<(), RejectCode> {
        self.rooms.join(self.sessions, self.session, room, cost)
    }

    pub(in crate::hub) fn leave(&mut self, room: &str, cost: &mut u32) -> Result<(), RejectCode> {
        self.rooms.leave(self.sessions, self.session, room, cost)
    }

    /// Joins a room for which the session has not asked, and tells it.
    pub(in crate::hub) fn put_in(self, room: &str) -> Result<(), RejectCode> {
        let before = self.sessions[self.session].details.rooms.len();
        self.rooms.join(self.sessions, self.session, room, &mut 0)?;
        if self.sessions[self.session].details.rooms.len() > before {
            tell_joined(self.sessions, self.session, room);
        }
        Ok(())
    }

    /// Leaves a room without having asked for it, and tells it.
    pub(in crate::hub) fn take_out(self, room: &str) -> Result<(), RejectCode> {
        self.rooms.leave(self.sessions, self.session, room, &mut 0)?;
        tell_left(self.sessions, self.session, room);
        Ok(())
    }
}

/// The name of a user, while nothing is on its way to the members of any room.
pub(in crate::hub) struct NameOf<'a> {
    sessions: &'a mut Sessions,
    rooms: &'a mut Rooms,
    oldest: usize,
}

impl NameOf<'_> {
    /// Gives the user another name, and tells its sessions and its rooms. Messages up to this id bear the name before.
    /// Returns the work that it takes.
    pub(in crate::hub) fn change(self, to: &NewName<'_>, why: &str, last_id: MessageId) -> u32 {
        let Self { sessions, rooms, oldest } = self;
        let before = sessions[oldest].name.clone();
        sessions.rename_user(oldest, to, last_id);
        let (mut next, mut work) = (Some(oldest), 0);
        while let Some(session) = next {
            sessions.tell_renamed(session, why);
            work += 1;
            next = sessions.next_in_ring(session, oldest);
        }
        work + rooms.announce_renamed(sessions, oldest, &before)
    }
}

/// What waits to be fanned out, and has room for one more.
pub(in crate::hub) struct PendingFanout<'a> {
    sessions: &'a mut Sessions,
    rooms: &'a mut Rooms,
    announcements: &'a Announcements,
}

impl PendingFanout<'_> {
    /// For what needs no order, as with [`Ordered::unordered`].
    pub(in crate::hub) const fn sessions(&mut self) -> &mut Sessions {
        self.sessions
    }

    pub(in crate::hub) const fn rooms(&self) -> &Rooms {
        self.rooms
    }

    /// The room of this name, if the session is in it.
    pub(in crate::hub) fn room_of(&self, session: usize, spelling: &str, cost: &mut u32) -> Result<usize, RejectCode> {
        self.rooms.membership(self.sessions, session, spelling, cost).map(|(room, _)| room)
    }

    /// Takes what a member says, for all members but itself.
    pub(in crate::hub) fn say(self, sender: usize, room: usize, id: MessageId, body: &[u8]) {
        let from = self.sessions[sender].name.clone();
        self.rooms.say(sender, &from, room, id, body);
    }

    /// Takes what the program says, for all members.
    pub(in crate::hub) fn announce(self, from: &UserName, room: usize, id: MessageId, body: &[u8]) {
        self.rooms.announce_in(self.announcements.newest(), from, room, id, body);
    }
}
