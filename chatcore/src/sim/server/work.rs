//! What the hub says of the work that it does.

use alloc::format;

use super::{Around, Server};
use crate::sim::broken::{Broken, Promise};
use crate::sim::random::Random;
use crate::{Hub, Limits};

/// Sessions from which on the hub reads ahead.
const PREFETCH_MIN: usize = 2;

/// A hub whose thresholds for many users are those of a few, so that all of it runs.
pub(super) fn new_hub(limits: &Limits, random: &mut Random) -> Hub {
    Hub::new(limits.clone(), random.seed()).with_prefetch_min(PREFETCH_MIN)
}

/// Units of work that the hub's last call did.
pub(super) fn of_last_call(hub: &Hub) -> u64 {
    hub.work_of_last_call().into()
}

/// Units of work that one call of the hub does, at the most.
pub(in crate::sim) fn of_call_max(limits: &Limits) -> u64 {
    Hub::work_of_call_max(limits).into()
}

/// Units that a call which takes something in begins with, beyond those of other calls.
const RECEIVE_UNITS: u64 = 4_096;

/// The same of a call that takes nothing in: a slice of what the hub does by itself.
pub(in crate::sim) fn of_slice_max(limits: &Limits) -> u64 {
    of_call_max(limits) - RECEIVE_UNITS
}

impl Server {
    /// The hub has done no more in its last call than one call may do. Returns how much that was.
    pub(super) fn check_work(&self, around: &Around<'_>) -> Result<u64, Broken> {
        let (units, units_max) = (self.hub.as_ref().map_or(0, of_last_call), of_call_max(&self.limits));
        if units > units_max {
            let detail = format!("one call of the hub did {units} units of work, more than {units_max}");
            return Err(Broken { promise: Promise::Bounds, detail, at: around.now });
        }
        Ok(units)
    }
}
