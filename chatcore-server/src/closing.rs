//! How connections end: the server closes them, or they break.

use std::io;

use chatcore::{ConnId, Instant};
use chatcore_transport::Transport;
use tracing::{debug, info};

use crate::config::DriverLimits;
use crate::connection::Stage;
use crate::table::Table;

/// Closes a connection to which all is said.
pub(crate) fn linger(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    end(table, limits, now, key, Transport::end_writing);
}

/// The same, because the server stops.
pub(crate) fn go_away(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    end(table, limits, now, key, Transport::go_away);
}

fn end(
    table: &mut Table,
    limits: &DriverLimits,
    now: Instant,
    key: usize,
    end_writing: impl FnOnce(&mut Transport) -> io::Result<()>,
) {
    let Some(connection) = table.get_mut(key) else { return };
    if let Stage::Broken { .. } = connection.stage {
        return;
    }
    if end_writing(&mut connection.transport).is_err() {
        return table.remove(key);
    }
    table.drop_kept(key);
    begin_lingering(table, limits, now, key);
}

/// Throws away what still comes of a connection whose writing side has ended.
fn begin_lingering(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    throw_away_rest(table, limits, now, key, false);
}

/// The same with a connection for which there was no room. If as many linger as may, it is gone at once.
pub(crate) fn linger_turned_away(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    if table.has_room_for_turned_away() {
        throw_away_rest(table, limits, now, key, true);
    } else {
        table.remove(key);
    }
}

fn throw_away_rest(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize, is_turned_away: bool) {
    let (until, bytes_left) = (now + limits.linger_time_max, limits.linger_bytes_max);
    table.change(key, |connection| {
        connection.readiness.blocked |= connection.transport.is_blocked();
        connection.stage = Stage::Lingering { until, bytes_left, is_turned_away };
    });
    table.readable(now, key);
}

/// The peer has ended its side, or the transport broke.
pub(crate) fn broke(table: &mut Table, key: usize, why: io::Result<()>) {
    // What was to be written before may have found out first.
    let Some(connection) = table.get_mut(key) else { return };
    match (&connection.stage, why) {
        (Stage::Broken { .. }, _) | (Stage::Lingering { .. }, Ok(())) => {}
        (_, Err(error)) => debug!(peer = %connection.peer, %error, "the connection broke"),
        (_, Ok(())) => debug!(peer = %connection.peer, "the client ended the connection"),
    }
    match connection.stage {
        Stage::Open(conn) => set_broken(table, key, conn, false),
        Stage::Handshaking(_) | Stage::Lingering { .. } => table.remove(key),
        Stage::Broken { .. } => {}
    }
}

/// The peer does not speak what is above the socket, or not as it must. The transport has told it so.
pub(crate) fn broke_rules(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize, error: &io::Error) {
    let connection = table.at(key);
    match connection.stage {
        Stage::Handshaking(_) => {
            info!(peer = %connection.peer, reason = %error, "closed before it had a name");
            linger(table, limits, now, key);
        }
        Stage::Open(conn) => {
            info!(%conn, peer = %connection.peer, reason = %error, "closed");
            set_broken(table, key, conn, true);
        }
        // What it sends is still thrown away.
        Stage::Lingering { .. } => table.readable(now, key),
        Stage::Broken { .. } => {}
    }
}

fn set_broken(table: &mut Table, key: usize, conn: ConnId, can_tell: bool) {
    table.drop_kept(key);
    table.change(key, |connection| connection.stage = Stage::Broken { can_tell });
    table.push_broken(key, conn);
}

/// The hub knows that a connection broke.
pub(crate) fn end_broken(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    let connection = table.at(key);
    let can_tell = matches!(connection.stage, Stage::Broken { can_tell: true });
    if can_tell && connection.transport.end_writing().is_ok() {
        begin_lingering(table, limits, now, key);
    } else {
        table.remove(key);
    }
}
