//! The pictures of the book: what the real program draws on a real terminal.
//!
//! `UPDATE_PICTURES=1 cargo test -p chatcore-client --test terminal pictures` makes them anew. The times in them are
//! those of the run, so they are not compared; what is told of each is awaited.

use std::env;
use std::fs;
use std::path::Path;

use super::programs::proxy::Proxy;
use super::programs::{NOWHERE, PATIENCE, Server};
use super::pty::Terminal;
use super::svg::svg;

/// Where they lie.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/screens");

/// Writes what the terminal shows, if that is wanted.
fn keep(terminal: &Terminal, name: &str, title: &str) {
    let picture = svg(terminal.screen().parser.screen(), title);
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    if env::var_os("UPDATE_PICTURES").is_some() {
        fs::create_dir_all(FOLDER).expect("the folder can be made");
        fs::write(Path::new(FOLDER).join(name), picture).expect("the picture can be written");
    }
}

/// Rows and columns of most pictures.
const SIZE: (u16, u16) = (18, 90);

#[test]
fn a_conversation_a_narrow_terminal_and_a_lost_connection() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal =
        Terminal::full_screen_at(&server, &proxy.address, SIZE, &["--name", "alice", "--reconnect-wait-max", "1"]);
    terminal.has("you are alice");
    let (mut bob, mut carol) = (server.user("bob"), server.user("carol"));
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    for user in [&mut bob, &mut carol] {
        user.join("#lobby", PATIENCE).expect("there is room");
    }
    terminal.has("3 here");
    bob.send("#lobby", "Good morning! Who has seen the new build?".as_bytes(), PATIENCE).expect("it is sent");
    terminal.has("the new build?");
    carol
        .send("#lobby", "I have. @alice, does it run for you? 日本語 and 🚀 are fine here.".as_bytes(), PATIENCE)
        .expect("it is sent");
    terminal.has("does it run");
    terminal.types("It does, and it is fast.\r");
    terminal.has("✓ It does");
    bob.send("alice", b"Shall we tell them what it costs?", PATIENCE).expect("it is sent");
    terminal.until("the unread message", |screen| screen.contents().contains("!1"));
    terminal.types("@bob:not ye");
    terminal.prompts("only bob reads it> @bob:not ye");
    keep(&terminal, "conversation.svg", "A conversation in a room, and a private line that is being typed");

    proxy.lead_to(NOWHERE);
    proxy.cut();
    terminal.has("reconnecting in");
    terminal.has("✓ It does");
    keep(&terminal, "reconnecting.svg", "The connection is lost, and is looked for");
    proxy.lead_to(&server.address);
    terminal.until("the connection", |screen| !screen.contents().contains("reconnecting in"));
    terminal.types("t\r");
    terminal.has("✓ not yet");
    keep(&terminal, "private.svg", "The conversation with bob, after the connection is back");
    terminal.types("?");
    terminal.has("Esc goes back");
    keep(&terminal, "keys.svg", "The list of keys");

    terminal.types("\x1b");
    terminal.until("no list of keys", |screen| !screen.contents().contains("Esc goes back"));
    terminal.resize(10, 40);
    terminal.prompts("only bob reads it>");
    terminal.until("a narrow picture", |screen| screen.contents().lines().count() <= 10);
    keep(&terminal, "narrow.svg", "The same in 40 columns and 10 rows");
}
