//! What one program alone may use at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;

use super::regular;

/// The end of a lock's name.
pub(super) const ENDING: &str = ".lock";

/// How often a lock is tried that its owner has removed meanwhile.
const TRIES_MAX: u32 = 100;

/// Locks that one start looks at, at the most.
const SWEPT_MAX: usize = 1_000;

/// Bytes of a lock that are looked at: a process has a number of fewer digits.
const HOLDER_BYTES_MAX: u64 = 20;

/// A file that is locked as long as this lives, and says which process has it. It is removed with it, and by the next
/// program if this one is killed.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// # Errors
    ///
    /// If what is at the path cannot be a lock.
    pub(super) fn take(path: &Path) -> io::Result<Taken> {
        for _ in 0..TRIES_MAX {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let file = regular::open(path, &mut options)?;
            match Self::of(file, path)? {
                Tried::Ours(mut lock) => {
                    lock.say_whose();
                    return Ok(Taken::Ours(lock));
                }
                Tried::Held(file) => return Ok(Taken::Held { holder: holder(file) }),
                Tried::Removed => {}
            }
        }
        Ok(Taken::Held { holder: None })
    }

    /// Writes into the file who has it. A full disk may take no word, and the lock is one all the same.
    fn say_whose(&mut self) {
        let _ = self.file.set_len(0).and_then(|()| write!(self.file, "{}", process::id()));
    }

    #[expect(clippy::incompatible_msrv, reason = "the program needs Rust 1.89 for locks; the library does with less")]
    fn of(file: File, path: &Path) -> io::Result<Tried> {
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => Ok(Tried::Ours(Self { file, path: path.into() })),
            Ok(()) => Ok(Tried::Removed),
            Err(TryLockError::WouldBlock) => Ok(Tried::Held(file)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Whose a lock is.
pub(super) enum Taken {
    Ours(Lock),
    /// Another program has it: this process, if it says so.
    Held {
        holder: Option<u32>,
    },
}

/// What became of a try.
enum Tried {
    Ours(Lock),
    /// By another program.
    Held(File),
    /// By whoever had it when it was opened: another program may lock a newer file.
    Removed,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A person may have removed it, and another program have another one.
        if is_at(&self.file, &self.path) {
            // If it stays, the next program removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the locks of programs that are gone. Who does that has the folder for itself: for a moment it has each of
/// them.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let is_lock = |path: &PathBuf| path.to_str().is_some_and(|path| path.ends_with(ENDING));
    for path in entries.flatten().map(|entry| entry.path()).filter(is_lock).take(SWEPT_MAX) {
        let Ok(file) = regular::open(&path, OpenOptions::new().read(true).write(true)) else { continue };
        // To have it is to remove it.
        drop(Lock::of(file, &path));
    }
}

/// The process that has a lock, as far as the lock says so.
fn holder(file: File) -> Option<u32> {
    let mut text = String::new();
    file.take(HOLDER_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

/// Whether the file is still what is at the path.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(path: &Path) -> Lock {
        match Lock::take(path).unwrap() {
            Taken::Ours(lock) => lock,
            Taken::Held { holder } => panic!("{holder:?} has it"),
        }
    }

    #[test]
    fn a_lock_says_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        // Whoever had it before was killed.
        fs::write(&path, "4294967295 and more").unwrap();
        let lock = taken(&path);
        assert!(matches!(Lock::take(&path), Ok(Taken::Held { holder: Some(holder) }) if holder == process::id()));
        for said in ["", "nobody"] {
            fs::write(&path, said).unwrap();
            assert!(matches!(Lock::take(&path), Ok(Taken::Held { holder: None })));
        }
        drop(lock);
    }

    #[test]
    fn a_lock_that_was_removed_while_it_was_opened_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let file = File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let newer = taken(&path);
        assert!(matches!(Lock::of(file, &path), Ok(Tried::Removed)));
        drop(newer);
        assert!(!path.exists());
    }

    #[test]
    fn the_locks_of_programs_that_are_gone_are_removed_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let held = taken(&path("held.lock"));
        for name in ["gone.lock", "session"] {
            fs::write(path(name), "").unwrap();
        }
        sweep(folder.path());
        let names = |name: &str| path(name).exists();
        assert_eq!(["held.lock", "gone.lock", "session"].map(names), [true, false, true]);
        drop(held);
    }
}
