//! The terminal's settings, to be put back: the line editor changes them, and cannot put them back when
//! the program ends in the middle of a line.

use std::io::{self, Write, stdin, stdout};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Ends what an editor may have begun, a synchronised update and bracketed paste, and takes its line away.
const END_EDITING: &str = "\x1b[?2026l\x1b[?2004l\r\x1b[K";

/// Asks for a line that the terminal does not show.
///
/// # Errors
///
/// If there is no terminal, or the person interrupts it, or ends the input.
pub(crate) fn ask_secret(prompt: &str) -> io::Result<Zeroizing<String>> {
    let _quiet = Quiet::start()?;
    rpassword::prompt_password(prompt).map(Zeroizing::new)
}

/// The terminal shows nothing of what is typed, from before the prompt on: somebody may be quick. Ctrl-C is read like any
/// key, and counts after the terminal is as it was.
struct Quiet(Option<Termios>);

impl Quiet {
    fn start() -> io::Result<Self> {
        // What reads the line raises the signal of a Ctrl-C itself.
        SigSet::from(Signal::SIGINT).thread_block()?;
        let before = tcgetattr(stdin()).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_flags -= LocalFlags::ECHO | LocalFlags::ISIG;
            // What reads the line does the same, a little later.
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &quiet);
        }
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, before);
        }
        let _ = SigSet::from(Signal::SIGINT).thread_unblock();
    }
}

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
