//! Lines on their way to the thread that writes them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines that wait, or are being written, at the most. What comes beyond it is dropped and counted.
pub(super) const LINES_MAX: usize = 4096;

/// A queue that takes a line at once, or not at all.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write, or nothing more will come.
    filled: Condvar,
    /// Everything is written.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    /// Lines of the batch that is being written.
    in_writing: usize,
    dropped: u64,
    is_ending: bool,
    has_ended: bool,
}

/// What is to be written next.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) lines: VecDeque<String>,
    /// Lines that were dropped since the last batch.
    pub(super) dropped: u64,
    /// It is the last.
    pub(super) is_last: bool,
}

impl Queue {
    /// Takes a line. Never waits for the writer's output: nobody holds the lock while he writes.
    pub(super) fn push(&self, line: String) {
        let mut state = self.state();
        if state.lines.len() + state.in_writing >= LINES_MAX {
            state.dropped += 1;
            return;
        }
        state.lines.push_back(line);
        drop(state);
        self.filled.notify_one();
    }

    /// Waits for lines, for so long at the most. What was taken before is written now.
    pub(super) fn take(&self, wait: Duration) -> Batch {
        let mut state = self.state();
        state.in_writing = 0;
        let is_idle = |state: &mut State| state.lines.is_empty() && !state.is_ending;
        let waited = self.filled.wait_timeout_while(state, wait, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.in_writing = state.lines.len();
        Batch {
            lines: std::mem::take(&mut state.lines),
            dropped: std::mem::take(&mut state.dropped),
            is_last: state.is_ending,
        }
    }

    /// The last batch is written.
    pub(super) fn set_ended(&self) {
        self.state().has_ended = true;
        self.ended.notify_all();
    }

    /// Asks for the last batch, and waits until it is written, for so long at the most. Returns whether it is.
    pub(super) fn end(&self, wait: Duration) -> bool {
        let mut state = self.state();
        state.is_ending = true;
        self.filled.notify_one();
        let waited = self.ended.wait_timeout_while(state, wait, |state| !state.has_ended);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.has_ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked has left it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_counted_also_while_others_are_written() {
        let queue = Queue::default();
        for count in 0..LINES_MAX {
            queue.push(count.to_string());
        }
        queue.push("too many".into());
        let batch = queue.take(AT_ONCE);
        assert_eq!((batch.lines.len(), batch.dropped), (LINES_MAX, 1));
        assert_eq!(batch.lines[1], "1");
        queue.push("still too many".into());
        let batch = queue.take(AT_ONCE);
        assert_eq!((batch.lines.len(), batch.dropped), (0, 1));
        queue.push("there is room".into());
        let batch = queue.take(AT_ONCE);
        assert_eq!((batch.lines.len(), batch.dropped, batch.is_last), (1, 0, false));
    }

    #[test]
    fn the_end_waits_for_what_is_written_and_no_longer_than_it_may() {
        let queue = Queue::default();
        queue.push("last words".into());
        assert!(!queue.end(AT_ONCE), "nobody writes");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert!(queue.take(Duration::MAX).is_last);
                queue.set_ended();
            });
            assert!(queue.end(Duration::from_secs(60)));
        });
    }
}
