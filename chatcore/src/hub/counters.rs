//! What a hub has done since it was made, in numbers.

use crate::wire::RejectCode;

/// Codes of rejections that are counted apart: those that this version knows, by their numbers.
const CODES: usize = 14;

/// What a hub has done since it was made ([`Hub::counters`](crate::Hub::counters)). All numbers only rise: a program
/// that exports metrics takes them as they are. What there is at present is in [`Hub::memory`](crate::Hub::memory),
/// [`Hub::users`](crate::Hub::users) and their like.
///
/// ```
/// use chatcore::{Hub, Limits, RejectCode};
///
/// let counters = *Hub::new(Limits::default(), [7; 32]).counters();
/// assert_eq!((counters.accepted, counters.rejected(RejectCode::NoSuchUser)), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages of users that were accepted, as far as their senders have been told.
    pub accepted: u64,
    /// Bytes of frames that sessions have sent and the hub has taken.
    pub bytes_in: u64,
    /// Bytes that the transports of sessions have taken.
    pub bytes_out: u64,
    /// Sessions that have begun.
    pub sessions_begun: u64,
    /// Sessions that have ended.
    pub sessions_ended: u64,
    /// How often a session went on with another connection.
    pub resumed: u64,
    /// Sessions that a message of the program to all ([`Audience::All`](crate::Audience::All)) did not come to, because
    /// their outboxes had no room for it, or their clients take none so long.
    pub missed_announcements: u64,
    rejected: [u64; CODES],
}

impl Counters {
    /// Requests that were rejected with this code. Codes that this version does not know are counted together.
    pub fn rejected(&self, code: RejectCode) -> u64 {
        self.rejected[place(code)]
    }

    pub(super) fn reject(&mut self, code: RejectCode) {
        self.rejected[place(code)] += 1;
    }
}

/// Where a code is counted: the first place is for those that are not known.
fn place(code: RejectCode) -> usize {
    let number = usize::from(u16::from(code));
    if number < CODES { number } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_place_of_its_own() {
        let mut counters = Counters::default();
        for code in RejectCode::ALL {
            counters.reject(*code);
        }
        assert!(RejectCode::ALL.iter().all(|code| counters.rejected(*code) == 1), "{counters:?}");
        assert_eq!(counters.rejected(RejectCode::Other(999)), 0);
    }
}
