//! Presence: who watches a name, and what the watchers are told.
//!
//! The watchers of a name are told of its state at most once in a while: changes in between are merged, and a watcher
//! is told only what differs from what it was told last. Nobody misses the newest state; a watcher whose outbox has no
//! room gets it when there is room again.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::mem;

use super::groups::{GroupId, Groups};
use super::ordered::{Answer, Sessions, Watching};
use super::timers::TimerKey;
use super::work::{Budget, SCANNED, SLOTS, Work, of_scans};
use crate::name::{SPELLING_BYTES_MAX, UserName, cost_of_mapping};
use crate::wire::{Presence as PresenceMessage, RejectCode};

/// Names of a list up to which each is searched among the watches of a session.
const SEARCHED_MAX: usize = 64;

/// Bytes of a presence, at the most.
const PRESENCE_BYTES_MAX: usize = 64 + SPELLING_BYTES_MAX;

pub(super) struct Presence {
    watchers: Groups,
    /// Names of which the watchers were told lately.
    recent: BTreeMap<GroupId, Recent>,
    /// Names of which the watchers are to be told, in this order.
    queue: VecDeque<Job>,
}

#[derive(Debug, Default)]
struct Recent {
    /// It has changed since.
    has_changed: bool,
    /// Its turn in the queue has not come.
    is_queued: bool,
}

#[derive(Debug)]
struct Job {
    group: GroupId,
    /// Slots of watchers that were told.
    cursor: usize,
}

impl Presence {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self { watchers: Groups::new(key), recent: BTreeMap::new(), queue: VecDeque::new() }
    }

    // ---- requests ----

    /// Resolves the names of a list, as far as the work goes; the next call goes on from there. True if all are
    /// resolved.
    pub(super) fn resolve_list(
        &self,
        sessions: &mut Sessions,
        session: usize,
        names: &[&str],
        budget: &mut Budget,
    ) -> bool {
        let mut list = sessions.take_begun_list(session).unwrap_or_default();
        let resolved = &mut list.resolved;
        // It is another list: the driver has dropped the rest of the one that was begun. If the other one is as long or
        // longer, that cannot be seen, and its first names are those of the begun one.
        if resolved.len() > names.len() {
            resolved.clear();
        }
        while let Some(name) = names.get(resolved.len()) {
            let mut cost = 1;
            resolved.push(self.resolve(sessions, name, &mut cost));
            budget.spend(cost);
            // At least one in each call: a session may have hardly any cost left.
            if budget.is_spent() {
                break;
            }
        }
        let is_done = resolved.len() == names.len();
        sessions.begin_list(session, list);
        is_done
    }

    /// Watches the names of the list that was resolved, all of them or none, and tells how it stands with each.
    pub(super) fn watch(&mut self, sessions: &mut Sessions, session: usize, cost: &mut u32) -> Result<(), RejectCode> {
        let resolved = sessions.take_begun_list(session).unwrap_or_default().resolved;
        let wanted: Option<BTreeSet<UserName>> = resolved.into_iter().collect();
        let wanted = wanted.ok_or(RejectCode::InvalidName)?;
        let watched = sessions[session].details.watches.len();
        let positions = Positions::for_names(wanted.len(), &sessions[session].details.watches);
        let new = wanted.iter().filter(|name| self.position(sessions, session, &positions, name).is_none()).count();
        if watched + new > sessions.watches_max(session) as usize {
            return Err(RejectCode::TooManyWatches);
        }
        if self.watchers.memberships() + new > sessions.limits.hub_watches_max as usize {
            return Err(RejectCode::HubWatchesFull);
        }
        if !sessions.origins.may_watch(sessions[session].home(), new, &sessions.limits) {
            return Err(RejectCode::HubWatchesFull);
        }
        sessions.count_watches(session, new);
        for name in &wanted {
            let state = State::of(sessions, name.as_str());
            let online = state.online;
            // Those that come are different names, and none of them was there before.
            if let Some(position) = self.position(sessions, session, &positions, name) {
                let watching = &mut sessions[session].details.watches[position];
                (watching.told_online, watching.is_behind) = (online, false);
            } else {
                let slot = self.watchers.enter(name.as_str(), session);
                sessions[session].details.watches.push(Watching { slot, told_online: online, is_behind: false });
            }
            sessions.answer(session, Answer::Presence(state.message(name.as_str())));
            *cost += 3;
        }
        *cost += of_scans(wanted.len(), sessions[session].details.watches.len());
        Ok(())
    }

    /// Watches the names of the list that was resolved no more.
    pub(super) fn unwatch(&mut self, sessions: &mut Sessions, session: usize, cost: &mut u32) {
        let resolved = sessions.take_begun_list(session).unwrap_or_default().resolved;
        *cost += of_scans(resolved.len(), sessions[session].details.watches.len());
        let mut positions = Positions::for_names(resolved.len(), &sessions[session].details.watches);
        for name in resolved.into_iter().flatten() {
            if let Some(position) = self.position(sessions, session, &positions, &name) {
                let watches = &mut sessions[session].details.watches;
                let watching = watches.swap_remove(position);
                positions.remove(watching.slot.group(), position, watches);
                self.watchers.leave(watching.slot);
                sessions.forget_watches(session, 1);
            }
        }
    }

    /// The name that a spelling stands for; none if it stands for none. A name that is known here needs no mapping.
    fn resolve(&self, sessions: &Sessions, spelling: &str, cost: &mut u32) -> Option<UserName> {
        let is_known =
            self.watchers.find(spelling.as_bytes()).is_some() || sessions.find(spelling.as_bytes()).is_some();
        if is_known {
            return UserName::from_hub(spelling);
        }
        *cost += cost_of_mapping(spelling);
        UserName::new(spelling).ok()
    }

    /// Where a name, which is mapped, stands among those that a session watches.
    fn position(&self, sessions: &Sessions, session: usize, positions: &Positions, name: &UserName) -> Option<usize> {
        let group = self.watchers.find(name.as_str().as_bytes())?;
        positions.of(group, &sessions[session].details.watches)
    }

    /// The name that is watched.
    pub(super) fn name(&self, watching: &Watching) -> &str {
        self.watchers.name(watching.slot.group())
    }

    /// A session has ended: so do its watches.
    pub(super) fn unwatch_all(&mut self, watches: Vec<Watching>) {
        for watching in watches {
            self.watchers.leave(watching.slot);
        }
    }

    // ---- news ----

    /// A name is held from now on, or no longer. Returns what it costs to tell that: a unit for each watcher, unless
    /// they are to be told of another change already.
    pub(super) fn changed(&mut self, sessions: &mut Sessions, name: &str) -> u32 {
        let Some(index) = self.watchers.find(name.as_bytes()).filter(|_| !sessions.is_shutting_down) else { return 0 };
        let group = self.watchers.id(index);
        match self.recent.get_mut(&group) {
            Some(recent) => {
                if mem::replace(&mut recent.has_changed, true) {
                    return 0;
                }
            }
            None => self.begin(sessions, group),
        }
        u32::try_from(self.watchers.members(index)).unwrap_or(u32::MAX)
    }

    fn begin(&mut self, sessions: &mut Sessions, group: GroupId) {
        self.recent.insert(group, Recent { has_changed: false, is_queued: true });
        self.queue.push_back(Job { group, cursor: 0 });
        let again_at = sessions.now + sessions.limits.presence_time_min;
        sessions.timers.push(TimerKey::Presence(group), again_at);
    }

    /// The watchers of a name may be told of it again.
    pub(super) fn handle_timer(&mut self, sessions: &mut Sessions, group: GroupId) {
        let Some(recent) = self.recent.remove(&group) else { return };
        if recent.is_queued && self.watchers.contains(group) {
            // There is more to do than time for it: what is queued will tell the newest state.
            self.recent.insert(group, Recent { has_changed: false, ..recent });
            let again_at = sessions.now + sessions.limits.presence_time_min.max(AGAIN_MIN);
            sessions.timers.push(TimerKey::Presence(group), again_at);
        } else if recent.has_changed {
            self.begin(sessions, group);
        }
    }

    #[inline]
    pub(super) fn has_pending(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Something has changed of which the watchers are told later.
    #[cfg(feature = "sim")]
    pub(super) fn owes_news(&self) -> bool {
        self.recent.values().any(|recent| recent.has_changed)
    }

    /// Tells watchers what has changed, as far as the work goes.
    pub(super) fn advance(&mut self, sessions: &mut Sessions, work: &mut Work) {
        while let Some(mut job) = self.queue.pop_front() {
            if let Some(recent) = self.recent.get_mut(&job.group) {
                recent.is_queued = false;
            }
            if self.watchers.contains(job.group) && !self.run(&mut job, sessions, work) {
                return self.queue.push_front(job);
            }
        }
    }

    fn run(&self, job: &mut Job, sessions: &mut Sessions, work: &mut Work) -> bool {
        let group = job.group.index();
        let state = State::of(sessions, self.watchers.name(group));
        sessions.set_fanning_out(true);
        let is_done = self.tell_all(job, sessions, &state, work);
        sessions.set_fanning_out(false);
        is_done
    }

    fn tell_all(&self, job: &mut Job, sessions: &mut Sessions, state: &State, work: &mut Work) -> bool {
        let group = job.group.index();
        while job.cursor < self.watchers.slots(group) {
            if work.is_spent() {
                return false;
            }
            match self.watchers.member(group, job.cursor) {
                Some(watcher) => self.tell(sessions, watcher, group, state, work),
                None if job.cursor.is_multiple_of(SLOTS) => work.spend(1),
                None => {}
            }
            job.cursor += 1;
        }
        true
    }

    fn tell(&self, sessions: &mut Sessions, watcher: usize, group: usize, state: &State, work: &mut Work) {
        let has_room = !sessions[watcher].is_closing && sessions.fits(watcher, PRESENCE_BYTES_MAX);
        let all = &mut sessions[watcher].details.watches;
        work.spend(1 + u32::try_from(all.len() / SCANNED).unwrap_or(u32::MAX));
        let Some(watching) = all.iter_mut().find(|watching| watching.slot.group() == group) else { return };
        let online = state.online;
        watching.is_behind = watching.told_online != online && !has_room;
        if watching.is_behind {
            sessions[watcher].is_lagging = true;
        } else if watching.told_online != online {
            watching.told_online = online;
            sessions.push_presence(watcher, state.message(self.watchers.name(group)));
        }
    }

    /// Tells a session the newest state of those that it watches and was not told of, as far as its outbox has room.
    /// True if it knows all.
    pub(super) fn catch_up(&self, sessions: &mut Sessions, session: usize) -> bool {
        for position in 0..sessions[session].details.watches.len() {
            let Watching { slot, told_online, is_behind } = sessions[session].details.watches[position];
            if !is_behind {
                continue;
            }
            if !sessions.fits(session, PRESENCE_BYTES_MAX) {
                return false;
            }
            let name = self.watchers.name(slot.group());
            let state = State::of(sessions, name);
            if state.online != told_online {
                sessions.push_presence(session, state.message(name));
            }
            let watching = &mut sessions[session].details.watches[position];
            (watching.told_online, watching.is_behind) = (state.online, false);
        }
        true
    }
}

/// Where the groups are among those that a session watches. For a long list they are looked up, so that the work grows
/// with the list and the watches, and not with both multiplied; for a short one, a search is less work.
struct Positions(Option<BTreeMap<usize, usize>>);

impl Positions {
    fn for_names(count: usize, watches: &[Watching]) -> Self {
        let positions = watches.iter().enumerate().map(|(position, watching)| (watching.slot.group(), position));
        Self((count > SEARCHED_MAX).then(|| positions.collect()))
    }

    fn of(&self, group: usize, watches: &[Watching]) -> Option<usize> {
        match &self.0 {
            Some(positions) => positions.get(&group).copied(),
            None => watches.iter().position(|watching| watching.slot.group() == group),
        }
    }

    /// A group is gone, and what was last may have its place.
    fn remove(&mut self, group: usize, position: usize, watches: &[Watching]) {
        let Some(positions) = &mut self.0 else { return };
        positions.remove(&group);
        if let Some(moved) = watches.get(position) {
            positions.insert(moved.slot.group(), position);
        }
    }
}

/// Without a time between two turns, the timer still has to be later than now.
const AGAIN_MIN: core::time::Duration = core::time::Duration::from_millis(1);

/// How it stands with a name: a copy, because outboxes are to be written while it is told.
struct State {
    online: bool,
    display_name: Option<Box<str>>,
}

impl State {
    fn of(sessions: &Sessions, name: &str) -> Self {
        let holder = sessions.find(name.as_bytes());
        let display_name = holder.and_then(|holder| sessions[holder].display_name()).map(Box::from);
        Self { online: holder.is_some(), display_name }
    }

    fn message<'a>(&'a self, name: &'a str) -> PresenceMessage<'a> {
        PresenceMessage { name, online: self.online, display_name: self.display_name.as_deref() }
    }
}
