//! The terminal's settings, to be put back: the line editor changes them, and cannot put them back when
//! the program ends in the middle of a line.

use std::io::{Write, stdin, stdout};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

/// Ends what an editor may have begun, a synchronised update and bracketed paste, and takes its line away.
const END_EDITING: &str = "\x1b[?2026l\x1b[?2004l\r\x1b[K";

/// The settings as they were. They are put back when the value is dropped, also by a panic.
#[derive(Clone)]
pub(crate) struct Settings(Termios);

impl Settings {
    /// None if there is no terminal.
    pub(crate) fn save() -> Option<Self> {
        tcgetattr(stdin()).ok().map(Self)
    }

    /// Puts them back, if they are changed.
    pub(crate) fn restore(&self) {
        // If the terminal is gone, so is what there was to restore.
        if tcgetattr(stdin()).is_ok_and(|now| now != self.0) {
            let _ = stdout().write_all(END_EDITING.as_bytes()).and_then(|()| stdout().flush());
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.0);
        }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        self.restore();
    }
}
