//! The conversations that there are: what the program tells, the rooms, and the users, each by their names. The order
//! never changes by itself, so that nothing moves under somebody's hand; what is new and out of sight is counted at the
//! edge where it is.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::{PROGRAM_NAME, draw_border};
use crate::program::full::app::{App, PROGRAM};
use crate::program::full::conversation::{Conversation, Membership};
use crate::program::full::drawing::draw_row;
use crate::program::full::layout::dim;
use crate::program::full::text::{Row, glyphs, line, name_rows};

impl App {
    pub(super) fn draw_list(&self, area: Rect, buffer: &mut Buffer) {
        self.drawn.list.set(area);
        if area.width == 0 {
            return;
        }
        let (inner, room) = (Rect { width: area.width - 1, ..area }, usize::from(area.height));
        let names: Vec<_> =
            self.listed_conversations().map(|(name, one)| self.rows_of(name, one, inner.width)).collect();
        let (first, end) = self.shown_of_list(&names, room);
        self.drawn.list_first.set(first);
        let mut y = area.y;
        let mut drawn = Vec::new();
        for ((name, conversation), rows) in self.listed_conversations().zip(&names).take(end).skip(first) {
            let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).min(area.bottom() - y);
            self.draw_name(name, conversation, rows, Rect { y, height, ..inner }, buffer);
            drawn.extend(std::iter::repeat_n(name.clone(), height.into()));
            y += height;
        }
        *self.drawn.list_rows.borrow_mut() = drawn;
        self.draw_out_of_sight(first, end, inner, buffer);
        draw_border(area.right() - 1, area, buffer);
    }

    /// How much is unread above and below what is shown of the list.
    fn draw_out_of_sight(&self, first: usize, end: usize, inner: Rect, buffer: &mut Buffer) {
        let unread = |from: usize, to: usize| -> usize {
            let some = self.listed_conversations().take(to).skip(from);
            some.map(|(_, conversation)| conversation.unread).sum()
        };
        // What is told covers a conversation, which counts as well.
        let count = self.listed_conversations().count();
        let above = if unread(0, first) > 0 { unread(0, first + 1) } else { 0 };
        let below = if unread(end, count) > 0 { unread(end.saturating_sub(1), count) } else { 0 };
        for (count, sign, y) in [(above, "↑", inner.y), (below, "↓", inner.bottom().saturating_sub(1))] {
            if count > 0 {
                let text = line(&format!("{sign} {count} unread"), inner.width);
                let row = Rect { y, height: 1, ..inner };
                buffer.set_style(row, Style::reset());
                let end = draw_row(&text, row, Style::new().add_modifier(Modifier::BOLD), buffer);
                for x in end..row.right() {
                    buffer[(x, y)].reset();
                }
            }
        }
    }

    /// Which conversations are in the list, from the first to the one after the last, so that the open one is, with one
    /// on each side.
    fn shown_of_list(&self, names: &[Vec<Row>], room: usize) -> (usize, usize) {
        let open = self.listed_conversations().position(|(name, _)| *name == self.open).unwrap_or(0);
        let rows = |from: usize, to: usize| names[from..to].iter().map(Vec::len).sum::<usize>();
        // The list has no empty rows while there are conversations above.
        let mut last_first = names.len();
        while last_first > 0 && rows(last_first - 1, names.len()) <= room {
            last_first -= 1;
        }
        let mut first = self.drawn.list_first.get().min(last_first);
        if open < first + usize::from(first > 0) {
            first = open.saturating_sub(1);
        }
        while first < open && rows(first, (open + 2).min(names.len())) > room {
            first += 1;
        }
        let mut end = first;
        while end < names.len() && (end == first || rows(first, end) < room) {
            end += 1;
        }
        (first, end)
    }

    /// One conversation: whether it is open, who it is with, and how many messages are unread. A message that names us,
    /// or that nobody else gets, is marked, and so are messages of ours that were not delivered, if nothing else is
    /// unread.
    fn draw_name(&self, name: &str, conversation: &Conversation, rows: &[Row], area: Rect, buffer: &mut Buffer) {
        let is_open = *name == self.open;
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
        let is_out = conversation.membership == Membership::Out;
        let name_style = if is_out { style.patch(dim()) } else { style };
        for (row, y) in rows.iter().zip(area.y..area.bottom()) {
            draw_row(
                row,
                Rect { x: area.x + 1, y, width: area.width.saturating_sub(1), height: 1 },
                name_style,
                buffer,
            );
        }
        let count = count_of(name, conversation);
        let count_columns = u16::try_from(count.len()).unwrap_or(0).min(area.width);
        let count_style = if is_for_us(name, conversation) && !is_open { self.colours.of_trouble() } else { style };
        let place = Rect { x: area.right() - count_columns, width: count_columns, ..area };
        draw_row(&count, place, count_style, buffer);
    }

    /// The name of a conversation in rows that leave room for the sign before it and the count after it.
    fn rows_of(&self, name: &str, conversation: &Conversation, columns: u16) -> Vec<Row> {
        let count_columns = u16::try_from(count_of(name, conversation).len()).unwrap_or(0);
        let shown = if name == PROGRAM { PROGRAM_NAME } else { self.shown_name(name) };
        name_rows(shown, columns.saturating_sub(1 + count_columns))
    }

    /// The conversation that the last picture has at this place. A window that is too small shows none.
    pub(crate) fn conversation_at(&self, column: u16, row: u16) -> Option<String> {
        let list = self.drawn.list.get();
        if self.drawn.is_too_small.get() || !list.contains(Position { x: column, y: row }) {
            return None;
        }
        self.drawn.list_rows.borrow().get(usize::from(row - list.y)).cloned()
    }
}

/// A message names us, or nobody else gets it.
fn is_for_us(name: &str, conversation: &Conversation) -> bool {
    let is_private = name != PROGRAM && !name.starts_with('#');
    conversation.mentions > 0 || is_private && conversation.unread > 0
}

fn count_of(name: &str, conversation: &Conversation) -> Row {
    let count = match conversation.unread {
        0 => String::new(),
        // Nobody else has said anything there.
        unread if unread == conversation.failures => format!(" ✗{}", short(unread)),
        unread if is_for_us(name, conversation) => format!(" !{}", short(unread)),
        unread => format!(" {}", short(unread)),
    };
    glyphs(&count, 0)
}

/// A count in four columns at the most.
fn short(count: usize) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..100_000 => format!("{}k", count / 1_000),
        _ => "99k+".to_owned(),
    }
}
