//! What the scripted servers of the tests announce.

use chatcore_client::chatcore::wire::Announced;

/// Limits of a server that ends nobody while a test runs.
pub(crate) const LIMITS: Announced = Announced {
    frame_bytes_max: 100_000,
    body_bytes_max: 65_536,
    outbox_bytes_max: 1 << 20,
    stall_ms_max: 10_000,
    idle_ms_max: 3_600_000,
    resume_ms_max: 60_000,
    rooms_max: 64,
    watches_max: 64,
    cost_per_s: 0,
    cost_burst: 0,
};
