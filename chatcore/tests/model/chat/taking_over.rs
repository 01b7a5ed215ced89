//! A session that the program gives to another client of its user: what that client is told, and what it is not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;

use chatcore::{Event, Instant};

use super::Chat;
use super::session::{Entry, FRAME_BYTES, Session};

/// What a welcome takes in an outbox, at the most.
const WELCOME_BYTES: usize = 256;

impl Chat {
    /// The device whose session another client of the user gets: the one whose time is over first, or the oldest
    /// if none was.
    pub(crate) fn to_be_taken_over(&self, user: usize) -> Option<usize> {
        let sessions = self.sessions.iter().filter(|(_, session)| session.user == user);
        let order = |session: &Session| (session.detached_until.unwrap_or(Instant::MAX), session.begun);
        sessions.min_by_key(|(_, session)| order(session)).map(|(device, _)| *device)
    }

    /// A device has another client, which knows nothing. So much of what it was told is not acknowledged.
    pub(crate) fn take_over(&mut self, device: usize, unacknowledged: usize) {
        let rooms = self.rooms_of(self.sessions[&device].user);
        self.session(device).begin_again(rooms, unacknowledged);
    }
}

impl Session {
    fn begin_again(&mut self, rooms: BTreeSet<usize>, unacknowledged: usize) {
        let acknowledged = self.told.len().checked_sub(unacknowledged);
        self.told.drain(..acknowledged.expect("what is not acknowledged was told"));
        self.again = mem::take(&mut self.told);
        (self.requests, self.answers, self.detached_until) = (0, BTreeMap::new(), None);
        self.waiting.clear();
        self.stream = mem::take(&mut self.stream).into_iter().flat_map(told_to_another).collect();
        for unheard in &mut self.unheard {
            // It asks who is there.
            unheard.changed.clear();
            unheard.is_stale = false;
        }
        self.owed_bytes += WELCOME_BYTES + rooms.len() * FRAME_BYTES;
        if !rooms.is_empty() {
            self.stream.push_front(Entry::Own { rooms, is_in: true });
        }
    }

    /// What this session was told is remembered, because another client may have to hear it again. True if that is so
    /// now.
    pub(super) fn hear_again(&mut self, event: &Event) -> bool {
        let is_of_messages =
            matches!(event, Event::Message { .. } | Event::Missed { .. } | Event::Sent { .. } | Event::Report { .. });
        if !is_of_messages {
            return false;
        }
        self.told.push_back(event.clone());
        let Some(told) = self.again.pop_front() else { return false };
        assert_eq!(told, *event, "what was told and is not acknowledged comes again, in its order");
        true
    }
}

/// What is left for another client of what a session is to be told.
fn told_to_another(entry: Entry) -> VecDeque<Entry> {
    match entry {
        Entry::Message { .. } | Entry::Sent { .. } | Entry::Gone { .. } => [entry].into(),
        // It does not hear that it was in there. What it missed there, it does.
        Entry::Done { left: Some(room), .. } => [Entry::Gone { room }].into(),
        Entry::Own { rooms, is_in: false } => rooms.into_iter().map(|room| Entry::Gone { room }).collect(),
        Entry::Done { left: None, .. } | Entry::Own { is_in: true, .. } | Entry::News(_) => VecDeque::new(),
    }
}
