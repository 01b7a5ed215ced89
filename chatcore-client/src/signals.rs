//! SIGINT and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, process, thread};

use mio::Waker;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::terminal::Settings;

/// Begins to watch. The first signal sets the flag that is returned, and wakes the waker; the second ends the program
/// at once.
pub(crate) fn watch(waker: Arc<Waker>, settings: Option<Settings>) -> io::Result<Arc<AtomicBool>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let signalled = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&signalled);
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if flag.swap(true, Ordering::AcqRel) || waker.wake().is_err() {
                if let Some(settings) = &settings {
                    settings.restore();
                }
                // As the shell says of programs that a signal has ended.
                process::exit(128 + signal);
            }
        }
    })?;
    Ok(signalled)
}
