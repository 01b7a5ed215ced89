//! What of a run is kept, and when whoever commands us is told of it.

use std::io;
use std::sync::Arc;

use super::parts::Session;
use super::restoring::Restored;
use crate::program::descriptors::write_within;
use crate::program::failure::Failure;
use crate::program::report::safe;
use crate::program::state::{Saver, slow};
use crate::program::stop::REMARKS_TIME_MAX;

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
        self.keeping.forget();
    }

    /// Tells what waited until the session is kept, if it is, or if the disk takes too long.
    pub(super) fn tell_kept(&mut self) -> Result<(), Failure> {
        let told = self.keeping.take_told();
        let mut error = self.keeping.take_error();
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
                Ok(saver) => self.keeping.begin(saver),
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
        let is_unanswered = self.open_messages() > self.unanswered;
        // What was not even read must not be replaced.
        if self.own.is_restored {
            self.keeping.save_if_due(&*self.console, is_unanswered, self.connect.keeps_history);
        }
    }

    /// Saves all that a person wants to find again, at the end.
    pub(super) fn save_kept(&mut self) {
        if self.own.is_restored {
            self.console.take_back(self.unsent_from());
            self.keeping.save_all(&*self.console, self.connect.keeps_history);
        }
    }

    /// Whether messages without an answer are there again at the next start.
    pub(super) fn keeps_unanswered(&self) -> bool {
        let is_kept = self.keeping.is_on() && self.own.is_restored;
        is_kept && self.console.kept_drafts().is_some_and(|kept| !kept.unanswered.is_empty())
    }

    // ---- the end ----

    /// Tells what waits to be told, at the end. A script waits for the disk, as long as the program may take.
    pub(super) fn tell_rest(&mut self) -> Result<(), Failure> {
        self.keeping.stop_waiting(!self.console.is_interactive(), &self.signals.stop);
        self.tell_kept()
    }

    /// Waits until all is saved, but not for ever. What is told of it stands below all else.
    pub(super) fn finish_saving(&mut self) {
        let (error, history_error) = self.keeping.finish(&self.signals.stop);
        let mut lines = Vec::new();
        if let Some(error) = error.filter(|_| !self.own.is_unkept) {
            lines.push(format!("chatcore-client: {}\n", safe(&self.connect.why_unkept(&error))));
        }
        if let Some(error) = history_error {
            let why = error.to_string();
            lines.push(format!("chatcore-client: the history of this run was not saved: {}\n", safe(&why)));
        }
        if !lines.is_empty() {
            write_within(REMARKS_TIME_MAX, io::stderr(), lines.concat().into_bytes());
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
