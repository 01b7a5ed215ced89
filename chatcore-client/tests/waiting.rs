//! What the program says and does while a server is silent, gone, answers a program before it, or gives its name to
//! somebody else.

mod programs;
mod scripted;

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use chatcore_client::chatcore::wire::{
    Accepted, AcceptedRun, ClientMessage, Done, Goodbye, HubMessage, MessageId, Online, PREFACE_BYTES, ReconnectHint,
    Refused, Resumed, UserInfo,
};
use chatcore_client::chatcore::{GoodbyeCode, RefusalCode};
use programs::{Program, Server, client, client_keeping, run};
use serde_json::json;

use self::scripted::{LIMITS, accept, hear, listen, say, welcome};

/// A program that has its name, and its server at the listener.
fn registered(listener: &TcpListener, args: &[&str]) -> (Program, TcpStream) {
    let address = listener.local_addr().unwrap().to_string();
    let alice = client(&[&["--connect", &address, "--json", "--name", "alice", "--stay"], args].concat());
    let mut server = accept(listener);
    welcome(&mut server);
    alice.expect(r#"{"event":"registered","name":"alice"}"#);
    (alice, server)
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

/// P7: who stays until the server has stopped is told of what did not go out, and not that all went well.
#[test]
fn a_line_that_was_not_sent_before_the_server_stopped_for_good_is_an_error() {
    let (listener, _) = listen();
    let (mut alice, mut server) = registered(&listener, &["--reconnect-for", "3"]);
    let goodbye = Goodbye { code: GoodbyeCode::ShuttingDown, detail: "", reconnect: None };
    say(&mut server, &HubMessage::Goodbye(goodbye));
    drop((server, listener));
    assert_eq!(alice.event()["event"], "reconnecting");
    alice.write("@bob:x\n");
    let (status, stdout, stderr) = alice.end();
    assert_eq!(status.code(), Some(1), "{stderr:?}");
    assert_eq!(stderr[0], "chatcore-client: to bob, was not sent: x");
    assert_eq!(stdout.last().unwrap(), r#"{"event":"closed","reason":"not_sent"}"#);
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

/// What a client waits for a first answer if nobody says how long, and more: the machine may be busy.
const TOO_LONG: Duration = Duration::from_secs(10);

/// P15: an option bounds the wait for a server that takes connections and says nothing, and what was to be said to it
/// is named.
#[test]
fn a_server_that_never_answers_is_given_up_in_time_and_what_was_not_sent_is_named() {
    let (_listener, address) = listen();
    let address = address.to_string();
    let input = "@bob:one\n#lobby:two\nto nobody\n/join #garden\nthree\n/who\n@bob:four";
    let named = ["to bob, was not sent: one", "to #lobby, was not sent: two", "to #garden, was not sent: three"];
    for (address, why) in [
        (address.clone(), format!("{address}: nothing was heard from the server for too long")),
        (
            format!("tls://{address}"),
            format!("cannot connect to tls://{address}: no answer within 3s; is a server running there?"),
        ),
    ] {
        let begun = Instant::now();
        let args =
            ["--connect", &address, "--name", "alice", "--json", "--connect-timeout", "3", "--reconnect-for", "60"];
        let (code, stdout, stderr) = run(&args, input);
        assert!(begun.elapsed() < TOO_LONG, "{address}: {:?}", begun.elapsed());
        assert_eq!(code, 1);
        assert_eq!(stdout.len(), 1, "{stdout:?}");
        assert!(stdout[0].starts_with(r#"{"event":"closed","reason":"#), "{stdout:?}");
        let lines = named.iter().copied().chain(["to bob, was not sent: four", &why]);
        let lines: Vec<String> = lines.map(|line| format!("chatcore-client: {line}")).collect();
        assert_eq!(stderr, lines);
    }
}

#[test]
fn of_much_that_was_not_sent_the_first_is_named_and_the_rest_is_counted_or_told() {
    let (_listener, address) = listen();
    let address = address.to_string();
    for (lines, rest) in [
        (30, "and 10 more messages"),
        (1_000, "and 180 more messages\nthe rest of the input was not read: nothing of it was sent"),
    ] {
        let input = (0..lines).map(|line| format!("@bob:{line}\n")).collect::<Vec<_>>().concat();
        let (code, _, stderr) = run(&["--connect", &address, "--name", "alice", "--connect-timeout", "3"], &input);
        let told: Vec<&str> = stderr.iter().map(|line| line.strip_prefix("chatcore-client: ").unwrap()).collect();
        assert_eq!((code, told[0], told[19]), (1, "to bob, was not sent: 0", "to bob, was not sent: 19"));
        let why = format!("{address}: nothing was heard from the server for too long");
        assert_eq!(told[20..].join("\n"), format!("{rest}\n{why}"));
    }
}

#[test]
fn whatever_ends_a_connection_is_told_with_the_address() {
    let (listener, address) = listen();
    let server = thread::spawn(move || {
        let mut server = listener.accept().unwrap().0;
        server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
        server.write_all(b"220 mail.example ESMTP\r\n").unwrap();
    });
    let (code, _, stderr) = run(&["--connect", &address.to_string(), "--name", "alice"], "");
    server.join().unwrap();
    assert_eq!((code, stderr.len()), (1, 1), "{stderr:?}");
    let told = format!("chatcore-client: {address}: the server speaks an unknown protocol");
    assert!(stderr[0].starts_with(&told), "{stderr:?}");
}

/// P8, P15: a script that is told to end before there is a session does not lose its input in silence.
#[test]
fn a_signal_before_there_is_a_session_leaves_a_word_on_what_was_not_sent() {
    let (listener, address) = listen();
    let mut alice = client(&["--connect", &address.to_string(), "--name", "alice", "--json"]);
    let mut server = accept(&listener);
    hear(&mut server, |message| matches!(message, ClientMessage::Register(_)));
    // More than a pipe holds and is read at once: when it is written, the first of it has been read.
    alice.write(&"@bob:hello\n".repeat(15_000));
    alice.signal("TERM");
    let (status, stdout, stderr) = alice.end();
    assert_eq!((status.code(), stderr[0].as_str()), (Some(1), "chatcore-client: to bob, was not sent: hello"));
    assert_eq!(stdout, [r#"{"event":"closed","reason":"not_sent"}"#]);
}

/// A server may give a name to two programs of a machine: then it matters that one alone keeps the session.
#[test]
fn who_gets_a_name_that_another_program_here_has_is_told_that_nothing_is_kept() {
    let (listener, address) = listen();
    let state = tempfile::tempdir().unwrap();
    let (address, folder) = (address.to_string(), state.path().to_str().unwrap());
    let start = || client_keeping(&["--connect", &address, "--state-dir", folder, "--json", "--name", "alice"]);
    let first = start();
    let mut server = accept(&listener);
    welcome(&mut server);
    first.expect(r#"{"event":"registered","name":"alice"}"#);
    let second = start();
    let mut server_of_second = accept(&listener);
    welcome(&mut server_of_second);
    let event = second.event();
    let holder = format!("the process {} has the session of alice", first.id());
    assert_eq!(event["reason"], "not_kept");
    assert!(event["detail"].as_str().unwrap().contains(&holder), "{event}");
    second.expect(r#"{"event":"registered","name":"alice"}"#);
}

#[test]
fn an_attempt_without_an_answer_is_told_with_the_address() {
    let (listener, address) = listen();
    let alice = client(&["--connect", &address.to_string(), "--name", "alice", "--stay", "--connect-timeout", "3"]);
    let mut server = accept(&listener);
    welcome(&mut server);
    alice.expect("-- you are alice; /help lists the commands");
    drop(server);
    let broke = alice.line();
    assert!(broke.starts_with("-- the connection to the server broke; reconnecting in "), "{broke}");
    let _mute = listener.accept().unwrap();
    let told = alice.line();
    let words = format!("-- {address}: nothing was heard from the server for too long; reconnecting in ");
    assert!(told.starts_with(&words), "{told}");
}
