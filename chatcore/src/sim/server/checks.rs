//! What must hold of the hub after every step.

use alloc::format;

use super::{Around, Server};
use crate::sim::broken::{Broken, Promise};

impl Server {
    pub(super) fn check_bounds(&self, around: &Around<'_>) -> Result<(), Broken> {
        let Some(hub) = &self.hub else { return Ok(()) };
        let limits = &self.limits;
        let broken = |detail| Err(Broken { promise: Promise::Bounds, detail, at: around.now });
        // The reserve of a quarter, and the one frame that shows that it is used up.
        let outbox_max = limits.outbox_bytes_max as usize / 4 * 5 + limits.frame_bytes_max() as usize * 2;
        for (conn, wire) in &self.wires {
            let bytes: usize = hub.transmit(*conn).map(<[u8]>::len).sum();
            if bytes > outbox_max {
                return broken(format!("{bytes} bytes wait for {wire}"));
            }
        }
        if let Err(detail) = hub.audit() {
            return broken(detail);
        }
        if hub.users() > limits.users_max as usize || hub.rooms() > limits.rooms_max as usize {
            return broken(format!("{} users, {} rooms", hub.users(), hub.rooms()));
        }
        let (detached, living) = (around.ledger.detached(), around.ledger.living() + self.strangers);
        if detached > limits.detached_max as usize {
            return broken(format!("{detached} sessions are detached"));
        }
        if living != hub.users() {
            return broken(format!("{} names are held, {living} by what was told", hub.users()));
        }
        Ok(())
    }
}
