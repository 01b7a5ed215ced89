//! Who reads a line: the prompt says it, and nobody else ever does.

use super::*;
use crate::program::report::Report;

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
    shows(&app, "to whom? /join #lobby goes into that room");
}

#[test]
fn the_prompt_of_a_room_that_was_left_says_so() {
    let mut app = app("#lobby");
    app.report(&Report::Registered { name: "alice".into(), display_name: None });
    let joined = Report::Joined { room: "#lobby".into(), name: "alice".into(), display_name: None };
    let left = Report::Left { room: "#lobby".into(), name: "alice".into(), reason: "left".into() };
    app.report(&joined);
    assert_eq!(prompt(&app), "#lobby>");
    app.report(&left);
    assert_eq!(prompt(&app), "not in #lobby>");
    types(&mut app, "hello");
    assert_eq!(prompt(&app), "not in #lobby> hello");
    app.open("bob");
    types(&mut app, "#LOBBY hello");
    assert_eq!(prompt(&app), "not in #LOBBY> #LOBBY hello");
    app.open("#lobby");
    app.report(&joined);
    assert_eq!(prompt(&app), "#lobby> hello");
}

#[test]
fn the_prompt_of_a_room_that_could_not_be_joined_says_so() {
    let registered = || Report::Registered { name: "alice".into(), display_name: None };
    let rejected = |request: Option<&'static str>, reason: &str| {
        let number = request.is_none().then_some(1);
        Report::Rejected { number, to: "#lobby".into(), reason: reason.into(), request }
    };
    let joined = || Report::Joined { room: "#lobby".into(), name: "alice".into(), display_name: None };
    let mut app = app("#lobby");
    app.report(&registered());
    app.report(&rejected(Some("join"), "room_full"));
    assert_eq!(prompt(&app), "not in #lobby>");
    app.report(&joined());
    app.report(&rejected(Some("join"), "rate_limited"));
    assert_eq!(prompt(&app), "#lobby>", "who is in it stays there");
    // With the next session she is in it again, unless the server says no.
    app.report(&registered());
    assert_eq!(prompt(&app), "#lobby>");
    app.report(&rejected(Some("join"), "hub_rooms_full"));
    assert_eq!(prompt(&app), "not in #lobby>");
    // She is not in it any more, whatever was asked for.
    for request in [None, Some("leave"), Some("roster")] {
        app.report(&joined());
        assert_eq!(prompt(&app), "#lobby>");
        app.report(&rejected(request, "not_a_member"));
        assert_eq!(prompt(&app), "not in #lobby>", "{request:?}");
    }
}

/// It would come into the room again, and nobody would see how to leave it.
#[test]
fn a_room_that_is_closed_before_it_is_joined_again_is_left() {
    let mut app = app("#lobby");
    let registered = Report::Registered { name: "alice".into(), display_name: None };
    app.report(&registered);
    app.report(&Report::Joined { room: "#lobby".into(), name: "alice".into(), display_name: None });
    app.report(&registered);
    types(&mut app, "\x1bx");
    assert_eq!(sent(&mut app), [r##"Command(Leave(Some("#lobby")))"##]);
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
fn nothing_is_sent_while_nobody_sees_to_whom() {
    let mut app = app("#lobby");
    let draw = |app: &mut App, width, height| {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| app.draw(frame)).unwrap();
        app.see_picture();
    };
    draw(&mut app, 10, 3);
    types(&mut app, "hello\r");
    assert_eq!(sent(&mut app), [] as [&str; 0]);
    draw(&mut app, 40, 10);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app), ["#lobby hello"]);
    // There is room for a part of the name alone.
    let name = "a-name-of-seventy-characters-which-is-a-lot-and-does-not-leave-any-room";
    types(&mut app, format!("@{name}:hello"));
    draw(&mut app, 20, 6);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app), [] as [&str; 0]);
    draw(&mut app, 40, 10);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app), [format!("{name} hello")]);
}
