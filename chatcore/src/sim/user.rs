//! The node that has a client: a person's program on one device, which is started, dies, and comes back.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::names::spelling;
use super::network::{End, WireId};
use super::oracle::Request;
use super::random::{CERTAIN, Random};
use super::server::{Around, Entrance, Server};
use super::violation::{Property, Violation};
use crate::{
    Client, ClientConfig, Closed, Event, GoodbyeCode, Instant, QuotaKey, Received, RoomName, SessionTicket, UserName,
};

/// Rounds of work at one time, at the most: more is a client that never rests.
const ROUNDS_MAX: u32 = 1_000;

/// How long a program takes at the most to look at what its client has received.
const TAKE_TIME_MAX: Duration = Duration::from_secs(3);

/// The chance that a connection goes to another listener than the device's own.
const OTHER_LISTENER_CHANCE: u32 = CERTAIN / 4;

pub(super) struct User {
    /// The number of the device, among those of all users.
    pub(super) index: usize,
    /// The number of its user.
    pub(super) number: usize,
    origin: QuotaKey,
    config: ClientConfig,
    random: Random,
    pub(super) client: Option<Client>,
    wire: Option<WireId>,
    /// The last connection that there was: what the program is told came over it.
    told_over: Option<WireId>,
    inbox: Vec<u8>,
    /// When the transport stands that the client has asked for, or fails to.
    dials_at: Option<Instant>,
    /// The chance that it fails.
    pub(super) dial_fails: u32,
    /// The resume times of all listeners, of which its own is one.
    pub(super) resume_times: Vec<Option<Duration>>,
    /// The process does nothing before.
    awake_at: Instant,
    /// When it looks around without having been asked to: it may have slept through something.
    stirs_at: Option<Instant>,
    /// The process reads nothing before.
    reads_at: Instant,
    /// When the program takes what its client has received, if it has not done so at once.
    takes_at: Option<Instant>,
    /// The chance that it does so later.
    pub(super) takes_late: u32,
    /// The chance that it has that acknowledged at once.
    pub(super) acknowledges_at_once: u32,
    /// The chance that the program asks what its session is subscribed to when that goes on.
    pub(super) asks_when_resumed: u32,
    /// The page of that which it wants to ask for.
    wants_page: Option<u64>,
    /// When the process is started, if it does not run.
    starts_at: Instant,
    /// What the process has written down.
    ticket: Option<SessionTicket>,
    /// Another process of this device had the session before.
    has_predecessor: bool,
    /// The server's program knows that the process is its user's, and vouches for it until it has a session.
    is_vouched: bool,
    /// When it asks for its name again.
    asks_at: Option<Instant>,
    /// Lists that were asked for, and what has come of them.
    pub(super) listing: Option<Listing>,
    pub(super) lives: u64,
    pub(super) resumptions: u64,
    pub(super) acknowledgements: u64,
    pub(super) subscriptions: u64,
}

/// A list that comes by pages.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) number: u64,
    /// What the users on the pages are shown as.
    pub(super) shown: BTreeSet<String>,
    /// How many names there were on the pages.
    pub(super) told: usize,
    /// A page had a name twice.
    pub(super) has_repeated: bool,
    /// The next page is to be asked for.
    pub(super) next: Option<u64>,
    pub(super) is_whole: bool,
}

impl User {
    /// A device of the user with this number.
    pub(super) fn new(index: usize, number: usize, origin: QuotaKey, config: ClientConfig, random: Random) -> Self {
        Self {
            index,
            number,
            origin,
            config,
            random,
            client: None,
            wire: None,
            told_over: None,
            inbox: Vec::new(),
            dials_at: None,
            dial_fails: 0,
            resume_times: vec![None],
            awake_at: Instant::ZERO,
            stirs_at: None,
            reads_at: Instant::ZERO,
            takes_at: None,
            takes_late: 0,
            acknowledges_at_once: 0,
            asks_when_resumed: 0,
            wants_page: None,
            starts_at: Instant::ZERO,
            ticket: None,
            has_predecessor: false,
            is_vouched: false,
            asks_at: None,
            listing: None,
            lives: 0,
            resumptions: 0,
            acknowledgements: 0,
            subscriptions: 0,
        }
    }

    pub(super) fn wire(&self) -> Option<WireId> {
        self.wire
    }

    /// The program knows all that its client has received.
    pub(super) fn has_taken_all(&self) -> bool {
        self.takes_at.is_none()
    }

    // ---- what befalls it ----

    /// The process dies, and is started again at some time. Its ticket may be lost, too.
    pub(super) fn die(&mut self, around: &mut Around<'_>, starts_at: Instant, keeps_ticket: bool) {
        if let Some(wire) = self.wire {
            around.network.abandon(wire, End::Client);
        }
        self.hang_up(around);
        self.end(around, starts_at);
        if !keeps_ticket {
            self.ticket = None;
        }
        self.is_vouched = false;
    }

    /// The process dies and loses its ticket, and is vouched for when it is started again.
    pub(super) fn die_vouched(&mut self, around: &mut Around<'_>, starts_at: Instant) {
        self.die(around, starts_at, false);
        self.is_vouched = true;
    }

    /// The process stands still until then.
    pub(super) fn freeze(&mut self, until: Instant) {
        if self.client.is_some() {
            self.awake_at = self.awake_at.max(until);
            self.stirs_at = Some(self.awake_at);
        }
    }

    /// The process reads nothing until then.
    pub(super) fn read_later(&mut self, until: Instant) {
        if self.client.is_some() {
            self.reads_at = self.reads_at.max(until);
        }
    }

    /// All is well from now on.
    pub(super) fn heal(&mut self, now: Instant) {
        (self.awake_at, self.reads_at, self.stirs_at) = (now, now, Some(now));
        self.starts_at = self.starts_at.min(now);
        self.takes_at = self.takes_at.map(|at| at.min(now));
        self.takes_late = 0;
        self.dial_fails = 0;
    }

    // ---- work ----

    /// When there is something for it to do.
    pub(super) fn due(&self, around: &Around<'_>) -> Instant {
        let Some(client) = &self.client else { return self.starts_at };
        let reads_at = self.wire.and_then(|wire| around.network.readable_at(wire, End::Client));
        let reads_at = reads_at.map(|at| at.max(self.reads_at));
        let due = [reads_at, client.poll_timeout(), self.dials_at, self.asks_at, self.stirs_at, self.takes_at];
        due.into_iter().flatten().min().unwrap_or(Instant::MAX).max(self.awake_at)
    }

    /// The client has something to write, and the network takes it.
    pub(super) fn has_to_write(&mut self, around: &Around<'_>) -> bool {
        let is_awake = self.awake_at <= around.now;
        let is_writable = self.wire.is_some_and(|wire| around.network.is_writable(wire, End::Client));
        is_awake && is_writable && self.client.as_mut().is_some_and(|client| !client.transmit().is_empty())
    }

    /// Does all that there is to do now.
    pub(super) fn work(&mut self, around: &mut Around<'_>, server: &mut Server) -> Result<(), Violation> {
        if self.awake_at > around.now {
            return Ok(());
        }
        self.stirs_at = None;
        for _ in 0..ROUNDS_MAX {
            let has_worked = match self.client {
                None if self.starts_at <= around.now => {
                    self.start(around, server);
                    true
                }
                None => false,
                Some(_) => self.round(around, server)?,
            };
            if !has_worked {
                return Ok(());
            }
        }
        let detail = format!("user {} does not come to rest", self.index);
        Err(Violation { property: Property::Progress, detail, at: around.now })
    }

    fn start(&mut self, around: &mut Around<'_>, server: &mut Server) {
        let (now, seed) = (around.now, self.random.draw());
        self.lives += 1;
        around.oracle.begins(self.index);
        self.dial(around, server);
        self.has_predecessor = self.ticket.is_some();
        let client = if let Some(ticket) = self.ticket.clone() {
            // A clock that goes on over restarts.
            let ticket = SessionTicket { attempt: now.as_nanos(), ..ticket };
            Client::resume(now, self.config.clone(), seed, ticket, b"")
        } else {
            let mut client = Client::new(now, self.config.clone(), seed);
            let asked = client.register(now, &spelling(self.number), b"");
            assert_eq!(asked, Ok(()), "a fresh client may register");
            client
        };
        self.client = Some(client);
    }

    fn dial(&mut self, around: &mut Around<'_>, server: &mut Server) {
        let wire = around.network.connect();
        around.trace.note(around.now, format_args!("user {} connects: {wire}", self.index));
        (self.wire, self.told_over) = (Some(wire), Some(wire));
        let resume_time = self.choose_listener();
        around.oracle.uses(self.index, wire, self.is_vouched, resume_time);
        server.accept(around, wire, Entrance { origin: self.origin, is_vouched: self.is_vouched, resume_time });
    }

    /// Goes to its own listener, or to another one at times, and returns its resume time.
    fn choose_listener(&mut self) -> Option<Duration> {
        let listeners = self.resume_times.len();
        let is_own = listeners == 1 || !self.random.chance(OTHER_LISTENER_CHANCE);
        self.resume_times[if is_own { self.index % listeners } else { self.random.index(listeners) }]
    }

    /// One round of what a driver does. False if there was nothing to do.
    fn round(&mut self, around: &mut Around<'_>, server: &mut Server) -> Result<bool, Violation> {
        let has_dialed = self.finish_dialing(around, server);
        let has_read = self.read(around);
        let has_timed = self.look_at_the_time(around)?;
        let has_written = self.write(around);
        let has_told = self.tell(around)?;
        Ok(has_dialed || has_read || has_timed || has_written || has_told)
    }

    fn finish_dialing(&mut self, around: &mut Around<'_>, server: &mut Server) -> bool {
        let (Some(_), Some(client)) = (self.dials_at.take_if(|at| *at <= around.now), &mut self.client) else {
            return false;
        };
        if !server.is_up() || self.random.chance(self.dial_fails) {
            client.disconnect(around.now);
        } else {
            client.connected(around.now);
            self.dial(around, server);
        }
        true
    }

    fn read(&mut self, around: &mut Around<'_>) -> bool {
        let (Some(wire), Some(client)) = (self.wire, &mut self.client) else { return false };
        if self.reads_at > around.now {
            return false;
        }
        let before = self.inbox.len();
        let is_over = around.network.read(around.now, wire, End::Client, &mut self.inbox);
        let has_read = self.inbox.len() > before;
        if has_read {
            if self.takes_at.is_none() && self.random.chance(self.takes_late) {
                self.takes_at = Some(around.now + self.random.time_upto(TAKE_TIME_MAX));
            }
            let mut input = &self.inbox[..];
            let received = client.receive(around.now, &mut input);
            let used = self.inbox.len() - input.len();
            self.inbox.drain(..used);
            if received == Received::Closed {
                self.inbox.clear();
            }
        } else if is_over {
            client.disconnect(around.now);
            self.hang_up(around);
        }
        has_read || is_over
    }

    fn look_at_the_time(&mut self, around: &mut Around<'_>) -> Result<bool, Violation> {
        let Some(client) = &mut self.client else { return Ok(false) };
        let mut has_timed = false;
        if self.asks_at.take_if(|at| *at <= around.now).is_some() {
            // It may have lost the connection meanwhile; then it asks by itself.
            has_timed = client.register(around.now, &spelling(self.number), b"").is_ok();
        }
        if client.poll_timeout().is_some_and(|due| due <= around.now) {
            client.handle_timeout(around.now);
            has_timed = true;
            let again = client.poll_timeout().is_some_and(|due| due <= around.now);
            if again && client.transmit().is_empty() {
                let detail = format!("user {}'s deadline comes again when it is done", self.index);
                return Err(Violation { property: Property::Progress, detail, at: around.now });
            }
        }
        Ok(has_timed)
    }

    fn write(&mut self, around: &mut Around<'_>) -> bool {
        let (Some(wire), Some(client)) = (self.wire, &mut self.client) else { return false };
        let (taken, _) = around.write(wire, End::Client, client.transmit(), |_| {});
        client.transmitted(around.now, taken);
        taken > 0
    }

    /// Takes what the client has to tell.
    fn tell(&mut self, around: &mut Around<'_>) -> Result<bool, Violation> {
        if self.takes_at.is_some_and(|at| at > around.now) {
            return Ok(false);
        }
        let mut has_told = self.takes_at.take().is_some();
        while let Some((event, is_last)) = self.client.as_mut().and_then(Client::poll_event_of_frame) {
            has_told = true;
            around.trace.note(around.now, format_args!("user {}: {event:?}", self.index));
            around.oracle.hears(self.index, self.told_over, &event, is_last)?;
            if let (Event::Registered { .. } | Event::Resumed, Some(client), Some(wire)) =
                (&event, &self.client, self.told_over)
            {
                around.oracle.check_announced(wire, client.limits())?;
            }
            if let Event::Closed(Closed::Goodbye { code: GoodbyeCode::TakenOver, .. }) = event
                && !self.has_predecessor
                && !around.oracle.is_handed_on(self.index)
            {
                let detail = format!("user {} lost its session to itself", self.index);
                return Err(Violation { property: Property::Isolation, detail, at: around.now });
            }
            self.follow(around, &event);
        }
        if has_told {
            self.acknowledge(around);
            self.ask_on(around)?;
        }
        Ok(has_told)
    }

    /// Does not wait until the acknowledgement is due, at times.
    fn acknowledge(&mut self, around: &Around<'_>) {
        if let Some(client) = &mut self.client
            && self.acknowledges_at_once > 0
            && self.random.chance(self.acknowledges_at_once)
        {
            client.acknowledge(around.now);
            self.acknowledgements += 1;
        }
    }

    /// Asks for the page that it wants, now that it has taken all events: its client is in the session that it knows.
    fn ask_on(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        let (Some(cursor), Some(client)) = (self.wants_page.take(), &mut self.client) else { return Ok(()) };
        match client.subscriptions(around.now, cursor) {
            Ok(number) => {
                let request = Request::Subscriptions { is_first: cursor == 0 };
                around.oracle.asks(self.index, number, request)
            }
            Err(_) => Ok(()),
        }
    }

    /// Does what a program does when it is told this.
    fn follow(&mut self, around: &mut Around<'_>, event: &Event) {
        match event {
            Event::Registered { .. } => {
                (self.has_predecessor, self.is_vouched) = (false, false);
                self.ticket = self.client.as_ref().and_then(|client| client.ticket().cloned());
            }
            Event::Resumed => {
                self.resumptions += 1;
                let asks = self.asks_when_resumed > 0 && self.random.chance(self.asks_when_resumed);
                self.wants_page = asks.then_some(0);
            }
            // It may be killed before it has written that down.
            Event::Renamed { .. } if self.random.chance(CERTAIN / 2) => {
                self.ticket = self.client.as_ref().and_then(|client| client.ticket().cloned());
            }
            Event::SessionLost { .. } => self.ticket = None,
            Event::Refused { wait, .. } => {
                let wait = wait.unwrap_or(Duration::from_secs(1));
                self.asks_at = Some(around.now + wait + Duration::from_millis(1));
            }
            Event::Reconnecting { .. } | Event::Disconnected { .. } => self.hang_up(around),
            Event::Connect { .. } => {
                self.dials_at = Some(around.now + self.random.time_upto(Duration::from_millis(300)));
            }
            Event::Closed(closed) => {
                if matches!(closed, Closed::Left | Closed::Goodbye { code: GoodbyeCode::Kicked, .. }) {
                    self.ticket = None;
                }
                self.write(around);
                let starts_at = around.now + self.random.time_upto(Duration::from_secs(5));
                self.hang_up(around);
                self.end(around, starts_at);
            }
            Event::Online { number, users, next } | Event::Members { number, users, next } => {
                if let Some(listing) = self.listing.as_mut().filter(|listing| listing.number == *number) {
                    listing.told += users.len();
                    let names: BTreeSet<&str> = users.iter().map(|user| user.name.as_str()).collect();
                    listing.has_repeated |= names.len() < users.len();
                    listing.shown.extend(users.iter().map(|user| String::from(user.shown())));
                    (listing.next, listing.is_whole) = (*next, next.is_none());
                }
            }
            Event::Subscribed { number, rooms, users, next } => {
                let names = rooms.iter().map(RoomName::as_str).chain(users.iter().map(UserName::as_str));
                if let Some(listing) = self.listing.as_mut().filter(|listing| listing.number == *number) {
                    listing.told += rooms.len() + users.len();
                    listing.shown.extend(names.map(String::from));
                    (listing.next, listing.is_whole) = (*next, next.is_none());
                } else {
                    self.subscriptions += u64::from(next.is_none());
                    self.wants_page = *next;
                }
            }
            _ => {}
        }
    }

    fn hang_up(&mut self, around: &mut Around<'_>) {
        self.inbox.clear();
        self.dials_at = None;
        if let Some(wire) = self.wire.take() {
            around.network.close(around.now, wire, End::Client);
        }
    }

    fn end(&mut self, around: &mut Around<'_>, starts_at: Instant) {
        self.client = None;
        (self.asks_at, self.takes_at, self.wants_page) = (None, None, None);
        // A new process is neither frozen nor slow.
        (self.awake_at, self.reads_at) = (Instant::ZERO, Instant::ZERO);
        self.starts_at = starts_at;
        around.oracle.is_over(self.index);
    }
}
