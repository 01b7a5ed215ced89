//! What of a run is kept, and when whoever commands us is told of it.

use std::io;
use std::sync::Arc;

use super::keeping::Unsaved;
use super::parts::Session;
use super::restoring::Restored;
use crate::program::failure::Failure;
use crate::program::report::safe;
use crate::program::requests::beginning;
use crate::program::state::{Saver, slow};

/// What became of all that was to be saved.
pub(super) struct Saved {
    /// Messages without an answer are there again at the next start.
    pub(super) keeps_unanswered: bool,
    /// What is not saved, in words.
    pub(super) remarks: Vec<String>,
    /// An error if something is lost that a person has typed.
    pub(super) outcome: Result<(), Failure>,
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
        // Whether that matters, the server says: it may not give the name to both.
        let mut error;
        (self.own.held, error) = match restored.error {
            Some(held) if held.kind() == io::ErrorKind::ResourceBusy => (Some(held), None),
            error => (None, error),
        };
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

    // ---- the end ----

    /// Tells what waits to be told, at the end. A script waits for the disk, as long as the program may take.
    pub(super) fn tell_rest(&mut self) -> Result<(), Failure> {
        self.keeping.stop_waiting(!self.console.is_interactive(), &self.signals.stop);
        self.tell_kept()
    }

    /// Waits until all is saved, but not for ever.
    pub(super) fn finish_saving(&mut self) -> Saved {
        let is_kept = self.keeping.is_on() && self.own.is_restored;
        let Unsaved { session, drafts, history } = self.keeping.finish(&self.signals.stop);
        let mut remarks = Vec::new();
        if let Some(error) = session.filter(|_| self.own.unkept.is_none()) {
            remarks.push(safe(&self.connect.why_unkept(&error)));
        }
        if let Some(error) = history {
            remarks.push(format!("the history of this run was not saved: {}", safe(&error.to_string())));
        }
        let kept = self.console.kept_drafts().unwrap_or_default();
        let keeps_unanswered = is_kept && drafts.is_none() && !kept.unanswered.is_empty();
        // Where nothing can be kept, and somebody wants it to be, what is typed is lost, too.
        let has_no_place = || self.own.unkept.clone().filter(|_| !is_kept);
        let why = drafts.map(|error| self.connect.place_of(&error)).or_else(has_no_place);
        let outcome = match why.filter(|_| !kept.drafts.is_empty()) {
            Some(why) => {
                remarks.extend(kept.drafts.iter().map(|(to, draft)| {
                    // On the first screen nobody is named.
                    let to = if to.is_empty() { "nobody yet".into() } else { safe(to) };
                    format!("for {to}, typed and not sent: {}", safe(&beginning(draft.as_bytes())))
                }));
                Err(Failure::NotKept(why))
            }
            None => Ok(()),
        };
        Saved { keeps_unanswered, remarks, outcome }
    }

    /// That it cannot be kept is no reason not to chat.
    pub(super) fn tell_unkept(&mut self, error: &io::Error) -> Result<(), Failure> {
        if self.own.unkept.is_some() {
            return Ok(());
        }
        self.own.unkept = Some(self.connect.place_of(error));
        self.complain("not_kept", self.connect.why_unkept(error))
    }
}
