//! The question to the terminal whether its text stands on light or dark.
//!
//! Nothing waits for the answer. Until it comes, and if it never does, colours are such as can be read on both.

use std::time::{Duration, Instant};

use super::background::{Background, CONSOLE, variable};
use super::colours::Colours;

/// Asks the terminal for the colour that it draws text on.
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";

/// How long after the question the answer is waited for before others get the terminal: they would take it for text.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(500);

/// The terminal of Emacs, of which older ones write the question on the screen.
const EMACS: &str = "eterm";

/// The question to the terminal.
pub(super) struct Question {
    is_wanted: bool,
    /// When it was asked, as long as there is no answer.
    asked_at: Option<Instant>,
}

impl Question {
    /// A question that is never asked if the file says the answer, if there are no colours, or if the terminal is known
    /// to answer nothing.
    pub(super) fn new(said: Background, colours: Colours) -> Self {
        let can_answer = can_answer(&variable("TERM").unwrap_or_default());
        Self { is_wanted: said == Background::Unknown && colours != Colours::None && can_answer, asked_at: None }
    }

    /// What asks the terminal; nothing if it is not to be asked.
    pub(super) fn ask(&mut self) -> &'static [u8] {
        self.asked_at = self.is_wanted.then(Instant::now);
        if self.is_wanted { QUESTION } else { b"" }
    }

    /// Nobody waits for the answer any more.
    pub(super) const fn close(&mut self) {
        self.asked_at = None;
    }

    /// Until when whoever leaves the terminal to others waits for the answer; none if nobody waits.
    pub(super) fn until(&self) -> Option<Instant> {
        self.asked_at.map(|asked| asked + ANSWER_TIME_MAX)
    }
}

fn can_answer(term: &str) -> bool {
    !term.starts_with(CONSOLE) && !term.starts_with(EMACS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cannot_answer_is_not_asked() {
        assert!(["xterm-256color", "tmux-256color", "screen", "rxvt"].iter().all(|term| can_answer(term)));
        assert!(!["linux", "linux-16color", "eterm-color"].iter().any(|term| can_answer(term)));
    }
}
