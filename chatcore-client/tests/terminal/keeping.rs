//! What is found again after the program was killed.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::programs::{PATIENCE, Server};
use super::pty::Terminal;

/// How often a file is looked at that is awaited.
const LOOK_TIME: Duration = Duration::from_millis(20);

/// Waits until what a client keeps holds this. Nothing tells when it does.
#[track_caller]
fn keeps(server: &Server, text: &str) {
    let begun = Instant::now();
    let holds = || {
        let files = fs::read_dir(server.state.path()).unwrap().flatten();
        // A file that is not whole yet has another name.
        let files = files.filter(|file| file.file_name().to_string_lossy().ends_with(".kept"));
        files.flat_map(|file| fs::read(file.path())).any(|bytes| String::from_utf8_lossy(&bytes).contains(text))
    };
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{text:?} is in no file");
        thread::park_timeout(LOOK_TIME);
    }
}

/// P14: a draft is there after the program was killed, and is for whom it was begun. So is what tells how far was read.
#[test]
fn a_draft_and_a_mark_outlive_a_program_that_is_killed() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.has("you are alice");
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    bob.send("#lobby", b"good morning", PATIENCE).unwrap();
    terminal.has("good morning");
    // Its beginning is damaged by hand, and nothing but the program knows for whom it was begun.
    terminal.types("@bob:half a secret\x01\x1b[3~");
    terminal.prompts("begun for bob alone, not sent> bob:half a secret");
    keeps(&server, "half a secret");
    keeps(&server, "\"read\":{\"#lobby\":\"");
    terminal.signal("KILL");
    assert_eq!(terminal.end().0, None);
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.prompts("only bob reads it> @bob:bob:half a secret");
}
