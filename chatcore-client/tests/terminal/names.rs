//! Another name while the program runs.

use std::fs;

use super::keeping::keeps;
use super::programs::proxy::Proxy;
use super::programs::{NOWHERE, PATIENCE, Program, Server, run};
use super::pty::{COLUMNS, ROWS, Screen, Terminal};
use super::{WELCOME, message};

/// A client that has alice's name.
fn holder(server: &Server) -> Program {
    let holder = server.client(&["--json", "--name", "alice", "--no-state", "--reconnect-for", "60", "--stay"]);
    while holder.event()["event"] != "registered" {}
    holder
}

#[test]
fn who_takes_another_name_finds_what_belongs_to_that_one() {
    let server = Server::start_with(&["--resume-time-max", "1ms"]);
    let proxy = Proxy::start(&server.address, 0, 0);
    let start = |name| {
        let terminal = Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), &["--name", name]);
        terminal.has(&format!("you are {name}"));
        terminal
    };
    let carol = start("carol");
    carol.types("@bob\rdraft of carol");
    carol.has("draft of carol");
    carol.signal("TERM");
    assert_eq!(carol.end().0, Some(0));

    let alice = start("alice");
    alice.types("@bob\rdraft of alice");
    alice.has("draft of alice");
    proxy.lead_to(NOWHERE);
    proxy.cut();
    let _holder = holder(&server);
    proxy.lead_to(&server.address);
    alice.has("Enter, and then your name:");
    alice.types("\rcarol\r");
    alice.has("you are carol");
    assert!(!alice.screen().contents().contains("draft of alice"));
    alice.types("@bob\r");
    alice.has("draft of carol");
    let kept = fs::read_dir(server.state.path()).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.filter(|path| {
        let is_own = path.to_str().is_some_and(|path| path.contains("/alice@"));
        is_own && path.extension().is_some_and(|extension| extension == "kept")
    });
    let kept: Vec<String> = kept.map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(kept.len() == 1 && kept[0].contains("draft of alice"), "hers is kept for her: {kept:?}");
}

/// What is told while somebody types a name stands in rows of its own, and the question comes once more below.
#[test]
fn a_name_that_is_half_typed_is_asked_for_again_below_what_is_told() {
    let server = Server::start_with(&["--resume-time-max", "2"]);
    let killed = server.json("alice", &["--no-state"]);
    killed.signal("KILL");
    drop(killed);
    let terminal = Terminal::start(&server, &["--name", "alice", "--no-state"]);
    terminal.shows(&["-- your name:"]);
    server.program.signal("KILL");
    terminal.types("car");
    terminal.has("-- your name: car");
    // When the name is asked for again, there is no server.
    terminal.shows(&["-- your name:"]);
    let contents = terminal.screen().contents();
    let rows: Vec<&str> = contents.trim_end().lines().map(str::trim_end).collect();
    assert!(rows.contains(&"-- your name: car"), "{contents}");
    assert!(rows.iter().all(|row| row.starts_with("-- ") || row.starts_with("    ")), "{contents}");
}

/// What is said while a name is asked for again waits for the name.
#[test]
fn a_line_between_a_lost_session_and_a_name_in_use_is_sent_when_the_name_is_there() {
    let (server, next) = (Server::start(), Server::start());
    let proxy = Proxy::start(&server.address, 0, 0);
    let alice = Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), &["--name", "alice"]);
    alice.has("you are alice");
    let (mut bob, holder) = (next.user("bob"), holder(&next));
    // The next server says that it has no session, and then nothing on the name.
    proxy.freeze_after("the session cannot be resumed");
    proxy.lead_to(&next.address);
    proxy.cut();
    alice.has("does not know the session any more");
    alice.types("@bob:kept\r");
    let is_line = |sign: char| move |row: &str| row.contains(sign) && row.contains("kept");
    let has_line = |sign: char| move |screen: &Screen| screen.contents().lines().any(is_line(sign));
    alice.until("the line waits", has_line('…'));
    proxy.thaw();
    alice.has("Enter, and then your name:");
    holder.signal("TERM");
    drop(holder.end());
    // F5 asks at once.
    alice.types("\x1b[15~");
    assert_eq!(message(&mut bob), (None, "kept".to_owned()));
    alice.until("it is accepted", has_line('✓'));
}

/// What was for a room or a user goes nowhere, and others do not see it as a name.
#[test]
fn lines_that_were_typed_before_a_name_is_asked_for_are_no_names() {
    let server = Server::start();
    let _alice = server.user("alice");
    let proxy = Proxy::start(&server.address, 0, 0);
    proxy.freeze();
    let terminal = Terminal::start_at(&server, &proxy.address, &["--name", "alice", "--no-state"]);
    // More than are read ahead.
    let lines: Vec<String> = (1..=8).map(|number| format!("hello{number}")).collect();
    for line in &lines {
        terminal.types(format!("{line}\r"));
        terminal.says(line);
    }
    proxy.thaw();
    terminal.says("nothing was sent: what you typed before you were asked for a name is not taken for one");
    terminal.prompts("-- your name:");
    // What is typed while the last of them is still to be read counts as one of them.
    terminal.types_until("carol\r", "you are carol");
    let said = terminal.screen().said();
    assert_eq!((said.matches("nothing was sent: ").count(), said.matches("you are ").count()), (1, 1), "{said}");
}

/// Whoever is asked for the first time may have typed it already.
#[test]
fn a_name_that_was_typed_before_the_first_question_is_one() {
    let server = Server::start();
    let terminal = Terminal::start_after_a_line(&server, &[]);
    terminal.types("go\ralice\r");
    terminal.says("you are alice");
}

/// The end of a line that was begun for a room is no name, either.
#[test]
fn a_line_that_was_half_typed_when_a_name_was_asked_for_is_no_name() {
    let server = Server::start_with(&["--resume-time-max", "1ms"]);
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = Terminal::start_at(&server, &proxy.address, &["--name", "alice", "--no-state"]);
    terminal.says(WELCOME);
    let mut bob = server.user("bob");
    terminal.types("@bob:one\rhel");
    assert_eq!(message(&mut bob).1, "one");
    proxy.lead_to(NOWHERE);
    proxy.cut();
    let _holder = holder(&server);
    proxy.lead_to(&server.address);
    terminal.prompts("-- your name:");
    terminal.types("lo\r");
    terminal.says("this is not taken for a name: you may have begun it before you were asked for one");
    terminal.prompts("-- your name:");
    terminal.types("carol\r");
    terminal.says("you are carol");
    assert!(!terminal.screen().said().contains("you are hello"));
}

/// What is still going on, the status says, and nothing else: the connection stands, and the server takes its time.
/// P15: what is still going on, the status says, and nothing else: the connection stands, and the server takes its
/// time.
#[test]
fn a_connection_that_stands_without_an_answer_is_told_as_such() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    proxy.freeze();
    let waiting = format!("connected to {}, no answer yet", proxy.address);
    let at_once = format!(" {waiting} │ the program │ not registered");
    let full = Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), &["--name", "alice", "--no-state"]);
    full.has(&at_once);
    let plain = Terminal::start_at(&server, &proxy.address, &["--name", "bob", "--no-state"]);
    plain.says(&format!("-- {waiting}"));
    // Who has given no name waits for nobody.
    let nobody = Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), &["--no-state"]);
    nobody.has(" waiting for your name │ the program │ not registered");
    proxy.thaw();
    full.has("you are alice");
    full.until("an answer", |screen| !screen.contents().contains("no answer yet"));
    plain.says("-- you are bob");
}

/// P15: the same while the connection is looked for again.
#[test]
fn a_connection_that_is_made_again_without_an_answer_is_told_as_such() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), &["--name", "alice"]);
    terminal.has("you are alice");
    proxy.freeze();
    proxy.cut();
    terminal.has(&format!("connected to {}, no answer yet", proxy.address));
    proxy.thaw();
    terminal.until("an answer", |screen| !screen.contents().contains("no answer yet"));
    terminal.types("/who\r");
    terminal.has("online: alice");
}

/// P13: which program of this machine has the name is told first, and of nobody else's name; and the wait gets shorter.
#[test]
fn a_name_that_another_program_here_has_is_told_in_few_words_and_its_wait_is_counted_down() {
    let server = Server::start();
    let first = server.json("alice", &["--stay"]);
    let terminal = Terminal::full_screen_at(&server, &server.address, (ROWS, 80), &["--name", "alice"]);
    let told = format!("the name is in use here: the process {} has the session of alice; asking again in", first.id());
    let squeezed = |screen: &Screen| screen.contents().split_whitespace().collect::<Vec<_>>().join(" ");
    terminal.until("who has it", |screen| squeezed(screen).contains(&told));
    let status = |screen: &Screen| {
        let rows: Vec<String> = screen.contents().lines().skip(21).map(str::to_owned).collect();
        let text = rows.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let (before, after) = text.split_once("asking again in ")?;
        let seconds = after.split(' ').next()?.parse::<u32>().ok()?;
        // The prompt is below it, and nothing else is in the two rows above that.
        before.starts_with("the name is in use here").then_some(seconds)
    };
    terminal.until("the status", |screen| status(screen).is_some());
    let first_told = status(&terminal.screen()).unwrap();
    terminal.until("less time", |screen| status(screen).is_some_and(|seconds| seconds < first_told));
    terminal.types("carol\r");
    terminal.has("you are carol");
    terminal.types("@bob\r");
    terminal.prompts("only bob reads it>");
    let contents = terminal.screen().contents();
    assert!(!contents.contains("in use") && !contents.contains("cannot keep"), "{contents}");
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
    // Hers is kept: there is a place for it.
    let carol = Terminal::full_screen(&server, &["--name", "carol"]);
    carol.has("you are carol");
    carol.types("@bob\rx");
    keeps(&server, "\"drafts\"");
}

/// Whoever registers as `Alice` is `Alice` wherever its own name is shown.
#[test]
fn ones_own_name_has_one_form() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let start = || Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), &["--name", "Alice"]);
    let terminal = start();
    let says_alice = |screen: &Screen, text: &str| {
        screen.contents().lines().any(|row| row.contains(" Alice ") && row.contains(text))
    };
    terminal.has("you are Alice");
    terminal.types("/join #lobby\r");
    terminal.has("— Alice joined");
    terminal.has("│Alice");
    terminal.has(" #lobby, 1 here │ Alice");
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    terminal.has("2 here");
    terminal.types("hello\r");
    terminal.until("her line", |screen| says_alice(screen, "✓ hello"));
    bob.send("#lobby", b"and alice, too", PATIENCE).unwrap();
    terminal.has("» ");
    let no_other = |terminal: &Terminal| {
        let contents = terminal.screen().contents();
        assert!(!contents.replace("and alice, too", "").contains("alice"), "{contents}");
    };
    no_other(&terminal);
    proxy.cut();
    terminal.has("resumed: you are still Alice");
    no_other(&terminal);
    terminal.signal("KILL");
    assert_eq!(terminal.end().0, None);
    let terminal = start();
    terminal.has("you are still in this room");
    terminal.types("here again\r");
    terminal.until("her line", |screen| says_alice(screen, "✓ here again"));
    terminal.has(" #lobby, 2 here │ Alice");
    no_other(&terminal);
    // To oneself: as one says it, and as one hears it.
    terminal.types("@Alice:note\r");
    terminal.until("both", |screen| screen.contents().lines().filter(|row| row.contains("note")).count() == 2);
    let rows = terminal.screen().contents();
    assert!(rows.lines().filter(|row| row.contains("note")).all(|row| row.contains(" Alice  ")), "{rows}");
    terminal.types("/leave #lobby\r\x1b2");
    terminal.has("— Alice left");
}

#[test]
fn ones_own_name_has_one_form_line_by_line_and_for_scripts() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "Alice", "--no-state"]);
    terminal.says("-- you are Alice");
    terminal.types("/join #lobby\r@alice:note\r/roster\r/leave\r");
    for words in ["-- [#lobby] Alice joined", "<Alice> note", "-- in #lobby: Alice", "-- [#lobby] Alice left"] {
        terminal.says(words);
    }
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
    let input = "/join #lobby\n@alice:note\n/roster\n/leave\n";
    let (code, mut stdout, _) = run(&["--connect", &server.address, "--name", "Alice"], input);
    stdout.sort_unstable();
    let said = stdout.iter().filter(|line| line.to_lowercase().contains("alice")).map(String::as_str);
    assert_eq!(code, 0);
    let accepted = "-- accepted for alice";
    assert_eq!(
        said.filter(|line| *line != accepted).collect::<Vec<_>>(),
        [
            "-- [#lobby] Alice joined",
            "-- [#lobby] Alice left",
            "-- in #lobby: Alice",
            "-- you are Alice; /help lists the commands",
            "<Alice> note",
        ]
    );
}
