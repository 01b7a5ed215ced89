//! Sessions outlive their connections: what a hub and a client promise about that.

mod forged;
#[path = "../world/mod.rs"]
mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Kind, Message, PREFACE_BYTES, Preface, Resume, Resumed};
use chatcore::{
    Client, ClientConfig, CloseReason, ConnId, Event, GoodbyeCode, Handshake, HubEvent, Limits, Rate, Received,
    Refusal, RefusalCode, RejectCode, SessionTicket,
};
use world::{User, World, bodies, decode_all, encode_all, join_with_token, try_resume, try_resume_again};

const WINDOW: Duration = Duration::from_secs(60);

/// Of everything that waits for a connection, the transport takes this many bytes, and they never arrive.
fn lose_on_the_way(world: &mut World, conn: ConnId, bytes: usize) {
    world.drain();
    world.hub.transmitted(world.now, conn, bytes).unwrap();
}

/// What the hub says first on a resumed connection.
fn greeting(bytes: &[u8]) -> (Resumed, Vec<Kind>) {
    let mut messages = decode_all(&bytes[PREFACE_BYTES..]).into_iter();
    let Some(HubMessage::Resumed(resumed)) = messages.next() else { panic!("the answer comes first") };
    (resumed, messages.map(|message| message.kind()).collect())
}

#[test]
fn what_was_lost_on_the_way_is_sent_again_in_both_directions_and_nothing_twice() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    for body in ["1", "2", "3"] {
        alice.client.send(world.now, "bob", body.as_bytes()).unwrap();
    }
    world.carry(&mut alice);
    // Bob has the first whole and half of the second; the rest of what was written is lost.
    world.drain();
    let sent = world.hub.transmit(bob.conn).concat();
    let _ = bob.client.receive(world.now, &mut &sent[..sent.len() / 2]);
    lose_on_the_way(&mut world, bob.conn, sent.len() - 2);
    // And something of Bob's is lost on its way to the hub.
    bob.client.send(world.now, "alice", b"from bob").unwrap();
    let lost = bob.client.transmit().concat().len();
    bob.client.transmitted(world.now, lost);
    bob.events.extend(std::iter::from_fn(|| bob.client.poll_event()));
    world.cut(&mut bob);
    alice.client.send(world.now, "bob", b"4").unwrap();
    world.carry(&mut alice);

    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    world.carry(&mut alice);
    assert!(bob.events.contains(&Event::Resumed));
    assert_eq!(bodies(&mut bob), ["1", "2", "3", "4"]);
    assert_eq!(bodies(&mut alice), ["from bob"]);
}

#[test]
fn a_name_stays_taken_for_the_window_and_not_longer() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    world.cut(&mut bob);
    world.pass(Duration::from_millis(59_990));
    assert_eq!(world.try_join("bob").unwrap_err(), Refusal::NameInUse { wait: Duration::from_millis(10) });
    world.pass(Duration::from_millis(10));
    world.try_join("bob").unwrap();
    assert!(
        world
            .hub_events
            .iter()
            .any(|output| matches!(output, HubEvent::SessionEnded { reason: CloseReason::Expired, .. }))
    );
}

#[test]
fn a_session_whose_welcome_was_not_acknowledged_does_not_keep_its_name() {
    for is_acknowledged in [false, true] {
        let mut world = World::new(Limits::default());
        let bob = world.try_join("bob").unwrap();
        world.written(bob);
        let _ = world.say(bob, &[world::send("bob", b"a request says nothing of the welcome")]);
        if is_acknowledged {
            world.confirm(bob);
        }
        world.hub.disconnect(world.now, bob).unwrap();
        assert_eq!(world.try_join("bob").is_err(), is_acknowledged);
    }
}

/// The hub has not noticed that the connection is gone.
#[test]
fn the_owner_of_a_lost_welcome_waits_for_a_probe_and_for_no_window() {
    let mut world = World::new(Limits::default());
    let bob = world.try_join("bob").unwrap();
    world.written(bob);
    let probe_time_max = world.hub.limits().probe_time_max;
    assert_eq!(world.try_join("bob"), Err(Refusal::NameInUse { wait: probe_time_max }));
    world.pass(probe_time_max);
    world.try_join("bob").expect("the name is free");
}

#[test]
fn a_client_is_sent_no_frame_that_is_longer_than_it_takes() {
    const TAKES: u32 = 2_048;
    let mut world = World::new(Limits::default().with_session_rate(Rate::UNLIMITED));
    let config = ClientConfig::default().with_frame_bytes_max(TAKES);
    let mut bob = world.connect_with("bob", config.clone());
    let mut alice = world.connect("alice");
    for user in [&mut alice, &mut bob] {
        user.client.join(world.now, "#lobby").unwrap();
        world.carry(user);
    }
    for member in 0..200 {
        world.join(&format!("a-user-with-a-long-name-{member:08}"));
    }
    // A message for it alone is rejected; of a room's messages, it misses the long one.
    let long = vec![b'x'; TAKES as usize];
    alice.client.send(world.now, "bob", &long).unwrap();
    for body in [&long[..], b"short"] {
        alice.client.send(world.now, "#lobby", body).unwrap();
    }
    world.carry(&mut alice);
    assert!(alice.events.iter().any(|event| matches!(event, Event::Rejected { code: RejectCode::BodyTooLong, .. })));
    bob.client.who(world.now, 0).unwrap();
    world.carry(&mut bob);
    world.carry(&mut bob);
    assert!(world.hub.name(bob.conn).is_some(), "{:?}", bob.events);
    assert!(bob.events.iter().any(|event| matches!(event, Event::Missed { count: 1.., .. })), "{:?}", bob.events);
    assert!(bob.events.iter().any(|event| matches!(event, Event::Online { next: Some(_), .. })), "{:?}", bob.events);

    // It must not take less afterwards: longer frames may wait for it. And what is refused changes nothing.
    let SessionTicket { name, token, attempt, .. } = bob.client.ticket().unwrap().clone();
    world.cut(&mut bob);
    for (received, frame_bytes_max) in [(None, TAKES - 1), (Some(u64::MAX), 2 * TAKES)] {
        let mut opening = Preface::OURS.encode().to_vec();
        let (name, attempt) = (name.as_str(), attempt + 1);
        ClientMessage::Resume(Resume { name, token, received, attempt, frame_bytes_max }).encode(&mut opening);
        let mut handshake = Handshake::new(world.now, world.hub.limits());
        let registration = handshake.receive(world.now, &mut &opening[..]).unwrap().unwrap();
        assert_eq!(world.hub.admit(world.now, registration).unwrap_err().refusal, Refusal::StaleResume);
    }
    alice.events.clear();
    alice.client.send(world.now, "bob", &long).unwrap();
    world.carry(&mut alice);
    assert!(matches!(alice.events[..], [Event::Rejected { code: RejectCode::BodyTooLong, .. }]), "{:?}", alice.events);
}

#[test]
fn the_window_that_ends_in_the_tick_of_the_resume_has_ended() {
    for expire_first in [false, true] {
        let mut world = World::new(Limits::default());
        let (conn, token) = join_with_token(&mut world, "bob");
        world.hub.disconnect(world.now, conn).unwrap();
        world.now = world.now + WINDOW;
        if expire_first {
            world.hub.handle_timeout(world.now);
        }
        assert_eq!(try_resume(&mut world, "bob", token, Some(0)), Err(Refusal::SessionOver));
        world.drain();
        assert_eq!(world.hub.users(), 0);
    }
}

#[test]
fn a_client_that_comes_too_late_is_told_and_registers_anew() {
    let mut world = World::new(Limits::default());
    let (mut bob, _alice) = (world.connect("bob"), world.connect("alice"));
    let on_its_way = bob.client.send(world.now, "alice", b"1").unwrap();
    let bytes = bob.client.transmit().concat().len();
    bob.client.transmitted(world.now, bytes);
    world.cut(&mut bob);
    let never_sent = bob.client.send(world.now, "alice", b"2").unwrap();
    world.pass(WINDOW);

    assert_eq!(world.reconnect(&mut bob), Err(Refusal::SessionOver));
    let lost = bob.client.poll_event();
    assert!(matches!(lost, Some(Event::SessionLost { unsent_from, .. }) if unsent_from == never_sent), "{lost:?}");
    bob.conn = world.admit_again(&mut bob.client);
    world.carry(&mut bob);
    assert!(matches!(&bob.events[..], [Event::Registered { name, .. }] if name.as_str() == "bob"));
    let later = bob.client.send(world.now, "alice", b"3").unwrap();
    assert!(on_its_way < never_sent && never_sent < later, "a number never comes twice");
}

#[test]
fn a_client_knows_from_which_request_on_nothing_has_gone_out() {
    let mut world = World::new(Limits::default());
    let (mut bob, _alice) = (world.connect("bob"), world.connect("alice"));
    let [first, second] = [b"1", b"2"].map(|body| bob.client.send(world.now, "alice", body).unwrap());
    assert_eq!(bob.client.unsent_from(), first);
    let bytes = bob.client.transmit().concat().len();
    bob.client.transmitted(world.now, bytes - 1);
    assert_eq!(bob.client.unsent_from(), second, "of half a frame the hub has nothing");
    world.cut(&mut bob);
    let third = bob.client.send(world.now, "alice", b"3").unwrap();
    assert_eq!(bob.client.unsent_from(), second);
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    assert_eq!(bob.client.unsent_from(), third + 1, "all has");
    // Numbers go on in the next session, and so does this.
    world.cut(&mut bob);
    let fourth = bob.client.send(world.now, "alice", b"4").unwrap();
    assert_eq!(bob.client.unsent_from(), fourth);
    world.pass(WINDOW);
    assert_eq!(world.reconnect(&mut bob), Err(Refusal::SessionOver));
    assert_eq!(bob.client.unsent_from(), fourth + 1, "what the session before had not sent is told with its end");
    bob.client.close(world.now);
    assert_eq!(bob.client.unsent_from(), fourth + 1);
}

#[test]
fn a_resumption_whose_answer_is_lost_is_tried_again_with_the_same_token() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    world.cut(&mut bob);
    alice.client.send(world.now, "bob", b"1").unwrap();
    world.carry(&mut alice);
    for _ in 0..3 {
        world.reconnect(&mut bob).unwrap();
        world.drain();
        let bytes = world.hub.transmit(bob.conn).concat().len();
        lose_on_the_way(&mut world, bob.conn, bytes);
        world.cut(&mut bob);
    }
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    assert_eq!(bodies(&mut bob), ["1"]);
}

#[test]
fn the_last_of_two_connections_with_the_right_token_has_the_session() {
    let mut world = World::new(Limits::default());
    let (half_open, token) = join_with_token(&mut world, "bob");
    let other = world.join("alice");
    let _ = world.say(other, &[world::send("bob", b"1")]);
    // A frame is half written when the connection is given up: its rest still goes first.
    world.drain();
    let first = world.hub.transmit(half_open).concat();
    world.hub.transmitted(world.now, half_open, 7).unwrap();

    let second = try_resume(&mut world, "bob", token, Some(0)).unwrap();
    world.drain();
    assert_eq!(world.hub.name(half_open), None);
    assert_eq!(world.hub.name(second).unwrap().as_str(), "bob");
    let told = [&first[..7], &world.hub.transmit(half_open).concat()].concat();
    let told = decode_all(&told);
    assert!(
        matches!(told[..], [HubMessage::Deliver(_), HubMessage::Goodbye(goodbye)] if goodbye.code == GoodbyeCode::TakenOver),
        "{told:?}"
    );
    let bytes = world.hub.transmit(half_open).concat().len();
    world.hub.transmitted(world.now, half_open, bytes).unwrap();
    world.drain();
    assert_eq!(world.closed(half_open), Some(CloseReason::TakenOver));
    assert!(
        !world.hub_events.iter().any(|output| matches!(output, HubEvent::SessionEnded { .. })),
        "the name was never free"
    );

    let (resumed, replayed) = greeting(&world.written(second));
    assert_eq!((resumed.received, resumed.sent), (0, 0));
    assert_eq!(replayed, [Kind::DELIVER]);
    // What the first connection says now is not heard.
    assert!(world.hub.receive(world.now, half_open, &mut &b"x"[..]).is_err());
}

#[test]
fn an_attempt_that_was_held_up_takes_nothing_from_a_later_one() {
    let mut world = World::new(Limits::default());
    let (first, token) = join_with_token(&mut world, "bob");
    world.hub.disconnect(world.now, first).unwrap();
    let second = try_resume_again(&mut world, "bob", token, Some(0), 2).unwrap();
    for late in [1, 2] {
        assert_eq!(try_resume_again(&mut world, "bob", token, Some(0), late), Err(Refusal::StaleResume));
    }
    assert!(world.hub.name(second).is_some());
    // Started again, it counts from a later time. What is left of the process before it is refused.
    let reborn = try_resume_again(&mut world, "bob", token, None, 1_000).unwrap();
    assert_eq!(try_resume_again(&mut world, "bob", token, None, 3), Err(Refusal::StaleResume));
    assert!(world.hub.name(reborn).is_some());
}

#[test]
fn a_client_that_was_taken_over_stays_away() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    let ticket = bob.client.ticket().unwrap().clone();
    let mut twin = Client::resume(world.now, ClientConfig::default(), 1, ticket, b"");
    world.admit(&mut twin).unwrap();
    world.carry_closed(&mut bob);
    assert!(matches!(&bob.events[..], [Event::Closed(_)]), "{:?}", bob.events);
}

#[test]
fn who_has_forgotten_its_count_gets_all_that_it_did_not_acknowledge() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    alice.client.send(world.now, "bob", b"seen and acknowledged").unwrap();
    world.carry(&mut alice);
    world.carry(&mut bob);
    world.pass(Duration::from_millis(50));
    bob.client.handle_timeout(world.now);
    bob.client.send(world.now, "alice", b"1").unwrap();
    world.carry(&mut bob);
    alice.client.send(world.now, "bob", b"not acknowledged").unwrap();
    world.carry(&mut alice);
    world.carry(&mut bob);
    let ticket = bob.client.ticket().unwrap().clone();
    world.hub.disconnect(world.now, bob.conn).unwrap();

    let mut client = Client::resume(world.now, ClientConfig::default(), 1, ticket, b"");
    let conn = world.admit(&mut client).unwrap();
    let mut reborn = User::new(client, conn);
    world.carry(&mut reborn);
    assert_eq!(reborn.events[0], Event::Resumed);
    let number = reborn.client.send(world.now, "alice", b"2").unwrap();
    assert_eq!(number, 2, "the numbers go on");
    world.carry(&mut reborn);
    assert!(reborn.events.iter().any(|event| matches!(event, Event::Accepted { number: 2, .. })));
    assert_eq!(bodies(&mut reborn).last().map(String::as_str), Some("not acknowledged"));
    world.carry(&mut alice);
    assert_eq!(bodies(&mut alice), ["1", "2"]);
}

#[test]
fn a_ghost_is_probed_and_its_name_waited_for() {
    let probe = Duration::from_secs(5);
    let mut world = World::new(Limits::default().with_probe_time_max(probe));
    let (ghost, token) = join_with_token(&mut world, "bob");
    assert_eq!(world.try_join("bob").unwrap_err(), Refusal::NameInUse { wait: probe + WINDOW });
    assert!(matches!(decode_all(&world.written(ghost))[..], [HubMessage::Ping(_)]));
    assert_eq!(world.try_join("bob").unwrap_err(), Refusal::NameInUse { wait: probe + WINDOW });
    assert_eq!(world.written(ghost), b"", "one question is enough");
    world.pass(probe / 2);
    assert_eq!(world.try_join("bob").unwrap_err(), Refusal::NameInUse { wait: probe / 2 + WINDOW });
    world.pass(probe / 2);
    assert_eq!(world.hub.name(ghost), None, "no answer: the connection counts as broken");
    assert_eq!(world.try_join("bob").unwrap_err(), Refusal::NameInUse { wait: WINDOW });
    try_resume(&mut world, "bob", token, None).unwrap();
}

#[test]
fn a_holder_that_answers_is_left_alone() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    for _ in 0..5 {
        assert!(world.try_join("bob").is_err());
        world.carry(&mut bob);
        world.pass(Duration::from_secs(6));
    }
    assert!(world.hub.name(bob.conn).is_some());
}

#[test]
fn coming_back_to_a_full_outbox_is_no_reason_to_be_closed() {
    let limits = Limits::default().with_body_bytes_max(64).with_outbox_bytes_max(16_000);
    let mut world = World::new(limits);
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    // This many names that a page of them is long.
    for i in 0..40 {
        world.join(&format!("a_user_with_a_long_name_{i}"));
    }
    bob.client.who(world.now, 0).unwrap();
    world.cut(&mut bob);
    let mut sent = 0;
    while !alice.events.iter().any(|event| matches!(event, Event::Rejected { code: RejectCode::RecipientFull, .. })) {
        alice.client.send(world.now, "bob", &[b'x'; 64]).unwrap();
        sent += 1;
        world.carry(&mut alice);
    }
    for _ in 0..20 {
        bob.client.who(world.now, 0).unwrap();
    }
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    assert_eq!(bodies(&mut bob).len(), sent - 1);
    assert!(world.hub.name(bob.conn).is_some(), "{:?}", world.hub_events);
}

#[test]
fn an_attempt_that_is_refused_changes_nothing() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    let token = bob.client.ticket().unwrap().token;
    world.cut(&mut bob);
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    // Too high a count, in a high attempt; and then the right one in the next of its client.
    assert_eq!(try_resume_again(&mut world, "bob", token, Some(9), 7), Err(Refusal::StaleResume));
    assert!(try_resume_again(&mut world, "bob", token, Some(0), 3).is_ok());
}

#[test]
fn a_leave_behind_a_lost_connection_goes_out_when_the_session_is_back() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    world.cut(&mut bob);
    bob.client.send(world.now, "alice", b"last words").unwrap();
    world.reconnect(&mut bob).unwrap();
    bob.client.close(world.now);
    world.carry_closed(&mut bob);
    world.carry(&mut alice);
    assert_eq!(bodies(&mut alice), ["last words"]);
    assert_eq!(world.closed(bob.conn), Some(CloseReason::Left));
}

#[test]
fn who_is_refused_for_now_keeps_the_session_and_tries_again() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    world.cut(&mut bob);
    world.pass(bob.client.poll_timeout().unwrap() - world.now);
    bob.client.handle_timeout(world.now);
    bob.client.poll_event();
    bob.client.connected(world.now);
    let refused = chatcore::wire::Refused { code: RefusalCode::HubFull, detail: "", wait_ms: Some(7_000) };
    let bytes = [&Preface::OURS.encode()[..], &encode_all(&[HubMessage::Refused(refused)])].concat();
    assert_eq!(bob.client.receive(world.now, &mut &bytes[..]), Received::Closed);
    let after = match bob.client.poll_event() {
        Some(Event::Reconnecting { attempt: 2, after, .. }) => after,
        other => panic!("{other:?}"),
    };
    assert!((Duration::from_millis(7_200)..=Duration::from_millis(7_400)).contains(&after), "{after:?}");
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    assert_eq!(bob.events, [Event::Resumed]);
}
