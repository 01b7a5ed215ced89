//! The terminal's settings, to be put back: the full screen changes them, and so does a line that is not shown.

use std::io::{self, stdin};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{LocalFlags, SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Asks for a line that the terminal does not show, before anything else reads from it.
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

/// As long as this lives, the terminal does not show what is typed.
pub(crate) struct Hidden(Termios);

impl Hidden {
    /// None if there is no terminal. What was typed and not read is dropped.
    pub(crate) fn start() -> Option<Self> {
        let before = tcgetattr(stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_flags -= LocalFlags::ECHO;
        // Dropped is what somebody typed who did not know what would be asked.
        tcsetattr(stdin(), SetArg::TCSAFLUSH, &hidden).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.0);
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

    /// From now on each key is read as it is pressed, and none has an effect of its own.
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub(crate) fn make_raw(&self) -> io::Result<()> {
        let mut raw = self.0.clone();
        cfmakeraw(&mut raw);
        Ok(tcsetattr(stdin(), SetArg::TCSANOW, &raw)?)
    }

    /// Puts them back, if they are changed.
    pub(crate) fn restore(&self) {
        // If the terminal is gone, so is what there was to restore.
        if tcgetattr(stdin()).is_ok_and(|now| now != self.0) {
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.0);
        }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        self.restore();
    }
}
