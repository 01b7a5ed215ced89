//! What reading costs beside the frames that come of it.

use chatcore::{Hub, Instant};

use crate::config::DriverLimits;
use crate::connection::{Flow, Stage};
use crate::table::Table;
use chatcore_transport::Framing;

/// Bytes around the stream that a unit pays for.
const FRAMING_BYTES_PER_UNIT: u32 = 256;

/// Records of TLS that a unit pays for. So a frame that comes in two of them, because a client writes its header and
/// the rest apart, costs no more than one that comes in one.
const RECORDS_PER_UNIT: u32 = 2;

/// What new keys of TLS cost: as much as opening some records.
const KEY_UPDATE_COST: u32 = 6;

/// What it costs to find the stream in what came, in the units of protocol.md, *Cost*.
pub(crate) fn cost_of_framing(framing: Framing) -> u32 {
    let Framing { bytes, records, key_updates, .. } = framing;
    let cost = (bytes / FRAMING_BYTES_PER_UNIT).max(records / RECORDS_PER_UNIT);
    cost.saturating_add(key_updates.saturating_mul(KEY_UPDATE_COST))
}

/// Charges a connection, and its origin, for work that no frame pays for. Whether more may be read.
pub(crate) fn charge(
    hub: &mut Hub,
    table: &mut Table,
    limits: &DriverLimits,
    now: Instant,
    key: usize,
    cost: u32,
) -> bool {
    if cost == 0 {
        return true;
    }
    // Writing what a handshake has to say may have found that it broke.
    let Some(connection) = table.get_mut(key) else { return true };
    connection.usage.add(now, cost);
    let peer = connection.peer;
    let until = match connection.stage {
        Stage::Open(conn) => hub.charge(now, conn, cost).expect("the hub has not closed it yet"),
        Stage::Handshaking(_) => hub.charge_origin(now, table.census.source(&peer, limits), cost),
        Stage::Lingering { .. } | Stage::Broken { .. } => None,
    };
    let Some(until) = until.filter(|until| *until > now) else { return true };
    // It may wait for something else, and longer.
    if !matches!(table.at(key).flow(), Flow::Paused { until: paused_until } if paused_until >= until) {
        let kept = table.take_kept(key);
        table.keep(now, key, kept, Flow::Paused { until });
    }
    false
}

#[cfg(all(test, unix))]
mod tests;
