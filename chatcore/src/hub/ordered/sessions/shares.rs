//! What a session has of what its origin may have: memberships, watches, requests that wait.

use alloc::collections::VecDeque;
use core::mem;

use super::session::few;
use super::store::Sessions;
use crate::hub::origins::Numbers;

impl Sessions {
    /// A session has opened a room. Returns the account of its origin, in which the room counts.
    pub(in crate::hub) fn open_room(&mut self, index: usize) -> u32 {
        self.origins.open_room(&self.all[index].share)
    }

    /// A session comes into a room, or goes.
    pub(in crate::hub) fn count_membership(&mut self, index: usize, room: usize, is_coming: bool) {
        self.origins.count_membership(self.all[index].home(), room, is_coming);
    }

    /// A session watches so many names more.
    pub(in crate::hub) fn count_watches(&mut self, index: usize, more: usize) {
        self.origins.count_more(self.all[index].home(), Numbers { watches: few(more), ..Numbers::default() });
    }

    /// A session watches so many names no more.
    pub(in crate::hub) fn forget_watches(&mut self, index: usize, less: usize) {
        self.origins.count_less(self.all[index].home(), Numbers { watches: few(less), ..Numbers::default() });
    }

    // ---- requests that wait ----

    /// Whether one more request of a session may wait for an answer of the program, as far as its origin goes.
    pub(in crate::hub) fn may_wait(&self, index: usize) -> bool {
        self.origins.may_wait(&self.all[index].share, &self.limits)
    }

    /// A request of a session waits for an answer of the program, and is kept until then.
    pub(in crate::hub) fn wait(&mut self, index: usize, at: usize, bytes: usize) {
        let rare = self.all[index].rare();
        rare.waiting.push_back(at);
        rare.waiting_bytes += bytes;
        self.origins.count_more(&self.all[index].share, Numbers { waiting: 1, ..Numbers::default() });
    }

    /// The first of them waits no more.
    pub(in crate::hub) fn wait_no_more(&mut self, index: usize, bytes: usize) {
        let rare = self.all[index].rare();
        rare.waiting.pop_front();
        rare.waiting_bytes -= bytes;
        self.origins.count_less(&self.all[index].share, Numbers { waiting: 1, ..Numbers::default() });
        let left = (self.all[index].leftover as usize).saturating_sub(bytes);
        self.set_leftover_and_beside(index, left);
    }

    /// None of them waits any more. Returns which they are.
    pub(in crate::hub) fn take_waiting(&mut self, index: usize) -> VecDeque<usize> {
        let Some(rare) = &mut self.all[index].details.rare else { return VecDeque::new() };
        rare.waiting_bytes = 0;
        let waiting = mem::take(&mut rare.waiting);
        let less = Numbers { waiting: few(waiting.len()), ..Numbers::default() };
        self.origins.count_less(&self.all[index].share, less);
        waiting
    }
}
