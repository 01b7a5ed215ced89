//! The state that is saved on disk, so that a client that was killed goes on with its session when it is started again.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Closed, UserName};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chatcore::{SessionTicket, Token};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

/// The program's folder in the platform's state directory.
const FOLDER: &str = "chatcore";

/// Bytes of a file's name, at the most: what every file system takes, and the ending of the lock.
const FILE_NAME_BYTES_MAX: usize = 200;

/// Bytes of a file that is read, at the most: all the rooms and users that a server lets anybody have.
const FILE_BYTES_MAX: u64 = 16 << 20;

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

/// The contents of a state file.
#[derive(Serialize, Deserialize)]
struct StateFile {
    name: String,
    display_name: Option<String>,
    token: String,
    #[serde(flatten)]
    saved: SavedState,
}

/// The file of one session, which belongs to this program as long as this lives.
#[derive(Debug)]
pub(crate) struct Slot {
    path: PathBuf,
    /// Two clients with one session would take it from each other for ever.
    _lock: File,
}

/// The folder for sessions on this platform; none if it has none.
pub(crate) fn default_dir() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join(FOLDER))
}

impl Slot {
    /// The file of a name's session with a server. None if another program has it, or if it cannot be a name.
    #[expect(clippy::incompatible_msrv, reason = "the program needs Rust 1.89 for locks; the library does with less")]
    pub(crate) fn open(dir: &Path, server: &str, name: &str) -> io::Result<Option<Self>> {
        let Ok(name) = UserName::new(name) else { return Ok(None) };
        let file_name = format!("{}@{}", encoded(name.as_str()), encoded(server));
        if file_name.len() > FILE_NAME_BYTES_MAX {
            return Ok(None);
        }
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(dir)?;
        // The file itself is replaced by each change, so it cannot be what is locked.
        let lock = File::create(dir.join(format!("{file_name}.lock")))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path: dir.join(file_name), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// What was saved last. None if there is nothing, or nothing that makes sense.
    pub(crate) fn load(&self) -> Option<(SessionTicket, SavedState)> {
        if fs::metadata(&self.path).ok()?.len() > FILE_BYTES_MAX {
            return None;
        }
        let file: StateFile = serde_json::from_slice(&fs::read(&self.path).ok()?).ok()?;
        let token = BASE64_STANDARD.decode(file.token).ok()?.try_into().ok()?;
        let (name, display_name) = (file.name.parse().ok()?, file.display_name);
        let ticket = SessionTicket::new(name, Token::from_bytes(token)).with_display_name(display_name);
        Some((ticket.with_attempt(unix_ms()), file.saved))
    }

    /// Saves a session, whole or not at all, readable by nobody else.
    pub(crate) fn save(&self, ticket: &SessionTicket, saved: &SavedState) -> io::Result<()> {
        let contents = StateFile {
            name: ticket.name.to_string(),
            display_name: ticket.display_name.clone(),
            token: BASE64_STANDARD.encode(ticket.token.as_bytes()),
            saved: saved.clone(),
        };
        let dir = self.path.parent().expect("it lies in a folder");
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(&serde_json::to_vec(&contents)?)?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }

    /// The session is over.
    pub(crate) fn forget(&self) {
        // If it cannot be removed, the server says next time that it does not know the session.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a session can still be there after such an end.
pub(crate) const fn is_resumable(closed: &Closed) -> bool {
    matches!(closed, Closed::Disconnected | Closed::TimedOut | Closed::Refused { .. })
}

/// Text as a part of a file's name, on every system.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let encode = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    text.bytes().map(encode).collect()
}

/// Milliseconds since 1970: later processes resume with higher attempts.
fn unix_ms() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "127.0.0.1:12345";

    fn ticket() -> SessionTicket {
        let name = "alice".parse().unwrap();
        SessionTicket::new(name, Token::from_bytes([7; 16])).with_display_name(Some("Alice".into()))
    }

    #[test]
    fn what_is_saved_is_found_again_under_another_spelling_of_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("not/there/yet");
        let saved = SavedState {
            rooms: ["#lobby".to_owned()].into(),
            room: Some("#lobby".into()),
            watched: ["bob".to_owned()].into(),
        };
        let slot = Slot::open(&dir, SERVER, "alice").unwrap().unwrap();
        assert_eq!(slot.load(), None);
        slot.save(&ticket(), &SavedState::default()).unwrap();
        slot.save(&ticket(), &saved).unwrap();
        drop(slot);
        let slot = Slot::open(&dir, SERVER, "Alice").unwrap().unwrap();
        let (found, loaded) = slot.load().expect("it was saved");
        assert!(found.attempt > 0, "attempts rise over restarts");
        assert_eq!((found.with_attempt(0), loaded), (ticket(), saved));
        assert_eq!(Slot::open(&dir, "[::1]:12345", "alice").unwrap().unwrap().load(), None, "another server");
        slot.forget();
        assert_eq!(slot.load(), None);
    }

    #[test]
    fn a_session_belongs_to_one_program() {
        let dir = tempfile::tempdir().unwrap();
        let slot = Slot::open(dir.path(), SERVER, "alice").unwrap().unwrap();
        assert!(Slot::open(dir.path(), SERVER, "alice").unwrap().is_none());
        assert!(Slot::open(dir.path(), SERVER, "bob").unwrap().is_some());
        drop(slot);
        assert!(Slot::open(dir.path(), SERVER, "alice").unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("chatcore");
        let slot = Slot::open(&dir, SERVER, "alice").unwrap().unwrap();
        slot.save(&ticket(), &SavedState::default()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&slot.path)), (0o700, 0o600));
    }

    #[test]
    fn what_makes_no_sense_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let slot = Slot::open(dir.path(), SERVER, "alice").unwrap().unwrap();
        for text in ["", "{}", r#"{"name":"alice","token":"AAAA","rooms":[],"room":null,"watched":[]}"#] {
            fs::write(&slot.path, text).unwrap();
            assert_eq!(slot.load(), None, "{text}");
        }
        assert!(Slot::open(dir.path(), &"x".repeat(1000), "alice").unwrap().is_none());
        assert!(Slot::open(dir.path(), SERVER, "no name").unwrap().is_none());
    }
}
