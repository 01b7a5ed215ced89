//! How connections end: the server closes them, or they break.

use std::io;

use chatcore::Instant;
use tracing::{debug, info};

use crate::config::DriverLimits;
use crate::connection::Stage;
use crate::table::Table;

/// Closes a connection to which all is said.
pub(crate) fn linger(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    let Some(connection) = table.get_mut(key) else { return };
    if let Stage::Broken = connection.stage {
        return;
    }
    if connection.transport.end_writing().is_err() {
        return table.remove(key);
    }
    table.drop_kept(key);
    let (until, bytes_left) = (now + limits.linger_time_max, limits.linger_bytes_max);
    table.change(key, |connection| connection.stage = Stage::Lingering { until, bytes_left });
    table.readable(now, key);
}

/// The peer has ended its side, or the transport broke.
pub(crate) fn broke(table: &mut Table, key: usize, why: io::Result<()>) {
    // What was to be written before may have found out first.
    let Some(connection) = table.get_mut(key) else { return };
    match (&connection.stage, why) {
        // It does not speak TLS, or not as it must.
        (Stage::Handshaking(_), Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
            info!(peer = %connection.peer, reason = %error, "closed before it had a name");
        }
        (_, Err(error)) => debug!(peer = %connection.peer, %error, "the connection broke"),
        (Stage::Lingering { .. }, Ok(())) => {}
        (_, Ok(())) => debug!(peer = %connection.peer, "the client ended the connection"),
    }
    match connection.stage {
        Stage::Open(conn) => {
            table.drop_kept(key);
            table.change(key, |connection| connection.stage = Stage::Broken);
            table.push_broken(key, conn);
        }
        Stage::Handshaking(_) | Stage::Lingering { .. } => table.remove(key),
        Stage::Broken => {}
    }
}
