//! How the state of the screen is drawn.

mod list;
mod messages;
mod prompt;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};

use super::app::{App, PROGRAM};
use super::text::{Row, glyphs, rows};

/// Columns of the list of conversations.
const LIST_COLUMNS: u16 = 20;

/// Columns that the messages have at least beside the list.
const MESSAGES_COLUMNS_MIN: u16 = 40;

/// Rows of the line that is typed, at the most.
const LINE_ROWS_MAX: u16 = 5;

impl App {
    /// Draws everything.
    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if area.width < 4 || area.height < 3 {
            return;
        }
        let prompt = glyphs(&self.prompt(), 0);
        let line = self.shown_line();
        let prompt_width: u16 = prompt.iter().map(|glyph| glyph.width).sum();
        let line_rows = rows(&line, area.width.saturating_sub(prompt_width + 1).max(2));
        let height = u16::try_from(line_rows.len()).unwrap_or(u16::MAX).min(LINE_ROWS_MAX).min(area.height - 2);
        let [above, status, below] =
            Layout::vertical([Constraint::Min(1), Constraint::Length(1), Constraint::Length(height)]).areas(area);
        let has_list = area.width >= LIST_COLUMNS + MESSAGES_COLUMNS_MIN;
        let list_columns = if has_list { LIST_COLUMNS } else { 0 };
        let [list, messages] = Layout::horizontal([Constraint::Length(list_columns), Constraint::Min(1)]).areas(above);
        let buffer = frame.buffer_mut();
        self.draw_list(list, buffer);
        self.draw_messages(messages, buffer);
        buffer.set_style(status, Style::new().add_modifier(Modifier::REVERSED));
        draw_row(&glyphs(&self.status(), 0), status, Style::new().add_modifier(Modifier::REVERSED), buffer);
        draw_row(&prompt, below, Style::new().add_modifier(Modifier::BOLD), buffer);
        let typed = Rect { x: below.x + prompt_width, width: below.width.saturating_sub(prompt_width), ..below };
        let cursor = self.draw_line(&line_rows, typed, buffer);
        frame.set_cursor_position(cursor);
    }

    fn status(&self) -> String {
        if let Some(hint) = &self.hint {
            return format!(" {hint}");
        }
        let name = self.own_name.as_deref().unwrap_or("not registered");
        let place = if self.open == PROGRAM { "chatcore" } else { &self.open };
        match &self.trouble {
            Some(trouble) => format!(" {place} │ {trouble}"),
            None => format!(" {place} │ {name}"),
        }
    }
}

/// Draws glyphs from the left, as far as they fit.
fn draw_row(row: &Row, area: Rect, style: Style, buffer: &mut Buffer) {
    let mut x = area.x;
    for glyph in row {
        if x + glyph.width > area.right() || area.height == 0 {
            return;
        }
        let style = if glyph.is_mark { style.add_modifier(Modifier::REVERSED) } else { style };
        if let Some(cell) = buffer.cell_mut((x, area.y)) {
            cell.set_symbol(&glyph.text).set_style(style);
        }
        if glyph.width == 2
            && let Some(cell) = buffer.cell_mut((x + 1, area.y))
        {
            cell.set_symbol("").set_style(style);
        }
        x += glyph.width;
    }
}
