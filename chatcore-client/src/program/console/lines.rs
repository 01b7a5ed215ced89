//! Lines of input, from a thread of their own: a file cannot be waited for together with a socket.

use std::io::{self, BufRead, BufReader, Read, stdin};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Instant;
use std::{thread, vec};

use mio::Waker;

use crate::program::descriptors::Patient;
use crate::program::input::Input;
use crate::program::terminal::TerminalReader;

/// Bytes of a line, at the most: the longest body that any server can allow, and a recipient.
const LINE_BYTES_MAX: usize = (16 << 20) + 1024;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// What a terminal hands over of a line at the most: it throws the rest away. Linux keeps so much; others keep less, or
/// more.
const TERMINAL_LINE_BYTES_MAX: usize = if cfg!(target_os = "linux") { 4095 } else { 1023 };

/// What a file can begin with that says that it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Batches that are read ahead. One is what a buffer holds, and a line of any length that ends there.
const BATCHES_AHEAD: usize = 2;

/// Who writes the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A program, or a file. The last line may lack its end.
    Script,
    /// A person at a terminal, which lets a line be edited and hands it over when it is complete.
    Person,
}

/// What lines are read from.
trait Origin: Read {
    /// Whether something has come that is not read yet, so that nobody knows when it came.
    fn has_come(&self) -> bool {
        false
    }
}

impl Origin for Patient {}

impl Origin for TerminalReader {
    fn has_come(&self) -> bool {
        Self::has_come(self)
    }
}

/// The reading end. Whenever something is sent, the waker is woken.
pub(super) struct Lines {
    receiver: Receiver<Batch>,
    batch: vec::IntoIter<Input>,
    /// What came before is not wanted any more.
    wanted_from: Option<Instant>,
    /// Something was dropped, which nobody was told yet.
    has_dropped: bool,
}

/// Lines that were read at once.
struct Batch {
    /// When they came, or before.
    came_at: Instant,
    inputs: Vec<Input>,
}

impl Lines {
    /// The next input; none if there is none now.
    pub(super) fn poll(&mut self) -> Option<Input> {
        self.fill();
        self.batch.next()
    }

    /// The same, which stays the next.
    pub(super) fn peek(&mut self) -> Option<&Input> {
        self.fill();
        self.batch.as_slice().first()
    }

    /// Takes a batch, if there is one and nothing is left of the one before.
    fn fill(&mut self) {
        while self.batch.as_slice().is_empty() {
            match self.receiver.try_recv() {
                Ok(Batch { came_at, inputs }) => {
                    self.batch = inputs.into_iter();
                    if self.wanted_from.is_some_and(|wanted_from| came_at < wanted_from) {
                        self.drop_batch();
                    }
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.batch = vec![Input::End].into_iter(),
            }
        }
    }

    /// Drops what has come so far, but for the end of the input.
    pub(super) fn drop_what_has_come(&mut self) {
        self.wanted_from = Some(Instant::now());
        self.drop_batch();
    }

    fn drop_batch(&mut self) {
        let (ends, dropped): (Vec<_>, Vec<_>) = self.batch.by_ref().partition(is_end);
        self.has_dropped |= dropped.iter().any(|input| !is_blank(input));
        self.batch = ends.into_iter();
    }

    /// Whether something was dropped since this was asked last.
    pub(super) fn take_dropped(&mut self) -> bool {
        std::mem::take(&mut self.has_dropped)
    }

    /// Reads standard input.
    pub(super) fn from_stdin(source: Source, waker: Arc<Waker>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let outlet = Outlet { sender, waker };
        match source {
            Source::Script => Reader::new(Patient::of(stdin())?, source).start(outlet)?,
            Source::Person => Reader::new(TerminalReader::new()?, source).start(outlet)?,
        }
        Ok(Self::of(receiver))
    }

    fn of(receiver: Receiver<Batch>) -> Self {
        Self { receiver, batch: Vec::new().into_iter(), wanted_from: None, has_dropped: false }
    }
}

const fn is_end(input: &Input) -> bool {
    matches!(input, Input::End)
}

/// Nobody misses it.
fn is_blank(input: &Input) -> bool {
    matches!(input, Input::Line(line) if line.trim().is_empty())
}

struct Outlet {
    sender: SyncSender<Batch>,
    waker: Arc<Waker>,
}

impl Outlet {
    /// False if nobody listens any more.
    fn send(&self, batch: Batch) -> bool {
        self.sender.send(batch).is_ok() && self.waker.wake().is_ok()
    }
}

struct Reader<R> {
    buffer: BufReader<R>,
    source: Source,
    /// Nothing was read yet.
    is_first: bool,
    /// When the last lines came, or before.
    came_at: Instant,
}

impl<R: Origin> Reader<R> {
    fn new(input: R, source: Source) -> Self {
        let buffer = BufReader::with_capacity(BUFFER_BYTES, input);
        Self { buffer, source, is_first: true, came_at: Instant::now() }
    }

    fn start(mut self, outlet: Outlet) -> io::Result<()>
    where
        R: Send + 'static,
    {
        thread::Builder::new().name("input".into()).spawn(move || self.read(&outlet)).map(drop)
    }

    fn read(&mut self, outlet: &Outlet) {
        loop {
            let (batch, more) = self.batch();
            if !outlet.send(batch) || !more {
                return;
            }
        }
    }

    /// The lines that can be had without waiting for more than the first. False if the end is among them.
    fn batch(&mut self) -> (Batch, bool) {
        // What is there already may have come with the lines before it, while those waited to be taken.
        let is_awaited = self.buffer.buffer().is_empty() && !self.buffer.get_ref().has_come();
        let mut line = self.line();
        if is_awaited {
            self.came_at = Instant::now();
        }
        let mut batch = Batch { came_at: self.came_at, inputs: Vec::new() };
        loop {
            match line {
                Ok(Some(input)) => batch.inputs.push(input),
                Ok(None) => {
                    batch.inputs.push(Input::End);
                    return (batch, false);
                }
                Err(error) => {
                    let detail = format!("cannot read the input: {error}");
                    batch.inputs.extend([Input::Unusable { reason: "input", detail }, Input::End]);
                    return (batch, false);
                }
            }
            if !self.buffer.buffer().contains(&b'\n') {
                return (batch, true);
            }
            line = self.line();
        }
    }

    /// A line without its end; none at the end of the input.
    fn line(&mut self) -> io::Result<Option<Input>> {
        let mut line = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        if self.buffer.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if std::mem::take(&mut self.is_first) && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if line.len() > LINE_BYTES_MAX {
            self.buffer.skip_until(b'\n')?;
            let detail = format!("a line of more than {LINE_BYTES_MAX} bytes is too long to be a command");
            return Ok(Some(Input::Unusable { reason: "line_too_long", detail }));
        } else if self.source == Source::Person {
            // Nobody has said that it is complete.
            return Ok(None);
        }
        Ok(Some(match self.source {
            Source::Person => typed(line),
            Source::Script => text(line),
        }))
    }
}

fn text(line: Vec<u8>) -> Input {
    match String::from_utf8(line) {
        Ok(line) => Input::Line(line),
        Err(_) => Input::Unusable { reason: "not_utf8", detail: "a command must be UTF-8 text".into() },
    }
}

/// A line from a terminal. What may not be all that was typed, or not what was meant, is not used.
fn typed(line: Vec<u8>) -> Input {
    if line.len() >= TERMINAL_LINE_BYTES_MAX {
        let detail = format!(
            "nothing was sent: the terminal hands over at most {TERMINAL_LINE_BYTES_MAX} bytes of a line, so its end may \
             be missing. Send it in parts"
        );
        return Input::Unusable { reason: "line_cut", detail };
    }
    // An arrow leaves such a sequence in the line, and a recipient after it would be none. Some terminals write its
    // beginning as one character of eight bits.
    if String::from_utf8_lossy(&line).contains(|c: char| c.is_control() && c != '\t') {
        let detail = "nothing was sent: a key such as an arrow has left control characters in the line. Type it again";
        return Input::Unusable { reason: "control_characters", detail: detail.into() };
    }
    text(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    impl Origin for &[u8] {}

    impl<A: Read, B: Read> Origin for io::Chain<A, B> {}

    fn told(batch: Batch) -> Vec<String> {
        let tell = |input| match input {
            Input::Line(line) => line,
            Input::Unusable { reason, .. } => format!("<{reason}>"),
            Input::End => "<end>".into(),
            other => unreachable!("{other:?}"),
        };
        batch.inputs.into_iter().map(tell).collect()
    }

    fn all_from(source: Source, bytes: &[u8]) -> Vec<String> {
        let mut reader = Reader::new(bytes, source);
        let mut all = Vec::new();
        loop {
            let (batch, more) = reader.batch();
            all.extend(told(batch));
            if !more {
                return all;
            }
        }
    }

    fn all(bytes: &[u8]) -> Vec<String> {
        all_from(Source::Script, bytes)
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

    /// P15 of the faults that were found.
    #[test]
    fn a_byte_order_mark_at_the_start_is_no_part_of_the_first_line() {
        assert_eq!(all("\u{feff}/who\n\u{feff}/who\n".as_bytes()), ["/who", "\u{feff}/who", "<end>"]);
        assert_eq!(all("\u{feff}".as_bytes()), ["", "<end>"]);
    }

    #[test]
    fn a_line_does_not_wait_for_the_next_to_be_whole() {
        // A pipe gives its reader what was written to it, piece by piece.
        let input = Cursor::new(b"one\ntwo\nthr").chain(Cursor::new(b"ee\n"));
        let mut reader = Reader::new(input, Source::Script);
        assert_eq!(told(reader.batch().0), ["one", "two"]);
        assert_eq!(told(reader.batch().0), ["three"]);
    }

    /// P1, P2 and P6 of the faults that were found.
    #[test]
    fn what_a_person_may_not_have_meant_is_not_used() {
        let typed = |bytes: &[u8]| all_from(Source::Person, bytes);
        assert_eq!(typed(b"\x1b[A@bob:secret\n@bob:hi\n"), ["<control_characters>", "@bob:hi", "<end>"]);
        assert_eq!(typed(b"a\tb\n\xed\xa0\x80\n"), ["a\tb", "<not_utf8>", "<end>"]);
        assert_eq!(typed(b"@bob:half a li"), ["<end>"], "it was not complete");
        let mut long = "é".repeat(TERMINAL_LINE_BYTES_MAX).into_bytes();
        long.truncate(TERMINAL_LINE_BYTES_MAX);
        long.extend(b"\nnext\n");
        assert_eq!(typed(&long), ["<line_cut>", "next", "<end>"]);
        assert_eq!(typed(&long[2..]).len(), 3, "a shorter one is whole");
    }

    /// A name or a password is not what was typed before it was asked for.
    #[test]
    fn what_came_before_is_dropped_and_told_and_the_end_is_not() {
        let (sender, receiver) = sync_channel(4);
        let mut lines = Lines::of(receiver);
        let send = |inputs| sender.send(Batch { came_at: Instant::now(), inputs }).unwrap();
        send(vec![Input::Line("one".into()), Input::Line("two".into())]);
        send(vec![Input::Line("three".into())]);
        assert!(matches!(lines.poll(), Some(Input::Line(line)) if line == "one"));
        lines.drop_what_has_come();
        send(vec![Input::Line("four".into()), Input::Line(" ".into()), Input::End]);
        assert!(matches!(lines.poll(), Some(Input::Line(line)) if line == "four"));
        assert!(lines.take_dropped() && !lines.take_dropped());
        lines.drop_what_has_come();
        assert!(matches!(lines.poll(), Some(Input::End)));
        assert!(!lines.take_dropped(), "nobody misses an empty line");
        send(vec![Input::End]);
        lines.drop_what_has_come();
        assert!(matches!(lines.poll(), Some(Input::End)));
    }

    #[test]
    fn what_is_next_is_seen_before_it_is_taken() {
        let (sender, receiver) = sync_channel(4);
        let mut lines = Lines::of(receiver);
        assert!(lines.peek().is_none());
        let inputs = vec![Input::Line("one".into()), Input::Line("two".into())];
        sender.send(Batch { came_at: Instant::now(), inputs }).unwrap();
        for line in ["one", "two"] {
            assert!(matches!(lines.peek(), Some(Input::Line(next)) if next == line));
            assert!(matches!(lines.poll(), Some(Input::Line(taken)) if taken == line));
        }
        assert!(lines.peek().is_none() && lines.poll().is_none());
        drop(sender);
        for _ in 0..2 {
            assert!(matches!(lines.peek(), Some(Input::End)));
            assert!(matches!(lines.poll(), Some(Input::End)));
        }
    }

    /// As a terminal hands over what waits there: line by line.
    struct Waiting(Vec<&'static str>);

    impl Read for Waiting {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Ok(0) } else { self.0.remove(0).as_bytes().read(buffer) }
        }
    }

    impl Origin for Waiting {
        // Those that are short are typed when they are read.
        fn has_come(&self) -> bool {
            self.0.first().is_some_and(|line| line.len() > 2)
        }
    }

    /// Nobody reads the second line until the first is taken, which may be after a question.
    #[test]
    fn a_line_that_waited_to_be_read_came_no_later_than_the_one_before_it() {
        let mut reader = Reader::new(Waiting(vec!["1\n", "two\n", "three\n", "4\n"]), Source::Person);
        let [one, two, three, four] = [(); 4].map(|()| reader.batch().0.came_at);
        assert!(one == two && two == three && three < four);
    }
}
