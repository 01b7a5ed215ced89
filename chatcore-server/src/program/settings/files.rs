//! Files that settings name.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Reads a file of at most so many bytes.
///
/// # Errors
///
/// What is wrong, to be said after the name of the file.
pub(super) fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("cannot be read: {error}");
    // A pipe would keep the reader waiting for as long as its writer likes, and a device may have no end.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("must be a regular file".into());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("must have at most {bytes_max} bytes"));
    }
    Ok(bytes)
}
