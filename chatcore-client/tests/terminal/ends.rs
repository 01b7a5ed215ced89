//! How the client ends, and what it leaves behind.

use super::programs::{PATIENCE, Program, Server, exit_code};
use super::pty::{Terminal, read_until};
use super::{WELCOME, message};

/// A program that is told of alice in a room.
fn watcher(server: &Server) -> Program {
    let mut watcher = server.json("watcher", &["--stay"]);
    watcher.write("/join #lobby\n");
    watcher.expect(r##"{"event":"joined","room":"#lobby","name":"watcher"}"##);
    watcher
}

/// Alice, in the room.
fn alice(server: &Server, watcher: &Program) -> Terminal {
    let terminal = Terminal::start(server, &["--name", "alice"]);
    terminal.says(WELCOME);
    terminal.types("/join #lobby\r");
    watcher.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    terminal
}

const QUIT: &str = r##"{"event":"left","room":"#lobby","name":"alice","reason":"quit"}"##;

/// P7 of the faults that were found.
#[test]
fn a_signal_says_goodbye_and_leaves_the_terminal_as_it_was() {
    let server = Server::start();
    let watcher = watcher(&server);
    for signal in ["HUP", "TERM", "INT", "QUIT"] {
        let terminal = alice(&server, &watcher);
        terminal.types("half a line");
        // These mean nothing.
        terminal.signal("USR1");
        terminal.signal("USR2");
        terminal.signal(signal);
        watcher.expect(QUIT);
        terminal.until("the end", |screen| screen.ended);
        assert!(terminal.is_as_it_was());
        assert_eq!(terminal.end().0, Some(0), "{signal}");
    }
}

/// P7 of the faults that were found: the terminal is closed, and nobody is left. Nor is a session to come back to,
/// which is over.
#[test]
fn a_terminal_that_is_closed_is_a_goodbye() {
    let server = Server::start();
    let watcher = watcher(&server);
    for kind in ["dumb", "xterm-256color"] {
        let (mut pty, child) = Terminal::unread_at(kind, &server, &server.address, &["--name", "alice"]);
        // Nobody takes a line before there is a session.
        read_until(&mut pty, "you are alice");
        // The full screen is drawn so often that the terminal, which nobody reads any more, holds not all of it: then
        // its end is an error at once.
        let redrawn = if kind == "dumb" { String::new() } else { "\x0c".repeat(300) };
        std::io::Write::write_all(&mut pty, format!("{redrawn}/join #lobby\r").as_bytes()).unwrap();
        watcher.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
        drop(pty);
        watcher.expect(QUIT);
        // Who is told does not matter: nobody is there.
        exit_code(child);
        let files = std::fs::read_dir(server.state.path()).unwrap().map(|file| file.unwrap().path());
        let is_left = |path: &std::path::PathBuf| path.extension().is_none_or(|end| end != "kept");
        let left: Vec<_> = files.filter(|path| path.to_string_lossy().contains("/alice@") && is_left(path)).collect();
        assert!(left.is_empty(), "{kind}: {left:?}");
    }
}

#[test]
fn the_keys_of_the_terminal_leave_in_good_order() {
    let server = Server::start();
    let watcher = watcher(&server);
    for key in ["\x03", "\x04", "\x1c", "/quit\r", "exit\r"] {
        let terminal = alice(&server, &watcher);
        terminal.types(key);
        watcher.expect(QUIT);
        assert_eq!(terminal.end().0, Some(0), "{key:?}");
    }
}

/// P8 of the faults that were found.
#[test]
fn a_terminal_that_nobody_reads_does_not_keep_the_client_from_its_goodbye() {
    let server = Server::start();
    let watcher = watcher(&server);
    let (mut pty, child) = Terminal::unread(&server, &["--name", "alice"]);
    std::io::Write::write_all(&mut pty, b"/join #lobby\n").unwrap();
    watcher.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    let mut bob = server.user("bob");
    // More than a terminal holds, and more than may wait.
    for _ in 0..100 {
        bob.send("alice", &vec![b'x'; 4000], PATIENCE).unwrap();
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), nix::sys::signal::SIGTERM).unwrap();
    watcher.expect(QUIT);
    // The program measures the time itself: what has not ended within 1.9 s tells the signal.
    assert_eq!(exit_code(child), Some(0));
    drop(pty);
}

/// P7 of the faults that were found.
#[test]
fn a_client_that_was_stopped_goes_on() {
    let server = Server::start();
    let watcher = watcher(&server);
    let (terminal, command) = Terminal::shell(&server, &["--name", "alice"]);
    terminal.types(format!("{command}\r"));
    terminal.says(WELCOME);
    terminal.types("/join #lobby\r");
    watcher.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    let mut bob = server.user("bob");
    terminal.types("\x1a");
    terminal.says("Stopped");
    bob.send("alice", b"meanwhile", PATIENCE).unwrap();
    terminal.types("fg\r");
    terminal.says("<bob> meanwhile");
    terminal.types("@bob:back\r");
    assert_eq!(message(&mut bob), (None, "back".into()));
    // In the background it goes on, but for what is typed, and its goodbye does not need the terminal.
    terminal.types("\x1a");
    terminal.until("the second stop", |screen| screen.said().matches("Stopped").count() == 2);
    terminal.types("bg\r");
    bob.send("alice", b"in the background", PATIENCE).unwrap();
    terminal.says("<bob> in the background");
    // The shell may not have given the terminal back when it has the first line: such a line end counts for both.
    terminal.types("fg\n@bob:in the foreground\n");
    assert_eq!(message(&mut bob), (None, "in the foreground".into()));
    terminal.types("\x1a");
    terminal.until("the third stop", |screen| screen.said().matches("Stopped").count() == 3);
    terminal.types("kill %1\r");
    watcher.expect(QUIT);
}

/// P7 of the faults that were found: without a shell nobody could let it go on.
#[test]
fn a_client_without_a_shell_does_not_stop() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.says(WELCOME);
    terminal.types("\x1a");
    terminal.says("-- nothing could let the program go on here: it does not stop");
    terminal.types("@alice:still here\r");
    terminal.says("<alice> still here");
}

#[test]
fn what_came_before_the_end_is_shown_before_the_end() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice", "--reconnect-for", "0"]);
    terminal.says(WELCOME);
    let mut bob = server.user("bob");
    for i in 0..100 {
        bob.send("alice", format!("message {i}").as_bytes(), PATIENCE).unwrap();
    }
    // The server has them all before it stops.
    for _ in 0..100 {
        assert!(matches!(bob.receive(PATIENCE).unwrap(), Some(chatcore_client::Event::Accepted { .. })));
    }
    server.program.signal("TERM");
    let lines = ["<bob> message 98", "<bob> message 99", "chatcore-client: "];
    terminal.until("the last message and the last words", |screen| {
        let contents = screen.parser.screen().contents();
        let shown: Vec<&str> = contents.trim_end().lines().collect();
        shown.len() >= 3 && shown[shown.len() - 3..].iter().zip(lines).all(|(shown, line)| shown.starts_with(line))
    });
    assert_eq!(terminal.end().0, Some(1));
}

#[test]
fn a_server_that_is_killed_is_told_in_one_line() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice", "--reconnect-for", "0"]);
    terminal.says(WELCOME);
    server.program.signal("KILL");
    let told = format!("chatcore-client: {}: the connection to the server broke", server.address);
    terminal.shows(&[WELCOME, &told]);
    assert_eq!(terminal.end().0, Some(1));
}
