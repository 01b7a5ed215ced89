//! The hub's task: what is due, what goes on in slices, answers that waited for company, and events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::Duration;

use chatcore::{Hub, HubEvent, Instant, Question, RejectCode};
use tokio::task::yield_now;
use tokio::time::timeout_at;
use tracing::{debug, error, info};

use super::hooks::Hooks;
use super::shared::{Shared, Stage};
use super::state::State;
use super::wakes::Wakes;

/// How late the task may come for what is due, and still nobody has slept.
const LATE_TIME_MAX: Duration = Duration::from_millis(50);

/// What those get then whose signs of life have arrived and wait to be read.
const GRACE_TIME: Duration = Duration::from_millis(100);

/// What a turn leaves to be done.
enum Left {
    /// More, at once.
    More,
    /// Something at this time; none if nothing is due.
    Due(Option<Instant>),
    /// Nothing ever again.
    Nothing,
}

/// Runs until the server has stopped, or everybody who knows it is gone.
pub(super) async fn run<H: Hooks>(server: Weak<Shared<H>>) {
    let Some(bell) = server.upgrade().map(|shared| shared.bell()) else { return };
    loop {
        // While it waits, it does not hold what it works on.
        let Some(shared) = server.upgrade() else { return };
        let Ok(Some((events, questions, left))) = catch_unwind(AssertUnwindSafe(|| shared.hold_for_turn(turn))) else {
            error!("the hub has panicked: the server is over");
            shared.lose();
            return;
        };
        for event in events {
            tell(&shared.hooks, &event);
        }
        answer(&shared, questions);
        let due = match left {
            Left::Nothing => {
                info!("stopped");
                shared.stage.send_replace(Stage::Stopped);
                return;
            }
            Left::More => {
                drop(shared);
                yield_now().await;
                continue;
            }
            Left::Due(due) => due.and_then(|due| shared.to_tokio(due)),
        };
        drop(shared);
        match due {
            // Whether it was rung or the time has come, there is something to be looked at.
            Some(due) => drop(timeout_at(due, bell.notified()).await),
            None => bell.notified().await,
        }
        // Others who are awake speak first, and are answered together.
        yield_now().await;
    }
}

/// Does a bounded part of what is to be done.
fn turn(now: Instant, state: &mut State, wakes: &mut Wakes) -> (Vec<HubEvent>, Vec<Question>, Left) {
    state.is_rung = false;
    if state.hub.poll_timeout().is_some_and(|due| due <= now) {
        let has_slept = state.wakes_at.is_some_and(|wakes_at| now.saturating_since(wakes_at) > LATE_TIME_MAX);
        if has_slept && !state.hub.is_behind() && state.grace_until.is_none() {
            state.grace_until = Some(now + GRACE_TIME);
        }
        if state.grace_until.is_none_or(|until| until <= now) {
            state.grace_until = None;
            state.hub.handle_timeout(now);
        }
    }
    state.wake_all(wakes);
    state.drain(wakes, Hub::poll_action);
    let (events, questions) = (state.take_events(), state.take_questions());
    state.wakes_at = state.due();
    let left = if state.has_stopped() {
        Left::Nothing
    } else if state.has_work_left() {
        // It looks again by itself.
        state.is_rung = true;
        Left::More
    } else {
        Left::Due(state.wakes_at)
    };
    (events, questions, left)
}

/// Asks the program, and tells the hub what it answers at once.
fn answer<H: Hooks>(shared: &Shared<H>, questions: Vec<Question>) {
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let id = question.id;
        let answer = catch_unwind(AssertUnwindSafe(|| shared.hooks.question(question))).unwrap_or_else(|_| {
            error!("the hook that answers questions has panicked");
            Some(Err(RejectCode::Unavailable))
        });
        answers.extend(answer.map(|answer| (id, answer)));
    }
    if !answers.is_empty() {
        // A session may have ended meanwhile.
        let _ = shared.hold(|now, state| {
            for (id, answer) in answers {
                let _ = state.hub.answer(now, id, answer);
            }
        });
    }
}

/// Tells the program and the log of an event.
fn tell<H: Hooks>(hooks: &H, event: &HubEvent) {
    match event {
        HubEvent::SessionStarted { conn, name, .. } => info!(%conn, %name, "joined"),
        HubEvent::Detached { conn, name, reason, .. } => info!(%conn, %name, %reason, "lost its connection"),
        HubEvent::Resumed { conn, name, .. } => info!(%conn, %name, "resumed"),
        HubEvent::TakenOver { conn, name, .. } => info!(%conn, %name, "taken over"),
        HubEvent::Renamed { from, name, .. } => info!(%from, %name, "renamed"),
        HubEvent::SessionEnded { name, reason, .. } => info!(%name, %reason, "left"),
        HubEvent::RoomOpened { room, .. } => debug!(%room, "opened"),
        HubEvent::RoomClosed { room, .. } => debug!(%room, "closed"),
        HubEvent::RoomJoined { room, name, .. } => debug!(%room, %name, "joined a room"),
        HubEvent::RoomLeft { room, name, code, .. } => debug!(%room, %name, %code, "left a room"),
        event => debug!(?event),
    }
    // The hub is not held, so a panic leaves it whole.
    if catch_unwind(AssertUnwindSafe(|| hooks.event(event))).is_err() {
        error!("the hook that hears events has panicked");
    }
}
