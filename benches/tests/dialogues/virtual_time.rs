//! Reading and waiting where time is only a number.

use std::time::Duration;

use chatcore::Instant;
use chatcore_bench::conformance::Read;

/// A time that no dialogue counts on, but in which both ends get everything done.
const STEP: Duration = Duration::from_millis(5);

/// What an end in memory has said on one connection.
pub(crate) struct Said<'a> {
    pub(crate) output: &'a mut Vec<u8>,
    pub(crate) is_closed: bool,
}

/// An end in memory.
pub(crate) trait Simulated {
    fn now(&self) -> Instant;
    /// Lets time go on by a step, and what is due happen.
    fn pass(&mut self, step: Duration);
    fn said(&mut self, conn: usize) -> Said<'_>;
}

/// Takes what comes within the time.
pub(crate) fn read(peer: &mut impl Simulated, conn: usize, into: &mut Vec<u8>, time: Duration) -> Read {
    let end = peer.now() + time;
    loop {
        let Said { output, is_closed } = peer.said(conn);
        if !output.is_empty() {
            into.append(output);
            return Read::Bytes;
        }
        if is_closed {
            return Read::Closed;
        }
        if peer.now() >= end {
            return Read::Nothing;
        }
        peer.pass(STEP);
    }
}

/// Lets time pass until something is so. False if it is not within the time.
pub(crate) fn wait_until<P: Simulated>(peer: &mut P, time: Duration, is_so: impl Fn(&P) -> bool) -> bool {
    let end = peer.now() + time;
    while !is_so(peer) {
        if peer.now() >= end {
            return false;
        }
        peer.pass(STEP);
    }
    true
}
