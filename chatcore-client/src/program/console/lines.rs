//! Lines of input, from a thread of their own: a file cannot be waited for together with a socket.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::{thread, vec};

use mio::Waker;

use super::Input;

/// Bytes of a line, at the most: the longest body that any server can allow, and a recipient.
const LINE_BYTES_MAX: usize = (16 << 20) + 1024;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Batches that are read ahead. One is what a buffer holds, and a line of any length that ends there.
const BATCHES_AHEAD: usize = 2;

/// The reading end. Whenever something is sent, the waker is woken.
pub(super) struct Lines {
    receiver: Receiver<Vec<Input>>,
    batch: vec::IntoIter<Input>,
}

impl Lines {
    /// The next input; none if there is none now.
    pub(super) fn poll(&mut self) -> Option<Input> {
        loop {
            if let Some(input) = self.batch.next() {
                return Some(input);
            }
            match self.receiver.try_recv() {
                Ok(batch) => self.batch = batch.into_iter(),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => return Some(Input::End),
            }
        }
    }

    /// Reads standard input.
    pub(super) fn from_stdin(waker: Arc<Waker>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let outlet = Outlet { sender, waker };
        thread::Builder::new().name("input".into()).spawn(move || {
            read_lines(&mut BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock()), &outlet);
        })?;
        Ok(Self { receiver, batch: Vec::new().into_iter() })
    }
}

struct Outlet {
    sender: SyncSender<Vec<Input>>,
    waker: Arc<Waker>,
}

impl Outlet {
    /// False if nobody listens any more.
    fn send(&self, batch: Vec<Input>) -> bool {
        self.sender.send(batch).is_ok() && self.waker.wake().is_ok()
    }
}

fn read_lines(reader: &mut BufReader<impl Read>, outlet: &Outlet) {
    loop {
        let (batch, more) = read_batch(reader);
        if !outlet.send(batch) || !more {
            return;
        }
    }
}

/// The lines that can be had without waiting for more than the first. False if the end is among them.
fn read_batch(reader: &mut BufReader<impl Read>) -> (Vec<Input>, bool) {
    let mut batch = Vec::new();
    loop {
        match read_line(reader) {
            Ok(Some(input)) => batch.push(input),
            Ok(None) => {
                batch.push(Input::End);
                return (batch, false);
            }
            Err(error) => {
                let detail = format!("cannot read the input: {error}");
                batch.extend([Input::Unusable { reason: "input", detail }, Input::End]);
                return (batch, false);
            }
        }
        if !reader.buffer().contains(&b'\n') {
            return (batch, true);
        }
    }
}

/// A line without its end; none at the end of the input.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Input>> {
    let mut line = Vec::new();
    let limit = LINE_BYTES_MAX as u64 + 1;
    if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if line.len() > LINE_BYTES_MAX {
        reader.skip_until(b'\n')?;
        let detail = format!("a line of more than {LINE_BYTES_MAX} bytes is too long to be a command");
        return Ok(Some(Input::Unusable { reason: "line_too_long", detail }));
    }
    Ok(Some(match String::from_utf8(line) {
        Ok(line) => Input::Line(line),
        Err(_) => Input::Unusable { reason: "not_utf8", detail: "a command must be UTF-8 text".into() },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn told(batch: Vec<Input>) -> Vec<String> {
        let tell = |input| match input {
            Input::Line(line) => line,
            Input::Unusable { reason, .. } => format!("<{reason}>"),
            Input::End => "<end>".into(),
            other => unreachable!("{other:?}"),
        };
        batch.into_iter().map(tell).collect()
    }

    fn all(bytes: &[u8]) -> Vec<String> {
        let mut reader = BufReader::new(bytes);
        let mut all = Vec::new();
        loop {
            let (batch, more) = read_batch(&mut reader);
            all.extend(told(batch));
            if !more {
                return all;
            }
        }
    }

    #[test]
    fn lines_end_with_a_newline_or_the_input() {
        assert_eq!(all(b"a\r\nb\n\nc"), ["a", "b", "", "c", "<end>"]);
        assert_eq!(all(b""), ["<end>"]);
    }

    #[test]
    fn lines_that_cannot_be_used_are_told_and_skipped() {
        let mut bytes = vec![b'x'; 3 * LINE_BYTES_MAX];
        bytes.extend(b"\nnext\n\xff\nlast");
        assert_eq!(all(&bytes), ["<line_too_long>", "next", "<not_utf8>", "last", "<end>"]);
    }

    #[test]
    fn a_line_does_not_wait_for_the_next_to_be_whole() {
        // A pipe gives its reader what was written to it, piece by piece.
        let mut reader = BufReader::new(Cursor::new(b"one\ntwo\nthr").chain(Cursor::new(b"ee\n")));
        assert_eq!(told(read_batch(&mut reader).0), ["one", "two"]);
        assert_eq!(told(read_batch(&mut reader).0), ["three"]);
    }
}
