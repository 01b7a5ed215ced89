//! What everybody is told in the end, if they ask for it.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use core::mem;

use super::parts::World;
use crate::sim::names::{room_name, spelling};
use crate::sim::oracle::Request;
use crate::sim::user::Listing;
use crate::sim::violation::{Property, Violation};

/// Users who ask for all lists in the end, at the most.
const LISTERS_MAX: usize = 10;

impl World {
    /// Everybody, or some of a crowd, asks who is online, who is in each room that it is in, and what it is subscribed
    /// to: exactly those and that.
    pub(super) fn compare_lists(&mut self) -> Result<(), Violation> {
        let online: BTreeSet<String> = self.oracle.online().into_iter().map(|user| self.shown(user)).collect();
        let rooms = self.oracle.rooms();
        for user in (0..self.users.len()).step_by(self.users.len() / LISTERS_MAX + 1) {
            self.compare_list(user, &Request::Who, &online)?;
            let subscriptions = self.oracle.subscriptions_of(self.users[user].index);
            self.compare_list(user, &Request::Subscriptions { is_first: true }, &subscriptions)?;
            for (room, members) in &rooms {
                if members.contains(&self.users[user].number) {
                    let members = members.iter().map(|member| self.shown(*member)).collect();
                    self.compare_list(user, &Request::Roster { room: *room }, &members)?;
                }
            }
        }
        Ok(())
    }

    /// What a user is shown as in a list. Whoever was renamed may have spelled its name in several ways.
    fn shown(&self, user: usize) -> String {
        if self.oracle.has_renames() { self.oracle.name_of(user) } else { spelling(user) }
    }

    fn compare_list(&mut self, user: usize, list: &Request, expected: &BTreeSet<String>) -> Result<(), Violation> {
        let listing =
            Listing { number: 0, shown: BTreeSet::new(), told: 0, has_repeated: false, next: Some(0), is_whole: false };
        self.users[user].listing = Some(listing);
        while let Some(listing) = self.users[user].listing.as_mut().filter(|listing| !listing.is_whole) {
            let Some(cursor) = mem::take(&mut listing.next) else {
                return Err(self.violation(Property::Progress, format!("user {user} waits for a list")));
            };
            let next_number = self.oracle.next_number(user);
            listing.number = next_number;
            self.ask(user, list.clone(), |client, now| match list {
                Request::Roster { room } => client.roster(now, &room_name(*room), cursor),
                Request::Subscriptions { .. } => client.subscriptions(now, cursor),
                _ => client.who(now, cursor),
            })?;
            self.rest()?;
        }
        let Some(listing) = self.users[user].listing.take() else { return Ok(()) };
        let mut told = listing.shown;
        if self.oracle.has_renames() {
            told = told.iter().map(|shown| shown.to_lowercase()).collect();
        }
        // A user with several sessions may be on several pages.
        let is_alone = self.plan.devices == 1 || matches!(list, Request::Subscriptions { .. });
        let is_once = if is_alone { listing.told == expected.len() } else { !listing.has_repeated };
        if told == *expected && is_once {
            return Ok(());
        }
        let property = if *list == Request::Who { Property::Presence } else { Property::Rooms };
        Err(self.violation(property, format!("user {user} lists {told:?} ({list:?}) instead of {expected:?}")))
    }
}
