//! Text as glyphs: what is drawn in the cells of a terminal.

use std::fmt::Write;

use compact_str::{CompactString, ToCompactString, format_compact};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::program::escape::{MARKS_MAX, flag, is_hidden, stand_in};

/// Characters of one glyph, at the most: the longest emoji that Unicode lists for interchange has 10, and a flag of a
/// region 7.
const GLYPH_CHARS_MAX: usize = 16;

/// Columns between the stops of a tab.
const TAB_COLUMNS: u16 = 4;

/// What a cell of a row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glyph {
    /// One grapheme.
    pub(crate) text: CompactString,
    /// Cells that it takes: 1 or 2.
    pub(crate) width: u16,
    /// It stands for something that cannot be shown.
    pub(crate) is_mark: bool,
    /// Where in the text it begins.
    pub(crate) at: usize,
}

/// A row of text.
pub(crate) type Row = Vec<Glyph>;

/// The columns of glyphs.
pub(crate) fn width(row: &[Glyph]) -> u16 {
    row.iter().fold(0, |columns, glyph| columns.saturating_add(glyph.width))
}

/// What shows a line of text. `start` is where the line begins in the text.
pub(crate) fn glyphs(line: &str, start: usize) -> Row {
    let mut making = Making::default();
    making.push_text(line, start);
    making.row
}

/// The same for bytes, of which some may be no text.
pub(super) fn glyphs_of_bytes(line: &[u8], mut start: usize) -> Row {
    let mut making = Making::default();
    for chunk in line.utf8_chunks() {
        making.push_text(chunk.valid(), start);
        start += chunk.valid().len();
        for byte in chunk.invalid() {
            making.push_mark(&format_compact!("\u{27e8}x{byte:02X}\u{27e9}"), start);
            start += 1;
        }
    }
    making.row
}

/// A row that is being made.
#[derive(Default)]
struct Making {
    row: Row,
    columns: u16,
}

#[cfg(test)]
std::thread_local! {
    static MADE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many glyphs this thread has made so far, for the tests that hold the work of a picture to a bound.
#[cfg(test)]
pub(in crate::program::full) fn made() -> usize {
    MADE.get()
}

impl Making {
    fn push(&mut self, text: CompactString, width: u16, is_mark: bool, at: usize) {
        #[cfg(test)]
        MADE.set(MADE.get() + 1);
        self.columns = self.columns.wrapping_add(width);
        self.row.push(Glyph { text, width, is_mark, at });
    }

    fn push_mark(&mut self, mark: &str, at: usize) {
        for c in mark.chars() {
            self.push(c.to_compact_string(), 1, true, at);
        }
    }

    fn push_text(&mut self, text: &str, start: usize) {
        // Most text is this.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            self.row.reserve(text.len());
            for (at, byte) in text.bytes().enumerate() {
                self.push(char::from(byte).to_compact_string(), 1, false, start + at);
            }
            return;
        }
        for (at, grapheme) in text.grapheme_indices(true) {
            self.push_grapheme(grapheme, start + at);
        }
    }

    fn push_grapheme(&mut self, grapheme: &str, at: usize) {
        if grapheme == "\t" {
            for _ in 0..TAB_COLUMNS - self.columns % TAB_COLUMNS {
                self.push(CompactString::const_new(" "), 1, false, at);
            }
        } else if flag(grapheme) == Some(grapheme) {
            self.push(grapheme.to_compact_string(), 2, false, at);
        } else if grapheme.chars().any(is_hidden) {
            for (inner, c) in grapheme.char_indices() {
                if is_hidden(c) {
                    self.push_mark(&mark(c), at + inner);
                } else {
                    self.push_cluster(c.encode_utf8(&mut [0; 4]), at + inner);
                }
            }
        } else {
            self.push_cluster(grapheme, at);
        }
    }

    /// A grapheme that is seen: with no more marks than are allowed, of which the others are spelled out after it, and
    /// in pieces if it is too long or too wide.
    fn push_cluster(&mut self, grapheme: &str, at: usize) {
        let (kept, others) = with_few_marks(grapheme);
        let is_short = kept.chars().count() <= GLYPH_CHARS_MAX;
        // What has no width would be drawn onto the cell before, which is not its own.
        let is_whole = is_short && kept.chars().next().is_some_and(|c| width_of(c) > 0);
        match kept.width() {
            1 if is_whole => self.push(kept, 1, false, at),
            2 if is_whole => self.push(kept, 2, false, at),
            _ => self.push_pieces(&kept, at),
        }
        for (inner, c) in others {
            self.push_mark(&code(c), at + inner);
        }
    }

    /// Each letter by itself, with its marks.
    fn push_pieces(&mut self, cluster: &str, at: usize) {
        let mut piece = CompactString::default();
        for c in cluster.chars() {
            if !piece.is_empty() && (width_of(c) > 0 || piece.chars().count() >= GLYPH_CHARS_MAX) {
                self.push_piece(std::mem::take(&mut piece), at);
            }
            piece.push(c);
        }
        self.push_piece(piece, at);
    }

    fn push_piece(&mut self, piece: CompactString, at: usize) {
        match piece.width() {
            // A mark without a letter gets one to stand on.
            0 => self.push(format_compact!("\u{25cc}{piece}"), 1, true, at),
            width @ (1 | 2) => self.push(piece, if width == 1 { 1 } else { 2 }, false, at),
            // The few characters that are wider than two cells.
            _ => {
                let spelled: CompactString = piece.chars().map(code).collect();
                self.push_mark(&spelled, at);
            }
        }
    }
}

/// The grapheme with no more marks on a letter than are allowed, and the other marks with their places in it. Joiners
/// are none.
fn with_few_marks(grapheme: &str) -> (CompactString, Vec<(usize, char)>) {
    let (mut kept, mut others) = (CompactString::default(), Vec::new());
    let mut marks = 0;
    for (at, c) in grapheme.char_indices() {
        let is_joiner = matches!(c, '\u{200c}' | '\u{200d}');
        if !is_joiner {
            marks = if width_of(c) == 0 { marks + 1 } else { 0 };
        }
        if is_joiner || marks <= MARKS_MAX {
            kept.push(c);
        } else {
            others.push((at, c));
        }
    }
    (kept, others)
}

fn width_of(c: char) -> usize {
    UnicodeWidthStr::width(c.encode_utf8(&mut [0; 4]) as &str)
}

/// What is shown in place of a character that would be obeyed, or not be seen.
fn mark(c: char) -> CompactString {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}').to_compact_string(),
        '\u{7f}' => CompactString::const_new("\u{2421}"),
        other => stand_in(other).map_or_else(|| code(other), |sign| sign.to_compact_string()),
    }
}

fn code(c: char) -> CompactString {
    let mut code = CompactString::const_new("\u{27e8}");
    write!(code, "{:04X}\u{27e9}", u32::from(c)).expect("a string takes everything");
    code
}
