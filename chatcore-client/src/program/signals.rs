//! The signals that the program knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use std::{fs, io, process, thread};

use mio::Waker;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{getpgrp, getpid, getsid};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH};

use crate::program::stop::{END_TIME_MAX, Stop};
use crate::program::terminal::Settings;

/// Comes when a file gets longer than the system allows. The write tells it, too.
const SIGXFSZ: i32 = Signal::SIGXFSZ as i32;

/// All that the program knows. The last two mean nothing to it, and must not end it.
const KNOWN: [i32; 9] = [SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2];

/// Those that ask the program to quit.
const STOPPING: [i32; 4] = [SIGHUP, SIGTERM, SIGINT, SIGQUIT];

/// What signals have asked for. Who does it takes the flag down.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// The program is to quit.
    pub(crate) stop: Stop,
    /// The program is to stop until somebody lets it go on.
    pub(crate) suspend: AtomicBool,
    /// It goes on, and others may have used the terminal.
    pub(crate) resumed: AtomicBool,
    /// The terminal has another size.
    pub(crate) resized: AtomicBool,
}

impl Signals {
    /// Begins to watch, and wakes the waker at each signal. The second that asks the program to quit ends it at once.
    pub(crate) fn watch(waker: Arc<Waker>, settings: Option<Settings>) -> io::Result<Arc<Self>> {
        let ignored = ignored_signals();
        let is_watched = |signal: &i32| ignored >> (signal - 1) & 1 == 0;
        let told = Arc::new(Self::default());
        // The handler itself raises the flag: a line that comes behind Ctrl-C must not be there before it.
        for signal in STOPPING.into_iter().filter(is_watched) {
            signal_hook::flag::register(signal, told.stop.flag())?;
        }
        let mut signals = signal_hook::iterator::Signals::new(KNOWN.into_iter().filter(is_watched))?;
        let telling = Arc::clone(&told);
        thread::Builder::new().name("signals".into()).spawn(move || {
            let mut is_stopping = false;
            for signal in signals.forever() {
                let is_over = telling.tell(signal, &mut is_stopping, settings.as_ref());
                if is_over || waker.wake().is_err() {
                    end(signal, settings.as_ref());
                }
            }
        })?;
        Ok(told)
    }

    /// True if the program is to end at once.
    fn tell(&self, signal: i32, is_stopping: &mut bool, settings: Option<&Settings>) -> bool {
        match signal {
            SIGWINCH => self.resized.store(true, Ordering::Release),
            SIGTSTP => self.suspend.store(true, Ordering::Release),
            SIGCONT => self.resumed.store(true, Ordering::Release),
            SIGUSR1 | SIGUSR2 => {}
            _ if std::mem::replace(is_stopping, true) => {
                // A terminal that is closed says so twice: the system does, and the shell. Nobody is impatient.
                return signal != SIGHUP;
            }
            _ => self.end_in_time(signal, settings.cloned()),
        }
        false
    }

    /// Ends the program if it has not ended by itself by then.
    fn end_in_time(&self, signal: i32, settings: Option<Settings>) {
        let until = self.stop.until(END_TIME_MAX).unwrap_or_else(|| Instant::now() + END_TIME_MAX);
        let waiting = thread::Builder::new().name("end".into()).spawn(move || {
            while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                thread::park_timeout(left);
            }
            end(signal, settings.as_ref());
        });
        // Without the thread, a second signal ends it.
        drop(waiting);
    }

    /// Takes a flag down. True if it was up.
    pub(crate) fn take(flag: &AtomicBool) -> bool {
        flag.swap(false, Ordering::AcqRel)
    }
}

/// From now on a file that gets longer than the system allows is a fault of that file, and not the end of the program.
pub(crate) fn outlive_long_files() -> io::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map(drop)
}

/// Ends the program at once.
fn end(signal: i32, settings: Option<&Settings>) -> ! {
    if let Some(settings) = settings {
        settings.restore_all();
    }
    // As the shell says of programs that a signal has ended.
    process::exit(128 + signal);
}

/// The signals that whoever started the program wants it to ignore, as `nohup` does: the bit of each, from the lowest
/// on. Only Linux tells.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Stops the program until somebody lets it go on. False if nobody could: there is no shell that controls it.
pub(crate) fn stop_here() -> bool {
    // The process group of the one with whom the session began has nobody above it.
    if getsid(None).is_ok_and(|session| session == getpgrp()) {
        return false;
    }
    kill(getpid(), Signal::SIGSTOP).is_ok()
}
