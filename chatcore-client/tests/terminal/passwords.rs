//! What is typed and not shown.

use std::fs;
use std::io::Write;

use super::programs::proxy::Proxy;
use super::programs::{NOWHERE, PATIENCE, Server};
use super::pty::{Screen, Terminal};
use super::{WELCOME, message};

const PROMPT: &str = "-- password for alice, or nothing for another name:";

/// Nothing of these was ever shown.
fn assert_unseen(raw: &[u8], secrets: &[&str]) {
    let said = String::from_utf8_lossy(raw);
    assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
}

#[test]
fn a_person_is_asked_for_a_password_when_the_server_wants_one() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let terminal = Terminal::start(&server, &[]);
    terminal.shows(&["-- your name:"]);
    terminal.types("alice\r");
    terminal.until("the reason", |screen| screen.said().contains("the name needs a password"));
    terminal.shows(&[PROMPT]);
    terminal.types("mistake\r");
    terminal.says("the credential does not give the right");
    terminal.until("the second prompt", |screen| screen.said().matches(PROMPT).count() == 2);
    // P1: a key that leaves a sequence in the line makes no password, and what follows is not shown either.
    terminal.types("sec\x1b[Aret\r");
    terminal.until("the third prompt", |screen| screen.said().matches(PROMPT).count() == 3);
    terminal.types("secret\r");
    terminal.says(WELCOME);
    terminal.types("@alice:seen\r");
    terminal.says("@alice:seen");
    terminal.says("<alice> seen");
    terminal.types("/quit\r");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0));
    assert_unseen(&raw, &["secret", "mistake", "sec", "ret\r"]);
}

#[test]
fn what_was_typed_before_is_no_password() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let terminal = Terminal::start(&server, &[]);
    terminal.shows(&["-- your name:"]);
    terminal.types("alice\rone\rtwo\rthree\rfour\rfive\rsix\rseven\r");
    terminal.says(PROMPT);
    // How late the lines before it come to the program is the system's affair.
    terminal.types_until("secret\r", WELCOME);
    terminal.types("/quit\r");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0));
    let said = String::from_utf8_lossy(&raw);
    assert!(!said.contains("the credential does not give the right"), "{said}");
}

/// A server to which alice has this password, and where it opens a WebSocket: such a connection takes more than the
/// system does by itself.
fn web_server(password: &str) -> (Server, String) {
    let server = Server::with_passwords(&[("alice", password)], &["--listen", "ws://127.0.0.1:0/"]);
    let line = server.program.line();
    let place = line.strip_prefix("listening on ws ").and_then(|rest| rest.split(['/', ' ']).next());
    let place = place.unwrap_or_else(|| panic!("{line}")).to_owned();
    (server, place)
}

/// What follows a password at once may be another try, which nobody is to read.
#[test]
fn a_second_try_that_was_typed_ahead_is_no_message_that_was_not_sent() {
    let ((server, place), (_next, next_place)) = (web_server("secret"), web_server("0ther"));
    let proxy = Proxy::start(&place, 0, 0);
    let address = format!("ws://{}/", proxy.address);
    let terminal = Terminal::start_at(&server, &address, &["--name", "alice"]);
    terminal.says(PROMPT);
    terminal.types("secret\r");
    terminal.says(WELCOME);
    proxy.lead_to(NOWHERE);
    proxy.cut();
    terminal.says("reconnecting in");
    // Text would go there.
    terminal.types("/join #lobby\r");
    terminal.says("what names no recipient goes to #lobby");
    proxy.lead_to(&next_place);
    terminal.until("the second question", |screen| screen.said().matches(PROMPT).count() == 2);
    proxy.freeze();
    let attempts = |screen: &Screen| screen.said().matches("-- connecting to ").count();
    let before = attempts(&terminal.screen());
    terminal.types("mistake\rs3cond\r");
    // The first is on its way, and both are read.
    terminal.until("another connection", |screen| attempts(screen) > before);
    terminal.signal("TERM");
    let (code, raw) = terminal.end();
    assert_unseen(&raw, &["secret", "mistake", "s3cond"]);
    assert_eq!(code, Some(0), "nothing was to be sent");
}

#[test]
fn a_second_try_that_was_typed_ahead_is_said_to_nobody() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let proxy = Proxy::start(&server.address, 0, 0);
    let config = server.state.path().join("client.toml");
    let text = format!("[servers.work]\nconnect = \"{}\"\nname = \"alice\"\nrooms = [\"#lobby\"]\n", proxy.address);
    fs::write(&config, text).unwrap();
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    let terminal = Terminal::start_at(&server, &proxy.address, &["--config", config.to_str().unwrap(), "work"]);
    terminal.says(PROMPT);
    proxy.freeze();
    terminal.types("secret\rs3cond\r");
    terminal.says("no answer yet");
    proxy.thaw();
    terminal.says("nothing was sent: what you typed before you had the name may be a password");
    terminal.says("[#lobby] alice joined");
    terminal.types("hello\r");
    assert_eq!(message(&mut bob), (Some("#lobby".into()), "hello".into()));
    terminal.types("/quit\r");
    assert_unseen(&terminal.end().1, &["secret", "s3cond"]);
}

#[test]
fn an_end_is_an_end_before_a_password_is_asked_for_and_after() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.types("\x04");
    terminal.until("the end or the question", |screen| screen.ended || screen.said().contains(PROMPT));
    // What nobody had read when the question came is dropped with it.
    let _ = (&*terminal.pty).write_all(b"\x04");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn who_has_no_password_takes_another_name() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.says(PROMPT);
    terminal.types("\r");
    terminal.shows(&["-- your name:"]);
    terminal.types("bob\r");
    terminal.says("-- you are bob; /help lists the commands");
}

#[test]
fn a_password_can_be_asked_for_first() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let terminal = Terminal::start(&server, &["--name", "alice", "--password"]);
    terminal.shows(&["password for alice:"]);
    terminal.types("secret\r");
    terminal.says(WELCOME);
    terminal.types("/quit\r");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0));
    assert_unseen(&raw, &["secret"]);
}

#[test]
fn who_leaves_at_the_question_for_a_password_finds_the_terminal_as_it_was() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    for (args, prompt, key, code) in [
        (&["--name", "alice"][..], PROMPT, "\x03", Some(0)),
        (&["--name", "alice"], PROMPT, "\x1c", Some(0)),
        (&["--name", "alice"], PROMPT, "\x04", Some(0)),
        (&["--name", "alice", "--password"], "password for alice:", "\x03", None),
    ] {
        let terminal = Terminal::start(&server, args);
        terminal.says(prompt);
        terminal.types(key);
        terminal.until("the end", |screen| screen.ended);
        assert!(terminal.is_as_it_was(), "{key:?}");
        assert_eq!(terminal.end().0, code, "{key:?}");
    }
}

/// P7 of the faults that were found.
#[test]
fn a_password_is_asked_for_again_after_a_stop() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let (terminal, command) = Terminal::shell(&server, &["--name", "alice"]);
    terminal.types(format!("{command}\r"));
    terminal.says(PROMPT);
    terminal.types("half\x1a");
    terminal.says("Stopped");
    terminal.types("echo s''een\r");
    terminal.says("seen");
    terminal.types("fg\r");
    terminal.until("the question again", |screen| screen.said().matches(PROMPT).count() == 2);
    terminal.types("secret\r");
    terminal.says(WELCOME);
    terminal.types("/quit\r");
    terminal.until("the shell", |screen| screen.said().ends_with("$ "));
    terminal.types("exit\r");
    assert_unseen(&terminal.end().1, &["secret", "half"]);
}

/// The command asks a person at the terminal, which is its own until it is done.
#[test]
fn a_password_command_may_ask_at_the_terminal() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let command = r#"printf 'ask: ' > /dev/tty; read -r secret < /dev/tty; printf '%s' "$secret""#;
    for start in [Terminal::start, Terminal::full_screen] {
        let terminal = start(&server, &["--name", "alice", "--password-command", command]);
        terminal.says("ask: ");
        terminal.types("secret\r");
        terminal.says("you are alice");
        terminal.types("@alice:seen\r");
        terminal.has("seen");
        terminal.types("/quit\r");
        assert_eq!(terminal.end().0, Some(0));
    }
}
