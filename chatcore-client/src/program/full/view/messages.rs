//! What was said in the conversation that is open.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::draw_row;
use crate::program::full::app::App;
use crate::program::full::conversation::{Entry, Fate};
use crate::program::full::text::{glyphs, rows};

impl App {
    pub(super) fn draw_messages(&self, area: Rect, buffer: &mut Buffer) {
        let Some(conversation) = self.conversations.get(&self.open) else { return };
        let mut bottom = area.bottom();
        for entry in conversation.entries.iter().rev() {
            let (head, body, style) = self.shown(entry);
            let head = glyphs(&head, 0);
            let indent = head.iter().map(|glyph| glyph.width).sum::<u16>().min(area.width / 2);
            let body = rows(&body, area.width - indent);
            for (index, row) in body.iter().enumerate().rev() {
                if bottom == area.y {
                    return;
                }
                bottom -= 1;
                let place = Rect { y: bottom, height: 1, ..area };
                if index == 0 {
                    draw_row(&head, Rect { width: indent, ..place }, style.add_modifier(Modifier::BOLD), buffer);
                }
                draw_row(row, Rect { x: place.x + indent, width: place.width - indent, ..place }, style, buffer);
            }
        }
    }

    fn shown(&self, entry: &Entry) -> (String, String, Style) {
        match entry {
            Entry::Heard { from, body, .. } => {
                (format!("{from}  "), String::from_utf8_lossy(body).into_owned(), Style::new())
            }
            Entry::Said { body, fate, .. } => {
                let sign = match fate {
                    Fate::Waiting | Fate::Pending { .. } => "…",
                    Fate::Accepted { .. } => " ",
                    Fate::Undelivered { .. } => "✗",
                    Fate::Unconfirmed => "?",
                };
                (format!("{}{sign} ", self.own_name.as_deref().unwrap_or("")), body.clone(), Style::new())
            }
            Entry::Notice { text, .. } => ("— ".to_owned(), text.clone(), Style::new().add_modifier(Modifier::DIM)),
        }
    }
}
