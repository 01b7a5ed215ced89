//! Files that are opened with care: a link, a pipe or a device at a file's path is never opened in its place.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// The permission to write, of everybody but the owner.
pub(super) const OTHERS_WRITE: u32 = 0o022;

/// Opens a regular file of ours that nobody else can change. A link at its path is not followed, and nothing there keeps the
/// caller waiting.
///
/// # Errors
///
/// What is there in its place, and what would be right.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = options.custom_flags(flags.bits()).open(path).map_err(|error| explain(path, error))?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(refused(path, "is no regular file: remove it"));
    }
    if !is_ours(&metadata) {
        return Err(refused(path, &format!("belongs to the user {}, not to you: remove it", metadata.uid())));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(refused(path, "can be changed by others: remove it, or chmod 600"));
    }
    Ok(file)
}

/// Whether it belongs to the user of this program.
pub(super) fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw()
}

/// The system has several words for a link that is not followed, and none that a person understands.
pub(super) fn explain(path: &Path, error: io::Error) -> io::Error {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => refused(path, "is a link, which is not followed: remove it"),
        _ => error,
    }
}

pub(super) fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::other(format!("{} {why}", path.display()))
}
