//! The configuration file, as the program takes it.

mod programs;

use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;

use programs::{PATIENCE, Server, environment};
use serde_json::json;

/// A configuration beside the sessions, whose server `work` is this one.
fn config(server: &Server, keys: &str) -> String {
    let path = server.state.path().join("client.toml");
    let text = format!("default = \"work\"\n[servers.work]\nconnect = \"{}\"\n{keys}", server.address);
    fs::write(&path, text).expect("the folder is ours");
    path.to_str().expect("it is text").into()
}

/// A client that is told nothing but where its files are.
fn client(server: &Server, config: &str, args: &[&str]) -> programs::Program {
    let state = server.state.path().to_str().expect("it is text");
    programs::client_keeping(&[&["--json", "--state-dir", state, "--config", config], args].concat())
}

#[test]
fn a_server_of_the_file_needs_no_flags() {
    let server = Server::with_passwords(&[("alice", "secret")], &["--guests", "no"]);
    let secret = server.state.path().join("secret");
    fs::write(&secret, "secret\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let keys = "name = \"alice\"\npassword_file = \"secret\"\nrooms = [\"#Lobby\", \"#builds\"]\n";
    let config = config(&server, keys);
    for args in [&["work"][..], &[]] {
        let mut alice = client(&server, &config, args);
        alice.expect(r#"{"event":"registered","name":"alice"}"#);
        alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
        alice.expect(r##"{"event":"joined","room":"#builds","name":"alice"}"##);
        alice.write("hello\n");
        alice.expect(r##"{"event":"accepted","to":"#lobby"}"##);
        alice.signal("TERM");
        alice.end();
    }
}

#[test]
fn a_session_that_goes_on_is_in_its_rooms_already() {
    let server = Server::start();
    let config = config(&server, "name = \"alice\"\nrooms = [\"#lobby\"]\n");
    let mut alice = client(&server, &config, &[]);
    alice.expect(r#"{"event":"registered","name":"alice"}"#);
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    alice.signal("KILL");
    drop(alice.end());
    alice = client(&server, &config, &[]);
    alice.expect(r#"{"event":"resumed","name":"alice"}"#);
    alice.write("/who\n");
    alice.expect(r#"{"event":"online","names":["alice"]}"#);
}

#[test]
fn a_flag_goes_before_a_variable_and_that_before_the_file() {
    let server = Server::start();
    let config = config(&server, "name = \"alice\"\n");
    let variable = format!("export CHATCORE_NAME=bob CHATCORE_CLIENT_CONFIG='{config}'");
    server.client_after(&variable, &["--json", "work"]).expect(r#"{"event":"registered","name":"bob"}"#);
    let carol = server.client_after(&variable, &["--json", "work", "--name", "carol"]);
    carol.expect(r#"{"event":"registered","name":"carol"}"#);
    server
        .client_after(&format!("export CHATCORE_CLIENT_CONFIG='{config}'"), &["--json", "work"])
        .expect(r#"{"event":"registered","name":"alice"}"#);
}

#[test]
fn what_is_wrong_with_the_file_is_told_before_anything_is_done() {
    let server = Server::start();
    let config = config(&server, "name = 5\nnmae = \"alice\"\n");
    let (status, stdout, stderr) = client(&server, &config, &["work"]).end();
    assert_eq!((status.code(), stdout.len(), stderr.len()), (Some(2), 0, 2), "{stderr:?}");
    assert!(
        stderr[0].starts_with(&format!("chatcore-client: {config}:4: name of [servers.work] is a number")),
        "{stderr:?}"
    );
    assert!(stderr[1].starts_with(&format!("chatcore-client: {config}:5: there is no key \"nmae\"")), "{stderr:?}");
    let (status, _, stderr) = client(&server, "/no/such/file", &[]).end();
    assert_eq!((status.code(), stderr.len()), (Some(2), 1), "{stderr:?}");
}

#[test]
fn where_no_keyring_is_a_word_says_so() {
    let server = Server::start();
    let config = config(&server, "name = \"alice\"\nkeyring = true\n");
    for args in [&["work"][..], &["work", "--set-password"], &["work", "--forget-password"]] {
        // What would lead to a keyring of whoever runs the tests.
        let mut alice = server.client_after(
            "unset DBUS_SESSION_BUS_ADDRESS; export XDG_RUNTIME_DIR=/nonexistent",
            &[&["--json", "--config", &config], args].concat(),
        );
        alice.write("opensesame\n");
        let (status, stdout, stderr) = alice.end();
        assert_eq!(status.code(), Some(1), "{args:?}");
        assert_eq!(stdout, [r#"{"event":"closed","reason":"no_password"}"#]);
        assert!(stderr[0].contains("keyring") && stderr[0].contains("--password-file FILE"), "{args:?}: {stderr:?}");
        assert!(!stderr[0].contains("opensesame"));
    }
    let (status, _, stderr) = server.client(&["--keyring"]).end();
    assert!(status.code() == Some(2) && stderr.iter().any(|line| line.contains("whose password is it?")), "{stderr:?}");
}

const ROWS: NonZero<u16> = NonZero::new(24).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();

/// A client on the whole screen of a terminal, until something is to be seen and it has left.
fn on_screen(server: &Server, config: &str, keys: &str, seen: &str) {
    let (pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(ROWS.get(), COLUMNS.get())).unwrap();
    let mut client = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_chatcore-client"))
        .args(["--config", config, "work", "--state-dir", server.state.path().to_str().unwrap()])
        .env_clear()
        .envs(environment())
        .env("TERM", "xterm-256color")
        .spawn(pts)
        .unwrap();
    let (sender, screens) = channel();
    let (pty, keys) = (std::sync::Arc::new(pty), keys.to_owned());
    let reading = std::sync::Arc::clone(&pty);
    thread::spawn(move || {
        let (mut parser, mut buffer) = (vt100::Parser::new(ROWS, COLUMNS, 0), [0; 4096]);
        while let Ok(count @ 1..) = (&*reading).read(&mut buffer) {
            parser.process(&buffer[..count]);
            if sender.send(parser.screen().contents()).is_err() {
                return;
            }
        }
    });
    let mut last = String::new();
    let mut wait = |words: &str| {
        while !last.contains(words) {
            last = screens.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {words:?} in {last}"));
        }
    };
    wait("#lobby");
    (&*pty).write_all(keys.as_bytes()).unwrap();
    wait(seen);
    let pid = client.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(client.wait().unwrap().success());
}

/// The file of what is kept.
fn kept(folder: &Path) -> Option<PathBuf> {
    let mut paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.to_str().unwrap().contains(".kept"))
}

#[test]
fn what_was_typed_and_not_sent_is_there_the_next_time() {
    let server = Server::start();
    let config = config(&server, "name = \"alice\"\nrooms = [\"#lobby\"]\n");
    on_screen(&server, &config, "half a sentence", "half a sentence");
    let file = kept(server.state.path()).expect("the draft is kept");
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!((&kept["drafts"]["#lobby"], kept.get("history")), (&json!("half a sentence"), None));
    on_screen(&server, &config, " more", "half a sentence more");
}

#[test]
fn what_was_said_is_there_the_next_time_if_the_file_says_so() {
    let server = Server::start();
    let keys = "name = \"alice\"\nrooms = [\"#lobby\"]\n";
    // Somebody says it while alice is away for a moment: it comes when her session goes on.
    let away = |text: &str| {
        let alice = client(&server, &config(&server, keys), &[]);
        alice.event();
        // By the time of an answer the session is saved.
        alice.event();
        alice.signal("KILL");
        drop(alice.end());
        let mut bob = server.json("bob", &[]);
        bob.write(&format!("@alice:{text}\n"));
        bob.expect(r#"{"event":"accepted","to":"alice"}"#);
        bob.write("/quit\n");
        bob.end();
    };
    away("not for ever");
    on_screen(&server, &config(&server, keys), "", "bob");
    let is_written = |text: &str| {
        let files = fs::read_dir(server.state.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).any(|path| fs::read_to_string(path).unwrap().contains(text))
    };
    assert!(!is_written("not for ever"));
    away("remember this");
    on_screen(&server, &config(&server, &format!("{keys}history = true\n")), "", "bob");
    assert!(is_written("remember this"));
    // A run that keeps nothing of what is said leaves alone what others have kept.
    on_screen(&server, &config(&server, keys), "", "#lobby");
    assert!(is_written("remember this"));
    on_screen(&server, &config(&server, &format!("{keys}history = true\n")), "", "bob");
}
