//! Why nothing could be measured.

use std::fmt;
use std::io;

/// A reason, for people.
#[derive(Debug)]
pub(crate) struct Failure(String);

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }

    /// The server sent something that the load generator does not expect.
    pub(crate) fn unexpected(bytes: &[u8]) -> Self {
        let bytes = &bytes[..bytes.len().min(100)];
        Self(format!("the server said {:?}", String::from_utf8_lossy(bytes)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}
