//! What a session's file holds.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chatcore::{SessionTicket, Token};
use serde::{Deserialize, Serialize};

use super::owned::{self, Owner};

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
