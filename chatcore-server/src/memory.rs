//! How much memory a server may come to need, by its limits.

use std::fmt;
use std::mem::size_of;

use chatcore::{HANDSHAKE_FRAME_BYTES_MAX, Limits};

use crate::buffers::{self, BUFFER_BYTES};
use crate::connection::{Connection, Handshaking};
use crate::table::{READ_BYTES_MIN, RESTS_BYTES_MAX};

/// Bytes of what a handshake has to say: a preface, refusals, an error.
const HANDSHAKE_OUTPUT_BYTES: usize = 4 << 10;

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

/// What the hub needs. Each user, room, membership and watch has a place in tables that grow by doubling, and a name.
fn hub_bytes_max(limits: &Limits) -> u64 {
    const USER_BYTES: u64 = 3 << 9;
    const ROOM_BYTES: u64 = 512;
    const MEMBER_BYTES: u64 = 128;
    [
        (limits.users_max.into(), USER_BYTES),
        (limits.rooms_max.into(), ROOM_BYTES),
        (limits.memberships_max.into(), MEMBER_BYTES),
        (limits.hub_watches_max.into(), ROOM_BYTES),
        (limits.buffer_bytes_max, 1),
    ]
    .into_iter()
    .fold(0_u64, |sum, (count, bytes)| sum.saturating_add(count.saturating_mul(bytes)))
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

/// Bytes for people: in the unit in which they are a small number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
        match UNITS.into_iter().find(|(_, bits)| self.0 >> bits > 0) {
            Some((unit, bits)) => {
                // Rounded up, because it is said of a maximum.
                let tenths = (u128::from(self.0) * 10).div_ceil(1 << bits);
                write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
            }
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_a_unit_that_fits_and_never_as_less() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1025, "1.1 KiB"),
            (3 << 29, "1.5 GiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), words);
        }
    }

    #[test]
    fn each_limit_on_counts_makes_the_sum_smaller() {
        let limits = Limits::default();
        let sum = bytes_max(&limits, 1_000, false);
        for smaller in [
            limits.clone().with_users_max(1),
            limits.clone().with_rooms_max(1),
            limits.clone().with_memberships_max(1),
            limits.clone().with_hub_watches_max(1),
            limits.clone().with_buffer_bytes_max(64 << 20),
        ] {
            assert!(bytes_max(&smaller, 1_000, false) < sum, "{smaller:?}");
        }
        assert!(bytes_max(&limits, 1, false) < sum);
        assert!(bytes_max(&limits, 1_000, true) > sum);
    }
}
