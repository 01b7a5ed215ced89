//! All connections and the hub, and what happens between the two in a turn of the event loop.
//!
//! Reading and the consequences of reading are kept apart: first whatever has arrived goes into the hub, then
//! [`Connections::drain`] does all that the hub wants done. So one write carries all that a batch of input
//! has to say to a connection. Each of the two is bounded by time, and what is left over goes on in the next turn.

use chatcore::{Action, CloseReason, Hub, HubEvent, Instant, Limits, Reconnect, Refusal, UserName};
#[cfg(feature = "tls")]
use tracing::warn;
use tracing::{debug, error, info};

use crate::accept::{Entrance, Way};
use crate::config::DriverLimits;
use crate::connection::{Flow, Stage};
use crate::counts;
#[cfg(feature = "websocket")]
use crate::file_responses;
use crate::load::Load;
use crate::log_in::Pool;
use crate::origin::origin_of;
use crate::peer::Peer;
use crate::read_queue::Mark;
use crate::reading::Reading;
use crate::table::Table;
use crate::time_slice::TimeSlice;
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::wall_clock::WallClock;
use crate::{closing, handshakes, proxied, writing};
use chatcore_transport::Transport;

/// While the server is behind, those with much to say have a go in one of this many turns.
const BEHIND_TURNS: u32 = 8;

/// Actions that go before each write of what a connection did not take before, or of what was too much for it at once.
const ACTIONS_BEFORE_REST: u32 = 8;

#[derive(Debug)]
pub(crate) struct Connections {
    hub: Hub,
    wall_clock: WallClock,
    limits: DriverLimits,
    /// Who decides about registrations. None if everybody gets a name.
    pool: Option<Pool>,
    table: Table,
    /// Connections, at the most.
    room: usize,
    /// The last draining came to the end of its time.
    work_left: bool,
    /// Actions that were done: those of several draining count together, because one may have time for few.
    actions: u32,
    /// Some who have little to say still waited when the last reading was over: for its end, or for others.
    has_light_left: bool,
    /// Turns in which the hub was behind, since the last in which those with much to say had a go.
    turns_behind: u32,
}

impl Connections {
    pub(crate) fn new(hub: Hub, wall_clock: WallClock, limits: DriverLimits, pool: Option<Pool>) -> Self {
        Self {
            hub,
            wall_clock,
            table: Table::new(&limits),
            limits,
            pool,
            room: usize::MAX,
            work_left: false,
            actions: 0,
            has_light_left: false,
            turns_behind: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The clock of the world.
    #[cfg(test)]
    pub(crate) const fn wall_clock(&mut self) -> &mut WallClock {
        &mut self.wall_clock
    }

    /// The hub, for what it does not tell itself.
    #[cfg(test)]
    pub(crate) const fn hub(&mut self) -> &mut Hub {
        &mut self.hub
    }

    /// Messages that were accepted.
    #[cfg(test)]
    pub(crate) const fn accepted(&self) -> u64 {
        self.hub.counters().accepted
    }

    /// Names that are held.
    pub(crate) fn users(&self) -> usize {
        self.hub.users()
    }

    /// Whether a connection has ended since this was last asked.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.table.has_ended()
    }

    /// Whether somebody waits for its go, of whom the system will not tell again.
    pub(crate) fn is_behind(&self) -> bool {
        !self.table.read_queue.is_empty()
    }

    /// Whether there is more to do than the time of the last turn was enough for.
    pub(crate) fn has_work_left(&self) -> bool {
        self.is_behind() || self.work_left || !self.hub.has_flushed_answers()
    }

    /// The place after all who wait for their go.
    pub(crate) const fn mark(&self) -> Mark {
        self.table.read_queue.mark()
    }

    /// Whether all who waited then have had their go.
    pub(crate) fn has_passed(&self, mark: Mark) -> bool {
        self.table.read_queue.has_passed(mark)
    }

    /// When [`Connections::handle_timeout`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.hub.poll_timeout(), self.table.deadline()].into_iter().flatten().min()
    }

    /// Other limits and reserved names from now on.
    pub(crate) fn reconfigure(&mut self, now: Instant, hub: Limits, driver: DriverLimits, reserved: &[UserName]) {
        if let Err(error) = self.hub.set_limits(now, counts::in_halves(hub)) {
            // They were checked against those that the hub has.
            error!(%error, "the limits of the hub stay as they were");
        }
        self.hub.set_reserved(reserved.iter().cloned());
        if driver.site_factor != self.limits.site_factor {
            self.hub.set_site_factor(now, driver.site_factor);
        }
        self.limits = driver;
    }

    /// Those who come from now on are shown this certificate.
    #[cfg(feature = "tls")]
    pub(crate) fn set_tls(&mut self, tls: &Tls) {
        let cost = tls.handshake_cost();
        if cost.is_high() && cost.units() != self.table.tls_handshake_cost {
            warn!(
                "each handshake of TLS takes the server more than a millisecond with this key ({cost}): one of ECDSA P-256 \
                 takes a tenth of that"
            );
        }
        self.table.tls_handshake_cost = cost.units();
    }

    /// Logs how much there is of everything.
    pub(crate) fn log_status(&self) {
        let (counters, memory) = (self.hub.counters(), self.hub.memory());
        info!(
            users = self.hub.users(),
            sessions = self.hub.sessions(),
            rooms = self.hub.rooms(),
            connections = self.table.len(),
            memory_bytes = memory.total(),
            accepted = counters.accepted,
            bytes_in = counters.bytes_in,
            bytes_out = counters.bytes_out,
            sessions_begun = counters.sessions_begun,
            sessions_ended = counters.sessions_ended,
            resumed = counters.resumed,
            "status"
        );
    }

    // ---- room ----

    /// There are so many connections, and the last of them are for clients that resume a session.
    pub(crate) fn set_room(&mut self, connections_max: usize, reserved: usize) {
        self.room = connections_max;
        self.table.reserve_from(connections_max - reserved);
    }

    /// Whether there is room for one more connection of a peer.
    pub(crate) fn check_room(&self, peer: &Peer) -> Result<(), Refusal> {
        self.table.census.check(peer, &self.limits, self.room)
    }

    /// Charges somebody to its origin for whom there is no room.
    pub(crate) fn charge_turned_away(&mut self, now: Instant, peer: &Peer) {
        handshakes::charge_turned_away(&mut self.hub, &self.table, &self.limits, now, peer);
    }

    /// What those are told by who find no room.
    pub(crate) const fn limits(&self) -> (&Limits, &DriverLimits) {
        (self.hub.limits(), &self.limits)
    }

    // ---- what happened ----

    /// The key under which the next connection will be known.
    pub(crate) fn vacant_key(&self) -> usize {
        self.table.vacant_key()
    }

    /// Takes in a new connection. It is known to the poll already, which will tell when there is something to read.
    pub(crate) fn open(&mut self, now: Instant, transport: Transport, peer: Peer, entrance: Entrance) {
        debug!(%peer, "connected");
        let Self { hub, table, limits, .. } = self;
        let key = handshakes::open(hub, table, limits, now, transport, peer, entrance.resume_time_max);
        match entrance.way {
            Way::Direct => {
                handshakes::charge(hub, table, limits, now, key);
            }
            // Whose it is, is not known yet.
            Way::Proxy => proxied::begin(table, key),
            Way::Stranger => proxied::refuse_stranger(hub, table, limits, now, key),
        }
        if table.is_in_reserve()
            && let Some(key) = table.first_to_make_room(now)
        {
            handshakes::make_room(hub, table, now, key);
        }
    }

    /// The transport has come to its end: whatever is read, there is more to be found, if only that. The peer has ended
    /// its side alone, unless the transport is broken.
    pub(crate) fn ending(&mut self, key: usize, is_broken: bool) {
        let Some(connection) = self.table.get_mut(key) else { return };
        connection.readiness.ending = true;
        // It has no name, and nothing of it is read at present: nobody waits for what it may have said.
        if let (Stage::Handshaking(handshaking), Flow::Paused { .. }) = (&connection.stage, connection.flow())
            // But it may still read what is decided about it.
            && (is_broken || handshaking.undecided.is_none())
        {
            self.table.remove(key);
        }
    }

    /// Something may have arrived.
    pub(crate) fn readable(&mut self, now: Instant, key: usize) {
        self.table.readable(now, key);
    }

    /// The transport may take more.
    pub(crate) fn writable(&mut self, key: usize) {
        self.table.writable(key);
    }

    /// Takes in what has arrived, as long as the time lasts.
    pub(crate) fn read(&mut self, now: Instant, time: TimeSlice, buffer: &mut [u8]) {
        self.wall_clock.guide(&mut self.hub, now);
        let is_behind = self.work_left || self.hub.is_behind() || self.has_light_left;
        self.turns_behind = if is_behind { (self.turns_behind + 1) % BEHIND_TURNS } else { 0 };
        let are_heavy_held = self.turns_behind > 0;
        let Self { hub, table, limits, pool, room, .. } = self;
        Reading { hub, table, limits, pool: pool.as_ref(), now, time, buffer, room: *room, cost: 0 }
            .turn(are_heavy_held);
        self.has_light_left = self.table.read_queue.len(Load::Light) > 0;
    }

    /// Does what was decided about registrations.
    pub(crate) fn handle_decisions(&mut self, now: Instant) {
        let Some(pool) = &self.pool else { return };
        while let Some(decision) = pool.poll_decision() {
            handshakes::decided(&mut self.hub, &mut self.table, pool, &self.limits, now, decision);
        }
    }

    /// Does what has come due, as long as the time lasts: what is left is due in the next turn.
    pub(crate) fn handle_timeout(&mut self, now: Instant, time: &TimeSlice) {
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            self.hub.handle_timeout(now);
        }
        while let Some(key) = self.table.due(now) {
            let connection = self.table.at(key);
            match (&connection.stage, connection.flow()) {
                (Stage::Open(_), Flow::Paused { until }) if until <= now && connection.has_ended => {
                    closing::broke(&mut self.table, key, Ok(()));
                }
                (Stage::Open(_) | Stage::Handshaking(_), Flow::Paused { until }) if until <= now => {
                    self.table.end_pause(now, key);
                }
                (Stage::Handshaking(_), _) => {
                    handshakes::handle_timeout(&mut self.hub, &mut self.table, &self.limits, now, key);
                }
                (Stage::Open(_), _) => unreachable!("an open connection is due only when its pause is over"),
                (Stage::Broken { .. } | Stage::Lingering { .. }, _) => self.table.remove(key),
            }
            if time.is_over() {
                return;
            }
        }
    }

    /// Says goodbye to everybody. All is over when there is no connection left.
    pub(crate) fn shut_down(&mut self, now: Instant, reconnect: Option<&Reconnect>) {
        self.hub.shut_down(now, reconnect);
        handshakes::shut_down(&mut self.hub, &mut self.table, &self.limits, now, reconnect);
    }

    // ---- what is to be done ----

    /// Senders have been told all that there is to tell of their messages.
    pub(crate) fn is_settled(&self) -> bool {
        self.hub.has_flushed_answers()
    }

    /// Does what the hub wants done at once, as long as the time lasts.
    pub(crate) fn drain_urgent(&mut self, now: Instant, time: &TimeSlice) {
        self.drain_with(now, time, Hub::poll_urgent_action);
    }

    /// Does all that the hub wants done, as long as the time lasts.
    pub(crate) fn drain(&mut self, now: Instant, time: &TimeSlice) {
        self.drain_with(now, time, Hub::poll_action);
    }

    fn drain_with(&mut self, now: Instant, time: &TimeSlice, poll_action: impl Fn(&mut Hub) -> Option<Action>) {
        loop {
            self.tell_broken(now);
            let action = poll_action(&mut self.hub);
            // They name connections that the action may drop.
            self.log_events();
            let mut is_done = action.is_none();
            if let Some(action) = action {
                self.apply(now, action);
            }
            self.actions = self.actions.wrapping_add(1);
            if (is_done || self.actions.is_multiple_of(ACTIONS_BEFORE_REST))
                && let Some(key) = self.table.next_to_write()
            {
                writing::write(&mut self.hub, &mut self.table, now, key);
                #[cfg(feature = "websocket")]
                file_responses::finish(&mut self.table, &self.limits, now, key);
                is_done = false;
            }
            if is_done {
                self.end_answered();
            }
            // There may be some that broke, as writing has found, and some that have all answers.
            if is_done && !self.table.has_broken() {
                self.work_left = false;
                return;
            }
            if time.is_over() {
                // Those that broke keep what they are until the hub knows.
                self.work_left = true;
                return;
            }
        }
    }

    /// Ends connections whose peers have ended their sides and have all answers.
    fn end_answered(&mut self) {
        for key in self.table.take_all_said() {
            let Some(connection) = self.table.get_mut(key).filter(|connection| connection.has_ended) else { continue };
            let Stage::Open(conn) = connection.stage else { continue };
            if self.hub.owes_answers(conn) {
                // It may be that nothing is left to be written with the answer.
                self.table.said_all(key);
            } else if !connection.readiness.blocked && self.hub.transmit(conn).is_empty() {
                closing::broke(&mut self.table, key, Ok(()));
            }
        }
    }

    /// Tells the hub which connections broke.
    fn tell_broken(&mut self, now: Instant) {
        for (key, conn) in self.table.take_broken() {
            self.log_events();
            // It may be unknown: what broke may have been closed by the hub in the same turn.
            let _ = self.hub.disconnect(now, conn);
            self.log_events();
            closing::end_broken(&mut self.table, &self.limits, now, key);
        }
    }

    fn apply(&mut self, now: Instant, action: Action) {
        match action {
            Action::Write { conn } => {
                let key = self.table.key(conn);
                writing::write(&mut self.hub, &mut self.table, now, key);
            }
            Action::Close { conn, reason } => {
                let key = self.table.key(conn);
                if reason == CloseReason::ShuttingDown {
                    closing::go_away(&mut self.table, &self.limits, now, key);
                } else {
                    closing::linger(&mut self.table, &self.limits, now, key);
                }
            }
        }
    }

    fn log_events(&mut self) {
        while let Some(event) = self.hub.poll_event() {
            self.log(event);
        }
    }

    fn log(&self, event: HubEvent) {
        let peer = |conn| self.table.peer(conn);
        match event {
            HubEvent::SessionStarted { conn, name, .. } => info!(%conn, peer = %peer(conn), %name, "joined"),
            HubEvent::Detached { conn, name, reason, .. } => {
                info!(%conn, peer = %peer(conn), %name, %reason, "lost its connection");
            }
            HubEvent::Resumed { conn, name, .. } => info!(%conn, peer = %peer(conn), %name, "resumed"),
            HubEvent::TakenOver { conn, name, .. } => info!(%conn, peer = %peer(conn), %name, "taken over"),
            HubEvent::Renamed { from, name, .. } => info!(%from, %name, "renamed"),
            HubEvent::SessionEnded { name, origin, reason, .. } => {
                info!(origin = %origin_of(origin), %name, %reason, "left");
            }
            HubEvent::RoomOpened { room, .. } => debug!(%room, "opened"),
            HubEvent::RoomClosed { room, .. } => debug!(%room, "closed"),
            HubEvent::RoomJoined { room, name, .. } => debug!(%room, %name, "joined a room"),
            HubEvent::RoomLeft { room, name, code, .. } => debug!(%room, %name, %code, "left a room"),
            event => debug!(?event),
        }
    }
}
