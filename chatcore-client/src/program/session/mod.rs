//! One run of the program.

mod address;
mod apart;
mod commands;
mod connect;
mod connecting;
mod events;
mod keeping;
mod leaving;
mod link;
mod naming;
mod parts;
mod restoring;
mod run;
mod saving;
#[cfg(test)]
mod tests;
mod told;
#[cfg(test)]
mod typed_tests;
mod waiting;
mod waits;

pub(crate) use self::parts::Session;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use self::told::told;
