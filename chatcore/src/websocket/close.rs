//! Why a WebSocket ends.

use alloc::string::String;
use core::fmt;

/// A code that says why a WebSocket ends (RFC 6455, 7.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// All is done.
    pub const NORMAL: Self = Self(1000);
    /// A server stops, or a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the WebSocket protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The peer sent a kind of message that is not taken here: text, where a stream of bytes is spoken.
    pub const UNSUPPORTED: Self = Self(1003);
    /// The peer sent text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// The peer did what a rule of this end forbids.
    pub const POLICY: Self = Self(1008);
    /// A message is longer than this end takes.
    pub const TOO_LONG: Self = Self(1009);
    /// Something failed at the end that closes.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server starts again: come back later.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server has too much to do: come back later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// The code with this number. None if a close frame must not hold it: it is below 1000 or above 4999, says
    /// something about frames that were never sent (1005, 1006, 1015), or is not assigned.
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(number)),
            _ => None,
        }
    }

    /// Its number on the wire.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the peer said when it closed the WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// Why; none if it gave no code.
    pub code: Option<CloseCode>,
    /// Its own words, at most [`REASON_BYTES_MAX`] bytes.
    pub reason: String,
}

/// The longest reason of a close frame: it has 125 bytes, and two of them are the code.
pub const REASON_BYTES_MAX: usize = 123;

/// The start of a reason that a close frame can hold.
pub(super) fn cut_reason(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_a_frame_may_hold_can_be_made() {
        for number in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999] {
            assert_eq!(CloseCode::new(number).map(CloseCode::get), Some(number));
        }
        for number in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
            assert_eq!(CloseCode::new(number), None, "{number}");
        }
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let reason = "é".repeat(REASON_BYTES_MAX);
        assert_eq!(cut_reason(&reason).len(), REASON_BYTES_MAX - 1);
        assert_eq!(cut_reason("short"), "short");
    }
}
