//! Lists that sessions ask for, page by page: who is online, who is in a room, and what a session is subscribed to.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::ordered::{Answer, Rooms, Sessions};
use super::presence::Presence;
use crate::limits::Limits;
use crate::name::UserName;
use crate::wire::{
    Members, Online, PAGE_NAMES_MAX, PAGE_USERS_MAX, RejectCode, Roster, Subscribed, Subscriptions, UserInfo, Who,
};

/// Slots that one page of a list looks at, at the most, so that a list that was once long costs no more than a page.
const PAGE_SLOTS_MAX: usize = 1024;

/// A cursor of subscriptions with this bit counts watches, and another one rooms.
const WATCHES: u64 = 1 << 32;

/// Answers with a page of who is online.
pub(super) fn online(sessions: &mut Sessions, (index, number): (usize, u64), Who { cursor }: Who, cost: &mut u32) {
    let in_slot = |slot: usize| sessions.contains(slot).then_some(slot);
    let page = Page::new(sessions, index, cursor, sessions.slots(), in_slot, cost);
    let users = page.users();
    sessions.answer(index, Answer::Online(Online { number, users, next: page.next }));
}

/// Answers with a page of a room's members, if the session is one.
pub(super) fn members(
    sessions: &mut Sessions,
    rooms: &Rooms,
    (index, number): (usize, u64),
    Roster { room, cursor }: Roster<'_>,
    cost: &mut u32,
) -> Result<(), RejectCode> {
    let (room, _) = rooms.membership(sessions, index, room, cost)?;
    let page = Page::new(sessions, index, cursor, rooms.slots(room), |slot| rooms.member(room, slot), cost);
    let users = page.users();
    sessions.answer(index, Answer::Members(Members { number, users, next: page.next }));
    Ok(())
}

/// A page of a list of users.
struct Page {
    users: Vec<(UserName, Option<Box<str>>)>,
    next: Option<u64>,
}

impl Page {
    /// From a slot on, of this many. A session that has left too much unread for a page gets an empty one, and may ask
    /// again: coming back to much that waits is no reason to be closed.
    fn new(
        sessions: &Sessions,
        index: usize,
        cursor: u64,
        slots: usize,
        in_slot: impl Fn(usize) -> Option<usize>,
        cost: &mut u32,
    ) -> Self {
        let start = usize::try_from(cursor).unwrap_or(usize::MAX);
        let mut page = Self { users: Vec::new(), next: None };
        if !sessions.fits_frame(index) {
            page.next = Some(cursor);
            return page;
        }
        let mut room = Limits::page_bytes_max(sessions[index].body_bytes_max);
        // Users with several sessions that are on this page.
        let mut shown = BTreeSet::new();
        let mut slot = start;
        while slot < slots {
            let user = in_slot(slot).map(|session| &sessions[session]);
            let user = user.filter(|user| user.is_alone() || shown.insert(&user.name));
            let bytes = user.map_or(0, |user| user.info().encoded_bytes());
            if page.users.len() == PAGE_USERS_MAX || slot - start == PAGE_SLOTS_MAX || bytes > room {
                page.next = Some(slot as u64);
                break;
            }
            room -= bytes;
            page.users.extend(user.map(|user| (user.name.clone(), user.display_name().map(Box::from))));
            slot += 1;
        }
        *cost += Rooms::page_work(slot.saturating_sub(start), page.users.len());
        page
    }

    fn users(&self) -> Vec<UserInfo<'_>> {
        let users = self.users.iter();
        users
            .map(|(name, display_name)| UserInfo { name: name.as_str(), display_name: display_name.as_deref() })
            .collect()
    }
}

// ---- subscriptions ----

/// Answers with a page of the rooms that the session is in, and then of the users that it watches.
pub(super) fn subscriptions(
    sessions: &mut Sessions,
    rooms: &Rooms,
    presence: &Presence,
    (index, number): (usize, u64),
    Subscriptions { cursor }: Subscriptions,
    cost: &mut u32,
) {
    let (names, next) = if sessions.fits_frame(index) {
        names_from(sessions, rooms, presence, index, cursor)
    } else {
        (Vec::new(), Some(cursor))
    };
    *cost += Rooms::page_work(names.len(), names.len());
    sessions.answer(index, Answer::Subscribed(Subscribed { number, names, next }));
}

/// The names of a page, and where the next one starts. A cursor says how many are still to be listed, and they are
/// listed from the end: the last one takes the place of one that goes, so what moves is listed already, or stays among
/// those that are not.
fn names_from<'a>(
    sessions: &Sessions,
    rooms: &'a Rooms,
    presence: &'a Presence,
    index: usize,
    cursor: u64,
) -> (Vec<&'a str>, Option<u64>) {
    let details = &sessions[index].details;
    let (all_rooms, all_watches) = (details.rooms.len(), details.watches.len());
    let up_to = |count: u64, all: usize| usize::try_from(count).map_or(all, |count| count.min(all));
    let (rooms_left, watches_left) = match cursor {
        0 => (all_rooms, all_watches),
        1..WATCHES => (up_to(cursor, all_rooms), all_watches),
        WATCHES.. => (0, up_to(cursor - WATCHES, all_watches)),
    };
    let of_rooms = details.rooms[..rooms_left].iter().rev().map(|membership| rooms.name(membership.slot.group()));
    let of_users = details.watches[..watches_left].iter().rev().map(|watching| presence.name(watching));
    let mut bytes_left = Limits::page_bytes_max(sessions[index].body_bytes_max);
    let mut names = Vec::new();
    for name in of_rooms.chain(of_users).take(PAGE_NAMES_MAX) {
        // Its length is one byte.
        let Some(left) = bytes_left.checked_sub(1 + name.len()) else { break };
        bytes_left = left;
        names.push(name);
    }
    let listed_rooms = names.len().min(rooms_left);
    let next = match (rooms_left - listed_rooms, watches_left - (names.len() - listed_rooms)) {
        (0, 0) => None,
        (0, watches) => Some(WATCHES | watches as u64),
        (rooms, _) => Some(rooms as u64),
    };
    (names, next)
}
