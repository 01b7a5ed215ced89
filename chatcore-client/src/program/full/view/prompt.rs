//! What is typed, and to whom it goes: that is visible before anything is sent, in words and in a colour.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::program::full::app::{App, Intent, PROGRAM};
use crate::program::full::composer::{Picture, picture};
use crate::program::full::conversation::Membership;
use crate::program::full::drawing::draw_row;
use crate::program::full::field::Field;
use crate::program::full::text::{Glyph, Row, boundary, glyphs, rows, told_line, width as width_of};
use crate::program::full::theme::Role;
use crate::program::requests::mapped;

/// Rows of what is typed, at the most.
const TYPED_ROWS_MAX: u16 = 5;

/// Rows of what the line is for, if that does not fit before it.
const LABEL_ROWS_MAX: u16 = 6;

/// Bytes of what the line is for that are laid out: more than [`LABEL_ROWS_MAX`] rows of any name.
const LABEL_BYTES_MAX: usize = 8 << 10;

/// Columns of what is typed, at the least, beside what it is for.
const TYPED_COLUMNS_MIN: u16 = 16;

/// The prompt, laid out.
pub(in crate::program::full) struct Prompt {
    /// What the line is for. The first row stands before it if there is one alone and `indent` is not 0.
    label: Vec<Row>,
    indent: u16,
    /// There is no room for all of it.
    pub(super) is_cut: bool,
    style: Style,
    typed: Picture,
}

impl Prompt {
    /// Rows that it takes.
    pub(super) fn height(&self) -> u16 {
        let above = if self.indent > 0 { 0 } else { self.label.len() };
        u16::try_from(above + self.typed.rows.len()).unwrap_or(u16::MAX)
    }

    /// Draws it; returns where the cursor is.
    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer) -> Position {
        let mut typed = area;
        for row in &self.label {
            draw_row(row, Rect { height: 1, ..typed }, self.style, buffer);
            if self.indent == 0 {
                typed = Rect { y: typed.y + 1, height: typed.height.saturating_sub(1), ..typed };
            }
        }
        typed = Rect { x: typed.x + self.indent, width: typed.width.saturating_sub(self.indent), ..typed };
        for (row, y) in self.typed.rows.iter().zip(typed.y..typed.bottom()) {
            draw_row(row, Rect { y, height: 1, ..typed }, Style::new(), buffer);
        }
        let (x, y) = self.typed.cursor;
        Position {
            x: (typed.x + x).min(area.right().saturating_sub(1)),
            y: (typed.y + y).min(area.bottom().saturating_sub(1)),
        }
    }
}

impl App {
    /// Lays the prompt out in a screen of this width.
    pub(super) fn prompt(&self, width: u16, rows_max: u16) -> Prompt {
        let (whole, role) = self.label();
        let text = &whole[..boundary(whole.as_bytes(), LABEL_BYTES_MAX)];
        let style = role.map_or_else(Style::new, |role| self.screen.theme.style(role, self.colours));
        let inline = told_line(text);
        let inline_width = width_of(&inline);
        let is_inline = inline_width > 0 && inline_width + TYPED_COLUMNS_MIN <= width;
        let (mut label, indent) = if is_inline { (vec![inline], inline_width) } else { (rows(text, width), 0) };
        let label_rows_max = usize::from(LABEL_ROWS_MAX.min(rows_max.saturating_sub(1)));
        let has_room = indent > 0 || label.len() <= label_rows_max;
        if !has_room {
            label.truncate(label_rows_max);
        }
        let is_cut = !has_room || text.len() < whole.len();
        let above = if indent > 0 { 0 } else { u16::try_from(label.len()).unwrap_or(0) };
        let rows_max = TYPED_ROWS_MAX.min(rows_max.saturating_sub(above)).max(1);
        let columns = width.saturating_sub(indent);
        let typed = match &self.field {
            Some(field) if !field.is_closed => picture_of_field(field, columns),
            _ => picture(self.draft().text(), self.draft().cursor(), columns, rows_max),
        };
        Prompt { label, indent, is_cut, style, typed }
    }

    /// Whether it is a room in which we are known not to be: the server takes nothing for it.
    fn has_left(&self, to: &str) -> bool {
        let conversation = self.conversations.get(&mapped(to.to_owned()));
        to.starts_with('#') && conversation.is_some_and(|conversation| conversation.membership == Membership::Out)
    }

    /// What Enter would do with the line, and what kind of thing that is.
    fn label(&self) -> (String, Option<Role>) {
        match &self.field {
            Some(field) if field.is_closed => (format!("Enter, and then {}", field.label()), Some(Role::Warning)),
            Some(field) => (field.label(), None),
            None if !self.types_line() => ("… ".to_owned(), Some(Role::Quiet)),
            None => match self.intent() {
                Intent::Nothing { to } | Intent::Send { to, .. } if self.has_left(&to) => {
                    (format!("not in {to}> "), Some(Role::Warning))
                }
                intent => label_of(&intent),
            },
        }
    }
}

fn label_of(intent: &Intent) -> (String, Option<Role>) {
    match intent {
        Intent::Nothing { to } if to == PROGRAM => ("> ".to_owned(), None),
        Intent::Nothing { to } | Intent::Send { to, .. } if to.starts_with('#') => {
            (format!("{to}> "), Some(Role::Room))
        }
        Intent::Nothing { to } | Intent::Send { to, .. } => (format!("only {to} reads it> "), Some(Role::Private)),
        Intent::Command(_) => ("command> ".to_owned(), Some(Role::Command)),
        Intent::LookFor => ("look for> ".to_owned(), Some(Role::Command)),
        Intent::Open(name) => (format!("opens {name}> "), Some(Role::Command)),
        Intent::NoRecipient => ("to nobody> ".to_owned(), Some(Role::Warning)),
        Intent::Withheld { begun_for } => (format!("begun for {begun_for} alone, not sent> "), Some(Role::Warning)),
        Intent::Fault(_) => ("not yet a command> ".to_owned(), Some(Role::Command)),
    }
}

/// The end of what is typed for a name or a password.
fn picture_of_field(field: &Field, columns: u16) -> Picture {
    let shown = field.shown();
    let row = glyphs(&shown, 0);
    let mut width = width_of(&row);
    let mut is_hidden = |glyph: &&Glyph| {
        let is_too_wide = width > columns.saturating_sub(1);
        width -= if is_too_wide { glyph.width } else { 0 };
        is_too_wide
    };
    let from = row.iter().find(|glyph| !is_hidden(glyph)).map_or(shown.len(), |glyph| glyph.at);
    picture(&shown[from..], shown.len() - from, columns, 1)
}
