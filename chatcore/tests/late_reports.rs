//! Transports that report late what they have taken: nobody is blamed for it, and nothing is lost.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, ErrorMessage, HubMessage, PREFACE_BYTES};
use chatcore::{
    Action, Client, ClientConfig, CloseReason, ConnId, DeliveryStatus, ErrorCode, Event, GoodbyeCode, Hub,
    HubConnection, Instant, Limits, Next, ProtocolError, QuotaKey, Received, Refusal,
};
use world::{World, decode_all, encode_all, opening, send};

/// Takes all that is to be written, and does not report it as transmitted.
fn taken(world: &mut World, conn: ConnId) -> Vec<u8> {
    let bytes = world.hub.transmit(conn).concat();
    world.hub.transmitting(world.now, conn, bytes.len()).unwrap();
    world.writable.remove(&conn);
    assert!(world.hub.transmit(conn).is_empty(), "it is given once");
    bytes
}

fn closes(hub: &mut Hub) -> bool {
    std::iter::from_fn(|| hub.poll_action()).any(|action| matches!(action, Action::Close { .. }))
}

#[test]
fn a_peer_may_acknowledge_what_is_on_its_way() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(alice, &[send("bob", b"1"), send("bob", b"2")]);
    world.drain();
    let first = taken(&mut world, bob);
    assert_eq!(world.say(bob, &[ClientMessage::Ack(Ack { count: 2 })]), Received::NeedInput);
    // What follows is taken while the first part is still on its way, and the reports come in pieces of any size.
    let _ = world.say(alice, &[send("bob", b"3")]);
    world.drain();
    let second = taken(&mut world, bob);
    assert!(matches!(decode_all(&second)[..], [HubMessage::Deliver(message)] if message.body == b"3"));
    let _ = world.say(alice, &[send("bob", b"4")]);
    for count in [1, first.len() + 1, second.len() - 2] {
        world.hub.transmitted(world.now, bob, count).unwrap();
        let next = world.hub.transmit(bob).concat();
        assert!(matches!(decode_all(&next)[..], [HubMessage::Deliver(message)] if message.body == b"4"));
    }
    // More than was given is still a breach.
    assert_eq!(world.say(bob, &[ClientMessage::Ack(Ack { count: 4 })]), Received::Closed);
    world.written(bob);
    let reason = CloseReason::ProtocolError(ProtocolError::AckBeyondSent { acknowledged: 4, sent: 3 });
    assert_eq!(world.closed(bob), Some(reason));
}

#[test]
fn a_connection_is_closed_when_its_transport_has_reported_all() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(alice, &[send("bob", b"1")]);
    world.drain();
    // It ends in the middle of a frame.
    let all = world.hub.transmit(bob).concat();
    let half = all.len() / 2;
    world.hub.transmitting(world.now, bob, half).unwrap();
    assert!(world.hub.kick(world.now, &"bob".parse().unwrap()));
    world.drain();
    let rest = taken(&mut world, bob);
    world.drain();
    assert_eq!(world.closed(bob), None, "all of it is on its way");
    let stream = [&all[..half], &rest].concat();
    let messages = decode_all(&stream);
    assert!(
        matches!(&messages[..], [HubMessage::Deliver(_), HubMessage::Goodbye(end)] if end.code == GoodbyeCode::Kicked),
        "{messages:?}"
    );
    world.hub.transmitted(world.now, bob, half).unwrap();
    world.drain();
    assert_eq!(world.closed(bob), None, "its last words are on their way");
    world.hub.transmitted(world.now, bob, rest.len()).unwrap();
    world.drain();
    assert_eq!(world.closed(bob), Some(CloseReason::Kicked));
    assert!(world.hub.transmitted(world.now, bob, 1).is_err(), "it is not known any more");
}

#[test]
fn a_connection_without_last_words_is_closed_after_the_last_report_too() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(alice, &[send("bob", b"1")]);
    world.drain();
    let bytes = taken(&mut world, bob);
    let error = ErrorMessage { code: ErrorCode::FrameEmpty, detail: "" };
    assert_eq!(world.say(bob, &[ClientMessage::Error(error)]), Received::Closed);
    taken(&mut world, bob);
    world.drain();
    assert_eq!(world.closed(bob), None, "the message is on its way");
    world.hub.transmitted(world.now, bob, bytes.len()).unwrap();
    world.drain();
    assert_eq!(world.closed(bob), Some(CloseReason::ReportedByPeer(ErrorCode::FrameEmpty)));
}

#[test]
fn a_transport_that_never_reports_is_closed_when_the_time_for_that_is_over() {
    let flush_time_max = Duration::from_secs(3);
    let mut world = World::new(Limits::default().with_flush_time_max(flush_time_max));
    let bob = world.join("bob");
    world.hub.kick(world.now, &"bob".parse().unwrap());
    world.drain();
    taken(&mut world, bob);
    world.pass(Duration::from_millis(2_999));
    assert_eq!(world.closed(bob), None);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.closed(bob), Some(CloseReason::Kicked));
}

#[test]
fn what_was_on_its_way_when_the_connection_broke_may_have_arrived() {
    let window = Duration::from_secs(20);
    let mut world = World::new(Limits::default().with_resume_time_max(window));
    let (mut alice, bob) = (world.connect("alice"), world.join("bob"));
    for body in [b"1", b"2"] {
        alice.client.send(world.now, "bob", body).unwrap();
        world.carry(&mut alice);
        if body == b"1" {
            taken(&mut world, bob);
        }
    }
    world.hub.disconnect(world.now, bob).unwrap();
    world.pass(window);
    world.carry(&mut alice);
    let reports = alice.events.iter().filter_map(|event| match event {
        Event::Report { status, ids, .. } => Some((*status, ids.len())),
        _ => None,
    });
    let mut reports: Vec<_> = reports.collect();
    reports.sort_unstable_by_key(|(status, _)| u16::from(*status));
    assert_eq!(reports, [(DeliveryStatus::Undelivered, 1), (DeliveryStatus::Unconfirmed, 1)]);
}

#[test]
#[should_panic(expected = "the driver reports more bytes as transmitted than it was given")]
fn more_than_is_on_its_way_and_was_given_is_a_bug_of_the_driver() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(alice, &[send("bob", b"1")]);
    world.drain();
    let bytes = taken(&mut world, bob);
    world.hub.transmitted(world.now, bob, bytes.len() + 1).unwrap();
}

#[test]
fn a_client_goes_on_with_its_session_before_its_transport_has_reported_the_resume() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    let now = world.now;
    world.cut(&mut bob);
    bob.client.send(now, "bob", b"1").unwrap();
    world.pass(bob.client.poll_timeout().unwrap() - world.now);
    bob.client.handle_timeout(world.now);
    assert!(matches!(bob.client.poll_event(), Some(Event::Connect { .. })));
    bob.client.connected(world.now);
    let resume = bob.client.transmit().concat();
    bob.client.transmitting(world.now, resume.len());
    assert!(bob.client.transmit().is_empty());

    // The hub answers, and the client sends what waited; only now its transport tells of the resume.
    let registration = chatcore::Handshake::new(world.now, world.hub.limits());
    let registration = { registration }.receive(world.now, &mut &resume[..]).unwrap().unwrap();
    bob.conn = world.hub.admit(world.now, registration).unwrap();
    let answer = world.written(bob.conn);
    let _ = bob.client.receive(world.now, &mut &answer[..]);
    assert!(matches!(bob.client.poll_event(), Some(Event::Resumed)));
    let request = bob.client.transmit().concat();
    assert!(matches!(decode(&request)[..], [.., ClientMessage::Send(message)] if message.body == b"1"), "{request:?}");
    bob.client.transmitting(world.now, request.len());
    bob.client.send(world.now, "bob", b"2").unwrap();
    bob.client.transmitted(world.now, resume.len());
    let next = bob.client.transmit().concat();
    assert!(
        matches!(decode(&next)[..], [ClientMessage::Send(message)] if message.body == b"2"),
        "it is about the resume"
    );
    bob.client.transmitting(world.now, next.len());
    let request = [request, next].concat();

    // And the hub has acknowledged it all before the transport tells of that.
    let _ = world.put(bob.conn, &request);
    let answer = world.written(bob.conn);
    let _ = bob.client.receive(world.now, &mut &answer[..]);
    assert!(bob.client.closed().is_none(), "{:?}", bob.client.closed());
    while bob.client.poll_event().is_some() {}
    bob.client.handle_timeout(world.now + Duration::from_secs(1));
    let acks = bob.client.transmit().concat();
    bob.client.transmitting(world.now, acks.len());
    assert!(!bob.client.is_drained(), "some is on its way");
    bob.client.transmitted(world.now, request.len() + acks.len());
    assert!(bob.client.is_drained());
}

fn decode(bytes: &[u8]) -> Vec<ClientMessage<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(|| chatcore::wire::take(&mut rest, u32::MAX).unwrap())
        .map(|content| chatcore::wire::Message::decode(content).unwrap().unwrap())
        .collect()
}

#[test]
fn what_a_client_had_on_its_way_is_forgotten_with_its_connection() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    bob.client.send(world.now, "bob", b"1").unwrap();
    let bytes = bob.client.transmit().concat();
    bob.client.transmitting(world.now, bytes.len());
    world.cut(&mut bob);
    bob.client.transmitted(world.now, bytes.len());
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    world.carry(&mut bob);
    assert_eq!(world::bodies(&mut bob), ["1"], "it comes once");
    assert!(bob.client.is_drained());
}

#[test]
#[should_panic(expected = "the driver reports more bytes as transmitted than it was given")]
fn a_client_s_transport_cannot_take_more_than_there_is() {
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    client.register(Instant::ZERO, "bob", b"").unwrap();
    let bytes = client.transmit().bytes();
    client.transmitting(Instant::ZERO, bytes + 1);
}

#[test]
fn what_a_handshake_said_may_be_reported_after_the_client_was_let_in() {
    let now = Instant::from_millis(1);
    let mut hub = Hub::new(Limits::default(), [7; 32]);
    let mut connection = HubConnection::new(now, &mut hub, QuotaKey::default());
    let Next::Decide(_) = connection.receive(now, &mut hub, &opening("alice")) else { panic!("it asks") };
    assert!(matches!(connection.refuse(now, &mut hub, &Refusal::Denied), Next::Read));
    let refused = connection.transmit(&hub).concat();
    connection.transmitting(now, &mut hub, refused.len());
    let again = &opening("alice")[PREFACE_BYTES..];
    let Next::Decide(registration) = connection.receive(now, &mut hub, again) else { panic!("it asks again") };
    assert!(matches!(connection.admit(now, &mut hub, *registration), Next::Read));
    assert!(!closes(&mut hub));
    let welcome = connection.transmit(&hub).concat();
    connection.transmitting(now, &mut hub, welcome.len() - 1);
    connection.transmitted(now, &mut hub, refused.len());
    assert_eq!(connection.transmit(&hub).bytes(), 1, "the report is about the refusal");
    connection.transmitted(now, &mut hub, welcome.len());
    assert!(connection.transmit(&hub).is_empty());
    let messages = [&refused[PREFACE_BYTES..], &welcome].concat();
    assert!(matches!(decode_all(&messages)[..], [HubMessage::Refused(_), HubMessage::Welcome(_)]));

    // It ends: the close comes after the last report, and what is reported after it is no fault.
    let goodbye = encode_all(&[ClientMessage::Goodbye(chatcore::wire::Goodbye {
        code: GoodbyeCode::Left,
        detail: "",
        reconnect: None,
    })]);
    assert!(matches!(connection.receive(now, &mut hub, &goodbye), Next::End));
    let rest = connection.transmit(&hub).bytes();
    connection.transmitting(now, &mut hub, rest);
    assert!(!closes(&mut hub));
    connection.transmitted(now, &mut hub, rest);
    assert!(closes(&mut hub));
    connection.close();
    assert!(connection.is_closed());
    connection.transmitted(now, &mut hub, 1);
}

#[test]
fn a_connection_without_a_session_is_closed_after_its_last_report() {
    let now = Instant::from_millis(1);
    let mut hub = Hub::new(Limits::default(), [7; 32]);
    let mut connection = HubConnection::new(now, &mut hub, QuotaKey::default());
    assert!(matches!(connection.receive(now, &mut hub, b"GET / HTTP/1.1\r\n"), Next::End));
    let answer = connection.transmit(&hub).bytes();
    connection.transmitting(now, &mut hub, answer);
    assert!(connection.transmit(&hub).is_empty() && !connection.is_closed());
    connection.transmitted(now, &mut hub, answer);
    assert!(connection.is_closed());
}
