//! What is typed, from a thread of its own: a terminal cannot always be waited for together with a socket.

use std::io::{ErrorKind, Read, stdin};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};
use std::{io, thread};

use mio::Waker;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

use crate::program::stop::{LOOK_TIME, Stop};

/// Bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// Reads that wait until they are used.
const READS_AHEAD: usize = 4;

/// The end that is read from. The waker is woken whenever there is something.
pub(super) struct Typed(pub(super) Receiver<(Instant, Vec<u8>)>);

/// What comes next.
pub(super) enum Next {
    /// These bytes came at that time.
    Bytes { at: Instant, bytes: Vec<u8> },
    /// Nothing now.
    Nothing,
    /// Nothing more: the terminal is gone.
    End,
}

impl Typed {
    /// Reads standard input.
    pub(super) fn start(waker: Arc<Waker>) -> io::Result<Self> {
        let (sender, typed) = sync_channel(READS_AHEAD);
        thread::Builder::new().name("input".into()).spawn(move || {
            read_all(stdin().lock(), &sender, &waker);
            drop(sender);
            let _ = waker.wake();
        })?;
        Ok(Self(typed))
    }

    pub(super) fn next(&self) -> Next {
        match self.0.try_recv() {
            Ok((at, bytes)) => Next::Bytes { at, bytes },
            Err(TryRecvError::Empty) => Next::Nothing,
            Err(TryRecvError::Disconnected) => Next::End,
        }
    }

    /// The same, and waits for it until then, or until a signal asks for the end.
    pub(super) fn next_until(&self, until: Instant, stop: &Stop) -> Next {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = if stop.is_asked() { Duration::ZERO } else { left };
            match self.0.recv_timeout(left.min(LOOK_TIME)) {
                Ok((at, bytes)) => return Next::Bytes { at, bytes },
                Err(RecvTimeoutError::Disconnected) => return Next::End,
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Next::Nothing,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Reads until nothing more comes, or nobody wants it.
fn read_all(mut input: impl Read + AsFd, sender: &SyncSender<(Instant, Vec<u8>)>, waker: &Waker) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                if sender.send((Instant::now(), buffer[..count].to_vec())).is_err() || waker.wake().is_err() {
                    return;
                }
            }
            // Somebody else made it so that it does not wait.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // What is wrong with it, the next read tells.
                let _ = poll(&mut [PollFd::new(input.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Token};
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::Ordering;

    #[test]
    fn an_input_that_does_not_wait_is_waited_for_and_its_end_is_seen() {
        let waker = Waker::new(Poll::new().unwrap().registry(), Token(0)).unwrap();
        let (mut keyboard, input) = UnixStream::pair().unwrap();
        input.set_nonblocking(true).unwrap();
        let (sender, receiver) = sync_channel(READS_AHEAD);
        let reading = thread::spawn(move || read_all(input, &sender, &waker));
        for text in [b"one", b"two"] {
            keyboard.write_all(text).unwrap();
            assert_eq!(receiver.recv().unwrap().1, text);
        }
        drop(keyboard);
        assert!(receiver.recv().is_err());
        reading.join().unwrap();
    }

    /// Who waits for the terminal's answer waits no longer than a signal lets him.
    #[test]
    fn a_signal_ends_the_wait_for_what_is_typed() {
        let (sender, typed) = sync_channel(READS_AHEAD);
        let typed = Typed(typed);
        // Longer than any machine takes for the rest of this.
        let until = Instant::now() + Duration::from_secs(60);
        assert!(matches!(typed.next_until(until, &Stop::asked()), Next::Nothing));
        let stop = Stop::default();
        let flag = stop.flag();
        let asking = thread::spawn(move || flag.store(true, Ordering::Release));
        assert!(matches!(typed.next_until(until, &stop), Next::Nothing));
        asking.join().unwrap();
        assert!(Instant::now() < until);
        // What is there is taken all the same, and a wait that nobody ends has its own end.
        sender.send((Instant::now(), b"x".to_vec())).unwrap();
        assert!(matches!(typed.next_until(until, &stop), Next::Bytes { bytes, .. } if bytes == b"x"));
        let until = Instant::now() + 2 * LOOK_TIME;
        assert!(matches!(typed.next_until(until, &Stop::default()), Next::Nothing));
        assert!(Instant::now() >= until);
        drop(sender);
        assert!(matches!(typed.next_until(until, &stop), Next::End));
    }
}
