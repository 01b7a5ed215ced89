//! The client's time on tokio's clock.

use std::pin::Pin;
use std::task::{Context, Poll};

use chatcore::Instant;
use tokio::time::{Instant as TokioInstant, Sleep, sleep_until};

/// A clock, and the one deadline that wakes the task.
#[derive(Debug)]
pub(super) struct Timer {
    epoch: TokioInstant,
    /// It may be set for an earlier time than the deadline, which moves with each message: then it is set anew when it
    /// is over, and not each time.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    pub(super) fn start() -> Self {
        Self { epoch: TokioInstant::now(), sleep: None }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_duration(self.epoch.elapsed())
    }

    /// Whether this time has come. If not, the task is woken then.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        loop {
            if due <= self.now() {
                return Poll::Ready(());
            }
            // Farther away than the system's clock goes: it does not come.
            let Some(due) = self.epoch.checked_add(due.as_duration()) else { return Poll::Pending };
            match &mut self.sleep {
                None => self.sleep = Some(Box::pin(sleep_until(due))),
                Some(sleep) if sleep.deadline() > due || sleep.is_elapsed() => sleep.as_mut().reset(due),
                Some(_) => {}
            }
            let Some(sleep) = &mut self.sleep else { unreachable!("it is set") };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
