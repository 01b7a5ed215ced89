//! What was said in the conversation that is open.
//!
//! Only what is seen is laid out, from the lowest row up, so that a picture costs the same however much there is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::program::full::app::App;
use crate::program::full::conversation::{Conversation, Place};
use crate::program::full::drawing::{draw_row, draw_styled};
use crate::program::full::layout::{Columns, Head, Line, PROGRAM_SIGN, SIGN_COLUMNS, dim};
use crate::program::full::text::{Row, glyphs, line};

impl App {
    pub(super) fn draw_messages(&self, area: Rect, buffer: &mut Buffer) {
        self.drawn.messages.set(area);
        let Some(conversation) = self.conversations.get(&self.open) else { return };
        let layout = self.layout(area.width);
        let (mut number, mut rows) = match conversation.place {
            Place::End => (conversation.end(), usize::MAX),
            Place::At { number, row } => (number + 1, row + 1),
        };
        let mut bottom = area.bottom();
        if conversation.place != Place::End {
            bottom -= 1;
            draw_below(conversation, number, Rect { y: bottom, height: 1, ..area }, buffer);
        }
        while bottom > area.y && number > conversation.numbers().start {
            number -= 1;
            let mut lines = layout.block(conversation, number);
            lines.truncate(rows);
            rows = usize::MAX;
            for shown in lines.iter().rev() {
                if bottom == area.y {
                    return;
                }
                bottom -= 1;
                draw_line(shown, layout.columns, Rect { y: bottom, height: 1, ..area }, buffer);
            }
        }
    }
}

/// How much is below what is seen.
fn draw_below(conversation: &Conversation, next: u64, area: Rect, buffer: &mut Buffer) {
    let below = conversation.end().saturating_sub(next);
    let text = match conversation.unread {
        0 => format!("↓ {below} below"),
        unread => format!("↓ {below} below, {unread} new"),
    };
    let style = Style::new().add_modifier(Modifier::BOLD);
    draw_program(&line(&text, area.width.saturating_sub(SIGN_COLUMNS)), style, true, area, buffer, 0);
}

fn draw_program(text: &Row, style: Style, is_first: bool, area: Rect, buffer: &mut Buffer, indent: u16) {
    if is_first {
        draw_row(&glyphs(PROGRAM_SIGN, 0), Rect { width: SIGN_COLUMNS, ..area }, dim(), buffer);
    }
    draw_row(text, from(area, SIGN_COLUMNS + indent), style, buffer);
}

fn draw_line(line: &Line, columns: Columns, area: Rect, buffer: &mut Buffer) {
    match line {
        Line::Program { text, style, is_first, indent } => {
            draw_program(text, *style, *is_first, area, buffer, *indent);
        }
        Line::Sender { head } => draw_head(head, columns, area, buffer),
        Line::Message { head, indent, text, hits } => {
            if let Some(head) = head {
                draw_head(head, columns, area, buffer);
            }
            let hit = Style::new().add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
            let style = |at: usize| if hits.get(at) == Some(&true) { hit } else { Style::new() };
            let styled = text.iter().enumerate().map(|(at, glyph)| (glyph, style(at)));
            draw_styled(styled, from(area, columns.text_at + indent), buffer);
        }
    }
}

fn draw_head(head: &Head, columns: Columns, area: Rect, buffer: &mut Buffer) {
    let sign = Style::new().add_modifier(Modifier::BOLD);
    draw_row(&glyphs(head.sign, 0), Rect { width: SIGN_COLUMNS, ..area }, sign, buffer);
    if let Some(time) = &head.time {
        draw_row(&glyphs(time, 0), from(area, SIGN_COLUMNS), dim(), buffer);
    }
    draw_row(&head.sender, from(area, columns.sender_at), head.sender_style, buffer);
    let fate = from(area, columns.sender_at + columns.sender + 1);
    draw_row(&glyphs(head.fate, 0), Rect { width: fate.width.min(1), ..fate }, head.fate_style, buffer);
}

/// The part of a row from a column on.
fn from(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x + columns, width: area.width - columns, ..area }
}
