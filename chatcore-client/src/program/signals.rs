//! The signals that the program knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, process, thread};

use mio::Waker;
use signal_hook::consts::{SIGINT, SIGTERM, SIGWINCH};

use crate::program::terminal::Settings;

/// What signals have asked for.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// The program is to quit.
    pub(crate) stop: AtomicBool,
}

impl Signals {
    /// Begins to watch, and wakes the waker at each signal. The second that asks the program to quit ends it at once.
    pub(crate) fn watch(waker: Arc<Waker>, settings: Option<Settings>) -> io::Result<Arc<Self>> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGWINCH])?;
        let told = Arc::new(Self::default());
        let telling = Arc::clone(&told);
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                let is_stop = signal != SIGWINCH;
                if is_stop && telling.stop.swap(true, Ordering::AcqRel) || waker.wake().is_err() {
                    if let Some(settings) = &settings {
                        settings.restore();
                    }
                    // As the shell says of programs that a signal has ended.
                    process::exit(128 + signal);
                }
            }
        })?;
        Ok(told)
    }
}
