//! How much memory the driver over TCP may come to need, by its limits.

use std::mem::size_of;

use chatcore::{HANDSHAKE_FRAME_BYTES_MAX, Limits};

use crate::buffers::{self, BUFFER_BYTES};
use crate::connection::{Connection, Handshaking};
use crate::memory::{HANDSHAKE_OUTPUT_BYTES, hub_bytes_max};
use crate::table::{READ_BYTES_MIN, RESTS_BYTES_MAX};

/// Places in tables, queues and deadlines that each connection has: its number in a few of them, twice because they grow
/// by doubling.
const PLACES_BYTES: usize = 256;

/// Bytes that a hub and its driver need at the most.
pub(crate) fn bytes_max(limits: &Limits, connections_max: usize, has_tls: bool) -> u64 {
    let tls = if has_tls { tls_bytes_max(limits, connections_max) } else { 0 };
    hub_bytes_max(limits).saturating_add(driver_bytes_max(limits, connections_max)).saturating_add(tls)
}

/// What TLS adds: the keys and buffers of each connection, and once more, encrypted, what is written to slow readers. The
/// latter is still in their outboxes, because they have not acknowledged it.
fn tls_bytes_max(limits: &Limits, connections_max: usize) -> u64 {
    const CONNECTION_BYTES: u64 = 24 << 10;
    (connections_max as u64).saturating_mul(CONNECTION_BYTES).saturating_add(limits.buffer_bytes_max)
}

/// What is kept outside of the hub. The starts of frames are the hub's, but a buffer may be twice as large as what is in
/// it.
fn driver_bytes_max(limits: &Limits, connections_max: usize) -> u64 {
    let kept = buffers::capacity_max(HANDSHAKE_FRAME_BYTES_MAX as usize + READ_BYTES_MIN);
    let handshake = size_of::<Handshaking>() + HANDSHAKE_OUTPUT_BYTES;
    let connection = 2 * size_of::<Connection>() + PLACES_BYTES + handshake + kept;
    let shared = BUFFER_BYTES + buffers::SPARES_BYTES_MAX + RESTS_BYTES_MAX + BUFFER_BYTES;
    (connections_max as u64)
        .saturating_mul(connection as u64)
        .saturating_add(shared as u64)
        .saturating_add(limits.buffer_bytes_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_connections_and_users_make_the_sum_smaller() {
        let limits = Limits::default();
        let sum = bytes_max(&limits, 1_000, false);
        assert!(bytes_max(&limits, 1, false) < sum);
        assert!(bytes_max(&limits.clone().with_sessions_max(1), 1_000, false) < sum);
        assert!(sum < bytes_max(&limits, 1_000, true));
    }
}
