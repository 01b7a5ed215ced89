//! Unix sockets.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use chatcore::wire::{ClientMessage, HubMessage, Send};

use crate::support::{PATIENCE, PROGRAM, Peer, Server};

fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    stream
}

#[test]
fn users_of_a_unix_socket_and_of_tcp_talk_to_each_other() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let path = folder.path().join("chat.sock");
    let listen = format!("unix://{}?mode=640", path.display());
    let mut server = Server::listening(1, Command::new(PROGRAM).args(["--listen", "127.0.0.1:0", "--listen", &listen]));
    assert_eq!(path.metadata().expect("it listens").permissions().mode() & 0o777, 0o640);

    let mut alice = Peer::registered_over(connect(&path), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    // It is longer than what a socket takes at once.
    let body = vec![7; 60_000];
    for _ in 0..20 {
        bob.say(&ClientMessage::Send(Send { to: "alice", body: &body }));
    }
    for _ in 0..20 {
        let HubMessage::Deliver(deliver) = alice.take_beside_acks() else { panic!("a message comes") };
        assert_eq!((deliver.from, deliver.body), ("bob", &body[..]));
    }
    bob.take_accepted(20);
    alice.say(&ClientMessage::Send(Send { to: "bob", body: b"hello" }));
    let HubMessage::Deliver(deliver) = bob.take_beside_acks() else { panic!("a message comes") };
    assert_eq!(deliver.body, b"hello");
    server.logged(&["joined", "peer=unix", "alice"]);

    server.signal("TERM");
    assert!(server.exit_status().success());
    assert!(!path.exists(), "the file goes with the server");
}

#[test]
fn a_server_that_was_killed_leaves_a_socket_that_is_replaced() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let path = folder.path().join("chat.sock");
    let listen = format!("unix://{}", path.display());
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--listen", &listen]);
    let killed = Server::listening(1, &mut command);
    let error = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("the program runs");
    let words = String::from_utf8_lossy(&error.stderr);
    assert!(!error.status.success() && words.contains("the path is in use"), "{words}");
    drop(killed);
    assert!(path.exists(), "nobody had the time to remove it");
    let _again = Server::listening(1, &mut command);
    Peer::registered_over(connect(&path), "alice");
}
