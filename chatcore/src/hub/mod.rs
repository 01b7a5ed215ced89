//! The server's end once there are names: sessions, routing, and what the driver must do about them.

mod action;
mod admission;
#[cfg(feature = "sim")]
mod audit;
mod conn;
mod conn_id;
mod endings;
mod event;
mod groups;
mod header_cache;
mod memory;
mod name_table;
mod ordered;
mod origins;
mod prefetch;
mod presence;
mod rate;
mod replies;
mod reports;
mod requests;
mod rooms;
mod secret_rng;
mod session;
mod sessions;
#[cfg(test)]
mod tests;
mod thresholds;
mod timers;
mod work;

use alloc::collections::BTreeSet;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

pub use self::action::Action;
use self::action::Turns;
pub use self::admission::CONNECTION_COST;
use self::conn::ConnState;
pub use self::conn_id::{ConnId, UnknownConn};
use self::endings::ShuttingDown;
pub use self::event::{CloseReason, HubEvent};
use self::header_cache::HeaderCache;
pub use self::memory::Memory;
use self::ordered::Ordered;
use self::prefetch::Prefetch;
use self::presence::Presence;
use self::replies::Replies;
use self::reports::Reports;
use self::requests::Handled;
use self::rooms::Rooms;
use self::secret_rng::SecretRng;
use self::session::TimerAction;
use self::sessions::Sessions;
pub(crate) use self::thresholds::Thresholds;
use self::timers::TimerKey;
use self::work::{Budget, SLICE_WORK_MAX, Work};
use crate::handshake::{Refusal, Registration};
use crate::limits::Limits;
use crate::name::UserName;
use crate::outbox::Chunks;
use crate::received::Received;
use crate::time::Instant;
use crate::wire::{self, EPOCH_UNIX_MS, HUB_NUMBER_MAX, HubMessage, MessageId, Ping, ReconnectHint};

/// Events that may wait for the driver before the hub takes no more from sessions.
const UNDRAINED_MAX: usize = 65_536;

/// The server's end of every connection that has a name: sessions and the routing between them.
///
/// The methods come in families, and **whatever goes in, the actions are drained before the driver waits
/// again**:
///
/// 1. *What happened*: [`charge_origin`](Self::charge_origin), [`admit`](Self::admit), [`receive`](Self::receive),
///    [`transmitted`](Self::transmitted), [`disconnect`](Self::disconnect),
///    [`handle_timeout`](Self::handle_timeout). Any number of them may come before the actions are drained:
///    batches are how it gets fast.
/// 2. *What the operator wants*: [`kick`](Self::kick), [`shut_down`](Self::shut_down).
/// 3. *What is to be done*: [`poll_event`](Self::poll_event) and [`poll_action`](Self::poll_action) until they are
///    empty, with [`transmit`](Self::transmit) for the bytes of a connection; then wait until
///    [`poll_timeout`](Self::poll_timeout) at the latest. A driver that has more to take in already may drain
///    [`poll_urgent_action`](Self::poll_urgent_action) in between.
///
/// Each call does a bounded amount of work. What takes more, such as a fan-out to a large room or the end of many
/// sessions, goes on in slices: while some are left, [`poll_timeout`](Self::poll_timeout) is due at once, and each
/// [`handle_timeout`](Self::handle_timeout) does the next one, and so do those [`poll_action`](Self::poll_action)s for which
/// nothing else is ready, or which are the ninth.
///
/// A peer's protocol error is never an error of a call: its connection is told and closed, and the driver hears of
/// it as [`HubEvent::SessionEnded`] and [`Action::Close`]. The only error is the driver's own: a connection that is
/// not there ([`UnknownConn`]). A broken invariant panics with its reason.
///
/// The same inputs with the same seed give the same outputs, byte for byte.
pub struct Hub {
    /// What the clock of the world says at the driver's epoch, in milliseconds since 1970.
    unix_epoch_ms: u64,
    /// What tells its ids from those of other hubs.
    number: u16,
    /// The lowest id of a message that is accepted now.
    lowest_id: MessageId,
    message_id: MessageId,
    secrets: SecretRng,
    ordered: Ordered,
    presence: Presence,
    /// What the names look like that nobody gets.
    reserved: BTreeSet<String>,
    replies: Replies,
    reports: Reports,
    prefetch: Prefetch,
    header_cache: HeaderCache,
    /// Sessions that are still to be ended because the hub stops.
    shutting_down: Option<ShuttingDown>,
    turns: Turns,
    /// What the last input has cost its session.
    last_cost: u32,
    /// Units of work that the last call did.
    #[cfg(any(test, feature = "sim"))]
    work_of_call: u32,
}

impl Hub {
    /// An empty hub. From the seed come the tokens of its sessions and the keys of its hashes: take it from the
    /// system's source of randomness, and in a test from wherever the test can repeat it.
    ///
    /// # Panics
    ///
    /// If the limits do not fit together: [`Limits::check`] tells beforehand.
    pub fn new(limits: Limits, seed: [u8; 32]) -> Self {
        Self::with_thresholds(limits, Thresholds::default(), seed)
    }

    /// The same. What it does for many alone is tested with few.
    pub(crate) fn with_thresholds(limits: Limits, thresholds: Thresholds, seed: [u8; 32]) -> Self {
        if let Err(error) = limits.check() {
            panic!("{error}");
        }
        let mut secrets = SecretRng::new(seed);
        let key = secrets.draw();
        Self {
            unix_epoch_ms: EPOCH_UNIX_MS,
            number: 0,
            lowest_id: MessageId(0),
            message_id: MessageId(0),
            secrets,
            ordered: Ordered::new(Sessions::new(limits, thresholds, key), Rooms::new(key)),
            presence: Presence::new(key),
            reserved: BTreeSet::new(),
            replies: Replies::default(),
            reports: Reports::default(),
            prefetch: Prefetch::new(thresholds.prefetch_sessions),
            header_cache: HeaderCache::default(),
            shutting_down: None,
            turns: Turns::default(),
            last_cost: 0,
            #[cfg(any(test, feature = "sim"))]
            work_of_call: 0,
        }
    }

    /// Says what the world's clock showed at [`Instant::ZERO`], counted from 1970-01-01 UTC: the time in the ids of
    /// messages is counted from there. Without this, it counts as the beginning of 2025.
    #[must_use]
    pub fn with_unix_epoch(self, unix_epoch: Duration) -> Self {
        let unix_epoch_ms = u64::try_from(unix_epoch.as_millis()).unwrap_or(u64::MAX);
        Self { unix_epoch_ms, lowest_id: MessageId::first_of(unix_epoch_ms, self.number), ..self }
    }

    /// Gives the hub a number of its own among several, so that no two of them give the same id. Without this it is 0.
    ///
    /// # Panics
    ///
    /// If the number is above [`HUB_NUMBER_MAX`](crate::HUB_NUMBER_MAX).
    #[must_use]
    pub fn with_number(self, number: u16) -> Self {
        assert!(number <= HUB_NUMBER_MAX, "the number of a hub is {number}: it must be 0 to {HUB_NUMBER_MAX}");
        Self { number, lowest_id: MessageId::first_of(self.unix_epoch_ms, number), ..self }
    }

    /// Keeps names for the embedder: nobody gets one of them, or one that looks like it. More come in addition.
    ///
    /// ```
    /// use chatcore::{Hub, Limits, UserName};
    ///
    /// let reserved = ["admin", "server"].map(|name| UserName::new(name).expect("it can be a name"));
    /// let hub = Hub::new(Limits::default(), [7; 32]).with_reserved(&reserved);
    /// # let _ = hub;
    /// ```
    #[must_use]
    pub fn with_reserved<'a>(mut self, names: impl IntoIterator<Item = &'a UserName>) -> Self {
        self.reserved.extend(names.into_iter().map(|name| name.confusable_key().into_owned()));
        self
    }

    /// The limits it was made with.
    pub const fn limits(&self) -> &Limits {
        &self.ordered.sessions().limits
    }

    /// Names that are held: sessions, attached or detached.
    pub fn users(&self) -> usize {
        self.ordered.sessions().len()
    }

    /// Rooms that have members.
    pub fn rooms(&self) -> usize {
        self.ordered.rooms().len()
    }

    /// Connections that the driver has not been told to close yet, those included that are written out.
    pub fn connections(&self) -> usize {
        self.ordered.sessions().conns().len()
    }

    /// What the hub keeps for its peers at present, by kind. Costs nothing.
    pub fn memory(&self) -> Memory {
        self.ordered.sessions().memory()
    }

    /// The name of a connection; none once it is closing.
    pub fn name(&self, conn: ConnId) -> Option<&UserName> {
        match self.ordered.sessions().conn_state(conn) {
            Ok(ConnState::Open(session)) => Some(&self.ordered.sessions()[*session].name),
            _ => None,
        }
    }

    // ---- what happened ----

    /// Lets a client in under the name it asked for, or goes on with its session.
    ///
    /// # Errors
    ///
    /// Why the client is refused. Give this to [`Handshake::refuse`](crate::Handshake::refuse); the client may then try
    /// again.
    pub fn admit(&mut self, now: Instant, registration: Registration) -> Result<ConnId, Refusal> {
        self.clock(now);
        self.decide(registration)
    }

    /// Takes what has arrived from a connection. `input` is advanced by what was used; the rest stays with the caller,
    /// who gives it again, together with what comes: the start of a frame that is not whole, at most
    /// [`Limits::frame_bytes_max`] + 4 bytes; or, if the call says so, everything after the work that it may do
    /// ([`Received::More`]) or the cost that it may have ([`Received::Paused`]).
    ///
    /// Bytes that were left to the caller before are no sign of life. While more than 65 536 events wait for
    /// [`poll_event`](Self::poll_event), nothing is taken.
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    pub fn receive(&mut self, now: Instant, conn: ConnId, input: &mut &[u8]) -> Result<Received, UnknownConn> {
        self.clock(now);
        let ConnState::Open(index) = *self.ordered.sessions().conn_state(conn)? else {
            (*input, self.last_cost) = (&[], 0);
            return Ok(Received::Closed);
        };
        let sessions = self.ordered.sessions();
        let is_undrained = sessions.events.len() > UNDRAINED_MAX;
        let frame_bytes_max = sessions.limits.frame_bytes_max();
        let mut budget = Budget::new(sessions.work_max(index), sessions.cost_max(index));
        self.prefetch.forget_frames();
        let before = input.len();
        let outcome = loop {
            if budget.is_spent() || is_undrained {
                break Received::More;
            }
            self.prefetch.recipients(self.ordered.sessions(), input);
            let mut rest = *input;
            match wire::take(&mut rest, frame_bytes_max).and_then(|content| match content {
                Some(content) => self.handle(index, content, &mut budget).map(Some),
                None => Ok(None),
            }) {
                Ok(Some(Handled::Done)) => *input = rest,
                Ok(Some(Handled::Later)) => break Received::More,
                Ok(Some(Handled::Ended)) => break Received::Closed,
                Ok(None) => break Received::NeedInput,
                Err(_) if self.ordered.rooms().is_full() && !self.flush_first(&mut budget) => break Received::More,
                Err(error) => {
                    self.end(index, CloseReason::ProtocolError(error));
                    break Received::Closed;
                }
            }
            if self.ordered.sessions().has_marked() {
                budget.work_for_others(|work| self.end_marked(work));
                if !matches!(self.ordered.sessions().conn_state(conn), Ok(ConnState::Open(_))) {
                    break Received::Closed;
                }
            }
        };
        self.note_work(budget.work());
        self.last_cost = budget.cost();
        let (sessions, _) = self.ordered.unordered();
        if outcome == Received::Closed {
            *input = &[];
            // The session is no more, and its origin pays for what it has left behind.
            if let Ok(ConnState::Closing(closing)) = sessions.conn_state(conn) {
                let account = closing.share.account();
                sessions.origins.charge(sessions.now, account, budget.cost(), &sessions.origin_pace);
            }
            return Ok(outcome);
        }
        sessions.received(index, before, input.len());
        Ok(sessions.charge(index, budget.cost()).map_or(outcome, |until| Received::Paused { until }))
    }

    /// What the input of the last [`receive`](Self::receive) has cost its session, in the units of
    /// [`Limits::session_rate`], whether that is bounded or not. A driver lets those go first who cost little.
    pub const fn last_cost(&self) -> u32 {
        self.last_cost
    }

    /// Whether something waits that the hub does by itself, in slices. A driver that is behind with that takes in no more
    /// from those who cause much.
    pub fn is_behind(&self) -> bool {
        self.has_pending()
    }

    /// The transport, or a buffer in front of it, has taken this many bytes of [`transmit`](Self::transmit). To be said
    /// before anything else goes into the hub, because that may change what is to be written.
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    ///
    /// # Panics
    ///
    /// If fewer bytes were there to be written.
    pub fn transmitted(&mut self, now: Instant, conn: ConnId, count: usize) -> Result<(), UnknownConn> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        let index = sessions.conn_index(conn)?;
        if sessions.transmitted(index, count) {
            sessions.finish_conn(index);
        }
        Ok(())
    }

    /// The transport is gone: closed by the peer, or broken. The id is unknown from now on. The session waits for
    /// another connection.
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    pub fn disconnect(&mut self, now: Instant, conn: ConnId) -> Result<(), UnknownConn> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        let index = sessions.conn_index(conn)?;
        match sessions.conns()[index].state {
            ConnState::Open(session) => {
                sessions.remove_conn(index);
                self.detach(session, CloseReason::Disconnected);
            }
            ConnState::Closing(_) => self.remove_closing(index),
        }
        Ok(())
    }

    /// The time has come that [`poll_timeout`](Self::poll_timeout) gave. Afterwards it gives a later one, unless there
    /// is more to do than one call does: then it is due again at once.
    ///
    /// Take in what the transports have first: a driver that slept long would otherwise time out peers whose
    /// signs of life are waiting.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        let mut work = Work::new(SLICE_WORK_MAX);
        while !work.is_spent() && !self.ordered.rooms().is_full() {
            let (sessions, _) = self.ordered.unordered();
            let Some((_, key)) = sessions.timers.pop(sessions.now) else { break };
            work.spend(1);
            match key {
                TimerKey::Conn(index) => {
                    sessions.conn_timer(index);
                    sessions.finish_conn(index);
                }
                TimerKey::Session(index) => work.spend(self.handle_session_timer(index)),
                TimerKey::Presence(group) => self.presence.handle_timer(sessions, group),
            }
        }
        self.note_work(work.spent());
        self.advance(SLICE_WORK_MAX);
    }

    fn handle_session_timer(&mut self, index: usize) -> u32 {
        let (sessions, _) = self.ordered.unordered();
        match sessions.check_timers(index) {
            TimerAction::Nothing => {
                sessions.arm(index);
                // Others may have made room for it.
                if sessions[index].is_lagging {
                    return self.catch_up(index);
                }
            }
            TimerAction::Ping => {
                let nonce = sessions.now.as_nanos();
                replies::answer(sessions, index, &HubMessage::Ping(Ping { nonce }));
                sessions.arm(index);
            }
            TimerAction::Detach => {
                // What it holds may be moved, and the frames of one segment are looked at.
                let work = work::of_bytes(4 * sessions[index].outbox.kept_bytes());
                self.detach(index, CloseReason::TimedOut);
                return work;
            }
            TimerAction::End(reason) => return self.end_with_hint(index, reason, None),
        }
        1
    }

    // ---- what the operator wants ----

    /// Ends a user's session with a goodbye. False if nobody has the name.
    pub fn kick(&mut self, now: Instant, name: &UserName) -> bool {
        self.clock(now);
        let found = self.ordered.sessions().find(name.as_bytes());
        if let Some(index) = found {
            self.end(index, CloseReason::Kicked);
        }
        found.is_some()
    }

    /// Ends every session with a goodbye, and admits nobody from now on. The hint tells the clients when, and
    /// perhaps where, to connect again; an address of more than
    /// [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes is left out. Everything is over when
    /// [`users`](Self::users) and [`connections`](Self::connections) are zero, after [`Limits::flush_time_max`] at the
    /// latest.
    pub fn shut_down(&mut self, now: Instant, reconnect: Option<ReconnectHint<'_>>) {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        if !core::mem::replace(&mut sessions.is_shutting_down, true) {
            self.shutting_down = Some(ShuttingDown::new(reconnect));
            self.advance(SLICE_WORK_MAX);
        }
    }

    // ---- what is to be done ----

    /// The next thing that has happened; none when all is told. To be drained like the actions, and before each of them.
    pub fn poll_event(&mut self) -> Option<HubEvent> {
        self.ordered.unordered().0.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; none if never. It is due at once while the hub has
    /// something to do by itself. Costs nothing.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let sessions = self.ordered.sessions();
        if self.has_pending() { Some(sessions.now) } else { sessions.timers.first() }
    }

    /// The bytes to write to a connection. Not copied: report what the transport took to
    /// [`transmitted`](Self::transmitted). Nothing for a connection that is not there.
    pub fn transmit(&self, conn: ConnId) -> Chunks<'_> {
        let sessions = self.ordered.sessions();
        match sessions.conn_state(conn) {
            Ok(ConnState::Open(index)) => sessions[*index].outbox.transmit(),
            Ok(ConnState::Closing(closing)) => closing.outbox.transmit(),
            Err(_) => Chunks::of(&[]),
        }
    }

    // ---- inside ----

    /// Begins a call. Time that goes backwards stands still, and it stops just before its end, so that every deadline can
    /// be later than now.
    #[inline]
    fn clock(&mut self, now: Instant) {
        self.forget_work();
        let (sessions, _) = self.ordered.unordered();
        let now = sessions.now.max(now).min(Instant::from_nanos(u64::MAX - 1));
        if now != sessions.now {
            sessions.now = now;
            self.lowest_id =
                MessageId::first_of(self.unix_epoch_ms.saturating_add(now.as_nanos() / 1_000_000), self.number);
        }
    }

    /// There is something that the hub does by itself.
    #[inline]
    fn has_pending(&self) -> bool {
        self.ordered.rooms().has_pending()
            || self.ordered.sessions().has_marked()
            || self.presence.has_pending()
            || self.reports.has_pending()
            || self.shutting_down.is_some()
    }

    /// Does a slice of what is pending. Fan-out goes first; the rest has a slice of its own, so that neither waits for
    /// the end of the other.
    #[inline]
    fn advance(&mut self, units: u32) {
        if self.has_pending() {
            self.advance_slowly(units);
        }
        let is_giving_back = self.reports.has_pending();
        self.ordered.unordered().0.relieve_if_short(is_giving_back);
    }

    #[cold]
    #[inline(never)]
    fn advance_slowly(&mut self, units: u32) {
        let (mut fanout, mut rest) = (Work::new(units), Work::new(units));
        while self.has_pending() {
            let is_flushed = self.ordered.flushed(&mut fanout).is_some();
            if !self.advance_rest(&mut rest) && !is_flushed {
                break;
            }
            if fanout.is_spent() || rest.is_spent() {
                break;
            }
        }
        self.note_work(fanout.spent() + rest.spent());
    }

    /// Does some of everything but fan-out. False if there was nothing to do.
    fn advance_rest(&mut self, work: &mut Work) -> bool {
        let before = work.spent();
        if self.shutting_down.is_some() {
            self.end_all(work);
        }
        self.end_marked(work);
        let (sessions, _) = self.ordered.unordered();
        self.presence.advance(sessions, work);
        self.reports.advance(sessions, work);
        work.spent() > before
    }

    /// What is noted from now on is of the next call.
    #[cfg(any(test, feature = "sim"))]
    const fn forget_work(&mut self) {
        self.work_of_call = 0;
    }

    #[cfg(not(any(test, feature = "sim")))]
    #[expect(clippy::unused_self, reason = "only tests look at it")]
    const fn forget_work(&self) {}

    #[cfg(any(test, feature = "sim"))]
    const fn note_work(&mut self, units: u32) {
        self.work_of_call += units;
    }

    #[cfg(not(any(test, feature = "sim")))]
    #[expect(clippy::unused_self, reason = "only tests look at it")]
    const fn note_work(&self, _: u32) {}

    /// Units of work that the last call did.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) const fn work_of_last_call(&self) -> u32 {
        self.work_of_call
    }

    /// More than this is never done in one call, with these limits: what a call begins with, and the longest step beyond
    /// that.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn work_of_call_max(limits: &Limits) -> u32 {
        work::of_call_max(limits)
    }
}

/// Shows no secret, and nothing of its users.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("users", &self.users())
            .field("rooms", &self.rooms())
            .field("connections", &self.connections())
            .field("memory", &self.memory())
            .finish_non_exhaustive()
    }
}
