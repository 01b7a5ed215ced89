//! The program that a server is a part of: it decides about what clients request, as late as it likes, or never.

use alloc::collections::BTreeMap;
use core::time::Duration;

use crate::sim::deciding::Deciding;
use crate::sim::random::{CERTAIN, Random};
use crate::{Hub, Instant, Question, QuestionId, RejectCode};

/// The chance that the program looks later at what it is asked, and how much later at the most.
const LOOKS_LATER_CHANCE: u32 = CERTAIN / 8;
const LOOKS_LATER_MAX: Duration = Duration::from_millis(50);

/// The chance that it answers a question twice.
const TWICE_CHANCE: u32 = CERTAIN / 16;

/// What it has not answered yet.
pub(super) struct Program {
    deciding: Deciding,
    /// When it looks at what it is asked.
    looks_at: Option<Instant>,
    /// Its decisions, by when it tells them. Those of the same time are told in any order: that is the second number.
    decisions: BTreeMap<(Instant, u64), (QuestionId, Result<(), RejectCode>)>,
    random: Random,
}

impl Program {
    pub(super) const fn new(deciding: Deciding, random: Random) -> Self {
        Self { deciding, looks_at: None, decisions: BTreeMap::new(), random }
    }

    /// A hub that asks it.
    pub(super) fn asked_by(&self, hub: Hub) -> Hub {
        hub.with_asking(self.deciding.asking).noting_done()
    }

    /// When there is something for it to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let first = self.decisions.first_key_value().map(|((at, _), _)| *at);
        first.into_iter().chain(self.looks_at).min()
    }

    /// The hub is gone, and all questions with it.
    pub(super) fn forget(&mut self) {
        self.decisions.clear();
        self.looks_at = None;
    }

    /// From now on it decides everything at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        (self.deciding.delay_chance, self.deciding.never_chance) = (0, 0);
        self.decisions =
            core::mem::take(&mut self.decisions).into_iter().map(|((_, of), what)| ((now, of), what)).collect();
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.decisions.is_empty() && self.looks_at.is_none()
    }

    /// It looks now, or later.
    pub(super) fn looks(&mut self, now: Instant) -> bool {
        if self.looks_at.is_none() {
            let is_later = self.random.chance(LOOKS_LATER_CHANCE);
            let time = if is_later { self.random.time_upto(LOOKS_LATER_MAX) } else { Duration::ZERO };
            self.looks_at = Some(now + time);
        }
        self.looks_at.take_if(|at| *at <= now).is_some()
    }

    /// Decides about a question, and when to tell that, if ever.
    pub(super) fn decide(&mut self, now: Instant, question: &Question) {
        let Deciding { delay_chance, delay_max, never_chance, denial_chance, .. } = self.deciding;
        if self.random.chance(never_chance) {
            return;
        }
        let is_denied = self.random.chance(denial_chance);
        let is_late = self.random.chance(delay_chance);
        let at = now + if is_late { self.random.time_upto(delay_max) } else { Duration::ZERO };
        let verdict = if is_denied { Err(RejectCode::Denied) } else { Ok(()) };
        self.decisions.insert((at, self.random.draw()), (question.id, verdict));
    }

    /// The next decision that is to be told now.
    pub(super) fn next_decision(&mut self, now: Instant) -> Option<(QuestionId, Result<(), RejectCode>)> {
        let first = self.decisions.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }

    /// Nobody asks it anything now.
    pub(super) fn is_not_asked(&mut self, now: Instant) {
        self.looks_at.take_if(|at| *at <= now);
    }

    /// It answers a question once more.
    pub(super) fn repeats_itself(&mut self) -> bool {
        self.random.chance(TWICE_CHANCE)
    }
}
