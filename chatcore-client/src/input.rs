//! Lines of input, from a thread of their own: neither a line editor nor a file can be waited for together with a
//! socket.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;

use mio::Waker;
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter};

/// Bytes of a line, at the most: the longest body that any server can allow, and a recipient.
const LINE_BYTES_MAX: usize = (16 << 20) + 1024;

/// Lines that are read ahead.
const LINES_AHEAD: usize = 256;

/// What comes from whoever commands us.
#[derive(Debug)]
pub(crate) enum Input {
    Line(String),
    /// A line that is none, and why.
    Unusable {
        reason: &'static str,
        detail: String,
    },
    /// No more lines: the end of the input, or Ctrl-D, or Ctrl-C.
    End,
}

/// The reading end. Whenever something is sent, the waker is woken.
pub(crate) struct Lines {
    receiver: Receiver<Input>,
    /// The editor reads a line only when it is asked, with the prompt to show.
    prompts: Option<Sender<String>>,
}

impl Lines {
    /// The next input; none if there is none now.
    pub(crate) fn poll(&self) -> Option<Input> {
        match self.receiver.try_recv() {
            Ok(input) => Some(input),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Input::End),
        }
    }

    /// Lets a person type the next line.
    pub(crate) fn ask(&self, prompt: &str) {
        if let Some(prompts) = &self.prompts {
            // An editor that is gone has sent the end already.
            let _ = prompts.send(prompt.to_owned());
        }
    }

    /// Reads standard input.
    pub(crate) fn from_stdin(waker: Arc<Waker>) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(LINES_AHEAD);
        let outlet = Outlet { sender, waker };
        thread::Builder::new().name("input".into()).spawn(move || read_lines(&mut io::stdin().lock(), &outlet))?;
        Ok(Self { receiver, prompts: None })
    }

    /// Lets a person type, with a line editor; returns where to print meanwhile.
    pub(crate) fn from_terminal(waker: Arc<Waker>) -> io::Result<(Self, Box<dyn ExternalPrinter>)> {
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = DefaultEditor::with_config(config).map_err(io::Error::other)?;
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        let (sender, receiver) = sync_channel(LINES_AHEAD);
        let (prompts, asked) = channel::<String>();
        let outlet = Outlet { sender, waker };
        thread::Builder::new().name("input".into()).spawn(move || {
            for prompt in asked {
                let input = match editor.readline(&prompt) {
                    Ok(line) => Input::Line(line),
                    Err(ReadlineError::Eof | ReadlineError::Interrupted) => Input::End,
                    Err(error) => Input::Unusable { reason: "input", detail: error.to_string() },
                };
                let is_line = matches!(input, Input::Line(_));
                if !outlet.send(input) || !is_line {
                    return;
                }
            }
        })?;
        Ok((Self { receiver, prompts: Some(prompts) }, Box::new(printer)))
    }
}

struct Outlet {
    sender: SyncSender<Input>,
    waker: Arc<Waker>,
}

impl Outlet {
    /// False if nobody listens any more.
    fn send(&self, input: Input) -> bool {
        self.sender.send(input).is_ok() && self.waker.wake().is_ok()
    }
}

fn read_lines(reader: &mut impl BufRead, outlet: &Outlet) {
    loop {
        let input = match read_line(reader) {
            Ok(Some(input)) => input,
            Ok(None) => break,
            Err(error) => {
                let detail = format!("cannot read the input: {error}");
                outlet.send(Input::Unusable { reason: "input", detail });
                break;
            }
        };
        if !outlet.send(input) {
            return;
        }
    }
    outlet.send(Input::End);
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

    fn all(bytes: &[u8]) -> Vec<String> {
        let mut reader = bytes;
        std::iter::from_fn(|| read_line(&mut reader).unwrap())
            .map(|input| match input {
                Input::Line(line) => line,
                Input::Unusable { reason, .. } => format!("<{reason}>"),
                Input::End => "<end>".into(),
            })
            .collect()
    }

    #[test]
    fn lines_end_with_a_newline_or_the_input() {
        assert_eq!(all(b"a\r\nb\n\nc"), ["a", "b", "", "c"]);
        assert_eq!(all(b""), [""; 0]);
    }

    #[test]
    fn lines_that_cannot_be_used_are_told_and_skipped() {
        let mut bytes = vec![b'x'; 3 * LINE_BYTES_MAX];
        bytes.extend(b"\nnext\n\xff\nlast");
        assert_eq!(all(&bytes), ["<line_too_long>", "next", "<not_utf8>", "last"]);
    }
}
