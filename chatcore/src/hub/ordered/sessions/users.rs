//! Users: the sessions of one user, by the name that they share.
//!
//! The sessions of a user form a ring, from the oldest to the newest and back to the oldest. The table of names leads
//! to the oldest. Nearly all users have one session, which has no ring.

use core::iter;

use super::session::{ALONE, Session};
use super::store::Sessions;
use crate::hub::session_id::SessionId;
use crate::name::UserName;
use crate::wire::MessageId;

impl Sessions {
    /// How many users there are.
    pub(in crate::hub) fn users(&self) -> usize {
        self.names.len()
    }

    /// The oldest session of the user of this name, which is mapped.
    #[inline]
    pub(in crate::hub) fn find(&self, name: &[u8]) -> Option<usize> {
        self.names.find(name, |index| self.all[index].name.as_bytes())
    }

    /// The other sessions of a session's user, in the order of the ring.
    pub(in crate::hub) fn siblings(&self, index: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        let next = move |of: &usize| {
            let next = self.all[*of].next;
            (next != ALONE && next as usize != index).then_some(next as usize)
        };
        iter::successors(next(&index), next)
    }

    /// A session and the other sessions of its user.
    pub(in crate::hub) fn ring(&self, index: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        iter::once(index).chain(self.siblings(index))
    }

    /// The next session of the same user in the ring that has come back to `first` if there is none.
    #[inline]
    pub(in crate::hub) fn next_in_ring(&self, index: usize, first: usize) -> Option<usize> {
        let next = self.all[index].next;
        (next != ALONE && next as usize != first).then_some(next as usize)
    }

    /// Whether two sessions are of the same user.
    #[inline]
    pub(in crate::hub) fn is_of_same_user(&self, one: usize, other: usize) -> bool {
        one == other || (!self.all[other].is_alone() && self.siblings(other).any(|sibling| sibling == one))
    }

    /// A user's oldest session stands for the user in lists.
    pub(in crate::hub) fn is_oldest(&self, index: usize) -> bool {
        let session = &self.all[index];
        session.is_alone() || self.find(session.name.as_bytes()) == Some(index)
    }

    /// The session of this id, if it has not ended.
    pub(in crate::hub) fn by_id(&self, id: SessionId) -> Option<usize> {
        let session = self.all.get(id.index())?;
        (session.details.serial == id.serial).then_some(id.index())
    }

    pub(in crate::hub) fn id_of(&self, index: usize) -> SessionId {
        SessionId {
            index: u32::try_from(index).expect("sessions are limited by a u32"),
            serial: self.all[index].details.serial,
        }
    }

    pub(in crate::hub) fn siblings_mut(&mut self, index: usize, mut change: impl FnMut(&mut Session)) {
        let mut next = self.next_in_ring(index, index);
        while let Some(sibling) = next {
            change(&mut self.all[sibling]);
            next = self.next_in_ring(sibling, index);
        }
    }

    /// A serial number for a session that begins.
    pub(in crate::hub) const fn next_serial(&mut self) -> u32 {
        self.last_session = self.last_session.wrapping_add(1);
        self.last_session
    }

    /// The oldest sessions of users whose names are others and look like this one, which has that key.
    pub(in crate::hub) fn lookalikes(&self, name: &UserName, key: &str) -> impl Iterator<Item = usize> {
        let by_key = self.lookalikes.find(key.as_bytes(), |index| looks_like(&self.all[index]));
        let by_name = if key == name.as_str() { None } else { self.find(key.as_bytes()) };
        by_key.into_iter().chain(by_name).filter(|index| self.all[*index].name != *name)
    }

    /// A session begins that is in no table yet.
    pub(super) fn enter_user(&mut self, index: usize) {
        if let Some(oldest) = self.find(self.all[index].name.as_bytes()) {
            let newest = self.ring(oldest).last().unwrap_or(oldest);
            self.all[newest].next = small(index);
            self.all[index].next = small(oldest);
        } else {
            self.enter_names(index);
        }
    }

    /// A session ends. The next of its user, if there is one, takes its place.
    pub(super) fn leave_user(&mut self, index: usize) {
        let oldest = self.find(self.all[index].name.as_bytes());
        let next = self.siblings(index).next();
        if oldest == Some(index) {
            self.leave_names(index);
        }
        let Some(next) = next else { return };
        let before = self.siblings(index).last().unwrap_or(next);
        self.all[before].next = if before == next { ALONE } else { small(next) };
        if oldest == Some(index) {
            self.enter_names(next);
        }
    }

    pub(super) fn enter_names(&mut self, index: usize) {
        self.names.insert(index, |index| self.all[index].name.as_bytes());
        if self.all[index].looks_like().is_some() {
            self.lookalikes.insert(index, |index| looks_like(&self.all[index]));
        }
    }

    pub(super) fn leave_names(&mut self, index: usize) {
        let session = &self.all[index];
        self.names.remove(index, session.name.as_bytes());
        if session.looks_like().is_some() {
            self.lookalikes.remove(index, looks_like(session));
        }
    }

    /// The id after which some living sibling of a session has got every message for the user; none if it has no
    /// sibling.
    pub(in crate::hub) fn shared_after(&self, index: usize) -> Option<MessageId> {
        self.siblings(index).map(|sibling| self.all[sibling].details.created_at_id).min()
    }
}

fn small(index: usize) -> u32 {
    u32::try_from(index).expect("sessions are limited by a u32")
}

/// What a session's name looks like, if that is something else.
fn looks_like(session: &Session) -> &[u8] {
    session.looks_like().unwrap_or_default().as_bytes()
}
