//! The rows of what is being typed, around the cursor: what is not on the screen costs nothing.

use crate::program::full::text::{Glyph, Row, typed_rows};

/// Bytes of one line that are laid out before the cursor at least, if there are so many, and twice as many at the most;
/// and after it. It is more than the rows of a prompt hold.
const LINE_BYTES: usize = 8 << 10;

/// The rows that are shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) rows: Vec<Row>,
    /// The column and the row of the cursor.
    pub(crate) cursor: (u16, u16),
}

/// Lays out a text in rows that leave a column for the cursor. There is at least one row.
pub(crate) fn picture(text: &str, cursor: usize, columns: u16, rows_max: u16) -> Picture {
    let width = columns.saturating_sub(1).max(2);
    let start = text[..cursor].rfind('\n').map_or(0, |at| at + 1);
    let end = text[cursor..].find('\n').map_or(text.len(), |at| cursor + at);
    let (mut shown, row, column) = around(text, start, cursor, end, width);
    let (mut above, count) = (Vec::new(), usize::from(rows_max.max(1)));
    let mut before = start;
    while before > 0 && above.len() + row < count {
        let end = before - 1;
        before = text[..end].rfind('\n').map_or(0, |at| at + 1);
        let from = boundary_from(text, end.saturating_sub(LINE_BYTES)).max(before);
        above.splice(0..0, typed_rows(&text[from..end], width));
    }
    let mut after = end;
    while after < text.len() && shown.len() - row <= count {
        let from = after + 1;
        after = text[from..].find('\n').map_or(text.len(), |at| from + at);
        shown.extend(typed_rows(&text[from..boundary_from(text, after.min(from + LINE_BYTES))], width));
    }
    let row = above.len() + row;
    above.append(&mut shown);
    let first = (row + 1).saturating_sub(count);
    let rows = above.into_iter().skip(first).take(count).collect();
    Picture { rows, cursor: (column.min(columns.saturating_sub(1)), u16::try_from(row - first).unwrap_or(0)) }
}

/// The rows of the cursor's line, the row of the cursor among them, and its column.
fn around(text: &str, start: usize, cursor: usize, end: usize, width: u16) -> (Vec<Row>, usize, u16) {
    let skipped = ((cursor - start) / LINE_BYTES).saturating_sub(1) * LINE_BYTES;
    let from = boundary_from(text, start + skipped);
    let to = boundary_from(text, (cursor + LINE_BYTES).min(end));
    let shown = typed_rows(&text[from..to], width);
    let at = cursor - from;
    let begins_before = |row: &Row| row.iter().map(|glyph| glyph.at).min().is_none_or(|first| first <= at);
    let row = shown.iter().rposition(begins_before).unwrap_or(0);
    let column = column(shown.get(row).map_or(&[], Vec::as_slice), at);
    (shown, row, column)
}

/// The first place from there on where a character begins, or the end.
fn boundary_from(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Where the cursor stands in its row: on the glyph that it is at, or after all of them.
fn column(row: &[Glyph], at: usize) -> u16 {
    let (mut x, mut nearest) = (0, None);
    for glyph in row {
        if glyph.at >= at && nearest.is_none_or(|(nearest, _)| glyph.at < nearest) {
            nearest = Some((glyph.at, x));
        }
        x += glyph.width;
    }
    nearest.map_or(x, |(_, column)| column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::full::text::made;
    use proptest::prelude::*;

    fn shown(picture: &Picture) -> Vec<String> {
        picture.rows.iter().map(|row| row.iter().map(|glyph| glyph.text.as_str()).collect()).collect()
    }

    #[test]
    fn the_cursor_is_where_the_next_character_comes() {
        let at = |text: &str, cursor| picture(text, cursor, 10, 5).cursor;
        assert_eq!(at("", 0), (0, 0));
        assert_eq!(at("abc", 3), (3, 0));
        assert_eq!(at("abc", 1), (1, 0));
        assert_eq!(at("山田x", 3), (2, 0));
        assert_eq!(at("山田x", 7), (5, 0));
        assert_eq!(at("e\u{301}x", 3), (1, 0));
        assert_eq!(at("a\n", 2), (0, 1));
        assert_eq!(at("a\n\nb", 2), (0, 1));
        assert_eq!(at("a\n\nb", 3), (0, 2));
        // A row of nine, and the next.
        assert_eq!(at("123456789", 9), (9, 0));
        assert_eq!(at("1234567890", 10), (1, 1));
        assert_eq!(at("1234567890", 9), (0, 1));
        assert_eq!(at("山山山山山", 15), (2, 1), "the fifth does not fit in nine columns");
        assert_eq!(at("one two three", 13), (5, 1));
    }

    #[test]
    fn the_rows_around_the_cursor_are_shown() {
        let text = "1\n2\n3\n4\n5\n6\n7\n8";
        assert_eq!(shown(&picture(text, text.len(), 10, 3)), ["6", "7", "8"]);
        assert_eq!(shown(&picture(text, 0, 10, 3)), ["1", "2", "3"]);
        let middle = picture(text, 7, 10, 3);
        assert_eq!((shown(&middle), middle.cursor), (vec!["2".into(), "3".into(), "4".into()], (1, 2)));
        assert_eq!(shown(&picture("ab", 1, 10, 3)), ["ab"]);
    }

    /// As others will see it, and the cursor on the cell that is about to change.
    #[test]
    fn what_runs_to_the_left_is_shown_so_while_it_is_typed() {
        let at = |text: &str, cursor| {
            let picture = picture(text, cursor, 20, 5);
            (shown(&picture)[usize::from(picture.cursor.1)].clone(), picture.cursor.0)
        };
        // The first letter is at the right; the cell at the left is for the next.
        assert_eq!(at("אבג", 6), (" גבא".into(), 0));
        assert_eq!(at("אבג", 4), (" גבא".into(), 1));
        assert_eq!(at("אבג", 0), (" גבא".into(), 3));
        assert_eq!(at("אב (x)", 8), (" (x) בא".into(), 0));
        // A line that begins at the left goes on at the right.
        assert_eq!(at("x אב", 6), ("x בא".into(), 4));
        assert_eq!(at("x אב", 2), ("x בא".into(), 3));
        assert_eq!(at("x אב", 4), ("x בא".into(), 2));
        assert_eq!(at("x אב y", 7), ("x בא y".into(), 5));
        // Each line has a direction of its own, and each row keeps it.
        assert_eq!(at("אב\nxy", 7), ("xy".into(), 2));
        assert_eq!(at("xy\nאב", 7), (" בא".into(), 0));
        let wrapped = picture("אבגד הוזחט", 19, 8, 5);
        assert_eq!((shown(&wrapped), wrapped.cursor), (vec!["  דגבא".into(), " טחזוה".into()], (0, 1)));
    }

    #[test]
    fn a_megabyte_costs_what_the_screen_shows() {
        const ROWS: u16 = 5;
        // The cursor's line, and a line for each row above it and below it.
        let glyphs_max = (3 + 2 * usize::from(ROWS)) * LINE_BYTES;
        let long_lines = format!("{}\n", "x".repeat(99_999)).repeat(10);
        for text in ["x".repeat(1 << 20), "x\n".repeat(1 << 19), "山 \n".repeat(200_000), long_lines] {
            for cursor in [0, boundary_from(&text, text.len() / 2), text.len()] {
                let before = made();
                let picture = picture(&text, cursor, 80, ROWS);
                assert_eq!(picture.rows.len(), usize::from(ROWS));
                assert!(made() - before <= glyphs_max, "{} glyphs", made() - before);
            }
        }
    }

    proptest! {
        /// Wherever the cursor goes, it is seen to go.
        #[test]
        fn each_place_of_the_cursor_has_a_cell_of_its_own(text in "[a1 (.אבع٣]{0,40}", columns in 5u16..30) {
            let places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            let cells: Vec<_> = places.map(|at| picture(&text, at, columns, 50).cursor).collect();
            let distinct: std::collections::BTreeSet<_> = cells.iter().collect();
            prop_assert_eq!(distinct.len(), cells.len(), "{:?}", cells);
        }

        #[test]
        fn the_cursor_is_in_the_picture(text in "(?s).{0,60}|[a山א\n e\u{301}🚀]{0,200}", at: prop::sample::Index, columns in 1u16..30, rows_max in 0u16..6) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let cursor = *at.get(&places);
            let picture = picture(&text, cursor, columns, rows_max);
            prop_assert!(!picture.rows.is_empty() && picture.rows.len() <= usize::from(rows_max.max(1)));
            prop_assert!(picture.cursor.0 < columns.max(1));
            prop_assert!(usize::from(picture.cursor.1) < picture.rows.len());
        }
    }
}
