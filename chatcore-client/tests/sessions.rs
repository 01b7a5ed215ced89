//! Sessions that outlive their connections, rooms and presence: real programs over real sockets.

mod programs;

use std::fs;
use std::io::BufRead;
use std::thread;
use std::time::Duration;

use chatcore_client::chatcore::MessageId;
use chatcore_client::{ClientConfig, Connection, Event};
use programs::proxy::Proxy;
use programs::{PATIENCE, Server};
use serde_json::{Value, json};

/// An event without what differs from run to run.
fn plain(mut event: Value) -> Value {
    for field in ["id", "ids", "time", "after_ms"] {
        event.as_object_mut().unwrap().remove(field);
    }
    event
}

/// The next events of a program, without those about its connection.
fn news(program: &programs::Program) -> impl Iterator<Item = Value> {
    let is_news = |event: &Value| !["reconnecting", "resumed"].contains(&event["event"].as_str().unwrap());
    std::iter::repeat_with(|| program.event()).filter(is_news)
}

#[test]
fn twenty_thousand_messages_pass_two_hundred_cuts_once_and_in_order() {
    const COUNT: usize = 20_000;
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 200, 7);
    // No session holds for long enough to begin anew with short waits.
    let often = ["--json", "--reconnect-wait-max", "0.2"];
    let bob = server.client_at(&proxy.address, &[&often[..], &["--name", "bob", "--stay"]].concat());
    assert_eq!(news(&bob).next().unwrap(), json!({"event": "registered", "name": "bob"}));
    let mut alice = server.client_at(&proxy.address, &[&often[..], &["--name", "alice"]].concat());
    let mut input = alice.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        let lines = (0..COUNT).map(|i| format!("@bob:message {i}\n")).collect::<Vec<_>>().concat();
        std::io::Write::write_all(&mut input, lines.as_bytes()).unwrap();
        // It stays open: what a script sends last is not to be lost because it is impatient.
        input
    });
    let mut received = Vec::new();
    for (i, event) in news(&bob).take(COUNT).enumerate() {
        assert_eq!(event["body"], format!("message {i}"), "{event}");
        received.push(event["id"].clone());
    }
    let mut events = Vec::new();
    let is_accepted = |event: &&Value| event["event"] == "accepted";
    let mut count = 0;
    while count < COUNT {
        events.push(alice.event());
        count += usize::from(events.last().as_ref().is_some_and(is_accepted));
    }
    let accepted: Vec<&Value> = events.iter().filter(is_accepted).map(|event| &event["id"]).collect();
    assert!(accepted.iter().eq(&received.iter().collect::<Vec<_>>()), "both know the same ids, in the same order");
    let count = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert!(count("resumed") > 20 && count("reconnecting") >= count("resumed"), "{}", count("resumed"));
    assert_eq!(count("registered"), 1, "the session was one");
    assert_eq!(proxy.cuts_left(), 0);
    drop(writer.join().unwrap());
}

#[test]
fn ids_rise_and_hold_the_time() {
    let server = Server::start();
    let before = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let (mut alice, bob) = (server.json("alice", &[]), server.json("bob", &[]));
    alice.write("@bob:one\n@bob:two\n");
    let events: Vec<Value> = std::iter::repeat_with(|| bob.event()).take(2).collect();
    let accepted: Vec<Value> = std::iter::repeat_with(|| alice.event()).take(2).collect();
    let id = |event: &Value| MessageId(event["id"].as_str().unwrap().parse().unwrap());
    assert!(id(&events[0]) < id(&events[1]));
    for (event, accepted) in events.iter().zip(&accepted) {
        assert_eq!(id(event), id(accepted));
        assert_eq!(u128::from(event["time"].as_u64().unwrap()), id(event).unix_time().as_millis());
    }
    let after = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() + Duration::from_millis(1);
    let time = id(&events[0]).unix_time() + Duration::from_millis(1);
    assert!(before <= time && time <= after, "{before:?} {time:?} {after:?}");
}

#[test]
fn people_meet_in_a_room() {
    let server = Server::start();
    let (mut alice, mut bob) = (server.json("alice", &[]), server.json("bob", &[]));
    alice.write("/join #Lobby\n");
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    bob.write("/join lobby\nhello: all\n/roster\n");
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"bob"}"##);
    alice.expect(r##"{"event":"message","from":"bob","to":"#lobby","body":"hello: all"}"##);
    bob.expect(r##"{"event":"joined","room":"#lobby","name":"bob"}"##);
    bob.expect(r##"{"event":"accepted","to":"#lobby"}"##);
    bob.expect(r##"{"event":"roster","room":"#lobby","names":["alice","bob"]}"##);
    alice.write("#lobby:hello bob\n@bob psst\n/leave\nanybody?\n");
    bob.expect(r##"{"event":"message","from":"alice","to":"#lobby","body":"hello bob"}"##);
    bob.expect(r#"{"event":"message","from":"alice","to":"bob","body":"psst"}"#);
    bob.expect(r##"{"event":"left","room":"#lobby","name":"alice","reason":"left"}"##);
    // That there is no room any more is known here, before the server has answered.
    let mut told: Vec<Value> = std::iter::repeat_with(|| plain(alice.event())).take(4).collect();
    told.sort_by_key(|event| (event["event"] != "error", event["event"] == "left"));
    assert_eq!(told[0]["reason"], "no_room");
    assert_eq!(told[1], json!({"event": "accepted", "to": "#lobby"}));
    assert_eq!(told[2], json!({"event": "accepted", "to": "bob"}));
    assert_eq!(told[3], json!({"event": "left", "room": "#lobby", "name": "alice", "reason": "left"}));
    alice.write("#lobby:still there?\n/roster #lobby\n/join #a:b\n/leave #nowhere\n");
    alice.expect(r##"{"event":"rejected","to":"#lobby","reason":"not_a_member"}"##);
    alice.expect(r##"{"event":"rejected","to":"#lobby","reason":"not_a_member","request":"roster"}"##);
    alice.expect(r##"{"event":"rejected","to":"#a:b","reason":"invalid_name","request":"join"}"##);
    alice.expect(r##"{"event":"rejected","to":"#nowhere","reason":"not_a_member","request":"leave"}"##);
}

#[test]
fn signs_in_full_width_do_what_the_ascii_ones_do() {
    let server = Server::start();
    let (mut alice, mut bob) = (server.json("alice", &[]), server.json("bob", &[]));
    alice.write("／join ＃lobby\n＠bob：hello：／who\n");
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    alice.expect(r#"{"event":"accepted","to":"bob"}"#);
    bob.expect(r#"{"event":"message","from":"alice","to":"bob","body":"hello：／who"}"#);
    bob.write("/join #lobby\n");
    bob.expect(r##"{"event":"joined","room":"#lobby","name":"bob"}"##);
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"bob"}"##);
    alice.write("＃lobby：＠bob：＃x\n");
    bob.expect(r##"{"event":"message","from":"alice","to":"#lobby","body":"＠bob：＃x"}"##);
}

#[test]
fn who_is_watched_comes_and_goes() {
    let server = Server::start();
    let mut alice = server.json("alice", &[]);
    alice.write("/watch Bob carol\n");
    alice.expect(r#"{"event":"presence","name":"bob","online":false}"#);
    alice.expect(r#"{"event":"presence","name":"carol","online":false}"#);
    let mut bob = server.json("bob", &[]);
    alice.expect(r#"{"event":"presence","name":"bob","online":true}"#);
    bob.write("/quit\n");
    alice.expect(r#"{"event":"presence","name":"bob","online":false}"#);
    alice.write("/unwatch bob\n/who\n");
    alice.expect(r#"{"event":"online","names":["alice"]}"#);
    let _bob = server.json("bob", &[]);
    let _carol = server.json("carol", &[]);
    alice.expect(r#"{"event":"presence","name":"carol","online":true}"#);
}

#[test]
fn a_client_that_is_killed_and_started_again_is_its_old_self() {
    let server = Server::start();
    let (mut alice, mut bob) = (server.json("alice", &[]), server.json("bob", &[]));
    bob.write("/join #lobby\n/watch alice\n");
    bob.expect(r##"{"event":"joined","room":"#lobby","name":"bob"}"##);
    bob.expect(r#"{"event":"presence","name":"alice","online":true}"#);
    alice.write("/join #lobby\n");
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    bob.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    alice.signal("KILL");
    drop(alice);

    bob.write("@alice:while you were away\nand here\n");
    bob.expect(r#"{"event":"accepted","to":"alice"}"#);
    bob.expect(r##"{"event":"accepted","to":"#lobby"}"##);
    let mut alice = server.client(&["--json", "--name", "Alice"]);
    alice.expect(r#"{"event":"resumed","name":"alice"}"#);
    // What it had not acknowledged when it was killed comes again.
    let is_message = |event: &Value| event["event"] == "message";
    let mut messages = std::iter::repeat_with(|| plain(alice.event())).filter(is_message);
    let told = [messages.next().unwrap(), messages.next().unwrap()];
    assert_eq!(told[0], json!({"event": "message", "from": "bob", "to": "alice", "body": "while you were away"}));
    assert_eq!(told[1], json!({"event": "message", "from": "bob", "to": "#lobby", "body": "and here"}));
    drop(messages);
    // It knows the room that it was in; nobody noticed anything.
    alice.write("here I am\n/quit\n");
    alice.expect(r##"{"event":"accepted","to":"#lobby"}"##);
    alice.expect(r#"{"event":"closed","reason":"left"}"#);
    bob.expect(r##"{"event":"message","from":"alice","to":"#lobby","body":"here I am"}"##);
    bob.expect(r##"{"event":"left","room":"#lobby","name":"alice","reason":"quit"}"##);
    bob.expect(r#"{"event":"presence","name":"alice","online":false}"#);
    // Who has left is somebody new.
    drop(alice.end());
    server.json("alice", &[]);
}

#[test]
fn a_filter_that_is_killed_while_nobody_reads_its_output_loses_nothing() {
    const COUNT: usize = 10_000;
    let server = Server::start();
    let mut bob = server.unread_client(&["--json", "--name", "bob", "--stay"]);
    let mut printed = std::io::BufReader::new(bob.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(printed.next().unwrap(), r#"{"event":"registered","name":"bob"}"#);
    // From here on nobody reads what bob writes.
    let mut alice = server.user("alice");
    for i in 0..COUNT {
        alice.send("bob", format!("message {i}").as_bytes(), PATIENCE).unwrap();
        while let Some(event) = alice.receive(Duration::ZERO).unwrap() {
            assert!(matches!(event, Event::Accepted { .. }), "{event:?}");
        }
    }
    // Bob has time to take more than its output does, if it would.
    for _ in 0..1_000 {
        alice.send("alice", b"", PATIENCE).unwrap();
        while !matches!(alice.receive(PATIENCE).unwrap(), Some(Event::Message { .. })) {}
    }
    bob.kill().unwrap();
    bob.wait().unwrap();
    // The last line may be torn.
    let number = |line: &str| -> Option<usize> {
        let event: Value = serde_json::from_str(line).ok()?;
        event["body"].as_str()?.strip_prefix("message ")?.parse().ok()
    };
    let printed: Vec<usize> = printed.map_while(|line| number(&line)).collect();
    assert!(printed.iter().copied().eq(0..printed.len()) && printed.len() < COUNT, "{}", printed.len());

    let bob = server.client(&["--json", "--name", "bob", "--stay"]);
    bob.expect(r#"{"event":"resumed","name":"bob"}"#);
    let mut again = std::iter::repeat_with(|| number(&bob.line()).expect("a message"));
    let first = again.next().unwrap();
    assert!(first <= printed.len(), "{} were printed, and it goes on with {first}", printed.len());
    assert!(again.take(COUNT - 1 - first).eq(first + 1..COUNT));
}

#[test]
fn what_a_program_has_not_received_is_there_when_it_comes_back() {
    let server = Server::start();
    let (mut alice, mut bob) = (server.user("alice"), server.user("bob"));
    for i in 0..10_u8 {
        bob.send("alice", &[i], PATIENCE).unwrap();
    }
    let body = |connection: &mut Connection| match connection.receive(PATIENCE).unwrap() {
        Some(Event::Message { body, .. }) => body[0],
        Some(Event::Resumed) => u8::MAX,
        other => panic!("{other:?}"),
    };
    assert_eq!([(); 3].map(|()| body(&mut alice)), [0, 1, 2]);
    // All has come when this is answered, and none of it is acknowledged by that.
    let number = alice.who(0, PATIENCE).unwrap();
    let ticket = alice.detach().unwrap();
    let config = ClientConfig::default();
    let mut alice = Connection::resume(&server.endpoint(), PATIENCE, &config, &ticket, b"").unwrap();
    assert_eq!(body(&mut alice), u8::MAX);
    let first = body(&mut alice);
    assert!(first <= 3, "{first} comes first after request {number}");
    for i in first + 1..10 {
        assert_eq!(body(&mut alice), i);
    }
}

#[test]
fn a_connection_that_breaks_while_nobody_reads_the_output_is_made_again() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let mut bob = server.unread_client_at(&proxy.address, &["--json", "--name", "bob", "--stay"]);
    let mut printed = std::io::BufReader::new(bob.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(printed.next().unwrap(), r#"{"event":"registered","name":"bob"}"#);
    let mut alice = server.user("alice");
    let body = vec![b'x'; 60_000];
    for _ in 0..30 {
        alice.send("bob", &body, PATIENCE).unwrap();
        assert!(matches!(alice.receive(PATIENCE).unwrap(), Some(Event::Accepted { .. })));
    }
    proxy.cut();
    while proxy.open() == 0 {
        thread::yield_now();
    }
    alice.send("bob", b"last", PATIENCE).unwrap();
    assert!(matches!(alice.receive(PATIENCE).unwrap(), Some(Event::Accepted { .. })));
    let events = printed.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let bodies: Vec<String> = events.filter_map(|event| event["body"].as_str().map(str::to_owned)).take(31).collect();
    assert!(bodies[..30].iter().all(|body| body.len() == 60_000));
    assert_eq!(bodies[30], "last");
    bob.kill().unwrap();
    bob.wait().unwrap();
}

#[test]
fn a_filter_whose_output_nobody_reads_ends_when_it_is_told_to() {
    let server = Server::start();
    let mut bob = server.unread_client(&["--json", "--name", "bob", "--stay"]);
    let mut alice = server.user("alice");
    let mut watches = server.json("carol", &[]);
    watches.write("/watch bob\n");
    while watches.event()["online"] != true {}
    for _ in 0..30 {
        alice.send("bob", &vec![b'x'; 60_000], PATIENCE).unwrap();
        assert!(matches!(alice.receive(PATIENCE).unwrap(), Some(Event::Accepted { .. } | Event::Rejected { .. })));
    }
    let told = std::process::Command::new("kill").arg(bob.id().to_string()).status().unwrap();
    assert!(told.success());
    assert_eq!(bob.wait().unwrap().code(), Some(0));
    watches.expect(r#"{"event":"presence","name":"bob","online":false}"#);
}

#[test]
fn a_session_is_not_taken_from_a_client_that_runs() {
    let server = Server::start();
    let mut alice = server.json("alice", &[]);
    let second = server.client(&["--json", "--name", "alice"]);
    second.expect(r#"{"event":"closed","reason":"name_in_use"}"#);
    assert_eq!(second.end().0.code(), Some(1));
    alice.write("/who\n");
    alice.expect(r#"{"event":"online","names":["alice"]}"#);
}

#[test]
fn a_server_that_was_started_again_finds_everybody_where_they_were() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| {
        let client = server.client_at(&proxy.address, &["--json", "--name", name]);
        assert_eq!(client.event(), json!({"event": "registered", "name": name}));
        client
    });
    alice.write("/join #lobby\n/watch bob\n");
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    alice.expect(r#"{"event":"presence","name":"bob","online":true}"#);
    let second = Server::start();
    proxy.lead_to(&second.address);
    server.program.signal("KILL");
    bob.write("@alice:into the void\n");
    // Whether that went out before the connection broke, nobody knows; that it did not come, bob is told.
    let fate = std::iter::repeat_with(|| plain(bob.event()))
        .find(|event| ["rejected", "unanswered", "accepted"].contains(&event["event"].as_str().unwrap()))
        .unwrap();
    let fates = [
        json!({"event": "rejected", "to": "alice", "reason": "not_sent"}),
        json!({"event": "unanswered", "to": "alice"}),
    ];
    assert!(fates.contains(&fate), "{fate}");
    assert_eq!(news(&bob).next().unwrap(), json!({"event": "registered", "name": "bob"}));
    let mut told = news(&alice);
    assert_eq!(told.next().unwrap(), json!({"event": "session_lost"}));
    assert_eq!(told.next().unwrap(), json!({"event": "registered", "name": "alice"}));
    assert_eq!(told.next().unwrap(), json!({"event": "joined", "room": "#lobby", "name": "alice"}));
    let bob_is_there = json!({"event": "presence", "name": "bob", "online": true});
    assert!(told.any(|event| event == bob_is_there));
    drop(told);
    alice.write("still here\n");
    alice.expect(r##"{"event":"accepted","to":"#lobby"}"##);
}

#[test]
fn senders_are_told_what_did_not_arrive_and_what_may_have() {
    let server = Server::start_with(&["--resume-time-max", "1"]);
    let mut alice = server.json("alice", &[]);
    let send = |alice: &mut programs::Program, to: &str| {
        alice.write(&format!("@{to}:hello\n"));
        let accepted = alice.event();
        assert_eq!(accepted["event"], "accepted", "{accepted}");
        accepted["id"].clone()
    };
    // The system takes the message for it, and it never says that it has it.
    let bob = server.json("bob", &[]);
    bob.signal("STOP");
    let id = send(&mut alice, "bob");
    drop(bob);
    assert_eq!(alice.event(), json!({"event": "unconfirmed", "to": "bob", "ids": [id]}));
    drop(server.json("carol", &[]));
    // Of what came before this question, the server knows when it answers.
    alice.write("/who\n");
    alice.expect(r#"{"event":"online","names":["alice","carol"]}"#);
    let id = send(&mut alice, "carol");
    assert_eq!(alice.event(), json!({"event": "undelivered", "to": "carol", "ids": [id]}));
    // It is gone, and so is what it was sent.
    alice.write("@carol:hello\n");
    alice.expect(r#"{"event":"rejected","to":"carol","reason":"no_such_user"}"#);
}

#[test]
fn a_client_that_is_to_give_up_does() {
    let server = Server::start();
    let alice = server.json("alice", &["--stay", "--reconnect-for", "0.5"]);
    server.program.signal("KILL");
    let (status, stdout, stderr) = alice.end();
    assert_eq!(status.code(), Some(1));
    let reconnecting = r#"{"event":"reconnecting","reason":"disconnected","attempt":1,"#;
    assert!(stdout[0].starts_with(reconnecting), "{stdout:?}");
    assert_eq!(stdout.last().unwrap(), r#"{"event":"closed","reason":"disconnected"}"#);
    assert_eq!(stderr, [format!("chatcore-client: {}: the connection to the server broke", server.address)]);
}

#[test]
fn a_script_does_not_wait_for_ever_for_a_connection_that_is_gone() {
    let server = Server::start();
    let mut alice = server.json("alice", &["--linger", "0.2"]);
    server.program.signal("STOP");
    alice.write("@bob:hello\n");
    server.program.signal("KILL");
    let (status, stdout, _) = alice.end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stdout.last().unwrap(), r#"{"event":"closed","reason":"disconnected"}"#);
}

#[test]
fn where_nothing_can_be_kept_one_chats_all_the_same() {
    let server = Server::start();
    let file = server.state.path().join("file");
    fs::write(&file, "").unwrap();
    let mut alice = programs::client(&["--json", "--connect", &server.address, "--name", "alice"]);
    alice.expect(r#"{"event":"registered","name":"alice"}"#);
    alice.write("/quit\n");
    drop(alice.end());
    let args = ["--json", "--connect", &server.address, "--name", "alice", "--state-dir", file.to_str().unwrap()];
    let mut alice = programs::client_keeping(&args);
    let told = alice.event();
    assert_eq!((&told["event"], &told["reason"]), (&json!("error"), &json!("not_kept")));
    alice.expect(r#"{"event":"registered","name":"alice"}"#);
    alice.write("@alice:hello\n");
    alice.expect(r#"{"event":"message","from":"alice","to":"alice","body":"hello"}"#);
}

#[test]
fn a_program_that_embeds_the_library_resumes_with_its_ticket() {
    let server = Server::start();
    let mut alice = server.user("alice");
    alice.join("#lobby", PATIENCE).unwrap();
    assert!(matches!(alice.receive(PATIENCE), Ok(Some(Event::Done { .. }))));
    assert!(alice.ticket().is_some());
    let ticket = alice.detach().unwrap();
    let mut bob = server.user("bob");
    bob.send("alice", b"hello", PATIENCE).unwrap();
    let config = ClientConfig::default();
    let mut alice = Connection::resume(&server.endpoint(), PATIENCE, &config, &ticket, b"").unwrap();
    let mut events = std::iter::repeat_with(|| alice.receive(PATIENCE).unwrap().expect("it comes in time"));
    assert_eq!(events.next(), Some(Event::Resumed));
    assert!(events.any(|event| matches!(event, Event::Message { body, .. } if body == b"hello")));
    let number = alice.subscriptions(0, PATIENCE).unwrap();
    let subscribed = alice.receive(PATIENCE).unwrap().unwrap();
    let Event::Subscribed { number: asked, rooms, users, next: None, .. } = subscribed else {
        panic!("{subscribed:?}")
    };
    assert_eq!((asked, rooms[0].as_str(), rooms.len(), users.len()), (number, "#lobby", 1, 0));
    let number = alice.roster("#lobby", 0, PATIENCE).unwrap();
    let members = alice.receive(PATIENCE).unwrap().unwrap();
    let Event::Members { number: asked, users, next: None, .. } = members else { panic!("{members:?}") };
    assert_eq!((asked, users[0].shown(), users.len()), (number, "alice", 1));
    alice.leave("#lobby", PATIENCE).unwrap();
    alice.watch(&["bob"], PATIENCE).unwrap();
    alice.unwatch(&["bob"], PATIENCE).unwrap();
    let done = |event: &Event| matches!(event, Event::Done { .. });
    let events = std::iter::repeat_with(|| alice.receive(PATIENCE).unwrap().expect("it comes in time"));
    assert_eq!(events.filter(done).take(3).count(), 3);
}
