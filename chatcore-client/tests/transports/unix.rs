//! Unix sockets.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::Command;

use chatcore_client::{ConnectError, Connection, Endpoint};

use crate::programs::{PATIENCE, Server, run, timeless};
use crate::{LEFT, registered};

#[test]
fn people_talk_over_a_unix_socket() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let listen = format!("unix://{}", folder.path().join("chat.sock").display());
    let server = Server::listening(&["--listen", &listen]);
    assert_eq!(server.address, listen);
    let bob = server.json("bob", &["--stay"]);
    let body = "x".repeat(60_000);
    let input = format!("@bob:{body}\n").repeat(20);
    let (code, stdout, stderr) = run(&["--connect", &listen, "--name", "alice", "--json"], &input);
    assert_eq!((code, stderr), (0, vec![]));
    let accepted = |line: &String| timeless(line) == r#"{"event":"accepted","to":"bob"}"#;
    assert_eq!(stdout.iter().filter(|line| accepted(line)).count(), 20);
    assert_eq!((stdout[0].as_str(), stdout[21].as_str()), (&*registered("alice"), LEFT));
    for _ in 0..20 {
        assert_eq!(bob.event()["body"], body);
    }
    // Its session is found again, by the path.
    bob.signal("KILL");
    drop(bob);
    let bob = server.client(&["--json", "--name", "bob"]);
    bob.expect(r#"{"event":"resumed","name":"bob"}"#);
}

#[test]
fn a_user_of_the_machine_needs_no_password_for_its_own_name() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let listen = format!("unix://{}", folder.path().join("chat.sock").display());
    let server = Server::listening(&["--listen", &listen, "--unix-users", "yes", "--guests", "no"]);
    let output = Command::new("id").arg("-un").output().expect("id runs");
    let own = String::from_utf8(output.stdout).expect("it is text").trim().to_owned();
    let client = |name: &str| run(&["--connect", &server.address, "--name", name, "--json"], "");
    let (code, stdout, stderr) = client(&own);
    assert_eq!((code, stdout, stderr), (0, vec![registered(&own), LEFT.into()], vec![]));
    let (code, _, stderr) = client("no-such-user");
    assert!(code == 1 && stderr[0].contains(&format!("over this socket you are {own}")), "{stderr:?}");
}

#[test]
fn a_path_that_is_nobodys_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "").unwrap();
    drop(UnixListener::bind(path("stale.sock")).unwrap());
    for name in ["none.sock", "file", "stale.sock"] {
        let address = format!("unix://{}", path(name).display());
        let (code, stdout, stderr) = run(&["--connect", &address, "--name", "alice", "--json"], "");
        assert_eq!((code, stdout), (1, vec![r#"{"event":"closed","reason":"cannot_connect"}"#.to_owned()]));
        let words = format!("chatcore-client: cannot connect to {address}: ");
        assert!(stderr[0].starts_with(&words) && stderr[0].ends_with("is a server running there?"), "{stderr:?}");
        let error = Connection::connect(&address, PATIENCE).unwrap_err();
        assert!(matches!(&error, ConnectError::Connect { address: told, .. } if *told == address), "{error:?}");
    }
}

#[test]
fn a_path_that_is_too_long_is_told_in_one_line() {
    let address: Endpoint = format!("unix:///{}", "x".repeat(200)).parse().unwrap();
    let error = Connection::connect_with(&address, PATIENCE, &chatcore_client::ClientConfig::default()).unwrap_err();
    assert!(matches!(error, ConnectError::Connect { .. }), "{error:?}");
}
