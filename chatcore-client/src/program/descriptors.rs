//! Standard input, output and error as others have left them: they may not block, and whoever is at the other end may
//! be gone.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Waits where a descriptor that was made non-blocking does not: another program may share it, so it stays as it is.
pub(crate) struct Patient(File);

impl Patient {
    /// # Errors
    ///
    /// If there is no descriptor to be had.
    pub(crate) fn of(shared: impl AsFd) -> io::Result<Self> {
        Ok(Self(File::from(shared.as_fd().try_clone_to_owned()?)))
    }

    /// Whether something is there to be read.
    pub(crate) fn has_come(&self) -> bool {
        is_readable(self)
    }

    fn wait(&self, events: PollFlags) -> io::Result<()> {
        poll(&mut [PollFd::new(self.0.as_fd(), events)], PollTimeout::NONE)?;
        Ok(())
    }
}

impl AsFd for Patient {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::POLLIN)?,
                outcome => return outcome,
            }
        }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(PollFlags::POLLOUT)?,
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether there is something to be read now, be it the end.
pub(crate) fn is_readable(input: impl AsFd) -> bool {
    let mut polled = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, PollTimeout::ZERO).is_ok_and(|count| count > 0)
}

/// Writes the last words of a program that is about to end, which waits for nobody for longer than this.
pub(crate) fn write_within(time_max: Duration, output: impl AsFd, words: Vec<u8>) {
    let Ok(mut output) = Patient::of(output) else { return };
    let (written, is_written) = channel();
    let writing = thread::Builder::new().spawn(move || {
        // If nobody is there to read it, nothing can be done about it.
        let _ = output.write_all(&words);
        let _ = written.send(());
    });
    if writing.is_ok() {
        let _ = is_written.recv_timeout(time_max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    /// P8 of the faults that were found.
    #[test]
    fn a_descriptor_that_does_not_block_is_waited_for() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut patient = Patient::of(&ours).unwrap();
        // More than the socket holds.
        let text = vec![b'x'; 4 << 20];
        thread::scope(|scope| {
            let writing = scope.spawn(|| patient.write_all(&text));
            let mut taken = vec![0; text.len()];
            theirs.read_exact(&mut taken).unwrap();
            writing.join().unwrap().unwrap();
        });
        thread::scope(|scope| {
            let reading = scope.spawn(|| patient.read(&mut [0; 9]));
            theirs.write_all(b"late").unwrap();
            assert_eq!(reading.join().unwrap().unwrap(), 4);
        });
    }

    #[test]
    fn what_can_be_read_is_known_without_waiting() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        assert!(!is_readable(&ours));
        theirs.write_all(b"x").unwrap();
        assert!(is_readable(&ours));
        drop(theirs);
        assert!(is_readable(&ours), "nor is the end waited for");
    }

    #[test]
    fn last_words_are_not_waited_for_for_ever() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        write_within(Duration::from_secs(60), &ours, b"last words".to_vec());
        let mut words = [0; 10];
        theirs.read_exact(&mut words).unwrap();
        assert_eq!(&words, b"last words");
        // Nobody reads these, and the call returns.
        write_within(Duration::from_millis(1), &ours, vec![b'x'; 4 << 20]);
    }
}
