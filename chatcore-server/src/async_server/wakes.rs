//! Tasks that are to be woken when the hub is free again.

use std::task::Waker;

/// Tasks that one hold of the hub may wake, so that it is bounded.
const WAKES_MAX: usize = 32;

/// Woken when this is dropped, or before. A task that is woken while the hub is held would only wait for it.
#[derive(Debug)]
pub(super) struct Wakes {
    wakers: [Option<Waker>; WAKES_MAX],
    count: usize,
}

impl Wakes {
    pub(super) const fn new() -> Self {
        Self { wakers: [const { None }; WAKES_MAX], count: 0 }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count == WAKES_MAX
    }

    /// Adds a task. There must be room.
    pub(super) fn push(&mut self, waker: Waker) {
        self.wakers[self.count] = Some(waker);
        self.count += 1;
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        for waker in &mut self.wakers[..self.count] {
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
    }
}
