//! How the program of a server is asked, and what it decides is told to the hub.

use super::around::Around;
use super::parts::Server;
use super::work::of_slice_max;
use crate::Hub;
use crate::sim::violation::Violation;

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
            program.is_not_asked(around.now);
        }
        while let (Some(program), Some(hub)) = (&mut self.program, &mut self.hub)
            && let Some((question, verdict)) = program.next_decision(around.now)
        {
            let answered = hub.answer(around.now, question, verdict);
            around.trace.note(around.now, format_args!("program: {question} is answered {verdict:?}: {answered:?}"));
            around.oracle.answered(question, verdict, answered.is_ok())?;
            if program.repeats_itself() {
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
