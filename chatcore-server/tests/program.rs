//! The program: where it listens, how it stops, what it says when it cannot start.

mod support;

use std::io::{self, ErrorKind, PipeWriter};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

use chatcore::wire::{ClientMessage, HubMessage, Preface, Register};
use chatcore::{Closed, Event, GoodbyeCode, RefusalCode};

use support::{PROGRAM, Peer, Server, User};

fn run(flags: &[&str]) -> Output {
    Command::new(PROGRAM).args(flags).env_remove("RUST_LOG").stdin(Stdio::null()).output().expect("it starts")
}

#[test]
fn it_serves_at_each_of_its_addresses() {
    let mut flags = vec!["--listen", "127.0.0.1:0", "--listen", "localhost:0"];
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    if has_ipv6 {
        flags.extend(["--listen", "[::1]:0"]);
    }
    let listeners = flags.len() / 2;
    let mut server = Server::listening(listeners, Command::new(PROGRAM).args(&flags));
    for (i, address) in server.addresses.clone().into_iter().enumerate() {
        assert_ne!(address.port(), 0);
        User::registered(address, &format!("user{i}"));
    }
    server.assert_running();
}

#[test]
fn its_last_words_say_where_to_go_on() {
    let mut server = Server::start(&["--reconnect-after", "1.5", "--reconnect-to", "192.0.2.1:12345"]);
    let mut alice = User::registered(server.address(), "alice");
    server.signal("TERM");
    let Event::Reconnecting { why: closed, .. } = alice.event() else { panic!("something else came first") };
    assert_eq!(closed.to_string(), "the server is shutting down; connect to 192.0.2.1:12345 after 1.5s");
    drop(alice);
    assert_eq!(server.exit_status().code(), Some(0));
}

#[test]
fn a_signal_says_goodbye_to_everybody_and_ends_with_success() {
    for signal in ["TERM", "INT", "QUIT"] {
        let mut server = Server::start(&[]);
        let mut alice = User::registered(server.address(), "alice");
        let mut bob = Peer::registered(server.address(), "bob");
        let mut stranger = Peer::connect(server.address());
        stranger.put(&Preface::OURS.encode());
        let mut silent = Peer::connect(server.address());
        // The server takes in what it is given in order, so it knows the strangers when it knows this one.
        let _last = User::registered(server.address(), "last");

        server.signal(signal);
        match alice.event() {
            Event::Reconnecting { why: Closed::Goodbye { code, .. }, .. } => {
                assert_eq!(code, GoodbyeCode::ShuttingDown);
            }
            other => panic!("{other:?}"),
        }
        bob.assert_goodbye(GoodbyeCode::ShuttingDown);
        stranger.take_preface();
        stranger.assert_goodbye(GoodbyeCode::ShuttingDown);
        silent.assert_end();
        drop((alice, bob, stranger, silent));
        assert_eq!(server.exit_status().code(), Some(0));
        let refused = TcpStream::connect(server.address()).map_err(|error| error.kind());
        assert_eq!(refused.map(drop), Err(ErrorKind::ConnectionRefused));
    }
}

#[test]
fn a_client_that_does_not_go_does_not_keep_the_server() {
    let mut server = Server::start(&["--linger-time-max", "0.2"]);
    let mut alice = Peer::registered(server.address(), "alice");
    server.signal("TERM");
    assert!(matches!(alice.take(), HubMessage::Goodbye(_)));
    // The connection is still open at this end.
    assert_eq!(server.exit_status().code(), Some(0));
    drop(alice);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // Longer than this test waits.
    let mut server = Server::start(&["--linger-time-max", "600"]);
    let mut alice = Peer::registered(server.address(), "alice");
    server.signal("TERM");
    assert!(matches!(alice.take(), HubMessage::Goodbye(_)), "the first has come");
    server.signal("INT");
    let status = server.exit_status();
    #[cfg(unix)]
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(2), "{status}");
    drop(alice);
}

#[test]
fn an_address_in_use_is_named_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&address) && said.contains("in use") && said.contains("another port"), "{said}");
}

#[test]
fn a_name_that_does_not_resolve_is_named_in_one_line() {
    // RFC 6761: no such name exists, whoever is asked.
    let output = run(&["--listen", "nowhere.invalid:0"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.lines().count() == 1 && said.contains("nowhere.invalid:0"), "{said}");
}

#[test]
fn a_wrong_command_line_is_usage_and_says_what_is_right() {
    for (flags, words) in [
        (&["--lisen", "127.0.0.1:0"][..], "--listen"),
        (&["--listen", "12345"], "before the port comes a host: 127.0.0.1:12345"),
        (&["--listen", "127.0.0.1:0", "--body-bytes-max", "0"], "1 to 16777216"),
        (&["--listen", "127.0.0.1:0", "--outbox-bytes-max", "1000"], "outbox_bytes_max"),
        (&["--listen", "127.0.0.1:0", "--connections-max", "0"], "connections-max"),
        (&["--listen", "127.0.0.1:0", "--turn-time", "0"], "turn_time is 0: it must be at least 1 ns"),
        (&["--listen", "127.0.0.1:0", "--turn-time", "1"], "turn_time is 1s: it must be at most 50ms"),
        (&["--listen", "127.0.0.1:0", "--turn-time", "213503982334601d"], "it must be at most 50ms"),
        (&["--listen", "127.0.0.1:0", "--flush-time-max", "213503982334601d"], "it must be at most 49 days"),
        (&["--listen", "127.0.0.1:0", "--linger-time-max", "2h"], "it must be at most 3600s"),
        (&["--listen", "127.0.0.1:0", "--sessions-max", "0"], "sessions_max is 0: it must be at least 1"),
        (&["--listen", "127.0.0.1:0", "--memory-bytes-max", "much"], "memory-bytes-max"),
        (&["--listen", "127.0.0.1:0", "--idle-time-max", "soon"], "30s, 0.5s or 250ms"),
        (&["--listen", "127.0.0.1:0", "--log", "=,=="], "log filter"),
    ] {
        let output = run(flags);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {said}");
        assert!(said.contains(words), "{flags:?}: {said}");
    }
}

#[test]
fn a_reserved_name_is_refused_and_so_is_what_looks_like_it() {
    let mut server = Server::start(&["--reserve-name", "Admin", "--reserve-name", "ace"]);
    let mut mallory = Peer::connect(server.address());
    mallory.put(&Preface::OURS.encode());
    // The last of them is in Cyrillic letters.
    for (tries, name) in ["admin", "ADMIN", "ace", "\u{430}\u{441}\u{435}"].into_iter().enumerate() {
        mallory.say(&ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }));
        if tries == 0 {
            mallory.take_preface();
        }
        match mallory.take() {
            HubMessage::Refused(refused) => assert_eq!(refused.code, RefusalCode::Denied, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    User::registered(server.address(), "face").close();
    server.assert_running();
}

/// Limits of a small server.
const FEW: [&str; 10] = [
    "--sessions-max",
    "100",
    "--connections-max",
    "200",
    "--buffer-bytes-max",
    "67108864",
    "--origin-buffer-bytes-max",
    "67108864",
    "--listen",
    "127.0.0.1:0",
];

#[test]
fn limits_above_the_ceiling_of_memory_are_refused_with_both_numbers_and_the_flags_to_lower() {
    let output = run(&[&FEW[..], &["--memory-bytes-max", "1048576"]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(output.stdout, b"");
    for words in
        ["needs at most", "1.0 MiB (1048576 bytes)", "--sessions-max", "--buffer-bytes-max", "--connections-max"]
    {
        assert!(said.contains(words), "{words:?} in: {said}");
    }

    // What it needs is told, so that the ceiling can be set to it.
    let (_, rest) = said.split_once(" (").unwrap();
    let (needed, _) = rest.split_once(" bytes)").unwrap();
    let mut server = Server::listening(1, Command::new(PROGRAM).args(FEW).args(["--memory-bytes-max", needed]));
    server.logged(&["INFO", "by its limits this server needs at most", "iB of memory"]);
    User::registered(server.address(), "alice").close();
}

#[test]
fn the_log_has_no_colours_when_it_is_not_a_terminal() {
    let mut server = Server::start(&["--log", "trace"]);
    User::registered(server.address(), "alice").close();
    let line = server.logged(&["left", "name=alice"]);
    assert!(!line.contains('\u{1b}'), "{line:?}");
}

/// Where bytes can be written to, but nobody reads them any more.
fn closed_pipe() -> PipeWriter {
    let (_, writer) = io::pipe().unwrap();
    writer
}

#[test]
fn it_serves_when_nobody_reads_where_it_listens() {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--log", "debug"]).stdout(closed_pipe()).stderr(Stdio::piped());
    let mut server = Server::spawn(&mut command);
    let line = server.logged(&["listening", "endpoint="]);
    let (_, address) = line.rsplit_once("endpoint=\"tcp ").unwrap();
    User::registered(address.trim_end_matches('"').parse().unwrap(), "alice").close();
    server.assert_running();
}

#[test]
fn it_serves_when_nobody_reads_its_log() {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--log", "trace"]).stdout(Stdio::piped()).stderr(closed_pipe());
    let mut server = Server::spawn(&mut command);
    server.take_addresses(1);
    User::registered(server.address(), "alice").close();
    User::registered(server.address(), "alice").close();
    server.assert_running();
}
