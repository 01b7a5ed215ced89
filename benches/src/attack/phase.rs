//! The phase of an attack, which all threads share.

use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What is going on. Later phases compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// All users register.
    SetUp,
    /// All are there, and nobody attacks.
    Before,
    /// The attack.
    During,
    /// The attackers' connections are gone.
    After,
    /// Fair users send nothing more; what is under way arrives.
    Drain,
    /// All threads end.
    Done,
}

impl Phase {
    pub(crate) const ALL: [Self; 6] = [Self::SetUp, Self::Before, Self::During, Self::After, Self::Drain, Self::Done];
}

/// The phase that the attack is in.
#[derive(Debug)]
pub(crate) struct CurrentPhase {
    phase: AtomicU8,
    /// What the times in messages count from.
    pub(crate) start: Instant,
}

impl CurrentPhase {
    pub(crate) fn new() -> Self {
        Self { phase: AtomicU8::new(Phase::SetUp as u8), start: Instant::now() }
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Ordering::Acquire))]
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }
}

/// Lets time pass within a phase.
#[expect(clippy::disallowed_methods, reason = "the end of a phase is a time, no event that one can wait for")]
pub(crate) fn pass(time: Duration) {
    thread::sleep(time);
}
