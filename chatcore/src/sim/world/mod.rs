//! A server, its users and the network between them.

mod fault_events;
mod lists;
mod parts;
mod requests;
mod run;
mod step;
mod summary;

pub use self::parts::World;
pub use self::run::{replay, run};
pub use self::summary::Summary;
