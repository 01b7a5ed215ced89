//! What an older run under the same name has left, read on a thread of its own: the disk may take its time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use chatcore::SessionTicket;
use mio::Waker;

use super::apart::Apart;
use super::connect::Connect;
use crate::program::state::{Kept, Loaded, SavedState, Slot};

/// How long a program is waited for that has the same session: it may have been killed, and be writing still.
const HELD_TIME_MAX: Duration = Duration::from_secs(2);

/// What an older run under the same name has saved.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) slot: Option<Slot>,
    pub(super) ticket: Option<SessionTicket>,
    pub(super) saved: SavedState,
    /// What a person finds again; none if it was not wanted, or cannot be had.
    pub(super) kept: Option<Kept>,
    /// Why nothing can be saved.
    pub(super) error: Option<io::Error>,
    /// What was wrong with what was saved, and what was done about it.
    pub(super) damage: Vec<String>,
}

/// What is being read for a name.
pub(super) struct Restoring {
    pub(super) name: String,
    restored: Apart<Restored>,
}

impl Restoring {
    /// What has become of it; none as long as it is being read.
    pub(super) fn outcome(&self) -> Option<io::Result<Restored>> {
        self.restored.outcome()
    }
}

impl Connect {
    /// Reads what is there for a name, and takes the place for itself. A person finds again also what a script has no
    /// use for.
    pub(super) fn restore(&self, name: &str, for_person: bool) -> Restored {
        let Some(dir) = self.state_dir() else { return Restored::default() };
        let slot = match Slot::open(dir, &self.address(), name, HELD_TIME_MAX) {
            Ok(Some(slot)) => slot,
            Ok(None) => return Restored::default(),
            Err(error) => return Restored { error: Some(error), ..Restored::default() },
        };
        let mut restored = Restored::default();
        match slot.load() {
            Loaded::Nothing => {}
            Loaded::Whole((ticket, saved)) => (restored.ticket, restored.saved) = (Some(ticket), saved),
            Loaded::Damaged(why) => restored.damage.push(why),
        }
        if for_person {
            let (kept, damage) = slot.load_kept(self.keeps_history);
            restored.kept = Some(kept);
            restored.damage.extend(damage);
        }
        restored.slot = Some(slot);
        restored
    }

    /// The same on a thread of its own, while the program goes on.
    pub(super) fn begin_to_restore(&self, name: String, for_person: bool, waker: &Arc<Waker>) -> io::Result<Restoring> {
        let (connect, asked) = (self.clone(), name.clone());
        let restored = Apart::begin("restore", waker, move || connect.restore(&asked, for_person))?;
        Ok(Restoring { name, restored })
    }
}
