//! The real server and real clients over TCP: what the clients print is what counts.

mod programs;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use chatcore_client::{Connection, Event};
use programs::{PATIENCE, Server, run, run_on_file, timeless};

fn registered(name: &str) -> String {
    format!(r#"{{"event":"registered","name":"{name}"}}"#)
}

const LEFT: &str = r#"{"event":"closed","reason":"left"}"#;

#[test]
fn two_people_talk() {
    let server = Server::start();
    let (mut alice, mut bob) = (server.json("alice", &[]), server.json("bob", &[]));
    alice.write("@bob:hello\n");
    alice.expect(r#"{"event":"accepted","to":"bob"}"#);
    bob.expect(r#"{"event":"message","from":"alice","to":"bob","body":"hello"}"#);
    bob.write("@ALICE hi: you\n");
    bob.expect(r#"{"event":"accepted","to":"alice"}"#);
    alice.expect(r#"{"event":"message","from":"bob","to":"alice","body":"hi: you"}"#);
    alice.write("exit\n");
    let (status, stdout, stderr) = alice.end();
    assert_eq!((status.code(), stdout, stderr), (Some(0), vec![LEFT.to_owned()], vec![]));
}

#[test]
fn a_script_sends_a_message_and_ends_when_it_is_accepted() {
    let server = Server::start();
    let bob = server.json("bob", &["--stay"]);
    let (code, stdout, stderr) = run(&["--connect", &server.address, "--name", "alice", "--json"], "@bob:hello\n");
    let stdout: Vec<String> = stdout.iter().map(|line| timeless(line)).collect();
    assert_eq!(stdout, [registered("alice"), r#"{"event":"accepted","to":"bob"}"#.into(), LEFT.into()]);
    assert_eq!((code, stderr), (0, vec![]));
    bob.expect(r#"{"event":"message","from":"alice","to":"bob","body":"hello"}"#);
    bob.signal("TERM");
    let (status, stdout, _) = bob.end();
    assert_eq!((status.code(), stdout), (Some(0), vec![LEFT.to_owned()]));
}

#[test]
fn ten_thousand_messages_arrive_complete_and_in_order_in_ten_seconds() {
    const COUNT: usize = 10_000;
    let server = Server::start();
    let bob = server.json("bob", &["--stay"]);
    let padding = "x".repeat(100);
    let input = (0..COUNT).map(|i| format!("@bob:{i} {padding}\n")).collect::<Vec<_>>().concat();
    let start = Instant::now();
    let args = ["--connect", &server.address, "--name", "alice", "--json"];
    thread::scope(|scope| {
        let sender = scope.spawn(|| run(&args, &input));
        for i in 0..COUNT {
            assert_eq!(bob.event()["body"], format!("{i} {padding}"));
        }
        let (code, stdout, stderr) = sender.join().unwrap();
        assert_eq!((code, stderr), (0, vec![]));
        let accepted = stdout.iter().filter(|line| line.starts_with(r#"{"event":"accepted","to":"bob","#)).count();
        assert_eq!((accepted, stdout.len()), (COUNT, COUNT + 2));
    });
    // No rate of the server's may be noticed by who pipes a file into the client.
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn people_read_lines_instead() {
    let server = Server::start();
    let _bob = server.json("bob", &["--stay"]);
    let input = "@bob:hello\n@carol:hello\n/who\n\nhello\n/fly #x\n@bob\n/help\n/join #lobby\n";
    let (code, stdout, stderr) = run(&["--connect", &server.address, "--name", "Alice"], input);
    assert_eq!((code, stderr), (0, vec![]));
    // Answers come when they come; each kind in the order of the input.
    let among = |wanted: &[&str]| wanted.iter().all(|line| stdout.iter().any(|got| got == line));
    assert!(
        among(&[
            "-- you are Alice; /help lists the commands",
            "-- accepted for bob",
            "-- not delivered: carol is not here",
            "-- online: Alice, bob",
            "-- [#lobby] Alice joined",
            "-- line 5: to whom? @name:text sends text to a user, #room:text to a room; /join #room makes that the room \
             for what names none",
            "-- line 6: there is no command /fly: /help lists them; //text says what begins with a /",
            "-- line 7: what? @bob:text sends text to bob",
            "--   /who           lists who is online",
            "-- closed: left",
        ]),
        "{stdout:#?}"
    );
}

#[test]
fn nobody_is_there_to_get_it() {
    let server = Server::start();
    let mut alice = server.json("alice", &[]);
    alice.write("@carol:hello\n");
    alice.expect(r#"{"event":"rejected","to":"carol","reason":"no_such_user"}"#);
    alice.write("@a\u{7f}b:hello\n");
    alice.expect(r#"{"event":"rejected","to":"a\u007fb","reason":"no_such_user"}"#);
    alice.write("/who\n");
    alice.expect(r#"{"event":"online","names":["alice"]}"#);
}

#[test]
fn a_name_that_cannot_be_had_ends_a_script_with_one_line() {
    let server = Server::start();
    let _alice = server.json("alice", &["--stay"]);
    let try_name = |name: &str, expected: i32| {
        let (code, stdout, stderr) = run(&["--connect", &server.address, "--json", "--name", name], "");
        assert_eq!((code, stdout.len(), stderr.len()), (expected, 1, 1), "{stdout:?} {stderr:?}");
        (stdout[0].clone(), stderr[0].clone())
    };
    let (closed, words) = try_name("ALICE", 1);
    assert_eq!(closed, r#"{"event":"closed","reason":"name_in_use"}"#);
    let told = format!("chatcore-client: {}: ALICE: the name is in use", server.address);
    assert!(words.starts_with(&told), "{words}");
    let long = "x".repeat(200);
    for (name, expected) in [
        ("#x", "#x: a name may not hold U+0023 (character 1)"),
        ("\u{1b}[2J", "\\u{1b}[2J: a name may not hold U+001B (character 1)"),
        (&long, &format!("{long}: a name of 200 bytes is too long")),
    ] {
        let (closed, words) = try_name(name, 2);
        assert_eq!(closed, r#"{"event":"closed","reason":"invalid_name"}"#);
        assert!(words.starts_with(&format!("chatcore-client: {}: {expected}", server.address)), "{words}");
    }
}

#[test]
fn no_name_and_nobody_to_ask_is_a_wrong_command_line() {
    let (code, stdout, stderr) = run(&["--json"], "");
    assert_eq!((code, stdout), (2, vec![]));
    assert!(stderr[0].contains("--name NAME is needed"), "{stderr:?}");
    assert_eq!(run(&["--nonsense"], "").0, 2);
    let server = Server::start();
    let (status, stdout, stderr) = server.client_after("export CHATCORE_NAME= CHATCORE_CA=", &["--json"]).end();
    assert_eq!((status.code(), stdout), (Some(2), vec![]), "a variable that is empty counts as none");
    assert!(stderr[0].contains("--name NAME is needed"), "{stderr:?}");
}

#[test]
fn nobody_listens_there() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap().to_string();
    // The line is there before the client is.
    let (code, stdout, stderr) = run_on_file(&["--connect", &address, "--name", "alice"], "@bob:hello\n");
    assert_eq!((code, stdout), (1, vec![]));
    let [unsent, why] = &stderr[..] else { panic!("{stderr:?}") };
    assert_eq!(unsent, "chatcore-client: to bob, was not sent: hello");
    let expected = format!("chatcore-client: cannot connect to {address}: ");
    assert!(why.starts_with(&expected) && why.ends_with("is a server running there?"), "{why}");

    let (code, stdout, stderr) = run(&["--connect", "no address", "--name", "alice", "--json"], "");
    assert_eq!((code, stderr.len()), (2, 1), "it is the command line that is wrong");
    assert_eq!(stdout, [r#"{"event":"closed","reason":"cannot_connect"}"#]);
    let expected =
        r#"chatcore-client: "no address" is no address of a server: HOST:PORT is one, such as 127.0.0.1:12345"#;
    assert!(stderr[0].starts_with(expected), "{stderr:?}");
}

#[test]
fn what_listens_there_is_no_chat_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let web = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let (code, _, stderr) = run(&["--connect", &address, "--name", "alice"], "");
    web.join().unwrap();
    let told = format!(
        "chatcore-client: {address}: the server speaks HTTP, not chatcore; ws://HOST:PORT/PATH opens a WebSocket"
    );
    assert_eq!((code, stderr), (1, vec![told]));
}

#[test]
fn a_server_that_is_killed_is_told_in_one_line() {
    let server = Server::start();
    let alice = server.json("alice", &["--stay", "--reconnect-for", "0"]);
    server.program.signal("KILL");
    let (status, stdout, stderr) = alice.end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stdout, [r#"{"event":"closed","reason":"disconnected"}"#]);
    assert_eq!(stderr, [format!("chatcore-client: {}: the connection to the server broke", server.address)]);
}

#[test]
fn a_server_that_stops_says_goodbye_and_ends_well() {
    let server = Server::start();
    let waiting = server.json("alice", &["--stay", "--reconnect-for", "0"]);
    let talking = server.json("bob", &["--reconnect-for", "0"]);
    server.program.signal("INT");
    let (status, stdout, stderr) = waiting.end();
    assert_eq!((status.code(), stderr), (Some(0), vec![]), "it stayed until the server closed");
    assert_eq!(stdout, [r#"{"event":"closed","reason":"shutting_down"}"#]);
    let (status, stdout, stderr) = {
        // Its input is open: it had more to say.
        let Server { program, .. } = server;
        assert_eq!(program.end().0.code(), Some(0));
        talking.expect(r#"{"event":"closed","reason":"shutting_down"}"#);
        talking.end()
    };
    assert_eq!((status.code(), stdout.len(), stderr.len()), (Some(1), 0, 1), "{stderr:?}");
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_sent() {
    let server = Server::start_with(&["--body-bytes-max", "10"]);
    let mut alice = server.json("alice", &[]);
    alice.write("@alice:12345678901\n@alice:1234567890\n");
    alice.expect(
        r#"{"event":"error","reason":"body_too_long","detail":"a message of 11 bytes is too long: the server takes 10 bytes at the most","line":1}"#,
    );
    alice.expect(r#"{"event":"message","from":"alice","to":"alice","body":"1234567890"}"#);
}

#[test]
fn what_others_send_never_reaches_the_output_raw() {
    let server = Server::start();
    let (json, text) = (server.json("json", &["--stay"]), server.client(&["--name", "text", "--stay"]));
    text.expect("-- you are text; /help lists the commands");
    let mut eve = Connection::connect(&server.address, PATIENCE).unwrap();
    eve.register("eve", PATIENCE).unwrap();
    let evil = "\x1b[2J\r\n\u{9b}31m\u{202e}\u{7f}".as_bytes();
    for body in [evil, b"\xff\x1b"] {
        eve.send("json", body, PATIENCE).unwrap();
        eve.send("text", body, PATIENCE).unwrap();
    }
    json.expect(r#"{"event":"message","from":"eve","to":"json","body":"\u001b[2J\r\n\u009b31m\u202e\u007f"}"#);
    json.expect(r#"{"event":"message","from":"eve","to":"json","body_base64":"/xs="}"#);
    text.expect(r"<eve> \u{1b}[2J\r\n\u{9b}31m\u{202e}\u{7f}");
    text.expect(r"<eve> \xff\u{1b}");
}

#[test]
fn a_listing_of_many_pages_is_one_event() {
    // The shortest bodies make the shortest pages: 34 names.
    let server = Server::start_with(&["--body-bytes-max", "1024"]);
    let others: Vec<_> = (10..90).map(|i| server.user(&format!("user{i}"))).collect();
    let mut expected = vec!["alice".to_owned()];
    expected.extend((10..90).map(|i| format!("user{i}")));
    // More than the client keeps unacknowledged comes between.
    let message = format!("@alice:{}\n", "x".repeat(1000));
    let input = ["/who\n", &message.repeat(3000), "/who\n"].concat();
    let (code, stdout, stderr) = run(&["--connect", &server.address, "--name", "alice", "--json"], &input);
    assert_eq!((code, stderr), (0, vec![]));
    let online: Vec<_> = stdout.iter().filter(|line| line.contains(r#""event":"online""#)).collect();
    let listing = format!(r#"{{"event":"online","names":{}}}"#, serde_json::to_string(&expected).unwrap());
    assert_eq!(online, [&listing, &listing]);
    drop(others);
}

#[test]
fn a_script_that_quits_still_learns_what_became_of_what_it_sent() {
    let server = Server::start();
    let args = ["--connect", &server.address, "--name", "alice", "--json", "--stay"];
    let (code, stdout, stderr) = run(&args, "@carol:hello\n/quit\n@carol:more\n");
    let rejected = r#"{"event":"rejected","to":"carol","reason":"no_such_user"}"#;
    let closed = r#"{"event":"closed","reason":"not_sent"}"#;
    assert_eq!(stdout, [registered("alice"), rejected.into(), closed.into()], "and nothing after it");
    let last = format!("chatcore-client: {}: 1 message was not sent", server.address);
    assert_eq!((code, stderr), (1, vec!["chatcore-client: to carol, was not sent: more".to_owned(), last]));
}

#[test]
fn answers_that_do_not_come_are_waited_for_as_long_as_it_is_told_to() {
    // A list waits for the one before it, and the end of the input does not.
    for (input, requests) in [("@bob:hello\n/who\n", 2), ("@bob:hello\n/who\n/who\n/who\n", 4)] {
        let server = Server::start();
        let mut alice = server.json("alice", &["--linger", "0.05"]);
        server.program.signal("STOP");
        alice.write(input);
        let (status, stdout, stderr) = alice.end();
        assert_eq!(status.code(), Some(1));
        assert_eq!(stdout, [r#"{"event":"closed","reason":"unanswered"}"#]);
        let words = format!(
            "chatcore-client: {}: {requests} of the requests were not answered in time: --linger SECONDS gives them more",
            server.address
        );
        assert_eq!(stderr, ["chatcore-client: to bob, may be lost: hello", &words]);
    }
}

#[test]
fn what_stands_after_the_word_to_leave_is_counted_although_the_server_does_not_answer() {
    let server = Server::start();
    let mut alice = server.json("alice", &["--linger", "0.05"]);
    server.program.signal("STOP");
    alice.write("@bob:before\n/quit\n@bob:later\n/who\n");
    let (status, _, stderr) = alice.end();
    let words =
        "1 message was not sent, and 1 of the requests were not answered in time: --linger SECONDS gives them more";
    let lines = ["to bob, may be lost: before", "to bob, was not sent: later", &format!("{}: {words}", server.address)];
    assert_eq!((status.code(), stderr), (Some(1), lines.map(|line| format!("chatcore-client: {line}")).to_vec()));
}

#[test]
fn what_waits_behind_a_list_is_told_to_whom_it_was_not_sent() {
    let server = Server::start();
    let mut alice = server.json("alice", &["--linger", "0.05"]);
    server.program.signal("STOP");
    alice.write("/join #Lobby\n/who\n/who\nto all\n/leave\nto nobody\n");
    let (status, stdout, stderr) = alice.end();
    assert_eq!(status.code(), Some(1));
    let [told, closed] = &stdout[..] else { panic!("{stdout:?}") };
    assert!(told.starts_with(r#"{"event":"error","reason":"no_room","#) && told.ends_with(r#","line":6}"#), "{told}");
    assert_eq!(closed, r#"{"event":"closed","reason":"unanswered"}"#);
    assert_eq!(stderr[0], "chatcore-client: to #lobby, was not sent: to all");
    assert_eq!(stderr.len(), 2, "{stderr:?}");
}

#[test]
fn what_stands_after_the_word_to_leave_is_not_sent_whatever_waits_before_it() {
    let server = Server::start();
    let mut bob = server.user("bob");
    let args = ["--connect", &server.address, "--name", "alice", "--json"];
    let (code, stdout, stderr) = run(&args, "/who\n/who\n/who\n@bob:before\n/quit\n@bob:later\n");
    let is_list = |line: &&String| line.contains(r#""event":"online""#);
    assert_eq!(stdout.iter().filter(is_list).count(), 3, "what stands before it is done: {stdout:?}");
    let last = format!("chatcore-client: {}: 1 message was not sent", server.address);
    assert_eq!((code, stderr), (1, vec!["chatcore-client: to bob, was not sent: later".to_owned(), last]));
    let (code, ..) = run(&args, "@bob:another\n");
    assert_eq!(code, 0);
    let mut hears = || loop {
        if let Some(Event::Message { body, .. }) = bob.receive(PATIENCE).unwrap() {
            return String::from_utf8(body).unwrap();
        }
    };
    assert_eq!([hears(), hears()], ["before", "another"]);
}

#[test]
fn more_than_is_read_ahead_is_done_in_its_order() {
    const LISTS: usize = 450;
    let server = Server::start();
    let args = ["--connect", &server.address, "--name", "alice", "--json"];
    let (code, stdout, stderr) = run(&args, &["/who\n".repeat(LISTS), "@alice:last\n".to_owned()].concat());
    assert_eq!((code, stderr), (0, vec![]));
    let is_list = |line: &&String| line.contains(r#""event":"online""#);
    assert_eq!(stdout.iter().filter(is_list).count(), LISTS);
    // The message is said when the last list is asked for, at the earliest.
    let before = stdout.iter().take_while(|line| !line.contains(r#""body":"last""#)).filter(is_list);
    assert!(before.count() + 1 >= LISTS);
}

#[test]
fn a_signal_ends_a_filter_in_good_order() {
    let server = Server::start();
    for signal in ["TERM", "INT"] {
        let mut alice = server.json("alice", &[]);
        // Its input stays open.
        let input = alice.stdin.take();
        alice.signal(signal);
        let (status, stdout, stderr) = alice.end();
        assert_eq!((status.code(), stdout, stderr), (Some(0), vec![LEFT.to_owned()], vec![]));
        drop(input);
    }
}

#[test]
fn an_input_line_that_is_no_text_is_told_and_skipped() {
    let server = Server::start();
    let mut alice = server.json("alice", &[]);
    alice.stdin.as_mut().unwrap().write_all(b"@alice:\xff\n@alice:next\n").unwrap();
    alice.expect(r#"{"event":"error","reason":"not_utf8","detail":"a command must be UTF-8 text","line":1}"#);
    alice.expect(r#"{"event":"message","from":"alice","to":"alice","body":"next"}"#);
}

#[test]
fn an_output_that_nobody_reads_ends_the_client_quietly() {
    let server = Server::start();
    let input = (0..20_000).map(|i| format!("@alice:{i}\n")).collect::<Vec<_>>().concat();
    // `head` leaves after one line, and the next that is written finds nobody.
    let shell = format!(
        "{} --connect {} --name alice --json --no-state | head -n 1; echo ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_chatcore-client"),
        server.address
    );
    let mut child = std::process::Command::new("bash")
        .args(["-c", &shell])
        .env_clear()
        .envs(programs::environment())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The client may be gone before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}\n0\n", registered("alice")));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
