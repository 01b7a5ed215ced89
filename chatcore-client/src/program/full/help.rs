//! The list of keys, over what was said.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};

use super::keymap::{ACTIONS, Keymap};
use super::keys::Key;
use super::text::{Row, glyphs, rows};

/// Columns of the keys' names.
const NAMES_COLUMNS: u16 = 24;

/// What a line can be, beside the keys.
const SIGNS: [(&str, &str); 4] = [
    ("@bob:text", "says something to bob alone; @bob opens the conversation with him"),
    ("#lobby:text", "says something in a room"),
    ("/command", "does something: /help lists all"),
    ("// @@ ##", "a doubled sign stands for itself: //shrug says /shrug"),
];

/// The list of keys, which is open.
#[derive(Debug, Default)]
pub(super) struct Help {
    /// Rows above what is seen.
    skipped: usize,
}

impl Help {
    /// Does what a key is for. False if that closes the list.
    pub(super) fn press(&mut self, key: &Key) -> bool {
        self.skipped = match key {
            Key::Down => self.skipped + 1,
            Key::PageDown => self.skipped + 8,
            Key::ScrollDown { .. } => self.skipped + 3,
            Key::Up => self.skipped.saturating_sub(1),
            Key::PageUp => self.skipped.saturating_sub(8),
            Key::ScrollUp { .. } => self.skipped.saturating_sub(3),
            Key::FocusGained | Key::FocusLost => self.skipped,
            _ => return false,
        }
        .min(ACTIONS.len() * 2);
        true
    }

    /// Draws it over a part of the screen.
    pub(super) fn draw(&self, keymap: &Keymap, area: Rect, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        Clear.render(area, buffer);
        let heading = Rect { height: 1, ..area };
        buffer.set_style(heading, Style::new().add_modifier(Modifier::REVERSED));
        draw(&glyphs(" Keys: Down and Page-Down show more, Esc goes back", 0), heading, Modifier::REVERSED, buffer);
        let all = all_rows(keymap, area.width);
        let height = usize::from(area.height - 1);
        let skipped = self.skipped.min(all.len().saturating_sub(height));
        for ((name, what), y) in all.iter().skip(skipped).zip(area.y + 1..area.bottom()) {
            let row = Rect { y, height: 1, ..area };
            draw(name, row, Modifier::BOLD, buffer);
            let indent = names_columns(area.width);
            draw(what, Rect { x: row.x + indent, width: row.width - indent, ..row }, Modifier::empty(), buffer);
        }
    }
}

fn names_columns(width: u16) -> u16 {
    NAMES_COLUMNS.min(width / 2)
}

/// Each row: of the names, and of what they do. A long one goes on in the next.
fn all_rows(keymap: &Keymap, width: u16) -> Vec<(Row, Row)> {
    let keys = ACTIONS.iter().filter_map(|entry| {
        let names = keymap.keys(entry.action).join(", ");
        (!names.is_empty()).then(|| (names, entry.what.to_owned()))
    });
    let signs = SIGNS.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned()));
    let names_width = names_columns(width).saturating_sub(1);
    let mut all = Vec::new();
    for (name, what) in keys.chain(signs) {
        let mut names = rows(&format!(" {name}"), names_width).into_iter();
        let mut whats = rows(&what, (width - names_columns(width)).max(2)).into_iter();
        loop {
            match (names.next(), whats.next()) {
                (None, None) => break,
                (name, what) => all.push((name.unwrap_or_default(), what.unwrap_or_default())),
            }
        }
    }
    all
}

fn draw(row: &Row, area: Rect, modifier: Modifier, buffer: &mut Buffer) {
    super::view::draw_row(row, area, Style::new().add_modifier(modifier), buffer);
}
