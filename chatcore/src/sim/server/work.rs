//! What the hub says of the work that it does.

use alloc::format;

use super::{Around, Server};
use crate::hub::Thresholds;
use crate::sim::random::{CERTAIN, Random};
use crate::sim::violation::{Property, Violation};
use crate::{Action, Hub, Limits};

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

impl Server {
    /// The hub has done no more in its last call than a call of this kind may do. Adds it to all that it has done.
    pub(super) fn count_work(&mut self, around: &Around<'_>, units_max: u64) -> Result<(), Violation> {
        let units = self.hub.as_ref().map_or(0, of_last_call);
        self.units += units;
        if units > units_max {
            let detail = format!("one call of the hub did {units} units of work, more than {units_max}");
            return Err(Violation { property: Property::Bounds, detail, at: around.now });
        }
        Ok(())
    }

    /// The next action. A hub that has nothing to do by itself does not, and says nothing of its work.
    pub(super) fn poll(
        &mut self,
        around: &Around<'_>,
        poll_action: impl Fn(&mut Hub) -> Option<Action>,
    ) -> Result<Option<Action>, Violation> {
        let Some(hub) = &mut self.hub else { return Ok(None) };
        let is_behind = hub.is_behind();
        let action = poll_action(hub);
        if is_behind {
            self.count_work(around, of_slice_max(&self.limits))?;
        }
        Ok(action)
    }
}
