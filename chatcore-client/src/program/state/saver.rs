//! Saves while the program runs, on a thread of its own: a disk may take its time, and keys must not wait for it.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::{Kept, Slot};

/// What is being saved. Dropped, it waits until that is done: then nobody else writes the files any more.
pub(crate) struct Saver {
    /// None while it ends.
    sender: Option<SyncSender<Kept>>,
    thread: Option<JoinHandle<()>>,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Saver {
    /// # Errors
    ///
    /// If the system has no thread for it.
    pub(crate) fn start(slot: Arc<Slot>) -> io::Result<Self> {
        let (sender, given) = sync_channel(1);
        let failed = Arc::<Mutex<Option<io::Error>>>::default();
        let failing = Arc::clone(&failed);
        let thread = thread::Builder::new().name("save".into()).spawn(move || save_all(&slot, &given, &failing))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), failed })
    }

    /// Saves drafts and marks, soon. False if so much waits already that it is to be tried again later.
    pub(crate) fn save(&self, kept: Kept) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.try_send(kept).is_ok())
    }

    /// What went wrong since it was asked last.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn save_all(slot: &Slot, given: &Receiver<Kept>, failed: &Mutex<Option<io::Error>>) {
    for kept in given {
        if let Err(error) = slot.save_drafts(kept) {
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it has ended the program.
            let _ = thread.join();
        }
    }
}
