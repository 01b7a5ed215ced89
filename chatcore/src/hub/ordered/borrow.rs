//! Sessions and rooms, so that what was said in a room reaches its members before anything that must come later.

use super::rooms::Rooms;
use super::sessions::Sessions;
use crate::hub::work::Work;

/// Both, behind a borrow that flushes the pending fan-out first: forgetting that does not compile.
pub(in crate::hub) struct Ordered {
    sessions: Sessions,
    rooms: Rooms,
}

impl Ordered {
    pub(in crate::hub) const fn new(sessions: Sessions, rooms: Rooms) -> Self {
        Self { sessions, rooms }
    }

    pub(in crate::hub) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(in crate::hub) const fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Both, once all that was said in rooms is with the members. None if the work does not go so far.
    #[inline]
    pub(in crate::hub) fn flushed(&mut self, work: &mut Work) -> Option<(&mut Sessions, &mut Rooms)> {
        if self.rooms.has_pending() && !self.rooms.flush(&mut self.sessions, work) {
            return None;
        }
        Some((&mut self.sessions, &mut self.rooms))
    }

    /// Both, once a session has got what was said in its rooms: what it gets next must not overtake that. The rooms of
    /// others hold up nobody, but who is in more than 64 waits for all.
    pub(in crate::hub) fn flushed_for(
        &mut self,
        session: usize,
        work: &mut Work,
    ) -> Option<(&mut Sessions, &mut Rooms)> {
        if self.rooms.is_waiting_for(&self.sessions[session], work)
            && !self.rooms.flush(&mut self.sessions, work)
            && self.rooms.is_waiting_for(&self.sessions[session], work)
        {
            return None;
        }
        Some((&mut self.sessions, &mut self.rooms))
    }

    /// Both as they are, for what has no order with what was said in rooms: what a transport did, what a session is
    /// answered, what joins the fan-out, and ends.
    #[inline]
    pub(in crate::hub) const fn unordered(&mut self) -> (&mut Sessions, &mut Rooms) {
        (&mut self.sessions, &mut self.rooms)
    }
}
