//! What a hub promises, seen through its public face.

mod world;

use std::time::Duration;

use chatcore::wire::{
    Accepted, Ack, ClientMessage, Deliver, Goodbye, HubMessage, Join, Message, Online, Ping, Pong, ReconnectHint,
    Register, Rejected, Send, Who,
};
use chatcore::{
    Action, ClientConfig, CloseReason, Closed, ErrorCode, Event, Fault, GoodbyeCode, HubEvent, Limits, Received,
    Refusal, RejectCode,
};
use world::{World, decode_all, encode_all, nth};

const MINUTE: Duration = Duration::from_mins(1);

fn send<'a>(to: &'a str, body: &'a [u8]) -> ClientMessage<'a> {
    ClientMessage::Send(Send { to, body })
}

fn goodbye() -> ClientMessage<'static> {
    ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None })
}

#[test]
fn a_message_reaches_its_recipient_and_its_sender_learns_it() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("Alice"), world.join("bob"));
    let _ = world.say(alice, &[send("bob", b"hello")]);
    let to_bob = world.written(bob);
    assert_eq!(decode_all(&to_bob), [HubMessage::Deliver(Deliver { id: nth(1), from: "alice", body: b"hello" })]);
    let to_alice = world.written(alice);
    let accepted = HubMessage::Accepted(Accepted { number: 1, id: nth(1), more: 0 });
    assert_eq!(decode_all(&to_alice), [accepted, HubMessage::Ack(Ack { count: 1 })]);
}

#[test]
fn a_batch_is_acknowledged_once() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    for _ in 0..10 {
        let _ = world.say(alice, &[send("bob", b"x"), send("bob", b"y")]);
    }
    let to_alice = world.written(alice);
    let acks: Vec<_> =
        decode_all(&to_alice).into_iter().filter(|message| matches!(message, HubMessage::Ack(_))).collect();
    assert_eq!(acks, [HubMessage::Ack(Ack { count: 20 })]);
    assert_eq!(decode_all(&world.written(bob)).len(), 20);
}

#[test]
fn a_message_to_oneself_is_delivered_like_any_other_in_any_case_of_the_name() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let _ = world.say(alice, &[send("alice", b"1"), send("ALICE", b"2")]);
    let to_alice = world.written(alice);
    assert_eq!(
        decode_all(&to_alice),
        [
            HubMessage::Deliver(Deliver { id: nth(1), from: "alice", body: b"1" }),
            HubMessage::Deliver(Deliver { id: nth(2), from: "alice", body: b"2" }),
            HubMessage::Accepted(Accepted { number: 1, id: nth(1), more: 1 }),
            HubMessage::Ack(Ack { count: 2 }),
        ]
    );
}

#[test]
fn a_message_to_nobody_is_rejected_and_the_connection_goes_on() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let long = "x".repeat(5_000);
    for (number, nobody) in (1..).zip(["carol", "", "a b", "\u{202e}", &long]) {
        let _ = world.say(alice, &[send(nobody, b"hello")]);
        let to_alice = world.written(alice);
        let rejected = HubMessage::Rejected(Rejected { number, code: RejectCode::NoSuchUser });
        assert_eq!(decode_all(&to_alice), [rejected, HubMessage::Ack(Ack { count: number })]);
    }
    assert_eq!(world.hub.users(), 1);
}

#[test]
fn a_body_over_the_limit_is_rejected() {
    let mut world = World::new(Limits { body_bytes_max: 4, ..Limits::default() });
    let alice = world.join("alice");
    let _ = world.say(alice, &[send("alice", b"12345")]);
    let to_alice = world.written(alice);
    let rejected = HubMessage::Rejected(Rejected { number: 1, code: RejectCode::BodyTooLong });
    assert_eq!(decode_all(&to_alice)[0], rejected);
    let _ = world.say(alice, &[send("alice", b"1234")]);
    assert!(matches!(decode_all(&world.written(alice))[0], HubMessage::Deliver(_)));
}

#[test]
fn a_name_has_one_holder_whatever_its_spelling_and_is_free_afterwards() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    assert!(matches!(world.try_join("ALICE"), Err(Refusal::NameInUse { .. })));
    let _ = world.say(alice, &[goodbye()]);
    assert_eq!(world.hub.name(alice), None);
    let heir = world.join("Alice");
    assert_ne!(heir, alice, "an id is never used twice");
    let _ = world.say(heir, &[goodbye()]);
    world.join("alice");
}

#[test]
fn a_full_hub_refuses_until_somebody_leaves() {
    let mut world = World::new(Limits { users_max: 2, ..Limits::default() });
    let (alice, _bob) = (world.join("alice"), world.join("bob"));
    assert_eq!(world.try_join("carol"), Err(Refusal::HubFull { users_max: 2 }));
    let _ = world.say(alice, &[goodbye()]);
    world.join("carol");
}

#[test]
fn who_is_online_comes_in_pages_without_gap_or_repetition() {
    let mut world = World::new(Limits { body_bytes_max: 16, outbox_bytes_max: 1 << 20, ..Limits::default() });
    let names: Vec<String> = (0..300).map(|i| format!("user{i:03}")).collect();
    let conns: Vec<_> = names.iter().map(|name| world.join(name)).collect();
    for conn in &conns[10..20] {
        let _ = world.say(*conn, &[goodbye()]);
    }
    let mut listed = Vec::new();
    let (mut cursor, mut pages) = (Some(0), 0);
    while let Some(at) = cursor {
        let _ = world.say(conns[0], &[ClientMessage::Who(Who { cursor: at })]);
        let bytes = world.written(conns[0]);
        let messages = decode_all(&bytes);
        let HubMessage::Online(Online { names, next, .. }) = &messages[0] else { panic!("{messages:?}") };
        assert!(bytes.len() < world.hub.limits().frame_bytes_max() as usize);
        listed.extend(names.iter().map(|name| (*name).to_owned()));
        cursor = *next;
        pages += 1;
    }
    listed.sort();
    assert_eq!(listed, [&names[..10], &names[20..]].concat());
    assert!(pages > 1, "300 names do not fit one page here");
    let _ = world.say(conns[0], &[ClientMessage::Who(Who { cursor: u64::MAX })]);
    let end = world.written(conns[0]);
    assert!(matches!(&decode_all(&end)[0], HubMessage::Online(Online { names, next: None, .. }) if names.is_empty()));
}

#[test]
fn a_ping_is_answered_with_its_nonce() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let _ = world.say(alice, &[ClientMessage::Ping(Ping { nonce: 1 << 60 })]);
    assert_eq!(decode_all(&world.written(alice)), [HubMessage::Pong(Pong { nonce: 1 << 60 })]);
}

#[test]
fn silence_is_asked_about_and_then_ended() {
    let mut world = World::new(Limits { idle_time_max: MINUTE, ..Limits::default() });
    let alice = world.join("alice");
    world.pass(MINUTE / 2);
    assert!(matches!(decode_all(&world.written(alice))[..], [HubMessage::Ping(_)]));
    world.pass(MINUTE * 49 / 100);
    assert_eq!(world.hub.users(), 1, "the time is not over");
    world.pass(MINUTE / 100);
    assert_eq!(world.hub.users(), 1, "the session waits for another connection");
    assert_eq!(world.hub.name(alice), None);
    let farewell = world.written(alice);
    assert!(matches!(decode_all(&farewell)[..], [HubMessage::Goodbye(Goodbye { code: GoodbyeCode::TimedOut, .. })]));
    assert_eq!(world.closed(alice), Some(CloseReason::TimedOut));
    world.pass(world.hub.limits().resume_time_max);
    assert_eq!(world.hub.users(), 0);
    assert_eq!(world.hub.poll_timeout(), None, "nobody is left to wait for");
}

#[test]
fn any_sign_of_life_keeps_a_user() {
    let mut world = World::new(Limits { idle_time_max: MINUTE, ..Limits::default() });
    let alice = world.join("alice");
    for _ in 0..10 {
        world.pass(MINUTE * 3 / 4);
        let _ = world.say(alice, &[ClientMessage::Pong(Pong { nonce: 0 })]);
        let _ = world.written(alice);
    }
    assert_eq!(world.hub.users(), 1);
}

#[test]
fn time_that_goes_backwards_stands_still() {
    let mut world = World::new(Limits { idle_time_max: MINUTE, ..Limits::default() });
    let alice = world.join("alice");
    world.pass(MINUTE * 9 / 10);
    world.hub.handle_timeout(world.now);
    let now = std::mem::replace(&mut world.now, chatcore::Instant::ZERO);
    let _ = world.say(alice, &[ClientMessage::Pong(Pong { nonce: 0 })]);
    world.now = now;
    world.pass(MINUTE * 9 / 10);
    assert_eq!(world.hub.users(), 1, "she was heard when it was latest");
}

#[test]
fn the_end_of_time_is_no_endless_loop() {
    let mut world = World::new(Limits::default());
    world.join("alice");
    world.hub.handle_timeout(chatcore::Instant::MAX);
    assert_eq!(world.hub.users(), 1, "her session would end later still");
    world.now = chatcore::Instant::MAX;
    world.join("bob");
    world.hub.handle_timeout(chatcore::Instant::MAX);
    assert_eq!(world.hub.poll_timeout(), Some(chatcore::Instant::MAX));
}

#[test]
fn a_write_is_announced_once_even_if_the_driver_wrote_without_being_told() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    for _ in 0..2 {
        let _ = world.say(alice, &[ClientMessage::Ping(Ping { nonce: 1 })]);
        let count = world.hub.transmit(alice).concat().len();
        world.hub.transmitted(world.now, alice, count).unwrap();
    }
    let _ = world.say(alice, &[ClientMessage::Ping(Ping { nonce: 1 })]);
    assert_eq!(world.hub.poll_action(), Some(Action::Write { conn: alice }));
    assert_eq!(world.hub.poll_action(), None);
}

#[test]
fn leaving_is_answered_and_flushes_what_is_owed_first() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    assert_eq!(world.say(alice, &[send("alice", b"last"), goodbye(), send("alice", b"ignored")]), Received::Closed);
    let bytes = world.written(alice);
    let messages = decode_all(&bytes);
    assert!(matches!(messages[0], HubMessage::Deliver(Deliver { body: b"last", .. })), "{messages:?}");
    assert!(matches!(messages.last(), Some(HubMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, .. }))));
    assert!(!messages.iter().any(|message| matches!(message, HubMessage::Deliver(Deliver { body: b"ignored", .. }))));
    assert_eq!(world.closed(alice), Some(CloseReason::Left));
    assert!(world.hub.receive(world.now, alice, &mut &b"x"[..]).is_err(), "the id is unknown after the close");
    assert_eq!(world.hub.connections(), 0);
}

#[test]
fn a_closing_connection_that_is_not_written_out_is_dropped_in_time() {
    let limits = Limits { flush_time_max: Duration::from_secs(5), ..Limits::default() };
    let mut world = World::new(limits);
    let alice = world.join("alice");
    let _ = world.say(alice, &[goodbye()]);
    world.pass(Duration::from_millis(4_999));
    assert_eq!(world.closed(alice), None);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.closed(alice), Some(CloseReason::Left));
}

#[test]
fn a_peer_that_never_reads_is_bounded_and_alone_closed() {
    let limits = Limits { body_bytes_max: 1000, outbox_bytes_max: 10_000, ..Limits::default() };
    let mut world = World::new(limits.clone());
    let (alice, bob, deaf) = (world.join("alice"), world.join("bob"), world.join("deaf"));
    let body = [b'x'; 1000];
    let (mut rejected, mut answered) = (0, 0);
    for round in 0..50 {
        let _ = world.say(alice, &[send("deaf", &body), send("bob", b"hi")]);
        let answers = world.written(alice);
        for message in decode_all(&answers) {
            answered += u64::from(message.kind().is_numbered());
            if let HubMessage::Rejected(Rejected { code, .. }) = message {
                assert_eq!(code, RejectCode::RecipientFull);
                rejected += 1;
            }
        }
        let count = 2 * decode_all(&world.written(bob)).len() as u64;
        assert_eq!(count, 2, "bob gets his own at once");
        assert!(world.hub.transmit(deaf).concat().len() <= limits.outbox_bytes_max as usize);
        // Alice and bob acknowledge like any client, and deaf says that it is there, but not that it has anything.
        let _ = world.say(alice, &[ClientMessage::Ack(Ack { count: answered })]);
        let _ = world.say(bob, &[ClientMessage::Ack(Ack { count: round + 1 })]);
        let _ = world.say(deaf, &[ClientMessage::Pong(Pong { nonce: 0 })]);
    }
    assert!(rejected > 30, "{rejected}");
    world.pass(limits.stall_time_max / 2);
    for conn in [alice, bob, deaf] {
        let _ = world.say(conn, &[ClientMessage::Pong(Pong { nonce: 0 })]);
    }
    world.pass(limits.stall_time_max / 2);
    assert!(world.hub.name(deaf).is_none(), "the name is free");
    assert_eq!(world.hub.users(), 2, "nobody else is touched");
    world.pass(limits.flush_time_max);
    assert_eq!(world.closed(deaf), Some(CloseReason::SlowConsumer));
    assert!(world.hub.name(alice).is_some() && world.hub.name(bob).is_some());
    assert!(world.hub.memory().total() < 4096, "what was kept is given back: {:?}", world.hub.memory());
}

/// Who is silent besides has lost its connection, most likely, and may come back for what it has not got.
#[test]
fn a_peer_that_acknowledges_nothing_and_says_nothing_is_detached() {
    let limits = Limits { stall_time_max: Duration::from_secs(10), ..Limits::default() };
    let mut world = World::new(limits.clone());
    let (alice, gone) = (world.join("alice"), world.join("gone"));
    let _ = world.say(alice, &[send("gone", b"hi")]);
    world.written(gone);
    world.pass(Duration::from_millis(9_999));
    assert!(world.hub.name(gone).is_some());
    world.pass(Duration::from_millis(1));
    assert!(world.hub.name(gone).is_none());
    let detached = |event: &HubEvent| matches!(event, HubEvent::Detached { reason: CloseReason::TimedOut, .. });
    assert!(world.hub_events.iter().any(detached));
    assert_eq!(world.hub.users(), 2, "its session waits");
}

#[test]
fn a_slow_reader_who_acknowledges_in_time_stays() {
    let stall_time_max = Duration::from_secs(10);
    let limits = Limits { body_bytes_max: 1000, outbox_bytes_max: 10_000, stall_time_max, ..Limits::default() };
    let mut world = World::new(limits.clone());
    let (alice, slow) = (world.join("alice"), world.join("slow"));
    let (mut delivered, mut answers) = (0, 0);
    for _ in 0..20 {
        for _ in 0..20 {
            let _ = world.say(alice, &[send("slow", &[b'x'; 1000])]);
            let to_alice = world.written(alice);
            answers += decode_all(&to_alice).len() as u64 - 1;
            let _ = world.say(alice, &[ClientMessage::Ack(Ack { count: answers })]);
        }
        world.pass(limits.stall_time_max * 9 / 10);
        let to_slow = world.written(slow);
        delivered +=
            decode_all(&to_slow).iter().filter(|message| matches!(message, HubMessage::Deliver(_))).count() as u64;
        let _ = world.say(slow, &[ClientMessage::Ack(Ack { count: delivered })]);
    }
    assert!(world.hub.name(slow).is_some());
    assert!(delivered > 100, "{delivered}");
}

#[test]
fn repeating_an_old_acknowledgement_keeps_nobody() {
    let limits = Limits { body_bytes_max: 1000, outbox_bytes_max: 10_000, ..Limits::default() };
    let mut world = World::new(limits.clone());
    let (alice, deaf) = (world.join("alice"), world.join("deaf"));
    for _ in 0..20 {
        let _ = world.say(alice, &[send("deaf", &[b'x'; 1000])]);
    }
    let _ = world.written(deaf);
    for _ in 0..4 {
        let _ = world.say(deaf, &[ClientMessage::Ack(Ack { count: 0 })]);
        world.pass(limits.stall_time_max / 4);
    }
    assert_eq!(world.hub.name(deaf), None);
}

#[test]
fn who_asks_and_never_reads_the_answers_is_closed() {
    let limits = Limits { body_bytes_max: 16, outbox_bytes_max: 8_000, ..Limits::default() };
    let mut world = World::new(limits);
    let alice = world.join("alice");
    let mut asked = 0;
    while world.say(alice, &[send("nobody", b"")]) == Received::NeedInput {
        asked += 1;
        assert!(asked < 2_000, "the outbox grows without bound");
    }
    assert!(asked > 500);
    world.drain();
    let left = |event: &HubEvent| matches!(event, HubEvent::SessionEnded { reason: CloseReason::SlowConsumer, .. });
    assert!(world.hub_events.iter().any(left));
}

#[test]
fn who_sends_what_may_be_skipped_and_never_reads_is_bounded_too() {
    let limits = Limits { body_bytes_max: 16, outbox_bytes_max: 8_000, ..Limits::default() };
    let mut world = World::new(limits.clone());
    let alice = world.join("alice");
    for _ in 0..10_000 {
        // Numbered, unknown and optional: acknowledged with each batch, and answered by nothing else.
        if world.put(alice, &[1, 0, 0, 0, 0xc0]) == Received::Closed {
            break;
        }
        world.drain();
    }
    assert_eq!(world.hub.users(), 0);
    assert!(world.hub.transmit(alice).concat().len() <= limits.outbox_bytes_max as usize * 5 / 4 + 300);
}

#[test]
fn what_came_with_a_goodbye_is_acknowledged() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let _ = world.say(alice, &[send("nobody", b""), goodbye()]);
    let bytes = world.written(alice);
    assert!(matches!(
        decode_all(&bytes)[..],
        [HubMessage::Rejected(_), HubMessage::Ack(Ack { count: 1 }), HubMessage::Goodbye(_)]
    ));
}

#[test]
fn what_was_said_in_the_turn_in_which_a_session_ends_is_answered_and_acknowledged() {
    let limits = Limits { body_bytes_max: 1024, outbox_bytes_max: 4 * 1408, ..Limits::default() };
    let mut world = World::new(limits);
    let (slow, fast) = (world.join("slow"), world.join("fast"));
    for conn in [slow, fast] {
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#room" })]);
    }
    // What is not acknowledged fills an outbox, until the answers to its own requests are too much.
    for _ in 0..4 {
        let _ = world.say(fast, &[send("slow", &[0; 1000])]);
        world.written(slow);
    }
    let _ = world.say(slow, &[send("fast", b"1"), send("fast", b"2"), send("fast", b"3")]);
    while world.say(slow, &[ClientMessage::Ping(Ping { nonce: u64::MAX })]) != Received::Closed {}
    let to_slow = world.written(slow);
    assert_eq!(world.closed(slow), Some(CloseReason::SlowConsumer));
    let last: Vec<_> = decode_all(&to_slow).into_iter().rev().take(3).collect();
    let [HubMessage::Goodbye(_), HubMessage::Ack(Ack { count: 4 }), HubMessage::Pong(_)] = last[..] else {
        panic!("{last:?}")
    };
    let accepted = decode_all(&to_slow).into_iter().find_map(|message| match message {
        HubMessage::Accepted(accepted) => Some((accepted.number, accepted.more)),
        _ => None,
    });
    assert_eq!(accepted, Some((2, 2)));
}

/// What senders are told of their own messages may wait for the end of a batch of turns; what others said may not.
#[test]
fn what_is_urgent_comes_at_once_and_the_rest_when_it_is_asked_for() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    for _ in 0..2 {
        let _ = world.say(alice, &[send("bob", b"hello")]);
        assert!(!world.hub.is_settled());
        let urgent: Vec<_> = std::iter::from_fn(|| world.hub.poll_urgent_action()).collect();
        assert!(matches!(urgent[..], [Action::Write { conn }] if conn == bob), "{urgent:?}");
        let bytes = world.hub.transmit(bob).concat();
        world.hub.transmitted(world.now, bob, bytes.len()).unwrap();
        assert!(world.hub.transmit(alice).is_empty());
    }
    // Whoever is written to anyway is told the rest, too.
    let _ = world.say(bob, &[send("alice", b"hello")]);
    let urgent: Vec<_> = std::iter::from_fn(|| world.hub.poll_urgent_action()).collect();
    assert!(matches!(urgent[..], [Action::Write { conn }] if conn == alice), "{urgent:?}");
    let to_alice = world.hub.transmit(alice).concat();
    let to_alice = decode_all(&to_alice);
    let [HubMessage::Deliver(_), HubMessage::Accepted(accepted), HubMessage::Ack(ack)] = to_alice[..] else {
        panic!("{to_alice:?}")
    };
    assert_eq!((accepted.number, accepted.more, ack.count), (1, 1, 2));
    assert!(!world.hub.is_settled(), "bob has not been told");
    world.drain();
    assert!(world.hub.is_settled());
    assert_eq!(world.hub.transmit(bob).concat().len(), world.written(bob).len());
}

#[test]
fn an_acknowledgement_above_what_was_sent_is_a_protocol_error() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(bob, &[send("alice", b"1"), send("alice", b"2")]);
    // Written only half: even the second message cannot have arrived.
    let half = world.hub.transmit(alice).concat().len() - 1;
    world.drain();
    world.hub.transmitted(world.now, alice, half).unwrap();
    assert_eq!(world.say(alice, &[ClientMessage::Ack(Ack { count: 1 })]), Received::NeedInput);
    assert_eq!(
        world.say(alice, &[ClientMessage::Ack(Ack { count: 0 })]),
        Received::NeedInput,
        "an old one says nothing"
    );
    assert_eq!(world.say(alice, &[ClientMessage::Ack(Ack { count: 2 })]), Received::Closed);
    world.drain();
    let fault = CloseReason::Fault(Fault::AckBeyondSent { acknowledged: 2, sent: 1 });
    assert!(
        world
            .hub_events
            .iter()
            .any(|output| matches!(output, HubEvent::SessionEnded { reason, .. } if *reason == fault))
    );
    assert_eq!(world.hub.users(), 1, "bob stays");
}

#[test]
fn registering_twice_is_a_protocol_error() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let again = ClientMessage::Register(Register { name: "bob", credential: b"" });
    assert_eq!(world.say(alice, &[again]), Received::Closed);
    let farewell = world.written(alice);
    let messages = decode_all(&farewell);
    let HubMessage::Error(error) = &messages[0] else { panic!("{messages:?}") };
    assert_eq!((error.code, error.detail), (ErrorCode::Unexpected, "a register frame may not come once registered"));
}

#[test]
fn a_kicked_user_is_told_and_its_name_is_free() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    assert!(world.hub.kick(world.now, &"Alice".parse().unwrap()));
    assert!(!world.hub.kick(world.now, &"alice".parse().unwrap()));
    let farewell = world.written(alice);
    assert!(matches!(decode_all(&farewell)[..], [HubMessage::Goodbye(Goodbye { code: GoodbyeCode::Kicked, .. })]));
}

#[test]
fn shutting_down_says_goodbye_to_all_with_the_hint_and_admits_nobody() {
    let mut world = World::new(Limits::default());
    let conns = [world.join("alice"), world.join("bob")];
    let hint = ReconnectHint { after_ms: 1500, address: Some("192.0.2.1:12345") };
    world.hub.shut_down(world.now, Some(hint));
    assert_eq!(world.try_join("carol"), Err(Refusal::ShuttingDown));
    for conn in conns {
        let farewell = world.written(conn);
        let messages = decode_all(&farewell);
        let [HubMessage::Goodbye(goodbye)] = &messages[..] else { panic!("{messages:?}") };
        assert_eq!((goodbye.code, goodbye.reconnect), (GoodbyeCode::ShuttingDown, Some(hint)));
    }
    assert_eq!(world.hub.connections(), 0);
}

#[test]
fn a_hint_reaches_the_client_as_an_event() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    world.hub.shut_down(world.now, Some(ReconnectHint { after_ms: 1500, address: None }));
    world.carry(&mut alice);
    let [Event::Reconnecting { why: Closed::Goodbye { code: GoodbyeCode::ShuttingDown, .. }, attempt: 1, after }] =
        &alice.events[..]
    else {
        panic!("{:?}", alice.events)
    };
    assert_eq!(*after, Duration::from_millis(1500), "a hub that says when it will be back is believed");
}

#[test]
fn real_clients_chat_and_settle() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    let numbers: Vec<u64> =
        (0..100).map(|i: u32| alice.client.send(world.now, "bob", &i.to_le_bytes()).unwrap()).collect();
    world.carry(&mut alice);
    world.carry(&mut bob);
    let bodies: Vec<u32> = bob
        .events
        .iter()
        .map(|event| match event {
            Event::Message { from, body, .. } => {
                assert_eq!(from.as_str(), "alice");
                u32::from_le_bytes(body[..].try_into().unwrap())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bodies, (0..100).collect::<Vec<_>>());
    let accepted: Vec<u64> = alice
        .events
        .iter()
        .map(|event| match event {
            Event::Accepted { number, .. } => *number,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(accepted, numbers);
    // What is received is acknowledged within the delay, and then nobody keeps anything.
    world.now = world.now + ClientConfig::default().ack_delay;
    for user in [&mut alice, &mut bob] {
        user.client.handle_timeout(world.now);
        world.carry(user);
        assert!(user.client.is_settled());
        assert!(user.client.poll_timeout() > Some(world.now), "nothing is due");
    }
}

#[test]
fn nothing_is_kept_for_a_silent_user() {
    let mut world = World::new(Limits::default());
    let users: Vec<_> = (0..100).map(|i| world.join(&format!("user{i}"))).collect();
    // The hub has no measure of its own memory, but nothing may be left to write or to acknowledge.
    assert!(users.iter().all(|user| world.hub.transmit(*user).concat().is_empty()));
}

#[test]
fn an_unknown_connection_is_the_drivers_fault_and_said_so() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    world.hub.disconnect(world.now, alice).unwrap();
    let error = world.hub.disconnect(world.now, alice).unwrap_err();
    assert_eq!(error.0, alice);
    assert!(error.to_string().starts_with("connection #1 is not known to the hub"));
    assert!(world.hub.transmitted(world.now, alice, 0).is_err());
    assert!(world.hub.transmit(alice).is_empty());
}

#[test]
fn who_disconnects_gets_no_further_output() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(alice, &[send("bob", b"x")]);
    world.hub.disconnect(world.now, bob).unwrap();
    world.hub.disconnect(world.now, alice).unwrap();
    world.hub_events.clear();
    world.drain();
    assert!(world.writable.is_empty());
    let detached: Vec<_> = world.hub_events.iter().map(|output| matches!(output, HubEvent::Detached { .. })).collect();
    assert_eq!(detached, [true, true]);
}

#[test]
fn the_same_leftover_again_is_no_sign_of_life() {
    let mut world = World::new(Limits { resume_time_max: Duration::ZERO, ..Limits::default() });
    let alice = world.join("alice");
    let begun = &encode_all(&[send("alice", b"hello")])[..3];
    let end = world.now + world.hub.limits().idle_time_max + Duration::from_secs(2);
    while world.now < end && world.closed(alice).is_none() {
        if world.hub.name(alice).is_some() {
            let mut input = begun;
            assert_eq!(world.hub.receive(world.now, alice, &mut input), Ok(Received::NeedInput));
            assert_eq!(input, begun);
        }
        world.pass(Duration::from_secs(1));
        world.written(alice);
    }
    assert!(world.hub.name(alice).is_none(), "three bytes keep nobody alive for ever");
}

#[test]
fn each_new_byte_is_a_sign_of_life() {
    let mut world = World::new(Limits { resume_time_max: Duration::ZERO, ..Limits::default() });
    let alice = world.join("alice");
    let frame = encode_all(&[send("alice", &[b'x'; 100])]);
    for bytes in 1..frame.len() {
        let mut input = &frame[..bytes];
        assert_eq!(world.hub.receive(world.now, alice, &mut input), Ok(Received::NeedInput));
        world.pass(Duration::from_secs(1));
        world.written(alice);
    }
    assert!(world.hub.name(alice).is_some());
}
