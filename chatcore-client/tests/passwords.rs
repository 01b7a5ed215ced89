//! Logging in with a password, for scripts.

mod programs;

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use programs::{PATIENCE, Server, own_address};
use serde_json::json;

fn registered(name: &str) -> String {
    format!(r#"{{"event":"registered","name":"{name}"}}"#)
}

/// The path of a file with this text beside the sessions.
fn file(server: &Server, text: &str) -> String {
    let path = server.state.path().join("secret");
    fs::write(&path, text).expect("the folder is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    path.to_str().expect("it is text").into()
}

/// What a client says that cannot log in: its last event's reason, and what is on its standard error.
fn fails(server: &Server, args: &[&str]) -> (String, String) {
    let (status, stdout, stderr) = server.client(&[&["--json"], args].concat()).end();
    assert_eq!(status.code(), Some(1), "{stdout:?} {stderr:?}");
    let last: serde_json::Value = serde_json::from_str(stdout.last().expect("it says why")).expect("it is JSON");
    assert_eq!(last["event"], json!("closed"));
    (last["reason"].as_str().expect("there is a reason").into(), stderr.join("\n"))
}

#[test]
fn a_script_logs_in_with_a_password_from_a_file_or_a_command() {
    let server = Server::with_passwords(&[("alice", "secret")], &["--guests", "no"]);
    let path = file(&server, "secret\r\nnot this\n");
    let command = format!("cat {path}; exit 0");
    for source in [["--password-file", &path], ["--password-command", &command]] {
        let client = server.client(&[&["--json", "--name", "alice"], &source[..]].concat());
        client.expect(&registered("alice"));
        client.signal("TERM");
        assert_eq!(client.end().0.code(), Some(0));
    }
}

#[test]
fn without_the_password_a_script_is_told_what_gives_one() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let (reason, words) = fails(&server, &["--name", "alice"]);
    assert_eq!(reason, "denied");
    assert!(words.contains("the name needs a password; --password, --password-file FILE or"), "{words}");
    let path = file(&server, "wrong\n");
    let (reason, words) = fails(&server, &["--name", "alice", "--password-file", &path]);
    assert_eq!(reason, "denied");
    assert!(!words.contains("--password-file") && !words.contains("wrong"), "{words}");
}

#[test]
fn what_gives_no_password_is_told_before_anything_is_asked() {
    let server = Server::start();
    let long = file(&server, &"x".repeat(2_000));
    for (source, words) in [
        (["--password-file", "/no/such/file"], "cannot read the password from /no/such/file: "),
        (["--password-file", &long], "it may have at most 1024 bytes"),
        (["--password-command", "true"], "the password is empty"),
        (["--password-command", "echo secret; exit 3"], "the password command failed: exit status: 3"),
    ] {
        let (reason, said) = fails(&server, &[&["--name", "alice"], &source[..]].concat());
        assert!(reason == "no_password" && said.contains(words) && !said.contains("secret"), "{source:?}: {said}");
    }
    // No argument takes the password itself.
    for args in [&["--name", "alice", "--password", "--password-file", &long][..], &["--password=x"], &["--password"]] {
        let (status, stdout, stderr) = server.client(&[&["--json"], args].concat()).end();
        assert_eq!((status.code(), stdout.len()), (Some(2), 0), "{args:?}: {stderr:?}");
    }
}

#[test]
fn a_client_whose_session_is_over_logs_in_anew() {
    let server = Server::with_passwords(&[("alice", "secret")], &["--guests", "no", "--resume-time-max", "0"]);
    let path = file(&server, "secret\n");
    let args = ["--json", "--name", "alice", "--password-file", &path];
    let mut killed = server.client(&args);
    killed.expect(&registered("alice"));
    // By the time of an answer the session is saved.
    killed.write("/who\n");
    killed.expect(r#"{"event":"online","names":["alice"]}"#);
    killed.signal("KILL");
    drop(killed.end());
    let again = server.client(&args);
    again.expect(r#"{"event":"session_lost"}"#);
    again.expect(&registered("alice"));
}

#[test]
fn a_password_goes_out_over_no_connection_that_others_can_read() {
    let server = Server::start();
    let Some(address) = own_address() else {
        eprintln!("this machine has no address but its own loopback: nothing to try");
        return;
    };
    let listener = TcpListener::bind((address, 0)).expect("it is our address");
    let to = listener.local_addr().expect("it listens").to_string();
    let path = file(&server, "secret\n");
    let client = server.client_at(&to, &["--json", "--name", "alice", "--password-file", &path]);
    let (mut stream, _) = listener.accept().expect("the client connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    let mut heard = Vec::new();
    // It may reset the connection.
    let _ = stream.read_to_end(&mut heard);
    assert!(!heard.windows(6).any(|window| window == b"secret"), "{heard:?}");
    let (status, stdout, stderr) = client.end();
    assert_eq!(
        (status.code(), &stdout[..]),
        (Some(1), &[r#"{"event":"closed","reason":"not_private"}"#.to_owned()][..])
    );
    assert!(stderr[0].contains(&to) && stderr[0].contains("connect over TLS"), "{stderr:?}");
}

#[test]
fn a_password_command_may_write_much_and_its_own_input_is_not_that_of_the_client() {
    let server = Server::with_passwords(&[("alice", "secret")], &["--guests", "no"]);
    let mut client =
        server.client(&["--json", "--name", "alice", "--password-command", "cat; echo secret; seq 100000"]);
    client.write("/who\n");
    client.expect(&registered("alice"));
    assert_eq!(client.event()["event"], json!("online"));
}
