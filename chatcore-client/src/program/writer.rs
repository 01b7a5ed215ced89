//! Text for whatever reads our output, written by a thread of its own.
//!
//! The reader may stop at any time, for as long as it likes, and a write waits for it. The program's loop must not: it
//! has a socket to serve. So it hands its text over, and learns how much of it is written. The thread also watches
//! whether the reader is still there, when there is nothing to write.

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use mio::Waker;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::program::descriptors::Patient;
use crate::program::stop::{OUTPUT_TIME_MAX, SCREEN_TIME_MAX, Stop, wait_for};

/// Bytes that may wait to be written before [`Writer::has_room`] says no.
const WAITING_BYTES_MAX: usize = 64 << 10;

/// The loop's end: takes text, and never waits.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// Wakes the thread.
    bell: PipeWriter,
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
    /// The bell was rung, and the thread has not come yet.
    is_rung: bool,
    /// Bytes that the output has taken.
    written: u64,
    /// It takes no more.
    has_failed: bool,
    /// Why, until that is told.
    error: Option<io::Error>,
}

impl Writer {
    /// The waker is woken whenever something is written, and when nothing can be any more.
    pub(crate) fn start(output: impl AsFd, waker: Arc<Waker>) -> io::Result<Self> {
        let output = Patient::of(output)?;
        let (heard, bell) = pipe()?;
        let shared = Arc::<Shared>::default();
        let writing = Arc::clone(&shared);
        thread::Builder::new().name("output".into()).spawn(move || writing.write(output, heard, &waker))?;
        Ok(Self { shared, bell, handed: 0 })
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
        let is_rung = std::mem::replace(&mut state.is_rung, true);
        drop(state);
        if !is_rung {
            // If the thread is gone, it has told why.
            let _ = self.bell.write_all(&[0]);
        }
    }

    /// Whether everything is written.
    pub(crate) fn is_idle(&self) -> bool {
        self.written() == self.handed
    }

    /// Whether the reader keeps up.
    pub(crate) fn has_room(&self) -> bool {
        self.shared.lock().waiting.len() < WAITING_BYTES_MAX
    }

    /// Bytes that were handed over, and not taken by the output.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.handed - self.written()
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
        let until = Instant::now() + SCREEN_TIME_MAX;
        self.finish_by(|| Some(until))
    }

    /// Waits until everything is written; after a signal, not for ever.
    pub(crate) fn finish(&self, stop: &Stop) -> io::Result<()> {
        self.finish_by(|| stop.until(OUTPUT_TIME_MAX))
    }

    /// Waits until everything is written, or until the time that is told, as soon as there is one.
    fn finish_by(&self, told: impl Fn() -> Option<Instant>) -> io::Result<()> {
        let is_done = |state: &State| state.written >= self.handed || state.has_failed;
        if !wait_for(&self.shared.changed, self.shared.lock(), None, told, is_done) {
            return Ok(());
        }
        self.check()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No state in between is visible outside of the lock, so a panic elsewhere changes nothing here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut output: Patient, mut heard: PipeReader, waker: &Waker) {
        let mut lines = Vec::new();
        loop {
            let outcome = await_bell(&output, &mut heard).and_then(|()| {
                let mut state = self.lock();
                state.is_rung = false;
                // What the loop adds meanwhile waits in the other buffer.
                std::mem::swap(&mut state.waiting, &mut lines);
                drop(state);
                output.write_all(&lines)
            });
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

/// Waits until there is something to write. Fails if nobody reads the output any more, or has anything to write.
fn await_bell(output: &Patient, heard: &mut PipeReader) -> io::Result<()> {
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP;
    loop {
        let mut watched = [
            PollFd::new(heard.as_fd(), PollFlags::POLLIN),
            // That nobody reads is told without being asked for.
            PollFd::new(output.as_fd(), PollFlags::empty()),
        ];
        match poll(&mut watched, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let [bell, written_to] = watched.map(|watched| watched.revents().unwrap_or(PollFlags::empty()));
        if written_to.intersects(gone) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        // Some systems cannot watch every terminal, and say so.
        if !bell.is_empty() || !written_to.is_empty() {
            return heard.read_exact(&mut [0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll, Token};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    /// After which a test fails that waits for something.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// The loop keeps its waker.
    fn started(output: impl AsFd) -> (Writer, Poll, Arc<Waker>) {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        (Writer::start(output, Arc::clone(&waker)).unwrap(), poll, waker)
    }

    /// Waits until the loop is woken and the output takes no more.
    fn failure(writer: &Writer, poll: &mut Poll) -> io::Error {
        loop {
            if let Err(error) = writer.check() {
                return error;
            }
            let mut events = Events::with_capacity(1);
            poll.poll(&mut events, Some(PATIENCE)).unwrap();
            assert!(!events.is_empty(), "nothing is told");
        }
    }

    #[test]
    fn what_the_output_has_not_taken_is_not_written_and_the_loop_never_waits() {
        for is_blocking in [true, false] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            ours.set_nonblocking(!is_blocking).unwrap();
            let (mut writer, mut poll, _waker) = started(&ours);
            drop(ours);
            writer.write_line("one");
            let mut line = [0; 4];
            theirs.read_exact(&mut line).unwrap();
            assert_eq!(&line, b"one\n");
            // More than the socket holds.
            let much = "x".repeat(8 << 20);
            writer.write_line(&much);
            while writer.has_room() {
                writer.write_line("more");
            }
            assert!(writer.written() <= 4, "nobody has taken the rest");
            writer.finish(&Stop::asked()).unwrap();
            assert!(!writer.is_idle(), "nobody waits for ever for a reader, once a signal came");

            let mut rest = vec![0; usize::try_from(writer.handed()).unwrap() - 4];
            theirs.read_exact(&mut rest).unwrap();
            writer.finish(&Stop::default()).unwrap();
            assert!(writer.is_idle() && writer.has_room());
            drop(theirs);
            assert_eq!(failure(&writer, &mut poll).kind(), ErrorKind::BrokenPipe);
        }
    }

    /// P8 of the faults that were found.
    #[test]
    fn a_reader_that_goes_is_noticed_when_there_is_nothing_to_write() {
        let (theirs, ours) = pipe().unwrap();
        let (mut writer, mut poll, _waker) = started(&ours);
        writer.write_line("one");
        writer.finish(&Stop::default()).unwrap();
        drop(theirs);
        assert_eq!(failure(&writer, &mut poll).kind(), ErrorKind::BrokenPipe);
    }
}
