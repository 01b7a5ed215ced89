//! What a hub knows of connections that have no session yet, and what it charges for them.

use core::mem;
use core::time::Duration;

use super::parts::Hub;
use crate::handshake::{QuotaSource, Refusal, Registration, Request};
use crate::name::{UserName, cost_of_mapping};
use crate::time::Instant;

/// What a registration or a resume costs its origin, beside what the names that its connection asked for have cost to
/// map.
const ADMISSION_COST: u32 = 100;

/// How long an origin that asks too often waits beyond the time at which one more may ask: many may be waiting.
const AGAIN_AFTER_MIN: Duration = Duration::from_secs(1);

/// The cost of a new connection for its origin, for [`Hub::charge_origin`], in the units of protocol.md, *Cost*.
pub const CONNECTION_COST: u32 = 50;

impl Hub {
    /// Charges an origin for connections that have no session yet: [`CONNECTION_COST`] for a new connection, and
    /// [`Handshake::take_cost`](crate::Handshake::take_cost) for what came before a registration. `cost` is in the
    /// units of protocol.md, *Cost*. Registrations themselves: [`charge_registration`](Self::charge_registration).
    ///
    /// If the origin has used up [`Limits::origin_rate`](crate::Limits::origin_rate), or its [site](QuotaSource) has,
    /// the call returns a time: the driver should not read from the origin's handshakes until then.
    ///
    /// ```
    /// use chatcore::{CONNECTION_COST, Hub, Instant, Limits, QuotaKey, Rate};
    ///
    /// let origin_rate = Rate { per_s: 10, burst: 60 }; // one connection at once, and one in five seconds
    /// let mut hub = Hub::new(Limits::default().with_origin_rate(origin_rate), [7; 32]);
    /// let (now, origin) = (Instant::ZERO, QuotaKey(1));
    /// assert_eq!(hub.charge_origin(now, origin, CONNECTION_COST), None);
    /// assert!(hub.charge_origin(now, origin, CONNECTION_COST) > Some(now));
    /// ```
    pub fn charge_origin(&mut self, now: Instant, source: impl Into<QuotaSource>, cost: u32) -> Option<Instant> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        sessions.origins.charge_stranger(sessions.now, source.into(), cost, &sessions.origin_pace)
    }

    /// Charges the origin of a registration for it, before anybody decides about it: what the program refuses, or has
    /// not decided when the client leaves, is work, too. [`admit`](Self::admit) charges a registration that is not
    /// charged yet, and none twice. [`HubConnection`](crate::HubConnection) charges each.
    ///
    /// ```
    /// use chatcore::{Hub, Instant, Limits, Rate, Refusal};
    /// # use chatcore::{Client, ClientConfig, Handshake, Registration};
    ///
    /// # let now = Instant::ZERO;
    /// # let register = |name: &str| -> Result<Registration, Box<dyn std::error::Error>> {
    /// #     let mut client = Client::new(now, ClientConfig::default(), 7);
    /// #     client.register(now, name, b"")?;
    /// #     let arrived = client.transmit().concat();
    /// #     Ok(Handshake::new(now, &Limits::default()).receive(now, &mut &arrived[..])?.expect("it is whole"))
    /// # };
    /// # let (mut first, mut second) = (register("alice")?, register("bob")?);
    /// let origin_rate = Rate { per_s: 10, burst: 60 }; // less than a registration costs
    /// let mut hub = Hub::new(Limits::default().with_origin_rate(origin_rate), [7; 32]);
    /// hub.charge_registration(now, &mut first)?;
    /// let refusal = hub.charge_registration(now, &mut second).expect_err("the first has used up the rate");
    /// assert!(matches!(refusal, Refusal::RateLimited { .. }));
    /// hub.admit(now, first)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// With what the client is to be refused: [`Refusal::RateLimited`] if its origin asks too often, or its site does,
    /// or [`Refusal::ShuttingDown`]. Then the registration is not charged, but for what its name has cost to map.
    pub fn charge_registration(&mut self, now: Instant, registration: &mut Registration) -> Result<(), Refusal> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        if sessions.is_shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        if registration.is_charged {
            return Ok(());
        }
        // What a name looks like is found as its mapping is.
        let cost = mem::take(&mut registration.cost) + cost_of_looks(&registration.name, &registration.request);
        let (now, pace) = (sessions.now, sessions.origin_pace);
        sessions
            .origins
            .charge_admission(now, registration, (ADMISSION_COST, cost), &pace)
            .map_err(|until| Refusal::RateLimited { wait: until - now + AGAIN_AFTER_MIN })?;
        registration.is_charged = true;
        Ok(())
    }

    /// Whether the origin of a registration, and its site, may have one more session when those have ended that the
    /// name has for which it asks. A program that ends these to let a client in asks before: [`admit`](Self::admit)
    /// would refuse the client after that.
    ///
    /// # Errors
    ///
    /// [`Refusal::OriginFull`] if they have as many as they may.
    pub fn check_origin(&self, registration: &Registration) -> Result<(), Refusal> {
        let sessions = self.ordered.sessions();
        let oldest = sessions.find(registration.name.as_bytes());
        let ended = oldest.into_iter().flat_map(|oldest| sessions.ring(oldest)).map(|index| &sessions[index].share);
        let checked = sessions.origins.check_session(registration, ended, &sessions.limits);
        checked.map_err(|sessions_of_origin_max| Refusal::OriginFull { sessions_of_origin_max })
    }

    /// Whether the hub may give a client the session that it asks for: there is one by its name and its token, and the
    /// request is newer than the last one for it. A program that takes its time for such decisions need not ask itself
    /// about others: [`admit`](Self::admit) would refuse them whatever it decides. A registration that asks for a name
    /// is not checked.
    ///
    /// # Errors
    ///
    /// [`Refusal::SessionOver`] or [`Refusal::StaleResume`].
    pub fn check_resume(&self, registration: &Registration) -> Result<(), Refusal> {
        let Request::Resume { token, attempt, .. } = &registration.request else { return Ok(()) };
        let sessions = self.ordered.sessions();
        let oldest = sessions.find(registration.name.as_bytes());
        let mut holders = oldest.into_iter().flat_map(|oldest| sessions.ring(oldest));
        let session = holders.find(|session| sessions[*session].details.token == *token);
        let session = session.or_else(|| sessions.find_by_token(token)).ok_or(Refusal::SessionOver)?;
        if *attempt > sessions[session].details.attempt { Ok(()) } else { Err(Refusal::StaleResume) }
    }
}

/// Units for finding what a name looks like that a session is to begin with.
fn cost_of_looks(name: &UserName, request: &Request) -> u32 {
    match request {
        Request::Name { .. } if !name.as_str().is_ascii() => cost_of_mapping(name.as_str()),
        _ => 0,
    }
}
