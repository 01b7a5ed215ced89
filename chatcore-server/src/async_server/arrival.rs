//! What becomes of a connection that has come: it is served, or told that there is no room for it.

use chatcore::{Handshake, Hub, HubConnection, Instant, Refusal};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::info;

use super::byte_stream::ByteStream;
use super::connection::Connection;
use super::hooks::Hooks;
use super::origin::Origin;
use super::shared::Shared;
use super::state::NoRoom;
use crate::origin::origin_of;

/// A connection that has come.
pub(super) enum Arrival<'a, S, H: Hooks> {
    Served(Connection<'a, S, H>),
    /// Its origin has no room for it. None if too many are being told so already.
    TurnedAway(Option<TurnedAway<'a, S, H>>),
}

/// A connection that is told that there is no room for it. It counts among those that are told until this is dropped.
pub(super) struct TurnedAway<'a, S, H> {
    shared: &'a Shared<H>,
    /// The words for it are already in it.
    pub(super) stream: ByteStream<S>,
    key: usize,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin, H: Hooks> Arrival<'a, S, H> {
    /// None if the server has stopped.
    pub(super) fn new(shared: &'a Shared<H>, stream: S, origin: &Origin) -> Option<Self> {
        let entered = shared.hold(|now, state| {
            (!state.has_stopped()).then(|| {
                // Its origin is charged for it, even if it is turned away.
                let core = HubConnection::new(now, &mut state.hub, origin.source(shared.config.site_factor));
                let entered = state.insert(origin, &shared.config);
                entered.map(|key| (core, key)).map_err(|no_room| (words(now, &state.hub, &no_room.refusal), no_room))
            })
        })??;
        Some(match entered {
            Ok((core, key)) => Self::Served(Connection::new(shared, stream, *origin, core, key)),
            Err((words, NoRoom { refusal, key })) => {
                info!(origin = %origin_of(origin.key()), reason = %refusal, "turned away");
                Self::TurnedAway(key.map(|key| {
                    let mut stream = ByteStream::new(stream);
                    stream.push(&words);
                    TurnedAway { shared, stream, key }
                }))
            }
        })
    }
}

/// What somebody is told for whom there is no room.
fn words(now: Instant, hub: &Hub, refusal: &Refusal) -> Vec<u8> {
    let mut handshake = Handshake::new(now, hub.limits());
    handshake.turn_away(refusal);
    handshake.transmit().concat()
}

impl<S, H> Drop for TurnedAway<'_, S, H> {
    fn drop(&mut self) {
        let key = self.key;
        self.shared.leave(|_, state| state.remove(key));
    }
}
