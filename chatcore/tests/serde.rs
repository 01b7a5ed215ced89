//! Values of serde: what is written is read back, and what cannot be is refused with a reason.

use std::time::Duration;

use chatcore::wire::{Announced, Kind};
use chatcore::{
    Backoff, ClientConfig, Closed, DeliveryStatus, ErrorCode, Event, GoodbyeCode, HubEvent, LeaveCode, Limits,
    MessageId, OtherProtocol, ProtocolError, Rate, RefusalCode, RejectCode, RoomName, SessionTicket, Token, User,
    UserLimits, UserName,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn written<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap()
}

fn read<T: DeserializeOwned>(text: &Value) -> Result<T, String> {
    serde_json::from_value(text.clone()).map_err(|error| error.to_string())
}

/// Over text, as a file holds it.
#[track_caller]
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).as_ref().map_err(ToString::to_string), Ok(value), "{text}");
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1..4_000_000_u64).prop_map(Duration::from_secs),
        (1..4_000_000_u64).prop_map(Duration::from_millis),
        (1_000_000..u64::MAX / 5_000).prop_map(Duration::from_nanos),
    ]
}

prop_compose! {
    fn limits()(
        body_bytes_max in 1..60_000_u32, sessions_max in 1..u32::MAX, idle in time(), stall in time(), presence in time(),
        per_s in any::<u32>(), burst in 1..u32::MAX, detached_max in any::<u32>(), members_max in 1..u32::MAX,
        watches_max in 0..4_097_u32, buffer_bytes_max in (256_u64 << 20)..u64::MAX,
    ) -> Limits {
        Limits::default()
            .with_body_bytes_max(body_bytes_max)
            .with_sessions_max(sessions_max)
            .with_idle_time_max(idle)
            .with_stall_time_max(stall)
            .with_presence_time_min(presence)
            .with_session_rate(Rate { per_s, burst })
            .with_detached_max(detached_max)
            .with_members_max(members_max)
            .with_watches_max(watches_max)
            .with_buffer_bytes_max(buffer_bytes_max)
    }
}

prop_compose! {
    fn config()(
        outbox_bytes_max in 512..u32::MAX / 2, answer in time(), ack in time(), ack_frames in any::<u32>(),
        takes_later in any::<bool>(), reconnect in prop::option::of((time(), time())),
    ) -> ClientConfig {
        ClientConfig::default()
            .with_outbox_bytes_max(outbox_bytes_max)
            .with_answer_time_max(answer)
            .with_ack_delay(ack)
            .with_ack_frames(ack_frames)
            .with_takes_later(takes_later)
            .with_reconnect(reconnect.map(|(a, b)| Backoff::default().with_first(a.min(b)).with_max(a.max(b))))
    }
}

fn name() -> impl Strategy<Value = UserName> {
    prop_oneof!["[a-z0-9._-]{1,32}", "[a-zäöüα-ω]{1,16}"].prop_filter_map("a name", |name| UserName::new(&name).ok())
}

proptest! {
    #[test]
    fn limits_come_back(limits in limits()) {
        prop_assume!(limits.check().is_ok());
        comes_back(&limits);
    }

    #[test]
    fn a_configuration_of_a_client_comes_back(config in config()) {
        comes_back(&config);
    }

    #[test]
    fn a_ticket_comes_back(name in name(), token in any::<[u8; 16]>(), attempt in any::<u64>(), spelling in any::<Option<String>>()) {
        let ticket = SessionTicket::new(name, Token::from_bytes(token));
        comes_back(&ticket.with_attempt(attempt).with_display_name(spelling));
    }

    #[test]
    fn a_name_comes_back(name in name()) {
        comes_back(&name);
        comes_back(&RoomName::new(&format!("#{name}")).unwrap());
    }

    /// A client reads the names of a hub that knows more of Unicode than itself; and so it reads them again.
    #[test]
    fn an_event_comes_back(event in events()) {
        let event: Event = read(&event).unwrap();
        comes_back(&event);
    }
}

/// Every event, as text: nobody else makes them.
fn events() -> impl Strategy<Value = Value> {
    let name = || prop_oneof!["[a-z]{1,32}", "[\\u{20000}-\\u{2fa1f}]{1,8}"];
    let users = prop::collection::vec((name(), any::<Option<String>>()), 0..5)
        .prop_map(|users| users.iter().map(|(name, shown)| json!({"name": name, "display_name": shown})).collect());
    (name(), name(), any::<[u64; 3]>(), any::<u16>(), any::<Option<String>>(), any::<Vec<u8>>(), users, time())
        .prop_flat_map(
            |(name, other, [number, id, count], code, text, body, users, after): (_, _, _, _, _, _, Vec<Value>, _)| {
                let room = format!("#{other}");
                let after = format!("{}ns", after.as_nanos());
                let detail = text.clone().unwrap_or_default();
                let hint = json!({"after": after, "address": text});
                let goodbye = json!({"goodbye": {"code": code, "detail": detail, "reconnect": hint}});
                let refusal = json!({"refused": {"code": code, "detail": detail, "wait": after}});
                let error = json!({"protocol_error": {"unexpected": {"kind": 0x40, "state": "once registered"}}});
                let beyond = json!({"protocol_error": {"ack_beyond_sent": {"acknowledged": number, "sent": id}}});
                prop::sample::select(vec![
                    json!({"registered": {"name": name, "display_name": text, "limits": announced()}}),
                    json!({"refused": {"code": code, "detail": detail, "wait": after}}),
                    json!({"refused": {"code": code, "detail": detail, "wait": null}}),
                    json!({"reconnecting": {"why": goodbye, "attempt": 7, "after": after}}),
                    json!({"reconnecting": {"why": "timed_out", "attempt": 7, "after": after}}),
                    json!({"disconnected": {"why": goodbye}}),
                    json!({"connect": {"address": text}}),
                    json!("resumed"),
                    json!({"session_lost": {"unsent_from": number}}),
                    json!({"message": {"id": id, "from": name, "room": room, "body": body}}),
                    json!({"message": {"id": id, "from": name, "room": null, "body": body}}),
                    json!({"sent": {"id": id, "to": name, "body": body}}),
                    json!({"renamed": {"from": name, "name": other, "display_name": text, "detail": detail}}),
                    json!({"accepted": {"number": number, "id": id}}),
                    json!({"done": {"number": number}}),
                    json!({"rejected": {"number": number, "code": code}}),
                    json!({"report": {"status": code, "to": name, "ids": [id, number]}}),
                    json!({"online": {"number": number, "users": users, "next": null}}),
                    json!({"members": {"number": number, "users": users, "next": count}}),
                    json!({"subscribed": {"number": number, "rooms": [room, room], "users": [name, other], "next": null}}),
                    json!({"subscribed": {"number": number, "rooms": [], "users": [], "next": count}}),
                    json!({"joined": {"room": room, "name": name, "display_name": text}}),
                    json!({"left": {"room": room, "name": name, "code": code}}),
                    json!({"missed": {"room": room, "first_id": id, "last_id": number, "count": count}}),
                    json!({"stale": {"room": room}}),
                    json!({"presence": {"name": name, "online": true, "display_name": text}}),
                    json!({"closed": error}),
                    json!({"closed": beyond}),
                    json!({"closed": {"other_protocol": "tls"}}),
                    json!({"closed": {"refused": {"code": code, "detail": detail, "wait": null}}}),
                    json!({"reconnecting": {"why": refusal, "attempt": 7, "after": after}}),
                ])
            },
        )
}

fn announced() -> Value {
    json!({
        "frame_bytes_max": 1, "body_bytes_max": 2, "outbox_bytes_max": 3, "stall_ms_max": 4, "idle_ms_max": 5,
        "resume_ms_max": 6, "rooms_max": 7, "watches_max": 8, "cost_per_s": 9, "cost_burst": 10,
    })
}

#[test]
fn the_forms_are_those_that_the_docs_say() {
    let limits = Limits::default().with_idle_time_max(Duration::from_millis(1_500));
    let limits = written(&limits);
    assert_eq!(limits["idle_time_max"], "1500ms");
    assert_eq!(limits["resume_time_max"], "1m");
    assert_eq!(limits["sessions_max"], 1_000_000);
    assert_eq!(limits["session_rate"], json!({"per_s": 50_000, "burst": 100_000}));
    let config = written(&ClientConfig::default());
    assert_eq!(
        config["reconnect"],
        json!({"first": "200ms", "max": "30s", "reset_after": "10s", "announced_max": "10m"})
    );
    let ticket = SessionTicket::new("Bob".parse().unwrap(), Token::from_bytes(*b"0123456789abcdef")).with_attempt(7);
    let expected = json!({
        "name": "bob", "display_name": null, "token": "30313233343536373839616263646566", "attempt": 7,
    });
    assert_eq!(written(&ticket), expected);
    assert_eq!(written(&Event::Done { number: 7 }), json!({"done": {"number": 7}}));
    assert_eq!(written(&Event::Resumed), json!("resumed"));
    assert_eq!(written(&MessageId(u64::MAX)), json!(u64::MAX));
    assert_eq!(written(&User::new("bob".parse().unwrap())), json!({"name": "bob", "display_name": null}));
}

#[test]
fn what_is_missing_is_the_default() {
    assert_eq!(read(&json!({})), Ok(Limits::default()));
    let some = json!({"sessions_max": 50, "idle_time_max": "2m", "session_rate": {"per_s": 0, "burst": 0}});
    let expected = Limits::default()
        .with_sessions_max(50)
        .with_idle_time_max(Duration::from_secs(120))
        .with_session_rate(Rate::UNLIMITED);
    assert_eq!(read(&some), Ok(expected));
    assert_eq!(read(&json!({})), Ok(ClientConfig::default()));
    assert_eq!(read(&json!({"reconnect": null})), Ok(ClientConfig::default().with_reconnect(None)));
    let patient = Backoff::default().with_max(Duration::from_secs(600));
    let expected = ClientConfig::default().with_reconnect(Some(patient));
    assert_eq!(read(&json!({"reconnect": {"max": "10m"}})), Ok(expected));
    let token = "00".repeat(16);
    let ticket: SessionTicket = read(&json!({"name": "bob", "token": token})).unwrap();
    assert_eq!(ticket, SessionTicket::new("bob".parse().unwrap(), Token::from_bytes([0; 16])));
}

/// Reads it, and checks that the error says all of this.
#[track_caller]
fn refused<T: DeserializeOwned + std::fmt::Debug>(text: &Value, words: &[&str]) {
    let error = read::<T>(text).unwrap_err();
    for words in words {
        assert!(error.contains(words), "{error:?} does not say {words:?}");
    }
}

#[test]
fn limits_that_do_not_fit_are_an_error_that_says_so() {
    refused::<Limits>(&json!({"sessions_max": 0}), &["sessions_max is 0: it must be at least 1"]);
    refused::<Limits>(&json!({"buffer_bytes_max": 1000}), &["buffer_bytes_max is 1000", "origin_buffer_bytes_max"]);
    refused::<Limits>(&json!({"idle_time_max": "50d"}), &["idle_time_max", "1 ms to 49 days"]);
    refused::<Limits>(&json!({"session_max": 1}), &["unknown field `session_max`", "`sessions_max`"]);
    refused::<Limits>(&json!({"idle_time_max": 30}), &["30", "a whole number and one of the units"]);
    refused::<Limits>(&json!({"idle_time_max": "half an hour"}), &["half an hour", "such as \"30s\""]);
    refused::<Limits>(&json!({"session_rate": {"per_s": 5}}), &["missing field `burst`"]);
    refused::<ClientConfig>(&json!({"outbox_bytes_max": 100}), &["outbox_bytes_max is 100: it must be 512"]);
    refused::<ClientConfig>(&json!({"reconnect": {"first": "0s"}}), &["reconnect.first is 0"]);
    refused::<ClientConfig>(&json!({"reconnect": {"frist": "1s"}}), &["unknown field `frist`"]);
}

#[test]
fn limits_of_one_user_come_back_and_are_checked() {
    assert_eq!(read(&json!({})), Ok(UserLimits::default()));
    let bot = UserLimits::default().with_watches_max(300).with_session_rate(Rate { per_s: 7, burst: 70 });
    comes_back(&bot);
    assert_eq!(read(&json!({"watches_max": 300, "session_rate": {"per_s": 7, "burst": 70}})), Ok(bot));
    refused::<UserLimits>(&json!({"sessions_of_user_max": 0}), &["sessions_of_user_max is 0: it must be at least 1"]);
    refused::<UserLimits>(&json!({"rooms_max": 5}), &["unknown field `rooms_max`", "`rooms_of_user_max`"]);
}

#[test]
fn a_bad_name_is_an_error_that_says_so() {
    assert_eq!(read(&json!("Bob")), Ok(UserName::new("bob").unwrap()));
    assert_eq!(read(&json!("#Lobby")), Ok(RoomName::new("#lobby").unwrap()));
    refused::<UserName>(&json!("bob smith"), &["bob smith", "a name may not hold U+0020"]);
    refused::<UserName>(&json!(""), &["a name is empty"]);
    refused::<RoomName>(&json!("lobby"), &["lobby", "begins with #"]);
    let message = |from: &str, room: &str| json!({"message": {"id": 1, "from": from, "room": room, "body": []}});
    assert!(read::<Event>(&message("bob", "#lobby")).is_ok());
    refused::<Event>(&message("", "#lobby"), &["is no name of a hub", "1 to"]);
    refused::<Event>(&message(&"x".repeat(2_000), "#lobby"), &["is no name of a hub"]);
    refused::<Event>(&message("bob", "lobby"), &["\"lobby\" is no name of a hub", "#"]);
}

#[test]
fn a_token_is_read_only_whole_and_shown_by_no_error() {
    let ticket = |token: &str| json!({"name": "bob", "token": token, "attempt": 1});
    for token in [
        "5ec4e7",
        "5ec4e75ec4e75ec4e75ec4e75ec4e7zz",
        "+5ec4e75ec4e75ec4e75ec4e75ec4e75",
        "é5ec4e75ec4e75ec4e75ec4e75ec4e7",
    ] {
        let error = read::<SessionTicket>(&ticket(token)).unwrap_err();
        assert!(error.contains("32 hexadecimal digits") && !error.contains("5ec4e7"), "{error}");
    }
    let token = "0123456789ABCDEF0123456789abcdef";
    let ticket: SessionTicket = read(&ticket(token)).unwrap();
    assert_eq!(written(&ticket)["token"], token.to_lowercase());
    let shown = format!("{ticket:?}").to_lowercase();
    assert!(shown.contains("[secret]") && !shown.contains("0123") && !shown.contains("1, 35, 69"), "{shown}");
}

#[test]
fn an_event_of_a_hub_comes_back() {
    let (session, conn) = (json!({"index": 7, "serial": 8}), json!({"index": 3, "serial": 900}));
    let events = [
        json!({"session_started": {"session": session, "conn": conn, "name": "bob"}}),
        json!({"detached": {"session": session, "conn": conn, "name": "bob", "reason": "disconnected"}}),
        json!({"resumed": {"session": session, "conn": conn, "name": "bob"}}),
        json!({"taken_over": {"session": session, "conn": conn, "name": "bob"}}),
        json!({"session_ended": {"session": session, "name": "bob", "origin": 7, "reason": {"protocol_error": {"unknown_kind": {"kind": 1}}}}}),
        json!({"session_ended": {"session": session, "name": "bob", "origin": 7, "reason": {"reported_by_peer": 7}}}),
        json!({"room_opened": {"room": "#lobby"}}),
        json!({"room_closed": {"room": "#lobby"}}),
        json!({"room_joined": {"room": "#lobby", "name": "bob"}}),
        json!({"room_left": {"room": "#lobby", "name": "bob", "code": 1}}),
    ];
    for text in events {
        let event: HubEvent = read(&text).unwrap();
        assert_eq!(written(&event), text);
        comes_back(&event);
    }
    refused::<HubEvent>(&json!({"room_opened": {"room": "lobby"}}), &["begins with #"]);
}

#[test]
fn a_code_that_is_not_known_and_an_error_of_a_peer_come_back() {
    comes_back(&RefusalCode::Other(999));
    comes_back(&[RejectCode::NoSuchUser, RejectCode::Other(77)]);
    comes_back(&(GoodbyeCode::Kicked, LeaveCode::Quit, DeliveryStatus::Unconfirmed, ErrorCode::FrameEmpty));
    comes_back(&Closed::OtherProtocol(OtherProtocol::Http));
    for state in [
        "before registration",
        "while a registration is not answered",
        "while a resumption is not answered",
        "once registered",
        "after the end",
        "in this direction",
    ] {
        comes_back(&ProtocolError::Unexpected { kind: Kind::SEND, state });
    }
    let later = json!({"unexpected": {"kind": 64, "state": "at night"}});
    refused::<ProtocolError>(&later, &["\"at night\" is no state of a connection"]);
    let limits: Announced = read(&announced()).unwrap();
    assert_eq!(written(&limits), announced());
}
