//! The hub, and what is known of each connection: all that is behind the lock.

use std::task::{Context, Waker};

use chatcore::{Action, ConnId, Hub, HubConnection, HubEvent, Instant, Question, QuotaKey, Reconnect, Refusal};
use slab::Slab;

use super::config::AsyncConfig;
use super::origin::Origin;
use super::wakes::Wakes;
use crate::counts::{Counts, Place};
use crate::rests::Rests;
use crate::wall_clock::WallClock;

/// Actions that are carried out in one hold of the hub.
const ACTIONS_MAX: usize = 64;

/// Events that wait outside of the hub. Beyond that the hub keeps them, and takes nothing more when they are too many.
const EVENTS_MAX: usize = 1024;

/// Connections that are told that there is no room for them, at the most. More are closed at once.
const TURNED_AWAY_MAX: usize = 64;

/// What the hub and the futures of the connections share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) hub: Hub,
    wall_clock: WallClock,
    connections: Slab<Connection>,
    /// Where the hub's connections are, by [`ConnId::index`].
    keys: Vec<usize>,
    /// How many connections each origin has.
    counts: Counts,
    /// Connections that are told that there is no room for them.
    turned_away: usize,
    /// Events that nobody has heard yet.
    events: Vec<HubEvent>,
    /// Input that the hub has not taken.
    rests: Rests,
    /// The last draining left something to be done.
    has_actions_left: bool,
    /// When the hub's task looks by itself; none if never.
    pub(super) wakes_at: Option<Instant>,
    /// Nobody is timed out before this: the server has slept, and what has arrived meanwhile is read first.
    pub(super) grace_until: Option<Instant>,
    /// The hub's task was woken and has not looked yet.
    pub(super) is_rung: bool,
    pub(super) stopping: Option<Stopping>,
}

/// A connection, as far as others have to know of it.
#[derive(Debug)]
pub(super) struct Connection {
    counted: Counted,
    /// The site whose rests its own are among; none if many come from its origin.
    rests_of: Option<QuotaKey>,
    /// Wakes its future; none if it is awake.
    waker: Option<Waker>,
    /// There is something to be written.
    has_output: bool,
    /// The hub has closed it.
    is_closed: bool,
    /// Bytes of input that it keeps.
    rest_bytes: usize,
}

/// How a connection counts.
#[derive(Clone, Copy, Debug)]
enum Counted {
    /// Among those of its origin, and among those without a name.
    Nameless(Place),
    /// Among those of its origin.
    Named(Place),
    /// Among those that are told that there is no room for them.
    TurnedAway,
}

/// There is no room for a connection.
#[derive(Debug)]
pub(super) struct NoRoom {
    pub(super) refusal: Refusal,
    /// Its key while it is told so; none if too many are being told already.
    pub(super) key: Option<usize>,
}

/// A server that stops.
#[derive(Debug)]
pub(super) struct Stopping {
    pub(super) reconnect: Option<Reconnect>,
    /// Connections up to this key know of it.
    next_key: usize,
}

impl Connection {
    const fn new(counted: Counted, rests_of: Option<QuotaKey>) -> Self {
        Self { counted, rests_of, waker: None, has_output: false, is_closed: false, rest_bytes: 0 }
    }
}

impl State {
    pub(super) fn new(hub: Hub, wall_clock: WallClock) -> Self {
        Self {
            hub,
            wall_clock,
            connections: Slab::new(),
            keys: Vec::new(),
            counts: Counts::default(),
            turned_away: 0,
            events: Vec::new(),
            rests: Rests::default(),
            has_actions_left: false,
            wakes_at: None,
            grace_until: None,
            is_rung: false,
            stopping: None,
        }
    }

    /// Lets the hub know what time it is in the world.
    pub(super) fn follow_wall_clock(&mut self, now: Instant) {
        self.wall_clock.guide(&mut self.hub, now);
    }

    // ---- connections ----

    /// Takes in a connection, and gives its key.
    ///
    /// # Errors
    ///
    /// If its origin has no room for it.
    pub(super) fn insert(&mut self, origin: &Origin, config: &AsyncConfig) -> Result<usize, NoRoom> {
        if let Err(refusal) = self.counts.check(origin.place, config.bounds(), config.connections_max) {
            let is_told = self.turned_away < TURNED_AWAY_MAX;
            self.turned_away += usize::from(is_told);
            let key = is_told.then(|| self.connections.insert(Connection::new(Counted::TurnedAway, None)));
            return Err(NoRoom { refusal, key });
        }
        self.counts.enter(origin.place);
        let rests_of = (!origin.place.is_shared).then(|| origin.place.widest());
        Ok(self.connections.insert(Connection::new(Counted::Nameless(origin.place), rests_of)))
    }

    /// Whether so few connections are left that they are for those who resume a session.
    pub(super) fn is_in_reserve(&self, config: &AsyncConfig) -> bool {
        self.connections.len() - self.turned_away > config.connections_before_reserve()
    }

    pub(super) fn remove(&mut self, key: usize) {
        let connection = self.connections.remove(key);
        self.rests.remove(connection.rests_of, connection.rest_bytes);
        match connection.counted {
            Counted::Nameless(place) => {
                self.counts.end_handshake(place);
                self.counts.leave(place);
            }
            Counted::Named(place) => self.counts.leave(place),
            Counted::TurnedAway => self.turned_away -= 1,
        }
    }

    /// The hub has admitted a connection.
    pub(super) fn open(&mut self, key: usize, conn: ConnId) {
        let counted = &mut self.connections[key].counted;
        if let Counted::Nameless(place) = *counted {
            *counted = Counted::Named(place);
            self.counts.end_handshake(place);
        }
        if self.keys.len() <= conn.index() {
            self.keys.resize(conn.index() + 1, usize::MAX);
        }
        self.keys[conn.index()] = key;
    }

    /// Whether the hub has closed a connection.
    pub(super) fn is_closed(&self, key: usize) -> bool {
        self.connections[key].is_closed
    }

    /// Whether a connection that has a session is to be written to.
    pub(super) fn has_output(&self, key: usize) -> bool {
        self.connections[key].has_output
    }

    pub(super) fn set_output(&mut self, key: usize, has_output: bool) {
        self.connections[key].has_output = has_output;
    }

    /// The future of a connection waits to be woken.
    pub(super) fn wait(&mut self, key: usize, cx: &Context<'_>) {
        let waker = &mut self.connections[key].waker;
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    /// Notes how much input a connection keeps.
    pub(super) fn note_rest(&mut self, key: usize, core: &HubConnection) {
        let rest_bytes = core.input_bytes();
        let connection = &mut self.connections[key];
        let noted = std::mem::replace(&mut connection.rest_bytes, rest_bytes);
        if noted != rest_bytes {
            self.rests.remove(connection.rests_of, noted);
            self.rests.add(connection.rests_of, rest_bytes);
        }
    }

    /// Whether so much input waits for the hub that only little is to be read of a connection.
    pub(super) fn has_long_rests(&self, key: usize) -> bool {
        !self.rests.are_short() && self.rests.are_long_for(self.connections[key].rests_of)
    }

    // ---- what the hub wants done ----

    /// Does what the hub wants done, up to a bound.
    pub(super) fn drain(&mut self, wakes: &mut Wakes, poll_action: impl Fn(&mut Hub) -> Option<Action>) {
        self.has_actions_left = true;
        for _ in 0..ACTIONS_MAX {
            if wakes.is_full() {
                return;
            }
            let action = poll_action(&mut self.hub);
            while self.events.len() < EVENTS_MAX
                && let Some(event) = self.hub.poll_event()
            {
                self.events.push(event);
            }
            let Some(action) = action else {
                self.has_actions_left = false;
                return;
            };
            let (Action::Write { conn } | Action::Close { conn, .. }) = action;
            let connection = &mut self.connections[self.keys[conn.index()]];
            match action {
                Action::Write { .. } => connection.has_output = true,
                Action::Close { .. } => connection.is_closed = true,
            }
            if let Some(waker) = connection.waker.take() {
                wakes.push(waker);
            }
        }
    }

    /// When the hub's task has to look at what is due; none if nothing will be.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = self.hub.poll_timeout()?;
        Some(self.grace_until.map_or(due, |until| due.max(until)))
    }

    /// What has happened, and nobody has heard yet.
    pub(super) fn take_events(&mut self) -> Vec<HubEvent> {
        std::mem::take(&mut self.events)
    }

    /// What the hub asks, up to a bound.
    pub(super) fn take_questions(&mut self) -> Vec<Question> {
        std::iter::from_fn(|| self.hub.poll_question()).take(EVENTS_MAX).collect()
    }

    /// Whether there is more to do at once.
    pub(super) fn has_work_left(&self) -> bool {
        self.has_actions_left
            || !self.events.is_empty()
            || !self.hub.has_flushed_answers()
            || self.hub.is_behind()
            || self.hub.has_questions()
            || self.stopping.as_ref().is_some_and(|stopping| stopping.next_key < self.connections.capacity())
            || self.has_stopped()
    }

    /// Whether the hub's task has to look, and does not know it yet. It is told so now.
    pub(super) fn rings(&mut self) -> bool {
        let is_earlier = self.due().is_some_and(|due| self.wakes_at.is_none_or(|wakes_at| due < wakes_at));
        let rings = !self.is_rung && (is_earlier || self.has_work_left());
        self.is_rung |= rings;
        rings
    }

    // ---- the end ----

    pub(super) fn shut_down(&mut self, now: Instant, reconnect: Option<Reconnect>) {
        if self.stopping.is_none() {
            self.hub.shut_down(now, reconnect.as_ref());
            self.stopping = Some(Stopping { reconnect, next_key: 0 });
        }
    }

    /// Wakes connections, so that those without a session find that the server stops.
    pub(super) fn wake_all(&mut self, wakes: &mut Wakes) {
        let Some(stopping) = &mut self.stopping else { return };
        while stopping.next_key < self.connections.capacity() && !wakes.is_full() {
            if let Some(waker) = self.connections.get_mut(stopping.next_key).and_then(|found| found.waker.take()) {
                wakes.push(waker);
            }
            stopping.next_key += 1;
        }
    }

    /// Whether all is over.
    pub(super) fn has_stopped(&self) -> bool {
        self.stopping.is_some() && self.connections.is_empty() && self.hub.users() == 0 && self.hub.connections() == 0
    }

    /// The tasks of all connections that wait.
    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        self.connections.iter_mut().filter_map(|(_, connection)| connection.waker.take()).collect()
    }
}

#[cfg(test)]
mod tests {
    use chatcore::wire::{ClientMessage, Message, Preface, Register, Send};
    use chatcore::{Limits, Next};

    use super::*;

    const NOW: Instant = Instant::from_millis(1);

    /// A user from there, of whom the server keeps the start of a long frame.
    fn come(state: &mut State, origin: Origin) -> usize {
        let name = format!("user{}", state.hub.users());
        let mut said = Preface::OURS.encode().to_vec();
        ClientMessage::Register(Register { name: &name, credential: b"", frame_bytes_max: u32::MAX }).encode(&mut said);
        let mut core = HubConnection::new(NOW, &mut state.hub, origin.key());
        let Next::Decide(registration) = core.receive(NOW, &mut state.hub, &said) else { panic!("it asks") };
        let _ = core.admit(NOW, &mut state.hub, *registration);
        let mut frame = Vec::new();
        ClientMessage::Send(Send { to: "nobody", body: &vec![b'x'; 60_000] }).encode(&mut frame);
        let _ = core.receive(NOW, &mut state.hub, &frame[..59_000]);
        let key = state.insert(&origin, &AsyncConfig::default()).expect("there is room");
        state.note_rest(key, &core);
        key
    }

    #[test]
    fn connections_of_a_shared_origin_use_up_nothing_of_its_site() {
        let mut state = State::new(Hub::new(Limits::default(), [7; 32]), WallClock::start());
        let config = AsyncConfig::default().with_connections_of_origin_max(2).with_site_factor(2);
        let of_site = |number: u128| Origin::from(QuotaKey(number)).with_site(QuotaKey(1 << 100));
        let of_gateway: Vec<usize> =
            (0..50).map(|_| state.insert(&of_site(1).shared(), &config).expect("it has no bound")).collect();
        let keys: Vec<_> = (2..10).filter_map(|number| state.insert(&of_site(number), &config).ok()).collect();
        assert_eq!(keys.len(), 4, "the site has its own room");
        for key in of_gateway.into_iter().chain(keys) {
            state.remove(key);
        }
        assert!(state.counts.is_empty());
    }

    #[test]
    fn who_belongs_to_a_site_that_keeps_much_is_read_slowly_and_nobody_else() {
        let mut state = State::new(Hub::new(Limits::default(), [7; 32]), WallClock::start());
        let of_site = |number: u128| Origin::from(QuotaKey(number)).with_site(QuotaKey(1 << 100));
        let other = come(&mut state, QuotaKey(1_000).into());
        let shared = come(&mut state, of_site(1_001).shared());
        // Less than 8 MiB in pieces of 59 kB. What comes from a shared origin of the site is not the site's.
        let mut keys: Vec<usize> = (1..=140).map(|number| come(&mut state, of_site(number))).collect();
        let of_shared: Vec<usize> = (0..20).map(|_| come(&mut state, of_site(1_001).shared())).collect();
        assert!(!state.rests.are_short() && !state.has_long_rests(keys[0]));
        keys.extend([141, 142, 143].map(|number| come(&mut state, of_site(number))));
        assert!(state.has_long_rests(keys[0]) && state.has_long_rests(keys[142]));
        assert!(!state.has_long_rests(other) && !state.has_long_rests(shared));
        for key in of_shared {
            state.remove(key);
        }
        for key in &keys[..20] {
            state.remove(*key);
        }
        assert!(!state.has_long_rests(keys[140]));
    }
}
