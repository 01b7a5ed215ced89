//! What a person finds again the next time, also if the program is killed.

use std::io;
use std::time::{Duration, Instant};

use super::parts::Session;
use crate::program::failure::Failure;
use crate::program::state::{Kept, Saver};

/// How long after a change drafts and marks are saved: what is typed meanwhile is saved with it.
const SAVE_TIME: Duration = Duration::from_secs(2);

/// What is saved while the program runs.
#[derive(Default)]
pub(super) struct Keeping {
    /// None where nothing is kept.
    saver: Option<Saver>,
    /// When to save next; none if nothing has changed.
    due: Option<Instant>,
    /// How often something had changed when this was looked at last.
    changes: u64,
    /// What was saved last.
    saved: Kept,
}

impl Session {
    /// Shows a person what there was to find again, once.
    pub(super) fn restore_kept(&mut self) -> Result<(), Failure> {
        let is_due = self.console.is_interactive() && !std::mem::replace(&mut self.own.is_restored, true);
        let Some(slot) = self.own.slot.clone().filter(|_| is_due) else { return Ok(()) };
        let (kept, damage) = slot.load_kept();
        self.console.restore(kept);
        for damage in damage {
            self.complain("state_damaged", damage)?;
        }
        if self.console.kept_drafts().is_some() {
            match Saver::start(slot) {
                Ok(saver) => self.keeping.saver = Some(saver),
                Err(error) => self.tell_unkept(&error)?,
            }
        }
        Ok(())
    }

    /// Saves what is typed and how far was read, if that has changed for a while.
    pub(super) fn save_drafts_if_due(&mut self) -> Result<(), Failure> {
        let changes = std::mem::replace(&mut self.keeping.changes, self.console.changes());
        let Some(saver) = &self.keeping.saver else { return Ok(()) };
        let now = Instant::now();
        if changes != self.keeping.changes {
            self.keeping.due.get_or_insert(now + SAVE_TIME);
        }
        if self.keeping.due.take_if(|due| *due <= now).is_none() {
            return Ok(());
        }
        let Some(kept) = self.console.kept_drafts().filter(|kept| *kept != self.keeping.saved) else { return Ok(()) };
        if saver.save(kept.clone()) {
            self.keeping.saved = kept;
        } else {
            // A slow disk gets less, and never something that is old by now.
            self.keeping.due = Some(now + SAVE_TIME);
        }
        match saver.take_error() {
            Some(error) => self.tell_unkept(&error),
            None => Ok(()),
        }
    }

    /// When [`save_drafts_if_due`](Self::save_drafts_if_due) has something to do.
    pub(super) const fn saves_at(&self) -> Option<Instant> {
        self.keeping.due
    }

    /// The name is another one from now on: what was kept belongs to the one before.
    pub(super) fn let_slot_go(&mut self) {
        self.keeping = Keeping::default();
        self.own.slot = None;
    }

    /// Saves all that a person wants to find again, at the end.
    pub(super) fn save_kept(&mut self) -> Result<(), Failure> {
        // What it writes is older than what follows.
        self.keeping = Keeping::default();
        // What was not even read must not be replaced.
        let slot = self.own.slot.as_ref().filter(|_| self.own.is_restored);
        let (Some(slot), Some(mut kept)) = (slot, self.console.kept()) else { return Ok(()) };
        if !self.keeps_history {
            kept.history.clear();
        }
        match slot.save_kept(kept) {
            Ok(()) => Ok(()),
            Err(error) => self.tell_unkept(&error),
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
