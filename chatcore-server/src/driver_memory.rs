//! How much memory the driver over TCP may come to need, by its limits.

use std::mem::size_of;

use chatcore::{HANDSHAKE_FRAME_BYTES_MAX, Limits};

use crate::buffers::{self, BUFFER_BYTES};
use crate::connection::{Connection, Handshaking};
use crate::memory::{self, HANDSHAKE_OUTPUT_BYTES};
use crate::table::{READ_BYTES_MIN, RESTS_BYTES_MAX};

/// Places in tables, queues and deadlines that each connection has: its number in a few of them, twice because they grow
/// by doubling.
const PLACES_BYTES: usize = 256;

/// What TLS adds to a connection: its keys and buffers.
const TLS_BYTES: usize = 24 << 10;

/// Bytes that a hub and its driver need at the most.
pub(crate) fn bytes_max(limits: &Limits, connections_max: usize, has_tls: bool) -> u64 {
    let kept = buffers::capacity_max(HANDSHAKE_FRAME_BYTES_MAX as usize + READ_BYTES_MIN);
    let handshake = size_of::<Handshaking>() + HANDSHAKE_OUTPUT_BYTES;
    let connection = 2 * size_of::<Connection>() + PLACES_BYTES + handshake + kept;
    let shared = BUFFER_BYTES + buffers::SPARES_BYTES_MAX + RESTS_BYTES_MAX + BUFFER_BYTES;
    if !has_tls {
        return memory::bytes_max(limits, connections_max, connection, shared);
    }
    // What is written to slow readers is there once more, encrypted; and still in their outboxes, because they have not
    // acknowledged it.
    memory::bytes_max(limits, connections_max, connection + TLS_BYTES, shared).saturating_add(limits.buffer_bytes_max)
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
