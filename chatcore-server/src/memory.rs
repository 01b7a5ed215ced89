//! How much memory a hub may come to need, by its limits. A driver adds what it keeps itself.

use std::fmt;

use chatcore::Limits;

/// Bytes of what a handshake has to say: a preface, refusals, an error.
pub(crate) const HANDSHAKE_OUTPUT_BYTES: usize = 4 << 10;

/// What a hub needs. Each user, room, membership and watch has a place in tables that grow by doubling, and a name. A
/// membership is counted for an origin and for a site, too.
fn hub_bytes_max(limits: &Limits) -> u64 {
    const USER_BYTES: u64 = 3 << 9;
    const ROOM_BYTES: u64 = 512;
    const MEMBER_BYTES: u64 = 192;
    [
        (limits.sessions_max.into(), USER_BYTES),
        (limits.rooms_max.into(), ROOM_BYTES),
        (limits.memberships_max.into(), MEMBER_BYTES),
        (limits.hub_watches_max.into(), ROOM_BYTES),
        (limits.buffer_bytes_max, 1),
    ]
    .into_iter()
    .fold(0_u64, |sum, (count, bytes)| sum.saturating_add(count.saturating_mul(bytes)))
}

/// Bytes that a hub and its driver need at the most, if each connection takes so many outside of the hub, and all
/// together so many more. The starts of frames are the hub's, but a buffer may be twice as large as what is in it.
pub(crate) fn bytes_max(limits: &Limits, connections_max: usize, connection_bytes: usize, shared_bytes: usize) -> u64 {
    (connections_max as u64)
        .saturating_mul(connection_bytes as u64)
        .saturating_add(shared_bytes as u64)
        .saturating_add(limits.buffer_bytes_max)
        .saturating_add(hub_bytes_max(limits))
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
        let sum = hub_bytes_max(&limits);
        for smaller in [
            limits.clone().with_sessions_max(1),
            limits.clone().with_rooms_max(1),
            limits.clone().with_memberships_max(1),
            limits.clone().with_hub_watches_max(1),
            limits.clone().with_buffer_bytes_max(64 << 20),
        ] {
            assert!(hub_bytes_max(&smaller) < sum, "{smaller:?}");
        }
    }
}
