//! The rest of a sequence that was given up.
//!
//! A network may hold it up for longer than anybody waits for a key. It is no text even then: what can only be the rest
//! goes on with the sequence. What somebody may have typed is typed, above all the sign with which a line names its
//! recipient.

use std::time::{Duration, Instant};

use super::{BEL, ESC, State};

/// How long after it was given up the rest of a sequence is known as that.
const LATE_TIME_MAX: Duration = Duration::from_secs(10);

/// The same after an Esc alone, which most often is a key.
const LATE_ESCAPE_TIME_MAX: Duration = Duration::from_millis(500);

/// What was given up.
pub(super) struct GivenUp {
    state: State,
    at: Instant,
}

impl GivenUp {
    /// None if nothing more belongs to it.
    pub(super) fn new(state: State, at: Instant) -> Option<Self> {
        let is_over = match &state {
            State::Control(begun) => begun.is_whole(),
            State::Text | State::Character { .. } | State::Intermediate(_) => true,
            _ => false,
        };
        (!is_over).then_some(Self { state, at })
    }

    /// What goes on with these bytes, which are the next that come.
    pub(super) fn resumed(self, now: Instant, bytes: &[u8]) -> Option<State> {
        let time_max = if self.state == State::Escape { LATE_ESCAPE_TIME_MAX } else { LATE_TIME_MAX };
        let goes_on = now.saturating_duration_since(self.at) <= time_max && goes_on(&self.state, bytes);
        goes_on.then_some(self.state)
    }
}

fn goes_on(state: &State, bytes: &[u8]) -> bool {
    let Some(&first) = bytes.first() else { return false };
    match state {
        State::Escape => begins_sequence(bytes),
        State::Control(begun) if begun.get().is_empty() => {
            matches!(first, b'0'..=b'9' | b'<'..=b'?' | b'A'..=b'Z' | b'[')
        }
        State::Third(begun) if begun.get().is_empty() => {
            matches!(first, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'd')
        }
        State::Console => first.is_ascii_uppercase(),
        // It was certainly a sequence. A sign that begins a line is the one thing that must not be lost.
        State::Control(_) | State::Third(_) | State::Mouse { .. } => {
            matches!(first, b' '..=b'~') && !matches!(first, b'@' | b'#' | b'/')
        }
        State::String { has_eight_bits, is_ending, .. } => {
            *is_ending && first == b'\\' || has_end_of_string(bytes, *has_eight_bits)
        }
        State::Text | State::Character { .. } | State::Intermediate(_) => false,
    }
}

/// Whether this is most of a sequence, but for its ESC. Who types it does so byte by byte.
fn begins_sequence(bytes: &[u8]) -> bool {
    match bytes {
        [b'[', next, ..] => {
            matches!(next, b'0'..=b'9' | b'<' | b'?' | b'A'..=b'D' | b'F' | b'H' | b'I' | b'M' | b'O' | b'Z')
        }
        [b'O', next, ..] => matches!(next, b'A'..=b'D' | b'F' | b'H' | b'P'..=b'S'),
        [b'P' | b']' | b'_', rest @ ..] => has_end_of_string(rest, false),
        _ => false,
    }
}

fn has_end_of_string(bytes: &[u8], has_eight_bits: bool) -> bool {
    let is_end = |byte: &u8| *byte == BEL || has_eight_bits && *byte == 0x9c;
    bytes.iter().any(is_end) || bytes.windows(2).any(|two| two == [ESC, b'\\'])
}
