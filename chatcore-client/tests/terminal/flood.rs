//! Ten thousand messages a second, in the room that somebody looks at and in another one.
//!
//! `cargo test --release -p chatcore-client --test terminal -- --nocapture figures` measures.

/// Of a program that is not optimized, no figure says anything.
#[cfg(not(debug_assertions))]
mod figures;
mod line_rate;

use std::cell::Cell;
use std::fs;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chatcore_client::Connection;

use super::programs::{PATIENCE, Server};
use super::pty::{Screen, Terminal};

/// Messages of all rooms in a second, at the most: a slow machine has fewer.
const PER_SECOND: u32 = 10_000;

/// One of so many goes to the room that nobody looks at.
const ELSEWHERE: usize = 4;

/// Without a list of conversations the status counts to the last message.
const SIZE: (u16, u16) = (24, 60);

/// What comes before the number of a message.
const SIGN: &str = "n=";

/// Digits of a number.
const DIGITS: usize = 6;

/// A server that bounds nobody's rate, and alice, who looks at a room.
fn alice() -> (Server, Terminal) {
    let server = Server::start_with(&["--session-cost-per-s", "0", "--origin-cost-per-s", "0"]);
    let terminal = Terminal::full_screen_at(&server, &server.address, SIZE, &["--name", "alice"]);
    terminal.has("you are alice");
    for room in ["#garden", "#lobby"] {
        terminal.types(format!("/join {room}\r"));
        terminal.prompts(&format!("{room}>"));
    }
    (server, terminal)
}

/// Bob sends so many messages, each with its number.
fn flood(server: &Server, count: usize) -> JoinHandle<()> {
    let mut bob: Connection = server.user("bob");
    for room in ["#lobby", "#garden"] {
        bob.join(room, PATIENCE).unwrap();
    }
    let (sender, mut receiver) = bob.split();
    // The answers are taken, so that there is room for further requests.
    let answers = thread::spawn(move || while receiver.receive(PATIENCE).is_ok_and(|event| event.is_some()) {});
    thread::spawn(move || {
        let begun = Instant::now();
        for number in 0..count {
            let room = if number % ELSEWHERE == 0 { "#garden" } else { "#lobby" };
            let body = format!("{SIGN}{number:0DIGITS$} {}", "some words ".repeat(6));
            sender.send(room, body.as_bytes(), PATIENCE).unwrap();
            let due = begun + Duration::from_secs(1) * u32::try_from(number).unwrap() / PER_SECOND;
            // It may end early: what counts is that the messages do not all come at once.
            thread::park_timeout(due.saturating_duration_since(Instant::now()));
        }
        sender.close(PATIENCE).unwrap();
        answers.join().unwrap();
    })
}

/// The number of the newest message on the screen.
fn newest(screen: &Screen) -> Option<usize> {
    screen.contents().rsplit_once(SIGN).and_then(|(_, rest)| rest.get(..DIGITS)?.parse().ok())
}

/// What the program takes of the machine's memory, in bytes.
fn resident(terminal: &Terminal) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", terminal.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// Types a letter, and waits until the prompt has it. Returns the newest message of that picture.
fn echo(terminal: &Terminal, typed: &mut String, letter: char) -> usize {
    typed.push(letter);
    terminal.types(letter.to_string());
    let (line, at) = (format!("#lobby> {typed}"), Cell::new(0));
    terminal.until(&format!("the prompt {line:?}"), |screen| {
        let contents = screen.contents();
        let is_there = contents.trim_end().lines().last().is_some_and(|last| last.trim_end() == line);
        at.set(newest(screen).unwrap_or(0));
        is_there
    });
    at.get()
}

/// Types until three quarters of so many messages are shown. Returns how many come between a key and the picture with
/// it, at the least.
fn quickest_echo(terminal: &Terminal, count: usize, mut look: impl FnMut()) -> usize {
    terminal.until("the flood", |screen| newest(screen).is_some());
    let (mut typed, mut quickest) = (String::new(), usize::MAX);
    let mut last = newest(&terminal.screen()).unwrap();
    while last < count * 3 / 4 {
        // The line is to fit.
        if typed.len() == 20 {
            typed.clear();
            terminal.types("\x15");
            terminal.prompts("#lobby>");
            last = last.max(newest(&terminal.screen()).unwrap_or(last));
        }
        let at = echo(terminal, &mut typed, 'x');
        quickest = quickest.min(at.saturating_sub(last));
        last = last.max(at);
        look();
    }
    quickest
}

#[test]
fn keys_are_echoed_while_messages_flood_in_and_each_is_counted() {
    const COUNT: usize = 30_000;
    // The time of an echo is that of the machine, which others use as well, and a terminal that is read late holds up
    // pictures. So the quickest echo counts, and in messages that are shown between the key and it: a program that
    // takes all that has come before it looks at keys shows nearly all of them before the first.
    const BETWEEN_MAX: usize = COUNT / 10;
    // Ten thousand of them, with what is beside them, and pictures.
    const GROWTH_BYTES_MAX: usize = 32 << 20;
    let (server, terminal) = alice();
    let before = resident(&terminal);
    let flooding = flood(&server, COUNT);
    let quickest = quickest_echo(&terminal, COUNT, || ());
    assert!(quickest <= BETWEEN_MAX, "{quickest} messages before the quickest echo");
    flooding.join().unwrap();
    let unread = format!("{} unread", COUNT / ELSEWHERE);
    let newest_number = COUNT - 1;
    terminal
        .until("all messages", |screen| screen.contents().contains(&unread) && newest(screen) == Some(newest_number));
    let growth = resident(&terminal).saturating_sub(before);
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");
    terminal.types("\x15/quit\r");
    assert_eq!(terminal.end().0, Some(0));
}
