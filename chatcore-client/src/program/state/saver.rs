//! Saves on a thread of its own: a disk may take its time, and neither a key nor a signal waits for it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chatcore::SessionTicket;
use mio::Waker;

use super::{History, Kept, SavedState, Slot};
use crate::program::stop::{DISK_TIME_MAX, Stop, TOLD_TIME_MAX, wait_for};

/// How long the disk may take for what is saved last.
const FINISH_TIME_MAX: Duration = Duration::from_secs(10);

/// Saves what is kept of one name. What waits to be saved is replaced by what is newer, so a slow disk gets less.
/// Dropped, it saves what waits, and lets the slot go.
pub(crate) struct Saver(Arc<Shared>);

/// What is saved in one go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Save {
    Session(Box<(SessionTicket, SavedState)>),
    /// There is no session any more.
    NoSession,
    Drafts(Kept),
    History(History),
}

/// What is saved by itself, whatever becomes of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Session,
    Drafts,
    History,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// One of each kind at the most. The session goes first.
    waiting: VecDeque<Save>,
    /// How often a session was given.
    given: u64,
    /// The session that was given so often is saved, or could not be.
    done: u64,
    /// Why something could not be saved, until that is told.
    error: Option<io::Error>,
    /// What is being saved.
    saving: Option<Part>,
    /// Why a part beside the session could not be saved the last time: one of each at the most.
    unsaved: Vec<(Part, io::Error)>,
    /// Nothing more is given.
    is_ending: bool,
    /// The slot is let go.
    is_over: bool,
}

impl Saver {
    /// The waker is woken whenever something is saved.
    ///
    /// # Errors
    ///
    /// If the system has no thread for it.
    pub(crate) fn start(slot: Slot, waker: Arc<Waker>) -> io::Result<Self> {
        let save = move |save| match save {
            Save::Session(session) => slot.save(&session.0, &session.1),
            Save::NoSession => {
                slot.forget();
                Ok(())
            }
            Save::Drafts(kept) => slot.save_drafts(kept),
            Save::History(history) => slot.save_history(history),
        };
        // The program ends if the waker is gone.
        Self::start_with(save, move || drop(waker.wake()))
    }

    fn start_with(
        save: impl FnMut(Save) -> io::Result<()> + Send + 'static,
        tell: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let saving = Arc::clone(&shared);
        thread::Builder::new().name("save".into()).spawn(move || saving.save_all(save, tell))?;
        Ok(Self(shared))
    }

    /// Saves the session as it is now, soon. Returns a number for [`has_kept`](Self::has_kept).
    pub(crate) fn keep(&self, ticket: SessionTicket, saved: SavedState) -> u64 {
        self.give(Save::Session(Box::new((ticket, saved))))
    }

    /// Forgets the session, soon.
    pub(crate) fn forget(&self) {
        self.give(Save::NoSession);
    }

    /// Saves drafts and marks, soon.
    pub(crate) fn save_drafts(&self, kept: Kept) {
        self.give(Save::Drafts(kept));
    }

    /// Saves what was said, soon.
    pub(crate) fn save_history(&self, history: History) {
        self.give(Save::History(history));
    }

    fn give(&self, save: Save) -> u64 {
        let mut state = self.0.lock();
        // Nobody misses an older one when this one is saved.
        state.waiting.retain(|older| older.part() != save.part());
        if save.part() == Part::Session {
            state.given += 1;
            state.waiting.push_front(save);
        } else {
            state.waiting.push_back(save);
        }
        let number = state.given;
        drop(state);
        self.0.changed.notify_all();
        number
    }

    /// Whether the session with this number, or a newer one, is on the disk, or cannot be.
    pub(crate) fn has_kept(&self, number: u64) -> bool {
        self.0.lock().done >= number
    }

    /// What went wrong since it was asked last.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        self.0.lock().error.take()
    }

    /// Waits until then for [`has_kept`](Self::has_kept), but not for long after a signal.
    pub(crate) fn wait(&self, number: u64, until: Instant, stop: &Stop) {
        let shared = &self.0;
        wait_for(
            &shared.changed,
            shared.lock(),
            Some(until),
            || stop.until(TOLD_TIME_MAX),
            |state| state.done >= number,
        );
    }

    /// Nothing more is given, and the slot is let go as soon as all is saved.
    pub(crate) fn end(&self) {
        self.0.lock().is_ending = true;
        self.0.changed.notify_all();
    }

    /// Whether all is saved after [`end`](Self::end), and the slot is let go.
    pub(crate) fn is_over(&self) -> bool {
        self.0.lock().is_over
    }

    /// Why a part beside the session is not saved as it was given last; none if it is.
    pub(crate) fn take_unsaved(&self, part: Part) -> Option<io::Error> {
        let mut state = self.0.lock();
        let waits = state.saving == Some(part) || state.waiting.iter().any(|save| save.part() == part);
        let error = state.unsaved.extract_if(.., |(of, _)| *of == part).next().map(|(_, error)| error);
        error.or_else(|| waits.then(slow))
    }

    /// Ends, and waits for that, but not for ever.
    ///
    /// # Errors
    ///
    /// What went wrong since it was asked last.
    pub(crate) fn finish(&self, stop: &Stop) -> io::Result<()> {
        self.end();
        let (shared, until) = (&self.0, Instant::now() + FINISH_TIME_MAX);
        let left = || stop.until(DISK_TIME_MAX);
        let is_over = wait_for(&shared.changed, shared.lock(), Some(until), left, |state| state.is_over);
        match self.take_error() {
            Some(error) => Err(error),
            None if is_over => Ok(()),
            None => Err(slow()),
        }
    }
}

/// What is said of a disk that takes too long.
pub(crate) fn slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the disk takes too long")
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.end();
    }
}

impl Save {
    const fn part(&self) -> Part {
        match self {
            Self::Session(_) | Self::NoSession => Part::Session,
            Self::Drafts(_) => Part::Drafts,
            Self::History(_) => Part::History,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of a thread ends the program.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save_all(&self, mut save: impl FnMut(Save) -> io::Result<()>, tell: impl Fn()) {
        while let Some((number, next)) = self.next() {
            let part = next.part();
            let outcome = save(next);
            let mut state = self.lock();
            state.saving = None;
            match part {
                // That it is not saved, `error` tells.
                Part::Session => state.done = number,
                part => {
                    state.unsaved.retain(|(of, _)| *of != part);
                    let error = outcome.as_ref().err();
                    let error = error.map(|error| (part, io::Error::new(error.kind(), error.to_string())));
                    state.unsaved.extend(error);
                }
            }
            state.error = outcome.err().or(state.error.take());
            drop(state);
            self.changed.notify_all();
            tell();
        }
        // With it goes the slot, and its lock.
        drop(save);
        self.lock().is_over = true;
        self.changed.notify_all();
        tell();
    }

    /// The next that is to be saved, and how often a session was given by then; none at the end.
    fn next(&self) -> Option<(u64, Save)> {
        let is_idle = |state: &mut State| state.waiting.is_empty() && !state.is_ending;
        let mut state = self.changed.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
        let next = state.waiting.pop_front()?;
        state.saving = Some(next.part());
        Some((state.given, next))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use chatcore::Token;

    use super::*;

    /// After which a test fails that waits for something.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A disk that takes what it is given when it is told to, and tells what that was.
    pub(crate) fn slow_disk() -> (Saver, Receiver<Save>, Sender<io::Result<()>>) {
        let (sender, takes) = channel();
        let (goes_on, waits) = channel();
        let save = move |save| {
            sender.send(save).unwrap();
            waits.recv().unwrap()
        };
        (Saver::start_with(save, || {}).unwrap(), takes, goes_on)
    }

    fn session(name: &str) -> (SessionTicket, SavedState) {
        (SessionTicket::new(name.parse().unwrap(), Token::from_bytes([7; 16])), SavedState::default())
    }

    fn drafts(text: &str) -> Kept {
        Kept { drafts: [("bob".to_owned(), text.to_owned())].into(), ..Kept::default() }
    }

    fn wait(saver: &Saver, number: u64) {
        saver.wait(number, Instant::now() + PATIENCE, &Stop::default());
        assert!(saver.has_kept(number));
    }

    #[test]
    fn nobody_waits_for_a_slow_disk_and_it_gets_what_is_newest() {
        let (saver, takes, goes_on) = slow_disk();
        let keep = |name| {
            let (ticket, state) = session(name);
            saver.keep(ticket, state)
        };
        let first = keep("one");
        assert_eq!(takes.recv().unwrap(), Save::Session(Box::new(session("one"))));
        saver.save_drafts(drafts("half"));
        let second = keep("two");
        saver.save_drafts(drafts("half a line"));
        let third = keep("three");
        assert!(![first, second, third].into_iter().any(|number| saver.has_kept(number)), "nothing is on the disk");
        goes_on.send(Ok(())).unwrap();
        assert_eq!(takes.recv().unwrap(), Save::Session(Box::new(session("three"))), "before all else");
        wait(&saver, first);
        assert!(!saver.has_kept(second) && !saver.has_kept(third));
        goes_on.send(Err(io::Error::other("full"))).unwrap();
        wait(&saver, third);
        assert_eq!(saver.take_error().unwrap().to_string(), "full");
        assert_eq!(takes.recv().unwrap(), Save::Drafts(drafts("half a line")));
        saver.forget();
        goes_on.send(Ok(())).unwrap();
        assert_eq!(takes.recv().unwrap(), Save::NoSession, "what is given before the end is saved");
        saver.end();
        assert!(!saver.is_over());
        goes_on.send(Ok(())).unwrap();
        saver.finish(&Stop::default()).unwrap();
        assert!(saver.is_over() && takes.recv().is_err());
    }

    #[test]
    fn what_was_said_and_could_not_be_saved_is_told_apart() {
        let (saver, takes, goes_on) = slow_disk();
        for (outcome, is_lost) in [(Err(io::Error::other("full")), true), (Ok(()), false)] {
            saver.save_history(History::new());
            assert!(saver.take_unsaved(Part::History).is_none_or(|error| error.kind() == io::ErrorKind::TimedOut));
            takes.recv().unwrap();
            assert!(saver.take_unsaved(Part::History).is_some(), "it is being saved");
            saver.save_drafts(drafts("half"));
            goes_on.send(outcome).unwrap();
            // What comes after it shows that it is over.
            takes.recv().unwrap();
            goes_on.send(Ok(())).unwrap();
            assert_eq!(saver.take_unsaved(Part::History).is_some(), is_lost);
        }
    }

    #[test]
    fn what_was_typed_and_could_not_be_saved_is_told_apart_though_an_older_error_was_told() {
        let (saver, takes, goes_on) = slow_disk();
        let full = || Err(io::Error::other("full"));
        saver.save_drafts(drafts("half"));
        takes.recv().unwrap();
        goes_on.send(full()).unwrap();
        saver.save_drafts(drafts("half a line"));
        takes.recv().unwrap();
        assert_eq!(saver.take_error().unwrap().to_string(), "full");
        goes_on.send(full()).unwrap();
        let _ = saver.finish(&Stop::default());
        assert_eq!(saver.take_unsaved(Part::Drafts).unwrap().to_string(), "full");
        assert!(saver.take_unsaved(Part::Drafts).is_none() && saver.take_unsaved(Part::History).is_none());
    }

    /// Nobody asks for that, and so it must not pile up.
    #[test]
    fn a_session_that_could_not_be_saved_is_told_once_and_not_kept_apart() {
        let (saver, takes, goes_on) = slow_disk();
        let (ticket, state) = session("one");
        let number = saver.keep(ticket, state);
        takes.recv().unwrap();
        goes_on.send(Err(io::Error::other("full"))).unwrap();
        wait(&saver, number);
        assert_eq!(saver.take_error().unwrap().to_string(), "full");
        assert!(saver.0.lock().unsaved.is_empty());
    }

    #[test]
    fn after_a_signal_a_disk_that_takes_nothing_is_not_waited_for() {
        let (saver, takes, _goes_on) = slow_disk();
        saver.save_drafts(drafts("half"));
        takes.recv().unwrap();
        let begun = Instant::now();
        assert_eq!(saver.finish(&Stop::asked()).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < FINISH_TIME_MAX / 2);
        assert!(saver.take_unsaved(Part::Drafts).is_some() && saver.take_unsaved(Part::History).is_none());
    }
}
