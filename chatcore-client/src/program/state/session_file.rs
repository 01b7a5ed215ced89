//! What a session's file holds.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chatcore::{SessionTicket, Token};
use serde::{Deserialize, Serialize};

use super::SavedState;
use crate::UserName;

/// The form of the file. Who reads another one does not guess.
const VERSION: u32 = 1;

/// Whose session a file holds.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) server: String,
    /// The name that was asked for.
    pub(super) name: UserName,
}

#[derive(Serialize, Deserialize)]
struct SessionFile {
    version: u32,
    server: String,
    /// The name that was asked for, whatever the server calls us since.
    asked: String,
    name: String,
    display_name: Option<String>,
    token: String,
    #[serde(flatten)]
    saved: SavedState,
}

pub(super) fn encode(owner: &Owner, ticket: &SessionTicket, saved: &SavedState) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&SessionFile {
        version: VERSION,
        server: owner.server.clone(),
        asked: owner.name.to_string(),
        name: ticket.name.to_string(),
        display_name: ticket.display_name.clone(),
        token: BASE64_STANDARD.encode(ticket.token.as_bytes()),
        saved: saved.clone(),
    })
}

/// # Errors
///
/// What is wrong with the file.
pub(super) fn decode(owner: &Owner, bytes: &[u8]) -> Result<(SessionTicket, SavedState), String> {
    // The text of the error has nothing of the file in it but where it is.
    let file: SessionFile = serde_json::from_slice(bytes).map_err(|error| {
        format!("it is no session of this program (line {}, column {})", error.line(), error.column())
    })?;
    if file.version != VERSION {
        return Err(format!("its form is {}, and this program knows {VERSION}", file.version));
    }
    if (file.server.as_str(), file.asked.as_str()) != (&owner.server, owner.name.as_str()) {
        return Err(format!("it is the session of {} with {}", file.asked, file.server));
    }
    let name = file.name.parse().map_err(|error| format!("its name cannot be one: {error}"))?;
    let token = BASE64_STANDARD.decode(file.token).ok().and_then(|token| token.try_into().ok());
    let token = Token::from_bytes(token.ok_or("its token is none")?);
    Ok((SessionTicket::new(name, token).with_display_name(file.display_name), file.saved))
}
