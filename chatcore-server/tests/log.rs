//! The log of the program: nobody waits for those who read it, and nobody fills it.

mod support;

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Instant;

use chatcore::GoodbyeCode;
use chatcore::wire::{ClientMessage, HubMessage, Preface, Register, Send};
use pty_process::blocking::open;

use support::{PROGRAM, Peer, Server, User};

/// What a pipe holds, on Linux.
const PIPE_BYTES: usize = 64 << 10;

/// A pipe into which nothing fits any more, and which nobody reads.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(&vec![b'\n'; PIPE_BYTES]).unwrap();
    (reader, writer)
}

fn server_that_logs_to(stderr: impl Into<Stdio>) -> Server {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--log-level", "debug"]).stdout(Stdio::piped()).stderr(stderr);
    let mut server = Server::spawn(&mut command);
    server.take_addresses(1);
    server
}

/// Serves more people than their lines find room for, and stops.
fn assert_serves_and_stops(mut server: Server) {
    for count in 0..500 {
        User::registered(server.address(), &format!("user{count}")).close();
    }
    let mut alice = Peer::registered(server.address(), "alice");
    server.signal("TERM");
    alice.assert_goodbye(GoodbyeCode::ShuttingDown);
    drop(alice);
    assert_eq!(server.exit_status().code(), Some(0));
}

#[test]
fn it_serves_and_stops_while_its_log_is_a_full_pipe() {
    let (reader, writer) = full_pipe();
    assert_serves_and_stops(server_that_logs_to(writer));
    drop(reader);
}

#[test]
fn it_serves_and_stops_while_nobody_reads_where_it_listens() {
    let (_reader, writer) = full_pipe();
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--log", "debug"]).stdout(writer).stderr(Stdio::piped());
    let mut server = Server::spawn(&mut command);
    let line = server.logged(&["listening", "endpoint="]);
    let (_, address) = line.rsplit_once("endpoint=\"tcp ").unwrap();
    User::registered(address.trim_end_matches('"').parse().unwrap(), "alice").close();
    server.signal("TERM");
    assert_eq!(server.exit_status().code(), Some(0));
}

/// As one with Ctrl-S.
#[test]
fn it_serves_and_stops_while_its_log_is_a_terminal_that_takes_nothing() {
    let (pty, terminal) = open().unwrap();
    // What the terminal does is done by who reads the other end, and nobody does.
    let name = terminal_path(&terminal);
    let stderr = File::options().write(true).open(name).unwrap();
    assert_serves_and_stops(server_that_logs_to(stderr));
    drop((pty, terminal));
}

/// The path of a terminal.
fn terminal_path(terminal: &impl AsFd) -> std::path::PathBuf {
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&terminal.as_fd());
    std::fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap()
}

#[test]
fn who_comes_and_goes_all_the_time_gets_few_lines_and_the_rest_is_counted() {
    const TIMES: usize = 300;
    let mut server = Server::start(&["--resume-time-max", "0"]);
    let begun = Instant::now();
    for count in 0..TIMES {
        drop(Peer::registered(server.address(), &format!("user{count}")));
    }
    server.signal("TERM");
    assert_eq!(server.exit_status().code(), Some(0));
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let joined = server.count_logged(&["INFO joined ", "peer=127.0.0.1:"]);
    assert!(joined >= 10 && joined <= 10 * (seconds + 2), "{joined} in {seconds} s");
    let rest: usize =
        server.lines_logged(&["INFO joined: and ", " more", "origin=127.0.0.1"]).map(|line| count(&line)).sum();
    assert_eq!(joined + rest, TIMES);
    let left = server.count_logged(&["INFO left ", "name=user"]);
    let rest: usize = server.lines_logged(&["INFO left: and ", "origin=127.0.0.1"]).map(|line| count(&line)).sum();
    assert!(left >= 10 && left <= 10 * (seconds + 2), "{left} in {seconds} s");
    assert_eq!(left + rest, TIMES);
}

/// The number in `and 5 more`.
fn count(line: &str) -> usize {
    let (_, rest) = line.split_once(": and ").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn each_line_of_json_is_an_object() {
    let mut server = Server::start(&["--log-format", "json", "--log-level", "trace"]);
    User::registered(server.address(), "alice").close();
    server.signal("TERM");
    assert_eq!(server.exit_status().code(), Some(0));
    let lines: Vec<String> = server.lines_logged(&[]).collect();
    let objects: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect();
    let joined = objects.iter().find(|object| object["message"] == "joined").expect("alice has joined");
    assert_eq!(joined["level"], "info");
    assert_eq!(joined["target"], "chatcore_server::connections");
    assert_eq!(joined["fields"]["name"], "alice");
    assert!(joined["fields"]["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{joined}");
    assert_eq!(objects.last().unwrap()["message"], "stopped", "the last line is written before the end");
}

#[test]
fn no_line_holds_what_is_written_or_what_proves_who_somebody_is() {
    const BODY: &[u8] = b"kx5vb7 is the body";
    const CREDENTIAL: &[u8] = b"zq7xv9 is the credential";
    let mut server = Server::start(&["--log-level", "trace"]);
    let mut alice = Peer::connect(server.address());
    alice.put(&Preface::OURS.encode());
    let register = |name| Register { name, credential: CREDENTIAL, frame_bytes_max: u32::MAX };
    alice.say(&ClientMessage::Register(register("alice, or who")));
    alice.say(&ClientMessage::Register(register("alice")));
    alice.take_preface();
    assert!(matches!(alice.take(), HubMessage::Refused(_)));
    assert!(matches!(alice.take(), HubMessage::Welcome(_)));
    let mut bob = User::registered(server.address(), "bob");
    bob.send("alice", BODY);
    assert!(matches!(alice.take(), HubMessage::Deliver(_)));
    // A frame that is cut off.
    let whole = support::encode(&ClientMessage::Send(Send { to: "bob", body: BODY }));
    alice.put(&whole[..whole.len() - 1]);
    drop(alice);
    server.logged(&["name=alice", "the connection broke"]);
    server.signal("TERM");
    drop(bob);
    assert_eq!(server.exit_status().code(), Some(0));
    for secret in ["kx5", "5vb7", "zq7", "7xv9", "107, 120", "122, 113", "[6b", "[7a"] {
        assert_eq!(server.lines_logged(&[secret]).collect::<Vec<_>>(), [""; 0], "{secret}");
    }
    assert_eq!(server.count_logged(&["name=alice"]), 2);
}

#[test]
fn a_terminal_gets_colours_but_not_if_somebody_wants_none() {
    for (variable, value, is_coloured) in [("TERM", "xterm", true), ("NO_COLOR", "1", false), ("TERM", "dumb", false)] {
        let (mut pty, terminal) = open().unwrap();
        let stderr = File::options().write(true).open(terminal_path(&terminal)).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["--listen", "127.0.0.1:0"]).env_remove("NO_COLOR").env("TERM", "xterm").env(variable, value);
        let mut server = Server::spawn(command.stdout(Stdio::piped()).stderr(stderr));
        server.take_addresses(1);
        let mut line = Vec::new();
        while !line.ends_with(b"of memory") {
            let mut byte = [0];
            io::Read::read_exact(&mut pty, &mut byte).unwrap();
            line.push(byte[0]);
        }
        assert_eq!(line.contains(&0x1b), is_coloured, "{variable}={value}: {}", line.escape_ascii());
    }
}
