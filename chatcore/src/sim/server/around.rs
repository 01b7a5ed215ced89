//! What a server needs of the rest of the world.

use crate::sim::links::Links;
use crate::sim::network::{End, WireId};
use crate::sim::oracle::Oracle;
use crate::sim::trace::Trace;
use crate::{Chunks, Instant};

/// What a step of the server needs of the rest of the world.
pub(in crate::sim) struct Around<'a> {
    pub(in crate::sim) now: Instant,
    pub(in crate::sim) network: &'a mut Links,
    pub(in crate::sim) oracle: &'a mut Oracle,
    pub(in crate::sim) trace: &'a mut Trace,
}

impl Around<'_> {
    /// Writes as much as the network takes: how many bytes those are, and whether they are all. Somebody reads along.
    pub(in crate::sim) fn write(
        &mut self,
        wire: WireId,
        end: End,
        chunks: Chunks<'_>,
        mut read_along: impl FnMut(&[u8]),
    ) -> (usize, bool) {
        let mut taken = 0;
        for chunk in chunks {
            let of_chunk = self.network.write(self.now, wire, end, chunk);
            self.trace.bytes(self.now, wire, &chunk[..of_chunk]);
            read_along(&chunk[..of_chunk]);
            taken += of_chunk;
            if of_chunk < chunk.len() {
                return (taken, false);
            }
        }
        (taken, true)
    }
}
