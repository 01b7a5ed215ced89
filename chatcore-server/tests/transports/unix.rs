//! Unix sockets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
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

#[test]
fn a_path_that_is_something_else_is_named_with_what_would_be_right_and_left_alone() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let [file, socket] = ["file", "socket"].map(|name| folder.path().join(name));
    fs::write(&file, "somebody's").expect("the folder is ours");
    // A program that is no server of chatcore.
    let theirs = UnixListener::bind(&socket).expect("nothing is there");
    let nowhere = folder.path().join("none/socket");
    let long = folder.path().join("x".repeat(200));
    for (path, words) in [
        (&file, "what is there is no socket; remove it, or choose another path"),
        (&folder.path().into(), "what is there is no socket"),
        (&socket, "the path is in use; stop the program that serves there"),
        (&nowhere, "its folder is not there; make it"),
        (&long, "the path is too long for a socket; choose a shorter one"),
    ] {
        let output = Command::new(PROGRAM)
            .args(["--listen", "127.0.0.1:0", "--listen", &format!("unix://{}", path.display())])
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
        assert!(said.contains(words) && said.contains(&path.display().to_string()), "{words} in: {said}");
    }
    assert_eq!(fs::read(&file).expect("it is there"), b"somebody's");
    // Whoever served there is still reached.
    theirs.set_nonblocking(true).expect("it is open");
    while theirs.accept().is_ok() {}
    let _peer = UnixStream::connect(&socket).expect("it serves there");
    theirs.accept().expect("somebody has come");
}
