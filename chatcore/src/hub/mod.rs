//! The server's end of connections that have a name: sessions, routing, and what the driver must do about them.

mod action;
mod admission;
mod arrivals;
#[cfg(feature = "sim")]
mod audit;
mod call;
mod conn;
mod conn_id;
mod counters;
mod deciding;
mod delivery;
mod ended_session;
mod endings;
mod event;
mod groups;
mod header_cache;
mod inputs;
mod lists;
mod name_table;
mod operator;
mod ordered;
mod origins;
mod outputs;
mod parts;
mod prefetch;
mod presence;
mod question_id;
mod questions;
mod rate;
mod reconfigure;
mod rename;
mod replies;
mod reports;
mod requests;
mod secret_rng;
mod session_id;
mod shutdown;
mod slices;
#[cfg(test)]
mod tests;
mod thresholds;
mod timers;
mod view;
mod work;

pub use self::action::Action;
pub use self::admission::{Admission, NotAdmitted};
pub use self::arrivals::CONNECTION_COST;
pub use self::conn_id::{ConnId, UnknownConn};
pub use self::counters::Counters;
pub use self::event::{CloseReason, HubEvent};
pub use self::inputs::cost_of_read;
pub use self::operator::{Audience, UserLimitsError};
pub use self::ordered::{ANNOUNCEMENTS_MAX, Memory};
pub use self::parts::Hub;
pub use self::question_id::QuestionId;
pub use self::questions::{Asking, Question, Requested, UnknownQuestion};
pub use self::rename::RenameError;
pub use self::session_id::SessionId;
#[cfg(feature = "sim")]
pub(crate) use self::thresholds::Thresholds;
