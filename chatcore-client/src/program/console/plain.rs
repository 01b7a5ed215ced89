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
    /// It was told that what came before the question was dropped.
    is_drop_told: bool,
    /// The room that is told to be the one for what names no recipient.
    told_room: Option<String>,
    /// While a line is typed that is not shown.
    hidden: Option<Hidden>,
    _settings: Settings,
}

/// What a line is, for whoever types it. The terminal hands it over when it is complete, and nobody knows when it was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BegunAs {
    /// It answers a question.
    Answer,
    /// It is for somebody, or a command.
    Line,
}

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
            is_drop_told: false,
            told_room: None,
            hidden: None,
            _settings: settings,
        })
    }

    /// What was typed before it was asked for is no name, and no password. It may have been for somebody, and others see names.
    fn drop_what_has_come(&mut self) {
        self.lines.drop_what_has_come();
        self.is_drop_told = false;
    }

    /// Says so to whoever typed it, once for each question.
    fn tell_dropped(&mut self) {
        if !self.lines.take_dropped() || std::mem::replace(&mut self.is_drop_told, true) {
            return;
        }
        let what = if matches!(self.asked, Some(Ask::Password { .. })) { "password" } else { "name" };
        let was_prompted = self.leave_prompt();
        self.tell(&format!(
            "nothing was sent: what you typed before you were asked for a {what} is not taken for one. Type it again when you \
             have a name"
        ));
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
                self.drop_what_has_come();
            }
            Ask::Password { .. } => {
                self.hidden = Hidden::start();
                self.drop_what_has_come();
            }
            Ask::Command { room } => {
                if matches!(self.asked, Some(Ask::Name | Ask::Password { .. })) {
                    self.begun_as = Some(BegunAs::Answer);
                }
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
            self.writer.write(&self.cells.shown(report));
            // Who has a name is asked for none.
            if was_prompted && !matches!(report, Report::Registered { .. } | Report::Resumed { .. }) {
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
