//! One run of the program.

mod address;
mod commands;
mod connect;
mod events;
mod keeping;
mod leaving;
mod naming;
mod parts;
mod restoring;
mod run;
mod told;
mod waiting;

pub(crate) use self::parts::Session;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use self::told::told;
