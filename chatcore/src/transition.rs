//! Which message may come in which state of a connection, and what state follows: at the hub's end and at
//! the client's. This is all of the protocol's order, and nothing else stands here. protocol.md shows the
//! same rows, and a test holds the two together.

use crate::wire::{Kind, ProtocolError, words};

/// A connection's state, seen from either end, once the preface has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No name yet: the client may ask for one.
    Unregistered,
    /// A name was asked for, and the answer is due.
    Registering,
    /// A session is to be gone on with, and the answer is due.
    Resuming,
    /// The client has its name.
    Registered,
    /// Nothing more is read.
    Closed,
}

impl State {
    /// The state in words, as an error puts them.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Unregistered => words::BEFORE_REGISTRATION,
            Self::Registering => words::REGISTERING,
            Self::Resuming => words::RESUMING,
            Self::Registered => words::REGISTERED,
            Self::Closed => words::AFTER_THE_END,
        }
    }
}

/// What the hub's end accepts from a client.
#[expect(clippy::match_same_arms, reason = "a table: rows belong together by meaning")]
pub(crate) fn at_hub(state: State, kind: Kind) -> Result<State, ProtocolError> {
    use State::{Closed, Registered, Registering, Resuming, Unregistered};
    Ok(match (state, kind) {
        (Unregistered, Kind::REGISTER) => Registering,
        (Unregistered, Kind::RESUME) => Resuming,
        (Unregistered, Kind::GOODBYE | Kind::ERROR) => Closed,

        (Registered, Kind::SEND | Kind::WHO) => Registered,
        (Registered, Kind::JOIN | Kind::LEAVE | Kind::ROSTER) => Registered,
        (Registered, Kind::WATCH | Kind::UNWATCH | Kind::SUBSCRIPTIONS) => Registered,
        (Registered, Kind::ACK | Kind::PING | Kind::PONG) => Registered,
        (Registered, Kind::GOODBYE | Kind::ERROR) => Closed,

        _ => return Err(ProtocolError::Unexpected { kind, state: state.words() }),
    })
}

/// What the client's end accepts from a hub.
#[expect(clippy::match_same_arms, reason = "a table: rows belong together by meaning")]
pub(crate) fn at_client(state: State, kind: Kind) -> Result<State, ProtocolError> {
    use State::{Closed, Registered, Registering, Resuming, Unregistered};
    Ok(match (state, kind) {
        (Unregistered, Kind::GOODBYE | Kind::ERROR) => Closed,

        (Registering, Kind::WELCOME) => Registered,
        (Registering, Kind::REFUSED) => Unregistered,
        (Registering, Kind::GOODBYE | Kind::ERROR) => Closed,

        (Resuming, Kind::RESUMED) => Registered,
        (Resuming, Kind::REFUSED) => Unregistered,
        (Resuming, Kind::GOODBYE | Kind::ERROR) => Closed,

        (Registered, Kind::DELIVER | Kind::ROOM_DELIVER | Kind::SENT | Kind::MISSED | Kind::REPORT) => Registered,
        (Registered, Kind::ACCEPTED | Kind::DONE | Kind::REJECTED) => Registered,
        (Registered, Kind::ONLINE | Kind::MEMBERS | Kind::SUBSCRIBED) => Registered,
        (Registered, Kind::JOINED | Kind::LEFT | Kind::STALE | Kind::PRESENCE) => Registered,
        (Registered, Kind::RENAMED) => Registered,
        (Registered, Kind::ACK | Kind::PING | Kind::PONG) => Registered,
        (Registered, Kind::GOODBYE | Kind::ERROR) => Closed,

        _ => return Err(ProtocolError::Unexpected { kind, state: state.words() }),
    })
}

/// Whether an optional frame that is not known may come, to be skipped: a numbered one counts in its session, so there
/// must be one.
pub(crate) fn may_skip(state: State, kind: Kind) -> Result<(), ProtocolError> {
    if kind.is_numbered() && state != State::Registered {
        return Err(ProtocolError::Unexpected { kind, state: state.words() });
    }
    Ok(())
}
