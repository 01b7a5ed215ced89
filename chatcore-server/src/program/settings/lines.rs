//! Where in a text something is.

use std::fmt;

/// The places where the lines of a text begin.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    /// In rising order; the first is 0.
    starts: Vec<usize>,
}

/// A place in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    /// In letters.
    pub(super) column: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end);
        Self { text, starts: [0].into_iter().chain(ends.map(|end| end + 1)).collect() }
    }

    /// The line of a byte, from 1. What is behind the end counts as the end.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset.min(self.text.len()))
    }

    /// Where a byte is. It takes time in proportion to the length of the line.
    pub(super) fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.line(offset);
        let before = &self.text[self.starts[line - 1]..offset];
        Place { line, column: String::from_utf8_lossy(before).chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_line_and_a_letter() {
        let text = "a\näb\n";
        let lines = Lines::new(text.as_bytes());
        for (offset, line, column) in [(0, 1, 1), (1, 1, 2), (2, 2, 1), (4, 2, 2), (5, 2, 3), (6, 3, 1), (99, 3, 1)] {
            assert_eq!(lines.place(offset), Place { line, column }, "{offset}");
        }
        assert_eq!(Lines::new(b"").place(0), Place { line: 1, column: 1 });
    }
}
