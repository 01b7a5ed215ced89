//! How much there is of something that others send, and how much of it is not shown: everywhere in the same words.

use std::fmt;

/// Names of one list that a person is shown, or that are kept for one, at the most. A server may list any number of
/// them, and the others are counted.
pub(crate) const LISTED_NAMES_MAX: usize = 5_000;

/// How many there are of what a server lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// As many are known of.
    pub(crate) known: usize,
    /// There are others, and nobody knows how many.
    pub(crate) is_open: bool,
}

impl Count {
    /// How many are left beside so many.
    pub(crate) const fn beside(self, shown: usize) -> Self {
        Self { known: self.known.saturating_sub(shown), ..self }
    }

    pub(crate) const fn is_none(self) -> bool {
        self.known == 0 && !self.is_open
    }
}

/// The digits in groups of three. A plus says that there are others.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.known.to_string();
        for (at, digit) in digits.chars().enumerate() {
            let is_group = at > 0 && (digits.len() - at).is_multiple_of(3);
            write!(f, "{}{digit}", if is_group { " " } else { "" })?;
        }
        f.write_str(if self.is_open { "+" } else { "" })
    }
}

/// That so many names of a list are not shown.
pub(crate) fn more_names(hidden: Count) -> String {
    if hidden.known == 0 { "and more".to_owned() } else { format!("and {hidden} more") }
}

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
    fn what_is_not_shown_is_told_in_numbers() {
        let more = |known, is_open| more_names(Count { known, is_open });
        assert_eq!([more(1, false), more(999, false)], ["and 1 more", "and 999 more"]);
        assert_eq!([more(3_412, false), more(1_000_000, false)], ["and 3 412 more", "and 1 000 000 more"]);
        assert_eq!([more(95_000, true), more(0, true)], ["and 95 000+ more", "and more"]);
        let count = Count { known: 7, is_open: false };
        assert!(count.beside(7).is_none() && count.beside(9).is_none() && !count.beside(6).is_none());
        assert!(!Count { is_open: true, ..count }.beside(7).is_none());
    }

    #[test]
    fn bytes_are_told_in_the_nearest_unit() {
        let told = [1, 999, 1_000, 1_499, 1_500, 57_400, 999_499, 999_500, 1_048_576, usize::MAX].map(more_bytes);
        assert_eq!(told[..3], ["1 byte more", "999 bytes more", "1 kB more"]);
        assert_eq!(told[3..7], ["1 kB more", "2 kB more", "57 kB more", "999 kB more"]);
        assert_eq!(told[7..9], ["1 MB more", "1 MB more"]);
    }
}
