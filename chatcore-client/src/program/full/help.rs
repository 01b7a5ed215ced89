//! The list of keys, over what was said.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};

use super::drawing::draw_row;
use super::keymap::{ACTIONS, Keymap};
use super::keys::Key;
use super::text::{Glyph, Row, body_rows, glyphs};

/// Columns of the keys' names.
const NAMES_COLUMNS: u16 = 25;

/// Keys of one action that are named, at the most.
const NAMES_MAX: usize = 6;

/// Columns before the keys' names.
const MARGIN_COLUMNS: u16 = 1;

/// By how much rows are indented that go on with the one above.
const INDENT_COLUMNS: u16 = 2;

/// What a line can be, and what stands beside it.
const SIGNS: [(&str, &str); 9] = [
    ("@bob:text", "says something to bob alone; @bob opens the conversation with him"),
    ("#lobby:text", "says something in a room"),
    ("/command", "does something: /help lists all"),
    ("// @@ ##", "a doubled sign stands for itself: //shrug says /shrug"),
    ("…", "beside a line of yours: it is on its way, without an answer"),
    ("✓", "the server has accepted it"),
    ("=", "another client of yours has said it"),
    ("?", "nobody knows whether it arrived: a row below says why"),
    ("✗", "it reaches nobody: a row below says why"),
];

/// The list of keys, which is open.
#[derive(Debug)]
pub(super) struct Help {
    /// Rows above what is seen.
    skipped: usize,
    /// As many as there can be. Drawing sets it.
    skipped_max: Cell<usize>,
}

impl Default for Help {
    fn default() -> Self {
        Self { skipped: 0, skipped_max: Cell::new(usize::MAX) }
    }
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
        .min(self.skipped_max.get());
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
        draw(&glyphs(" Keys: Esc goes back, Down and Page-Down show more", 0), heading, Modifier::REVERSED, buffer);
        let all = all_rows(keymap, area.width);
        let height = usize::from(area.height - 1);
        self.skipped_max.set(all.len().saturating_sub(height));
        let skipped = self.skipped.min(self.skipped_max.get());
        for ((name, what), y) in all.iter().skip(skipped).zip(area.y + 1..area.bottom()) {
            let row = Rect { y, height: 1, ..area };
            draw(name, from(row, MARGIN_COLUMNS), Modifier::BOLD, buffer);
            draw(what, from(row, names_columns(area.width)), Modifier::empty(), buffer);
        }
    }
}

fn names_columns(width: u16) -> u16 {
    NAMES_COLUMNS.min(width / 2)
}

/// Each row: of the names, and of what they do. A long one goes on in the next.
fn all_rows(keymap: &Keymap, width: u16) -> Vec<(Row, Row)> {
    let keys = ACTIONS.iter().filter_map(|entry| {
        let names = listed(&keymap.keys(entry.action));
        (!names.is_empty()).then(|| (names, entry.what.to_owned()))
    });
    let signs = SIGNS.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned()));
    let names_width = names_columns(width).saturating_sub(MARGIN_COLUMNS + 1);
    let whats_width = width - names_columns(width);
    let mut all = Vec::new();
    for (name, what) in keys.chain(signs) {
        let mut names = hanging(&name, names_width).into_iter();
        let mut whats = hanging(&what, whats_width).into_iter();
        loop {
            match (names.next(), whats.next()) {
                (None, None) => break,
                (name, what) => all.push((name.unwrap_or_default(), what.unwrap_or_default())),
            }
        }
    }
    all
}

/// The names of keys. Of many, which are a row of digits, the first and the last say it.
fn listed(names: &[String]) -> String {
    match names {
        [first, .., last] if names.len() > NAMES_MAX => format!("{first} … {last}"),
        names => names.join(", "),
    }
}

/// A text as rows, of which those after the first are indented.
fn hanging(text: &str, width: u16) -> Vec<Row> {
    let indented = |row: Row| {
        let blank = Glyph { text: " ".into(), width: 1, is_mark: false, at: 0 };
        std::iter::repeat_n(blank, INDENT_COLUMNS.into()).chain(row).collect()
    };
    let rows = body_rows(text.as_bytes(), width, INDENT_COLUMNS, usize::MAX).into_iter();
    rows.map(|row| if row.is_wrapped { indented(row.row) } else { row.row }).collect()
}

/// The part of a row from a column on.
fn from(row: Rect, columns: u16) -> Rect {
    let columns = columns.min(row.width);
    Rect { x: row.x + columns, width: row.width - columns, ..row }
}

fn draw(row: &Row, area: Rect, modifier: Modifier, buffer: &mut Buffer) {
    draw_row(row, area, Style::new().add_modifier(modifier), buffer);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list, in so many columns and as many rows as it needs.
    fn shown(width: u16) -> Vec<String> {
        let area = Rect { x: 0, y: 0, width, height: 400 };
        let mut buffer = Buffer::empty(area);
        Help::default().draw(&Keymap::default(), area, &mut buffer);
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        let rows: Vec<String> = (1..area.height).map(row).collect();
        let count = rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
        rows[..count].to_vec()
    }

    /// Its last rows are reached in whatever window, and one key leads back from there.
    #[test]
    fn all_of_it_can_be_seen() {
        for (width, height) in [(20, 3), (40, 8), (100, 20)] {
            let area = Rect { x: 0, y: 0, width, height };
            let mut help = Help::default();
            let drawn = |help: &Help| {
                let mut buffer = Buffer::empty(area);
                help.draw(&Keymap::default(), area, &mut buffer);
                buffer
            };
            let mut last = drawn(&help);
            for _ in 0..300 {
                assert!(help.press(&Key::Down));
                last = drawn(&help);
            }
            let row = |y| (0..width).map(|x| last[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
            let end = shown(width);
            assert_eq!((1..height).map(row).collect::<Vec<_>>(), end[end.len() - usize::from(height - 1)..]);
            assert!(help.press(&Key::Up));
            assert_ne!(drawn(&help), last);
        }
    }

    #[test]
    fn what_does_not_fit_into_a_row_goes_on_indented() {
        let wide = shown(100);
        assert_eq!(wide.len(), ACTIONS.len() + SIGNS.len(), "each has a row of its own");
        let narrow = shown(40).join("\n");
        let rows = [
            " Alt-n, Ctrl-N,     opens the next",
            "   Alt-Down           conversation",
            " Alt-p, Ctrl-P,     opens the one before",
            "   Alt-Up",
        ];
        assert!(narrow.contains(&rows.join("\n")), "{narrow}");
        for width in [20, 30, 40, 62] {
            for row in shown(width) {
                let (names, what) = row.split_at_checked(names_columns(width).into()).unwrap_or((&row, ""));
                let is_new = names.starts_with(' ') && !names.starts_with("  ");
                let goes_on =
                    names.starts_with("   ") && (what.is_empty() || what.starts_with("  ") || !names.trim().is_empty());
                assert!(is_new || goes_on, "{width}: {row:?}");
            }
        }
    }
}
