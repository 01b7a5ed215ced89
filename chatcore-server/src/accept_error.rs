//! What it means that the system could not accept a connection.

use std::io;
use std::time::Duration;

/// After how long accepting is tried again when the system refused it: what it lacked may be freed by another program,
/// of which nobody tells us.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The errors that concern only the connection that was to be accepted (accept(2), *Error handling*), or
/// nothing at all.
pub(crate) fn is_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::TimedOut
    )
}
