//! What a session's file holds.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chatcore::{RoomName, SessionTicket, Token, UserName};
use serde::{Deserialize, Serialize};

use super::owned::{self, Owner};

/// Rooms, and watched users, that a server says a session has: more of either are not kept. No hub lets a session have
/// more.
const SUBSCRIBED_MAX: usize = 4096;

/// What the server forgets about a user when the session ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedState {
    /// The rooms that it is in.
    pub(crate) rooms: BTreeSet<String>,
    /// The room that text without a recipient goes to.
    pub(crate) room: Option<String>,
    /// The users that it watches.
    pub(crate) watched: BTreeSet<String>,
}

impl SavedState {
    /// A page of what a server says the session has. Returns how many of the rooms and of the users are kept, and
    /// whether there is room for those of another page.
    pub(crate) fn subscribe(&mut self, rooms: &[RoomName], users: &[UserName]) -> (usize, usize, bool) {
        let left = |kept: &BTreeSet<String>| SUBSCRIBED_MAX.saturating_sub(kept.len());
        let rooms = &rooms[..rooms.len().min(left(&self.rooms))];
        let users = &users[..users.len().min(left(&self.watched))];
        self.rooms.extend(rooms.iter().map(ToString::to_string));
        self.watched.extend(users.iter().map(ToString::to_string));
        (rooms.len(), users.len(), left(&self.rooms) + left(&self.watched) > 0)
    }
}

#[derive(Serialize, Deserialize)]
struct SessionFile {
    name: String,
    display_name: Option<String>,
    token: String,
    #[serde(flatten)]
    saved: SavedState,
}

pub(super) fn encode(owner: &Owner, ticket: &SessionTicket, saved: &SavedState) -> serde_json::Result<Vec<u8>> {
    let file = SessionFile {
        name: ticket.name.to_string(),
        display_name: ticket.display_name.clone(),
        token: BASE64_STANDARD.encode(ticket.token.as_bytes()),
        saved: saved.clone(),
    };
    owned::encode(owner, &file)
}

/// # Errors
///
/// What is wrong with the file.
pub(super) fn decode(owner: &Owner, bytes: &[u8]) -> Result<(SessionTicket, SavedState), String> {
    let file: SessionFile = owned::decode(owner, bytes)?;
    let name = file.name.parse().map_err(|error| format!("its name cannot be one: {error}"))?;
    let token = BASE64_STANDARD.decode(file.token).ok().and_then(|token| token.try_into().ok());
    let token = Token::from_bytes(token.ok_or("its token is none")?);
    Ok((SessionTicket::new(name, token).with_display_name(file.display_name), file.saved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_no_more_than_any_hub_allows_whatever_its_server_says() {
        let mut saved = SavedState::default();
        let mut pages = 0;
        loop {
            let rooms: Vec<RoomName> = (0..250).map(|room| format!("#r{pages}-{room}").parse().unwrap()).collect();
            let users: Vec<UserName> = (0..100).map(|user| format!("u{pages}-{user}").parse().unwrap()).collect();
            let (rooms, users, goes_on) = saved.subscribe(&rooms, &users);
            pages += 1;
            assert!(rooms <= 250 && users <= 100);
            if !goes_on {
                break;
            }
        }
        assert_eq!((saved.rooms.len(), saved.watched.len(), pages), (4096, 4096, 41));
        assert_eq!(saved.subscribe(&["#one".parse().unwrap()], &[]), (0, 0, false));
    }
}
