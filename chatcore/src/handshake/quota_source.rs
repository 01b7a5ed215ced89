//! Where a connection comes from, as a hub counts it.

/// A number for the origin of a connection, as the driver sees it: an address, or the network that it belongs to. The
/// hub gives each origin a quota of cost ([`Limits::origin_rate`](crate::Limits::origin_rate)) and of memory
/// ([`Limits::origin_buffer_bytes_max`](crate::Limits::origin_buffer_bytes_max)), and bounds its sessions, its rooms
/// and its detached sessions in number ([`Limits::sessions_of_origin_max`](crate::Limits::sessions_of_origin_max),
/// [`rooms_of_origin_max`](crate::Limits::rooms_of_origin_max),
/// [`detached_of_origin_max`](crate::Limits::detached_of_origin_max)). The hub only compares keys. The number itself
/// means nothing to it, except 0, the default: so many may share that key that the hub does not bound its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct QuotaKey(pub u128);

/// A site that an origin belongs to, and how many times the limits for one origin hold for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) key: QuotaKey,
    pub(crate) factor: u32,
}

/// Where a connection comes from: its origin, the site that this belongs to, if any, and whether many share it. An
/// origin alone is one, too.
///
/// ```
/// use chatcore::{CONNECTION_COST, Hub, Instant, Limits, QuotaKey, QuotaSource, Rate};
///
/// // One connection at once. A site may have two.
/// let mut hub = Hub::new(Limits::default().with_origin_rate(Rate { per_s: 1, burst: 60 }), [7; 32]);
/// let of_site = |origin| QuotaSource::from(QuotaKey(origin)).with_site(QuotaKey(100), 2);
/// let mut come = |source| hub.charge_origin(Instant::ZERO, source, CONNECTION_COST).is_none();
/// assert!(come(of_site(1)) && come(of_site(2)));
/// assert!(!come(of_site(3)), "its site has used up its rate");
/// assert!(come(QuotaKey(4).into()), "it belongs to no site");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaSource {
    pub(crate) origin: QuotaKey,
    pub(crate) site: Option<Site>,
    /// The driver knows that many share the origin.
    pub(crate) is_shared: bool,
}

impl QuotaSource {
    /// Says that the origin belongs to a site, as [`Registration::with_site`](crate::Registration::with_site).
    #[must_use]
    pub fn with_site(self, site: QuotaKey, factor: u32) -> Self {
        Self { site: Some(Site { key: site, factor: factor.max(1) }), ..self }
    }

    /// Says that many users share the origin, as
    /// [`Registration::with_shared_origin`](crate::Registration::with_shared_origin).
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// Whether the limits on numbers for one origin hold.
    pub(crate) fn is_counted(self) -> bool {
        !self.is_shared && self.origin != QuotaKey::default()
    }

    /// The site in which it counts, if it counts at all.
    pub(crate) fn counted_site(self) -> Option<Site> {
        self.site.filter(|_| self.is_counted())
    }
}

impl From<QuotaKey> for QuotaSource {
    fn from(origin: QuotaKey) -> Self {
        Self { origin, ..Self::default() }
    }
}
