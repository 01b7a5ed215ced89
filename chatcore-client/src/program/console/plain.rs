//! Lines for a person: where the terminal can do nothing but write, or where a program reads the screen out.
//!
//! The terminal itself lets a person edit a line, and hands it over when it is complete. Nothing is asked where a
//! command is expected: a prompt would stand between the messages, and be read out each time.

use std::io::{self, stdout};
use std::sync::Arc;

use mio::Waker;
use ratatui::crossterm::terminal::window_size;
use zeroize::Zeroizing;

use super::Console;
use super::layout::Cells;
use super::lines::{Lines, Source};
use crate::program::command::{self, Command};
use crate::program::escape::escape;
use crate::program::failure::Failure;
use crate::program::input::{Ask, Input};
use crate::program::report::Report;
use crate::program::stop::Stop;
use crate::program::terminal::{Hidden, Settings};
use crate::program::writer::Writer;

/// Columns of a terminal that does not tell how many it has.
const COLUMNS_UNTOLD: u16 = 80;

/// A terminal, line by line.
pub(crate) struct Plain {
    lines: Lines,
    writer: Writer,
    cells: Cells,
    /// What the next line answers.
    asked: Option<Ask>,
    /// A question stands in the last row, and perhaps a part of the answer.
    is_prompted: bool,
    /// What the next line may have been begun as, if something else was asked since.
    begun_as: Option<BegunAs>,
    /// What a line may be that was typed since a command was asked for last; none if it is a command.
    may_be: Option<MayBe>,
    /// Why what came is not used, until that is told.
    dropped: Option<&'static str>,
    /// The room that is told to be the one for what names no recipient.
    told_room: Option<String>,
    /// While a line is typed that is not shown.
    hidden: Option<Hidden>,
    _settings: Settings,
}

/// What a line is, for whoever types it. The terminal hands it over when it is complete, and nobody knows when it was
/// begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BegunAs {
    /// It answers a question.
    Answer,
    /// It is for somebody, or a command.
    Line,
}

/// What nobody else is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MayBe {
    /// Others see it, and it may not be the one that somebody wants to have.
    Name,
    Password,
}

/// What came before a question is no answer to it.
const BEFORE_NAME: &str = "nothing was sent: what you typed before you were asked for a name is not taken for one. Type it again \
                           when you have a name";
const BEFORE_PASSWORD: &str = "nothing was sent: what you typed before you were asked for a password is not taken for one. Type \
                               it again when you have a name";

/// What came after a password, and before the server had said that it is right, may be another try.
const AFTER_PASSWORD: &str = "nothing was sent: what you typed before you had the name may be a password. Type it again if it is \
                              none";

impl Plain {
    /// For a person at a terminal that can do nothing but write, or whose screen is read out.
    pub(crate) fn start(settings: Settings, waker: &Arc<Waker>) -> io::Result<Self> {
        let writer = Writer::start(stdout(), Arc::clone(waker))?;
        let lines = Lines::from_stdin(Source::Person, Arc::clone(waker))?;
        Ok(Self {
            lines,
            writer,
            cells: cells(),
            asked: None,
            is_prompted: false,
            begun_as: None,
            // Before there is a session.
            may_be: Some(MayBe::Name),
            dropped: None,
            told_room: None,
            hidden: None,
            _settings: settings,
        })
    }

    /// What was typed before it was asked for is no name, and no password. It may have been for somebody, and others
    /// see names. Nor is a password for somebody.
    fn drop_what_has_come(&mut self, why: &'static str) {
        self.lines.drop_what_has_come();
        self.dropped = Some(why);
    }

    /// Says so to whoever typed it, once for each time.
    fn tell_dropped(&mut self) {
        let has_dropped = self.lines.take_dropped();
        let Some(why) = self.dropped.take_if(|_| has_dropped) else { return };
        let was_prompted = self.leave_prompt();
        self.tell(why);
        if was_prompted {
            self.prompt();
        }
    }

    /// Says where what names no recipient goes, whenever that changes: no prompt does.
    fn tell_room(&mut self, room: Option<&String>) {
        if self.told_room.as_ref() == room {
            return;
        }
        self.tell(&match room {
            Some(room) => format!("what names no recipient goes to {}", escape(room.as_bytes())),
            None => "what names no recipient goes nowhere: /join #room goes into a room".to_owned(),
        });
        self.told_room = room.cloned();
    }

    fn prompt(&mut self) {
        let prompt = match &self.asked {
            Some(Ask::Name) => "your name: ".to_owned(),
            Some(Ask::Password { name }) => {
                format!("password for {}, or nothing for another name: ", escape(name.as_bytes()))
            }
            Some(Ask::Command { .. }) | None => return,
        };
        // What is typed goes on in the same line.
        self.leave_prompt();
        let told = self.cells.told(&prompt);
        self.writer.write(told.trim_end_matches('\n'));
        self.is_prompted = true;
    }

    /// What is written next begins a row of its own, whatever somebody has half typed. True if a question stood there.
    fn leave_prompt(&mut self) -> bool {
        let was_prompted = std::mem::take(&mut self.is_prompted);
        if was_prompted {
            self.writer.write("\n");
        }
        was_prompted
    }

    fn answered(&mut self) {
        (self.asked, self.hidden) = (None, None);
    }

    /// What the program says by itself.
    fn tell(&mut self, words: &str) {
        self.writer.write(&self.cells.told(words));
    }
}

impl Console for Plain {
    fn poll(&mut self) -> Option<Input> {
        loop {
            let input = self.lines.poll();
            self.tell_dropped();
            let input = input?;
            if !matches!(input, Input::End) {
                // Enter has begun another row, or what follows does.
                self.is_prompted = false;
            }
            if self.hidden.is_some() {
                // The end of the line that was not shown.
                self.writer.write("\n");
            }
            match (input, &self.asked) {
                (Input::Unusable { detail, .. }, Some(Ask::Name | Ask::Password { .. })) => {
                    self.tell(&detail);
                    self.prompt();
                }
                (Input::Line(line), Some(Ask::Password { .. })) => {
                    self.answered();
                    return Some(Input::Secret(Zeroizing::new(line)));
                }
                (Input::Line(line), Some(Ask::Name))
                    if self.begun_as.take() == Some(BegunAs::Line) && !line.trim().is_empty() =>
                {
                    self.tell(
                        "this is not taken for a name: you may have begun it before you were asked for one. Type it again if it \
                         is your name",
                    );
                    self.prompt();
                }
                (Input::Line(line), Some(Ask::Name)) => {
                    self.answered();
                    return Some(Input::Line(line));
                }
                (Input::Line(line), _) if self.begun_as.take() == Some(BegunAs::Answer) && is_said(&line) => {
                    self.tell(
                        "nothing was sent: you were asked for a name when this line was begun, and it may be one. Type it again \
                         if it is none",
                    );
                }
                (input, _) => {
                    if matches!(input, Input::End) {
                        self.answered();
                    }
                    return Some(input);
                }
            }
        }
    }

    /// A line that comes after another waits for that one.
    fn poll_urgent(&mut self) -> Option<Command> {
        let Some(Input::Line(line)) = self.lines.peek() else { return None };
        let command = command::parse(line).ok().flatten().filter(Command::is_urgent)?;
        self.lines.poll();
        Some(command)
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.lines.peek(), Some(Input::End))
    }

    fn awaits_command(&self) -> bool {
        self.may_be.is_none()
    }

    fn ask_first(&mut self) {
        self.asked = Some(Ask::Name);
        self.prompt();
    }

    fn ask(&mut self, ask: Ask) {
        match &ask {
            Ask::Name => {
                if matches!(self.asked, Some(Ask::Command { .. })) {
                    self.begun_as = Some(BegunAs::Line);
                }
                self.may_be.get_or_insert(MayBe::Name);
                self.drop_what_has_come(BEFORE_NAME);
            }
            Ask::Password { .. } => {
                self.may_be = Some(MayBe::Password);
                self.hidden = Hidden::start();
                self.drop_what_has_come(BEFORE_PASSWORD);
            }
            Ask::Command { room } => {
                if matches!(self.asked, Some(Ask::Name | Ask::Password { .. })) {
                    self.begun_as = Some(BegunAs::Answer);
                }
                self.may_be = None;
                self.leave_prompt();
                self.tell_room(room.as_ref());
            }
        }
        self.asked = Some(ask);
        self.prompt();
    }

    fn leave(&mut self) {
        self.leave_prompt();
        self.answered();
    }

    fn show(&mut self, report: &Report) {
        // Accepted is what a person expects, and who leaves knows it.
        if !report.is_internal() && !matches!(report, Report::Accepted { .. } | Report::Closed { .. }) {
            let was_prompted = self.leave_prompt();
            let is_session = matches!(report, Report::Registered { .. } | Report::Resumed { .. });
            if is_session && self.may_be == Some(MayBe::Password) {
                // What is typed when this is seen is none.
                self.drop_what_has_come(AFTER_PASSWORD);
            }
            self.writer.write(&self.cells.shown(report));
            // Who has a name is asked for none.
            if was_prompted && !is_session {
                self.prompt();
            }
        }
    }

    fn suspend(&mut self, _stop: &Stop) {
        self.hidden = None;
    }

    /// Asks again what was asked.
    fn resume(&mut self) -> Result<(), Failure> {
        self.resize();
        if matches!(self.asked, Some(Ask::Password { .. })) {
            self.hidden = Hidden::start();
        }
        self.prompt();
        Ok(())
    }

    fn resize(&mut self) {
        self.cells = cells();
    }

    fn writer(&self) -> &Writer {
        &self.writer
    }

    fn finish(&mut self, stop: &Stop) -> Result<(), Failure> {
        self.hidden = None;
        let finished = if stop.is_asked() { self.writer.finish(stop) } else { self.writer.finish_soon() };
        finished.map_err(Failure::Output)
    }
}

/// Whether a line goes where the last one went, and names nobody.
fn is_said(line: &str) -> bool {
    matches!(command::parse(line), Ok(Some(Command::Say(_))))
}

fn cells() -> Cells {
    let columns = window_size().map_or(0, |size| size.columns);
    Cells::new(if columns == 0 { COLUMNS_UNTOLD } else { columns })
}
