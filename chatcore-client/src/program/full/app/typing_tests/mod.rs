//! What keys and questions do, and what the prompt shows of it.

mod any_steps;
mod completing;
mod lines;
mod questions;
mod recipients;

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::program::command::Command;
use crate::program::full::keys::{Key, Keys};
use crate::program::input::Ask;

const COLUMNS: u16 = 80;
const ROWS: u16 = 16;

/// An app that takes commands, with this conversation open.
fn app(open: &str) -> App {
    let mut app = App::new();
    app.ask(Ask::Command { room: None });
    app.open(open);
    app
}

/// Types these bytes, as a terminal sends them.
fn types(app: &mut App, bytes: impl AsRef<[u8]>) {
    let (mut keys, now) = (Keys::default(), Instant::now());
    let mut pressed = keys.read(now, bytes.as_ref());
    pressed.extend(keys.handle_timeout(now + Duration::from_secs(2)));
    for key in pressed {
        if key == Key::Enter && !app.shows(&app.reader()) {
            see(app);
        }
        app.press(&key);
    }
}

/// The rows of the screen.
fn drawn(app: &App) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(COLUMNS, ROWS)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    (0..ROWS).map(|y| (0..COLUMNS).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned()).collect()
}

#[track_caller]
fn shows(app: &App, text: &str) {
    let rows = drawn(app);
    assert!(rows.iter().any(|row| row.contains(text)), "{text:?} is not in\n{}", rows.join("\n"));
}

/// The last row of the screen.
fn prompt(app: &App) -> String {
    drawn(app).pop().unwrap()
}

/// What is sent, as `recipient body`.
fn sent(app: &mut App) -> Vec<String> {
    let is_roster = |input: &Input| matches!(input, Input::Command(Command::Roster(_)));
    let inputs = std::iter::from_fn(|| app.poll()).filter(|input| !is_roster(input));
    let commands = inputs.map(|input| match input {
        Input::Command(Command::Send { to, body }) => format!("{to} {body}"),
        other => format!("{other:?}"),
    });
    commands.collect()
}
