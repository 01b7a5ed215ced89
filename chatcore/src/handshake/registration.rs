//! What a client asks for: a name, or the session that it had.

use alloc::boxed::Box;
use core::time::Duration;

use super::quota_source::{QuotaKey, QuotaSource};
use crate::limits_error::LimitsError;
use crate::name::UserName;
use crate::outbox::Outbox;
use crate::redacted::Credential;
use crate::user_limits::UserLimits;
use crate::wire::Token;

/// A client's request for a name, or for the session that it had (protocol.md, *register* and *resume*). Give it to
/// [`Hub::admit`](crate::Hub::admit), or refuse it with [`Handshake::refuse`](crate::Handshake::refuse).
///
/// A registration is owned and `Send`, so that the decision can come much later or from elsewhere: a program may check
/// a password, ask other hubs whether the name is free, or move the connection to another thread. A registration does
/// not know its connection. So keep the two together, bound the number of undecided registrations, and admit none whose
/// connection is gone or whose [`Handshake::is_over`](crate::Handshake::is_over) is true.
///
/// ```
/// use chatcore::{Handshake, Hub, Instant, Limits, QuotaKey};
/// # use chatcore::{Client, ClientConfig};
///
/// # let now = Instant::ZERO;
/// # let mut client = Client::new(now, ClientConfig::default(), 7);
/// # client.register(now, "Bob", b"secret")?;
/// # let arrived = client.transmit().concat();
/// # let mut hub = Hub::new(Limits::default(), [7; 32]);
/// # let mut handshake = Handshake::new(now, hub.limits());
/// let registration = handshake.receive(now, &mut &arrived[..])?.expect("it is whole");
/// assert!(!registration.is_resumption(), "it asks for a new session");
/// assert_eq!(registration.credential(), b"secret");
/// let conn = hub.admit(now, registration.with_origin(QuotaKey(0x7f00_0001)))?; // 127.0.0.1
/// assert_eq!(hub.name(conn).map(|name| name.as_str()), Some("bob"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a registration is to be admitted or refused"]
pub struct Registration {
    pub(crate) name: UserName,
    /// The name as it was typed, if that is something else.
    pub(crate) display_name: Option<Box<str>>,
    pub(crate) request: Request,
    /// Bytes of a frame that the client takes.
    pub(crate) frame_bytes_max: u32,
    /// What its name has cost to map, and those that were refused on its connection before.
    pub(crate) cost: u32,
    /// A hub has charged the origin for it.
    pub(crate) is_charged: bool,
    pub(crate) source: QuotaSource,
    /// What its user may, in place of what all may.
    pub(crate) limits: Option<UserLimits>,
    /// How long its session waits when its connection breaks, in place of the hub's time.
    pub(crate) resume_time: OwnResumeTime,
    /// What the handshake still has to say, which goes before the welcome: our preface, and refusals of names
    /// that were asked for in the same breath.
    pub(crate) outbox: Outbox,
}

/// Milliseconds for which a session waits when its connection breaks; the last number stands for the hub's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnResumeTime(u32);

impl OwnResumeTime {
    /// The hub's ([`Limits::resume_time_max`](crate::Limits::resume_time_max)).
    pub(crate) const HUB: Self = Self(u32::MAX);

    fn new(time: Duration) -> Result<Self, LimitsError> {
        match u32::try_from(time.as_millis()) {
            Ok(milliseconds) if milliseconds < Self::HUB.0 => Ok(Self(milliseconds)),
            _ => Err(LimitsError::Resume { given: time }),
        }
    }

    /// None if it is the hub's.
    pub(crate) fn get(self) -> Option<Duration> {
        (self != Self::HUB).then(|| Duration::from_millis(self.0.into()))
    }
}

#[derive(Debug)]
pub(crate) enum Request {
    Name { credential: Credential },
    Resume { token: Token, received: Option<u64>, attempt: u64 },
}

impl Registration {
    /// The name that the client asks for, or the name of the session that it asks for.
    pub const fn name(&self) -> &UserName {
        &self.name
    }

    /// The name as the client spells it. It maps to the name, and other clients may show it in place of the name. A
    /// session that is resumed keeps the display name that it began with.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(self.name.as_str())
    }

    /// The credential that the client sent, such as a password; empty if it sent none, and for a resume. The core does
    /// not read it: checking it is the caller's part. It has at most
    /// [`CREDENTIAL_BYTES_MAX`](crate::CREDENTIAL_BYTES_MAX) bytes.
    pub fn credential(&self) -> &[u8] {
        match &self.request {
            Request::Name { credential } => credential.as_bytes(),
            Request::Resume { .. } => &[],
        }
    }

    /// Whether the client asks for the session that it had. It proves its right with the session's token, which
    /// [`Hub::admit`](crate::Hub::admit) checks, and sends no credential.
    pub const fn is_resumption(&self) -> bool {
        matches!(self.request, Request::Resume { .. })
    }

    /// Gives the client another name than it asks for: that of its account, for example. It has no other spelling
    /// then. For a resume this does nothing: a session has its name.
    pub fn with_name(self, name: UserName) -> Self {
        if self.is_resumption() {
            return self;
        }
        Self { display_name: self.display_name.filter(|_| name == self.name), name, ..self }
    }

    /// Sets the origin of the connection. Without this call, it is [`QuotaKey`]`(0)`: all such connections share the
    /// quota of cost and memory of one origin.
    pub fn with_origin(self, origin: QuotaKey) -> Self {
        Self { source: QuotaSource { origin, ..self.source }, ..self }
    }

    /// Says that the origin belongs to a site: a larger network of many origins that may belong to one person, such as
    /// an IPv6 network of 48 bits. The limits on numbers for one origin (those of [`Limits`](crate::Limits) with
    /// `of_origin` in their names) hold for the whole of a site, too, `factor` times, and so do its rate
    /// ([`Limits::origin_rate`](crate::Limits::origin_rate)) and its share of the memory
    /// ([`Limits::origin_buffer_bytes_max`](crate::Limits::origin_buffer_bytes_max)). When the memory, or places for
    /// detached sessions, are used up, a site has to give way by what it has divided by the factor. A factor of 0
    /// counts as 1. Keys of sites are not compared with those of origins.
    ///
    /// An origin that is [shared](Self::with_shared_origin) from the first counts in no site, and if it is not shared
    /// any more, in none until it has nothing any more. One that comes to be shared while it has something counts in
    /// its site no more, but for its members of rooms
    /// ([`Limits::members_of_origin_max`](crate::Limits::members_of_origin_max)): until it has nothing any more, they
    /// count for the others of the site.
    ///
    /// The site must follow from the origin. An origin keeps its site, or that it belongs to none, for as long as it
    /// has anything: a session, a connection that is closing, or a room that one of its sessions has opened. The factor
    /// of a site is the one that the last registration or charge from there said
    /// ([`Hub::charge_origin`](crate::Hub::charge_origin)), or [`Hub::set_site_factor`](crate::Hub::set_site_factor).
    pub fn with_site(self, site: QuotaKey, factor: u32) -> Self {
        Self { source: self.source.with_site(site, factor), ..self }
    }

    /// Says that many users share the origin, such as that of a proxy: the limits on numbers for one origin do not hold
    /// for it, as if it were [`QuotaKey`]`(0)`. Those on cost and memory do. What the last registration from an origin
    /// said holds for all its sessions: so an origin may come to be shared, or not, while it has some.
    pub fn with_shared_origin(self) -> Self {
        Self { source: self.source.shared(), ..self }
    }

    /// Says all three at once: the origin, its site if it belongs to one, and whether many share it.
    pub fn with_source(self, source: impl Into<QuotaSource>) -> Self {
        Self { source: source.into(), ..self }
    }

    /// Gives the user limits of its own, in place of those of the hub: for an administrator or a bot, for example.
    /// They hold for all its sessions once this one is admitted, resumed or taken over, and the client is told them in
    /// its welcome or with its resume. Without this call, the user keeps the limits that it has
    /// ([`Hub::set_user_limits`](crate::Hub::set_user_limits)); a new user has none of its own.
    ///
    /// # Errors
    ///
    /// The limits cannot be, as [`UserLimits::check`] tells. The registration is dropped: the client may still be
    /// refused.
    pub fn with_limits(self, limits: UserLimits) -> Result<Self, LimitsError> {
        limits.check()?;
        Ok(Self { limits: Some(limits), ..self })
    }

    /// Gives the session another time to wait when this connection breaks, in place of
    /// [`Limits::resume_time_max`](crate::Limits::resume_time_max): more for clients that come from where connections
    /// stay away for longer, such as pages of a browser. Zero ends the session with the connection. The client is told
    /// it in its welcome or with its resume, and it holds until the session goes on with another connection. Parts of
    /// milliseconds do not count.
    ///
    /// # Errors
    ///
    /// The time is longer than 49 days. The registration is dropped: the client may still be refused.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use chatcore::{Hub, Limits, Registration};
    /// # use chatcore::{Client, ClientConfig, Handshake, Instant};
    ///
    /// fn admit_page(hub: &mut Hub, now: Instant, page: Registration) -> Result<(), Box<dyn std::error::Error>> {
    ///     let page = page.with_resume_time_max(Duration::from_secs(600))?;
    ///     hub.admit(now, page)?;
    ///     Ok(())
    /// }
    /// # let now = Instant::ZERO;
    /// # let mut client = Client::new(now, ClientConfig::default(), 7);
    /// # client.register(now, "alice", b"").unwrap();
    /// # let arrived = client.transmit().concat();
    /// # let page = Handshake::new(now, &Limits::default()).receive(now, &mut &arrived[..]).unwrap().unwrap();
    /// # admit_page(&mut Hub::new(Limits::default(), [7; 32]), now, page).unwrap();
    /// ```
    pub fn with_resume_time_max(self, resume_time_max: Duration) -> Result<Self, LimitsError> {
        Ok(Self { resume_time: OwnResumeTime::new(resume_time_max)?, ..self })
    }
}
