//! What is kept, and what the server is asked for.

use chatcore::MessageId;

use super::reports::{CONVERSATIONS_MAX, KEPT_BYTES_MAX};
use super::rooms::ROSTERS_MAX;
use super::*;
use crate::User;
use crate::program::command::Command;
use crate::program::full::conversation::{CONVERSATION_BYTES_MAX, ENTRIES_MAX, Entry, Fate};
use crate::program::full::keys::Key;
use crate::program::input::Ask;
use crate::program::report::{Body, LISTED_NAMES_MAX, Report, Users};

fn alice() -> App {
    let mut app = App::new();
    app.report(&Report::Registered { name: "alice".into(), display_name: None });
    app.ask(Ask::Command { room: None });
    app
}

fn message(from: &str, to: &str, body: &str) -> Report {
    let id = MessageId(1);
    let body = Body::new(body.into());
    Report::Message { id: id.into(), time: 0, from: from.into(), to: to.into(), body }
}

fn roster(room: &str, names: &[&str]) -> Report {
    let users: Vec<_> = names.iter().map(|name| User::new(name.parse().unwrap())).collect();
    Report::Roster { room: room.into(), users: Users::of(users, false) }
}

fn asked_roster(app: &mut App) -> Option<String> {
    match app.poll() {
        Some(Input::Command(Command::Roster(room))) => room,
        Some(other) => panic!("{other:?}"),
        None => None,
    }
}

fn members(app: &App, room: &str) -> Vec<String> {
    app.conversations[room].members.names().cloned().collect()
}

fn notices(app: &App, place: &str) -> Vec<String> {
    let conversation = &app.conversations[place];
    let text = |number| match conversation.entry(number) {
        Some(Entry::Notice { text, .. }) => Some(text.clone()),
        _ => None,
    };
    conversation.numbers().filter_map(text).collect()
}

/// The program asks for it again by itself.
#[test]
fn a_roster_that_was_asked_for_in_a_session_that_is_lost_is_shown_to_nobody() {
    let mut app = alice();
    app.open("#lobby");
    assert_eq!(asked_roster(&mut app).as_deref(), Some("#lobby"));
    app.report(&Report::SessionLost);
    app.report(&Report::Registered { name: "alice".into(), display_name: None });
    assert_eq!(asked_roster(&mut app), None, "one is still to come");
    let told = app.conversations["#lobby"].len();
    app.report(&roster("#lobby", &["alice", "bob"]));
    assert_eq!(app.conversations["#lobby"].len(), told);
    assert_eq!(asked_roster(&mut app).as_deref(), Some("#lobby"), "and this is the new session's");
}

#[test]
fn a_roster_is_asked_for_when_a_room_is_opened_and_shown_to_nobody() {
    let mut app = alice();
    app.open("#lobby");
    assert_eq!(asked_roster(&mut app).as_deref(), Some("#lobby"));
    // One at a time: what is typed would wait behind a second listing.
    app.open("#garden");
    assert_eq!(asked_roster(&mut app), None);
    app.report(&roster("#lobby", &["alice", "bob"]));
    assert_eq!(members(&app, "#lobby"), ["alice", "bob"]);
    assert_eq!(notices(&app, "#garden"), [""; 0]);
    assert_eq!(asked_roster(&mut app).as_deref(), Some("#garden"));
    let (to, reason) = ("#garden".to_owned(), "not_a_member".to_owned());
    app.report(&Report::Rejected { number: None, to, reason, request: Some("roster") });
    assert_eq!(notices(&app, "#garden"), [""; 0], "nobody asked");
    // What is known is not asked for again.
    app.open("#lobby");
    assert_eq!(asked_roster(&mut app), None);
    // Whoever asks gets an answer.
    app.report(&roster("#lobby", &["alice"]));
    assert_eq!(notices(&app, "#lobby"), ["in #lobby: alice"]);
}

#[test]
fn members_are_kept_current() {
    let mut app = alice();
    app.open("#lobby");
    asked_roster(&mut app);
    app.report(&roster("#lobby", &["alice", "bob"]));
    app.report(&Report::Joined { room: "#lobby".into(), name: "carol".into(), display_name: None });
    app.report(&Report::Left { room: "#lobby".into(), name: "bob".into(), reason: "quit".into() });
    assert_eq!(members(&app, "#lobby"), ["alice", "carol"]);
    app.report(&Report::Stale { room: "#lobby".into() });
    assert_eq!(app.conversations["#lobby"].members.count(), None);
    assert_eq!(asked_roster(&mut app).as_deref(), Some("#lobby"));
    app.report(&roster("#lobby", &["alice", "dave"]));
    assert_eq!(members(&app, "#lobby"), ["alice", "dave"]);
    app.report(&Report::Left { room: "#lobby".into(), name: "alice".into(), reason: "left".into() });
    assert_eq!((app.conversations["#lobby"].members.count(), asked_roster(&mut app)), (None, None));
}

/// A server may list anybody, in each room that is opened.
#[test]
fn members_are_kept_of_some_rooms_and_so_many_names_of_each() {
    let mut app = alice();
    let users = (0..LISTED_NAMES_MAX + 10).map(|at| User::new(format!("user{at}").parse().unwrap())).collect();
    let long = Users::of(users, false);
    for number in 0..ROSTERS_MAX + 5 {
        let room = format!("#room{number}");
        app.open(&room);
        assert_eq!(asked_roster(&mut app).as_ref(), Some(&room));
        app.report(&Report::Roster { room, users: long.clone() });
    }
    let kept = |app: &App, room: &str| app.conversations[room].members.names().count();
    let all: usize = app.conversations.keys().map(|room| kept(&app, room)).sum();
    assert_eq!(all, ROSTERS_MAX * LISTED_NAMES_MAX);
    assert_eq!((kept(&app, "#room4"), kept(&app, "#room5")), (0, LISTED_NAMES_MAX), "those used longest ago give");
    // Who comes and goes is counted.
    let count = |app: &App| app.conversations["#room24"].members.count().unwrap().known;
    assert_eq!(count(&app), LISTED_NAMES_MAX + 10);
    app.report(&Report::Joined { room: "#room24".into(), name: "zoe".into(), display_name: None });
    assert_eq!((count(&app), kept(&app, "#room24")), (LISTED_NAMES_MAX + 11, LISTED_NAMES_MAX));
    app.report(&Report::Left { room: "#room24".into(), name: "zoe".into(), reason: "quit".into() });
    assert_eq!(count(&app), LISTED_NAMES_MAX + 10);
    // What was forgotten is asked for again when somebody looks.
    app.open("#room5");
    assert_eq!(asked_roster(&mut app), None);
    app.open("#room0");
    assert_eq!(asked_roster(&mut app).as_deref(), Some("#room0"));
}

#[test]
fn what_is_kept_of_a_conversation_is_bounded() {
    let mut app = alice();
    for number in 0..ENTRIES_MAX + 10 {
        app.report(&message("bob", "#lobby", &number.to_string()));
    }
    let lobby = &app.conversations["#lobby"];
    assert_eq!((lobby.len(), lobby.numbers().start), (ENTRIES_MAX, 10));
    assert_eq!(lobby.entry(10).map(Entry::body), Some(&b"10"[..]));
    let large = "x".repeat(1 << 20);
    for _ in 0..20 {
        app.report(&message("bob", "#lobby", &large));
    }
    let lobby = &app.conversations["#lobby"];
    assert!(lobby.bytes() <= CONVERSATION_BYTES_MAX && lobby.len() >= 15, "{} of {}", lobby.bytes(), lobby.len());
}

#[test]
fn what_is_kept_of_all_conversations_is_bounded() {
    let mut app = alice();
    let large = "x".repeat(1 << 20);
    // They are older than all others, and few.
    for text in ["one", "two", "three"] {
        app.report(&message("dave", "alice", text));
    }
    for room in ["#a", "#b", "#c", "#d", "#e", "#f", "#g"] {
        for _ in 0..15 {
            app.report(&message("bob", room, &large));
        }
    }
    let kept: usize = app.conversations.values().map(Conversation::bytes).sum();
    assert!(kept.abs_diff(KEPT_BYTES_MAX) <= 4 << 20, "{kept}");
    assert_eq!(app.conversations["dave"].len(), 3, "the fullest give");
}

/// A hostile server sends one long message of each of many users.
#[test]
fn what_is_kept_is_bounded_though_each_conversation_has_one_message() {
    let mut app = alice();
    app.open("#lobby");
    app.report(&message("bob", "#lobby", &"x".repeat(8 << 20)));
    let large = "x".repeat(4 << 20);
    for number in 0..40 {
        app.report(&message(&format!("user{number}"), "alice", &large));
    }
    let kept: usize = app.conversations.values().map(Conversation::bytes).sum();
    assert!(kept <= KEPT_BYTES_MAX + large.len() * 2, "{kept}");
    assert!(app.conversations["#lobby"].bytes() > 8 << 20, "what is open is kept");
    let told = notices(&app, "user0").into_iter().chain(notices(&app, "user1")).collect::<Vec<_>>();
    assert!(told.iter().any(|told| told.starts_with("what was here is forgotten")), "{told:?}");
    assert_eq!(app.conversations["user0"].unread, 1, "somebody has written");
}

#[test]
fn conversations_are_bounded_and_those_that_are_used_stay() {
    let mut app = alice();
    app.report(&Report::Joined { room: "#lobby".into(), name: "alice".into(), display_name: None });
    app.open("bob");
    app.press(&Key::Char('x'));
    app.say("erin", "hello".to_owned());
    app.open("carol");
    for number in 0..CONVERSATIONS_MAX * 2 {
        app.report(&message(&format!("user{number}"), "alice", "hi"));
    }
    assert_eq!(app.conversations.len(), CONVERSATIONS_MAX);
    for kept in [PROGRAM, "#lobby", "bob", "erin", "carol", "user999"] {
        assert!(app.conversations.contains_key(kept), "{kept:?}");
    }
}

#[test]
fn a_message_is_unread_until_somebody_sees_it() {
    let mut app = alice();
    app.open("#lobby");
    app.report(&message("bob", "#garden", "hello"));
    app.report(&message("bob", "#garden", "ALICE: are you there?"));
    app.report(&message("bob", "#lobby", "alice?"));
    let counts = |app: &App, name: &str| (app.conversations[name].unread, app.conversations[name].mentions);
    assert_eq!((counts(&app, "#garden"), counts(&app, "#lobby")), ((2, 1), (0, 0)));
    app.press(&Key::FocusLost);
    app.report(&message("bob", "#lobby", "alice?"));
    assert_eq!(counts(&app, "#lobby"), (1, 1));
    app.press(&Key::FocusGained);
    app.open("#garden");
    assert_eq!((counts(&app, "#garden"), counts(&app, "#lobby")), ((0, 0), (0, 0)));
}

fn fates(app: &mut App, name: &str) -> Vec<Fate> {
    app.conversations.get_mut(name).unwrap().fates().map(|fate| fate.clone()).collect()
}

#[test]
fn what_becomes_of_a_message_reaches_it_however_its_recipient_was_spelled() {
    let mut app = alice();
    app.say("BOB", "hello".to_owned());
    app.report(&Report::Sending { number: 7, to: "bob".into() });
    assert_eq!(fates(&mut app, "bob"), [Fate::Pending { number: 7 }]);
    app.report(&Report::Accepted { number: 7, to: "bob".into(), id: MessageId(5).into() });
    assert_eq!(fates(&mut app, "bob"), [Fate::Accepted { id: "5".into() }]);
    app.report(&Report::Undelivered { to: "bob".into(), ids: vec![MessageId(5).into()] });
    assert!(matches!(&fates(&mut app, "bob")[..], [Fate::Undelivered { .. }]));
    // One that an older run has sent is told nevertheless.
    app.report(&Report::Unconfirmed { to: "bob".into(), ids: vec![MessageId(4).into()] });
    assert_eq!(notices(&app, "bob").len(), 1);
}

#[test]
fn a_message_that_cannot_be_sent_says_why() {
    let mut app = alice();
    app.say("carol", "first".to_owned());
    app.say("bob", "second".to_owned());
    let why = "70000 bytes are too many".to_owned();
    app.report(&Report::NotSending { to: "bob".into(), why });
    let why = "not delivered: 70000 bytes are too many".to_owned();
    assert_eq!(fates(&mut app, "bob"), [Fate::Undelivered { why }]);
    assert_eq!(fates(&mut app, "carol"), [Fate::Waiting]);
    // What is wrong with a command is wrong with no message.
    let (reason, detail) = ("not_sent".to_owned(), "129 bytes are too many for a name".to_owned());
    app.report(&Report::Error { reason, detail });
    assert_eq!(fates(&mut app, "carol"), [Fate::Waiting]);
    assert_eq!(app.hint.as_deref(), Some("129 bytes are too many for a name"));
}

/// The program waited for an answer for ever, and asked for the members of no other room.
#[test]
fn the_members_of_what_is_no_room_are_not_asked_for() {
    let mut app = alice();
    app.open(&format!("#{}", "x".repeat(200)));
    assert_eq!(asked_roster(&mut app), None);
    app.open("#lobby");
    assert_eq!(asked_roster(&mut app).as_deref(), Some("#lobby"));
}

#[test]
fn what_another_session_of_ours_has_sent_is_shown_as_ours() {
    let mut app = alice();
    let (id, body) = (MessageId(9).into(), Body::new(b"from my phone".to_vec()));
    app.report(&Report::Sent { id, time: 3, to: "bob".into(), body });
    assert_eq!(fates(&mut app, "bob"), [Fate::Elsewhere { id: "9".into() }]);
    assert_eq!(app.conversations["bob"].unread, 0);
}

#[test]
fn a_conversation_that_is_opened_again_shows_its_newest() {
    let mut app = alice();
    app.open("#lobby");
    app.report(&message("bob", "#lobby", "read"));
    app.look_at(Place::At { number: 0, row: 0 });
    app.report(&message("bob", "#lobby", "below what is seen"));
    assert_eq!(app.conversations["#lobby"].unread, 1);
    app.open("#garden");
    app.open("#lobby");
    let lobby = &app.conversations["#lobby"];
    assert_eq!((lobby.place, lobby.unread, lobby.marker), (Place::End, 0, Some(1)));
}

#[test]
fn no_hint_covers_that_the_connection_is_lost() {
    let mut app = alice();
    app.hint = Some("message 3 of 7".to_owned());
    let (reason, detail) = ("timed_out".to_owned(), "nothing was heard".to_owned());
    app.report(&Report::Reconnecting {
        reason,
        detail,
        error: None,
        attempt: 1,
        after: std::time::Duration::from_secs(2),
    });
    let trouble = Trouble { what: "reconnecting in 2.0 s".to_owned(), why: Some("nothing was heard".to_owned()) };
    assert_eq!((app.hint, app.trouble), (None, Some(trouble)));
}

/// A line that is typed, and Enter.
fn enters(app: &mut App, line: &str) {
    line.chars().for_each(|c| app.press(&Key::Char(c)));
    enter_seen(app);
}

/// The row of the list that has a conversation.
fn listed(app: &App, name: &str) -> String {
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 12)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..app.drawn.list.get().width - 1).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..12).map(row).find(|row| row.contains(name)).expect("it is in the list")
}

#[test]
fn a_message_that_is_refused_is_told_wherever_somebody_looks() {
    let mut app = alice();
    app.open("#lobby");
    enters(&mut app, "#nowhere hi");
    app.report(&Report::Sending { number: 1, to: "#nowhere".into() });
    let (to, reason) = ("#nowhere".to_owned(), "not_a_member".to_owned());
    app.report(&Report::Rejected { number: Some(1), to, reason, request: None });
    assert!(app.news().unwrap().contains("not delivered"), "{:?}", app.news());
    let nowhere = &app.conversations["#nowhere"];
    assert_eq!((nowhere.unread, nowhere.mentions), (1, 1), "the list has its mark");
    assert!(listed(&app, "#nowhere").ends_with(" ✗1"), "{}", listed(&app, "#nowhere"));
    // What somebody else says there has the mark of what others say.
    app.report(&message("bob", "#nowhere", "hello"));
    assert!(listed(&app, "#nowhere").ends_with(" !2"), "{}", listed(&app, "#nowhere"));
    // Whoever looks at it sees it there.
    app.open("#nowhere");
    app.news = None;
    enters(&mut app, "again");
    app.report(&Report::Sending { number: 2, to: "#nowhere".into() });
    let (to, reason) = ("#nowhere".to_owned(), "not_a_member".to_owned());
    app.report(&Report::Rejected { number: Some(2), to, reason, request: None });
    assert_eq!((app.news(), app.conversations["#nowhere"].unread), (None, 0));
}

#[test]
fn news_covers_nothing_for_long() {
    let mut app = alice();
    app.open("#lobby");
    app.set_time(1_000);
    app.report(&Report::Resumed { name: "alice".into(), display_name: None, is_restart: false });
    assert!(app.news().unwrap().starts_with("resumed"));
    app.set_time(1_000 + NEWS_MS);
    assert_eq!(app.news(), None);
    app.report(&Report::Resumed { name: "alice".into(), display_name: None, is_restart: false });
    app.press(&Key::Char('x'));
    assert_eq!(app.news(), None, "a key ends it");
}

#[test]
fn what_is_looked_for_is_not_said() {
    let mut app = alice();
    app.report(&message("bob", "#lobby", "number 13"));
    app.open("#lobby");
    "number".chars().for_each(|c| app.press(&Key::Char(c)));
    app.press(&Key::Ctrl('r'));
    assert!(app.search.is_some());
    asked_roster(&mut app);
    app.press(&Key::Enter);
    assert!(app.poll().is_none(), "nothing is sent");
    // A step back brings it again; and what is found nowhere stays.
    app.press(&Key::Esc);
    "number".chars().for_each(|c| app.press(&Key::Char(c)));
    app.press(&Key::Ctrl('r'));
    app.press(&Key::Alt('u'));
    assert_eq!(app.draft().text(), "number");
    app.press(&Key::Ctrl('u'));
    "nowhere".chars().for_each(|c| app.press(&Key::Char(c)));
    app.press(&Key::Esc);
    app.press(&Key::Ctrl('r'));
    assert_eq!((app.search.is_some(), app.draft().text()), (false, "nowhere"));
    app.press(&Key::Ctrl('u'));
    app.press(&Key::Ctrl('r'));
    assert!(app.hint.as_ref().unwrap().starts_with("type what to look for"));
}

/// Nobody is to tell a friend's secrets to a stranger who has the friend's name.
#[test]
fn who_talks_to_somebody_is_told_that_he_is_gone_and_that_another_may_have_the_name() {
    const WARNING: &str = "ned was gone: this may be somebody else with the same name";
    let left = |reason: &str| Report::Left { room: "#lobby".into(), name: "ned".into(), reason: reason.into() };
    let offline = Report::Presence { name: "ned".into(), online: false, display_name: None };
    let (to, reason) = ("ned".to_owned(), "no_such_user".to_owned());
    let rejected = Report::Rejected { number: Some(1), to, reason, request: None };
    for (report, told) in [
        (left("quit"), vec!["ned quit", WARNING]),
        (left("timed_out"), vec!["ned timed out", WARNING]),
        (left("renamed"), vec!["ned has another name now", WARNING]),
        (offline, vec!["ned is offline", WARNING]),
        (rejected, vec![WARNING]),
        (left("left"), vec![]),
    ] {
        let mut app = alice();
        app.report(&message("ned", "alice", "it is me"));
        app.report(&report);
        app.report(&message("ned", "alice", "it is me, too"));
        app.report(&message("ned", "alice", "and me"));
        assert_eq!(notices(&app, "ned"), told, "{report:?}");
    }
    let mut app = alice();
    app.report(&left("quit"));
    assert!(!app.conversations.contains_key("ned"), "nobody has talked to him");
}

#[test]
fn a_command_about_a_room_means_the_one_that_is_open_or_none() {
    let mut app = alice();
    app.open("bob");
    for line in ["/leave", "/roster"] {
        enters(&mut app, line);
        assert!(app.poll().is_none(), "{line}: another room is not left, and not listed");
        assert!(app.hint.as_ref().unwrap().contains("which room"), "{line}");
    }
    app.open("#lobby");
    asked_roster(&mut app);
    enters(&mut app, "/leave");
    assert!(matches!(app.poll(), Some(Input::Command(Command::Leave(Some(room)))) if room == "#lobby"));
}

#[test]
fn who_watches_is_told_where_he_looks_and_unwatching_forgets() {
    let mut app = alice();
    app.open("#lobby");
    enters(&mut app, "/watch Bob ghost");
    let presence = |name: &str, online| Report::Presence { name: name.into(), online, display_name: None };
    app.report(&presence("bob", true));
    app.report(&presence("ghost", false));
    assert_eq!(notices(&app, "#lobby"), ["bob is online", "ghost is offline"]);
    // What changes later is told where it was.
    app.report(&presence("ghost", true));
    assert_eq!(notices(&app, "#lobby").len(), 2);
    enters(&mut app, "/unwatch bob");
    assert!(!app.presence.contains_key("bob") && app.presence.contains_key("ghost"));
}

#[test]
fn when_it_goes_on_stands_first() {
    let mut app = alice();
    app.open("#lobby");
    let reconnecting = |attempt| Report::Reconnecting {
        reason: "disconnected".into(),
        detail: "cannot connect to 192.0.2.1:12379: Connection refused (os error 111)".into(),
        error: None,
        attempt,
        after: std::time::Duration::from_millis(1_500),
    };
    app.report(&reconnecting(1));
    app.report(&reconnecting(2));
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 12)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    let status: String = (0..80).map(|x| terminal.backend().buffer()[(x, 10)].symbol()).collect();
    let wanted = " reconnecting in 1.5 s │ #lobby │ alice │ cannot connect to 192.0.2.1:12379: Co";
    assert!(status.starts_with(wanted), "{status}");
    let told = notices(&app, PROGRAM).iter().filter(|told| told.contains("reconnecting")).count();
    assert_eq!(told, 1, "the first attempt is kept, and not each");
}
