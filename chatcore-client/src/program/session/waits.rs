//! What a session waits for, and since when.

use std::time::Instant;

use crate::program::report::LinkState;

/// A goodbye that is said, and has no answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    /// When it was said.
    pub(super) since: Instant,
    /// When its answer is waited for no longer.
    pub(super) until: Instant,
    /// A person knows what is waited for.
    pub(super) is_told: bool,
}

/// A name that somebody has at present, perhaps a client of ours that was killed.
#[derive(Debug)]
pub(super) struct NameWait {
    pub(super) name: String,
    /// When to ask for it again.
    pub(super) again_at: Instant,
    /// Until when that has a point; none for ever.
    pub(super) until: Option<Instant>,
    /// Why it is waited for.
    pub(super) words: String,
    /// The seconds that were left when that was told last.
    pub(super) told_s: Option<u64>,
}

/// A silence that was told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    /// A connection stood.
    pub(super) is_connected: bool,
}

/// How far the connection is that is made for a name, as it was told last.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToldLink {
    /// None while the next attempt is waited for.
    pub(super) state: Option<LinkState>,
    pub(super) since: Instant,
    /// That it takes long was told, too.
    pub(super) is_long_told: bool,
}
