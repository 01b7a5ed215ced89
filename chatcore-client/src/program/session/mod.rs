//! One run of the program.

mod address;
mod commands;
mod connect;
mod events;
mod parts;
mod run;
mod waiting;

pub(crate) use self::parts::Session;
