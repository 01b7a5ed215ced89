//! Lines broken into rows.

use std::ops::Range;

use super::glyph::Glyph;

/// Breaks a line into rows, between words where that is possible: the first row has so many columns, and the others so
/// many. No row is wider; there is at least one.
pub(super) fn wrap(line: &[Glyph], first: u16, rest: u16) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let mut start = 0;
    loop {
        let columns = if start == 0 { first } else { rest };
        let end = row_end(line, start, columns);
        rows.push(start..end);
        if end == line.len() {
            return rows;
        }
        start = end;
    }
}

fn row_end(line: &[Glyph], start: usize, columns: u16) -> usize {
    let (mut end, mut used, mut blank) = (start, 0, None);
    while let Some(glyph) = line.get(end) {
        if used + glyph.width > columns {
            // A glyph that is too wide for any row would be tried for ever.
            return blank.unwrap_or(end.max(start + 1));
        }
        used += glyph.width;
        end += 1;
        if glyph.text == " " {
            blank = Some(end);
        }
    }
    end
}
