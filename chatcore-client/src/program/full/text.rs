//! What others say, laid out: drawn grapheme by grapheme, and never interpreted.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::program::escape::is_unsafe;

/// Marks on one letter, at the most. More are left out, so that no letter reaches into other lines.
const MARKS_MAX: usize = 4;

/// What a cell of a row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    /// One grapheme.
    pub(super) text: String,
    /// Cells that it takes: 1 or 2.
    pub(super) width: u16,
    /// It stands for something that cannot be shown.
    pub(super) is_mark: bool,
    /// Where in the text it begins.
    pub(super) at: usize,
}

/// A row of text.
pub(super) type Row = Vec<Glyph>;

/// Text as rows of this width, at least one. Each row but the first of a line is to be indented by whoever draws it.
pub(super) fn rows(text: &str, width: u16) -> Vec<Row> {
    let mut wrapped = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        wrap(&glyphs(line, start), width.max(2), &mut wrapped);
        start += line.len() + 1;
    }
    wrapped
}

/// What shows a line of text. `start` is where the line begins in the text.
pub(super) fn glyphs(line: &str, start: usize) -> Row {
    let mut row = Vec::new();
    for (at, grapheme) in line.grapheme_indices(true) {
        push(grapheme, start + at, &mut row);
    }
    row
}

fn push(grapheme: &str, at: usize, row: &mut Row) {
    if grapheme.chars().any(is_unsafe) {
        for (inner, c) in grapheme.char_indices() {
            let shown = if is_unsafe(c) { mark(c) } else { c.to_string() };
            let is_mark = is_unsafe(c);
            for shown in shown.chars() {
                let text = shown.to_string();
                let width = width(&text);
                if width > 0 {
                    row.push(Glyph { text, width, is_mark, at: at + inner });
                }
            }
        }
        return;
    }
    // Joined emoji are long, and stay in their cells.
    let text: String = match grapheme.chars().filter(|c| is_combining(*c)).count() {
        0..=MARKS_MAX => grapheme.to_owned(),
        _ => {
            let mut marks = 0;
            grapheme
                .chars()
                .filter(|c| {
                    marks += usize::from(is_combining(*c));
                    !is_combining(*c) || marks <= MARKS_MAX
                })
                .collect()
        }
    };
    match width(&text) {
        // A mark without a letter gets one to stand on.
        0 => row.push(Glyph { text: format!("\u{25cc}{text}"), width: 1, is_mark: true, at }),
        width => row.push(Glyph { text, width: width.min(2), is_mark: false, at }),
    }
}

fn is_combining(c: char) -> bool {
    UnicodeWidthStr::width(c.encode_utf8(&mut [0; 4]) as &str) == 0 && !matches!(c, '\u{200c}' | '\u{200d}')
}

pub(super) fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// What is shown in place of a character that would be obeyed, or not be seen.
fn mark(c: char) -> String {
    match c {
        '\t' => "  ".to_owned(),
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).map(String::from).unwrap_or_default(),
        '\u{7f}' => "\u{2421}".to_owned(),
        other => format!("\u{27e8}{:04X}\u{27e9}", other as u32),
    }
}

/// Breaks a line into rows, between words where that is possible.
fn wrap(line: &[Glyph], width: u16, rows: &mut Vec<Row>) {
    let mut start = 0;
    loop {
        let (mut end, mut used, mut blank) = (start, 0, None);
        while let Some(glyph) = line.get(end) {
            if used + glyph.width > width {
                break;
            }
            used += glyph.width;
            end += 1;
            if glyph.text == " " {
                blank = Some(end);
            }
        }
        if end == line.len() {
            rows.push(line[start..].to_vec());
            return;
        }
        let end = blank.filter(|blank| *blank > start).unwrap_or(end.max(start + 1));
        rows.push(line[start..end].to_vec());
        start = end;
    }
}
