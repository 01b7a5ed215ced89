//! Deterministic simulation: a hub, its users and a bad network on virtual time, all from one seed.
//!
//! Everything here does no I/O, like the core itself. So a program that embeds the core can use it in its own tests:
//!
//! - [`Network`] carries bytes between two ends as badly as its [`NetworkConditions`] say.
//! - [`World`] is a server, its users and such a network. A [`Plan`] says what goes wrong. While it runs, it checks
//!   every [`Property`] that the core promises. Then the network heals, and everything that is due must come within a
//!   bounded time.
//! - [`World::with_transport`] puts your own framing or encryption, a [`TransportEnd`], between the network and the
//!   core, and checks that what was written comes out.
//! - [`run`] makes and runs a [`World`] with a [`Plan`] drawn from a seed. The same seed gives the same run, byte for
//!   byte. [`replay`] does the same, and tells a [`Listener`] what happens.
//! - [`small_world`] tries everything that one break of a connection can do to two users.
//!
//! ```
//! let summary = chatcore::sim::run(1)?;
//! assert_eq!(chatcore::sim::run(1)?, summary);
//! # Ok::<(), chatcore::sim::Violation>(())
//! ```

mod attacker;
mod conditions;
mod deciding;
mod flood;
mod link;
mod links;
mod names;
mod network;
mod oracle;
mod pipe;
mod plan;
mod random;
mod server;
mod small;
mod trace;
mod transport_end;
mod user;
mod violation;
mod world;

pub use self::conditions::NetworkConditions;
pub use self::deciding::Deciding;
pub use self::flood::Flood;
pub use self::network::{Cut, End, Network, WireId};
pub use self::pipe::Pipe;
pub use self::plan::{FaultEvent, Plan};
pub use self::random::{CERTAIN, Random};
pub use self::small::small_world;
pub use self::trace::Listener;
pub use self::transport_end::{TransportEnd, TransportError};
pub use self::violation::{Property, Violation};
pub use self::world::{Summary, World, replay, run};
