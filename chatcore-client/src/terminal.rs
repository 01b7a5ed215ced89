//! The terminal's settings, to be put back: the line editor changes them, and cannot put them back when
//! the program ends in the middle of a line.

use std::io::stdin;

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

pub(crate) struct Settings(Termios);

impl Settings {
    pub(crate) fn save() -> Option<Self> {
        tcgetattr(stdin()).ok().map(Self)
    }

    pub(crate) fn restore(&self) {
        // If the terminal is gone, so is what there was to restore.
        let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &self.0);
    }
}
