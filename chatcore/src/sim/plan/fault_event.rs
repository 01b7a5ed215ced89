//! What goes wrong besides the network.

/// A thing that goes wrong, with a run as a whole or with one of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultEvent {
    /// One connection breaks.
    Cut,
    /// All connections break.
    CutAll,
    /// A client's process dies, and comes back with its ticket.
    Death,
    /// A client's process dies, and comes back without its ticket.
    Amnesia,
    /// A client says goodbye.
    Goodbye,
    /// A client's process stands still for some time.
    Freeze,
    /// A client reads nothing for some time.
    SlowReader,
    /// Time jumps forward, for everybody.
    Leap,
    /// The server dies, and comes back empty.
    Crash,
    /// The server stops in an orderly way, and comes back empty.
    Restart,
    /// An operator ends a session.
    Kick,
    /// A client's process dies, and comes back without its ticket. The server's program vouches for it, so that it goes
    /// on with a session that its user has.
    TakeOver,
    /// An operator puts a user into a room.
    PutIn,
    /// An operator takes a user out of a room.
    TakeOut,
    /// The server's program says something to a user or in a room.
    Say,
    /// An operator keeps a user away for some time.
    Ban,
}

impl FaultEvent {
    /// Every kind of fault event.
    pub const ALL: [Self; 16] = [
        Self::Cut,
        Self::CutAll,
        Self::Death,
        Self::Amnesia,
        Self::Goodbye,
        Self::Freeze,
        Self::SlowReader,
        Self::Leap,
        Self::Crash,
        Self::Restart,
        Self::Kick,
        Self::TakeOver,
        Self::PutIn,
        Self::TakeOut,
        Self::Say,
        Self::Ban,
    ];

    /// How likely it is at the most, beside the others.
    pub(super) const fn weight(self) -> u32 {
        match self {
            Self::Cut => 40,
            Self::Death | Self::Freeze | Self::SlowReader => 10,
            Self::CutAll | Self::Amnesia | Self::Goodbye | Self::Leap => 5,
            Self::Crash | Self::Restart | Self::Kick => 2,
            // These are mixed into some plans.
            Self::TakeOver | Self::PutIn | Self::TakeOut | Self::Say | Self::Ban => 0,
        }
    }
}
