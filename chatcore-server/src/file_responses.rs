//! Connections that ask for a file in place of a WebSocket. They have no name and get none: the bounds on connections
//! without a name hold for them, and what is not taken in the time of a handshake is cut off.

use chatcore::{Hub, Instant};
use chatcore_transport::FileResponse;
use tracing::info;

use crate::closing;
use crate::config::DriverLimits;
use crate::connection::Stage;
use crate::table::Table;
use crate::writing;

/// Something was read that is not for the hub. If it was a request for a file, it is charged to its origin, a unit for
/// each KiB of the response, and answered. Whether it was.
pub(crate) fn begin(hub: &mut Hub, table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) -> bool {
    let connection = table.at(key);
    let peer = connection.peer;
    let Some(response) = connection.transport.take_new_response() else { return false };
    info!(%peer, file = response.path(), status = response.status(), "fetched");
    let cost = u32::try_from(response.bytes() >> 10).unwrap_or(u32::MAX);
    // What goes now does not wait: the next request of the origin does.
    let _ = hub.charge_origin(now, table.census.source(&peer, limits), cost);
    writing::write(hub, table, now, key);
    finish(table, limits, now, key);
    true
}

/// Something was written. If it was the end of a response, the connection has had its use.
pub(crate) fn finish(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    let Some(connection) = table.get_mut(key) else { return };
    if let Stage::Handshaking(_) = connection.stage
        && !connection.readiness.blocked
        && connection.transport.response().is_some_and(FileResponse::is_sent)
    {
        closing::linger(table, limits, now, key);
    }
}

/// The time of a connection without a name is over. If a response goes over it, that is cut off. Whether one did.
pub(crate) fn cut(table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) -> bool {
    let connection = table.at(key);
    let Some(response) = connection.transport.response() else { return false };
    let reason = "it did not take the file in time";
    info!(peer = %connection.peer, file = response.path(), reason, "closed before it had a name");
    closing::linger(table, limits, now, key);
    true
}
