//! The client at a terminal, as a person sees it: line by line, and on the whole screen.

#![cfg(target_os = "linux")]

use std::io::Write;

mod background;
#[path = "../black_hole/mod.rs"]
mod black_hole;
mod connecting;
mod ends;
mod flood;
mod full_screen;
mod full_screen_log_in;
#[path = "../transports/identity.rs"]
mod identity;
mod keeping;
mod leaving;
mod names;
mod passwords;
mod pictures;
mod places;
mod plain;
#[path = "../programs/mod.rs"]
mod programs;
mod pty;
#[path = "../scripted/mod.rs"]
mod scripted;
#[path = "../../src/program/full/keys/sequences.rs"]
mod sequences;
mod state;
mod svg;

const WELCOME: &str = "-- you are alice; /help lists the commands";

/// Says that something shows nothing here, and why. What a test prints by a macro is seen only if the test fails.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// The next message that a user gets: where, if in a room, and its text.
fn message(user: &mut chatcore_client::Connection) -> (Option<String>, String) {
    loop {
        let event = user.receive(programs::PATIENCE).unwrap().expect("a message comes");
        if let chatcore_client::Event::Message { room, body, .. } = event {
            return (room.map(|room| room.to_string()), String::from_utf8(body).unwrap());
        }
    }
}
