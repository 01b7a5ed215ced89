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
pub(crate) fn keeps(server: &Server, text: &str) {
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

/// P14: so is what was begun where everybody starts.
#[test]
fn a_draft_on_the_first_screen_outlives_the_end_and_a_program_that_is_killed() {
    let server = Server::start();
    let start = || {
        let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
        terminal.has("you are");
        terminal
    };
    let terminal = start();
    terminal.types("@bob:a long letter");
    keeps(&server, "a long letter");
    terminal.signal("KILL");
    assert_eq!(terminal.end().0, None);
    let terminal = start();
    terminal.prompts("only bob reads it> @bob:a long letter");
    terminal.types(", and more");
    terminal.prompts("only bob reads it> @bob:a long letter, and more");
    terminal.types("\x03");
    assert_eq!(terminal.end().0, Some(0));
    start().prompts("only bob reads it> @bob:a long letter, and more");
}

/// P8: another program keeps the folder for itself, and what there is in it cannot be looked at.
#[test]
fn neither_a_key_nor_a_signal_waits_for_what_is_kept() {
    let server = Server::start();
    let folder = fs::File::open(server.state.path()).unwrap();
    folder.lock().unwrap();
    let terminal = Terminal::full_screen(&server, &[]);
    terminal.has("your name:");
    terminal.types("alice\rx");
    terminal.has("wait: what you type before there is an answer is thrown away");
    terminal.signal("TERM");
    assert_eq!(terminal.end().0, Some(0));
}

/// P13: a client that was killed may be writing still when the next one starts.
#[test]
fn who_is_about_to_end_is_waited_for() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.has("you are alice");
    terminal.signal("KILL");
    assert_eq!(terminal.end().0, None);
    let mut files = fs::read_dir(server.state.path()).unwrap().map(|file| file.unwrap().path());
    let lock = files.find(|path| path.extension().is_some_and(|end| end == "lock")).expect("it is left");
    let lock = fs::File::open(lock).unwrap();
    lock.lock().unwrap();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    let begun = Instant::now();
    // Who waits has the folder open.
    let waits = |pid| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.flat_map(|file| fs::read_link(file.path())).any(|path| path == server.state.path())
    };
    while !waits(terminal.child.id()) {
        assert!(begun.elapsed() < PATIENCE, "it does not wait");
        thread::park_timeout(LOOK_TIME);
    }
    lock.unlock().unwrap();
    terminal.has("resumed: you are still alice");
}
