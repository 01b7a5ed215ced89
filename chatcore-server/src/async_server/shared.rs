//! What the handles of a server, the futures of its connections and the hub's task share.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use chatcore::{Hub, Instant};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant as TokioInstant;

use super::config::AsyncConfig;
use super::state::State;
use super::undecided::Undecided;
use super::wakes::Wakes;
use crate::wall_clock::WallClock;

/// How far a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Serving,
    /// It accepts nobody and says goodbye.
    Stopping,
    /// All connections are gone; or the hub has panicked.
    Stopped,
}

pub(super) struct Shared<H> {
    pub(super) hooks: H,
    pub(super) config: AsyncConfig,
    pub(super) undecided: Undecided,
    /// One for each connection that there may be.
    pub(super) seats: Arc<Semaphore>,
    pub(super) stage: watch::Sender<Stage>,
    /// Wakes the hub's task. It has one of its own, with which it waits for the end of all this.
    bell: Arc<Notify>,
    epoch: TokioInstant,
    state: Mutex<State>,
}

impl<H> Shared<H> {
    pub(super) fn new(hub: Hub, wall_clock: WallClock, config: AsyncConfig, hooks: H, epoch: TokioInstant) -> Self {
        Self {
            hooks,
            undecided: Undecided::new(&config),
            seats: Arc::new(Semaphore::new(config.connections_max.min(Semaphore::MAX_PERMITS))),
            config,
            stage: watch::Sender::new(Stage::Serving),
            bell: Arc::default(),
            epoch,
            state: Mutex::new(State::new(hub, wall_clock)),
        }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_duration(self.epoch.elapsed())
    }

    /// When that is on tokio's clock; none if it is farther away than the clock goes.
    pub(super) fn to_tokio(&self, at: Instant) -> Option<TokioInstant> {
        self.epoch.checked_add(at.as_duration())
    }

    pub(super) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// Holds the hub for an input, and then does what the hub wants done at once. None if the hub has panicked: it is
    /// lost then.
    pub(super) fn hold<T>(&self, input: impl FnOnce(Instant, &mut State) -> T) -> Option<T> {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock().ok()?;
        let now = self.now();
        state.follow_wall_clock(now);
        let output = input(now, &mut state);
        state.drain(&mut wakes, Hub::poll_urgent_action);
        let rings = state.rings();
        drop(state);
        if rings {
            self.bell.notify_one();
        }
        Some(output)
    }

    /// The same for a connection that is gone.
    pub(super) fn leave(&self, leave: impl FnOnce(Instant, &mut State)) {
        if self.hold(leave).is_none() {
            // The hub's task finds it lost.
            self.bell.notify_one();
        }
    }

    /// Does all that the hub wants done, up to a bound.
    pub(super) fn drain(&self) {
        let _ = self.hold_for_turn(|_, state, wakes| state.drain(wakes, Hub::poll_action));
    }

    /// Holds the hub for its task, which drains by itself.
    pub(super) fn hold_for_turn<T>(&self, turn: impl FnOnce(Instant, &mut State, &mut Wakes) -> T) -> Option<T> {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock().ok()?;
        let now = self.now();
        state.follow_wall_clock(now);
        let output = turn(now, &mut state, &mut wakes);
        drop(state);
        Some(output)
    }

    /// The hub has panicked: all connections end.
    pub(super) fn lose(&self) {
        let wakers = self.state.lock().unwrap_or_else(PoisonError::into_inner).take_wakers();
        wakers.into_iter().for_each(Waker::wake);
        self.stage.send_replace(Stage::Stopped);
    }
}

impl<H> Drop for Shared<H> {
    fn drop(&mut self) {
        self.bell.notify_one();
    }
}
