//! The terminal's settings, to be put back: the full screen changes them, and so does a line that is not shown.

use std::io::{self, Read, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::termios::{
    FlushArg, LocalFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcflush, tcgetattr, tcsetattr,
};
use nix::unistd::{getpgrp, tcgetpgrp};
use zeroize::Zeroizing;

use crate::program::descriptors::{Patient, write_within};

/// What leaves the full screen, whatever was begun on it.
pub(crate) const LEAVE_FULL_SCREEN: &[u8] =
    b"\x1b[?2026l\x1b[?7h\x1b[8h\x1b[?1004l\x1b[?1006l\x1b[?1002l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";

const CTRL_H: u8 = 0x08;

/// How long the terminal may take for that, when the program ends at once.
const LEAVE_TIME_MAX: Duration = Duration::from_millis(50);

/// Asks for a line that the terminal does not show, before anything else reads from it.
///
/// # Errors
///
/// If there is no terminal, or the person interrupts it, or ends the input.
pub(crate) fn ask_secret(prompt: &str) -> io::Result<Zeroizing<String>> {
    let _quiet = Quiet::start()?;
    rpassword::prompt_password(prompt).map(Zeroizing::new)
}

/// The terminal shows nothing of what is typed, from before the prompt on: somebody may be quick. Ctrl-C is read like
/// any key, and counts after the terminal is as it was.
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

/// Whether another program has the terminal. Who reads from it or changes it then is stopped by the system.
pub(crate) fn is_in_background() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|foreground| foreground != getpgrp())
}

/// How often one who waits in the background looks whether it is in the foreground again.
const FOREGROUND_LOOK_TIME: Duration = Duration::from_millis(200);

/// What is typed at the terminal. It waits while another program has the terminal, and stops nobody.
pub(crate) struct TerminalReader {
    input: Patient,
    is_begun: bool,
}

impl TerminalReader {
    /// # Errors
    ///
    /// If there is no standard input.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { input: Patient::of(stdin())?, is_begun: false })
    }

    /// Whether something is there to be read: line by line, a line that is complete.
    pub(crate) fn has_come(&self) -> bool {
        self.input.has_come()
    }
}

impl Read for TerminalReader {
    /// One thread alone may call this, and it must do nothing else.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !std::mem::replace(&mut self.is_begun, true) {
            // Without the signal, the system returns an error.
            SigSet::from(Signal::SIGTTIN).thread_block()?;
        }
        loop {
            match self.input.read(buffer) {
                Err(error) if error.raw_os_error() == Some(Errno::EIO as i32) && is_in_background() => {
                    thread::park_timeout(FOREGROUND_LOOK_TIME);
                }
                outcome => return outcome,
            }
        }
    }
}

/// As long as this lives, the terminal does not show what is typed.
pub(crate) struct Hidden(Termios);

impl Hidden {
    /// None if there is no terminal, or another program has it. What was typed and not read is dropped.
    pub(crate) fn start() -> Option<Self> {
        if is_in_background() {
            return None;
        }
        let before = tcgetattr(stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_flags -= LocalFlags::ECHO;
        // One call that does both would wait for the terminal to take what is written.
        tcsetattr(stdin(), SetArg::TCSANOW, &hidden).ok()?;
        // Dropped is what somebody typed who did not know what would be asked.
        let _ = tcflush(stdin(), FlushArg::TCIFLUSH);
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if !is_in_background() {
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.0);
        }
    }
}

/// The settings as they were. They are put back when the value is dropped, also by a panic.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    before: Termios,
    /// The terminal is raw, for the full screen.
    is_raw: Arc<AtomicBool>,
}

impl Settings {
    /// None if there is no terminal.
    pub(crate) fn save() -> Option<Self> {
        tcgetattr(stdin()).ok().map(|before| Self { before, is_raw: Arc::default() })
    }

    /// Backspace sends `^H`, and not `^?` as on most terminals.
    pub(crate) fn backspace_is_ctrl_h(&self) -> bool {
        self.before.control_chars[SpecialCharacterIndices::VERASE as usize] == CTRL_H
    }

    /// From now on each key is read as it is pressed, and none has an effect of its own.
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub(crate) fn make_raw(&self) -> io::Result<()> {
        let mut raw = self.before.clone();
        cfmakeraw(&mut raw);
        self.is_raw.store(true, Ordering::Release);
        Ok(tcsetattr(stdin(), SetArg::TCSANOW, &raw)?)
    }

    /// Puts them back, if they are changed.
    pub(crate) fn restore(&self) {
        self.is_raw.store(false, Ordering::Release);
        if is_in_background() {
            return;
        }
        // If the terminal is gone, so is what there was to restore.
        if tcgetattr(stdin()).is_ok_and(|now| now != self.before) {
            let _ = tcsetattr(stdin(), SetArg::TCSANOW, &self.before);
        }
    }

    /// Puts them back, and leaves the full screen if nobody else has: the program ends at once.
    pub(crate) fn restore_all(&self) {
        if self.is_raw.load(Ordering::Acquire) {
            write_within(LEAVE_TIME_MAX, stdout(), LEAVE_FULL_SCREEN.to_vec());
        }
        self.restore();
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        self.restore();
    }
}
