//! How the state of the screen is drawn.

mod list;
mod members;
mod messages;
mod prompt;
mod status;

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};

use self::status::draw_status;
use super::app::{App, Pictured};
use super::drawing::draw_row;
use super::text::rows;

/// How the program's own conversation is called. No user and no room can have a name with a blank.
const PROGRAM_NAME: &str = "the program";

/// Columns and rows with which something can be done, at the least.
const COLUMNS_MIN: u16 = 20;
const ROWS_MIN: u16 = 5;

/// Columns of the list of conversations, with the line beside it.
const LIST_COLUMNS: u16 = 18;

/// Columns that the messages have at least beside the list.
const MESSAGES_COLUMNS_MIN: u16 = 44;

/// Columns of the members of a room, with the line beside them.
const MEMBERS_COLUMNS: u16 = 18;

/// Columns that the messages have at least beside the members.
const MESSAGES_BESIDE_MEMBERS_COLUMNS_MIN: u16 = 60;

impl App {
    /// Draws everything.
    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let is_too_small = area.width < COLUMNS_MIN || area.height < ROWS_MIN;
        self.drawn.is_too_small.set(is_too_small);
        if is_too_small {
            self.pictured(area, true, None);
            return draw_too_small(area, frame.buffer_mut());
        }
        let prompt = self.prompt(area.width, area.height - 2);
        self.drawn.hides_recipient.set(prompt.is_cut);
        self.pictured(area, prompt.is_cut, Some(self.open.clone()));
        let height = prompt.height().min(area.height - 2);
        let has_list = has_list(area.width);
        let told = self.status_rows(area.width, area.height - height - 1, !has_list);
        let told_height = u16::try_from(told.len()).unwrap_or(1);
        let heights = [Constraint::Min(1), Constraint::Length(told_height), Constraint::Length(height)];
        let [above, status, below] = Layout::vertical(heights).areas(area);
        let [list, messages, members] = self.columns(above);
        let buffer = frame.buffer_mut();
        self.draw_list(list, buffer);
        self.draw_messages(messages, buffer);
        self.draw_members(members, buffer);
        draw_status(&told, status, buffer);
        if let Some(help) = &self.help {
            help.draw(&self.screen.keys, above, buffer);
        }
        self.drawn.prompt.set(below);
        let cursor = prompt.draw(below, buffer);
        frame.set_cursor_position(cursor);
    }

    /// Remembers who gets the line by this picture.
    fn pictured(&self, area: Rect, is_cut: bool, open: Option<String>) {
        self.drawn.seen.borrow_mut().draw(Pictured { reader: self.reader(), open, area, is_cut });
    }

    /// What is beside what, if there is room.
    fn columns(&self, area: Rect) -> [Rect; 3] {
        let list = if has_list(area.width) { LIST_COLUMNS } else { 0 };
        let has_room = area.width >= list + MESSAGES_BESIDE_MEMBERS_COLUMNS_MIN + MEMBERS_COLUMNS;
        let members = if has_room && self.open.starts_with('#') { MEMBERS_COLUMNS } else { 0 };
        Layout::horizontal([Constraint::Length(list), Constraint::Min(1), Constraint::Length(members)]).areas(area)
    }
}

/// Whether there is room for the list of conversations.
const fn has_list(width: u16) -> bool {
    width >= LIST_COLUMNS + MESSAGES_COLUMNS_MIN
}

fn draw_too_small(area: Rect, buffer: &mut Buffer) {
    let text = format!("too small: {COLUMNS_MIN} × {ROWS_MIN} at least");
    for (row, y) in rows(&text, area.width).iter().zip(area.y..area.bottom()) {
        draw_row(row, Rect { y, height: 1, ..area }, Style::new(), buffer);
    }
}

/// Draws the line between two parts of the screen.
fn draw_border(x: u16, area: Rect, buffer: &mut Buffer) {
    for y in area.y..area.bottom() {
        buffer.set_string(x, y, "│", Style::new().add_modifier(Modifier::DIM));
    }
}
