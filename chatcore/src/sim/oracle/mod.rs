//! The oracle knows what must be true, whatever the network does. It is a plain account of who asked for what, in which
//! order the hub took it, and what everybody was told.
//!
//! It has no timers and no outboxes: it only knows when something has come too early or is late. A session is the list
//! of what its device was told, in order; whoever comes back to it must find the same list again, from where the hub
//! was told that it may forget.

mod account;
mod asking;
mod closing;
mod events;
mod facts;
mod gaps;
mod hub_side;
mod lines;
mod names;
mod operator;
mod reports;
mod stalls;
mod stays;
mod subscriptions;
mod user_side;
mod waiting;

pub(super) use self::account::Oracle;
pub(super) use self::facts::{Request, To};
