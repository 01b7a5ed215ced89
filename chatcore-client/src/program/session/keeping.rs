//! What is found again the next time, also if the program is killed: the session, before anybody is told of it, and
//! what a person typed, read and heard.
//!
//! A thread saves it, and nothing here waits for the disk. What is told only when the session is kept waits in a queue,
//! and so does all that is told after it.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use chatcore::SessionTicket;

use crate::program::console::Console;
use crate::program::report::Report;
use crate::program::state::{Kept, Part, SavedState, Saver};
use crate::program::stop::Stop;

/// How long after a change drafts and marks are saved: what is typed meanwhile is saved with it.
const SAVE_TIME: Duration = Duration::from_secs(2);

/// The same while a message of ours has no answer. A server that is well answers sooner.
const UNANSWERED_SAVE_TIME: Duration = Duration::from_millis(300);

/// How long after something was said that is saved: it is much.
const HISTORY_SAVE_TIME: Duration = Duration::from_secs(20);

/// How long what is told waits for the disk. Then it is told, and so is that the session may be lost.
const KEEP_TIME_MAX: Duration = Duration::from_secs(5);

/// What is saved while the program runs.
#[derive(Default)]
pub(super) struct Keeping {
    /// None where nothing is kept.
    saver: Option<Saver>,
    /// Of names that were given up: they may not have saved all.
    before: Vec<Saver>,
    /// When to save drafts next; none if nothing has changed.
    due: Option<Instant>,
    /// How often something had changed when this was looked at last.
    changes: u64,
    /// The drafts that were given to be saved last.
    saved: Kept,
    /// When to save next what was said; none if nothing was said.
    history_due: Option<Instant>,
    /// How often what was said had changed when this was looked at last.
    said: u64,
    /// What is told when the session is kept.
    untold: Option<Untold>,
}

/// Why something is not saved at the end; none of what is.
pub(super) struct Unsaved {
    /// The first thing that went wrong, whatever it was about.
    pub(super) session: Option<io::Error>,
    pub(super) drafts: Option<io::Error>,
    pub(super) history: Option<io::Error>,
}

/// What is told when the session is kept.
pub(super) struct Untold {
    /// The session, as the saver counts it.
    number: u64,
    /// When it is told at the latest.
    until: Instant,
    pub(super) reports: VecDeque<Report>,
    /// Then there is a session for whoever commands us.
    pub(super) begins: bool,
}

impl Keeping {
    /// Saves here from now on.
    pub(super) fn begin(&mut self, saver: Saver) {
        self.saver = Some(saver);
    }

    /// Saves a session. What is told from here on is told when that is done.
    pub(super) fn keep(&mut self, ticket: SessionTicket, state: SavedState) {
        let Some(saver) = &self.saver else { return };
        let number = saver.keep(ticket, state);
        let until = Instant::now() + KEEP_TIME_MAX;
        let first = || Untold { number, until, reports: VecDeque::new(), begins: false };
        self.untold.get_or_insert_with(first).number = number;
    }

    /// Whether something waits for the disk to be told.
    pub(super) const fn holds_up(&self) -> bool {
        self.untold.is_some()
    }

    /// Takes a report that is to be told after others that wait. Returns it if none do.
    pub(super) fn put_off<'a>(&mut self, report: &'a Report) -> Option<&'a Report> {
        let Some(untold) = &mut self.untold else { return Some(report) };
        untold.reports.push_back(report.clone());
        None
    }

    /// Begins the session when what waits is told. False if nothing waits.
    pub(super) const fn begins_later(&mut self) -> bool {
        let Some(untold) = &mut self.untold else { return false };
        untold.begins = true;
        true
    }

    /// When something has to be done here.
    pub(super) fn due(&self) -> Option<Instant> {
        let untold = self.untold.as_ref().map(|untold| untold.until);
        [self.due, self.history_due, untold].into_iter().flatten().min()
    }

    /// What waits, if the session is kept; and whether it is.
    pub(super) fn take_told(&mut self) -> Option<(Untold, bool)> {
        let saver = self.saver.as_ref();
        let is_kept = |untold: &Untold| saver.is_none_or(|saver| saver.has_kept(untold.number));
        let untold = self.untold.take_if(|untold| is_kept(untold) || untold.until <= Instant::now())?;
        let is_kept = is_kept(&untold);
        Some((untold, is_kept))
    }

    /// The name is given up: what is to be saved for it is saved.
    pub(super) fn give_up(&mut self) {
        let mut before = std::mem::take(&mut self.before);
        before.retain(|saver| !saver.is_over());
        if let Some(saver) = self.saver.take() {
            saver.end();
            before.push(saver);
        }
        *self = Self { before, untold: self.untold.take(), ..Self::default() };
    }
    /// There is no session any more to come back to.
    pub(super) fn forget(&self) {
        if let Some(saver) = &self.saver {
            saver.forget();
        }
    }

    /// Whether anything is saved.
    pub(super) const fn is_on(&self) -> bool {
        self.saver.is_some()
    }

    /// What went wrong since it was asked last.
    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.saver.as_ref().and_then(Saver::take_error)
    }

    /// Saves what is typed, how far was read and, if it is kept, what was said, if that has changed for a while.
    pub(super) fn save_if_due(&mut self, console: &dyn Console, is_unanswered: bool, keeps_history: bool) {
        let save_time = if is_unanswered { UNANSWERED_SAVE_TIME } else { SAVE_TIME };
        let has_changed = std::mem::replace(&mut self.changes, console.changes()) != self.changes;
        let was_said = std::mem::replace(&mut self.said, console.said()) != self.said;
        let Some(saver) = &self.saver else { return };
        let now = Instant::now();
        if has_changed {
            let due = now + save_time;
            self.due = Some(self.due.map_or(due, |before| before.min(due)));
        }
        if was_said && keeps_history {
            self.history_due.get_or_insert(now + HISTORY_SAVE_TIME);
        }
        if self.due.take_if(|due| *due <= now).is_some()
            && let Some(kept) = console.kept_drafts().filter(|kept| *kept != self.saved)
        {
            saver.save_drafts(kept.clone());
            self.saved = kept;
        }
        if self.history_due.take_if(|due| *due <= now).is_some()
            && let Some(kept) = console.kept()
        {
            saver.save_history(kept.history);
        }
    }

    /// Saves all that a person wants to find again, at the end. If what was said is not kept, what there is of it from
    /// other runs stays.
    pub(super) fn save_all(&self, console: &dyn Console, keeps_history: bool) {
        let (Some(saver), Some(mut kept)) = (&self.saver, console.kept()) else { return };
        let history = std::mem::take(&mut kept.history);
        saver.save_drafts(kept);
        if keeps_history {
            saver.save_history(history);
        }
    }

    /// What waits is told now, at the end. Somebody may wait for the disk before.
    pub(super) fn stop_waiting(&mut self, waits: bool, stop: &Stop) {
        if let (Some(saver), Some(untold)) = (&self.saver, &mut self.untold) {
            if waits {
                saver.wait(untold.number, untold.until, stop);
            }
            (untold.until, untold.begins) = (Instant::now(), false);
        }
    }

    /// Waits until all is saved, but not for ever.
    pub(super) fn finish(&mut self, stop: &Stop) -> Unsaved {
        let savers: Vec<Saver> = self.before.drain(..).chain(self.saver.take()).collect();
        // They end side by side.
        savers.iter().for_each(Saver::end);
        let errors: Vec<io::Error> = savers.iter().filter_map(|saver| saver.finish(stop).err()).collect();
        let unsaved = |part| savers.iter().find_map(|saver| saver.take_unsaved(part));
        let (drafts, history) = (unsaved(Part::Drafts), unsaved(Part::History));
        Unsaved { session: errors.into_iter().next(), drafts, history }
    }
}

#[cfg(test)]
mod tests {
    use chatcore::Token;

    use super::*;
    use crate::program::state::slow_disk;

    fn keep(keeping: &mut Keeping) {
        let ticket = SessionTicket::new("alice".parse().unwrap(), Token::from_bytes([7; 16]));
        keeping.keep(ticket, SavedState::default());
    }

    #[test]
    fn nobody_is_told_of_a_session_before_it_is_kept_and_nothing_overtakes_that() {
        let (saver, takes, goes_on) = slow_disk();
        let mut keeping = Keeping { saver: Some(saver), ..Keeping::default() };
        assert_eq!(keeping.put_off(&Report::Heard), Some(&Report::Heard));
        assert!(!keeping.begins_later());
        keep(&mut keeping);
        assert_eq!(keeping.put_off(&Report::SessionLost), None);
        takes.recv().unwrap();
        keep(&mut keeping);
        assert_eq!(keeping.put_off(&Report::Heard), None);
        assert!(keeping.begins_later() && keeping.holds_up());
        assert!(keeping.take_told().is_none(), "nothing is on the disk");
        goes_on.send(Ok(())).unwrap();
        takes.recv().unwrap();
        assert!(keeping.take_told().is_none(), "the first is, and the second is not");
        goes_on.send(Ok(())).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        keeping.saver.as_ref().unwrap().wait(2, until, &Stop::default());
        let (untold, is_kept) = keeping.take_told().expect("it is kept");
        assert_eq!(untold.reports, [Report::SessionLost, Report::Heard]);
        assert!(is_kept && untold.begins && !keeping.holds_up());
    }

    #[test]
    fn a_disk_that_takes_nothing_holds_up_what_is_told_for_so_long_and_no_longer() {
        let (saver, takes, _goes_on) = slow_disk();
        let mut keeping = Keeping { saver: Some(saver), ..Keeping::default() };
        keep(&mut keeping);
        takes.recv().unwrap();
        let due = keeping.due().expect("it is looked at again");
        assert!(due <= Instant::now() + KEEP_TIME_MAX);
        keeping.untold.as_mut().unwrap().until = Instant::now();
        assert!(keeping.take_told().is_some_and(|(_, is_kept)| !is_kept));
    }
}
