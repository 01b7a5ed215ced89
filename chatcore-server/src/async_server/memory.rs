//! How much memory a server on tokio may come to need, by its limits.

use std::mem::size_of;

use chatcore::{HANDSHAKE_FRAME_BYTES_MAX, Handshake, Limits, QuotaSource, Registration};

use super::connection::{Connection, SMALL_READ_BYTES, UNDECIDED_INPUT_BYTES_MAX, WRITE_BYTES};
use super::state;
use crate::memory::{self, HANDSHAKE_OUTPUT_BYTES};
use crate::rests::RESTS_BYTES_MAX;

/// Bytes of what a connection has beside its value: the rest of its future, its task, a deadline, and its number in a
/// few tables, twice because they grow by doubling.
const PLACES_BYTES: usize = 1 << 10;

/// Bytes of the text in a registration: a name, how it is shown, what it is compared by, and a credential.
const REGISTRATION_TEXT_BYTES: usize = HANDSHAKE_FRAME_BYTES_MAX as usize;

/// Bytes that a hub and its driver need at the most, without what hooks and transports keep. When the rests of input
/// are long, each connection may still add what it reads at once.
pub(super) fn bytes_max(limits: &Limits, connections_max: usize) -> u64 {
    let value = size_of::<Connection<'static, (), ()>>() + 2 * size_of::<state::Connection>() + PLACES_BYTES;
    // A connection keeps with its handshake where it comes from.
    let handshake = size_of::<(Handshake, QuotaSource)>() + HANDSHAKE_OUTPUT_BYTES;
    let registration = size_of::<Registration>() + REGISTRATION_TEXT_BYTES;
    let input = HANDSHAKE_FRAME_BYTES_MAX as usize + UNDECIDED_INPUT_BYTES_MAX + SMALL_READ_BYTES;
    let connection = value + handshake + registration + 2 * input + WRITE_BYTES;
    memory::bytes_max(limits, connections_max, connection, 2 * RESTS_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_connections_and_users_make_the_sum_smaller() {
        let limits = Limits::default();
        let sum = bytes_max(&limits, 1_000);
        assert!(bytes_max(&limits, 1) < sum);
        assert!(bytes_max(&limits.with_sessions_max(1), 1_000) < sum);
    }
}
