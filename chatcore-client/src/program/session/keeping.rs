//! What is found again the next time, also if the program is killed: the session, before anybody is told of it, and what a person
//! typed, read and heard.
//!
//! A thread saves it, and nothing here waits for the disk. What is told only when the session is kept waits in a queue, and so does
//! all that is told after it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chatcore::SessionTicket;

use super::parts::Session;
use super::restoring::Restored;
use crate::program::descriptors::write_within;
use crate::program::failure::Failure;
use crate::program::report::{Report, safe};
use crate::program::state::{History, Kept, SavedState, Saver, slow};

/// How long after a change drafts and marks are saved: what is typed meanwhile is saved with it.
const SAVE_TIME: Duration = Duration::from_secs(2);

/// The same while a message of ours has no answer. A server that is well answers sooner.
const UNANSWERED_SAVE_TIME: Duration = Duration::from_millis(300);

/// How long after something was said that is saved: it is much.
const HISTORY_SAVE_TIME: Duration = Duration::from_secs(20);

/// How long what is told waits for the disk. Then it is told, and so is that the session may be lost.
const KEEP_TIME_MAX: Duration = Duration::from_secs(5);

/// How long whoever reads the last words may take for them.
const LAST_WORDS_TIME_MAX: Duration = Duration::from_millis(100);

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
    /// How often something was told when this was looked at last.
    told: u64,
    /// What is told when the session is kept.
    untold: Option<Untold>,
}

/// What is told when the session is kept.
struct Untold {
    /// The session, as the saver counts it.
    number: u64,
    /// When it is told at the latest.
    until: Instant,
    reports: VecDeque<Report>,
    /// Then there is a session for whoever commands us.
    begins: bool,
}

impl Keeping {
    /// Saves a session. What is told from here on is told when that is done.
    fn keep(&mut self, ticket: SessionTicket, state: SavedState) {
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
    fn take_told(&mut self) -> Option<(Untold, bool)> {
        let saver = self.saver.as_ref();
        let is_kept = |untold: &Untold| saver.is_none_or(|saver| saver.has_kept(untold.number));
        let untold = self.untold.take_if(|untold| is_kept(untold) || untold.until <= Instant::now())?;
        let is_kept = is_kept(&untold);
        Some((untold, is_kept))
    }

    /// The name is given up: what is to be saved for it is saved.
    fn give_up(&mut self) {
        let mut before = std::mem::take(&mut self.before);
        before.retain(|saver| !saver.is_over());
        if let Some(saver) = self.saver.take() {
            saver.end();
            before.push(saver);
        }
        *self = Self { before, untold: self.untold.take(), ..Self::default() };
    }
}

impl Session {
    // ---- the session ----

    /// Saves the session as it is now. What is told from here on is told when that is done.
    pub(super) fn keep(&mut self) {
        if let Some(ticket) = self.driver.as_ref().and_then(|driver| driver.client().ticket()) {
            self.keeping.keep(ticket.clone(), self.own.saved.clone());
        }
    }

    /// There is nothing any more to come back to.
    pub(super) fn forget(&self) {
        if let Some(saver) = &self.keeping.saver {
            saver.forget();
        }
    }

    /// Tells what waited until the session is kept, if it is, or if the disk takes too long.
    pub(super) fn tell_kept(&mut self) -> Result<(), Failure> {
        let told = self.keeping.take_told();
        let mut error = self.keeping.saver.as_ref().and_then(Saver::take_error);
        if let Some((untold, is_kept)) = told {
            for report in &untold.reports {
                self.show(report)?;
            }
            if !is_kept {
                error.get_or_insert_with(slow);
            }
            if let Some(error) = error.take() {
                self.tell_unkept(&error)?;
            }
            if untold.begins {
                self.begin();
            }
        }
        error.map_or(Ok(()), |error| self.tell_unkept(&error))
    }

    /// Takes what was saved for a name, and the place where it is saved from now on.
    pub(super) fn take_place(&mut self, restored: Restored) -> Result<(), Failure> {
        self.let_place_go();
        (self.own.saved, self.own.kept) = (restored.saved, restored.kept);
        let mut error = restored.error;
        if let Some(slot) = restored.slot {
            match Saver::start(slot, Arc::clone(&self.waker)) {
                Ok(saver) => self.keeping.saver = Some(saver),
                Err(failed) => error = Some(failed),
            }
        }
        if let Some(error) = error {
            self.tell_unkept(&error)?;
        }
        for damage in restored.damage {
            self.complain("state_damaged", damage)?;
        }
        Ok(())
    }

    /// What is kept belongs to a name that is given up.
    pub(super) fn let_place_go(&mut self) {
        self.keeping.give_up();
        self.own.kept = None;
    }

    // ---- what a person finds again ----

    /// Shows a person what there was to find again, once.
    pub(super) fn restore_kept(&mut self) {
        if let Some(kept) = self.own.kept.take().filter(|_| !self.own.is_restored) {
            self.own.is_restored = true;
            self.console.restore(kept);
        }
    }

    /// Saves what is typed, how far was read and what was said, if that has changed for a while.
    pub(super) fn save_if_due(&mut self) {
        let changes = std::mem::replace(&mut self.keeping.changes, self.console.changes());
        let told = std::mem::replace(&mut self.keeping.told, self.console.told());
        let save_time = if self.open_messages() > self.unanswered { UNANSWERED_SAVE_TIME } else { SAVE_TIME };
        // What was not even read must not be replaced.
        let Some(saver) = self.keeping.saver.as_ref().filter(|_| self.own.is_restored) else { return };
        let now = Instant::now();
        if changes != self.keeping.changes {
            let due = now + save_time;
            self.keeping.due = Some(self.keeping.due.map_or(due, |before| before.min(due)));
        }
        if told != self.keeping.told && self.keeps_history {
            self.keeping.history_due.get_or_insert(now + HISTORY_SAVE_TIME);
        }
        if self.keeping.due.take_if(|due| *due <= now).is_some()
            && let Some(kept) = self.console.kept_drafts().filter(|kept| *kept != self.keeping.saved)
        {
            saver.save_drafts(kept.clone());
            self.keeping.saved = kept;
        }
        if self.keeping.history_due.take_if(|due| *due <= now).is_some()
            && let Some(kept) = self.console.kept()
        {
            saver.save_history(kept.history);
        }
    }

    /// Saves all that a person wants to find again, at the end.
    pub(super) fn save_kept(&self) {
        let saver = self.keeping.saver.as_ref().filter(|_| self.own.is_restored);
        let (Some(saver), Some(mut kept)) = (saver, self.console.kept()) else { return };
        let history = std::mem::take(&mut kept.history);
        saver.save_drafts(kept);
        saver.save_history(if self.keeps_history { history } else { History::new() });
    }

    /// Whether messages without an answer are there again at the next start.
    pub(super) fn keeps_unanswered(&self) -> bool {
        let has_saver = self.keeping.saver.is_some() && self.own.is_restored;
        has_saver && self.console.kept_drafts().is_some_and(|kept| !kept.unanswered.is_empty())
    }

    // ---- the end ----

    /// Tells what waits to be told, at the end. A script waits for the disk, as long as the program may take.
    pub(super) fn tell_rest(&mut self) -> Result<(), Failure> {
        if let (Some(saver), Some(untold)) = (&self.keeping.saver, &mut self.keeping.untold) {
            if !self.console.is_interactive() {
                saver.wait(untold.number, untold.until, &self.signals.stop);
            }
            (untold.until, untold.begins) = (Instant::now(), false);
        }
        self.tell_kept()
    }

    /// Waits until all is saved, but not for ever. What is told of it stands below all else.
    pub(super) fn finish_saving(&mut self) {
        let savers: Vec<Saver> = self.keeping.before.drain(..).chain(self.keeping.saver.take()).collect();
        // They end side by side.
        savers.iter().for_each(Saver::end);
        let errors: Vec<io::Error> = savers.iter().filter_map(|saver| saver.finish(&self.signals.stop).err()).collect();
        let mut lines = Vec::new();
        if let Some(error) = errors.first().filter(|_| !self.own.is_unkept) {
            lines.push(format!("chatcore-client: {}\n", safe(&self.connect.why_unkept(error))));
        }
        if let Some(error) = savers.iter().find_map(Saver::take_history_error) {
            let why = error.to_string();
            lines.push(format!("chatcore-client: the history of this run was not saved: {}\n", safe(&why)));
        }
        if !lines.is_empty() {
            write_within(LAST_WORDS_TIME_MAX, io::stderr(), lines.concat().into_bytes());
        }
    }

    /// That it cannot be kept is no reason not to chat.
    pub(super) fn tell_unkept(&mut self, error: &io::Error) -> Result<(), Failure> {
        if std::mem::replace(&mut self.own.is_unkept, true) {
            return Ok(());
        }
        self.complain("not_kept", self.connect.why_unkept(error))
    }
}

#[cfg(test)]
mod tests {
    use chatcore::Token;

    use super::*;
    use crate::program::state::slow_disk;
    use crate::program::stop::Stop;

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
