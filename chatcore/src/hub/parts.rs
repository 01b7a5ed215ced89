//! A hub: what it is made of, and how it is made.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::action::Turns;
use super::delivery::Delivery;
use super::ordered::{Ordered, Rooms, Sessions};
use super::prefetch::Prefetch;
use super::presence::Presence;
use super::questions::Questions;
use super::reports::Reports;
use super::secret_rng::{Marks, SecretRng};
use super::shutdown::ShuttingDown;
use super::thresholds::Thresholds;
use crate::handshake::Denial;
use crate::limits::Limits;
use crate::name::UserName;
use crate::wire::{EPOCH_UNIX_MS, HUB_NUMBER_MAX, MessageId};

/// The server's end of every connection that has a name: sessions and the routing between them.
///
/// The methods come in three families. **After any input, the driver drains the actions before it waits again**:
///
/// 1. *Inputs*: [`charge_origin`](Self::charge_origin), [`admit`](Self::admit), [`receive`](Self::receive),
///    [`transmitted`](Self::transmitted), [`transmitting`](Self::transmitting), [`disconnect`](Self::disconnect),
///    [`handle_timeout`](Self::handle_timeout). A driver may make any number of these calls before it drains the
///    actions: batches make the hub fast.
/// 2. *The program's own commands*: [`say`](Self::say), [`put_into_room`](Self::put_into_room), [`kick`](Self::kick),
///    [`shut_down`](Self::shut_down) and others. They are inputs, too.
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
/// [`HubEvent::SessionEnded`](crate::HubEvent::SessionEnded) and [`Action::Close`](crate::Action::Close) to the driver.
/// The only error of a call is the driver's own: it named a connection that is not there
/// ([`UnknownConn`](crate::UnknownConn)). A broken invariant panics with its reason.
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
/// # let arrived = client.transmit().concat();
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
    pub(super) unix_epoch_ms: u64,
    /// What tells its ids from those of other hubs.
    pub(super) number: u16,
    pub(super) secrets: SecretRng,
    pub(super) ordered: Ordered,
    pub(super) delivery: Delivery,
    pub(super) presence: Presence,
    /// What the names look like that nobody gets.
    pub(super) reserved: BTreeSet<String>,
    /// The same of names that are banned, and why.
    pub(super) banned: BTreeMap<String, Denial>,
    pub(super) reports: Reports,
    pub(super) questions: Questions,
    pub(super) prefetch: Prefetch,
    /// Sessions that are still to be ended because the hub stops.
    pub(super) shutting_down: Option<ShuttingDown>,
    /// That, or a message to all, is pending.
    pub(super) has_seldom_pending: bool,
    pub(super) turns: Turns,
    /// What the last input has cost its session.
    pub(super) last_cost: u32,
    /// Units of work that the last call did.
    #[cfg(any(test, feature = "sim"))]
    pub(super) work_of_call: u32,
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
        let (mut secrets, marks) = (SecretRng::new(seed), Marks::of(seed));
        let key = secrets.draw();
        Self {
            unix_epoch_ms: EPOCH_UNIX_MS,
            number: 0,
            secrets,
            ordered: Ordered::new(Sessions::new(limits, thresholds, key, &marks), Rooms::new(key)),
            delivery: Delivery::new(),
            presence: Presence::new(key),
            reserved: BTreeSet::new(),
            banned: BTreeMap::new(),
            reports: Reports::default(),
            questions: Questions::new(marks.questions),
            prefetch: Prefetch::new(thresholds.prefetch_sessions),
            shutting_down: None,
            has_seldom_pending: false,
            turns: Turns::default(),
            last_cost: 0,
            #[cfg(any(test, feature = "sim"))]
            work_of_call: 0,
        }
    }

    /// Sets the Unix time of [`Instant::ZERO`](crate::Instant::ZERO): the time since 1970-01-01 00:00 UTC that the wall
    /// clock showed then. The hub needs it for the time in the ids of messages ([`MessageId::unix_time`]). Without this
    /// call, [`Instant::ZERO`](crate::Instant::ZERO) is the beginning of 2025.
    #[must_use]
    pub fn with_unix_epoch(mut self, unix_epoch: Duration) -> Self {
        self.unix_epoch_ms = u64::try_from(unix_epoch.as_millis()).unwrap_or(u64::MAX);
        self.delivery.lowest_id = MessageId::first_of(self.unix_epoch_ms, self.number);
        self
    }

    /// Gives the hub its number among hubs that work together, so that no two of them give the same id to a message
    /// ([`MessageId::hub_number`]). Without this call the number is 0.
    ///
    /// # Panics
    ///
    /// If the number is above [`HUB_NUMBER_MAX`](crate::HUB_NUMBER_MAX).
    #[must_use]
    pub fn with_number(mut self, number: u16) -> Self {
        assert!(number <= HUB_NUMBER_MAX, "the number of a hub is {number}: it must be 0 to {HUB_NUMBER_MAX}");
        self.number = number;
        self.delivery.lowest_id = MessageId::first_of(self.unix_epoch_ms, number);
        self
    }

    /// Reserves names. The hub refuses a registration for one of them, or for a name that looks like one, with
    /// [`Refusal::Reserved`](crate::Refusal::Reserved). A second call adds to the names of the first.
    ///
    /// ```
    /// use chatcore::{Handshake, Hub, Instant, Limits, Refusal, UserName};
    /// # use chatcore::{Client, ClientConfig};
    ///
    /// let reserved = ["admin", "server"].map(|name| UserName::new(name).expect("it can be a name"));
    /// let mut hub = Hub::new(Limits::default(), [7; 32]).with_reserved(reserved);
    /// # let now = Instant::ZERO;
    /// # let mut client = Client::new(now, ClientConfig::default(), 7);
    /// # client.register(now, "Admin", b"")?;
    /// # let arrived = client.transmit().concat();
    /// # let registration = Handshake::new(now, hub.limits()).receive(now, &mut &arrived[..])?.expect("it is whole");
    /// // A client registers as Admin.
    /// let not_admitted = hub.admit(now, registration).expect_err("the name is reserved");
    /// assert_eq!(not_admitted.refusal, Refusal::Reserved);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_reserved(mut self, names: impl IntoIterator<Item = UserName>) -> Self {
        self.reserved.extend(names.into_iter().map(|name| name.confusable_key().into_owned()));
        self
    }

    /// Says whether the hub tells the program who joins and leaves which room, with
    /// [`HubEvent::RoomJoined`](crate::HubEvent::RoomJoined) and [`HubEvent::RoomLeft`](crate::HubEvent::RoomLeft): for
    /// a program that keeps a picture of its own. It does not without this call, because these events cost memory and
    /// time: a user who ends in 100 rooms makes 100 of them at once.
    ///
    /// Each tells of a user, not of a session: another session of a user who is in a room makes none. A room's first
    /// member joins after its [`RoomOpened`](crate::HubEvent::RoomOpened), and its last one leaves before its
    /// [`RoomClosed`](crate::HubEvent::RoomClosed). A user whose last session ends leaves after the
    /// [`SessionEnded`](crate::HubEvent::SessionEnded).
    ///
    /// ```
    /// use chatcore::{Hub, HubEvent, Instant, Limits};
    /// # use chatcore::{Client, ClientConfig, Handshake};
    ///
    /// let mut hub = Hub::new(Limits::default(), [7; 32]).with_room_events(true);
    /// # let now = Instant::ZERO;
    /// # let mut client = Client::new(now, ClientConfig::default(), 7);
    /// # client.register(now, "bob", b"")?;
    /// # let arrived = client.transmit().concat();
    /// # client.transmitted(now, arrived.len());
    /// # let registration = Handshake::new(now, hub.limits()).receive(now, &mut &arrived[..])?.expect("it is whole");
    /// # let conn = hub.admit(now, registration)?;
    /// # let _ = client.receive(now, &mut &hub.transmit(conn).concat()[..]);
    /// # while client.poll_event().is_some() {}
    /// # while hub.poll_event().is_some() {}
    /// # client.join(now, "#lobby")?;
    /// # let arrived = client.transmit().concat();
    /// let _ = hub.receive(now, conn, &mut &arrived[..])?; // Bob joins a room
    /// assert!(matches!(hub.poll_event(), Some(HubEvent::RoomOpened { .. })));
    /// let Some(HubEvent::RoomJoined { room, name, .. }) = hub.poll_event() else { panic!("somebody joined") };
    /// assert_eq!((room.as_str(), name.as_str()), ("#lobby", "bob"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_room_events(mut self, has_room_events: bool) -> Self {
        self.ordered.unordered().0.has_room_events = has_room_events;
        self
    }
}

/// Shows no secret, and nothing of its users.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("users", &self.users())
            .field("sessions", &self.sessions())
            .field("rooms", &self.rooms())
            .field("connections", &self.connections())
            .field("memory", &self.memory())
            .finish_non_exhaustive()
    }
}
