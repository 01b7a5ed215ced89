//! What is said of lines without an answer: while the client leaves, at its end, and at the next start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::WELCOME;
use super::keeping::keeps;
use super::programs::proxy::Proxy;
use super::programs::{NOWHERE, PATIENCE, Server, exit_code, run};
use super::pty::{COLUMNS, ROWS, Screen, Terminal, read_until};

/// Without a bound of its own, the client waits for the goodbye for 10 s. It is to end within 2; the machine may be
/// busy.
const END_TIME_MAX: Duration = Duration::from_secs(8);

/// So long the client waits for the goodbye at least, if nobody asks it to end at once.
const GOODBYE_TIME: Duration = Duration::from_millis(1_200);

/// How often something is tried that a busy machine may do too slowly, and a broken client always does.
const TRIES_MAX: usize = 10;

fn has_session(server: &Server) -> bool {
    let mut files = fs::read_dir(server.state.path()).unwrap().flatten().map(|file| file.file_name());
    let is_beside = |name: &str| [".kept", ".lock"].iter().any(|end| name.ends_with(end));
    let is_session = |name: &str| name.starts_with("alice@") && !is_beside(name);
    files.any(|name| is_session(&name.to_string_lossy()))
}

fn alice(server: &Server, proxy: &Proxy) -> Terminal {
    let terminal = Terminal::full_screen_at(server, &proxy.address, (ROWS, COLUMNS), &["--name", "alice"]);
    terminal.has("you are alice");
    terminal
}

/// The next start, with the session of the one before.
fn again(server: &Server, proxy: &Proxy) -> Terminal {
    let terminal = Terminal::full_screen_at(server, &proxy.address, (ROWS, COLUMNS), &["--name", "alice"]);
    terminal.has("resumed: you are still alice, and nothing is lost of what others said");
    terminal
}

/// Somebody at the full screen whose line has no answer, because the link does nothing any more.
fn waits_for_an_answer() -> (Server, Proxy, Terminal) {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = alice(&server, &proxy);
    proxy.freeze();
    terminal.types("@bob:Z1 pending\r");
    terminal.prompts("only bob reads it>");
    (server, proxy, terminal)
}

/// P7: who leaves while the link does nothing sees what is waited for, and is told what became of each line.
#[test]
fn a_line_without_an_answer_is_told_at_the_end_and_at_the_next_start() {
    let (server, proxy, terminal) = waits_for_an_answer();
    let asked = Instant::now();
    terminal.types("\x03");
    terminal.has("leaving, waiting for 1 answer: nothing more is sent; Ctrl-C ends at once");
    terminal.types("after ctrl-c\r");
    let (code, raw) = terminal.end();
    assert!(asked.elapsed() < END_TIME_MAX, "{:?}", asked.elapsed());
    let said = String::from_utf8_lossy(&raw);
    assert_eq!(code, Some(1));
    assert!(!said.contains("after ctrl-c"), "no line is taken any more");
    for words in [
        "chatcore-client: to bob, may be lost: Z1 pending",
        "chatcore-client: they are shown again at the next start",
        &format!("chatcore-client: {}: the server had not answered 1 message when this ended", proxy.address),
    ] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert!(has_session(&server), "the server may not have the goodbye");
    proxy.cut();
    proxy.thaw();
    let terminal = again(&server, &proxy);
    terminal.has("1 line may not have arrived: to bob: Z1 pending");
    terminal.types("@bob\r\x1b[A");
    terminal.prompts("only bob reads it> @bob:Z1 pending");
}

/// P7: who is impatient does not wait for the server.
#[test]
fn ctrl_c_once_more_ends_at_once() {
    // What is left of one try is not there in the next.
    let ends_at_once = |_| {
        let (server, _proxy, terminal) = waits_for_an_answer();
        let asked = Instant::now();
        terminal.types("\x03");
        terminal.has("leaving, waiting for 1 answer");
        terminal.types("\x03");
        let (code, raw) = terminal.end();
        let took = asked.elapsed();
        assert_eq!(code, Some(1));
        assert!(String::from_utf8_lossy(&raw).contains("chatcore-client: to bob, may be lost: Z1 pending"));
        assert!(has_session(&server), "the server may not have the goodbye");
        took < GOODBYE_TIME
    };
    assert!((0..TRIES_MAX).any(ends_at_once), "it waits for the goodbye all the same");
}

/// P14: a goodbye without an answer may not have come, and then others go on talking to the session.
#[test]
fn a_session_whose_goodbye_had_no_answer_is_there_at_the_next_start() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let mut bob = server.user("bob");
    let break_link = || {
        let terminal = alice(&server, &proxy);
        proxy.freeze();
        terminal.types("\x03");
        terminal.has("leaving, waiting for the server's goodbye");
        proxy.cut();
        assert_eq!(terminal.end().0, Some(0));
    };
    let close_terminal = || {
        let (mut pty, child) = Terminal::unread_at("xterm-256color", &server, &proxy.address, &["--name", "alice"]);
        read_until(&mut pty, "you are alice");
        proxy.freeze();
        drop(pty);
        exit_code(child);
        proxy.cut();
    };
    let ends: [(&dyn Fn(), &str); 2] = [(&break_link, "the link breaks"), (&close_terminal, "the terminal is closed")];
    for (end, how) in ends {
        end();
        assert!(has_session(&server), "{how}");
        proxy.thaw();
        bob.send("alice", format!("while {how}").as_bytes(), PATIENCE).unwrap();
        let terminal = again(&server, &proxy);
        terminal.types("@bob\r");
        terminal.has(&format!("while {how}"));
        terminal.types("\x03");
        assert_eq!(terminal.end().0, Some(0));
        assert!(!has_session(&server), "a goodbye that is answered is the end of it");
    }
}

/// P14: what is said of messages when the server has lost the session. What was accepted keeps its sign.
#[test]
fn a_session_that_the_server_has_lost_is_told_with_what_that_means_for_messages() {
    let (server, next) = (Server::start(), Server::start());
    let proxy = Proxy::start(&server.address, 0, 0);
    let carol = Terminal::start_at(&server, &proxy.address, &["--name", "carol"]);
    carol.says("you are carol");
    let alice = alice(&server, &proxy);
    let is_accepted = |row: &str| row.contains('✓') && row.contains("to myself");
    let accepted = |screen: &Screen| screen.contents().lines().any(is_accepted);
    alice.types("@alice:to myself\r");
    alice.until("the server has it", accepted);
    proxy.freeze();
    alice.types("@bob\rperhaps\rx");
    // When the second of two letters is seen that were typed one after the other, what was typed before them is on its
    // way.
    alice.prompts("only bob reads it> x");
    alice.types("y");
    alice.prompts("only bob reads it> xy");
    proxy.lead_to(&next.address);
    proxy.cut();
    proxy.thaw();
    alice.has("nobody knows whether bob gets a message: the session is gone");
    alice.types("\x15@alice\r");
    alice.until("it was accepted", accepted);
    carol.until("the words", |screen| {
        let contents = screen.contents();
        let said = contents.split_whitespace().collect::<Vec<_>>().join(" ");
        said.contains(
            "-- the server does not know the session any more; registering anew. What was accepted just before may not have \
             arrived -- you are carol",
        )
    });
}

/// P14: the claim that nothing is lost is for what others said.
#[test]
fn lines_without_an_answer_are_named_after_the_program_was_killed() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = alice(&server, &proxy);
    proxy.freeze();
    terminal.types("@bob:G1\r@bob:G2\r");
    keeps(&server, "G2");
    terminal.signal("KILL");
    assert_eq!(terminal.end().0, None);
    proxy.cut();
    proxy.thaw();
    let terminal = again(&server, &proxy);
    terminal.has("2 lines may not have arrived: to bob: G1; to bob: G2");
    terminal.types("\x03");
    assert_eq!(terminal.end().0, Some(0));
    let terminal = alice(&server, &proxy);
    terminal.types("/help\r");
    terminal.has("/quit");
    assert!(!terminal.screen().said().contains("may not have arrived"), "they were named");
}

/// P7: the same line by line, where Ctrl-C is a signal, and while there is no connection: nothing of it can have
/// arrived.
#[test]
fn a_line_without_an_answer_is_told_line_by_line() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = Terminal::start_at(&server, &proxy.address, &["--name", "alice"]);
    terminal.says(WELCOME);
    proxy.lead_to(NOWHERE);
    proxy.cut();
    terminal.says("reconnecting in");
    terminal.types("@bob:Z1\r@bob:Z2\r/nothing\r");
    terminal.says("there is no command");
    terminal.types("\x03");
    terminal.says("chatcore-client: to bob, was not sent: Z1chatcore-client: to bob, was not sent: Z2");
    assert_eq!(terminal.end().0, Some(1));
    assert!(has_session(&server));
}

/// P14: what was typed without a connection certainly was not sent, also after the next start.
#[test]
fn a_line_that_was_typed_without_a_connection_was_not_sent() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = alice(&server, &proxy);
    proxy.freeze();
    terminal.types("@bob:on its way\rx");
    // When the second of two letters is seen that were typed one after the other, what was typed before them is on its
    // way.
    terminal.prompts("only bob reads it> x");
    terminal.types("y");
    terminal.prompts("only bob reads it> xy");
    proxy.lead_to(NOWHERE);
    proxy.cut();
    terminal.has("reconnecting in");
    terminal.types("\x15Z1\r");
    terminal.has("Z1");
    terminal.types("\x03");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(1));
    let said = String::from_utf8_lossy(&raw);
    assert!(said.contains("chatcore-client: to bob, may be lost: on its way"), "{said}");
    assert!(said.contains("chatcore-client: to bob, was not sent: Z1"), "{said}");
    let words = "1 message was not sent, and the server had not answered 1 message when this ended";
    assert!(said.contains(&format!("chatcore-client: {}: {words}", proxy.address)), "{said}");
    proxy.thaw();
    proxy.lead_to(&server.address);
    let terminal = again(&server, &proxy);
    terminal.has("1 line may not have arrived: to bob: on its way. 1 line was not sent: to bob: Z1");
}

/// P14: neither what was said nor what is typed can be saved, which is told, and ends nothing.
#[test]
fn a_disk_that_is_full_is_told_at_the_end() {
    let server = Server::start();
    let config = server.state.path().join("client.toml");
    let text = format!("[servers.work]\nconnect = \"{}\"\nname = \"alice\"\nhistory = true\n", server.address);
    fs::write(&config, text).unwrap();
    let terminal = Terminal::full_screen_on_full_disk(&server, &["--config", config.to_str().unwrap(), "work"]);
    terminal.has("you are alice");
    let mut bob = server.user("bob");
    bob.send("alice", "y".repeat(3000).as_bytes(), PATIENCE).unwrap();
    terminal.has("bob");
    terminal.types(format!("@bob\r{}", "x".repeat(1500)));
    terminal.has("cannot keep the session in");
    terminal.types("\x03");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(1), "something that was typed is lost");
    let said = String::from_utf8_lossy(&raw).into_owned();
    assert!(said.contains(&format!("chatcore-client: for bob, typed and not sent: {}…", "x".repeat(60))), "{said}");
    let lost = "chatcore-client: what was typed and not sent is lost, because it cannot be kept: ";
    let place = server.state.path().display().to_string();
    let after = said.rsplit(lost).next().unwrap();
    assert!(said.contains(lost) && after.starts_with(&place) && after.contains(".kept: "), "{said}");
    assert!(said.contains("chatcore-client: the history of this run was not saved: "), "{said}");
    let names = fs::read_dir(server.state.path()).unwrap().flatten().map(|file| file.file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with(".new-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// P14: nothing is kept where the folder is not ours alone, and what is typed is lost there, too.
#[test]
fn a_draft_that_has_no_place_is_told_at_the_end() {
    let server = Server::start();
    fs::set_permissions(server.state.path(), fs::Permissions::from_mode(0o777)).unwrap();
    for (args, code) in [(&["--name", "alice"][..], 1), (&["--name", "alice", "--no-state"], 0)] {
        let terminal = Terminal::full_screen(&server, args);
        terminal.has("you are alice");
        terminal.types("@bob\rhalf a line");
        terminal.prompts("only bob reads it> half a line");
        terminal.types("\x03");
        let (ended, raw) = terminal.end();
        let said = String::from_utf8_lossy(&raw);
        assert_eq!(ended, Some(code), "{said}");
        let is_told = said.contains("chatcore-client: for bob, typed and not sent: half a line");
        assert_eq!(is_told, code == 1, "nobody who keeps nothing misses it: {said}");
    }
}

/// P7: what stands behind the line that leaves is not sent, and that is told in the same words everywhere.
#[test]
fn lines_that_wait_when_somebody_leaves_are_told_in_all_modes() {
    let server = Server::start();
    let words = "chatcore-client: to bob, was not sent: ";
    let mut bob = server.user("bob");
    let mut heard = |text: &str| assert_eq!(super::message(&mut bob).1, text);
    for (number, start) in [Terminal::full_screen, Terminal::start].iter().enumerate() {
        let terminal = start(&server, &["--name", "alice"]);
        terminal.says("you are alice");
        // What is typed at once is read at once.
        terminal.types(format!("@bob:first {number}\r/quit\r@bob:second\r@bob:third\r"));
        heard(&format!("first {number}"));
        let (code, raw) = terminal.end();
        let said = String::from_utf8_lossy(&raw);
        assert_eq!(code, Some(1), "{said}");
        for text in ["second", "third"] {
            assert!(said.contains(&format!("{words}{text}")), "{said}");
        }
        assert!(said.contains(&format!("chatcore-client: {}: 2 messages were not sent", server.address)), "{said}");
        // The goodbye was answered, and so was all that was sent.
        assert!(!said.contains("had not answered") && !said.contains("waiting for 2"), "{said}");
    }
    let input = "@bob:first 2\n/quit\n@bob:second\n@bob:third\n";
    let (code, _, stderr) = run(&["--connect", &server.address, "--name", "carol"], input);
    heard("first 2");
    let last = format!("chatcore-client: {}: 2 messages were not sent", server.address);
    assert_eq!((code, stderr), (1, vec![format!("{words}second"), format!("{words}third"), last]));
}

/// P7: what is waited for is what was sent, and has no answer.
#[test]
fn what_is_not_sent_any_more_is_not_waited_for() {
    for (start, is_plain) in
        [(Terminal::start_at as fn(&Server, &str, &[&str]) -> Terminal, true), (full_screen_at, false)]
    {
        let server = Server::start();
        let proxy = Proxy::start(&server.address, 0, 0);
        let terminal = start(&server, &proxy.address, &["--name", "alice"]);
        terminal.says("you are alice");
        proxy.freeze();
        terminal.types("@bob:sent\r/quit\r@bob:unsent\r");
        let (code, raw) = terminal.end();
        let said = String::from_utf8_lossy(&raw);
        assert_eq!(code, Some(1), "{said}");
        // The full screen draws it where other words stood, and no further than they differ.
        assert!(!is_plain || said.contains("leaving, waiting for 1 answer"), "{said}");
        let words = "1 message was not sent, and the server had not answered 1 message when this ended";
        for words in
            ["to bob, may be lost: sent", "to bob, was not sent: unsent", &format!("{}: {words}", proxy.address)]
        {
            assert!(said.contains(&format!("chatcore-client: {words}")), "{words:?} is not in {said}");
        }
    }
}

/// P7: nobody who wants to leave waits for a list, and what they said while one waited goes out as if none had.
#[test]
fn whatever_waits_for_a_list_keeps_nobody_from_leaving() {
    let keys = ["\x03", "\x04", "/quit\r"];
    for (is_full, keys) in [true, false].into_iter().flat_map(|is_full| keys.map(|keys| (is_full, keys))) {
        let server = Server::start();
        let proxy = Proxy::start(&server.address, 0, 0);
        let terminal = Terminal::start_either(is_full, &server, &proxy.address, &["--name", "alice"]);
        terminal.says("you are alice");
        proxy.freeze();
        // The answer to the last line tells that those before it were read.
        terminal.types("/who\r/who\r/who\r@bob:Z1\r/help quit\r");
        terminal.has("/quit, exit");
        let asked = Instant::now();
        terminal.types(keys);
        let (code, raw) = terminal.end();
        assert!(asked.elapsed() < END_TIME_MAX, "{keys:?}: {:?}", asked.elapsed());
        let said = String::from_utf8_lossy(&raw);
        assert_eq!(code, Some(1), "{keys:?}: {said}");
        // What a signal ends says nothing more.
        let is_signal = !is_full && keys == "\x03";
        let fate = if is_signal { "was not sent" } else { "may be lost" };
        assert!(said.contains(&format!("chatcore-client: to bob, {fate}: Z1")), "{keys:?}: {said}");
    }
}

/// P7: more lines may wait than are read ahead.
#[test]
fn more_lines_than_are_read_ahead_keep_nobody_from_leaving() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = full_screen_at(&server, &proxy.address, &["--name", "alice"]);
    terminal.has("you are alice");
    proxy.freeze();
    terminal.types("@bob\r");
    terminal.prompts("only bob reads it>");
    // The program is to take each part before the next one comes.
    for _ in 0..5 {
        terminal.types(["/who\r".repeat(50).as_str(), "x"].concat());
        terminal.prompts("only bob reads it> x");
        terminal.types("\x15");
        terminal.prompts("only bob reads it>");
    }
    terminal.types("\x03");
    assert_eq!(terminal.end().0, Some(0));
}

fn full_screen_at(server: &Server, address: &str, args: &[&str]) -> Terminal {
    Terminal::full_screen_at(server, address, (ROWS, COLUMNS), args)
}
