//! From the hub, or a handshake, to the transport.

use chatcore::{Hub, Instant};

use crate::closing;
use crate::connection::{Stage, Written};
use crate::table::Table;

/// Bytes that are written to one connection before others have their turn.
const WRITE_BYTES_MAX: usize = 256 << 10;

/// Writes as much as the transport takes now, up to a bound. When it takes more, it tells, and this is to be called
/// again.
pub(crate) fn write(hub: &mut Hub, table: &mut Table, now: Instant, key: usize) {
    let connection = table.at(key);
    if connection.readiness.blocked {
        return;
    }
    let mut written = 0;
    loop {
        if written >= WRITE_BYTES_MAX {
            return table.write_later(key);
        }
        let chunks = match &connection.stage {
            Stage::Handshaking(handshaking) => handshaking.handshake.transmit(),
            Stage::Open(conn) => hub.transmit(*conn),
            Stage::Broken | Stage::Lingering { .. } => return,
        };
        if chunks.is_empty() {
            return;
        }
        match connection.write(chunks) {
            Written::Bytes(count) => {
                written += count;
                match &mut connection.stage {
                    Stage::Handshaking(handshaking) => handshaking.handshake.transmitted(count),
                    Stage::Open(conn) => {
                        hub.transmitted(now, *conn, count).expect("the hub has just given what to write");
                    }
                    Stage::Broken | Stage::Lingering { .. } => return,
                }
            }
            Written::Blocked => {
                connection.readiness.blocked = true;
                return;
            }
            Written::Broken(error) => return closing::broke(table, key, Err(error)),
        }
    }
}
