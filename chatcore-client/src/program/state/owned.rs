//! The form of each file: it says whose it is, so that no other one takes its place.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::UserName;

/// The form of the files. Who reads another one does not guess.
const VERSION: u32 = 1;

/// To whom a file belongs.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) server: String,
    /// The name that was asked for.
    pub(super) name: UserName,
}

#[derive(Serialize, Deserialize)]
struct Owned<T> {
    version: u32,
    server: String,
    /// The name that was asked for, whatever the server calls us since.
    asked: String,
    #[serde(flatten)]
    content: T,
}

pub(super) fn encode(owner: &Owner, content: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let (server, asked) = (owner.server.clone(), owner.name.to_string());
    serde_json::to_vec(&Owned { version: VERSION, server, asked, content })
}

/// # Errors
///
/// What is wrong with the file.
pub(super) fn decode<T: DeserializeOwned>(owner: &Owner, bytes: &[u8]) -> Result<T, String> {
    // The text of the error may have a secret in it.
    let file: Owned<T> = serde_json::from_slice(bytes).map_err(|error| {
        format!("this program has not written it so (line {}, column {})", error.line(), error.column())
    })?;
    if file.version != VERSION {
        return Err(format!("its form is {}, and this program knows {VERSION}", file.version));
    }
    if (file.server.as_str(), file.asked.as_str()) != (&owner.server, owner.name.as_str()) {
        return Err(format!("it is the session of {} with {}", file.asked, file.server));
    }
    Ok(file.content)
}
