//! Requests that the server has not answered yet.

use std::collections::BTreeMap;

use crate::{User, UserName};
use chatcore::RoomName;

use crate::program::command::Command;

/// A request without an answer, with the names as others see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PendingRequest {
    /// The text is its beginning, for a person.
    Message {
        to: String,
        text: String,
    },
    Join {
        room: String,
    },
    Leave {
        room: String,
    },
    Watch {
        names: Vec<String>,
    },
    Unwatch {
        names: Vec<String>,
    },
    Who,
    Roster {
        room: String,
    },
}

impl PendingRequest {
    /// A message to whoever is called so.
    pub(crate) fn message(to: &str, body: &[u8]) -> Self {
        Self::Message { to: mapped(to.to_owned()), text: beginning(body) }
    }

    /// The command that makes the request once more. None for a message, which might arrive twice.
    pub(crate) fn again(self) -> Option<Command> {
        match self {
            Self::Message { .. } => None,
            // Where text without a recipient goes, somebody has said already.
            Self::Join { room } => Some(Command::Rejoin(room)),
            Self::Leave { room } => Some(Command::Leave(Some(room))),
            Self::Watch { names } => Some(Command::Watch(names)),
            Self::Unwatch { names } => Some(Command::Unwatch(names)),
            Self::Who => Some(Command::Who),
            Self::Roster { room } => Some(Command::Roster(Some(room))),
        }
    }

    /// For programs; none for a message.
    pub(crate) const fn name(&self) -> Option<&'static str> {
        match self {
            Self::Message { .. } => None,
            Self::Join { .. } => Some("join"),
            Self::Leave { .. } => Some("leave"),
            Self::Watch { .. } => Some("watch"),
            Self::Unwatch { .. } => Some("unwatch"),
            Self::Who => Some("who"),
            Self::Roster { .. } => Some("roster"),
        }
    }

    /// What it is about.
    pub(crate) fn to(self) -> String {
        match self {
            Self::Message { to, .. } => to,
            Self::Join { room } | Self::Leave { room } | Self::Roster { room } => room,
            Self::Watch { names } | Self::Unwatch { names } => names.join(" "),
            Self::Who => String::new(),
        }
    }
}

/// Characters of a message by which a person knows it again, at the most.
const BEGINNING_CHARS_MAX: usize = 60;

/// Bytes in which they are looked for.
const BEGINNING_BYTES: usize = 4 * BEGINNING_CHARS_MAX + 4;

/// Users of a listing that the program has room for, at the most.
const LISTED_USERS_MAX: usize = 100_000;

/// Bytes of their names, at the most, and of how these are spelled.
const LISTED_BYTES_MAX: usize = 8 << 20;

/// Pages of a listing, at the most, whoever is on them.
const LISTED_PAGES_MAX: usize = 10_000;

/// All requests without an answer. Their number is bounded, as the client's outbox is.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// By their numbers, but for the listing.
    pending: BTreeMap<u64, PendingRequest>,
    listing: Option<Listing>,
}

/// The listing that is under way, of all pages together.
#[derive(Debug)]
struct Listing {
    pending: PendingRequest,
    /// The request for the page that is awaited; none if it is still to be made.
    number: Option<u64>,
    users: Vec<User>,
    /// Of the users.
    bytes: usize,
    pages: usize,
}

impl Listing {
    /// Takes a page. False if there was no room for all of it.
    fn take_page(&mut self, users: Vec<User>) -> bool {
        self.pages += 1;
        for user in users {
            self.bytes += user.name.as_str().len() + user.display_name.as_ref().map_or(0, String::len);
            if self.users.len() == LISTED_USERS_MAX || self.bytes > LISTED_BYTES_MAX {
                return false;
            }
            self.users.push(user);
        }
        true
    }
}

/// A listing that is complete, or as long as the program has room for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) pending: PendingRequest,
    /// Those of all pages in order.
    pub(crate) users: Vec<User>,
    /// There are more.
    pub(crate) is_cut: bool,
}

impl Requests {
    /// How many requests have no answer.
    pub(crate) fn open(&self) -> usize {
        self.pending.len() + usize::from(self.is_listing())
    }

    /// How many messages have no answer.
    pub(crate) fn messages(&self) -> usize {
        self.unanswered_messages().count()
    }

    /// The messages without an answer: their numbers, to whom they are, and how they begin.
    pub(crate) fn unanswered_messages(&self) -> impl Iterator<Item = (u64, &str, &str)> {
        self.pending.iter().filter_map(|(number, pending)| match pending {
            PendingRequest::Message { to, text } => Some((*number, to.as_str(), text.as_str())),
            _ => None,
        })
    }

    /// A request was made, other than a listing.
    pub(crate) fn ask(&mut self, number: u64, pending: PendingRequest) {
        self.pending.insert(number, pending);
    }

    /// An answer has come. Returns its request.
    pub(crate) fn answered(&mut self, number: u64) -> Option<PendingRequest> {
        let listing = self.listing.take_if(|listing| listing.number == Some(number));
        listing.map(|listing| listing.pending).or_else(|| self.pending.remove(&number))
    }

    pub(crate) const fn is_listing(&self) -> bool {
        self.listing.is_some()
    }

    /// A listing begins.
    pub(crate) fn list(&mut self, number: u64, pending: PendingRequest) {
        self.listing = Some(Listing { pending, number: Some(number), users: Vec::new(), bytes: 0, pages: 0 });
    }

    /// Whether it awaits the page that answers this request.
    pub(crate) fn awaits_page(&self, number: u64) -> bool {
        self.listing.as_ref().is_some_and(|listing| listing.number == Some(number))
    }

    /// A page of it has come. The listing if it is over.
    pub(crate) fn listed(&mut self, users: Vec<User>, is_last: bool) -> Option<Listed> {
        let listing = self.listing.as_mut()?;
        listing.number = None;
        let has_room = listing.take_page(users);
        let is_cut = !has_room || !is_last && listing.pages == LISTED_PAGES_MAX;
        let Listing { pending, mut users, .. } = self.listing.take_if(|_| is_last || is_cut)?;
        users.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Some(Listed { pending, users, is_cut })
    }

    /// What the listing is of that is under way.
    pub(crate) fn listing(&self) -> Option<&PendingRequest> {
        self.listing.as_ref().map(|listing| &listing.pending)
    }

    /// Its next page was asked for.
    pub(crate) fn list_on(&mut self, number: u64) {
        if let Some(listing) = &mut self.listing {
            listing.number = Some(number);
        }
    }

    /// It comes to nothing.
    pub(crate) fn stop_listing(&mut self) {
        self.listing = None;
    }

    /// None of these will be answered any more. Returns the requests by their numbers; the listing is last.
    pub(crate) fn abandon(&mut self) -> Vec<(u64, PendingRequest)> {
        let listing = self.listing.take().map(|listing| (u64::MAX, listing.pending));
        std::mem::take(&mut self.pending).into_iter().chain(listing).collect()
    }
}

/// The beginning of what was said, in one line.
pub(crate) fn beginning(body: &[u8]) -> String {
    let body = &body[..body.len().min(BEGINNING_BYTES)];
    let text = String::from_utf8_lossy(body);
    let line = text.lines().next().unwrap_or_default();
    let mut beginning: String = line.chars().take(BEGINNING_CHARS_MAX).collect();
    if beginning.len() < text.len() {
        beginning.push('…');
    }
    beginning
}

/// The name of a user or a room as others see it, or as it was typed if it can be nobody's.
pub(crate) fn mapped(typed: String) -> String {
    let name = if typed.starts_with('#') {
        RoomName::new(&typed).map(|name| name.to_string())
    } else {
        UserName::new(&typed).map(|name| name.to_string())
    };
    name.unwrap_or(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str) -> PendingRequest {
        PendingRequest::message(to, b"hello")
    }

    #[test]
    fn a_message_is_known_again_by_its_beginning() {
        assert_eq!(beginning(b"hello"), "hello");
        assert_eq!(beginning(b"one\ntwo"), "one…");
        let long = "\u{1f600}".repeat(1_000);
        assert_eq!(beginning(long.as_bytes()), "\u{1f600}".repeat(BEGINNING_CHARS_MAX) + "…");
        assert_eq!(beginning(b""), "");
    }

    #[test]
    fn a_request_is_answered_once() {
        let mut requests = Requests::default();
        requests.ask(1, message("bob"));
        requests.ask(2, PendingRequest::Join { room: "#lobby".into() });
        assert_eq!((requests.open(), requests.messages()), (2, 1));
        assert_eq!(requests.answered(1), Some(message("bob")));
        assert_eq!(requests.answered(1), None);
        assert_eq!(requests.answered(2), Some(PendingRequest::Join { room: "#lobby".into() }));
        assert_eq!(requests.open(), 0);
    }

    #[test]
    fn names_are_shown_as_others_see_them() {
        assert_eq!(mapped("BOB".into()), "bob");
        assert_eq!(mapped("#Lobby".into()), "#lobby");
        assert_eq!(mapped("no name".into()), "no name");
    }

    #[test]
    fn a_listing_is_one_whatever_its_pages() {
        let user = |name: &str| User::new(name.parse().unwrap());
        let mut requests = Requests::default();
        assert_eq!(requests.listed(vec![user("bob")], true), None, "nobody asked");
        assert!(!requests.awaits_page(1));
        requests.list(1, PendingRequest::Who);
        assert!(requests.is_listing() && requests.awaits_page(1));
        assert_eq!(requests.listed(vec![user("carol"), user("alice")], false), None);
        assert!(!requests.awaits_page(2), "it is not asked for yet");
        requests.list_on(2);
        assert!(requests.awaits_page(2) && !requests.awaits_page(1));
        assert_eq!(requests.listed(vec![], false), None);
        requests.list_on(3);
        let users = vec![user("alice"), user("bob"), user("carol")];
        let listed = Listed { pending: PendingRequest::Who, users, is_cut: false };
        assert_eq!(requests.listed(vec![user("bob")], true), Some(listed));
        assert_eq!(requests.open(), 0);
    }

    #[test]
    fn a_listing_without_end_is_cut() {
        let user = || User::new("bob".parse().unwrap());
        let page = || vec![user(); 1_000];
        let mut requests = Requests::default();
        let mut pages = 0;
        requests.list(1, PendingRequest::Who);
        let listed = loop {
            pages += 1;
            if let Some(listed) = requests.listed(page(), false) {
                break listed;
            }
        };
        assert_eq!((listed.users.len(), listed.is_cut, pages), (LISTED_USERS_MAX, true, LISTED_USERS_MAX / 1_000 + 1));
        assert!(!requests.is_listing());

        let long = "x".repeat(100_000);
        let long = || vec![user().with_display_name(Some(long.clone()))];
        requests.list(2, PendingRequest::Who);
        let listed = loop {
            if let Some(listed) = requests.listed(long(), false) {
                break listed;
            }
        };
        assert!(listed.is_cut && listed.users.len() * 100_000 <= LISTED_BYTES_MAX);

        requests.list(3, PendingRequest::Who);
        let empty = (1..=2 * LISTED_PAGES_MAX).find(|_| requests.listed(Vec::new(), false).is_some());
        assert_eq!(empty, Some(LISTED_PAGES_MAX));
    }

    #[test]
    fn a_listing_that_is_rejected_is_over() {
        let room = || PendingRequest::Roster { room: "#lobby".into() };
        let mut requests = Requests::default();
        requests.list(1, room());
        assert_eq!(requests.answered(1), Some(room()));
        assert!(!requests.is_listing());
    }

    #[test]
    fn what_is_never_answered_is_asked_again_unless_it_might_come_twice() {
        let mut requests = Requests::default();
        requests.list(1, PendingRequest::Who);
        requests.ask(2, message("bob"));
        requests.ask(3, PendingRequest::Leave { room: "#lobby".into() });
        requests.ask(4, PendingRequest::Join { room: "#lobby".into() });
        let again: Vec<_> = requests.abandon().into_iter().map(|(number, pending)| (number, pending.again())).collect();
        let (leave, join) = (Command::Leave(Some("#lobby".into())), Command::Rejoin("#lobby".into()));
        assert_eq!(again, [(2, None), (3, Some(leave)), (4, Some(join)), (u64::MAX, Some(Command::Who))]);
        assert_eq!(requests.open(), 0);
    }
}
