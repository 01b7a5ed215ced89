//! Where the file is.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::faults::{Fault, Faults};
use crate::program::files::{self, Links, is_ours};

/// The file in the platform's folder for configurations.
const FILE: &str = "chatcore/client.toml";

/// Bytes of a file, at the most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The permission to write, of everybody but the owner and the group. Where each user has a group, files often are
/// writable for it.
const ALL_WRITE: u32 = 0o002;

pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Somebody has named it, so it must be there.
    is_named: bool,
}

/// The file that is named, or else that of the platform; none if it has no such place.
pub(super) fn of(named: Option<&Path>) -> Option<Place> {
    if let Some(path) = named {
        return Some(Place { path: path.into(), is_named: true });
    }
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(Place { path: strategy.config_dir().join(FILE), is_named: false })
}

/// The text of the file; none if it is not there, and need not be.
///
/// # Errors
///
/// If there is no text in it, or it may be somebody else's: it says which commands are run.
pub(super) fn read(place: &Place) -> Result<Option<String>, Faults> {
    let path = &place.path;
    let cannot =
        |why: &dyn std::fmt::Display| Faults::from(Fault::new(format!("{}: the configuration {why}", path.display())));
    let (file, metadata) = match files::open(path, OpenOptions::new().read(true), Links::Followed) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !place.is_named => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Other => return Err(cannot(&error)),
        Err(error) => return Err(cannot(&format_args!("cannot be read: {error}"))),
        Ok(opened) => opened,
    };
    // What the machine's administrator has written is fine.
    if !is_ours(&metadata) && metadata.uid() != 0 {
        return Err(cannot(&format_args!("belongs to the user {}, not to you", metadata.uid())));
    }
    if metadata.mode() & ALL_WRITE != 0 {
        return Err(cannot(&format_args!("can be changed by everybody: chmod go-w {}", path.display())));
    }
    let bytes = files::read(file, FILE_BYTES_MAX).map_err(|error| cannot(&error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
            Err(Fault::at(path, line, "this is not UTF-8: write the file in UTF-8").into())
        }
    }
}
