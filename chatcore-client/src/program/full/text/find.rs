//! Text in text, whatever the case.

use std::ops::Range;

/// Where a text stands in a body: from which byte to which. The needle is in lower case.
pub(crate) fn find_all(body: &[u8], needle: &str) -> Vec<Range<usize>> {
    let wanted: Vec<char> = needle.chars().collect();
    let mut found = Vec::new();
    let mut start = 0;
    for chunk in body.utf8_chunks() {
        find_in(chunk.valid(), start, &wanted, &mut found);
        start += chunk.valid().len() + chunk.invalid().len();
    }
    found
}

/// Whether it stands there at all.
pub(crate) fn contains(body: &[u8], needle: &str) -> bool {
    String::from_utf8_lossy(body).to_lowercase().contains(needle)
}

fn find_in(text: &str, start: usize, wanted: &[char], found: &mut Vec<Range<usize>>) {
    // Each in lower case, and where it stands.
    let folded: Vec<(char, Range<usize>)> = text
        .char_indices()
        .flat_map(|(at, c)| c.to_lowercase().map(move |lower| (lower, start + at..start + at + c.len_utf8())))
        .collect();
    let mut at = 0;
    while !wanted.is_empty() && at + wanted.len() <= folded.len() {
        let candidate = &folded[at..at + wanted.len()];
        if candidate.iter().map(|(c, _)| c).eq(wanted) {
            found.push(candidate[0].1.start..candidate[wanted.len() - 1].1.end);
            at += wanted.len();
        } else {
            at += 1;
        }
    }
}
