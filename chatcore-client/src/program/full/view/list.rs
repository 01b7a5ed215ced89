//! The conversations that there are: what the program tells, the rooms, and the users, each by their names. The order
//! never changes by itself, so that nothing moves under somebody's hand; what is new and out of sight is counted at the
//! edge where it is.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::{draw_border, draw_row};
use crate::program::full::app::{App, PROGRAM};
use crate::program::full::conversation::{Conversation, Membership};
use crate::program::full::layout::dim;
use crate::program::full::text::{cut, glyphs};

/// How the program's own conversation is called. No user and no room can have a name with a blank.
const PROGRAM_NAME: &str = "the program";

impl App {
    pub(super) fn draw_list(&self, area: Rect, buffer: &mut Buffer) {
        self.drawn.list.set(area);
        if area.width == 0 {
            return;
        }
        let (inner, rows) = (Rect { width: area.width - 1, ..area }, usize::from(area.height));
        let first = self.list_first(rows);
        self.drawn.list_first.set(first);
        let shown = self.conversations.iter().skip(first).take(rows);
        for ((name, conversation), y) in shown.zip(area.y..area.bottom()) {
            self.draw_name(name, conversation, Rect { y, height: 1, ..inner }, buffer);
        }
        let unread = |from: usize, to: usize| -> usize {
            let some = self.conversations.values().take(to).skip(from);
            some.map(|conversation| conversation.unread).sum()
        };
        // What is told covers a conversation, which counts as well.
        let (end, count) = (first + rows, self.conversations.len());
        let above = if unread(0, first) > 0 { unread(0, first + 1) } else { 0 };
        let below = if unread(end, count) > 0 { unread(end - 1, count) } else { 0 };
        for (count, sign, y) in [(above, "↑", inner.y), (below, "↓", inner.bottom().saturating_sub(1))] {
            if count > 0 {
                let text = glyphs(&format!("{sign} {count} unread"), 0);
                let row = Rect { y, height: 1, ..inner };
                buffer.set_style(row, Style::reset());
                let end = draw_row(&cut(text, inner.width), row, Style::new().add_modifier(Modifier::BOLD), buffer);
                for x in end..row.right() {
                    buffer[(x, y)].reset();
                }
            }
        }
        draw_border(area.right() - 1, area, buffer);
    }

    /// The first conversation that is in the list, so that the open one is, with one on each side.
    fn list_first(&self, rows: usize) -> usize {
        let open = self.conversations.keys().position(|name| *name == self.open).unwrap_or(0);
        let last = self.conversations.len().saturating_sub(rows);
        let before = self.drawn.list_first.get().min(last);
        if open < before + usize::from(before > 0) {
            open.saturating_sub(1)
        } else if open + 2 > before + rows {
            (open + 2).saturating_sub(rows).min(last)
        } else {
            before
        }
    }

    /// One conversation: whether it is open, who it is with, and how many messages are unread. A message that names us,
    /// or that nobody else gets, is marked.
    fn draw_name(&self, name: &str, conversation: &Conversation, area: Rect, buffer: &mut Buffer) {
        let is_open = *name == self.open;
        let is_private = name != PROGRAM && !name.starts_with('#');
        let is_for_us = conversation.mentions > 0 || is_private && conversation.unread > 0;
        let count = match conversation.unread {
            0 => String::new(),
            unread if is_for_us => format!(" !{}", short(unread)),
            unread => format!(" {}", short(unread)),
        };
        let count = glyphs(&count, 0);
        let count_columns = u16::try_from(count.len()).unwrap_or(0).min(area.width);
        let sign = match self.presence.get(name) {
            _ if is_open => "›",
            Some(true) => "●",
            Some(false) => "○",
            None => " ",
        };
        let style = match (is_open, conversation.unread > 0) {
            (true, _) => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
            (_, true) => Style::new().add_modifier(Modifier::BOLD),
            _ => Style::new(),
        };
        buffer.set_style(area, style);
        draw_row(&glyphs(sign, 0), Rect { width: 1, ..area }, style, buffer);
        let columns = area.width.saturating_sub(1 + count_columns);
        let shown = if name == PROGRAM { PROGRAM_NAME } else { name };
        let place = Rect { x: area.x + 1, width: columns, ..area };
        let is_out = conversation.membership == Membership::Out;
        let name_style = if is_out { style.patch(dim()) } else { style };
        draw_row(&cut(glyphs(shown, 0), columns), place, name_style, buffer);
        let count_style = if is_for_us && !is_open { self.colours.of_trouble() } else { style };
        let place = Rect { x: area.right() - count_columns, width: count_columns, ..area };
        draw_row(&count, place, count_style, buffer);
    }

    /// The conversation that the last picture has at this place.
    pub(crate) fn conversation_at(&self, column: u16, row: u16) -> Option<String> {
        let list = self.drawn.list.get();
        if !list.contains(Position { x: column, y: row }) {
            return None;
        }
        let nth = self.drawn.list_first.get() + usize::from(row - list.y);
        self.conversations.keys().nth(nth).cloned()
    }
}

/// A count in four columns at the most.
fn short(count: usize) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..100_000 => format!("{}k", count / 1_000),
        _ => "99k+".to_owned(),
    }
}
