//! What a hub does by itself, in slices.

use super::parts::Hub;
use super::work::{SLICE_WORK_MAX, Work};

/// Units of work that messages to all get of a slice before the rest that the hub does by itself.
const ANNOUNCEMENT_WORK_MAX: u32 = SLICE_WORK_MAX / 4;

impl Hub {
    /// There is something that the hub does by itself.
    #[inline]
    pub(super) fn has_pending(&self) -> bool {
        self.ordered.rooms().has_pending()
            || self.ordered.sessions().has_marked()
            || self.presence.has_pending()
            || self.reports.has_pending()
            || self.questions.has_ready()
            || self.has_seldom_pending
    }

    /// Something that is seldom is pending, or is no more: a message to all, or the end of all. One question for both,
    /// because each message asks it several times.
    pub(super) fn note_seldom_pending(&mut self) {
        self.has_seldom_pending = self.ordered.announcements().has_pending() || self.shutting_down.is_some();
    }

    /// Does a slice of what is pending. Fan-out goes first; the rest has a slice of its own, so that neither waits for
    /// the end of the other.
    #[inline]
    pub(super) fn advance(&mut self, units: u32) {
        if self.has_pending() {
            self.advance_slowly(units);
        }
        let is_giving_back = self.reports.has_pending();
        self.ordered.unordered().0.relieve_if_short(is_giving_back);
    }

    #[cold]
    #[inline(never)]
    fn advance_slowly(&mut self, units: u32) {
        let (mut fanout, mut rest) = (Work::new(units), Work::new(units));
        while self.has_pending() {
            let is_flushed = self.ordered.flush(&mut fanout);
            if !self.advance_rest(&mut rest) && !is_flushed {
                break;
            }
            if fanout.is_spent() || rest.is_spent() {
                break;
            }
        }
        self.note_work(fanout.spent() + rest.spent());
    }

    /// Does some of everything but fan-out. False if there was nothing to do.
    fn advance_rest(&mut self, work: &mut Work) -> bool {
        let before = work.spent();
        let mut said = Work::new(work.left().min(ANNOUNCEMENT_WORK_MAX));
        self.ordered.advance_announcements(&mut said);
        work.spend(said.spent());
        // What was said to all goes before the goodbye to all.
        if self.shutting_down.is_some() && !self.ordered.announcements().has_pending() {
            self.end_all(work);
        }
        self.note_seldom_pending();
        self.end_marked(work);
        self.advance_answered(work);
        let (sessions, _) = self.ordered.unordered();
        self.presence.advance(sessions, work);
        self.reports.advance(sessions, work);
        work.spent() > before
    }
}
