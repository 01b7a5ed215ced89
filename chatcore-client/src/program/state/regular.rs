//! Files in a folder of ours, where nothing else belongs.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::program::files::{self, Links, OTHERS_WRITE};

/// Opens a regular file of ours that nobody else can change. A link at its path is not followed.
///
/// # Errors
///
/// What is there in its place, and what would be right.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let (file, metadata) = files::open(path, options, Links::Refused).map_err(|error| explain(path, error))?;
    if !files::is_ours(&metadata) {
        return Err(refused(path, &format!("belongs to the user {}, not to you: remove it", metadata.uid())));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(refused(path, "can be changed by others: remove it, or chmod 600"));
    }
    Ok(file)
}

/// What the system says of a path, in words that say what would be right: it has several for a link that is not
/// followed.
pub(super) fn explain(path: &Path, error: io::Error) -> io::Error {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => refused(path, "is a link, which is not followed: remove it"),
        _ if error.kind() == io::ErrorKind::Other => refused(path, &format!("{error}: remove it")),
        _ => error,
    }
}

pub(super) fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::other(format!("{} {why}", path.display()))
}
