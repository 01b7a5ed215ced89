//! What bodies say: who sent them, and which of that sender's messages they are. In letters, because not every server
//! carries anything else.

/// Bytes of a body that are used; the rest is padding.
pub(crate) const STAMP_BYTES: usize = 12;

const SENDER_LETTERS: usize = 4;

/// Writes who sends a body, and its number among that sender's, to its start.
pub(crate) fn stamp(body: &mut [u8], sender: usize, sequence: u32) {
    let (first, second) = body[..STAMP_BYTES].split_at_mut(SENDER_LETTERS);
    write(first, sender as u64);
    write(second, u64::from(sequence));
}

/// Who sent a body, and its number among that sender's.
pub(crate) fn read(body: &[u8]) -> (usize, u32) {
    let (first, second) = body[..STAMP_BYTES].split_at(SENDER_LETTERS);
    let number = |letters: &[u8]| letters.iter().fold(0, |sum, letter| sum << 4 | u64::from(letter.wrapping_sub(b'A')));
    (usize::try_from(number(first)).unwrap_or(usize::MAX), u32::try_from(number(second)).unwrap_or(u32::MAX))
}

fn write(letters: &mut [u8], mut number: u64) {
    for letter in letters.iter_mut().rev() {
        *letter = b'A' + (number & 15) as u8;
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let mut body = [b'x'; 16];
        for (sender, sequence) in [(0, 0), (9_999, 1), (65_535, u32::MAX)] {
            stamp(&mut body, sender, sequence);
            assert_eq!(read(&body), (sender, sequence));
            assert!(body.iter().all(u8::is_ascii_alphabetic));
        }
    }
}
