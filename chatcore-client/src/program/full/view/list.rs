//! The conversations that there are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::draw_row;
use crate::program::full::app::{App, PROGRAM};
use crate::program::full::text::glyphs;

impl App {
    pub(super) fn draw_list(&self, area: Rect, buffer: &mut Buffer) {
        if area.width == 0 {
            return;
        }
        for ((name, conversation), y) in self.conversations.iter().zip(area.y..area.bottom()) {
            let shown = if name == PROGRAM { "chatcore" } else { name };
            let text = match conversation.unread {
                0 => format!(" {shown}"),
                unread => format!(" {unread} {shown}"),
            };
            let style = if *name == self.open { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
            draw_row(&glyphs(&text, 0), Rect { y, height: 1, width: area.width - 1, ..area }, style, buffer);
        }
        for y in area.y..area.bottom() {
            buffer.set_string(area.right() - 1, y, "│", Style::new().add_modifier(Modifier::DIM));
        }
    }
}
