//! Pictures, as they are drawn into memory.

/// Of a program that is not optimized, no figure says anything.
#[cfg(not(debug_assertions))]
mod cost;
mod pictures;
mod places;

use chatcore::MessageId;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use crate::User;
use crate::program::full::app::App;
use crate::program::input::Ask;
use crate::program::report::{Body, Id, Report, Users};

/// Monday, 30 November 2026, 00:53:20 UTC.
const TIME_MS: u64 = 1_796_000_000_000;

/// Alice's screen, in a room.
fn alice() -> App {
    let mut app = App::new();
    app.set_time(TIME_MS);
    app.report(&Report::Registered { name: "alice".into(), display_name: None });
    app.ask(Ask::Command { room: Some("#lobby".into()) });
    app.hint = None;
    app
}

fn message(from: &str, to: &str, body: &[u8]) -> Report {
    let (id, time) = (MessageId(1).into(), u128::from(TIME_MS));
    Report::Message { id, time, from: from.into(), to: to.into(), body: Body::new(body.to_vec()) }
}

fn roster(room: &str, names: &[&str]) -> Report {
    let users: Vec<_> = names.iter().map(|name| User::new(name.parse().unwrap())).collect();
    Report::Roster { room: room.into(), users: Users::of(users, false) }
}

fn id(number: u64) -> Id {
    MessageId(number).into()
}

fn picture(app: &App, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text_of(buffer: &Buffer) -> Vec<String> {
    let row = |y| {
        let mut x = 0;
        let mut text = String::new();
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            text.push_str(cell.symbol());
            x += ratatui::buffer::CellWidth::cell_width(cell).max(1);
        }
        text.trim_end().to_owned()
    };
    (0..buffer.area.height).map(row).collect()
}

/// A picture as text, without the blanks at the ends of its rows.
fn shown(app: &App, width: u16, height: u16) -> Vec<String> {
    text_of(&picture(app, width, height))
}
