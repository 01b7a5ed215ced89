//! The state that is saved on disk, so that a client that was killed goes on with its session when it is started again.
//!
//! `folder` is the place, which is ours alone; `lock` keeps two programs from one session; `regular` opens files and
//! nothing else; `file_name` says what a session's file is called, `owned` whose it is, and `session_file` and `kept`
//! what it holds. `saver` saves on a thread of its own.

mod file_name;
mod folder;
mod kept;
mod lock;
mod owned;
mod regular;
mod saver;
mod session_file;

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::time::unix_ms;
use crate::{Closed, UserName};
use chatcore::SessionTicket;
use etcetera::BaseStrategy;

use self::folder::Folder;
pub(crate) use self::kept::{History, Kept, KeptMessage, Unanswered};
use self::lock::{Lock, Taken};
use self::owned::Owner;
#[cfg(test)]
pub(crate) use self::saver::tests::slow_disk;
pub(crate) use self::saver::{Part, Saver, slow};
pub(crate) use self::session_file::SavedState;

/// The program's folder in the platform's state directory.
const FOLDER: &str = "chatcore";

/// The end of the name of what was typed and not sent, and how far was read. It is small, and saved often.
const KEPT: &str = ".kept";

/// The end of the name of what was said.
const HISTORY: &str = ".history";

/// Bytes of a session's file, at the most: all the rooms and users that a server lets anybody have.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The time between two looks whether another program has let go of a session.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// The file of one session, which belongs to this program as long as this lives.
#[derive(Debug)]
pub(crate) struct Slot {
    folder: Folder,
    file_name: String,
    owner: Owner,
    /// Two clients with one session would take it from each other for ever.
    _lock: Lock,
}

/// What a program that ran before has left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Loaded<T> {
    Nothing,
    Whole(T),
    /// Something that makes no sense, and what was done about it, for a person.
    Damaged(String),
}

/// The folder for sessions on this platform; none if it has none.
pub(crate) fn default_dir() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join(FOLDER))
}

impl Slot {
    /// The file of a name's session with a server. A program that has it is waited for, but no longer than this: it may
    /// be about to end. None if it cannot be a name.
    ///
    /// # Errors
    ///
    /// If nothing can be kept there, because another program has the session, because the folder or what is in it is
    /// not ours alone, or because the system refuses.
    pub(crate) fn open(dir: &Path, server: &str, name: &str, time_max: Duration) -> io::Result<Option<Self>> {
        let Ok(name) = UserName::new(name) else { return Ok(None) };
        let (until, folder) = (Instant::now() + time_max, Folder::open(dir)?);
        let file_name = file_name::of(server, name.as_str());
        let path = folder.path().join(format!("{file_name}{}", lock::ENDING));
        loop {
            let taken = folder.alone(|| {
                folder.sweep();
                lock::sweep(folder.path());
                Lock::take(&path)
            })?;
            let holder = match taken {
                Taken::Ours(lock) => {
                    let owner = Owner { server: server.into(), name };
                    return Ok(Some(Self { folder, file_name, owner, _lock: lock }));
                }
                Taken::Held { holder } => holder,
            };
            if Instant::now() >= until {
                return Err(held(&name, holder));
            }
            thread::park_timeout(LOOK_AGAIN_AFTER);
        }
    }

    /// What was saved last. What makes no sense is set aside.
    pub(crate) fn load(&self) -> Loaded<(SessionTicket, SavedState)> {
        let decode = |bytes: Vec<u8>| session_file::decode(&self.owner, &bytes);
        match self.read(&self.file_name, FILE_BYTES_MAX, decode) {
            Ok(None) => Loaded::Nothing,
            // Later processes resume with higher attempts.
            Ok(Some((ticket, saved))) => Loaded::Whole((ticket.with_attempt(unix_ms()), saved)),
            Err(why) => Loaded::Damaged(format!("{why}. A new session begins")),
        }
    }

    /// Saves a session, whole or not at all, readable by nobody else.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was saved before stays then.
    fn save(&self, ticket: &SessionTicket, saved: &SavedState) -> io::Result<()> {
        self.folder.write(&self.file_name, &session_file::encode(&self.owner, ticket, saved)?)
    }

    /// The session is over.
    fn forget(&self) {
        // If it cannot be removed, the server says next time that it does not know the session.
        self.folder.remove(&self.file_name);
    }

    /// What a person wants to find again, also after the session, and what is wrong with it, for that person. What
    /// makes no sense is set aside. Who does not want to find again what was said leaves it alone.
    pub(crate) fn load_kept(&self, wants_history: bool) -> (Kept, Vec<String>) {
        let mut damage = Vec::new();
        let mut load = |ending, what| {
            let decode = |bytes: Vec<u8>| owned::decode::<Kept>(&self.owner, &bytes);
            let read = self.read(&self.name_of(ending), kept::KEPT_BYTES_MAX, decode);
            let read = read.map_err(|why| damage.push(format!("{why}. {what} is not there any more")));
            read.ok().flatten().unwrap_or_default()
        };
        let drafts = load(KEPT, "What was typed and not sent");
        let history = if wants_history { load(HISTORY, "What was said").history } else { History::new() };
        (Kept { history, ..drafts }, damage)
    }

    /// Saves what is typed and how far was read, as much of it as there is room for.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was saved before stays then.
    fn save_drafts(&self, kept: Kept) -> io::Result<()> {
        self.save_part(KEPT, Kept { history: History::new(), ..kept })
    }

    /// Saves what was said, as much of it as there is room for.
    ///
    /// # Errors
    ///
    /// As [`save_drafts`](Self::save_drafts).
    fn save_history(&self, history: History) -> io::Result<()> {
        self.save_part(HISTORY, Kept { history, ..Kept::default() })
    }

    fn save_part(&self, ending: &str, kept: Kept) -> io::Result<()> {
        let (name, kept) = (self.name_of(ending), kept.bounded());
        if kept.is_empty() {
            self.folder.remove(&name);
            return Ok(());
        }
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
        self.folder.write(&name, &owned::encode(&self.owner, &kept)?).map_err(named)
    }

    fn name_of(&self, ending: &str) -> String {
        format!("{}{ending}", self.file_name)
    }

    /// Reads a file that may not be there. What makes no sense is set aside.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what was done about it.
    fn read<T>(
        &self,
        name: &str,
        bytes_max: u64,
        decode: impl FnOnce(Vec<u8>) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let bytes = self.folder.read(name, bytes_max).map_err(|error| error.to_string());
        bytes.and_then(|bytes| bytes.map(decode).transpose()).map_err(|why| {
            let path = self.folder.path().join(name);
            match self.folder.set_aside(name) {
                Ok(to) => format!("{} is of no use: {why}. It is now {}", path.display(), to.display()),
                Err(error) => format!("{} is of no use: {why}. It cannot be set aside: {error}", path.display()),
            }
        })
    }
}

/// That another program has what a name has kept.
fn held(name: &UserName, holder: Option<u32>) -> io::Error {
    let who = holder.map_or_else(|| "another program".to_owned(), |process| format!("the process {process}"));
    io::Error::new(io::ErrorKind::ResourceBusy, format!("{who} has the session of {name}"))
}

/// Whether a session can still be there after such an end.
pub(crate) const fn is_resumable(closed: &Closed) -> bool {
    matches!(closed, Closed::Disconnected | Closed::TimedOut | Closed::Refused { .. })
}

#[cfg(test)]
mod tests;
