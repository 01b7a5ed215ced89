//! What is typed, and to whom it goes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::draw_row;
use crate::program::console::Ask;
use crate::program::full::app::{App, Recipient};
use crate::program::full::text::Row;

impl App {
    /// What the line is for: the recipient is visible before anything is sent.
    pub(super) fn prompt(&self) -> String {
        match &self.ask {
            None => "… ".to_owned(),
            Some(Ask::Name) => "your name: ".to_owned(),
            Some(Ask::Password { name }) => format!("password for {name}: "),
            Some(Ask::Command { .. }) => match self.recipient() {
                Recipient::Nobody | Recipient::Program => "> ".to_owned(),
                Recipient::User(name) => format!("to @{name}> "),
                Recipient::Room(name) => format!("{name}> "),
            },
        }
    }

    pub(super) fn shown_line(&self) -> String {
        let value = self.line.value();
        if matches!(self.ask, Some(Ask::Password { .. })) {
            "*".repeat(value.chars().count())
        } else {
            value.to_owned()
        }
    }

    /// Draws what is typed; returns where the cursor is.
    pub(super) fn draw_line(&self, line_rows: &[Row], area: Rect, buffer: &mut Buffer) -> Position {
        let value = self.line.value();
        let at = value.char_indices().nth(self.line.cursor()).map_or(value.len(), |(at, _)| at);
        // Dots are shown for a password, one for each character.
        let at = if matches!(self.ask, Some(Ask::Password { .. })) { self.line.cursor() } else { at };
        let mut cursor = (0, 0);
        for (row, y) in line_rows.iter().zip(0u16..) {
            let mut x = 0;
            for glyph in row {
                if glyph.at <= at {
                    cursor = (x, y);
                }
                x += glyph.width;
                if glyph.at < at {
                    cursor = (x, y);
                }
            }
        }
        if at > 0 && value.as_bytes().get(at - 1) == Some(&b'\n') && self.line.cursor() == value.chars().count() {
            cursor = (0, u16::try_from(line_rows.len()).unwrap_or(u16::MAX).saturating_sub(1));
        }
        let first = cursor.1.saturating_sub(area.height.saturating_sub(1));
        for (row, y) in line_rows.iter().skip(first.into()).zip(area.y..area.bottom()) {
            draw_row(row, Rect { y, height: 1, ..area }, Style::new(), buffer);
        }
        let x = (area.x + cursor.0).min(area.right().saturating_sub(1));
        Position { x, y: area.y + (cursor.1 - first) }
    }
}
