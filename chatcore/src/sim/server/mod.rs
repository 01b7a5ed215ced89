//! The node that has the hub: what a driver does, over a network that is not there.

mod around;
mod checks;
mod connection;
mod deciding;
mod drain;
mod life;
mod members;
mod operator;
mod outgoing;
mod pace;
mod parts;
mod pending_conns;
mod program;
mod rates;
mod turns;
mod work;

pub(super) use self::around::Around;
pub(super) use self::connection::Entrance;
pub(super) use self::operator::PROGRAM_NAME;
pub(super) use self::parts::Server;
pub(super) use self::turns::turn_units_max;
