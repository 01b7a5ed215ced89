//! Files that are opened with care: what is no regular file keeps nobody waiting.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// The permission to write, of everybody but the owner.
pub(crate) const OTHERS_WRITE: u32 = 0o022;

/// Whether links at the end of a path are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Followed,
    Refused,
}

/// Opens a regular file. A pipe or a device at its path is not opened in its place, and waits for nobody.
///
/// # Errors
///
/// What is wrong, to be said after the name of the file.
pub(crate) fn open(path: &Path, options: &mut OpenOptions, links: Links) -> io::Result<(File, Metadata)> {
    let nofollow = if links == Links::Refused { OFlag::O_NOFOLLOW } else { OFlag::empty() };
    let file = options.custom_flags((OFlag::O_NONBLOCK | nofollow).bits()).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(io::Error::other("is no regular file")) }
}

/// All that a file holds.
///
/// # Errors
///
/// If it is too much.
pub(crate) fn read(file: File, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    let is_whole = bytes.len() as u64 <= bytes_max;
    if is_whole { Ok(bytes) } else { Err(io::Error::other(format!("has more than {bytes_max} bytes"))) }
}

/// Whether it belongs to the user of this program.
pub(crate) fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw()
}
