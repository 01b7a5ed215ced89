//! The folder of what is kept: ours alone, and each file in it is there whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

use super::regular::{self, refused};
use crate::program::files::{self, OTHERS_WRITE, is_ours};

/// What everybody but the owner may do.
const OTHERS: u32 = 0o077;

/// The beginning of the name of a file that is not whole yet.
const UNFINISHED: &str = ".new-";

/// After which nobody writes an unfinished file any more.
const UNFINISHED_AGE_MAX: Duration = Duration::from_secs(60 * 60);

/// The end of the name of a file that makes no sense.
const DAMAGED: &str = ".damaged";

/// Files that one start looks at, at the most.
const SWEPT_MAX: usize = 10_000;

/// How long a folder is waited for that others have for themselves. They need it for a moment.
const ALONE_TIME_MAX: Duration = Duration::from_secs(2);

/// The time between two looks whether it is free.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// A folder that nobody else can change.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    open: File,
}

impl Folder {
    /// Opens it, and makes it if it is not there. If others can look into it, they cannot from then on.
    ///
    /// # Errors
    ///
    /// If it is not ours alone, and what would be right.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // With a slash at the end, the system follows a link whatever it is told.
        let path: PathBuf = path.components().collect();
        DirBuilder::new().mode(0o700).recursive(true).create(&path).map_err(|error| regular::explain(&path, error))?;
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let open = OpenOptions::new().read(true).custom_flags(flags.bits()).open(&path);
        let open = open.map_err(|error| regular::explain(&path, error))?;
        let metadata = open.metadata()?;
        if !is_ours(&metadata) {
            return Err(refused(&path, &format!("belongs to the user {}, not to you", metadata.uid())));
        }
        if metadata.mode() & OTHERS_WRITE != 0 {
            let why = format!("can be changed by others: chmod 700 {} makes it yours alone", path.display());
            return Err(refused(&path, &why));
        }
        if metadata.mode() & OTHERS != 0 {
            open.set_permissions(Permissions::from_mode(0o700))?;
        }
        Ok(Self { path, open })
    }

    /// Does something that no other program does here at the same time. It waits for those that do, but not for ever.
    #[expect(clippy::incompatible_msrv, reason = "the program needs Rust 1.89 for locks; the library does with less")]
    pub(super) fn alone<T>(&self, action: impl FnOnce() -> T) -> T {
        let is_locked = self.lock();
        let outcome = action();
        if is_locked {
            let _ = self.open.unlock();
        }
        outcome
    }

    /// False if the folder cannot be locked, as over a network, or if somebody keeps it. Two that start at once may
    /// take each other for running programs then, and try again.
    #[expect(clippy::incompatible_msrv, reason = "the program needs Rust 1.89 for locks; the library does with less")]
    fn lock(&self) -> bool {
        let until = Instant::now() + ALONE_TIME_MAX;
        loop {
            match self.open.try_lock() {
                Ok(()) => return true,
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::park_timeout(LOOK_AGAIN_AFTER),
                Err(_) => return false,
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What a file holds; none if it is not there.
    ///
    /// # Errors
    ///
    /// If something else is there, or too much.
    pub(super) fn read(&self, name: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let path = self.path.join(name);
        let file = match regular::open(&path, OpenOptions::new().read(true)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        files::read(file, bytes_max).map(Some).map_err(|error| regular::explain(&path, error))
    }

    /// Writes a file, whole or not at all, readable by nobody else. It is there also after the machine has failed.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was there before stays then.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.path)?;
        // So its errors do not name the unfinished file, which nobody is to look for.
        file.as_file_mut().write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.path.join(name)).map_err(|error| error.error)?;
        match self.open.sync_all() {
            // Some file systems do not do that for folders.
            Err(error) if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Removes a file, if it is there and can be.
    pub(super) fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path.join(name));
    }

    /// Puts what makes no sense where nobody looks for it, and says where that is.
    pub(super) fn set_aside(&self, name: &str) -> io::Result<PathBuf> {
        let to = self.path.join(format!("{name}{DAMAGED}"));
        fs::rename(self.path.join(name), &to)?;
        Ok(to)
    }

    /// Removes what programs have left that were killed while they wrote.
    pub(super) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for entry in entries.flatten().take(SWEPT_MAX) {
            let is_unfinished = entry.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED));
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            let age = written.ok().and_then(|written| written.elapsed().ok());
            if is_unfinished && age.is_some_and(|age| age > UNFINISHED_AGE_MAX) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
