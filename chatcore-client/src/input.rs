//! Lines of input, from a thread of their own: neither a line editor nor a file can be waited for together with a
//! socket.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::{thread, vec};

use mio::Waker;
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor};
use zeroize::Zeroizing;

use crate::printer::{Printer, PromptGuard};
use crate::terminal::ask_secret;

/// Bytes of a line, at the most: the longest body that any server can allow, and a recipient.
const LINE_BYTES_MAX: usize = (16 << 20) + 1024;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Batches that are read ahead. One is what a buffer holds, and a line of any length that ends there.
const BATCHES_AHEAD: usize = 2;

/// What comes from whoever commands us.
#[derive(Debug)]
pub(crate) enum Input {
    Line(String),
    /// A line that was not shown.
    Secret(Zeroizing<String>),
    /// A line that is none, and why.
    Unusable {
        reason: &'static str,
        detail: String,
    },
    /// No more lines: the end of the input, or Ctrl-D, or Ctrl-C.
    End,
}

/// What a person is asked for, with the prompt to show.
#[derive(Debug)]
enum Wanted {
    Line(String),
    /// A line that is not shown.
    Secret(String),
}

/// The reading end. Whenever something is sent, the waker is woken.
pub(crate) struct Lines {
    receiver: Receiver<Vec<Input>>,
    batch: vec::IntoIter<Input>,
    /// The editor reads a line only when it is asked, with the prompt to show.
    prompts: Option<Sender<Wanted>>,
    /// It was asked, and the line has not come.
    is_asked: bool,
}

impl Lines {
    /// The next input; none if there is none now.
    pub(crate) fn poll(&mut self) -> Option<Input> {
        loop {
            if let Some(input) = self.batch.next() {
                self.is_asked = false;
                return Some(input);
            }
            match self.receiver.try_recv() {
                Ok(batch) => self.batch = batch.into_iter(),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => return Some(Input::End),
            }
        }
    }

    /// Lets a person type the next line, who may be typing it already.
    pub(crate) fn ask(&mut self, prompt: &str) {
        self.want(Wanted::Line(prompt.to_owned()));
    }

    /// Lets a person type a line that is not shown. If somebody may be typing one already that is, nothing happens.
    pub(crate) fn ask_secret(&mut self, prompt: &str) {
        self.want(Wanted::Secret(prompt.to_owned()));
    }

    fn want(&mut self, wanted: Wanted) {
        if let Some(prompts) = self.prompts.as_ref().filter(|_| !self.is_asked) {
            self.is_asked = true;
            // An editor that is gone has sent the end already.
            let _ = prompts.send(wanted);
        }
    }

    /// Somebody is typing, or may begin at any time.
    pub(crate) const fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// Reads standard input.
    pub(crate) fn from_stdin(waker: Arc<Waker>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let outlet = Outlet { sender, waker };
        thread::Builder::new().name("input".into()).spawn(move || {
            read_lines(&mut BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock()), &outlet);
        })?;
        Ok(Self { receiver, batch: Vec::new().into_iter(), prompts: None, is_asked: false })
    }

    /// Lets a person type, with a line editor; returns where to print meanwhile.
    pub(crate) fn from_terminal(waker: Arc<Waker>) -> io::Result<(Self, Printer)> {
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = DefaultEditor::with_config(config).map_err(io::Error::other)?;
        let printer = match editor.create_external_printer() {
            Ok(printer) => Printer::start(printer, Arc::clone(&waker))?,
            // A terminal that cannot move its cursor: the editor reads plain lines from it.
            Err(_) => Printer::start_plain(Arc::clone(&waker))?,
        };
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let (prompts, wanted) = channel();
        let (outlet, queue) = (Outlet { sender, waker }, printer.queue());
        thread::Builder::new().name("input".into()).spawn(move || {
            for wanted in wanted {
                let prompt = match wanted {
                    Wanted::Line(prompt) => prompt,
                    Wanted::Secret(prompt) => {
                        // The editor would keep it in its history, and it prints what comes before.
                        queue.print_before_secret();
                        let secret = ask_secret(&prompt);
                        let is_typed = secret.is_ok();
                        // Who interrupts it leaves.
                        if !outlet.send(vec![secret.map_or(Input::End, Input::Secret)]) || !is_typed {
                            return;
                        }
                        continue;
                    }
                };
                let Some(guard) = PromptGuard::start(prompt, &queue) else { return };
                let line = editor.readline(&guard);
                drop(guard);
                let input = match line {
                    Ok(line) => Input::Line(line),
                    Err(ReadlineError::Eof | ReadlineError::Interrupted) => Input::End,
                    Err(error) => Input::Unusable { reason: "input", detail: error.to_string() },
                };
                let is_line = matches!(input, Input::Line(_));
                if !outlet.send(vec![input]) || !is_line {
                    return;
                }
            }
        })?;
        Ok((Self { receiver, batch: Vec::new().into_iter(), prompts: Some(prompts), is_asked: false }, printer))
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
            Input::Secret(_) => "<secret>".into(),
            Input::End => "<end>".into(),
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
