//! What keys and questions do, and what the prompt shows of it.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::program::command::Command;
use crate::program::full::keys::Keys;
use crate::program::input::Ask;
use crate::program::report::{Body, Report};

const COLUMNS: u16 = 80;
const ROWS: u16 = 16;

/// An app that takes commands, with this conversation open.
fn app(open: &str) -> App {
    let mut app = App::new();
    app.ask(Ask::Command { room: None });
    app.open(open);
    app
}

/// Types these bytes, as a terminal sends them.
fn types(app: &mut App, bytes: impl AsRef<[u8]>) {
    let (mut keys, now) = (Keys::default(), Instant::now());
    let mut pressed = keys.read(now, bytes.as_ref());
    pressed.extend(keys.handle_timeout(now + Duration::from_secs(2)));
    for key in pressed {
        app.press(&key);
    }
}

/// The rows of the screen.
fn drawn(app: &App) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(COLUMNS, ROWS)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    (0..ROWS).map(|y| (0..COLUMNS).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned()).collect()
}

#[track_caller]
fn shows(app: &App, text: &str) {
    let rows = drawn(app);
    assert!(rows.iter().any(|row| row.contains(text)), "{text:?} is not in\n{}", rows.join("\n"));
}

/// The last row of the screen.
fn prompt(app: &App) -> String {
    drawn(app).pop().unwrap()
}

/// What is sent, as `recipient body`.
fn sent(app: &mut App) -> Vec<String> {
    let is_roster = |input: &Input| matches!(input, Input::Command(Command::Roster(_)));
    let inputs = std::iter::from_fn(|| app.poll()).filter(|input| !is_roster(input));
    let commands = inputs.map(|input| match input {
        Input::Command(Command::Send { to, body }) => format!("{to} {body}"),
        other => format!("{other:?}"),
    });
    commands.collect()
}

#[test]
fn the_prompt_says_who_reads_a_line_as_soon_as_it_names_them() {
    let mut app = app("#lobby");
    assert_eq!(prompt(&app), "#lobby>");
    types(&mut app, "@");
    types(&mut app, "bob");
    assert_eq!(prompt(&app), "opens bob> @bob");
    types(&mut app, ":");
    assert_eq!(prompt(&app), "opens bob> @bob:", "there is no text yet");
    types(&mut app, "h");
    assert_eq!(prompt(&app), "only bob reads it> @bob:h");
    types(&mut app, "i\r");
    assert_eq!(sent(&mut app), ["bob hi"]);
    assert_eq!(prompt(&app), "only bob reads it>");
    types(&mut app, "#lobby hello");
    assert_eq!(prompt(&app), "#lobby> #lobby hello");
    types(&mut app, "\x15/who");
    assert_eq!(prompt(&app), "command> /who");
    types(&mut app, "\x15");
    app.open(PROGRAM);
    types(&mut app, "hello");
    assert_eq!(prompt(&app), "to nobody> hello");
    types(&mut app, "\r");
    assert_eq!((sent(&mut app).len(), app.draft().text()), (0, "hello"), "it is not lost");
}

#[test]
fn a_recipient_without_a_text_sends_nothing() {
    for line in ["@bob:", "@bob: ", "@bob ", "/msg bob  ", "@bob:\x1b\r"] {
        let mut app = app("#lobby");
        types(&mut app, format!("{line}\r"));
        assert_eq!((sent(&mut app).len(), app.open.as_str(), app.draft().text()), (0, "bob", ""), "{line:?}");
    }
    let mut app = app("#lobby");
    for (line, told) in
        [("#garden:", "what? #garden:text sends text to #garden"), ("/say  ", "/say text says the text")]
    {
        types(&mut app, format!("\x15{line}\r"));
        assert_eq!((sent(&mut app).len(), app.open.as_str()), (0, "#lobby"));
        shows(&app, told);
    }
}

#[test]
fn what_is_typed_after_the_key_that_looks_is_looked_for() {
    let mut app = app("#lobby");
    types(&mut app, "number 13\r\x12");
    assert_eq!((sent(&mut app).len(), prompt(&app).as_str()), (1, "look for>"));
    types(&mut app, "?@bob:x\r");
    assert_eq!((sent(&mut app).len(), app.search.is_some()), (0, false));
    assert_eq!(prompt(&app), "look for> ?@bob:x", "it can be mended");
    types(&mut app, "\x15NUMBER\r");
    assert_eq!((sent(&mut app).len(), app.search.is_some(), app.draft().text()), (0, true, ""));
    assert_eq!(prompt(&app), "#lobby>");
    // By none of the ways out is it said, or left for the next Enter.
    for way in ["\x1b", "\x1bn", "\x15\r", "\x15\x04"] {
        types(&mut app, "\x1b");
        app.open("#lobby");
        types(&mut app, format!("\x12secret{way}"));
        app.open("#lobby");
        assert_eq!(prompt(&app), "#lobby>", "{way:?}");
        types(&mut app, "\r");
        assert_eq!((sent(&mut app).len(), app.has_ended()), (0, false), "{way:?}");
    }
    types(&mut app, "\x1b");
    types(&mut app, "\x12for later");
    assert_eq!(app.kept().drafts.len(), 0, "nor by the next run");
}

#[test]
fn the_end_of_the_last_line_that_is_pasted_is_not_sent() {
    let mut app = app("#lobby");
    types(&mut app, "\x1b[200~one\ntwo\r\n\x1b[201~\r@bob:\x1b[200~three\n\x1b[201~\r");
    assert_eq!(sent(&mut app), ["#lobby one\ntwo", "bob three"]);
}

#[test]
fn a_line_in_the_words_of_irc_says_who_reads_it() {
    let mut app = app("#lobby");
    types(&mut app, "/msg bob");
    assert_eq!(prompt(&app), "opens bob> /msg bob");
    types(&mut app, " hi");
    assert_eq!(prompt(&app), "only bob reads it> /msg bob hi");
    // Without its beginning it is for nobody.
    types(&mut app, "\x01\x04\r");
    assert_eq!(sent(&mut app), [] as [&str; 0]);
    types(&mut app, "\x01/\r");
    assert_eq!(sent(&mut app), ["bob hi"]);
    types(&mut app, "/query #lobby\r/say @bob look\r");
    assert_eq!(sent(&mut app), ["#lobby @bob look"]);
    // Nor does a word before it make it public.
    types(&mut app, "@bob:secret\x01/say \r");
    assert_eq!(sent(&mut app), [] as [&str; 0]);
    types(&mut app, "\x15/nick carol\r");
    shows(&app, "there is no /nick here: a name is for the whole session");
}

#[test]
fn a_long_name_is_wholly_visible_above_what_is_typed() {
    let mut app = app("#lobby");
    let name = "a-name-of-seventy-characters-which-is-a-lot-and-does-not-leave-any-room";
    types(&mut app, format!("@{name}:hello"));
    let rows = drawn(&app);
    assert_eq!(rows[usize::from(ROWS) - 3], format!("only {name}"));
    assert!(rows[usize::from(ROWS) - 2].starts_with("reads it>"), "{rows:?}");
    assert!(rows[usize::from(ROWS) - 1].contains("hello"), "{rows:?}");
}

/// P1: whatever became of its beginning, by keys, by a step back or by a draft that waited.
#[test]
fn a_line_that_was_begun_as_private_is_never_public() {
    for damage in ["\x01\x04", "\x01\x1bd", "\x01\x04\x1b[C\x1b[C\x1b[C\x04", "\x01x", "\x01- "] {
        for open in ["#lobby", "carol"] {
            let mut app = app(open);
            types(&mut app, "@bob:secret");
            types(&mut app, damage);
            assert!(drawn(&app).iter().any(|row| row.contains("begun for bob alone, not sent")), "{damage:?}");
            types(&mut app, "\r\r");
            assert_eq!(sent(&mut app), [] as [&str; 0], "{damage:?} in {open}");
            assert!(app.draft().text().contains("secret"), "nothing is lost");
            // It is sent to whom it was for when that is said again, or to all when that is said.
            types(&mut app, "\x01@bob:\r");
            assert!(sent(&mut app)[0].starts_with("bob "), "{damage:?}");
        }
    }
    // By a step back, and by what was said before.
    for way in ["\x15\x1f", "\x1b[A\x1b[B\x1b[B\x1b[A", "\x1b[A\x1b[B"] {
        let mut app = app("#lobby");
        types(&mut app, "hi\r@bob:secret\x01\x04");
        assert_eq!(sent(&mut app), ["#lobby hi"]);
        types(&mut app, way);
        assert!(app.draft().text().contains("secret"), "{way:?} loses {:?}", app.draft().text());
        types(&mut app, "\r\r");
        let sent = sent(&mut app);
        assert!(sent.iter().all(|sent| sent.starts_with("bob ")), "{way:?}: {sent:?}");
    }
    // What is found again was begun for nobody.
    let mut app = app("#lobby");
    types(&mut app, "hi\r@bob:secret\x01\x04\x1b[A\r");
    assert_eq!(sent(&mut app), ["#lobby hi", "#lobby hi"]);
    types(&mut app, "@bob look at this\x01@");
    assert_eq!(app.draft().text(), "@@bob look at this");
    types(&mut app, "\x1bn\x1bp\x01\x04\x04\r");
    assert_eq!(sent(&mut app), [] as [&str; 0], "the draft remembers it");
    types(&mut app, "\x15\x19\r");
    assert_eq!(sent(&mut app), ["#lobby bob look at this"], "cut and put in, it is another line");
    // In the conversation with that user it goes to him anyway.
    app.open("bob");
    types(&mut app, "@bob:secret\x01\x1b[3~\r");
    assert_eq!(sent(&mut app), ["bob bob:secret"]);
}

#[test]
fn drafts_stay_where_they_were_begun_and_so_does_what_was_said() {
    let mut app = app("#lobby");
    types(&mut app, "half a line");
    app.open("bob");
    types(&mut app, "secret one\rsecret two\rsecret thr");
    assert_eq!(sent(&mut app), ["bob secret one", "bob secret two"]);
    app.open("#lobby");
    assert_eq!(app.draft().text(), "half a line");
    types(&mut app, "\x1b[A\x1b[A");
    assert_eq!(app.draft().text(), "half a line", "nothing was said here");
    app.open("bob");
    types(&mut app, "\x1b[A");
    assert_eq!(app.draft().text(), "secret two");
    types(&mut app, "\x1b[A");
    assert_eq!(app.draft().text(), "secret one");
    types(&mut app, "\x1b[B\x1b[B");
    assert_eq!(app.draft().text(), "secret thr", "what was never said is not lost");
}

#[test]
fn several_lines_are_one_message() {
    let mut app = app("#lobby");
    types(&mut app, "one\x1b\rtwo\nthree\x1b[200~\r\nfour\x1b[201~");
    assert_eq!(sent(&mut app), [] as [&str; 0]);
    assert_eq!(&drawn(&app)[12..], ["#lobby> one", "        two", "        three", "        four"]);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app), ["#lobby one\ntwo\nthree\nfour"]);
}

#[test]
fn what_is_too_long_is_refused_with_both_numbers_and_nothing_is_lost() {
    let mut app = app("#lobby");
    app.set_body_bytes_max(100);
    types(&mut app, "@bob:hello ");
    types(&mut app, format!("\x1b[200~{}\x1b[201~", "x".repeat(1 << 20)));
    shows(&app, "1048582 bytes are too long: 100 at most");
    assert_eq!(app.draft().text(), "@bob:hello ");
    types(&mut app, format!("\x1b[200~{}\x1b[201~", "x".repeat(94)));
    assert_eq!(app.draft().text().len(), 105, "the recipient does not count");
    // However it comes.
    for more in ["y", "\x1b\r"] {
        types(&mut app, more);
        shows(&app, "101 bytes are too long: 100 at most");
    }
    app.type_text("three more");
    shows(&app, "110 bytes are too long: 100 at most");
    assert_eq!(app.draft().text().len(), 105);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app).len(), 1);
}

#[test]
fn a_paste_that_goes_on_is_seen() {
    let mut app = app("#lobby");
    let (mut keys, now) = (Keys::default(), Instant::now());
    assert_eq!(keys.read(now, &[b"\x1b[200~".as_slice(), &[b'x'; 12_000]].concat()), []);
    assert!(app.set_pasted_bytes(keys.pasted_bytes()) && !app.set_pasted_bytes(keys.pasted_bytes()));
    shows(&app, "a paste goes on, 12 kB so far: keys do nothing until its end, or 3 s without");
    for key in keys.handle_timeout(now + Duration::from_secs(3)) {
        app.press(&key);
    }
    assert!(app.set_pasted_bytes(keys.pasted_bytes()));
    shows(&app, "#lobby │ not registered");
    assert_eq!(app.draft().text().len(), 12_000);
}

/// In release it takes some milliseconds; without optimization there must be room.
#[test]
fn a_paste_of_a_megabyte_is_drawn_at_once() {
    for limit in [65_536, 16 << 20] {
        let mut app = app("#lobby");
        app.set_body_bytes_max(limit);
        let paste = format!("\x1b[200~{}\x1b[201~", "some words of a line\r\n".repeat((1 << 20) / 22));
        let begun = Instant::now();
        types(&mut app, paste);
        let _ = drawn(&app);
        types(&mut app, "x");
        let _ = drawn(&app);
        let took = begun.elapsed();
        println!("{took:?} with a limit of {limit}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[test]
fn tab_completes_and_never_changes_who_reads_it() {
    let mut app = app("#lobby");
    let body = || Body::new(b"hi".to_vec());
    let heard = |from: &str| Report::Message {
        id: chatcore::MessageId(1).into(),
        time: 0,
        from: from.into(),
        to: "#lobby".into(),
        body: body(),
    };
    for name in ["bobby", "bob"] {
        app.report(&heard(name));
    }
    types(&mut app, "bo\t");
    assert_eq!(app.draft().text(), "bob: ");
    assert_eq!(prompt(&app), "#lobby> bob:");
    shows(&app, "[bob]  bobby");
    types(&mut app, "\t");
    assert_eq!(app.draft().text(), "bobby: ");
    types(&mut app, "\x1b[Z");
    assert_eq!(app.draft().text(), "bob: ");
    types(&mut app, "look\r");
    assert_eq!(sent(&mut app), ["#lobby bob: look"]);
    types(&mut app, "@bo\t");
    assert_eq!(prompt(&app), "opens bob> @bob:");
    types(&mut app, "\x15/jo\t#lo\t\r");
    assert_eq!(sent(&mut app), ["Command(Join(\"#lobby\"))"]);
}

/// Who spoke here last is meant first, then who is here, and then whoever was heard of elsewhere.
#[test]
fn tab_knows_who_is_in_the_room() {
    let mut app = app("#lobby");
    app.own_name = Some("bea".to_owned());
    let says = |app: &mut App, from: &str, to: &str| {
        let id = chatcore::MessageId(1).into();
        let body = Body::new(b"hi".to_vec());
        app.report(&Report::Message { id, time: 0, from: from.into(), to: to.into(), body });
    };
    let offered = |app: &mut App, begun: &str| {
        types(app, format!("\x15{begun}"));
        let mut all = Vec::new();
        loop {
            types(app, "\t");
            if app.draft().text() == begun {
                return all;
            }
            all.push(app.draft().text().to_owned());
        }
    };
    for (from, to) in [("bill", "#lobby"), ("bob", "#lobby"), ("bill", "#lobby"), ("bix", "#lobby"), ("bo", "#garden")]
    {
        says(&mut app, from, to);
    }
    // As long as nobody knows who is here, whoever spoke may be.
    assert_eq!(offered(&mut app, "b"), ["bix: ", "bill: ", "bob: ", "bo: "]);
    let names = ["bart", "bea", "bella", "bill", "bob"].map(|name| crate::User::new(name.parse().unwrap()));
    let users = crate::program::report::Users::of(names.into(), false);
    app.report(&Report::Roster { room: "#lobby".into(), users });
    // Bix is gone, and bea is whoever types.
    assert_eq!(offered(&mut app, "b"), ["bill: ", "bob: ", "bart: ", "bella: ", "bo: ", "bix: "]);
    assert_eq!(offered(&mut app, "hi B"), ["hi bill", "hi bob", "hi bart", "hi bella", "hi bo", "hi bix"]);
    assert_eq!(offered(&mut app, "@be"), ["@bella:"]);
    says(&mut app, "bella", "#lobby");
    assert_eq!(offered(&mut app, "/msg b")[..2], ["/msg bella", "/msg bill"]);
    app.open("bob");
    assert_eq!(offered(&mut app, "b")[..2], ["bob: ", "bella: "], "whom one talks to comes first");
}

#[test]
fn the_list_of_keys_is_shown_and_a_question_mark_can_be_said() {
    let mut app = app("#lobby");
    types(&mut app, "?");
    shows(&app, "Enter");
    shows(&app, "sends the line to whom the prompt names");
    types(&mut app, "?");
    assert_eq!(app.draft().text(), "?");
    types(&mut app, "?");
    assert!(app.help.is_none(), "the line is not empty");
    types(&mut app, "\x1bOP");
    for _ in 0..40 {
        types(&mut app, "\x1b[6~");
    }
    shows(&app, "a doubled sign stands for itself");
    types(&mut app, "\r");
    assert!(app.help.is_none());
    assert_eq!((sent(&mut app).len(), app.draft().text()), (0, "??"));
    types(&mut app, "\x15?@bob:secret\r");
    assert_eq!(sent(&mut app), ["bob secret"], "no key is lost");
}

/// A terminal that marks no paste, or a key that is held down while the program is busy.
#[test]
fn text_that_is_typed_at_once_does_what_its_characters_do() {
    let typed = |text: &str| {
        let mut app = app("#lobby");
        app.type_text(text);
        (app.help.is_some(), app.draft().text().to_owned(), prompt(&app))
    };
    assert_eq!(typed("@bob:hi").2, "only bob reads it> @bob:hi");
    assert!(typed("?").0);
    assert_eq!(typed("??@bob:hi"), (false, "?@bob:hi".to_owned(), "#lobby> ?@bob:hi".to_owned()));
    let mut app = App::new();
    app.ask(Ask::Password { name: "alice".into() });
    app.type_text("s3cret");
    assert_eq!(prompt(&app), "password for alice: ••••••");
}

#[test]
fn a_password_is_neither_seen_nor_kept() {
    let mut app = App::new();
    types(&mut app, "typed too early\r");
    app.ask(Ask::Password { name: "alice".into() });
    types(&mut app, "s3cret");
    assert_eq!(prompt(&app), "password for alice: ••••••");
    types(&mut app, "\x1b[<0;1;1M\x1b]52;c;QGJv\x07é\x7f\r");
    match app.poll() {
        Some(Input::Secret(secret)) => assert_eq!(*secret, "s3cret"),
        other => panic!("{other:?}"),
    }
    types(&mut app, "\x19x\r");
    app.ask(Ask::Command { room: None });
    types(&mut app, "\x19\x1f\x1b[A\x1b[B");
    assert_eq!(app.draft().text(), "");
    assert!(drawn(&app).iter().all(|row| !row.contains("s3cret") && !row.contains("early")));
}

/// A question that comes while somebody types takes nothing of the line, and sends it nowhere.
#[test]
fn a_question_waits_until_the_line_that_is_typed_is_done_with() {
    for ask in [Ask::Name, Ask::Password { name: "alice".into() }] {
        let mut app = app("#lobby");
        types(&mut app, "@bob:sec");
        app.ask(ask);
        assert!(prompt(&app).starts_with("Enter, and then"), "{}", prompt(&app));
        types(&mut app, "ret\r");
        assert_eq!((sent(&mut app).len(), app.draft().text()), (0, "@bob:secret"));
        types(&mut app, "other\r");
        match app.poll() {
            Some(Input::Line(text)) => assert_eq!(text, "other"),
            Some(Input::Secret(text)) => assert_eq!(*text, "other"),
            other => panic!("{other:?}"),
        }
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        assert_eq!(prompt(&app), "only bob reads it> @bob:secret");
    }
}

#[test]
fn no_question_opens_a_room_under_a_line_that_was_begun() {
    let mut app = App::new();
    app.ask(Ask::Command { room: None });
    types(&mut app, "@bob:sec");
    app.ask(Ask::Command { room: Some("#lobby".into()) });
    types(&mut app, "ret\r");
    assert_eq!(sent(&mut app), ["bob secret"]);
    let mut app = App::new();
    app.ask(Ask::Command { room: Some("#lobby".into()) });
    assert_eq!(prompt(&app), "#lobby>", "a room that was left by the last run is open");
}

#[test]
fn nothing_is_sent_while_nobody_sees_to_whom() {
    let mut app = app("#lobby");
    let draw = |app: &App, width, height| {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| app.draw(frame)).unwrap();
    };
    draw(&app, 10, 3);
    types(&mut app, "hello\r");
    assert_eq!(sent(&mut app), [] as [&str; 0]);
    draw(&app, 40, 10);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app), ["#lobby hello"]);
    // There is room for a part of the name alone.
    let name = "a-name-of-seventy-characters-which-is-a-lot-and-does-not-leave-any-room";
    types(&mut app, format!("@{name}:hello"));
    draw(&app, 20, 6);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app), [] as [&str; 0]);
    draw(&app, 40, 10);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app), [format!("{name} hello")]);
}

#[test]
fn whoever_wants_to_leave_leaves_after_what_was_sent() {
    let mut app = app("#lobby");
    types(&mut app, "hello\r\x03");
    assert_eq!(sent(&mut app)[..1], ["#lobby hello"]);
    assert!(app.has_ended());
    let mut app = App::new();
    types(&mut app, "\x03");
    assert!(app.has_ended(), "also while the server is waited for");
}

/// What may come from the terminal, and from the server.
#[derive(Clone, Debug)]
enum Step {
    Typed(Vec<u8>),
    Asked(Ask),
    Told(Report),
    Drawn(u16, u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let typed = prop_oneof![
        6 => prop::sample::select(vec![
            "@bob:", "@bob ", "/msg bob ", "/query", "/say ", "@carol:x", "#lobby:", "#lobby", "/join #lobby", "/who", "hello", " ", "?", "@@", "//",
            "＠bob：", "\t", "\x1b[Z", "\x1b[A", "\x1b[B", "\x1b[D", "\x01", "\x05", "\x04", "\x7f", "\x15", "\x19", "\x17",
            "\x1f", "\x1bn", "\x1bp", "\x1ba", "\x1bOP", "\x1b[200~a\nb\x1b[201~", "\x1b[<0;3;3M", "\x1b[32;9;9M", "\x1b",
            "é", "山田",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        3 => Just(b"\r".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    let asked = prop_oneof![
        3 => Just(Ask::Command { room: Some("#lobby".into()) }),
        1 => Just(Ask::Name),
        1 => Just(Ask::Password { name: "alice".into() }),
    ];
    // The trial looks for this letter outside of the places of bodies.
    let body = prop_oneof![3 => any::<Vec<u8>>(), 1 => Just("ᛟ alice ᛟ ".repeat(9).into_bytes())];
    let told = (prop::sample::select(vec!["bob", "dave"]), prop::sample::select(vec!["alice", "#lobby"]), body)
        .prop_map(|(from, to, body)| Report::Message {
            id: chatcore::MessageId(7).into(),
            time: 0,
            from: from.into(),
            to: to.into(),
            body: Body::new(body),
        });
    let step = prop_oneof![
        12 => typed.prop_map(Step::Typed),
        1 => asked.prop_map(Step::Asked),
        2 => told.prop_map(Step::Told),
        1 => (0u16..90, 0u16..30).prop_map(|(width, height)| Step::Drawn(width, height)),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Any bytes as the keyboard, any messages and questions between them, in a window of any size: the trial checks that what
    /// is sent was in the input, with its recipient in the prompt, in the last picture before the Enter that sent it.
    #[test]
    fn what_is_sent_was_visible_with_its_recipient(steps in steps()) {
        let mut trial = Trial::new();
        for step in steps {
            match step {
                Step::Typed(bytes) => trial.types(&bytes),
                Step::Asked(ask) => trial.ask(ask),
                Step::Told(report) => trial.report(&report),
                Step::Drawn(columns, rows) => trial.resizes(columns, rows),
            }
        }
    }

    /// Whatever a terminal sends beside what is typed: who begins with `@bob:` is read by bob alone.
    #[test]
    fn no_sequence_makes_a_private_line_public(
        at in 0usize..12,
        noise in prop::collection::vec(prop::sample::select(crate::program::full::keys::tests::noise()), 1..4),
    ) {
        let mut app = app("#lobby");
        let (head, tail) = "@bob:secret".split_at(at.min(11));
        types(&mut app, [head.as_bytes(), &noise.concat(), tail.as_bytes(), b"\r"].concat());
        let sent = sent(&mut app);
        prop_assert!(sent.iter().all(|sent| sent.starts_with("bob ")), "{:?}", sent);
    }
}
