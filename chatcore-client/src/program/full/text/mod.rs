//! What others say, laid out: drawn grapheme by grapheme, and never interpreted.
//!
//! `glyph` makes glyphs of text, `wrap` breaks lines of them into rows, `bidi` puts the glyphs of a row into the order
//! in which a reader expects them, and `find` finds text whatever its case.

mod bidi;
mod find;
mod glyph;
mod wrap;

#[cfg(test)]
pub(super) mod tests;

use std::ops::Range;

pub(super) use self::find::{contains, find_all};
#[cfg(test)]
pub(super) use self::glyph::made;
pub(super) use self::glyph::{Glyph, Row, glyphs, width};
use self::wrap::wrap;

/// Columns of a row, at the least, so that every glyph fits into every row.
const ROW_COLUMNS_MIN: u16 = 2;

/// Bytes of one cell, at the most: a letter of four bytes with marks.
const CELL_BYTES_MAX: usize = 64;

/// Bytes of a line that are laid out together, at the most. A longer line goes on in a row of its own.
const PIECE_BYTES_MAX: usize = 4 << 10;

/// Rows of one name, at the most.
const NAME_ROWS_MAX: u16 = 5;

/// What the program says as rows of this width, at least one. All glyphs are in them.
pub(super) fn rows(text: &str, width: u16) -> Vec<Row> {
    let width = width.max(ROW_COLUMNS_MIN);
    let mut wrapped = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        let line_glyphs = glyphs(line, start);
        wrapped.append(&mut bidi::order_words(&line_glyphs, &wrap(&line_glyphs, width, width)));
        start += line.len() + 1;
    }
    wrapped
}

/// The same for whoever types it: each row from the left to the right, as others will see it. Where a line begins at
/// the right, a blank cell comes before each of its rows: at the end of the text, the cursor stands there. Rows are
/// wider by that cell.
pub(super) fn typed_rows(text: &str, width: u16) -> Vec<Row> {
    let width = width.max(ROW_COLUMNS_MIN);
    let mut wrapped = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        let line_glyphs = glyphs(line, start);
        let ranges = wrap(&line_glyphs, width, width);
        let mut ordered = bidi::order(&line_glyphs, &ranges);
        if bidi::begins_at_the_right(&line_glyphs) {
            for (row, range) in ordered.iter_mut().zip(&ranges) {
                let end = line_glyphs.get(range.end).map_or(start + line.len(), |glyph| glyph.at);
                row.insert(0, Glyph { text: " ".into(), width: 1, is_mark: false, at: end });
            }
        }
        wrapped.append(&mut ordered);
        start += line.len() + 1;
    }
    wrapped
}

/// A row of a body.
pub(super) struct BodyRow {
    /// From the left to the right.
    pub(super) row: Row,
    /// It goes on with the line of the row before.
    pub(super) is_wrapped: bool,
    /// Where in the body it begins.
    pub(super) at: usize,
}

/// Puts the rows of a line, which are ranges of its glyphs, into the order of their cells.
type Order = fn(&[Glyph], &[Range<usize>]) -> Vec<Row>;

/// The first rows of a body, as they are read: rows that go on with a line are narrower by the indent.
pub(super) fn body_rows(body: &[u8], width: u16, indent: u16, rows_max: usize) -> Vec<BodyRow> {
    ordered_rows(body, (width, indent), rows_max, bidi::order)
}

/// The same of what the program says: names of others turn nothing in it but themselves.
pub(super) fn told_rows(text: &str, width: u16, indent: u16, rows_max: usize) -> Vec<BodyRow> {
    ordered_rows(text.as_bytes(), (width, indent), rows_max, bidi::order_words)
}

fn ordered_rows(body: &[u8], (width, indent): (u16, u16), rows_max: usize, order: Order) -> Vec<BodyRow> {
    let first = width.max(ROW_COLUMNS_MIN);
    let rest = width.saturating_sub(indent).max(ROW_COLUMNS_MIN);
    let mut wrapped = Vec::new();
    let mut start = 0;
    for line in body.split(|byte| *byte == b'\n') {
        let shown = line.strip_suffix(b"\r").unwrap_or(line);
        let mut at = 0;
        loop {
            if wrapped.len() >= rows_max {
                return wrapped;
            }
            let piece = &shown[at..at + boundary(&shown[at..], PIECE_BYTES_MAX)];
            let widths = (if at == 0 { first } else { rest }, rest);
            wrapped.extend(
                rows_of_piece(piece, start + at, widths, rows_max - wrapped.len(), order)
                    .map(|row| BodyRow { is_wrapped: row.is_wrapped || at > 0, ..row }),
            );
            at += piece.len();
            if at == shown.len() {
                break;
            }
        }
        start += line.len() + 1;
    }
    wrapped
}

/// The rows of a part of a line that begins there in the body: the first is so wide, and the others so.
fn rows_of_piece(
    piece: &[u8],
    start: usize,
    (first, rest): (u16, u16),
    rows_max: usize,
    order: Order,
) -> impl Iterator<Item = BodyRow> {
    let glyphs = glyph::glyphs_of_bytes(piece, start);
    let mut ranges = wrap(&glyphs, first, rest);
    // A blank at which a line was broken is not wanted at the start of the next row.
    for range in &mut ranges[1..] {
        let is_blank = glyphs.get(range.start).is_some_and(|glyph| glyph.text == " ");
        range.start += usize::from(is_blank && range.len() > 1);
    }
    ranges.truncate(rows_max);
    let ordered = order(&glyphs, &ranges);
    let begins: Vec<usize> =
        ranges.iter().map(|range| glyphs.get(range.start).map_or(start, |glyph| glyph.at)).collect();
    let rows = ordered.into_iter().zip(begins).enumerate();
    rows.map(|(nth, (row, at))| BodyRow { row, is_wrapped: nth > 0, at })
}

/// The greatest count of bytes up to this one that ends with a whole character.
pub(super) fn boundary(body: &[u8], bytes_max: usize) -> usize {
    if body.len() <= bytes_max {
        return body.len();
    }
    // No character has more than four bytes; what is no text is cut anywhere.
    (bytes_max - 3..=bytes_max).rev().find(|at| body[*at] & 0xc0 != 0x80).unwrap_or(bytes_max)
}

/// What the program says, or a name, in one row.
pub(super) fn told_line(text: &str) -> Row {
    bidi::words(&glyphs(text, 0))
}

/// The same in so many columns, with a sign at the end if not all of it fits. What does not fit costs nothing.
pub(super) fn line(text: &str, columns: u16) -> Row {
    bidi::words(&cut(text, columns))
}

/// As [`line()`], in the order of the text.
fn cut(text: &str, columns: u16) -> Row {
    let bytes_max = (usize::from(columns) + 1) * CELL_BYTES_MAX;
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut row = glyphs(&text[..end], 0);
    if end == text.len() && width(&row) <= columns {
        return row;
    }
    while width(&row) >= columns.max(1) {
        row.pop();
    }
    row.push(ellipsis());
    row
}

/// What stands for a part of a text that is not there. No name holds it.
fn ellipsis() -> Glyph {
    Glyph { text: "…".into(), width: 1, is_mark: false, at: usize::MAX }
}

/// A name in as many rows as it takes, so that two that differ never look the same. A row that goes on with the one
/// above says so with a sign, or it would look like a name of its own. No name that a server may give takes more than
/// [`NAME_ROWS_MAX`] in the narrowest place.
pub(super) fn name_rows(name: &str, columns: u16) -> Vec<Row> {
    let columns = columns.max(ROW_COLUMNS_MIN + 1);
    let row = cut(name, columns.saturating_mul(NAME_ROWS_MAX) - (NAME_ROWS_MAX - 1));
    let mut rows = bidi::order_words(&row, &wrap(&row, columns, columns - 1));
    rows.truncate(NAME_ROWS_MAX.into());
    rows.iter_mut().skip(1).for_each(|row| row.insert(0, ellipsis()));
    rows
}
