//! What some screens look like.

use ratatui::style::{Color, Modifier};

use super::*;
use crate::program::full::app::enter_seen;
use crate::program::full::colours::Colours;
use crate::program::full::keys::Key;
use crate::program::full::layout::{Columns, PROGRAM_SIGN};
use crate::program::input::Input;

fn type_line(app: &mut App, line: &str) {
    for c in line.chars() {
        app.press(&Key::Char(c));
    }
    enter_seen(app);
}

fn say(app: &mut App, number: u64, line: &str) {
    type_line(app, line);
    app.report(&Report::Sending { number, to: "bob".into() });
}

#[track_caller]
fn assert_shown(app: &App, width: u16, height: u16, expected: &str) {
    let expected: Vec<_> = expected.strip_prefix('\n').unwrap().lines().map(str::to_owned).collect();
    let shown = shown(app, width, height);
    assert_eq!(shown, expected, "\n{}\n", shown.join("\n"));
}

#[test]
fn a_room_with_its_members() {
    let mut app = alice();
    assert!(matches!(app.poll(), Some(Input::Command(_))), "the roster is asked for");
    app.report(&roster("#lobby", &["alice", "bob", "carol"]));
    app.report(&message("bob", "#lobby", b"hello, everybody"));
    app.report(&message("carol", "#lobby", b"have you seen Alice?"));
    app.report(&message("bob", "#garden", b"nobody here"));
    app.report(&message("dave", "alice", b"psst"));
    app.report(&Report::Left { room: "#lobby".into(), name: "carol".into(), reason: "quit".into() });
    assert_shown(
        &app,
        98,
        10,
        "
 the program     │                                                              │2 here
 #garden        1│                                                              │alice
›#lobby          │                                                              │bob
 dave          !1│                                                              │
                 │— ────────────── Monday, 30 November 2026 (UTC) ──────────────│
                 │  00:53 bob          hello, everybody                         │
                 │» 00:53 carol        have you seen Alice?                     │
                 │— carol quit                                                  │
 #lobby, 2 here │ alice
#lobby>",
    );
}

#[test]
fn who_is_online_and_what_was_missed_is_seen() {
    let mut app = alice();
    for (name, online) in [("bob", true), ("carol", false)] {
        app.report(&message(name, "alice", b"hi"));
        app.report(&Report::Presence { name: name.into(), online, display_name: None });
    }
    let (first_id, last_id) = (id(5), id(300));
    app.report(&Report::Missed { room: "#lobby".into(), count: 120, first_id, last_id });
    assert_shown(
        &app,
        70,
        8,
        "
 the program     │
›#lobby          │
●bob           !1│
○carol         !1│
                 │— ───────── Monday, 30 November 2026 (UTC) ─────────
                 │— you missed 120 messages in #lobby
 #lobby │ alice
#lobby>",
    );
    app.open("carol");
    assert_eq!(shown(&app, 70, 8)[6], " carol (offline) │ alice");
}

#[test]
fn members_that_have_no_room_are_counted() {
    let mut app = alice();
    assert!(matches!(app.poll(), Some(Input::Command(_))), "the roster is asked for");
    let users = || (0..12_345).map(|at| User::new(format!("user{at:05}").parse().unwrap())).collect();
    for (is_cut, here, more) in [(false, "12 345 here", "and 12 341 more"), (true, "12 345+ here", "and 12 341+ more")]
    {
        app.report(&Report::Roster { room: "#lobby".into(), users: Users::of(users(), is_cut) });
        let rows = shown(&app, 98, 8);
        let column: Vec<_> = rows[..6].iter().map(|row| row.rsplit('│').next().unwrap()).collect();
        assert_eq!(column, [here, "user00000", "user00001", "user00002", "user00003", more]);
        assert!(rows[6].starts_with(&format!(" #lobby, {here} ")), "{rows:#?}");
    }
}

#[test]
fn what_became_of_a_message_is_seen_beside_it() {
    let mut app = alice();
    for (number, text) in [(1, "one"), (2, "two"), (3, "three"), (4, "four"), (5, "five")] {
        say(&mut app, number, &format!("@bob:{text}"));
    }
    for number in [1, 3, 4] {
        app.report(&Report::Accepted { number, to: "bob".into(), id: id(number) });
    }
    app.report(&Report::Rejected { number: Some(2), to: "bob".into(), reason: "no_such_user".into(), request: None });
    app.report(&Report::Undelivered { to: "bob".into(), ids: vec![id(3)] });
    app.report(&Report::Unconfirmed { to: "bob".into(), ids: vec![id(4)] });
    let (time, body) = (u128::from(TIME_MS), Body::new(b"six".to_vec()));
    app.report(&Report::Sent { id: id(6), time, to: "bob".into(), body });
    assert_shown(
        &app,
        60,
        14,
        "

— ───────────── Monday, 30 November 2026 (UTC) ─────────────
  00:53 alice      ✓ one
  00:53 alice      ✗ two
— not delivered: bob is not here
  00:53 alice      ✗ three
— not delivered: bob was gone before it could get a message
  00:53 alice      ? four
— unconfirmed: bob was gone before it said that it had got
    a message
  00:53 alice      … five
  00:53 alice      = six
 bob │ alice
only bob reads it>",
    );
}

/// P4: a body of blanks and a line that looks like another's.
#[test]
fn nobody_speaks_as_somebody_else_or_as_the_program() {
    let mut app = alice();
    let body = format!("{}[#lobby] carol: I quit", " ".repeat(75));
    app.report(&message("online", "#lobby", body.as_bytes()));
    app.report(&message("bob", "#lobby", "x\n— carol quit\n  00:53 carol        yes\r\u{1b}[1A".as_bytes()));
    assert_shown(
        &app,
        60,
        14,
        "





— ───────────── Monday, 30 November 2026 (UTC) ─────────────
  00:53 online

                       [#lobby] carol: I quit
  00:53 bob          x
                     — carol quit
                       00:53 carol        yes␍␛[1A
 #lobby │ alice
#lobby>",
    );
}

/// Who has never used it is told where all else is told, in the smallest window too.
#[test]
fn the_first_words_lead_to_the_others() {
    let mut app = App::new();
    app.report(&Report::Registered { name: "alice".into(), display_name: None });
    app.ask(Ask::Command { room: None });
    let rows = shown(&app, 40, 10);
    assert_eq!(rows[6..8], ["— you are alice; /help lists the", "    commands, ? the keys"]);
    app.press(&Key::Char('?'));
    assert_eq!(shown(&app, 20, 8)[0], " Keys: Esc goes back");
}

#[test]
fn a_narrow_terminal() {
    let mut app = alice();
    app.report(&message("bob", "#lobby", b"a message that is longer than one row of it"));
    app.report(&message("somebody-with-a-name", "#garden", b"x"));
    app.report(&message("carol", "#lobby", "中文字".repeat(5).as_bytes()));
    assert_shown(
        &app,
        40,
        10,
        "



— ─── Monday, 30 November 2026 (UTC) ───
  bob      a message that is longer
             than one row of it
  carol    中文字中文字中文字中文字中文
             字
 #lobby │ alice │ 1 unread
#lobby>",
    );
    assert_shown(&app, 19, 4, "\ntoo small: 20 × 5\nat least\n\n\n");
}

#[test]
fn a_day_that_begins_and_where_somebody_stopped_reading_are_seen() {
    let mut app = alice();
    app.report(&message("bob", "#lobby", b"yesterday"));
    app.press(&Key::FocusLost);
    let later = u128::from(TIME_MS + 86_400_000);
    for body in ["today", "and on"] {
        let (id, body) = (id(2), Body::new(body.into()));
        app.report(&Report::Message { id, time: later, from: "bob".into(), to: "#lobby".into(), body });
    }
    assert_shown(
        &app,
        50,
        9,
        "

— ──────── Monday, 30 November 2026 (UTC) ────────
  00:53 bob        yesterday
— ──────── Tuesday, 1 December 2026 (UTC) ────────
— ───────────────────── new ──────────────────────
  00:53 bob        today
  00:53 bob        and on
 #lobby │ alice
#lobby>",
    );
    assert_eq!(app.conversations["#lobby"].unread, 2);
    app.press(&Key::FocusGained);
    assert_eq!(app.conversations["#lobby"].unread, 0);
}

#[test]
fn a_long_message_is_folded_until_somebody_wants_it() {
    let mut app = alice();
    let lines: Vec<_> = (0..200).map(|line| format!("line {line:03} {}", "x".repeat(300))).collect();
    let body = lines.join("\n") + "\n";
    app.report(&message("bob", "#lobby", body.as_bytes()));
    app.report(&message("bob", "#lobby", format!("a{}I quit", "\n".repeat(20)).as_bytes()));
    let folded = shown(&app, 60, 30);
    assert_eq!(folded.iter().filter(|row| row.contains("line ")).count(), 1, "{folded:#?}");
    assert!(folded.iter().any(|row| row == "— … 62 kB more; Ctrl-O shows it"), "{folded:#?}");
    assert!(folded.iter().any(|row| row == "— … 16 bytes more; Ctrl-O shows it"), "{folded:#?}");
    assert!(!folded.iter().any(|row| row.contains("I quit")));
    app.press(&Key::Ctrl('o'));
    let unfolded = shown(&app, 60, 30);
    assert!(unfolded[27].ends_with("I quit"), "{unfolded:#?}");
    app.press(&Key::Ctrl('o'));
    app.press(&Key::PageUp);
    assert!(shown(&app, 60, 60).iter().any(|row| row.contains("line 199")));
    app.press(&Key::Alt('>'));
    app.press(&Key::Ctrl('o'));
    assert_eq!(shown(&app, 60, 30), folded, "what is unfolded is folded again");
}

#[test]
fn a_message_that_is_too_long_to_be_unfolded_says_so_and_is_folded_again() {
    let mut app = alice();
    app.report(&message("bob", "#lobby", &vec![b'x'; 1 << 20]));
    let folded = shown(&app, 60, 20);
    assert!(folded.iter().any(|row| row == "— … 1 MB more; Ctrl-O shows it"), "{folded:#?}");
    app.press(&Key::Ctrl('o'));
    let unfolded = shown(&app, 60, 20);
    assert!(unfolded.iter().any(|row| row == "— … 786 kB more"), "{unfolded:#?}");
    app.press(&Key::Ctrl('o'));
    assert_eq!(shown(&app, 60, 20), folded);
}

/// Each glyph was compared with each hit, and the whole body was searched for each picture.
#[test]
fn hits_are_marked_however_many_there_are() {
    let mut app = alice();
    app.report(&message("bob", "#lobby", &vec![b'e'; 64 << 10]));
    let _ = shown(&app, 60, 20);
    app.unfold();
    let begun = std::time::Instant::now();
    app.search("e");
    let picture = picture(&app, 60, 20);
    let area = app.drawn.messages.get();
    let rows = (area.y..area.bottom()).filter(|y| picture[(area.x, *y)].symbol() != PROGRAM_SIGN);
    let cells = rows.flat_map(|y| (Columns::of(area.width).text_at..area.width).map(move |x| (x, y)));
    let (marked, unmarked): (Vec<_>, Vec<_>) = cells
        .filter(|at| picture[*at].symbol() == "e")
        .partition(|at| picture[*at].modifier.contains(Modifier::UNDERLINED));
    assert!(marked.len() > 300 && unmarked.is_empty(), "{} and {unmarked:?}", marked.len());
    // Without optimization there must be room: it took minutes.
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    app.search(&"e".repeat(101));
    assert_eq!(
        (app.hint.as_deref(), app.search.is_some()),
        (Some("what is looked for has 100 characters at most"), false)
    );
}

fn flood(app: &mut App, numbers: std::ops::Range<usize>) {
    for number in numbers {
        app.report(&message("bob", "#lobby", format!("number {number}").as_bytes()));
    }
}

fn numbers(app: &App) -> Vec<usize> {
    let rows = shown(app, 60, 12);
    rows.iter().filter_map(|row| row.split_once("number ").and_then(|(_, number)| number.trim().parse().ok())).collect()
}

#[test]
fn what_is_read_stays_where_it_is_when_more_comes() {
    let mut app = alice();
    flood(&mut app, 0..100);
    assert_eq!(numbers(&app), (90..100).collect::<Vec<_>>());
    app.press(&Key::PageUp);
    assert_eq!(numbers(&app), (82..91).collect::<Vec<_>>());
    flood(&mut app, 100..112);
    assert_eq!(numbers(&app), (82..91).collect::<Vec<_>>());
    let rows = shown(&app, 60, 12);
    assert_eq!(rows[9], "— ↓ 21 below, 12 new");
    app.press(&Key::ScrollDown { column: 1, row: 1 });
    assert_eq!(numbers(&app), (85..94).collect::<Vec<_>>());
    app.press(&Key::Alt('<'));
    assert_eq!(numbers(&app), (0..8).collect::<Vec<_>>());
    app.press(&Key::PageUp);
    assert_eq!(numbers(&app), (0..8).collect::<Vec<_>>());
    app.press(&Key::PageDown);
    assert_eq!(numbers(&app), (7..16).collect::<Vec<_>>());
    for _ in 0..20 {
        app.press(&Key::PageDown);
    }
    let rows = shown(&app, 60, 12);
    assert!(rows[9].ends_with("number 111"), "{rows:#?}");
    assert_eq!(app.conversations["#lobby"].unread, 0);
    assert!(rows.iter().all(|row| !row.contains("below")));
}

#[test]
fn a_search_goes_from_hit_to_hit_and_marks_them() {
    let mut app = alice();
    flood(&mut app, 0..300);
    assert_eq!(numbers(&app).len(), 10);
    for c in "NUMBER 17".chars() {
        app.press(&Key::Char(c));
    }
    app.press(&Key::Ctrl('r'));
    assert_eq!(app.hint.as_deref(), Some("message 11 of 11 with \"number 17\""));
    assert!(numbers(&app).contains(&179), "{:?}", numbers(&app));
    app.press(&Key::Ctrl('r'));
    assert!(numbers(&app).contains(&178));
    app.press(&Key::Ctrl('s'));
    app.press(&Key::Ctrl('s'));
    assert_eq!(app.hint.as_deref(), Some("there is no newer message with \"number 17\""));
    let picture = picture(&app, 60, 12);
    let is_marked = |x, y| picture[(x, y)].modifier.contains(Modifier::UNDERLINED);
    let marked = (0..12).flat_map(|y| (0..60).map(move |x| (x, y))).filter(|(x, y)| is_marked(*x, *y)).count();
    let hits = numbers(&app).iter().filter(|number| (170..180).contains(*number)).count();
    assert_eq!(marked, hits * "number 17".len());
    app.press(&Key::Esc);
    assert_eq!(app.search, None);
}

#[test]
fn a_list_that_is_too_long_tells_what_is_out_of_sight() {
    let mut app = alice();
    for number in 0..20 {
        app.report(&message(&format!("user{number:02}"), "alice", b"hi"));
    }
    let rows = shown(&app, 70, 8);
    assert_eq!(rows[5].split('│').next(), Some("↓ 17 unread      "));
    app.open("user10");
    let rows = shown(&app, 70, 8);
    assert!(rows[0].starts_with("↑ 7 unread"), "{rows:#?}");
    assert!(rows.iter().any(|row| row.starts_with("›user10")));
    assert_eq!(app.conversation_at(3, 2).as_deref(), Some("user08"));
    assert_eq!(app.conversation_at(30, 2), None);
    // Nobody opens by a click what he does not see.
    let click = Key::Click { column: 3, row: 2 };
    app.press(&Key::Function(1));
    app.press(&click);
    assert!(app.help.is_none() && app.open == "user10", "{}", app.open);
    let _ = shown(&app, 19, 4);
    app.press(&click);
    assert_eq!(app.open, "user10");
    let _ = shown(&app, 70, 8);
    app.press(&click);
    assert_eq!(app.open, "user08");
}

/// An attacker can choose a name that differs only where it would be cut.
#[test]
fn two_names_never_look_the_same() {
    let long = "a-name-of-thirty-two-bytes-at-m";
    let names = ["christopher", "christophel", &format!("{long}t"), &format!("{long}d")];
    for (width, height) in [(200, 40), (98, 40), (80, 40), (40, 40), (20, 40)] {
        let mut pictures = Vec::new();
        for name in names {
            let mut app = alice();
            app.poll();
            app.report(&roster("#lobby", &["alice", name]));
            app.report(&message(name, "#lobby", b"hello"));
            app.report(&message(name, "alice", b"hello"));
            pictures.push(shown(&app, width, height));
            // In the list, among the members and beside the message.
            let places = usize::from(width >= 62) + usize::from(width >= 98) + 1;
            let picture = pictures.last().unwrap();
            let heads: Vec<_> = picture.iter().filter(|row| row.contains(&name[..9])).collect();
            // What goes on with a name follows the sign, and nothing follows it where one is cut.
            let is_cut = |row: &str| {
                row.split('…').skip(1).any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
            };
            assert!(heads.len() >= places.min(2) && heads.iter().all(|row| !is_cut(row)), "{width}: {picture:#?}");
        }
        for (at, one) in pictures.iter().enumerate() {
            assert!(pictures[at + 1..].iter().all(|other| other != one), "{width}: {one:#?}");
        }
    }
}

#[test]
fn a_long_name_has_rows_of_its_own() {
    let mut app = alice();
    app.poll();
    app.report(&roster("#lobby", &["alice", "christopher-of-the-long-name"]));
    app.report(&message("christopher-of-the-long-name", "#lobby", b"hello"));
    app.report(&message("christopher-of-the-long-name", "alice", b"psst"));
    assert_shown(
        &app,
        98,
        9,
        "
 the program     │                                                              │2 here
›#lobby          │                                                              │alice
 christopher-o !1│                                                              │christopher-of-th
 …f-the-long-n   │                                                              │…e-long-name
 …ame            │— ────────────── Monday, 30 November 2026 (UTC) ──────────────│
                 │  00:53 christopher-of-the-long-name                          │
                 │                     hello                                    │
 #lobby, 2 here │ alice
#lobby>",
    );
    for (row, name) in [(1, Some("#lobby")), (4, Some("christopher-of-the-long-name")), (5, None)] {
        assert_eq!(app.conversation_at(3, row).as_deref(), name);
    }
}

#[test]
fn names_have_colours_if_the_terminal_has() {
    let colour = |app: &App| {
        let picture = picture(app, 60, 8);
        picture[(8, 5)].fg
    };
    let mut app = alice().with_colours(Colours::Many);
    app.report(&message("bob", "#lobby", b"hello"));
    assert_eq!(shown(&app, 60, 8)[5], "  00:53 bob          hello");
    assert!(matches!(colour(&app), Color::Indexed(_)));
    assert_eq!(colour(&app.with_colours(Colours::None)), Color::Reset);
}

#[test]
fn as_many_pages_forth_as_back_lead_to_the_end() {
    for messages in [9, 10, 11, 17, 18, 19, 100] {
        let mut app = alice();
        flood(&mut app, 0..messages);
        let last = numbers(&app);
        for pages in 1..3 {
            (0..pages).for_each(|_| app.press(&Key::PageUp));
            (0..pages).for_each(|_| app.press(&Key::PageDown));
            assert_eq!(numbers(&app), last, "{messages} messages, {pages} pages");
        }
    }
}

#[test]
fn the_key_that_ends_other_programs_ends_this_one() {
    for key in ['c', '\\'] {
        let mut app = alice();
        app.press(&Key::Ctrl(key));
        assert!(app.has_ended(), "Ctrl-{key}");
    }
}

/// What was wrong says also what would be right, which must not be cut where there are few columns.
#[test]
fn a_hint_has_as_many_rows_as_it_needs() {
    let mut app = alice();
    app.type_text("/fly");
    app.press(&Key::Enter);
    let hint = "there is no command /fly: /help lists them; //text says what begins with a /";
    assert_eq!(app.hint.as_deref(), Some(hint));
    for (columns, rows) in [(40, 12), (120, 12)] {
        let screen = shown(&app, columns, rows);
        let all = screen.iter().map(|row| row.trim()).collect::<Vec<_>>().join(" ");
        assert!(all.contains(hint), "{screen:#?}");
    }
    app.hint = Some("xx ".repeat(300));
    let screen = shown(&app, 40, 12);
    let told: Vec<_> = screen.iter().filter(|row| row.contains("xx")).collect();
    assert!(told.len() == 3 && told[2].ends_with('…'), "{screen:#?}");
    app.press(&Key::Left);
    assert_eq!(shown(&app, 40, 12).iter().filter(|row| row.contains("xx")).count(), 0);
}
