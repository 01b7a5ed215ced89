//! Text for whatever reads our output, written by a thread of its own.
//!
//! The reader may stop at any time, for as long as it likes, and a write waits for it. The program's loop must not: it has
//! a socket to serve. So it hands its text over, and learns how much of it is written.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mio::Waker;

/// Bytes that may wait to be written before [`Writer::has_room`] says no.
const WAITING_BYTES_MAX: usize = 64 << 10;

/// How long the reader may take for what is written last, once a signal has asked us to end.
const FINISH_TIME_MAX: Duration = Duration::from_secs(1);

/// How often a writer that finishes looks whether a signal has come.
const FINISH_LOOK_TIME: Duration = Duration::from_millis(100);

/// The loop's end: takes text, and never waits.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// Bytes that were handed over.
    handed: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Bytes that the output has taken.
    written: u64,
    /// It takes no more.
    has_failed: bool,
    /// Why, until that is told.
    error: Option<io::Error>,
}

impl Writer {
    /// The waker is woken whenever something is written, and when nothing can be any more.
    pub(crate) fn start(output: impl Write + Send + 'static, waker: Arc<Waker>) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let writing = Arc::clone(&shared);
        thread::Builder::new().name("output".into()).spawn(move || writing.write(output, &waker))?;
        Ok(Self { shared, handed: 0 })
    }

    /// Writes a line, soon.
    pub(crate) fn write_line(&mut self, line: &str) {
        self.hand_over(&[line.as_bytes(), b"\n"]);
    }

    /// Writes text, soon.
    pub(crate) fn write(&mut self, text: &str) {
        self.hand_over(&[text.as_bytes()]);
    }

    /// Writes bytes, soon.
    pub(crate) fn hand_over(&mut self, pieces: &[&[u8]]) {
        let mut state = self.shared.lock();
        for piece in pieces {
            if !state.has_failed {
                state.waiting.extend_from_slice(piece);
            }
            self.handed += piece.len() as u64;
        }
        self.shared.changed.notify_all();
    }

    /// Whether everything is written.
    pub(crate) fn is_idle(&self) -> bool {
        self.written() == self.handed
    }

    /// Whether the reader keeps up.
    pub(crate) fn has_room(&self) -> bool {
        self.shared.lock().waiting.len() < WAITING_BYTES_MAX
    }

    /// Bytes that were handed over so far.
    pub(crate) const fn handed(&self) -> u64 {
        self.handed
    }

    /// How many of them the output has taken.
    pub(crate) fn written(&self) -> u64 {
        self.shared.lock().written
    }

    /// Fails, once, if the output takes no more.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self.shared.lock().error.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Waits until everything is written, but not for long.
    pub(crate) fn finish_soon(&self) -> io::Result<()> {
        self.finish(&AtomicBool::new(true))
    }

    /// Waits until everything is written; after a signal, not for ever.
    pub(crate) fn finish(&self, signalled: &AtomicBool) -> io::Result<()> {
        let mut until = None;
        let mut state = self.shared.lock();
        while state.written < self.handed && !state.has_failed {
            if signalled.load(Ordering::Acquire) {
                let until = *until.get_or_insert_with(|| Instant::now() + FINISH_TIME_MAX);
                if until <= Instant::now() {
                    return Ok(());
                }
            }
            let waited = self.shared.changed.wait_timeout(state, FINISH_LOOK_TIME);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        self.check()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No state in between is visible outside of the lock, so a panic elsewhere changes nothing here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut output: impl Write, waker: &Waker) {
        let mut lines = Vec::new();
        loop {
            let is_idle = |state: &mut State| state.waiting.is_empty();
            let mut state = self.changed.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
            // What the loop adds meanwhile waits in the other buffer.
            std::mem::swap(&mut state.waiting, &mut lines);
            drop(state);
            let outcome = output.write_all(&lines).and_then(|()| output.flush());
            let mut state = self.lock();
            let has_failed = outcome.is_err();
            match outcome {
                Ok(()) => state.written += lines.len() as u64,
                Err(error) => (state.has_failed, state.error) = (true, Some(error)),
            }
            drop(state);
            lines.clear();
            self.changed.notify_all();
            if waker.wake().is_err() || has_failed {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Token};
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// An output that takes a write only when it is told to.
    struct Slow {
        asks: SyncSender<Vec<u8>>,
        lets: Receiver<io::Result<()>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.asks.send(bytes.to_vec()).map_err(io::Error::other)?;
            self.lets.recv().map_err(io::Error::other)?.map(|()| bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_the_output_has_not_taken_is_not_written_and_the_loop_never_waits() {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let ((asks, asked), (lets_go, lets)) = (sync_channel(0), sync_channel(0));
        let mut writer = Writer::start(Slow { asks, lets }, waker).unwrap();
        writer.write_line("one");
        assert_eq!(asked.recv().unwrap(), b"one\n");
        while writer.has_room() {
            writer.write_line("more");
        }
        assert_eq!(writer.written(), 0, "it is asked for, and not taken");
        lets_go.send(Ok(())).unwrap();
        assert!(asked.recv().unwrap().starts_with(b"more\nmore\n"));
        assert_eq!(writer.written(), 4);
        assert!(writer.handed() > 4 && writer.has_room());

        writer.finish(&AtomicBool::new(true)).unwrap();
        assert_eq!(writer.written(), 4, "nobody waits for ever for a reader, once a signal came");
        lets_go.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        let error = writer.finish(&AtomicBool::new(false)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
