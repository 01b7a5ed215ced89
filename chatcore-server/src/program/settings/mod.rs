//! The settings of the program. `table.rs` is the one place that lists them: the flags, the variables, the file, what
//! is printed and what the documentation says come from it.

mod apply;
mod environment;
mod field;
mod file;
mod files;
mod flags;
mod lines;
mod load;
mod log_in;
mod outcome;
mod page;
#[cfg(test)]
mod pages;
mod print;
mod setting;
mod source;
mod suggest;
mod syntax;
mod table;
#[cfg(test)]
mod tests;
mod tls;
mod value;

pub(crate) use self::apply::Changes;
pub(crate) use self::file::password_file_in;
pub(crate) use self::flags::{Action, Called, Invocation};
pub(crate) use self::load::Loaded;
pub use self::outcome::{Accepted, Refused, outcome};
pub(crate) use self::setting::Settings;
pub(crate) use self::source::Faults;
