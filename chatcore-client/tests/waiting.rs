//! What the program says and does while a server is silent, gone, answers a program before it, or gives its name to somebody else.

mod announced;
mod programs;

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use chatcore_client::chatcore::wire::{
    Accepted, AcceptedRun, ClientMessage, Done, Online, Refused, Resumed, UserInfo, take,
};
use chatcore_client::chatcore::wire::{
    Goodbye, HubMessage, Message, MessageId, PREFACE_BYTES, Preface, ReconnectHint, Token, Welcome,
};
use chatcore_client::chatcore::{GoodbyeCode, RefusalCode};
use programs::{Program, Server, client, client_keeping};
use serde_json::json;

use self::announced::LIMITS;

fn say(server: &mut TcpStream, message: &HubMessage<'_>) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    server.write_all(&bytes).unwrap();
}

/// Reads until somebody says this.
fn hear(server: &mut TcpStream, is_awaited: impl Fn(&ClientMessage<'_>) -> bool) {
    let (mut heard, mut buffer) = (Vec::new(), [0; 1_000]);
    loop {
        let count = server.read(&mut buffer).unwrap();
        assert!(count > 0, "it says it");
        heard.extend_from_slice(&buffer[..count]);
        let mut rest = &heard[..];
        while let Some(content) = take(&mut rest, LIMITS.frame_bytes_max).unwrap() {
            if ClientMessage::decode(content).unwrap().is_some_and(|message| is_awaited(&message)) {
                return;
            }
        }
    }
}

/// The server's end of the next connection.
fn accept(listener: &TcpListener) -> TcpStream {
    let mut server = listener.accept().unwrap().0;
    server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
    server.write_all(&Preface::OURS.encode()).unwrap();
    server
}

fn welcome(server: &mut TcpStream) {
    let token = Token::from_bytes([7; 16]);
    say(server, &HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits: LIMITS }));
}

/// A program that has its name, and its server at the listener.
fn registered(listener: &TcpListener, args: &[&str]) -> (Program, TcpStream) {
    let address = listener.local_addr().unwrap().to_string();
    let alice = client(&[&["--connect", &address, "--json", "--name", "alice", "--stay"], args].concat());
    let mut server = accept(listener);
    welcome(&mut server);
    alice.expect(r#"{"event":"registered","name":"alice"}"#);
    (alice, server)
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// P9: a link that is half open is told of.
#[test]
fn a_server_that_is_silent_is_told_of_and_so_is_its_answer() {
    let (listener, _) = listen();
    let (mut alice, mut server) = registered(&listener, &[]);
    alice.write("@bob:hello\n");
    let event = alice.event();
    assert_eq!(event["event"], "silent");
    assert!(event["for_ms"].as_u64().unwrap() >= 10_000, "{event}");
    let runs = vec![AcceptedRun { number: 1, id: MessageId(7), more: 0 }];
    say(&mut server, &HubMessage::Accepted(Accepted { runs }));
    alice.expect(r#"{"event":"accepted","to":"bob"}"#);
    alice.expect(r#"{"event":"heard"}"#);
}

#[test]
fn an_answer_to_the_program_before_is_none_to_this_one() {
    let (listener, address) = listen();
    let state = tempfile::tempdir().unwrap();
    let (address, folder) = (address.to_string(), state.path().to_str().unwrap());
    let start = || client_keeping(&["--connect", &address, "--state-dir", folder, "--json", "--name", "alice"]);
    let is_who = |message: &ClientMessage<'_>| matches!(message, ClientMessage::Who(_));
    let mut before = start();
    let mut server = accept(&listener);
    welcome(&mut server);
    before.expect(r#"{"event":"registered","name":"alice"}"#);
    before.write("/who\n");
    hear(&mut server, is_who);
    before.signal("KILL");
    drop(before.end());

    let mut alice = start();
    let mut server = accept(&listener);
    hear(&mut server, |message| matches!(message, ClientMessage::Resume(_)));
    say(&mut server, &HubMessage::Resumed(Resumed { received: 1, sent: 0, limits: LIMITS }));
    alice.expect(r#"{"event":"resumed","name":"alice"}"#);
    alice.write("/who\n");
    hear(&mut server, is_who);
    for (number, name) in [(1, "carol"), (2, "alice")] {
        let users = vec![UserInfo { name, display_name: None }];
        say(&mut server, &HubMessage::Online(Online { number, users, next: None }));
    }
    alice.expect(r#"{"event":"online","names":["alice"]}"#);
}

#[test]
fn where_a_server_is_looked_for_in_vain_is_told_with_the_reason() {
    let (listener, address) = listen();
    let (alice, server) = registered(&listener, &[]);
    drop((server, listener));
    let first = alice.event();
    assert_eq!((&first["event"], &first["error"]), (&json!("reconnecting"), &json!(null)), "it stood");
    let second = alice.event();
    assert!(second["error"].as_str().unwrap().starts_with(&format!("{address}: ")), "{second}");
    assert!(second["error"].as_str().unwrap().contains("refused"), "{second}");
}

#[test]
fn advice_to_another_host_is_followed_if_the_host_is_named() {
    for (args, is_followed) in [(&["--follow", "localhost"][..], true), (&[], false)] {
        let (first, _) = listen();
        // Whichever family the system looks for first.
        let (second, address) = listen();
        let (_alice, mut server) = registered(&first, args);
        let advice = format!("localhost:{}", address.port());
        let reconnect = Some(ReconnectHint { after_ms: 0, address: Some(&advice) });
        say(&mut server, &HubMessage::Goodbye(Goodbye { code: GoodbyeCode::ShuttingDown, detail: "", reconnect }));
        let (there, elsewhere) = if is_followed { (second, first) } else { (first, second) };
        there.accept().unwrap().0.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[test]
fn what_is_no_host_cannot_be_followed() {
    let (status, _, stderr) = client(&["--follow", "tls://a:1", "--name", "alice"]).end();
    assert_eq!(status.code(), Some(2), "{stderr:?}");
    assert!(stderr[0].contains("--follow"), "{stderr:?}");
}

/// A server, and the session of somebody who was killed and has kept nothing.
fn killed(resume_time_max: &str) -> Server {
    let server = Server::start_with(&["--resume-time-max", resume_time_max]);
    let alice = server.json("alice", &["--no-state"]);
    alice.signal("KILL");
    server
}

#[test]
fn a_name_that_is_still_held_is_waited_for() {
    let server = killed("2");
    let args = ["--json", "--name", "alice", "--no-state", "--reconnect-for", "60", "--exit-status"];
    let mut alice = server.client(&args);
    let event = alice.event();
    assert_eq!((&event["event"], &event["reason"]), (&json!("error"), &json!("name_in_use")), "{event}");
    assert!(event["detail"].as_str().unwrap().contains("asking again in"), "{event}");
    alice.expect(r#"{"event":"registered","name":"alice"}"#);
    alice.write("@alice:hello\n");
    let (status, stdout, stderr) = alice.end();
    assert_eq!(status.code(), Some(0), "all that the input asked for was done: {stdout:?} {stderr:?}");
}

#[test]
fn a_name_is_waited_for_no_longer_than_wanted() {
    let server = killed("3600");
    let alice = server.client(&["--json", "--name", "alice", "--no-state", "--reconnect-for", "0.5"]);
    assert_eq!(alice.event()["event"], "error");
    alice.expect(r#"{"event":"closed","reason":"name_in_use"}"#);
    assert_eq!(alice.end().0.code(), Some(1));
}

#[test]
fn who_does_not_wait_for_a_name_is_told_how_long_that_may_take() {
    let server = killed("3600");
    let alice = server.client(&["--json", "--name", "alice", "--no-state"]);
    alice.expect(r#"{"event":"closed","reason":"name_in_use"}"#);
    let (status, _, stderr) = alice.end();
    assert_eq!(status.code(), Some(1));
    assert!(stderr[0].contains("it may be free in") && stderr[0].contains("--reconnect-for"), "{stderr:?}");
}

/// What names no recipient goes where it went, however often sessions are lost before the rooms are joined again.
#[test]
fn text_without_a_recipient_goes_to_the_same_room_after_two_sessions_that_were_lost() {
    let (listener, _) = listen();
    let (mut alice, mut server) = registered(&listener, &[]);
    for (number, room) in [(1, "#zoo"), (2, "#lobby")] {
        alice.write(&format!("/join {room}\n"));
        hear(&mut server, |message| matches!(message, ClientMessage::Join(join) if join.room == room));
        say(&mut server, &HubMessage::Done(Done { number }));
        assert_eq!(alice.event()["event"], "joined");
    }
    for _ in 0..2 {
        drop(server);
        server = accept(&listener);
        hear(&mut server, |message| matches!(message, ClientMessage::Resume(_)));
        let code = RefusalCode::SessionOver;
        say(&mut server, &HubMessage::Refused(Refused { code, detail: "", wait_ms: None }));
        hear(&mut server, |message| matches!(message, ClientMessage::Register(_)));
        welcome(&mut server);
        // It never answers.
        hear(&mut server, |message| matches!(message, ClientMessage::Join(join) if join.room == "#zoo"));
    }
    alice.write("hello\n");
    let to = Cell::new(None);
    hear(&mut server, |message| {
        let ClientMessage::Send(send) = message else { return false };
        to.set(Some(send.to.to_owned()));
        true
    });
    assert_eq!(to.take().as_deref(), Some("#lobby"));
}
