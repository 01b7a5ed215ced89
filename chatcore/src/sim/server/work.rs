//! What the hub says of the work that it does.

use crate::hub::Thresholds;
use crate::sim::random::{CERTAIN, Random};
use crate::{Hub, Limits};

/// A hub, in most runs with the thresholds of few users, so that all of it runs.
pub(super) fn new_hub(limits: &Limits, random: &mut Random) -> Hub {
    let thresholds = if random.chance(CERTAIN / 4) { Thresholds::default() } else { Thresholds::of_few() };
    Hub::with_thresholds(limits.clone(), thresholds, random.seed())
}

/// Units of work that the hub's last call did.
pub(super) fn of_last_call(hub: &Hub) -> u64 {
    hub.work_of_last_call().into()
}

/// Units of work that one call of the hub does, at the most.
pub(in crate::sim) fn of_call_max(limits: &Limits) -> u64 {
    Hub::work_of_call_max(limits).into()
}

/// Units for a connection that is let in, or not.
pub(super) const ADMISSION_UNITS: u64 = 100;

/// Units that a call which takes something in begins with, beyond those of other calls.
const RECEIVE_UNITS: u64 = 4_096;

/// The same of a call that takes nothing in: a slice of what the hub does by itself.
pub(in crate::sim) fn of_slice_max(limits: &Limits) -> u64 {
    of_call_max(limits) - RECEIVE_UNITS
}
