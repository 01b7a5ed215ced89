//! Text that is put in as a block.

use std::time::{Duration, Instant};

use super::{Key, named};

/// Bytes of a paste, at the most. What follows until its end is dropped, and told.
pub(crate) const PASTE_BYTES_MAX: usize = 16 << 20;

/// After so long without a byte, a paste is over though the terminal has not ended it.
pub(crate) const PASTE_SILENCE_MAX: Duration = Duration::from_secs(3);

/// How long after that the rest of the paste may come, which a network has held up.
const REST_TIME_MAX: Duration = Duration::from_secs(60);

/// Nobody types so many bytes at once.
const REST_BYTES_MIN: usize = 32;

/// A paste that is not over.
#[derive(Default)]
pub(super) struct Paste {
    text: String,
    is_too_long: bool,
    /// The last was a `\r`, so that a `\n` belongs to it.
    is_after_cr: bool,
    /// When its last byte came.
    pub(super) grown_at: Option<Instant>,
}

impl Paste {
    pub(super) fn push(&mut self, c: char) {
        let is_after_cr = std::mem::replace(&mut self.is_after_cr, c == '\r');
        let c = match c {
            '\n' if is_after_cr => return,
            '\r' => '\n',
            '\n' | '\t' => c,
            // No other control is text.
            c if c.is_control() => return,
            c => c,
        };
        if self.text.len() + c.len_utf8() > PASTE_BYTES_MAX {
            (self.is_too_long, self.text) = (true, String::new());
        }
        if !self.is_too_long {
            self.text.push(c);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// When it is over, whether the terminal has ended it or not.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.grown_at.map(|grown| grown + PASTE_SILENCE_MAX)
    }

    pub(super) fn key(self) -> Key {
        if self.is_too_long { Key::PasteTooLong } else { Key::Paste(self.text) }
    }
}

/// Whether these bytes go on with a paste that was ended so long ago because nothing came. No line of it is sent for an
/// Enter of somebody who sits there.
pub(super) fn is_rest(after: Duration, bytes: &[u8]) -> bool {
    let has_end = || bytes.windows(named::PASTE_END.len()).any(|part| part == named::PASTE_END);
    let is_line = || bytes.len() > 1 && bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    after <= REST_TIME_MAX && (bytes.len() >= REST_BYTES_MIN || is_line() || has_end())
}
