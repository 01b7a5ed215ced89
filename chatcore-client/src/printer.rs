//! Printing above the line that somebody is typing.
//!
//! The line editor takes text from others only while it edits, one piece at a time, and holds up whoever brings a
//! second one. The program's loop must not be held up: it has a socket to serve, and the editor may be waiting for
//! that very loop to ask for the next line. So a thread of its own brings the editor whatever has gathered, and only
//! while it edits; what is printed between two lines waits for the second.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mio::Waker;
use rustyline::{ExternalPrinter, Prompt};

/// Bytes that may wait to be printed before [`Printer::has_room`] says no.
const WAITING_BYTES_MAX: usize = 64 << 10;

/// How long the terminal may take for what is printed last.
const FINISH_TIME_MAX: Duration = Duration::from_secs(1);

/// Up and down again: text that leaves nothing behind. The editor makes a line of whatever it is given.
const NOTHING: &str = "\x1b[A\n";

/// The loop's end: takes text, and never waits.
pub(crate) struct Printer {
    queue: Arc<PrintQueue>,
}

/// What the loop, the editor's thread and the printing thread share.
#[derive(Default)]
pub(crate) struct PrintQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is to be printed.
    waiting: String,
    editor: Editor,
    /// Lines that were begun.
    rounds: u64,
    /// How often the prompt was painted.
    paintings: u64,
    phase: Phase,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Editor {
    /// The terminal is as it was.
    #[default]
    Idle,
    /// It changes the terminal's settings.
    Starting,
    /// It shows its prompt, and takes text.
    Editing,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Printing,
    /// Nothing more will come: what waits is printed.
    Finishing,
    /// It is printed. The editor is to stand still at its next repaint, for good.
    Halting,
    /// Nobody writes to the terminal any more.
    Finished,
}

impl Printer {
    /// Prints through the editor.
    pub(crate) fn start(to: impl ExternalPrinter + Send + 'static, waker: Arc<Waker>) -> io::Result<Self> {
        Self::spawn(waker, move |queue, waker| queue.print_through_editor(to, waker))
    }

    /// Prints on a terminal that is too simple for an editor: wherever its cursor happens to be.
    pub(crate) fn start_plain(waker: Arc<Waker>) -> io::Result<Self> {
        Self::spawn(waker, PrintQueue::print_plain)
    }

    fn spawn(waker: Arc<Waker>, work: impl FnOnce(&PrintQueue, &Waker) + Send + 'static) -> io::Result<Self> {
        let printer = Self { queue: Arc::default() };
        let queue = Arc::clone(&printer.queue);
        thread::Builder::new().name("printer".into()).spawn(move || work(&queue, &waker))?;
        Ok(printer)
    }

    pub(crate) fn queue(&self) -> Arc<PrintQueue> {
        Arc::clone(&self.queue)
    }

    /// Prints a line, soon.
    pub(crate) fn print(&self, line: &str) {
        let mut state = self.queue.lock();
        state.waiting.push_str(line);
        state.waiting.push('\n');
        self.queue.changed.notify_all();
    }

    /// Whether the terminal keeps up. If not, the waker is woken when it does again.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.lock().waiting.len() < WAITING_BYTES_MAX
    }

    /// Waits until everything is printed, and the editor, if it still edits, has taken its line away and stands still.
    pub(crate) fn finish(&self) {
        let mut state = self.queue.lock();
        state.phase = Phase::Finishing;
        self.queue.changed.notify_all();
        // A terminal that takes nothing must not keep the program from ending.
        let unfinished = |state: &mut State| state.phase != Phase::Finished;
        drop(self.queue.changed.wait_timeout_while(state, FINISH_TIME_MAX, unfinished));
    }
}

impl PrintQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No state in between is visible outside of the lock, so a panic elsewhere changes nothing here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, condition: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.lock(), condition).unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// The next text, once it can be printed. None when that was all.
    fn next(&self, can_print: impl Fn(&State) -> bool) -> Option<String> {
        let mut state =
            self.wait_while(|state| state.phase == Phase::Printing && (state.waiting.is_empty() || !can_print(state)));
        (!state.waiting.is_empty()).then(|| std::mem::take(&mut state.waiting))
    }

    fn print_through_editor(&self, mut to: impl ExternalPrinter, waker: &Waker) {
        // An error means that the terminal is gone: the editor notices too, and that ends the program.
        while let Some(text) = self.next(|state| state.editor == Editor::Editing) {
            let _ = to.print(text);
            self.wait_until_shown(&mut to);
            let _ = waker.wake();
        }
        if self.editing_round().is_some() {
            self.change(|state| state.phase = state.phase.max(Phase::Halting));
            // It is shown like any text, and then the editor repaints.
            let _ = to.print(NOTHING.into());
        } else {
            self.change(|state| state.phase = Phase::Finished);
        }
    }

    /// Waits until the last text is shown. If its line ended too early for that, the text lies in the editor until the next
    /// line, and what was printed in between would come before it.
    fn wait_until_shown(&self, to: &mut impl ExternalPrinter) {
        while let Some(round) = self.editing_round() {
            // The editor has taken the text when it can be given something more; unless that went past it to the
            // terminal, because the line has ended and it is not known yet. A painting later than that is the proof
            // that it has not, ...
            let _ = to.print(NOTHING.into());
            let painted = self.lock().paintings;
            // ... and this brings it about.
            let _ = to.print(NOTHING.into());
            let goes_on = |state: &mut State| state.rounds == round && state.editor == Editor::Editing;
            let state = self.wait_while(|state| goes_on(state) && state.paintings == painted);
            if state.rounds == round && state.paintings > painted {
                return;
            }
        }
    }

    /// Waits until the editor edits; returns the number of the line. None if the program ends, and it does not.
    fn editing_round(&self) -> Option<u64> {
        let state = self.wait_while(|state| match state.editor {
            Editor::Idle => state.phase == Phase::Printing,
            Editor::Starting => true,
            Editor::Editing => false,
        });
        (state.editor == Editor::Editing).then_some(state.rounds)
    }

    /// Prints what waits for the next line, before a person is asked for one that is not shown: the editor has no part in
    /// that. What comes meanwhile waits for the line after it.
    pub(crate) fn print_before_secret(&self) {
        let waiting = std::mem::take(&mut self.lock().waiting);
        let _ = io::stdout().write_all(waiting.as_bytes()).and_then(|()| io::stdout().flush());
    }

    fn print_plain(&self, waker: &Waker) {
        let print = |text: &str| {
            // As above.
            let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
        };
        while let Some(text) = self.next(|_| true) {
            print(&text);
            let _ = waker.wake();
        }
        if self.editing_round().is_some() {
            print("\n");
        }
        self.change(|state| state.phase = Phase::Finished);
    }
}

/// A prompt that tells when the editor edits: from its first painting until it is dropped.
pub(crate) struct PromptGuard {
    prompt: String,
    queue: Arc<PrintQueue>,
}

impl PromptGuard {
    /// To be called before the editor starts. None if it must not, because the program ends.
    pub(crate) fn start(prompt: String, queue: &Arc<PrintQueue>) -> Option<Self> {
        let mut state = queue.lock();
        if state.phase != Phase::Printing {
            return None;
        }
        state.editor = Editor::Starting;
        state.rounds += 1;
        Some(Self { prompt, queue: Arc::clone(queue) })
    }
}

impl Prompt for PromptGuard {
    /// The editor asks for this before it paints anything, and after it has taken away what it painted before.
    fn raw(&self) -> &str {
        self.queue.change(|state| {
            state.editor = Editor::Editing;
            state.paintings += 1;
            if state.phase == Phase::Halting {
                state.phase = Phase::Finished;
            }
        });
        // An editor cannot be told to end; but it can be kept from painting over what the program has printed last.
        drop(self.queue.wait_while(|state| state.phase == Phase::Finished));
        &self.prompt
    }
}

impl Drop for PromptGuard {
    fn drop(&mut self) {
        self.queue.change(|state| {
            state.editor = Editor::Idle;
            if state.phase == Phase::Halting {
                state.phase = Phase::Finished;
            }
        });
    }
}
