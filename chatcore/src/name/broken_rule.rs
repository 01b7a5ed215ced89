//! The rule that a mapped name breaks, before it is known what was typed.

use super::error::NameError;

/// A character of a mapped name breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BrokenRule {
    /// Its place in the mapped name, in characters from 0.
    pub(super) index: usize,
    pub(super) reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Forbidden,
    Variant,
    Unassigned,
    Context,
    /// A condition of RFC 5893, by its number.
    Directions(u8),
    LeadingMark,
    Marks {
        marks_max: usize,
    },
    Scripts {
        script: &'static str,
        other: &'static str,
    },
}

impl Reason {
    /// The error for the character that was typed at a place.
    pub(super) fn at(self, character: char, position: usize) -> NameError {
        match self {
            Self::Forbidden => NameError::Forbidden { character, position },
            Self::Variant => NameError::Variant { character, position },
            Self::Unassigned => NameError::Unassigned { character, position },
            Self::Context => NameError::Context { character, position },
            Self::Directions(rule) => NameError::Directions { character, position, rule },
            Self::LeadingMark => NameError::LeadingMark { character, position },
            Self::Marks { marks_max } => NameError::Marks { character, position, marks_max },
            Self::Scripts { script, other } => NameError::Scripts { character, position, script, other },
        }
    }
}
