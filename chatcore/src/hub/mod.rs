//! The server's end of connections that have a name: sessions, routing, and what the driver must do about them.

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
mod slices;
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
/// The methods come in three families. **After any input, the driver drains the actions before it waits again**:
///
/// 1. *Inputs*: [`charge_origin`](Self::charge_origin), [`admit`](Self::admit), [`receive`](Self::receive),
///    [`transmitted`](Self::transmitted), [`disconnect`](Self::disconnect),
///    [`handle_timeout`](Self::handle_timeout). A driver may make any number of these calls before it drains the
///    actions: batches make the hub fast.
/// 2. *The operator's commands*: [`kick`](Self::kick), [`shut_down`](Self::shut_down). They are inputs, too.
/// 3. *Outputs*: call [`poll_event`](Self::poll_event) and [`poll_action`](Self::poll_action) until both return none,
///    with [`transmit`](Self::transmit) for the bytes of a connection. Then wait until
///    [`poll_timeout`](Self::poll_timeout) at the latest. A driver that already has more input may drain
///    [`poll_urgent_action`](Self::poll_urgent_action) first.
///
/// Each call does a bounded amount of work. What takes more, such as a fan-out to a large room or the end of many
/// sessions, the hub does in slices. While slices are left, [`poll_timeout`](Self::poll_timeout) is due at once. Each
/// [`handle_timeout`](Self::handle_timeout) does the next slice. [`poll_action`](Self::poll_action) does one when
/// nothing else is ready, and at least once in nine calls.
///
/// A peer's protocol error is never an error of a call. The hub tells the peer, closes its connection, and reports
/// [`HubEvent::SessionEnded`] and [`Action::Close`] to the driver. The only error of a call is the driver's own: it
/// named a connection that is not there ([`UnknownConn`]). A broken invariant panics with its reason.
///
/// The same inputs with the same seed give the same outputs, byte for byte.
///
/// ```
/// use chatcore::{Action, Handshake, Hub, HubEvent, Instant, Limits};
/// # use chatcore::{Client, ClientConfig};
///
/// let now = Instant::ZERO;
/// let mut hub = Hub::new(Limits::default(), [7; 32]); // random in a real server
/// # let mut client = Client::new(now, ClientConfig::default(), 7);
/// # client.register(now, "Bob", b"")?;
/// # let arrived = client.poll_transmit().concat();
/// let mut input = &arrived[..]; // from the transport: the client's preface, and a registration as Bob
/// let registration = Handshake::new(now, hub.limits()).receive(now, &mut input)?.expect("it is whole");
/// let conn = hub.admit(now, registration)?;
///
/// let action = hub.poll_action();
/// let Some(HubEvent::SessionStarted { name, .. }) = hub.poll_event() else { panic!("a session began") };
/// assert_eq!(name.as_str(), "bob");
/// assert_eq!(action, Some(Action::Write { conn }));
/// let bytes = hub.transmit(conn).concat(); // for the transport
/// hub.transmitted(now, conn, bytes.len())?;
/// assert_eq!(hub.poll_action(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// Makes an empty hub. The hub draws the tokens of its sessions and the keys of its hashes from the seed. Take the
    /// seed from the system's source of randomness: anybody who knows it can take every session. A test takes a
    /// constant, so that it can repeat the run.
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

    /// Sets the Unix time of [`Instant::ZERO`]: the time since 1970-01-01 00:00 UTC that the wall clock showed then.
    /// The hub needs it for the time in the ids of messages ([`MessageId::unix_time`]). Without this call,
    /// [`Instant::ZERO`] is the beginning of 2025.
    #[must_use]
    pub fn with_unix_epoch(self, unix_epoch: Duration) -> Self {
        let unix_epoch_ms = u64::try_from(unix_epoch.as_millis()).unwrap_or(u64::MAX);
        Self { unix_epoch_ms, lowest_id: MessageId::first_of(unix_epoch_ms, self.number), ..self }
    }

    /// Gives the hub its number among hubs that work together, so that no two of them give the same id to a message
    /// ([`MessageId::hub_number`]). Without this call the number is 0.
    ///
    /// # Panics
    ///
    /// If the number is above [`HUB_NUMBER_MAX`](crate::HUB_NUMBER_MAX).
    #[must_use]
    pub fn with_number(self, number: u16) -> Self {
        assert!(number <= HUB_NUMBER_MAX, "the number of a hub is {number}: it must be 0 to {HUB_NUMBER_MAX}");
        Self { number, lowest_id: MessageId::first_of(self.unix_epoch_ms, number), ..self }
    }

    /// Reserves names. The hub refuses a registration for one of them, or for a name that looks like one, with
    /// [`Refusal::Reserved`]. A second call adds to the names of the first.
    ///
    /// ```
    /// use chatcore::{Handshake, Hub, Instant, Limits, Refusal, UserName};
    /// # use chatcore::{Client, ClientConfig};
    ///
    /// let reserved = ["admin", "server"].map(|name| UserName::new(name).expect("it can be a name"));
    /// let mut hub = Hub::new(Limits::default(), [7; 32]).with_reserved(&reserved);
    /// # let now = Instant::ZERO;
    /// # let mut client = Client::new(now, ClientConfig::default(), 7);
    /// # client.register(now, "Admin", b"")?;
    /// # let arrived = client.poll_transmit().concat();
    /// # let registration = Handshake::new(now, hub.limits()).receive(now, &mut &arrived[..])?.expect("it is whole");
    /// // A client registers as Admin.
    /// assert_eq!(hub.admit(now, registration), Err(Refusal::Reserved));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_reserved<'a>(mut self, names: impl IntoIterator<Item = &'a UserName>) -> Self {
        self.reserved.extend(names.into_iter().map(|name| name.confusable_key().into_owned()));
        self
    }

    /// The limits that the hub was made with.
    pub const fn limits(&self) -> &Limits {
        &self.ordered.sessions().limits
    }

    /// How many sessions there are, attached or detached. Each holds one name.
    pub fn users(&self) -> usize {
        self.ordered.sessions().len()
    }

    /// How many rooms there are. Each has at least one member.
    pub fn rooms(&self) -> usize {
        self.ordered.rooms().len()
    }

    /// How many connections the hub knows: those of sessions, and closing ones until their [`Action::Close`].
    pub fn connections(&self) -> usize {
        self.ordered.sessions().conns().len()
    }

    /// How many bytes the hub keeps for its peers at present, by kind. The call is cheap: it reads counters.
    pub fn memory(&self) -> Memory {
        self.ordered.sessions().memory()
    }

    /// The name of the user on a connection; none if the connection is closing or unknown.
    pub fn name(&self, conn: ConnId) -> Option<&UserName> {
        match self.ordered.sessions().conn_state(conn) {
            Ok(ConnState::Open(session)) => Some(&self.ordered.sessions()[*session].name),
            _ => None,
        }
    }

    // ---- what happened ----

    /// Admits a client: begins a session under the name that it asked for, or resumes its session on this connection
    /// (protocol.md, *Sessions*). The returned id stands for the connection in all calls and outputs from now on. The
    /// driver drops the [`Handshake`](crate::Handshake).
    ///
    /// # Errors
    ///
    /// Why the client is refused. Give this to [`Handshake::refuse`](crate::Handshake::refuse); the client may then try
    /// again.
    pub fn admit(&mut self, now: Instant, registration: Registration) -> Result<ConnId, Refusal> {
        self.clock(now);
        self.decide(registration)
    }

    /// Takes bytes that have arrived on a connection. The call advances `input` past the bytes that it used. The caller
    /// keeps the rest, and gives it again in front of the bytes that arrive next. The rest is
    ///
    /// - with [`Received::NeedInput`] the start of a frame that is not whole: at most [`Limits::frame_bytes_max`] + 4
    ///   bytes;
    /// - with [`Received::More`] and [`Received::Paused`] everything beyond the work of one call or the cost that the
    ///   session's rate allows.
    ///
    /// A connection counts as silent while only bytes come in that it left before. While more than 65 536 events wait
    /// for [`poll_event`](Self::poll_event), the call uses nothing and returns [`Received::More`].
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

    /// The cost of the frames that the last [`receive`](Self::receive) took, in the units of protocol.md, *Cost*. The
    /// hub counts it whether [`Limits::session_rate`] bounds it or not. A fair driver serves connections that cost
    /// little first.
    pub const fn last_cost(&self) -> u32 {
        self.last_cost
    }

    /// Whether the hub has slices of its own work left, such as the rest of a fan-out. While it has, a fair driver
    /// takes no input from connections that cost much.
    pub fn is_behind(&self) -> bool {
        self.has_pending()
    }

    /// Whether connections wait for an [`Action::Write`] that most likely have little to be written. While some do, a fair
    /// driver writes long outboxes in pieces, and goes on with the rest later.
    pub fn has_short_writes(&self) -> bool {
        self.ordered.sessions().has_writes()
    }

    /// Reports that the transport, or a buffer in front of it, took this many bytes of [`transmit`](Self::transmit).
    /// Call this before any other input: an input may change what is to be written.
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`transmit`](Self::transmit) gave.
    pub fn transmitted(&mut self, now: Instant, conn: ConnId, count: usize) -> Result<(), UnknownConn> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        let index = sessions.conn_index(conn)?;
        if sessions.transmitted(index, count) {
            sessions.finish_conn(index);
        }
        Ok(())
    }

    /// Reports that the transport is gone: the peer closed it, or it broke. The hub does not know the id from now on,
    /// and gives no [`Action::Close`] for it. The session waits for another connection, for
    /// [`Limits::resume_time_max`], if there is room for it (protocol.md, *Sessions*).
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

    /// Does what is due. Call it when the time of [`poll_timeout`](Self::poll_timeout) has come. After that,
    /// [`poll_timeout`](Self::poll_timeout) gives a later time; or the same again, if more is due than one call does.
    ///
    /// Give the hub what the transports have first. Otherwise a driver that slept for long times out peers whose bytes
    /// have arrived and wait to be read.
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

    /// Ends a user's session, with the goodbye [`GoodbyeCode::Kicked`](crate::GoodbyeCode::Kicked) if it is attached.
    /// Returns false if nobody has the name.
    pub fn kick(&mut self, now: Instant, name: &UserName) -> bool {
        self.clock(now);
        let found = self.ordered.sessions().find(name.as_bytes());
        if let Some(index) = found {
            self.end(index, CloseReason::Kicked);
        }
        found.is_some()
    }

    /// Stops the hub: it ends every session with a goodbye, and refuses every registration from now on. The hint tells
    /// the clients when, and perhaps where, to connect again. The hub leaves out an address of more than
    /// [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes. A second call does nothing.
    ///
    /// The hub has stopped when [`users`](Self::users) and [`connections`](Self::connections) are zero. Drain the
    /// actions and call [`handle_timeout`](Self::handle_timeout) until then. Once the sessions have ended, this takes
    /// [`Limits::flush_time_max`] at the most.
    ///
    /// ```
    /// use chatcore::{Hub, Instant, Limits, wire::ReconnectHint};
    ///
    /// let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// hub.shut_down(Instant::ZERO, Some(ReconnectHint { after_ms: 5_000, address: Some("chat.example:12345") }));
    /// while hub.users() > 0 || hub.connections() > 0 {
    ///     // go on with the driver's loop
    /// }
    /// # assert_eq!(hub.poll_timeout(), None);
    /// ```
    pub fn shut_down(&mut self, now: Instant, reconnect: Option<ReconnectHint<'_>>) {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        if !core::mem::replace(&mut sessions.is_shutting_down, true) {
            self.shutting_down = Some(ShuttingDown::new(reconnect));
            self.advance(SLICE_WORK_MAX);
        }
    }

    // ---- what is to be done ----

    /// The next event; none if there is no further one. A driver that uses the events drains them before it carries out
    /// an action, because the action may drop a connection that an event names. A driver that does not use them drains
    /// and drops them: while more than 65 536 wait, [`receive`](Self::receive) takes nothing.
    pub fn poll_event(&mut self) -> Option<HubEvent> {
        self.ordered.unordered().0.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); none if nothing will be due. While the hub has slices of
    /// work left, this is now. The call is cheap.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let sessions = self.ordered.sessions();
        if self.has_pending() { Some(sessions.now) } else { sessions.timers.first() }
    }

    /// The bytes to write to a connection, borrowed from the hub. Report to [`transmitted`](Self::transmitted) how many
    /// of them the transport took. Empty for a connection that the hub does not know.
    pub fn transmit(&self, conn: ConnId) -> Chunks<'_> {
        let sessions = self.ordered.sessions();
        match sessions.conn_state(conn) {
            Ok(ConnState::Open(index)) => sessions[*index].outbox.transmit(),
            Ok(ConnState::Closing(closing)) => closing.outbox.transmit(),
            Err(_) => Chunks::of(&[]),
        }
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
