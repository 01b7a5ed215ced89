//! One value for a connection at a hub: handshake, session and the input between.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Message, PREFACE_BYTES, Ping, Send};
use chatcore::{Action, Admission, Hub, HubConnection, Instant, Limits, Next, QuotaKey, Rate, Refusal};
use world::{decode_all, encode_all, opening};

const NOW: Instant = Instant::from_millis(1);

fn connected(limits: Limits) -> (Hub, HubConnection) {
    let mut hub = Hub::new(limits, [7; 32]);
    let connection = HubConnection::new(NOW, &mut hub, QuotaKey::default());
    (hub, connection)
}

/// What the hub has to say to it.
fn written(now: Instant, hub: &mut Hub, connection: &mut HubConnection) -> Vec<u8> {
    while let Some(action) = hub.poll_action() {
        if let Action::Close { .. } = action {
            connection.close();
        }
    }
    let bytes = connection.transmit(hub).concat();
    connection.transmitted(now, hub, bytes.len());
    bytes
}

#[test]
fn a_decision_may_come_later_and_nothing_is_taken_until_then() {
    let (mut hub, mut connection) = connected(Limits::default());
    let Next::Decide(registration) = connection.receive(NOW, &mut hub, &opening("alice")) else { panic!("it asks") };
    let ping = encode_all(&[ClientMessage::Ping(Ping { nonce: 7 })]);
    assert!(matches!(connection.receive(NOW, &mut hub, &ping), Next::Undecided));
    assert!(connection.transmit(&hub).is_empty());
    assert!(matches!(connection.admit(NOW, &mut hub, *registration), Next::Read));
    let said = written(NOW, &mut hub, &mut connection);
    assert!(matches!(decode_all(&said[PREFACE_BYTES..])[..], [HubMessage::Welcome(_), HubMessage::Pong(_)]));
    assert_eq!(hub.users(), 1);
    connection.disconnect(NOW, &mut hub);
    assert!(connection.is_closed() && connection.conn().is_none());
}

#[test]
fn a_decision_that_comes_too_late_lets_nobody_in() {
    let (mut hub, mut connection) = connected(Limits::default());
    let Next::Decide(registration) = connection.receive(NOW, &mut hub, &opening("alice")) else { panic!("it asks") };
    let due = connection.poll_timeout().expect("there is a time for the decision");
    assert!(matches!(connection.handle_timeout(due, &mut hub), Next::End));
    assert!(matches!(connection.admit(due, &mut hub, *registration), Next::End));
    assert_eq!(hub.users(), 0);
    let said = written(due, &mut hub, &mut connection);
    assert!(matches!(decode_all(&said[PREFACE_BYTES..])[..], [HubMessage::Goodbye(_)]));
    assert!(connection.is_closed());
}

#[test]
#[should_panic(expected = "no registration is undecided here")]
fn a_connection_whose_client_has_asked_for_nothing_is_not_admitted() {
    let (mut hub, mut connection) = connected(Limits::default());
    let Next::Decide(of_another) = connection.receive(NOW, &mut hub, &opening("alice")) else { panic!("it asks") };
    let mut silent = HubConnection::new(NOW, &mut hub, QuotaKey::default());
    let _ = silent.admit(NOW, &mut hub, *of_another);
}

#[test]
#[should_panic(expected = "no registration is undecided here")]
fn a_registration_that_is_refused_is_not_admitted_afterwards() {
    let (mut hub, mut connection) = connected(Limits::default());
    let Next::Decide(registration) = connection.receive(NOW, &mut hub, &opening("alice")) else { panic!("it asks") };
    assert!(matches!(connection.refuse(NOW, &mut hub, &Refusal::Denied), Next::Read));
    let _ = connection.try_admit(NOW, &mut hub, *registration, Admission::AnotherSession);
}

#[test]
fn a_refused_client_asks_again_until_it_has_asked_too_often() {
    let (mut hub, mut connection) = connected(Limits::default());
    let mut next = connection.receive(NOW, &mut hub, &opening("alice"));
    let refusal = Refusal::Denied;
    let again = &opening("alice")[PREFACE_BYTES..];
    let mut refused = 0;
    while let Next::Decide(_) = next {
        next = connection.refuse(NOW, &mut hub, &refusal);
        refused += 1;
        if let Next::Read = next {
            next = connection.receive(NOW, &mut hub, again);
        }
    }
    assert!(matches!(next, Next::End));
    assert_eq!(refused, Limits::default().registration_attempts_max);
    let said = written(NOW, &mut hub, &mut connection);
    assert!(matches!(decode_all(&said[PREFACE_BYTES..])[..], [.., HubMessage::Error(_)]));
    assert!(connection.is_closed(), "its last words are written");
}

#[test]
fn a_stranger_is_told_and_closed() {
    let (mut hub, mut connection) = connected(Limits::default());
    assert!(matches!(connection.receive(NOW, &mut hub, b"GET / HTTP/1.1\r\n"), Next::End));
    assert!(!connection.is_closed(), "there is an answer to write");
    assert!(written(NOW, &mut hub, &mut connection).starts_with(b"HTTP/1.1 400"));
    assert!(connection.is_closed());
}

#[test]
fn a_client_that_has_used_up_its_rate_goes_on_when_it_may() {
    let rate = Rate { per_s: 1_000, burst: 100 };
    let limits = Limits::default().with_session_rate(rate);
    let (mut hub, mut connection) = connected(limits);
    let mut input = opening("alice");
    let hello = ClientMessage::Send(Send { to: "alice", body: b"hello" });
    input.extend(encode_all(&vec![hello; 500]));
    let Next::Decide(registration) = connection.receive(NOW, &mut hub, &input) else { panic!("it asks") };
    let (mut now, mut pauses, mut bytes) = (NOW, 0, Vec::new());
    let mut next = connection.admit(now, &mut hub, *registration);
    loop {
        bytes.extend(written(now, &mut hub, &mut connection));
        next = match next {
            Next::GoOn => connection.go_on(now, &mut hub),
            Next::Paused { until } => {
                pauses += 1;
                assert!((1..input.len()).contains(&connection.input_bytes()), "what is not taken yet is kept");
                assert_eq!(connection.poll_timeout(), Some(until));
                assert!(matches!(connection.receive(now, &mut hub, &[]), Next::Paused { .. }), "not before its time");
                now = until;
                connection.handle_timeout(now, &mut hub)
            }
            Next::Read => break,
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(connection.input_bytes(), 0, "all is taken");
    assert!(pauses > 0 && now > NOW + Duration::from_millis(300), "{pauses} pauses, until {now}");
    let delivered = decode_all(&bytes[PREFACE_BYTES..]);
    let delivered = delivered.iter().filter(|message| matches!(message, HubMessage::Deliver(_))).count();
    assert_eq!(delivered, 500, "nothing is lost");
}

/// Begins a session.
fn admitted(limits: Limits) -> (Hub, HubConnection) {
    let (mut hub, mut connection) = connected(limits);
    let Next::Decide(registration) = connection.receive(NOW, &mut hub, &opening("alice")) else { panic!("it asks") };
    assert!(matches!(connection.admit(NOW, &mut hub, *registration), Next::Read));
    (hub, connection)
}

#[test]
fn a_long_frame_that_comes_byte_by_byte_uses_up_a_rate() {
    let rate = Rate { per_s: 1_000, burst: 100 };
    for limits in
        [Limits::default().with_session_rate(rate), Limits::default().with_origin_rate(Rate { burst: 300, ..rate })]
    {
        let (mut hub, mut connection) = admitted(limits);
        let frame = encode_all(&[ClientMessage::Send(Send { to: "alice", body: &[b'x'; 1_000] })]);
        let mut taken = 0;
        let until = frame.chunks(1).find_map(|byte| {
            if let Next::Paused { until } = connection.receive(NOW, &mut hub, byte) {
                return Some(until);
            }
            taken += 1;
            None
        });
        assert!((100..300).contains(&taken), "{taken} bytes");
        let until = until.expect("it is paused");
        assert!(matches!(connection.receive(NOW, &mut hub, &[]), Next::Paused { .. }), "not before its time");
        assert!(matches!(connection.handle_timeout(until, &mut hub), Next::Read));
        assert!(matches!(connection.receive(until, &mut hub, &frame[taken + 1..]), Next::Read), "nothing is lost");
        let said = written(until, &mut hub, &mut connection);
        let delivered = |message: &HubMessage<'_>| matches!(message, HubMessage::Deliver(_));
        assert!(decode_all(&said[PREFACE_BYTES..]).iter().any(delivered));
    }
}

#[test]
fn who_writes_byte_by_byte_on_a_slow_line_is_not_paused() {
    // A serial line of 460 800 baud, and messages that somebody has typed.
    const BYTES_PER_S: u32 = 46_080;
    let (mut hub, mut connection) = admitted(Limits::default());
    let typed = encode_all(&[ClientMessage::Send(Send { to: "alice", body: b"nobody waits for this but me" })]);
    let (mut now, mut count) = (NOW, 0);
    while now < NOW + Duration::from_secs(4) {
        for byte in typed.chunks(1) {
            now = now + Duration::from_secs(1) / BYTES_PER_S;
            assert!(matches!(connection.receive(now, &mut hub, byte), Next::Read), "at {now}");
        }
        let said = written(now, &mut hub, &mut connection);
        let frames = if count == 0 { &said[PREFACE_BYTES..] } else { &said };
        let delivered = decode_all(frames).iter().filter(|message| message.kind().is_numbered()).count();
        assert!(delivered > 0, "at {now}");
        count += delivered as u64;
        assert!(matches!(
            connection.receive(now, &mut hub, &encode_all(&[ClientMessage::Ack(Ack { count })])),
            Next::Read
        ));
    }
}
