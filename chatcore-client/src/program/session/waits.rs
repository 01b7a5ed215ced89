//! What a session waits for, and since when.

use std::time::Instant;

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
}

/// A silence that was told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    /// A connection stood.
    pub(super) is_connected: bool,
}
