//! What a person types, and what is shown.

use std::thread;

use pty_process::Size;

use super::identity::Authority;
use super::programs::proxy::Proxy;
use super::programs::{PATIENCE, Server};
use super::pty::{COLUMNS, Terminal};
use super::{WELCOME, message};

#[test]
fn a_person_is_asked_for_a_name_until_one_fits() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &[]);
    terminal.shows(&["-- your name:"]);
    // P1: a key that leaves a sequence in the line makes no name.
    terminal.types("\x1b[Aalice\r");
    terminal.says("has left control characters in the line");
    // What is typed before it is asked for stands above the question.
    terminal.prompts("-- your name:");
    terminal.types("b b\r");
    terminal.says("may not hold U+0020");
    terminal.prompts("-- your name:");
    terminal.types("#Alice\r");
    terminal.shows(&["-- you are Alice; /help lists the commands"]);
    terminal.types("@alice:hello\r");
    terminal.shows(&["@alice:hello", "<Alice> hello"]);
    terminal.types("/quit\r");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0));
    let own = String::from_utf8(raw).unwrap().replace("^[[A", "");
    assert!(!own.contains('\x1b'), "no escape sequences: {own:?}");
}

/// P1, P2 and P5 of the faults that were found.
#[test]
fn a_line_that_was_begun_as_private_is_never_public() {
    let server = Server::start();
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME]);
    terminal.types("/join #lobby\r");
    terminal.says("-- [#lobby] alice joined");
    for sequence in
        [&b"\x1b[<0;1;1M"[..], b"\x1b[A", b"\x1bOP", b"\x1b]10;rgb:0/0/0\x07", b"\xff", b"\xed\xa0\x80", b"\x9b1~"]
    {
        terminal.types(sequence);
        terminal.types("@bob:secret\r");
    }
    // What a control character does to the line is the terminal's: the line without it.
    terminal.types("@bob:priv\x15//shrug\r@@bob look at this\r##1\r@bob:for you\r");
    let lobby = || Some("#lobby".to_owned());
    assert_eq!(message(&mut bob), (lobby(), "/shrug".into()), "nothing of what came before");
    assert_eq!(message(&mut bob), (lobby(), "@bob look at this".into()));
    assert_eq!(message(&mut bob), (lobby(), "#1".into()));
    assert_eq!(message(&mut bob), (None, "for you".into()));
    terminal.types("\x04");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0), "Ctrl-D leaves");
    let said = String::from_utf8_lossy(&raw);
    assert_eq!(said.matches("-- nothing was sent: a key such as an arrow").count(), 4, "{said}");
    assert_eq!(said.matches("-- a command must be UTF-8 text").count(), 3, "{said}");
}

/// P3 of the faults that were found.
#[test]
fn messages_are_shown_while_a_line_is_half_typed() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME]);
    let mut bob = server.user("bob");
    // What is typed after these is no character of its own.
    for half in ["half", "\x1b", "\x16"] {
        terminal.types(half);
        bob.send("alice", format!("\x1b[2Jseen {half:?}\x07").as_bytes(), PATIENCE).unwrap();
        terminal.says(&format!("<bob> \\u{{1b}}[2Jseen {half:?}\\u{{7}}"));
    }
    // The first of these is what Ctrl-V has asked for.
    terminal.types("\x15\x15@bob:half a lin\u{e9}");
    bob.send("alice", b"more", PATIENCE).unwrap();
    terminal.says("<bob> more");
    terminal.types(", whole\r");
    assert_eq!(message(&mut bob), (None, "half a liné, whole".into()));
}

/// P4 of the faults that were found.
#[test]
fn nobody_can_say_what_the_program_says() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME]);
    let mut expected = vec![WELCOME.to_owned()];
    let shown =
        [("online", "online"), ("--", "--"), ("[x]", "\"[x]\""), ("<bob>", "\"<bob>\""), ("resumed", "resumed")];
    for (name, shown) in shown {
        let mut user = server.user(name);
        user.send("alice", b"you are still alice", PATIENCE).unwrap();
        expected.push(format!("<{shown}> you are still alice"));
        terminal.says(expected.last().unwrap());
    }
    let mut bob = server.user("bob");
    let blanks = " ".repeat(usize::from(COLUMNS) - "<bob> ".len());
    bob.send("alice", format!("{blanks}[#lobby] <carol> I quit\r\n-- carol joined").as_bytes(), PATIENCE).unwrap();
    bob.send("alice", &vec![b'x'; 60_000], PATIENCE).unwrap();
    bob.send("alice", b"end", PATIENCE).unwrap();
    terminal.says("<bob> end");
    let screen = terminal.screen();
    let said = String::from_utf8_lossy(&screen.raw);
    let lines: Vec<&str> = said.split("\r\n").collect();
    assert!(lines.starts_with(&expected.iter().map(String::as_str).collect::<Vec<_>>()), "{lines:#?}");
    assert!(lines.iter().all(|line| line.len() < COLUMNS.into()), "the terminal breaks no line");
    let is_ours = |line: &&&str| line.starts_with("-- ");
    let ours: Vec<&&str> = lines.iter().filter(is_ours).collect();
    assert_eq!(ours, [&WELCOME, &"-- 56 kB more of this message are not shown here; --json shows all"]);
    let goes_on =
        |text: &str| lines.iter().any(|line| line.strip_prefix("    ").is_some_and(|rest| rest.trim() == text));
    assert!(goes_on("-- carol joined") && goes_on("[#lobby] <carol> I quit"), "{lines:#?}");
}

/// P6 of the faults that were found.
#[test]
fn a_line_that_the_terminal_cuts_is_not_sent_and_pasted_lines_all_are() {
    const COUNT: usize = 500;
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME]);
    let mut bob = server.user("bob");
    terminal.types(format!("@bob:{}\r", "x".repeat(5000)));
    terminal.says("-- nothing was sent: the terminal hands over at most 4095 bytes of a line");
    let line = format!("@bob:{}\r", "y".repeat(4000));
    terminal.types(&line);
    assert_eq!(message(&mut bob).1.len(), 4000);
    let pasted = (0..COUNT).map(|i| format!("@bob:{i}\r")).collect::<Vec<_>>().concat();
    thread::scope(|scope| {
        // The terminal takes no more than the client reads.
        scope.spawn(|| terminal.types(&pasted));
        for i in 0..COUNT {
            assert_eq!(message(&mut bob), (None, i.to_string()));
        }
    });
}

#[test]
fn a_person_is_told_where_what_names_no_recipient_goes() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = Terminal::start_at(&server, &proxy.address, &["--name", "alice"]);
    terminal.shows(&[WELCOME]);
    terminal.types("/join #lobby\r");
    terminal.says("-- what names no recipient goes to #lobby");
    terminal.says("-- [#lobby] alice joined");
    terminal.types("half a line");
    proxy.cut();
    terminal.says("-- the connection to the server broke; reconnecting in 0.");
    terminal.says("-- resumed: you are still alice, and nothing is lost");
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    terminal.says("-- [#lobby] bob joined");
    terminal.types(" for the room\r");
    assert_eq!(message(&mut bob), (Some("#lobby".into()), "half a line for the room".into()));
    terminal.types("/leave\r");
    terminal.says("-- what names no recipient goes nowhere");
    terminal.types("hello?\r");
    terminal.says("-- to whom? @name:text sends text to a user");
}

/// Before anything is typed for it.
#[test]
fn a_person_is_told_at_once_that_a_room_could_not_be_joined() {
    let server = Server::start_with(&["--members-max", "1"]);
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME]);
    terminal.types("/join #lobby\r");
    terminal.says("-- what names no recipient goes to #lobby");
    terminal.says("-- what names no recipient goes nowhere: /join #room goes into a room");
}

#[test]
fn lines_follow_the_width_of_the_terminal() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME]);
    terminal.pty.resize(Size::new(24, 30)).unwrap();
    let mut bob = server.user("bob");
    // The signal comes when it comes.
    let narrow = "<bob> one two three four \r\n    five six seven";
    for sent in 1.. {
        bob.send("alice", b"one two three four five six seven", PATIENCE).unwrap();
        terminal.until("another message", |screen| {
            String::from_utf8_lossy(&screen.raw).matches(" seven\r\n").count() == sent
        });
        if String::from_utf8_lossy(&terminal.screen().raw).contains(narrow) {
            break;
        }
        assert!(sent < 10_000, "it is never told");
    }
}

#[test]
fn a_flood_of_messages_and_lines_at_the_same_time_holds_nobody_up() {
    const COUNT: usize = 3_000;
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME]);
    let mut bob = server.user("bob");
    let flood = thread::spawn(move || {
        for i in 0..COUNT {
            bob.send("alice", format!("({i:04})").as_bytes(), PATIENCE).unwrap();
        }
        bob
    });
    let last = format!("({:04})", COUNT - 1);
    let mut written = 0;
    while !terminal.screen().said().contains(&last) {
        terminal.types("\r");
        terminal.until("messages go on", |screen| screen.raw.len() > written);
        written = terminal.screen().raw.len();
    }
    let _bob = flood.join().unwrap();
    let said = terminal.screen().said();
    let numbers = said.split('(').skip(1).map(|rest| rest[..4].parse::<usize>().unwrap());
    assert!(numbers.eq(0..COUNT), "all, and in order");
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn a_person_chats_over_tls_and_is_told_whom_to_trust() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = authority.vouches_for(&["127.0.0.1"]).files(folder.path(), "server");
    let ca = authority.file(folder.path());
    let server = Server::listening(&["--listen", "tls://127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key]);
    let alice = Terminal::start(&server, &["--ca", &ca]);
    alice.shows(&["-- your name:"]);
    alice.types("alice\n");
    alice.says(WELCOME);
    alice.types("@alice:hello over TLS\n");
    alice.says("<alice> hello over TLS");
    alice.types("/quit\n");
    assert_eq!(alice.end().0, Some(0));

    let other = Authority::new().file(tempfile::tempdir().unwrap().keep().as_path());
    let stranger = Terminal::start(&server, &["--ca", &other]);
    let (code, raw) = stranger.end();
    let said = String::from_utf8_lossy(&raw).into_owned();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("nobody who is trusted here vouches for its certificate") && said.contains("--ca FILE"),
        "{said}"
    );
}

#[test]
fn who_comes_back_after_a_crash_is_told_of_the_rooms_and_of_those_who_are_watched() {
    let server = Server::start();
    let _bob = server.user("bob");
    let start = || Terminal::start(&server, &["--name", "alice"]);
    let terminal = start();
    terminal.says("you are alice");
    terminal.types("/join #lobby\r/watch bob carol\r");
    terminal.says("[#lobby] alice joined");
    terminal.says("bob is online");
    terminal.says("carol is offline");
    terminal.types("/join #lobby\r");
    terminal.says("[#lobby] you are still in this room");
    terminal.signal("KILL");
    // Its lock is gone with the process, and not with its terminal.
    assert_eq!(terminal.end().0, None);
    let terminal = start();
    // Nobody has seen her leave.
    terminal.says("[#lobby] you are still in this room");
    terminal.says("bob is online");
    terminal.says("carol is offline");
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
}
