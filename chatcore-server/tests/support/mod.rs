//! The real server program, and peers that talk to it over TCP.

#![allow(dead_code, unused_imports, reason = "each test file uses another part of it")]

mod peer;
mod process;
mod user;

pub(crate) use peer::{Peer, connect, encode, frame, opening};
pub(crate) use process::{PROGRAM, Server};
pub(crate) use user::User;

use std::time::Duration;

/// How long a test waits for what must come, before it fails. Far longer than it ever takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
