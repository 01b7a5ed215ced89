//! How much there is of something that others send, and how much of it is not shown: everywhere in the same words.

/// That so many bytes of a text are not shown.
pub(crate) fn more_bytes(hidden: usize) -> String {
    format!("{} more", amount(hidden))
}

/// So many bytes, to the nearest unit that people use.
pub(crate) fn amount(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1_000 => format!("{bytes} bytes"),
        1_000..999_500 => format!("{} kB", (bytes + 500) / 1_000),
        _ => format!("{} MB", bytes.saturating_add(500_000) / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_nearest_unit() {
        let told = [1, 999, 1_000, 1_499, 1_500, 57_400, 999_499, 999_500, 1_048_576, usize::MAX].map(more_bytes);
        assert_eq!(told[..3], ["1 byte more", "999 bytes more", "1 kB more"]);
        assert_eq!(told[3..7], ["1 kB more", "2 kB more", "57 kB more", "999 kB more"]);
        assert_eq!(told[7..9], ["1 MB more", "1 MB more"]);
    }
}
