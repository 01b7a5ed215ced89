//! The program that a server is a part of: it decides about what clients request, as late as it likes, or never.

use alloc::collections::BTreeMap;
use core::time::Duration;

use super::around::Around;
use super::parts::Server;
use super::work::of_slice_max;
use crate::sim::deciding::Deciding;
use crate::sim::random::{CERTAIN, Random};
use crate::sim::violation::Violation;
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
    fn looks(&mut self, now: Instant) -> bool {
        if self.looks_at.is_none() {
            let is_later = self.random.chance(LOOKS_LATER_CHANCE);
            let time = if is_later { self.random.time_upto(LOOKS_LATER_MAX) } else { Duration::ZERO };
            self.looks_at = Some(now + time);
        }
        self.looks_at.take_if(|at| *at <= now).is_some()
    }

    /// Decides about a question, and when to tell that, if ever.
    fn decide(&mut self, now: Instant, question: &Question) {
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
    fn next_decision(&mut self, now: Instant) -> Option<(QuestionId, Result<(), RejectCode>)> {
        let first = self.decisions.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }
}

impl Server {
    /// The program looks at what it is asked, and tells what it has decided.
    pub(super) fn decide_requests(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        if self.program.is_some() {
            // The oracle knows which sessions are over.
            self.note_events(around)?;
        }
        let (Some(program), Some(hub)) = (&mut self.program, &mut self.hub) else { return Ok(()) };
        if hub.has_questions() && program.looks(around.now) {
            while let Some(question) = hub.poll_question() {
                around.trace.note(around.now, format_args!("hub: {question:?}"));
                if around.oracle.knows_user(&question.user) {
                    around.oracle.is_asked(&question, hub.number_of(question.id))?;
                }
                program.decide(around.now, &question);
            }
        } else if !hub.has_questions() {
            program.looks_at.take_if(|at| *at <= around.now);
        }
        while let (Some(program), Some(hub)) = (&mut self.program, &mut self.hub)
            && let Some((question, verdict)) = program.next_decision(around.now)
        {
            let answered = hub.answer(around.now, question, verdict);
            around.trace.note(around.now, format_args!("program: {question} is answered {verdict:?}: {answered:?}"));
            around.oracle.answered(question, verdict, answered.is_ok())?;
            if program.random.chance(TWICE_CHANCE) {
                let again = hub.answer(around.now, question, Ok(()));
                around.oracle.answered(question, Ok(()), again.is_ok())?;
            }
            self.count_work(around, of_slice_max(&self.limits))?;
            if self.pace.takes_time() { self.note_events(around)? } else { self.drain_somehow(around)? }
        }
        Ok(())
    }

    /// Tells the oracle what the hub has done of the requests that waited.
    pub(super) fn note_done(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        while let Some((session, number)) = self.hub.as_mut().and_then(Hub::next_done) {
            if around.oracle.knows_session(session) || self.strangers == 0 {
                around.trace.note(around.now, format_args!("hub: request {number} of {session} is done"));
                around.oracle.did(session, number)?;
            }
        }
        Ok(())
    }
}
