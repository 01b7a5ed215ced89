//! Signals: none ends the program by accident.

mod support;

use std::fs;

use chatcore::GoodbyeCode;

use support::{Peer, Server, User};

#[test]
fn no_signal_ends_it_by_accident() {
    let mut server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "alice");
    for signal in ["HUP", "USR1", "USR2", "ALRM", "VTALRM", "PIPE"] {
        server.signal(signal);
    }
    server.logged(&["INFO ignored", "signal=SIGALRM"]);
    server.logged(&["INFO ignored", "signal=SIGVTALRM"]);
    alice.tell_oneself("alice");
    server.assert_running();
    let mut bob = Peer::registered(server.address(), "bob");
    server.signal("QUIT");
    bob.assert_goodbye(GoodbyeCode::ShuttingDown);
    drop((alice, bob));
    assert_eq!(server.exit_status().code(), Some(0));
}

/// What a terminal sends when it is closed.
#[test]
fn a_hangup_ends_a_server_at_a_terminal_that_has_no_file() {
    let (_pty, terminal) = pty_process::blocking::open().unwrap();
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&terminal));
    let stdin = fs::File::open(format!("/proc/self/fd/{descriptor}")).unwrap();
    let mut server = Server::start_with_input(stdin);
    let mut alice = Peer::registered(server.address(), "alice");
    server.signal("HUP");
    alice.assert_goodbye(GoodbyeCode::ShuttingDown);
    drop(alice);
    assert_eq!(server.exit_status().code(), Some(0));
}

#[test]
fn usr1_logs_how_much_there_is() {
    let mut server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let _bob = User::registered(server.address(), "bob");
    alice.tell_oneself("alice");
    server.signal("USR1");
    let line = server.logged(&["INFO status"]);
    for words in
        ["users=2", "sessions=2", "connections=2", "rooms=0", "memory_bytes=", "accepted=1", "sessions_begun=2"]
    {
        assert!(line.contains(words), "no {words} in {line}");
    }
}

#[test]
fn usr2_logs_all_and_the_next_one_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("chatcore.toml");
    fs::write(&config, "").unwrap();
    let mut server = Server::start(&["--config", config.to_str().unwrap()]);
    User::registered(server.address(), "alice").close();
    server.logged(&["INFO left"]);
    assert_eq!(server.count_logged(&["DEBUG"]), 0);
    server.signal("USR2");
    server.logged(&["INFO the log changes", "level=debug"]);
    let log_of = |server: &mut Server, name: &str| {
        User::registered(server.address(), name).close();
        server.logged(&["INFO left", &format!("name={name}")]);
        server.count_logged(&["DEBUG connected"])
    };
    // The filter changes after the line that says so.
    while log_of(&mut server, "bob") == 0 {}
    // A reload that changes nothing does not change this.
    fs::write(&config, "nothing = 1").unwrap();
    server.signal("HUP");
    server.logged(&["ERROR", "all settings stay as they are"]);
    server.signal("USR2");
    server.logged(&["INFO the log changes", "level=info"]);
    let mut before = 0;
    while log_of(&mut server, "carol") > before {
        before = server.count_logged(&["DEBUG connected"]);
    }
}
