//! What one program alone may use at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::regular;

/// The end of a lock's name.
pub(super) const ENDING: &str = ".lock";

/// How often a lock is tried that somebody else has.
const TRIES_MAX: u32 = 5;

/// The time between two tries. Who removes the locks of programs that are gone has each for less than that.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Locks that one start looks at, at the most.
const SWEPT_MAX: usize = 1_000;

/// A file that is locked as long as this lives. It is removed with it, and by the next program if this one is killed.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// None if another program has it.
    ///
    /// # Errors
    ///
    /// If what is at the path cannot be a lock.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        for attempt in 0..TRIES_MAX {
            if attempt > 0 {
                thread::sleep(TRY_AGAIN_AFTER);
            }
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let file = regular::open(path, &mut options)?;
            if let Some(lock) = Self::of(file, path)? {
                return Ok(Some(lock));
            }
        }
        Ok(None)
    }

    /// None if another program has the lock, or has removed it.
    #[expect(clippy::incompatible_msrv, reason = "the program needs Rust 1.89 for locks; the library does with less")]
    fn of(file: File, path: &Path) -> io::Result<Option<Self>> {
        match file.try_lock() {
            // Whoever had it before may have removed it since it was opened: another program may lock a newer file.
            Ok(()) => Ok(is_at(&file, path).then(|| Self { file, path: path.into() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
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

/// Removes the locks of programs that are gone.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let is_lock = |path: &PathBuf| path.to_str().is_some_and(|path| path.ends_with(ENDING));
    for path in entries.flatten().map(|entry| entry.path()).filter(is_lock).take(SWEPT_MAX) {
        let Ok(file) = regular::open(&path, OpenOptions::new().read(true).write(true)) else { continue };
        // To have it is to remove it.
        drop(Lock::of(file, &path));
    }
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

    #[test]
    fn a_lock_that_was_removed_while_it_was_opened_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let file = File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let newer = Lock::take(&path).unwrap().unwrap();
        assert!(Lock::of(file, &path).unwrap().is_none());
        drop(newer);
        assert!(!path.exists());
    }

    #[test]
    fn programs_that_start_and_end_at_once_never_have_one_lock_together_and_leave_none() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let (holders, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        sweep(folder.path());
                        let Some(lock) = Lock::take(&path).unwrap() else { continue };
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "somebody else has it, too");
                        taken.fetch_add(1, Ordering::SeqCst);
                        holders.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_locks_of_programs_that_are_gone_are_removed_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let held = Lock::take(&path("held.lock")).unwrap().unwrap();
        for name in ["gone.lock", "session"] {
            fs::write(path(name), "").unwrap();
        }
        sweep(folder.path());
        let names = |name: &str| path(name).exists();
        assert_eq!(["held.lock", "gone.lock", "session"].map(names), [true, false, true]);
        drop(held);
    }
}
