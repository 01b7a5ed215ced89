//! What must hold of the hub after every step.

use alloc::format;

use super::{Around, Server};
use crate::Hub;
use crate::sim::violation::{Property, Violation};

/// What a session holds below this is not counted for its origin, and does not end it.
const GRANULE_BYTES: u64 = 4_096;

impl Server {
    pub(super) fn check_bounds(&self, around: &Around<'_>) -> Result<(), Violation> {
        let Some(hub) = &self.hub else { return Ok(()) };
        let limits = &self.limits;
        let violation = |detail| Err(Violation { property: Property::Bounds, detail, at: around.now });
        // The reserve of a quarter, and the one frame that shows that it is used up.
        let outbox_max = limits.outbox_bytes_max as usize / 4 * 5 + limits.frame_bytes_max() as usize * 2;
        for (conn, wire) in &self.wires {
            let bytes: usize = hub.transmit(*conn).bytes();
            if bytes > outbox_max {
                return violation(format!("{bytes} bytes wait for {wire}"));
            }
        }
        if let Err(detail) = hub.audit() {
            return violation(detail);
        }
        if hub.users() > limits.users_max as usize || hub.rooms() > limits.rooms_max as usize {
            return violation(format!("{} users, {} rooms", hub.users(), hub.rooms()));
        }
        let (detached, living) = (around.oracle.detached(), around.oracle.living() + self.strangers);
        if detached > limits.detached_max as usize {
            return violation(format!("{detached} sessions are detached"));
        }
        self.check_memory(around, hub)?;
        if hub.poll_timeout().is_none_or(|due| due > around.now) {
            around.oracle.check_stalls()?;
        }
        if living != hub.users() {
            return violation(format!("{} names are held, {living} by what was told", hub.users()));
        }
        Ok(())
    }

    /// When the hub has nothing to do at once, its peers make it keep no more than they may, and each origin no more than
    /// its share and an eighth, beside its session that will be ended next. What is only looked at in whole granules comes
    /// on top.
    fn check_memory(&self, around: &Around<'_>, hub: &Hub) -> Result<(), Violation> {
        if hub.is_behind() {
            return Ok(());
        }
        let limits = &self.limits;
        let violation = |detail| Err(Violation { property: Property::Bounds, detail, at: around.now });
        let outbox_max = limits.outbox_bytes_hard_max() as u64 + 2 * u64::from(limits.frame_bytes_max());
        let slack = |sessions: usize| outbox_max + GRANULE_BYTES * sessions as u64;
        // What closing connections share is counted for each of them, so that nothing may seem to be left for others.
        let memory = hub.memory();
        let is_counted_once = memory.outboxes + memory.detached > 0;
        let (total_max, total_slack) = (limits.buffer_bytes_max, slack(hub.users() + hub.connections()));
        if is_counted_once && memory.total() > total_max + total_slack {
            return violation(format!("{memory:?} is kept, more than {total_max} and {total_slack}"));
        }
        let (bytes, share_max) = (hub.most_bytes_of_origin(), limits.origin_buffer_bytes_max / 8 * 9 + GRANULE_BYTES);
        if bytes > share_max {
            return violation(format!("{bytes} bytes count for one origin, more than {share_max}"));
        }
        Ok(())
    }
}
