//! Text that runs from the right to the left, in the order of its cells.
//!
//! Each line of a message is a paragraph of its own, which the Unicode Bidirectional Algorithm (UAX 9) orders by
//! itself, so that no message turns what stands beside it. The characters that change directions are drawn as marks,
//! and turn nothing either. The program orders the cells itself, because a terminal that did it would take all columns
//! of the screen for one line.

use std::ops::Range;

use compact_str::CompactString;
use unicode_bidi::{BidiClass, Level, ParagraphBidiInfo, bidi_class};

use super::glyph::{Glyph, Row};

/// Before this there is no letter that runs to the left.
const FIRST_RIGHT_TO_LEFT: char = '\u{590}';

/// The rows of a line, each from the left to the right. The ranges are glyphs of the line.
pub(super) fn order(line: &[Glyph], rows: &[Range<usize>]) -> Vec<Row> {
    if !line.iter().any(runs_to_the_left) {
        return rows.iter().map(|range| line[range.clone()].to_vec()).collect();
    }
    ordered(line, rows, None)
}

/// The rows of what the program says, each from the left to the right. The names in it hold no blank, so each word is
/// ordered by itself: no name turns the sentence, nor the name beside it.
pub(super) fn order_words(line: &[Glyph], rows: &[Range<usize>]) -> Vec<Row> {
    rows.iter().map(|range| words(&line[range.clone()])).collect()
}

/// As [`order_words`], of one row.
pub(super) fn words(row: &[Glyph]) -> Row {
    let word = |word: &[Glyph]| ordered(word, std::slice::from_ref(&(0..word.len())), Some(Level::ltr())).concat();
    if row.iter().any(runs_to_the_left) {
        row.split_inclusive(|glyph| glyph.text == " ").flat_map(word).collect()
    } else {
        row.to_vec()
    }
}

/// Without a level, the first letter that has a direction tells where the line begins.
fn ordered(line: &[Glyph], rows: &[Range<usize>], level: Option<Level>) -> Vec<Row> {
    let text: CompactString = line.iter().map(|glyph| glyph.text.as_str()).collect();
    let mut starts = Vec::with_capacity(line.len() + 1);
    let mut end = 0;
    for glyph in line {
        starts.push(end);
        end += glyph.text.len();
    }
    starts.push(end);
    let paragraph = ParagraphBidiInfo::new(&text, level);
    let order_row = |range: &Range<usize>| {
        let row = &line[range.clone()];
        let levels = paragraph.reordered_levels(starts[range.start]..starts[range.end]);
        let levels: Vec<_> = starts[range.clone()].iter().map(|start| levels[*start]).collect();
        let order = ParagraphBidiInfo::reorder_visual(&levels);
        let place = |at: usize| if levels[at].is_rtl() { mirrored(&row[at]) } else { row[at].clone() };
        order.into_iter().map(place).collect()
    };
    rows.iter().map(order_row).collect()
}

/// Whether a line begins at the right: so says its first letter that has a direction.
pub(super) fn begins_at_the_right(line: &[Glyph]) -> bool {
    let direction = |c| match bidi_class(c) {
        BidiClass::L => Some(false),
        BidiClass::R | BidiClass::AL => Some(true),
        _ => None,
    };
    line.iter().flat_map(|glyph| glyph.text.chars()).find_map(direction).unwrap_or(false)
}

fn runs_to_the_left(glyph: &Glyph) -> bool {
    glyph.text.chars().any(is_right_to_left)
}

fn is_right_to_left(c: char) -> bool {
    c >= FIRST_RIGHT_TO_LEFT && matches!(bidi_class(c), BidiClass::R | BidiClass::AL | BidiClass::AN)
}

/// Brackets open to where the text comes from. These are the ones that keyboards have.
fn mirrored(glyph: &Glyph) -> Glyph {
    let other = match glyph.text.as_str() {
        "(" => ")",
        ")" => "(",
        "[" => "]",
        "]" => "[",
        "{" => "}",
        "}" => "{",
        "<" => ">",
        ">" => "<",
        "«" => "»",
        "»" => "«",
        "‹" => "›",
        "›" => "‹",
        _ => return glyph.clone(),
    };
    Glyph { text: CompactString::const_new(other), ..glyph.clone() }
}
