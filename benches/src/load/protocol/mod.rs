//! What the servers speak, as far as a load generator must.

pub(crate) mod chatcore;
mod client_side;
pub(crate) mod floor;
pub(crate) mod irc;
pub(crate) mod mqtt;
pub(crate) mod nats;
pub(crate) mod redis;

pub(crate) use self::client_side::{Envelope, Incoming, Protocol, Recipient};

/// Which protocol a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolName {
    Floor,
    Chatcore,
    Mqtt,
    Nats,
    Redis,
    Irc,
}
