use super::*;
use crate::User;
use chatcore::MessageId;

fn message(to: &str, body: &[u8]) -> Report {
    let id = MessageId(u64::MAX);
    let time = id.unix_time().as_millis();
    Report::Message { id: id.into(), time, from: "bob".into(), to: to.into(), body: Body::new(body.to_vec()) }
}

#[test]
fn json_has_its_fields_in_order() {
    assert_eq!(
        message("alice", b"hello").json(),
        r#"{"event":"message","id":"18446744073709551615","time":3934712855551,"from":"bob","to":"alice","body":"hello"}"#
    );
    assert!(message("#lobby", b"\xff\x00").json().ends_with(r##","to":"#lobby","body_base64":"/wA="}"##));
    let rejected = |request| {
        let (to, reason) = ("carol".into(), "no_such_user".into());
        Report::Rejected { number: None, to, reason, request }
    };
    assert_eq!(rejected(None).json(), r#"{"event":"rejected","to":"carol","reason":"no_such_user"}"#);
    assert!(rejected(Some("join")).json().ends_with(r#""reason":"no_such_user","request":"join"}"#));
    let user = |name: &str, display_name: Option<&str>| {
        User::new(name.parse().unwrap()).with_display_name(display_name.map(Into::into))
    };
    let online = |users: Vec<User>| Report::Online { users: Users::of(users, false) };
    assert_eq!(online(vec![user("a", None)]).json(), r#"{"event":"online","names":["a"]}"#);
    let two = online(vec![user("a", None), user("bob", Some("Bob"))]);
    assert_eq!(two.json(), r#"{"event":"online","names":["a","bob"],"display_names":{"bob":"Bob"}}"#);
    assert_eq!(two.text(), "online: a, Bob");
    let cut = Report::Online { users: Users::of(vec![user("a", None)], true) };
    assert_eq!(cut.json(), r#"{"event":"online","names":["a"],"more":true}"#);
    assert_eq!(cut.text(), "online: a, and more");
    assert_eq!(Report::SessionLost.json(), r#"{"event":"session_lost"}"#);
    let (reason, detail, after) = ("timed_out".into(), "nothing was heard".into(), Duration::from_micros(1_500));
    let reconnecting = Report::Reconnecting { reason, detail, error: None, attempt: 1, after };
    assert_eq!(reconnecting.json(), r#"{"event":"reconnecting","reason":"timed_out","attempt":1,"after_ms":1}"#);
    assert_eq!(reconnecting.text(), "nothing was heard; reconnecting in 0.0 s");
    let silent = Report::Silent { after: Duration::from_millis(12_300) };
    assert_eq!(silent.json(), r#"{"event":"silent","for_ms":12300}"#);
    assert_eq!(silent.text(), "no answer from the server for 12 s");
    assert_eq!(Report::Heard.json(), r#"{"event":"heard"}"#);
    let error = |line| Report::InputError { reason: "not_utf8".into(), detail: "x".into(), line };
    assert_eq!(error(None).json(), r#"{"event":"error","reason":"not_utf8","detail":"x"}"#);
    assert_eq!(error(Some(7)).json(), r#"{"event":"error","reason":"not_utf8","detail":"x","line":7}"#);
    assert_eq!([error(None).text(), error(Some(7)).text()], ["x", "line 7: x"], "nobody counts what is typed");
}

#[test]
fn what_was_missed_is_told_in_numbers() {
    let missed = |count| {
        let [first_id, last_id] = [5, 300].map(|id| MessageId(id).into());
        Report::Missed { room: "#lobby".into(), count, first_id, last_id }
    };
    assert_eq!(
        missed(120).json(),
        r##"{"event":"missed","room":"#lobby","count":120,"first_id":"5","last_id":"300"}"##
    );
    assert_eq!(missed(120).text(), "you missed 120 messages in #lobby");
    assert_eq!(missed(1).text(), "you missed 1 message in #lobby");
    let stale = Report::Stale { room: "#lobby".into() };
    assert_eq!(stale.json(), r##"{"event":"stale","room":"#lobby"}"##);
    assert_eq!(stale.text(), "the members of #lobby have changed: /roster #lobby lists them");
}

#[test]
fn who_is_renamed_is_told_why() {
    let renamed = |display_name: Option<&str>, detail: &str| Report::Renamed {
        from: "alice".into(),
        name: "guest-7".into(),
        display_name: display_name.map(Into::into),
        detail: detail.into(),
    };
    let why = "the name is\x1b[31m somebody's";
    assert_eq!(renamed(Some("Guest-7"), why).text(), "you are now called Guest-7: the name is\\u{1b}[31m somebody's");
    assert_eq!(renamed(None, "").text(), "you are now called guest-7");
    assert_eq!(renamed(None, "why").json(), r#"{"event":"renamed","from":"alice","name":"guest-7","detail":"why"}"#);
    let left = Report::Left { room: "#lobby".into(), name: "alice".into(), reason: "renamed".into() };
    assert_eq!(left.text(), "[#lobby] alice has another name now");
}

#[test]
fn a_name_with_brackets_cannot_be_mistaken_for_others() {
    let said = |from: &str, to: &str| {
        let (id, body) = (MessageId(1).into(), Body::new(b"hi".into()));
        Report::Message { id, time: 0, from: from.into(), to: to.into(), body }.text()
    };
    assert_eq!(said("x]<bob", "#lobby"), r#"[#lobby] <"x]<bob"> hi"#);
    assert_eq!(said("bob", "#a]<x"), r##"["#a]<x"] <bob> hi"##);
    assert_eq!(said(r#""x>""#, "alice"), r#"<"\"x>\""> hi"#);
    let (id, body) = (MessageId(1).into(), Body::new(b"hi".into()));
    assert_eq!(Report::Sent { id, time: 0, to: "a]".into(), body }.text(), r#"[to "a]"] hi"#);
}

#[test]
fn people_see_bytes_that_are_no_text_escaped() {
    assert_eq!(message("alice", b"ok\xff\x1b[31m").text(), "<bob> ok\\xff\\u{1b}[31m");
    assert_eq!(message("#lobby", b"hello").text(), "[#lobby] <bob> hello");
}

/// P12 of the faults that were found.
#[test]
fn a_person_is_shown_so_many_names_and_how_many_others_there_are() {
    let users = |count: usize| (0..count).map(|at| User::new(format!("user{at:06}").parse().unwrap())).collect();
    let roster = |count, is_cut| Report::Roster { room: "#lobby".into(), users: Users::of(users(count), is_cut) };
    let end = |report: &Report| report.text().rsplit(", ").next().unwrap().to_owned();
    assert_eq!(end(&roster(LISTED_NAMES_MAX, false)), "user004999");
    assert_eq!(end(&roster(LISTED_NAMES_MAX, true)), "and more");
    let long = roster(LISTED_NAMES_MAX + 3_412, false);
    assert_eq!((end(&long).as_str(), long.text().matches("user").count()), ("and 3 412 more", LISTED_NAMES_MAX));
    assert_eq!(end(&roster(LISTED_NAMES_MAX + 3_412, true)), "and 3 412+ more");
    // Programs read all of them.
    assert_eq!(long.listing().unwrap().1.len(), LISTED_NAMES_MAX + 3_412);
    assert_eq!(long.json().matches("user0").count(), LISTED_NAMES_MAX + 3_412);
}

#[test]
fn people_read_our_name_as_we_spell_it_and_programs_as_the_server_knows_it() {
    let alice = || Named::new("alice", Some("Alice".into()));
    let id = MessageId(1).into();
    let message =
        |to: &str| Report::Message { id, time: 0, from: alice(), to: to.into(), body: Body::new(b"hi".to_vec()) };
    assert_eq!([message("alice").text(), message("#lobby").text()], ["<Alice> hi", "[#lobby] <Alice> hi"]);
    assert!(message("alice").json().contains(r#""from":"alice","to":"alice""#), "{}", message("alice").json());
    let left = Report::Left { room: "#lobby".into(), name: alice(), reason: "left".into() };
    assert_eq!(left.text(), "[#lobby] Alice left");
    assert_eq!(left.json(), r##"{"event":"left","room":"#lobby","name":"alice","reason":"left"}"##);
    let resumed = |display_name| Report::Resumed { name: "alice".into(), display_name, is_restart: false };
    assert_eq!(resumed(Some("Alice".into())).text(), "resumed: you are still Alice, and nothing is lost");
    assert_eq!(resumed(None).json(), r#"{"event":"resumed","name":"alice"}"#);
    let both = resumed(Some("Alice".into())).json();
    assert_eq!(both, r#"{"event":"resumed","name":"alice","display_name":"Alice"}"#);
}
