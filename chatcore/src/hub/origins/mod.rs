//! What each origin uses of what there is for all: sessions, rooms, places to wait, buffers, and cost. Origins of a
//! site, which is a larger network that may belong to one person, use it together, too.

mod accounts;
#[cfg(feature = "sim")]
mod audit;
mod belonging;
mod buffers;
mod cost;
mod counting;
mod numbers;
mod places;
mod ranking;
mod sites;

pub(super) use self::accounts::{Origins, Share};
#[cfg(feature = "sim")]
pub(super) use self::audit::Uses;
pub(super) use self::numbers::Numbers;
pub(super) use self::places::Place;
#[cfg(feature = "sim")]
pub(super) use self::ranking::Party;
