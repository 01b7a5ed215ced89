//! What a client promises, against a hub that may be wrong.

mod world;

use std::time::Duration;

use chatcore::wire::{
    self, AcceptedRun, Ack, ClientMessage, Deliver, ErrorMessage, Goodbye, HubMessage, Joined, Message, Online, Ping,
    Preface, Presence, ReconnectHint, Refused, Stale, UserInfo, Welcome, take,
};
use chatcore::{
    Client, ClientConfig, ClientError, Closed, ErrorCode, Event, GoodbyeCode, Instant, Limits, MessageId,
    OtherProtocol, ProtocolError, Received, RefusalCode, Token, User,
};
use proptest::prelude::*;
use world::{ANNOUNCED, World, encode_all};

const TOKEN: Token = Token::from_bytes([9; 16]);

fn welcome() -> HubMessage<'static> {
    HubMessage::Welcome(Welcome { name: "alice", display_name: None, token: TOKEN, limits: ANNOUNCED })
}

fn fresh() -> Client {
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    client.register(Instant::ZERO, "alice", b"").unwrap();
    written(&mut client);
    client
}

fn registered() -> Client {
    let mut client = fresh();
    let _ = client.receive(Instant::ZERO, &mut &Preface::OURS.encode()[..]);
    receive(&mut client, &[welcome()]);
    match &events(&mut client)[..] {
        [Event::Registered { name, display_name: None, limits, .. }] => {
            assert_eq!((name.as_str(), *limits), ("alice", ANNOUNCED));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(said(&written(&mut client)), [ClientMessage::Ack(Ack { count: 0 })], "the welcome is there");
    client
}

fn receive(client: &mut Client, messages: &[HubMessage<'_>]) {
    let bytes = encode_all(messages);
    let _ = client.receive(Instant::ZERO, &mut &bytes[..]);
}

/// Receives these, and takes all that they tell.
fn receive_and_take(client: &mut Client, messages: &[HubMessage<'_>]) {
    receive(client, messages);
    events(client);
}

fn written(client: &mut Client) -> Vec<u8> {
    let bytes = client.transmit().concat();
    client.transmitted(Instant::ZERO, bytes.len());
    bytes
}

fn said(mut bytes: &[u8]) -> Vec<ClientMessage<'_>> {
    std::iter::from_fn(|| {
        take(&mut bytes, 70_000).unwrap().map(|content| ClientMessage::decode(content).unwrap().unwrap())
    })
    .collect()
}

fn events(client: &mut Client) -> Vec<Event> {
    std::iter::from_fn(|| client.poll_event()).collect()
}

fn deliver(id: u64) -> HubMessage<'static> {
    HubMessage::Deliver(Deliver { id: MessageId(id), from: "bob", body: b"x" })
}

#[test]
fn nothing_is_sent_before_there_is_a_name() {
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    assert_eq!(client.send(Instant::ZERO, "bob", b""), Err(ClientError::NotRegistered));
    assert_eq!(client.who(Instant::ZERO, 0), Err(ClientError::NotRegistered));
    client.register(Instant::ZERO, "alice", b"").unwrap();
    assert_eq!(client.register(Instant::ZERO, "alice", b""), Err(ClientError::Registered));
}

#[test]
fn what_is_too_long_is_refused_before_it_is_sent() {
    let mut client = registered();
    let too_long = ClientError::BodyTooLong { bytes: 101, bytes_max: 100 };
    assert_eq!(client.send(Instant::ZERO, "bob", &[0; 101]), Err(too_long));
    assert!(matches!(client.send(Instant::ZERO, &"b".repeat(129), b""), Err(ClientError::NameTooLong { .. })));
    assert_eq!(written(&mut client), b"");
    assert_eq!(client.send(Instant::ZERO, "bob", &[0; 100]), Ok(1));
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    assert!(matches!(
        client.register(Instant::ZERO, "alice", &[0; 1025]),
        Err(ClientError::CredentialTooLong { bytes: 1025, bytes_max: 1024 })
    ));
}

#[test]
fn a_refused_name_can_be_followed_by_another() {
    let mut client = fresh();
    let _ = client.receive(Instant::ZERO, &mut &Preface::OURS.encode()[..]);
    receive(
        &mut client,
        &[HubMessage::Refused(Refused { code: RefusalCode::NameInUse, detail: "in use", wait_ms: Some(5) })],
    );
    match &events(&mut client)[..] {
        [Event::Refused { code: RefusalCode::NameInUse, detail, wait, .. }] => {
            assert_eq!((&detail[..], *wait), ("in use", Some(Duration::from_millis(5))));
        }
        other => panic!("{other:?}"),
    }
    client.register(Instant::ZERO, "alicia", b"").unwrap();
    receive(&mut client, &[welcome()]);
    assert!(matches!(events(&mut client)[..], [Event::Registered { .. }]));
}

#[test]
fn a_full_outbox_is_an_error_that_passes() {
    let config = ClientConfig::default().with_outbox_bytes_max(1_000);
    let mut client = Client::new(Instant::ZERO, config, 7);
    client.register(Instant::ZERO, "alice", b"").unwrap();
    let _ = client.receive(Instant::ZERO, &mut &[&Preface::OURS.encode()[..], &encode_all(&[welcome()])].concat()[..]);
    let mut sent = 0;
    let error = loop {
        match client.send(Instant::ZERO, "bob", &[0; 100]) {
            Ok(number) => sent = number,
            Err(error) => break error,
        }
    };
    assert_eq!((error, sent > 3), (ClientError::OutboxFull { bytes_max: 1_000 }, true));
    written(&mut client);
    assert!(client.send(Instant::ZERO, "bob", &[0; 100]).is_err(), "written is not acknowledged");
    receive(&mut client, &[HubMessage::Ack(Ack { count: sent })]);
    assert_eq!(client.send(Instant::ZERO, "bob", &[0; 100]), Ok(sent + 1));
}

#[test]
fn an_acknowledgement_without_room_waits_even_if_it_need_not_wait_for_company() {
    let config = ClientConfig::default().with_outbox_bytes_max(1_000).with_ack_delay(Duration::ZERO);
    let mut client = Client::new(Instant::ZERO, config, 7);
    client.register(Instant::ZERO, "alice", b"").unwrap();
    let greeting = [&Preface::OURS.encode()[..], &encode_all(&[welcome()])].concat();
    let _ = client.receive(Instant::ZERO, &mut &greeting[..]);
    written(&mut client);
    let mut sent = 0;
    while let Ok(number) = client.send(Instant::ZERO, "bob", &[0; 100]) {
        sent = number;
    }
    let pings: Vec<_> = (0..200).map(|nonce| HubMessage::Ping(Ping { nonce })).collect();
    receive(&mut client, &pings);
    receive_and_take(&mut client, &[deliver(1)]);
    let due = client.poll_timeout().unwrap();
    client.handle_timeout(due);
    assert!(client.poll_timeout().unwrap() > due, "what is done is not due again");
    assert!(!said(&written(&mut client)).iter().any(|message| matches!(message, ClientMessage::Ack(_))));
    receive(&mut client, &[HubMessage::Ack(Ack { count: sent })]);
    client.handle_timeout(due + Duration::from_millis(1));
    assert_eq!(said(&written(&mut client)), [ClientMessage::Ack(Ack { count: 1 })]);
}

#[test]
fn acknowledgements_wait_for_company_but_not_for_long() {
    let delay = ClientConfig::default().ack_delay;
    let mut client = registered();
    receive_and_take(&mut client, &[deliver(1), deliver(2)]);
    assert_eq!(written(&mut client), b"", "two messages are no batch yet");
    assert_eq!(client.poll_timeout(), Some(Instant::ZERO + delay));
    client.send(Instant::ZERO, "bob", b"").unwrap();
    let bytes = written(&mut client);
    let ahead = [ClientMessage::Ack(Ack { count: 2 }), ClientMessage::Send(wire::Send { to: "bob", body: b"" })];
    assert_eq!(said(&bytes), ahead, "the hub may let go of two before it keeps another");
    receive_and_take(&mut client, &[deliver(3), HubMessage::Ping(Ping { nonce: 1 })]);
    let bytes = written(&mut client);
    assert!(matches!(said(&bytes)[..], [ClientMessage::Pong(_), ClientMessage::Ack(Ack { count: 3 })]));
    receive_and_take(&mut client, &[deliver(4)]);
    client.handle_timeout(Instant::ZERO + delay);
    assert_eq!(said(&written(&mut client)), [ClientMessage::Ack(Ack { count: 4 })]);
    let batch = u64::from(ClientConfig::default().ack_frames);
    let many: Vec<_> = (5..5 + batch).map(deliver).collect();
    receive_and_take(&mut client, &many);
    assert_eq!(
        said(&written(&mut client)),
        [ClientMessage::Ack(Ack { count: 4 + batch })],
        "a batch waits for nothing"
    );
}

#[test]
fn unknown_optional_frames_are_skipped_and_the_numbered_ones_count() {
    let mut client = registered();
    let _ = client.receive(Instant::ZERO, &mut &[1, 0, 0, 0, 0xc0, 2, 0, 0, 0, 0x80, 7][..]);
    receive(&mut client, &[deliver(1)]);
    assert!(matches!(events(&mut client)[..], [Event::Message { .. }]));
    client.handle_timeout(Instant::from_millis(50));
    assert_eq!(said(&written(&mut client)), [ClientMessage::Ack(Ack { count: 2 })]);
}

#[test]
fn a_hub_that_breaks_the_protocol_is_told_and_left() {
    let wrong: [(&[u8], ProtocolError); 3] = [
        (&[0, 0, 0, 0], ProtocolError::FrameEmpty),
        (&[0xe9, 3, 0, 0], ProtocolError::FrameTooLong { bytes: 1_001, bytes_max: 1_000 }),
        (&encode_all(&[welcome()]), ProtocolError::Unexpected { kind: welcome().kind(), state: "once registered" }),
    ];
    for (bytes, error) in wrong {
        let mut client = registered();
        let mut input = bytes;
        assert_eq!(client.receive(Instant::ZERO, &mut input), Received::Closed);
        assert_eq!(events(&mut client), [Event::Closed(Closed::ProtocolError(error))]);
        let message = ErrorMessage { code: error.code(), detail: &error.to_string() };
        assert_eq!(said(&written(&mut client)), [ClientMessage::Error(message)]);
        assert_eq!(client.send(Instant::ZERO, "bob", b""), Err(ClientError::Closed));
        assert_eq!(client.poll_timeout(), None);
    }
}

#[test]
fn what_is_no_hub_is_recognised() {
    let mut client = fresh();
    let _ = client.receive(Instant::ZERO, &mut &b"SSH-2.0-OpenSSH_9.6\r\n"[..]);
    assert_eq!(events(&mut client), [Event::Closed(Closed::OtherProtocol(OtherProtocol::Unknown))]);
    assert_eq!(written(&mut client), b"", "an error frame would mean nothing to it");
}

#[test]
fn an_acknowledgement_above_what_was_sent_is_an_error_of_the_hub() {
    let mut client = registered();
    client.send(Instant::ZERO, "bob", b"").unwrap();
    receive(&mut client, &[HubMessage::Ack(Ack { count: 1 })]);
    let error = ProtocolError::AckBeyondSent { acknowledged: 1, sent: 0 };
    assert_eq!(events(&mut client), [Event::Closed(Closed::ProtocolError(error))], "it was not even written");
}

#[test]
fn a_registration_that_is_not_answered_times_out() {
    let mut client = fresh();
    let due = client.poll_timeout().unwrap();
    assert_eq!(due, Instant::ZERO + ClientConfig::default().answer_time_max);
    client.handle_timeout(due);
    assert_eq!(events(&mut client), [Event::Closed(Closed::TimedOut)]);
}

#[test]
fn a_silent_hub_is_asked_and_then_given_up() {
    let idle = Duration::from_secs(60);
    let mut client = registered();
    let probe = client.poll_timeout().unwrap();
    assert!(probe > Instant::ZERO + idle / 2, "the hub asks first");
    client.handle_timeout(probe);
    assert!(matches!(said(&written(&mut client))[..], [ClientMessage::Ping(_)]));
    client.handle_timeout(client.poll_timeout().unwrap());
    assert!(matches!(events(&mut client)[..], [Event::Reconnecting { why: Closed::TimedOut, .. }]));
}

#[test]
fn a_ping_is_answered() {
    let mut client = registered();
    receive(&mut client, &[HubMessage::Ping(Ping { nonce: 9 })]);
    assert_eq!(said(&written(&mut client)), [ClientMessage::Pong(chatcore::wire::Pong { nonce: 9 })]);
}

#[test]
fn leaving_waits_for_the_hub_but_not_for_ever() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    alice.client.close(world.now);
    assert_eq!(alice.client.send(world.now, "bob", b""), Err(ClientError::Closed));
    world.carry(&mut alice);
    assert_eq!(alice.events, [Event::Closed(Closed::Left)]);

    let mut client = registered();
    client.send(Instant::ZERO, "bob", b"").unwrap();
    client.close(Instant::ZERO);
    written(&mut client);
    receive(&mut client, &[HubMessage::Accepted(AcceptedRun { number: 1, id: MessageId(1), more: 0 }.into())]);
    client.handle_timeout(Instant::ZERO + ClientConfig::default().flush_time_max);
    assert!(matches!(events(&mut client)[..], [Event::Accepted { .. }, Event::Closed(Closed::Left)]));
}

#[test]
fn nothing_follows_a_goodbye_and_what_was_taken_is_acknowledged_before() {
    let mut client = registered();
    receive_and_take(&mut client, &[deliver(1)]);
    receive(&mut client, &[deliver(2)]);
    client.close(Instant::ZERO);
    receive_and_take(&mut client, &[deliver(3), HubMessage::Ping(Ping { nonce: 1 })]);
    client.handle_timeout(Instant::from_millis(60));
    assert!(client.poll_timeout() > Some(Instant::from_millis(60)), "nothing is due that cannot be said");
    let bytes = written(&mut client);
    assert!(matches!(said(&bytes)[..], [ClientMessage::Ack(Ack { count: 1 }), ClientMessage::Goodbye(_)]));

    let mut client = registered();
    receive_and_take(&mut client, &[deliver(1)]);
    let _ = client.receive(Instant::ZERO, &mut &[0, 0, 0, 0][..]);
    let bytes = written(&mut client);
    assert!(matches!(said(&bytes)[..], [ClientMessage::Ack(Ack { count: 1 }), ClientMessage::Error(_)]));
}

#[test]
fn who_could_not_say_goodbye_has_not_left() {
    let mut client = registered();
    client.send(Instant::ZERO, "bob", b"lost").unwrap();
    client.close(Instant::ZERO);
    client.handle_timeout(client.poll_timeout().unwrap());
    assert_eq!(events(&mut client), [Event::Closed(Closed::TimedOut)]);
}

#[test]
fn a_hub_that_asks_without_end_and_never_reads_costs_no_more_than_the_outbox() {
    let config = ClientConfig::default();
    let mut client = registered();
    let pings: Vec<_> = (0..1_000).map(|nonce| HubMessage::Ping(Ping { nonce })).collect();
    for _ in 0..200 {
        receive(&mut client, &pings);
        receive(&mut client, &[deliver(1)]);
        client.transmit();
    }
    let owed = client.transmit().concat().len();
    assert!(owed <= config.outbox_bytes_max as usize * 5 / 4, "{owed}");
}

#[test]
fn the_longest_body_there_can_be_is_sent_and_delivered() {
    let body_bytes_max = 16 << 20;
    let limits = Limits::default().with_body_bytes_max(body_bytes_max).with_outbox_bytes_max(192 << 20);
    let mut world = World::new(limits);
    let mut alice = world.connect("alice");
    let body = vec![7; body_bytes_max as usize];
    alice.client.send(world.now, "alice", &body).unwrap();
    world.carry(&mut alice);
    assert!(matches!(&alice.events[..], [Event::Message { body: got, .. }, Event::Accepted { .. }] if *got == body));
}

#[test]
fn a_broken_connection_is_told_once() {
    let mut client = registered();
    client.disconnect(Instant::ZERO);
    client.disconnect(Instant::ZERO);
    assert!(matches!(events(&mut client)[..], [Event::Reconnecting { why: Closed::Disconnected, attempt: 1, .. }]));

    let mut client = fresh();
    client.disconnect(Instant::ZERO);
    client.disconnect(Instant::ZERO);
    assert_eq!(events(&mut client), [Event::Closed(Closed::Disconnected)], "there was no session yet");

    let mut client = registered();
    client.close(Instant::ZERO);
    written(&mut client);
    client.disconnect(Instant::ZERO);
    assert_eq!(events(&mut client), [Event::Closed(Closed::Left)], "we had said goodbye");
}

#[test]
fn who_is_sent_elsewhere_in_vain_comes_back_to_where_it_was() {
    let mut client = registered();
    let reconnect = Some(ReconnectHint { after_ms: 60_000, address: Some("192.0.2.1:12345") });
    receive(&mut client, &[HubMessage::Goodbye(Goodbye { code: GoodbyeCode::ShuttingDown, detail: "", reconnect })]);
    let mut connects = Vec::new();
    for _ in 0..2 {
        let now = client.poll_timeout().expect("it waits for the time to connect");
        client.handle_timeout(now);
        connects.extend(events(&mut client).into_iter().filter_map(|event| match event {
            Event::Connect { address, .. } => Some(address),
            _ => None,
        }));
        client.disconnect(now);
    }
    assert_eq!(connects, [Some("192.0.2.1:12345".to_owned()), None]);
}

#[test]
fn an_error_from_the_hub_ends_it_with_its_words() {
    let mut client = registered();
    receive(&mut client, &[HubMessage::Error(ErrorMessage { code: ErrorCode::Other(77), detail: "new" })]);
    let told = events(&mut client);
    let [Event::Closed(closed @ Closed::Error { code: ErrorCode::Other(77), .. })] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(closed.to_string(), "the server reports a protocol error, reason 77: new");
}

#[test]
fn several_messages_are_accepted_with_one_frame() {
    let mut client = registered();
    for _ in 0..4 {
        client.send(Instant::ZERO, "bob", b"").unwrap();
    }
    receive(&mut client, &[HubMessage::Accepted(AcceptedRun { number: 2, id: MessageId(70), more: 2 }.into())]);
    let accepted = |number, id| Event::Accepted { number, id: MessageId(id) };
    assert_eq!(events(&mut client), [accepted(2, 70), accepted(3, 71), accepted(4, 72)]);

    // Not more than were sent, or there would be no end of events; and ids end somewhere.
    let never_sent = [(4, 70, 1), (5, 70, 0), (u64::MAX, 70, 1), (1, u64::MAX, 1)];
    for (number, id, more) in never_sent {
        let mut client = registered();
        for _ in 0..4 {
            client.send(Instant::ZERO, "bob", b"").unwrap();
        }
        receive(&mut client, &[HubMessage::Accepted(AcceptedRun { number, id: MessageId(id), more }.into())]);
        assert!(
            matches!(
                events(&mut client)[..],
                [Event::Closed(Closed::ProtocolError(ProtocolError::InvalidValue { .. }))]
            ),
            "{number} {id} {more}"
        );
    }
}

proptest! {
    #[test]
    fn any_split_of_what_a_hub_says_gives_the_same_events(cuts in proptest::collection::vec(1_usize..40, 1..12)) {
        let mut messages = vec![welcome()];
        messages.extend((1..20).map(deliver));
        messages.push(HubMessage::Stale(Stale { room: "#lobby" }));
        let stream = [&Preface::OURS.encode()[..], &encode_all(&messages)].concat();

        let mut whole = fresh();
        let _ = whole.receive(Instant::ZERO, &mut &stream[..]);

        let mut split = fresh();
        let (mut arrived, mut rest) = (Vec::new(), &stream[..]);
        for size in cuts.iter().cycle() {
            let size = (*size).min(rest.len());
            arrived.extend_from_slice(&rest[..size]);
            rest = &rest[size..];
            let mut input = &arrived[..];
            prop_assert_eq!(split.receive(Instant::ZERO, &mut input), Received::NeedInput);
            let used = arrived.len() - input.len();
            arrived.drain(..used);
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(events(&mut split), events(&mut whole));
        prop_assert_eq!(written(&mut split), written(&mut whole));
    }

    #[test]
    fn no_bytes_of_a_hub_panic_a_client(bytes in proptest::collection::vec(any::<u8>(), 0..64), kind in any::<u8>()) {
        let mut client = registered();
        let mut frame = u32::try_from(bytes.len() + 1).unwrap().to_le_bytes().to_vec();
        frame.push(kind);
        frame.extend(bytes);
        let mut input = &frame[..];
        let _ = client.receive(Instant::ZERO, &mut input);
        let answers = written(&mut client);
        // What came may be acknowledged before it is objected to.
        let answers = said(&answers).into_iter().filter(|answer| !matches!(answer, ClientMessage::Ack(_)));
        prop_assert!(answers.count() <= 1);
        let told = events(&mut client).iter().any(|event| matches!(event, Event::Closed(_)));
        prop_assert_eq!(client.is_closed(), told, "the end is told");
    }
}

/// A hub, or whoever stands between, shows nobody as somebody else.
#[test]
fn a_display_name_of_another_name_is_not_shown() {
    let mut client = registered();
    let number = client.who(Instant::ZERO, 0).unwrap();
    let info = |name, display_name| UserInfo { name, display_name: Some(display_name) };
    let users = vec![info("bob", "Bob"), info("mallory", "Alice"), info("carol", "@Carol")];
    receive(
        &mut client,
        &[
            HubMessage::Online(Online { number, users, next: None }),
            HubMessage::Presence(Presence { name: "mallory", online: true, display_name: Some("Bob") }),
            HubMessage::Joined(Joined { room: "#lobby", name: "mallory", display_name: Some("Bob") }),
        ],
    );
    let events = events(&mut client);
    let [
        Event::Online { users, .. },
        Event::Presence { display_name: None, .. },
        Event::Joined { display_name: None, .. },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(users.iter().map(User::shown).collect::<Vec<_>>(), ["Bob", "mallory", "carol"]);
}
