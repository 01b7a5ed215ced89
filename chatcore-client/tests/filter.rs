//! The client as a filter, where what surrounds it is not what it would like: what is piped in, where its output goes,
//! and how it is ended.

#![cfg(unix)]

mod programs;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use chatcore_client::Connection;
use programs::{PATIENCE, Program, Server, environment, exit_code, run};

const LEFT: &str = r#"{"event":"closed","reason":"left"}"#;

/// The text of the next message that a user gets.
fn body(user: &mut Connection) -> String {
    loop {
        let event = user.receive(PATIENCE).unwrap().expect("a message comes");
        if let chatcore_client::Event::Message { body, .. } = event {
            return String::from_utf8(body).unwrap();
        }
    }
}

fn client(server: &Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatcore-client"));
    command.args(["--connect", &server.address, "--no-state", "--name", "alice", "--json"]);
    command.env_clear().envs(environment());
    command
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success());
}

/// P6 of the faults that were found.
#[test]
fn a_script_sends_several_lines_in_one_message() {
    let server = Server::start();
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    let mut alice = server.json("alice", &[]);
    alice.write("{\"to\":\"bob\",\"body\":\"one\\ntwo\"}\n");
    alice.expect(r#"{"event":"accepted","to":"bob"}"#);
    assert_eq!(body(&mut bob), "one\ntwo");
    alice.write("{\"join\":\"#lobby\"}\n");
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    alice.write("{\"to\":\"#lobby\",\"body\":\"/who @bob\"}\n//who\n");
    alice.expect(r##"{"event":"accepted","to":"#lobby"}"##);
    alice.expect(r##"{"event":"accepted","to":"#lobby"}"##);
    assert_eq!([body(&mut bob), body(&mut bob)], ["/who @bob", "/who"]);
    alice.write("{\"roster\":\"#lobby\"}\n");
    alice.expect(r##"{"event":"roster","room":"#lobby","names":["alice","bob"]}"##);
    alice.write("{\"watch\":[\"bob\"]}\n");
    alice.expect(r#"{"event":"presence","name":"bob","online":true}"#);
    alice.write("{\"who\":true}\n");
    alice.expect(r#"{"event":"online","names":["alice","bob"]}"#);
    alice.write("{\"leave\":\"#lobby\"}\n");
    alice.expect(r##"{"event":"left","room":"#lobby","name":"alice","reason":"left"}"##);
    alice.write("{\"to\":\"bob\"}\n");
    let error = alice.event();
    assert_eq!(error["reason"], "wrong_object");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.starts_with(r#""body" is missing, which is the text. {"to":"bob","body":"text"}, "#), "{detail}");
    alice.write("{\"to\":\"alice\",\"body_base64\":\"/xs=\"}\n");
    // It comes back as it was said.
    let events = [alice.event(), alice.event()];
    assert!(events.iter().any(|event| event["event"] == "message" && event["body_base64"] == "/xs="), "{events:?}");
    alice.write("{\"quit\":true}\n");
    alice.expect(LEFT);
    assert_eq!(alice.end().0.code(), Some(0));
}

#[test]
fn what_is_wrong_with_a_line_is_told_with_its_number() {
    let server = Server::start();
    let mut alice = server.json("alice", &[]);
    alice.write("\n/fly\n{\"to\":7}\nhello\n@#lobby:secret\n{\"to\":\"@#lobby\",\"body\":\"secret\"}\n");
    let errors =
        [(2, "unknown_command"), (3, "wrong_object"), (4, "no_room"), (5, "no_recipient"), (6, "wrong_object")];
    for (line, reason) in errors {
        let event = alice.event();
        assert_eq!((&event["line"], &event["reason"]), (&line.into(), &reason.into()), "{event}");
    }
    assert_eq!(alice.end().1.len(), 1, "nothing else");
}

/// Y20 of the faults that were found: an empty message was sent, and accepted.
#[test]
fn a_text_of_nothing_but_blanks_is_refused_with_its_line_and_not_sent() {
    let server = Server::start();
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    let mut alice = server.json("alice", &[]);
    alice.write("/join #lobby\n");
    alice.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    alice.write("#lobby:\n@bob: \t \n@bob\n/say  \n");
    for (line, reason, detail) in [
        (2, "no_text", "what? #lobby:text sends text to #lobby"),
        (3, "no_text", "what? @bob:text sends text to bob"),
        (4, "no_text", "what? @bob:text sends text to bob"),
        (5, "wrong_arguments", "which one? /say text says the text"),
    ] {
        let event = alice.event();
        let told = (&event["line"], &event["reason"], &event["detail"]);
        assert_eq!(told, (&line.into(), &reason.into(), &detail.into()), "{event}");
    }
    alice.write("{\"to\":\"bob\",\"body\":\"\"}\n{\"to\":\"#lobby\",\"body\":\"\\n \\n\"}\n{\"to\":\"bob\",\"body_base64\":\"\"}\n");
    for line in 6..9 {
        let event = alice.event();
        assert_eq!((&event["line"], &event["reason"]), (&line.into(), &"wrong_object".into()), "{event}");
    }
    alice.write("@bob: .\n");
    alice.expect(r#"{"event":"accepted","to":"bob"}"#);
    assert_eq!(body(&mut bob), " .", "nothing of what came before");
    let input = "@bob:\n@bob:end\n";
    let (code, stdout, _) = run(&["--connect", &server.address, "--name", "carol", "--exit-status"], input);
    assert_eq!((code, body(&mut bob).as_str()), (3, "end"));
    assert!(stdout.contains(&"-- line 1: what? @bob:text sends text to bob".to_owned()), "{stdout:?}");
}

#[test]
fn help_is_that_of_one_command_if_one_is_named() {
    let server = Server::start();
    let mut alice = server.json("alice", &[]);
    alice.write("/HELP Who\n/help nothing\n/help\n");
    alice.expect(r#"{"event":"help","text":"/who: lists who is online"}"#);
    let error = alice.event();
    assert_eq!((&error["line"], &error["reason"]), (&2.into(), &"unknown_command".into()), "{error}");
    let all = alice.event();
    assert!(all["text"].as_str().unwrap().starts_with("Commands:\n  @bob:hello     sends hello to bob"), "{all}");
    // What is behind a command that takes nothing is told, and the command comes to nothing.
    alice.write("/quit bye\n/Who\n");
    let error = alice.event();
    assert_eq!((&error["line"], &error["reason"]), (&4.into(), &"wrong_arguments".into()), "{error}");
    alice.expect(r#"{"event":"online","names":["alice"]}"#);
    assert_eq!(alice.end().0.code(), Some(0));
}

/// Without `--json` a brace is a brace.
#[test]
fn an_object_is_a_text_where_lines_are_asked_for() {
    let server = Server::start();
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    let input = "/join #lobby\n{\"to\":\"bob\"}\n";
    let (code, ..) = run(&["--connect", &server.address, "--name", "alice"], input);
    assert_eq!((code, body(&mut bob).as_str()), (0, "{\"to\":\"bob\"}"));
}

#[test]
fn the_exit_code_tells_what_became_of_it_if_that_is_wanted() {
    let server = Server::start();
    let (ok, rejected, wrong) = ("@alice:hello\n", "@carol:hello\n", "/fly\n");
    for (args, input, code, words) in [
        (&["--exit-status"][..], ok, 0, None),
        (&[], rejected, 0, None),
        (&["--exit-status"], rejected, 3, Some("1 of the commands came to nothing: the output says which, and why")),
        (&["--exit-status"], wrong, 3, Some("1 of the commands came to nothing: the output says which, and why")),
        (
            &["--exit-status", "--json"],
            wrong,
            3,
            Some("1 of the commands came to nothing: the output says which, and why"),
        ),
    ] {
        let args = [&["--connect", &server.address, "--name", "alice"], args].concat();
        let (ended, stdout, stderr) = run(&args, input);
        let words: Vec<String> = words.iter().map(|words| format!("chatcore-client: {words}")).collect();
        assert_eq!((ended, stderr), (code, words), "{input:?}: {stdout:?}");
        assert_eq!(stdout.iter().filter(|line| line.contains("closed")).count(), 1, "{stdout:?}");
    }
}

#[test]
fn the_exit_code_tells_of_what_did_not_arrive() {
    // Who is killed is gone at once.
    let server = Server::start_with(&["--resume-time-max", "1ms"]);
    let mut alice = server.json("alice", &["--exit-status", "--stay"]);
    let bob = server.json("bob", &["--stay"]);
    bob.signal("STOP");
    alice.write("@bob:hello\n");
    alice.expect(r#"{"event":"accepted","to":"bob"}"#);
    bob.signal("KILL");
    assert_eq!(alice.event()["event"], "unconfirmed");
    alice.signal("TERM");
    let (status, _, stderr) = alice.end();
    assert_eq!(status.code(), Some(4), "{stderr:?}");
    assert!(
        stderr[0].starts_with("chatcore-client: some messages are not known to have arrived: 1 line"),
        "{stderr:?}"
    );
}

/// P15 of the faults that were found.
#[test]
fn a_byte_order_mark_and_a_wait_without_end_spoil_nothing() {
    let server = Server::start();
    let args = ["--connect", &server.address, "--name", "alice", "--json", "--linger", "1e9"];
    let (code, stdout, _) = run(&args, "\u{feff}/who\n");
    assert_eq!((code, stdout[1].as_str()), (0, r#"{"event":"online","names":["alice"]}"#));
    for flag in ["--linger", "--reconnect-for", "--connect-timeout"] {
        let (code, _, stderr) = run(&["--name", "alice", flag, "1e19"], "");
        assert_eq!(code, 2);
        assert!(stderr[0].contains("give a number of seconds up to 1000000000"), "{stderr:?}");
    }
}

/// P6 of the faults that were found.
#[test]
fn a_list_of_many_users_has_several_lines() {
    const COUNT: usize = 150;
    let server = Server::start();
    let others: Vec<_> = (0..COUNT).map(|i| server.user(&format!("somebody{i:03}"))).collect();
    let (code, stdout, _) = run(&["--connect", &server.address, "--name", "alice"], "/who\n");
    let parts: Vec<&str> = stdout.iter().filter_map(|line| line.strip_prefix("-- online: ")).collect();
    let names: Vec<&str> = parts.iter().flat_map(|part| part.split(", ")).collect();
    assert_eq!((code, parts.len(), names.len()), (0, 2, COUNT + 1), "{parts:?}");
    drop(others);
}

/// P8 of the faults that were found.
#[test]
fn descriptors_that_do_not_block_are_waited_for() {
    const COUNT: usize = 30;
    let server = Server::start();
    let pair = || {
        let (theirs, ours) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        (OwnedFd::from(theirs), ours)
    };
    let ((stdin, mut input), (stdout, output)) = (pair(), pair());
    let child = client(&server).stdin(stdin).stdout(stdout).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(output).lines().map(Result::unwrap);
    // It is there before there is any input.
    assert_eq!(lines.next().unwrap(), r#"{"event":"registered","name":"alice"}"#);
    let long = "x".repeat(50_000);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..COUNT {
                input.write_all(format!("@alice:{long}\n").as_bytes()).unwrap();
            }
            input.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let messages = lines.filter(|line| line.contains(&long)).count();
        assert_eq!(messages, COUNT);
    });
    assert_eq!(exit_code(child), Some(0));
}

/// P8 of the faults that were found.
#[test]
fn an_output_that_is_gone_is_noticed_when_nothing_happens() {
    let server = Server::start();
    let mut child = client(&server).arg("--stay").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let _input = child.stdin.take();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    drop(output);
    // Nobody writes to it, and its input stays open.
    assert_eq!(exit_code(child), Some(0));
}

/// A client that tells what became of what it was asked for. It has taken this input and what follows, and its server
/// stands still.
fn asked(server: &Server, input: &str, follows: &str) -> (Child, BufReader<ChildStdout>) {
    let mut command = client(server);
    let command = command.arg("--exit-status").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    server.program.signal("STOP");
    // What is written at once is read at once, and help needs no server.
    child.stdin.as_mut().unwrap().write_all(format!("{input}/help\n{follows}").as_bytes()).unwrap();
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with(r#"{"event":"help""#), "{line}");
    (child, output)
}

#[test]
fn the_exit_code_tells_what_is_open_when_nobody_reads_the_output() {
    let no_answer = "1 of the requests had no answer";
    let both = "1 message was not sent, and 1 of the requests had no answer";
    let (perhaps_lost, unsent) =
        ("chatcore-client: to bob, may be lost: hello", "chatcore-client: to bob, was not sent: later");
    for (input, follows, open, named) in [
        ("@bob:hello\n", "", no_answer, &[perhaps_lost][..]),
        ("@bob:hello\n", "/quit\n@bob:later\n", both, &[perhaps_lost, unsent]),
        ("/join #lobby\n", "", no_answer, &[]),
        ("\n", "", "the input had not ended", &[]),
    ] {
        let server = Server::start();
        let (mut child, output) = asked(&server, input, follows);
        drop(output);
        let (_input, mut errors) = (child.stdin.take(), child.stderr.take().unwrap());
        assert_eq!(exit_code(child), Some(1), "{input}");
        let mut told = String::new();
        errors.read_to_string(&mut told).unwrap();
        let last = format!("chatcore-client: nobody reads the output any more, and {open}");
        let lines: Vec<&str> = named.iter().copied().chain([last.as_str()]).collect();
        assert_eq!(told.lines().collect::<Vec<_>>(), lines, "{input}");
    }
}

#[test]
fn the_exit_code_tells_of_answers_that_nobody_reads() {
    for (input, code) in [("@alice:hello\n", 0), ("@nobody:hello\n", 3)] {
        let server = Server::start();
        let (child, output) = asked(&server, input, "/quit\n");
        server.program.signal("CONT");
        drop(output);
        assert_eq!(exit_code(child), Some(code), "{input}");
    }
}

/// A program in a room with alice.
fn watcher(server: &Server) -> Program {
    let mut watcher = server.json("watcher", &["--stay"]);
    watcher.write("/join #lobby\n");
    watcher.expect(r##"{"event":"joined","room":"#lobby","name":"watcher"}"##);
    watcher
}

/// A client in the room, and what it reads and writes.
fn alice(server: &Server, watcher: &Program) -> Child {
    let mut child = client(server).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"/join #lobby\n").unwrap();
    watcher.expect(r##"{"event":"joined","room":"#lobby","name":"alice"}"##);
    child
}

const QUIT: &str = r##"{"event":"left","room":"#lobby","name":"alice","reason":"quit"}"##;

/// P7 and P8 of the faults that were found.
#[test]
fn a_signal_says_goodbye_even_if_nobody_reads_the_output() {
    let server = Server::start();
    let watcher = watcher(&server);
    let mut bob = server.user("bob");
    for name in ["HUP", "TERM", "INT", "QUIT"] {
        let alice = alice(&server, &watcher);
        for _ in 0..100 {
            // More than a pipe holds, and more than may wait.
            bob.send("alice", &[b'x'; 4000], PATIENCE).unwrap();
        }
        signal(&alice, "USR1");
        signal(&alice, "USR2");
        signal(&alice, name);
        watcher.expect(QUIT);
        // The program measures the time itself: what has not ended within 1.9 s tells the signal.
        assert_eq!(exit_code(alice), Some(0), "{name}");
    }
}

/// P8 of the faults that were found.
#[test]
fn a_script_that_never_stops_keeps_the_client_from_nothing() {
    let server = Server::start();
    let watcher = watcher(&server);
    let mut bob = server.user("bob");
    let mut alice = alice(&server, &watcher);
    let (mut input, output) = (alice.stdin.take().unwrap(), alice.stdout.take().unwrap());
    let lines = "/nothing\n".repeat(1_000);
    let writing = thread::spawn(move || while input.write_all(lines.as_bytes()).is_ok() {});
    let mut told = BufReader::new(output).lines().map(Result::unwrap);
    bob.send("alice", b"hello", PATIENCE).unwrap();
    assert!(told.any(|line| line.contains("hello")));
    let reading = thread::spawn(move || told.count());
    signal(&alice, "TERM");
    watcher.expect(QUIT);
    assert_eq!(exit_code(alice), Some(0));
    writing.join().unwrap();
    reading.join().unwrap();
}

/// P8 of the faults that were found.
#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    let server = Server::start();
    let watcher = watcher(&server);
    let mut alice = alice(&server, &watcher);
    server.program.signal("STOP");
    signal(&alice, "TERM");
    let mut output = alice.stdout.take().unwrap();
    assert_eq!(exit_code(alice), Some(0));
    // Its goodbye is on the way.
    server.program.signal("CONT");
    watcher.expect(QUIT);
    let mut said = String::new();
    output.read_to_string(&mut said).unwrap();
    assert!(said.ends_with(&format!("{LEFT}\n")), "{said}");
}

/// `nohup` asks for that.
#[test]
fn a_signal_that_is_ignored_from_the_start_stays_ignored() {
    let server = Server::start();
    let mut shell = Command::new("sh");
    shell.env_clear().envs(environment());
    let program = env!("CARGO_BIN_EXE_chatcore-client");
    let script = format!("trap '' HUP; exec {program} --connect {} --no-state --name alice --json", server.address);
    let mut child = shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.next().unwrap();
    signal(&child, "HUP");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"@alice:still here\n").unwrap();
    assert!(lines.by_ref().any(|line| line.contains("still here")));
    drop(input);
    assert_eq!(exit_code(child), Some(0));
}
