//! Presence: who wants to know when somebody comes and goes.

use alloc::collections::BTreeSet;

use super::Hub;
use crate::name::UserName;
use crate::wire::{HubMessage, Message, Presence, RejectCode};

impl Hub {
    /// Watches names, all of them or none, and tells how it stands with each.
    pub(super) fn watch(&mut self, index: usize, names: &[&str]) -> Result<(), RejectCode> {
        let watches_max = self.limits.watches_max as usize;
        if names.len() > watches_max {
            return Err(RejectCode::TooManyWatches);
        }
        let names: Result<BTreeSet<UserName>, _> = names.iter().map(|name| UserName::new(name)).collect();
        let names = names.map_err(|_| RejectCode::InvalidName)?;
        let new = names.iter().filter(|name| !self.is_watching(index, name)).count();
        if self.sessions[index].details.watches.len() + new > watches_max {
            return Err(RejectCode::TooManyWatches);
        }
        for name in &names {
            if !self.is_watching(index, name) {
                let seat = self.watches.enter(name.as_str(), index);
                self.sessions[index].details.watches.push(seat);
            }
            let online = self.directory.find(name.as_bytes(), &self.sessions).is_some();
            self.notify(index, &HubMessage::Presence(Presence { name: name.as_str(), online }));
        }
        Ok(())
    }

    pub(super) fn unwatch(&mut self, index: usize, names: &[&str]) {
        for name in names {
            let Ok(name) = UserName::new(name) else { continue };
            let Some(circle) = self.watches.find(name.as_str()) else { continue };
            let watches = &mut self.sessions[index].details.watches;
            if let Some(position) = watches.iter().position(|seat| seat.circle() == circle) {
                let seat = watches.swap_remove(position);
                self.watches.leave(seat);
            }
        }
    }

    fn is_watching(&self, index: usize, name: &UserName) -> bool {
        let circle = self.watches.find(name.as_str());
        circle.is_some_and(|circle| self.sessions[index].details.watches.iter().any(|seat| seat.circle() == circle))
    }

    /// A name is held from now on, or no longer.
    pub(super) fn tell_watchers(&mut self, name: &str, online: bool) {
        let Some(circle) = self.watches.find(name).filter(|_| !self.shutting_down) else { return };
        let mut frame = alloc::vec::Vec::new();
        HubMessage::Presence(Presence { name, online }).encode(&mut frame);
        for seat in 0..self.watches.seats(circle) {
            let watcher = self.watches.in_seat(circle, seat).filter(|watcher| !self.sessions[*watcher].doomed);
            if let Some(watcher) = watcher {
                self.put(watcher, |outbox, pool| outbox.push_frames(&frame, 1, pool));
                self.doom_if_overfull(watcher);
            }
        }
    }
}
