//! Cells that stay where they are, whatever width a terminal gives to a glyph.
//!
//! Terminals differ in how wide they draw emoji, joined sequences, marks and letters of some scripts, and what
//! `unicode-width` says is one opinion of several. After a glyph that may be drawn in another width, the cursor is put
//! where the next cell is, and all cells to the right of it are drawn again, so that what it covered too much is
//! covered by what belongs there.

use std::num::NonZeroU16;
use std::ops::Range;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Cell, CellDiffOption, CellWidth};
use ratatui::layout::{Position, Size};

/// A terminal in which each cell is put into its place.
pub(crate) struct Placed<B> {
    inner: B,
    /// What each row shows, as far as it was drawn since all was cleared.
    rows: Vec<Vec<Cell>>,
    /// The columns that were drawn since then. The program draws all columns of some row in each picture.
    columns: usize,
}

impl<B: Backend> Placed<B> {
    pub(crate) const fn new(inner: B) -> Self {
        Self { inner, rows: Vec::new(), columns: 0 }
    }

    fn forget(&mut self) {
        self.rows.clear();
        self.columns = 0;
    }

    /// Notes what a row shows from now on. Returns the first column that may be drawn in another width, or that had a
    /// glyph which may be: a terminal that has drawn it as several glyphs keeps those that nothing is drawn onto.
    fn note(&mut self, y: u16, cells: &[(u16, u16, &Cell)]) -> Option<u16> {
        let y = usize::from(y);
        if self.rows.len() <= y {
            self.rows.resize_with(y + 1, Vec::new);
        }
        let row = &mut self.rows[y];
        let mut doubtful = None;
        for (column, _, cell) in cells {
            let x = usize::from(*column);
            let width = usize::from(cell.cell_width().max(1));
            if row.len() < x + width {
                row.resize(x + width, Cell::EMPTY);
            }
            let had_doubtful = row[x..x + width].iter().any(|old| certainty(old) == Certainty::Doubtful);
            if doubtful.is_none() && (had_doubtful || certainty(cell) != Certainty::Sure) {
                doubtful = Some(*column);
            }
            row[x] = (*cell).clone();
            for covered in &mut row[x + 1..x + width] {
                covered.set_symbol(" ").set_diff_option(CellDiffOption::None);
                (covered.fg, covered.bg, covered.modifier) = (cell.fg, cell.bg, cell.modifier);
            }
            self.columns = self.columns.max(x + 1);
        }
        doubtful
    }

    /// Draws a row again from a column on.
    fn draw_from(&mut self, y: u16, from: u16) -> Result<(), B::Error> {
        let row = &mut self.rows[usize::from(y)];
        if row.len() < self.columns {
            row.resize(self.columns, Cell::EMPTY);
        }
        let mut x = usize::from(from);
        while x < row.len() {
            let run = run(row, x);
            if certainty(&row[x]) == Certainty::Doubtful {
                // If it is drawn narrower than its cells, the others must not show what was there.
                let mut blank = row[x].clone();
                blank.set_symbol(" ").set_diff_option(CellDiffOption::None);
                let cells = run.clone().filter_map(|x| Some((u16::try_from(x).ok()?, y, &blank)));
                self.inner.draw(cells)?;
            }
            let leads = leads(row, run.clone()).filter_map(|x| Some((u16::try_from(x).ok()?, y, &row[x])));
            self.inner.draw(leads)?;
            x = run.end;
        }
        Ok(())
    }
}

/// The cells from a column on that are drawn without putting the cursor anew.
fn run(row: &[Cell], start: usize) -> Range<usize> {
    let kind = certainty(&row[start]);
    let mut end = start + usize::from(row[start].cell_width().max(1));
    while kind != Certainty::Doubtful && end < row.len() && certainty(&row[end]) == kind {
        end += usize::from(row[end].cell_width().max(1));
    }
    start..end.min(row.len())
}

/// The cells that are not covered by the glyph before.
fn leads(row: &[Cell], range: Range<usize>) -> impl Iterator<Item = usize> {
    let mut next = range.start;
    range.filter(move |x| {
        let is_lead = *x == next;
        if is_lead {
            next = x + usize::from(row[*x].cell_width().max(1));
        }
        is_lead
    })
}

/// How sure it is that a terminal draws a glyph as wide as its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Sure,
    /// Letters that are wide in some old terminals of East Asia alone. A run of them is one piece.
    Letter,
    Doubtful,
}

fn certainty(cell: &Cell) -> Certainty {
    let mut chars = cell.symbol().chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return Certainty::Doubtful };
    match c {
        // ASCII; and kana, ideographs, syllables of Hangul and the full-width forms of ASCII.
        ' '..='~'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{ff01}'..='\u{ff60}' => Certainty::Sure,
        '\u{c0}'..='\u{52f}' if c.is_alphabetic() => Certainty::Letter,
        _ => Certainty::Doubtful,
    }
}

/// Puts a glyph of this width into cells: the first has it, and the others are blank.
pub(crate) fn put(cell: &mut Cell, glyph: &str, width: u16) {
    let option = match NonZeroU16::new(width) {
        Some(width) if glyph.len() > 1 => CellDiffOption::ForcedWidth(width),
        _ => CellDiffOption::None,
    };
    cell.set_symbol(glyph).set_diff_option(option);
}

impl<B: Backend> Backend for Placed<B> {
    type Error = B::Error;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Self::Error>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let cells: Vec<_> = content.collect();
        for row in cells.chunk_by(|(_, y, _), (_, other, _)| y == other) {
            let y = row[0].1;
            let doubtful = self.note(y, row).unwrap_or(u16::MAX);
            let before = row.iter().copied().take_while(|(x, _, _)| *x < doubtful);
            self.inner.draw(before)?;
            if doubtful < u16::MAX {
                self.draw_from(y, doubtful)?;
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> Result<(), Self::Error> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), Self::Error> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, Self::Error> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Self::Error> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), Self::Error> {
        self.forget();
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Self::Error> {
        // All is drawn again after this, whatever was cleared.
        self.forget();
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> Result<Size, Self::Error> {
        self.inner.size()
    }

    fn window_size(&mut self) -> Result<WindowSize, Self::Error> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::backend::CrosstermBackend;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use proptest::prelude::*;

    use super::*;
    use crate::program::full::text::glyphs;
    use crate::program::full::text::tests::nasty_bytes;

    /// Joined and marked in ways in which terminals differ: `vt100` draws the first as two letters of one cell each, as
    /// tmux does, and the last 8 cells wide, and not 2.
    const ODD: [&str; 5] = ["🇩🇪", "❤\u{fe0f}", "👍🏽", "n\u{303}", "👩\u{200d}👩\u{200d}👧\u{200d}👦"];

    /// Draws pictures one after the other, and tells what the last looks like on a terminal.
    fn shown(pictures: &[fn(&mut Buffer)]) -> Vec<String> {
        let area = Rect::new(0, 0, 30, 2);
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let mut bytes = Vec::new();
        let mut terminal = Terminal::with_options(Placed::new(CrosstermBackend::new(&mut bytes)), options).unwrap();
        for picture in pictures {
            terminal.draw(|frame| picture(frame.buffer_mut())).unwrap();
        }
        drop(terminal);
        let mut screen = vt100::Parser::new(2.try_into().unwrap(), 30.try_into().unwrap(), 0);
        screen.process(&bytes);
        screen.screen().rows(0, 30).collect()
    }

    fn odd(x: u16, buffer: &mut Buffer) {
        for (glyph, x) in ODD.into_iter().zip((x..).step_by(3)) {
            put(&mut buffer[(x, 0)], glyph, if glyph.is_ascii() { 1 } else { 2 });
        }
    }

    fn frame(buffer: &mut Buffer) {
        buffer.set_string(0, 0, "left|", Style::new());
        buffer.set_string(25, 0, "|here", Style::new());
        buffer.set_string(0, 1, "the row below that is full....", Style::new());
    }

    #[test]
    fn a_glyph_of_another_width_shifts_nothing() {
        // The picture before has what stands beside them, so that ratatui does not draw it again.
        let rows = shown(&[frame, |buffer| {
            frame(buffer);
            odd(8, buffer);
        }]);
        assert!(rows[0].starts_with("left|") && rows[0].ends_with(" |here"), "{rows:?}");
        assert_eq!(rows[1], "the row below that is full....");
    }

    #[test]
    fn a_glyph_that_goes_leaves_nothing() {
        let rows = shown(&[
            |buffer| {
                frame(buffer);
                odd(6, buffer);
            },
            frame,
        ]);
        assert_eq!(rows[0], "left|                    |here");
        // Nor under a wide glyph that covers one of its cells.
        let rows = shown(&[
            |buffer| {
                frame(buffer);
                put(&mut buffer[(8, 0)], "🇩🇪", 2);
            },
            |buffer| {
                frame(buffer);
                put(&mut buffer[(7, 0)], "中", 2);
            },
        ]);
        assert_eq!(rows[0], "left|  中                |here");
    }

    /// Columns of others' text, between two borders.
    const OTHERS: Range<u16> = 10..40;

    fn with_glyphs(lines: &[Vec<u8>], buffer: &mut Buffer) {
        for (y, line) in (0..).zip(lines) {
            buffer.set_string(0, y, "the list |", Style::new());
            buffer.set_string(40, y, "| a column of members that is right here", Style::new());
            let mut x = OTHERS.start;
            for glyph in glyphs(&String::from_utf8_lossy(line), 0) {
                if x + glyph.width > OTHERS.end {
                    break;
                }
                put(&mut buffer[(x, y)], &glyph.text, glyph.width);
                x += glyph.width;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// `vt100` adds up the widths of characters, and knows no joined emoji: what stands beside others' text is
        /// where it belongs nevertheless, after any pictures.
        #[test]
        fn nothing_beside_others_text_is_ever_covered(
            pictures in prop::collection::vec(prop::collection::vec(nasty_bytes(), 3), 1..4),
        ) {
            let area = Rect::new(0, 0, 80, 3);
            let options = TerminalOptions { viewport: Viewport::Fixed(area) };
            let mut bytes = Vec::new();
            let mut terminal = Terminal::with_options(Placed::new(CrosstermBackend::new(&mut bytes)), options).unwrap();
            for lines in &pictures {
                terminal.draw(|frame| with_glyphs(lines, frame.buffer_mut())).unwrap();
            }
            drop(terminal);
            let mut screen = vt100::Parser::new(3.try_into().unwrap(), 80.try_into().unwrap(), 0);
            screen.process(&bytes);
            let cells = |y, columns: Range<u16>| -> String {
                columns.map(|x| screen.screen().cell(y, x).map_or("", vt100::Cell::contents).to_owned()).collect()
            };
            for y in 0..3 {
                prop_assert_eq!(cells(y, 0..10).replace(' ', ""), "thelist|");
                prop_assert_eq!(cells(y, 40..80).replace(' ', ""), "|acolumnofmembersthatisrighthere");
            }
        }
    }
}
