//! Ids of questions.

use core::fmt;

/// The id of a [`Question`](super::Question). A hub uses no id twice (within 2³² questions). It bears a mark of its
/// hub, which comes from the seed: the id of a question that a hub with another seed asked, such as the one before a
/// restart, is none of its own. Two hubs have the same mark with a chance of one in 2³².
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId {
    pub(super) index: u32,
    pub(super) serial: u32,
    /// The mark.
    pub(super) hub: u32,
}

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "question {}", self.serial)
    }
}

impl fmt::Debug for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}@{}", self.index)
    }
}
