//! What somebody gets who names a session that is another's, or counts that are wrong.

use std::time::Duration;

use chatcore::wire::{
    Ack, ClientMessage, HubMessage, Kind, Message, PREFACE_BYTES, Preface, Resume, Resumed, Token, take,
};
use chatcore::{Event, Handshake, HandshakeError, Limits, ProtocolError, Rate, Received, Refusal};
use proptest::prelude::*;

use super::world::{self, World, bodies, decode_all, encode_all, join_with_token, try_resume, try_resume_again};

#[test]
fn a_name_without_its_token_brings_nothing() {
    let mut world = World::new(Limits::default());
    let (mut bob, mut alice) = (world.connect("bob"), world.connect("alice"));
    world.cut(&mut bob);
    let alices = alice.client.ticket().unwrap().token;
    for token in [alices, Token::from_bytes([0; 16])] {
        assert_eq!(try_resume(&mut world, "bob", token, Some(0)), Err(Refusal::SessionOver));
        assert_eq!(try_resume(&mut world, "nobody", token, Some(0)), Err(Refusal::SessionOver));
    }
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    world.carry(&mut alice);
    assert_eq!((&bob.events[..], &alice.events[..]), (&[Event::Resumed][..], &[][..]), "nobody has noticed");
}

#[test]
fn who_asks_for_a_session_is_checked_before_anybody_decides() {
    let mut world = World::new(Limits::default());
    let (bob, token) = join_with_token(&mut world, "bob");
    world.hub.disconnect(world.now, bob).unwrap();
    let resume = |world: &World, token, attempt| {
        let mut said = Preface::OURS.encode().to_vec();
        ClientMessage::Resume(Resume { name: "bob", token, received: None, attempt, frame_bytes_max: u32::MAX })
            .encode(&mut said);
        Handshake::new(world.now, world.hub.limits()).receive(world.now, &mut &said[..]).unwrap().unwrap()
    };
    assert_eq!(world.hub.check_resume(&resume(&world, Token::from_bytes([0; 16]), 9)), Err(Refusal::SessionOver));
    assert_eq!(world.hub.check_resume(&resume(&world, token, 1)), Ok(()));
    try_resume_again(&mut world, "bob", token, None, 5).unwrap();
    assert_eq!(world.hub.check_resume(&resume(&world, token, 5)), Err(Refusal::StaleResume));
    assert_eq!(world.hub.check_resume(&resume(&world, token, 6)), Ok(()));
    let name = world::registration(world.now, world.hub.limits(), "alice");
    assert_eq!(world.hub.check_resume(&name), Ok(()));
}

#[test]
fn a_token_guessed_many_times_costs_a_connection_each_and_changes_nothing() {
    let mut world = World::new(Limits::default().with_origin_rate(Rate::UNLIMITED));
    let mut bob = world.connect("bob");
    world.cut(&mut bob);
    let before = (world.hub.users(), world.hub.connections(), world.hub.poll_timeout());
    for guess in 0..20_000_u128 {
        let refused = try_resume(&mut world, "bob", Token::from_bytes(guess.to_le_bytes()), None);
        assert_eq!(refused, Err(Refusal::SessionOver));
    }
    assert_eq!((world.hub.users(), world.hub.connections(), world.hub.poll_timeout()), before);
    world.reconnect(&mut bob).unwrap();

    let mut twice = Preface::OURS.encode().to_vec();
    let resume = ClientMessage::Resume(Resume {
        name: "bob",
        token: Token::from_bytes([1; 16]),
        received: None,
        attempt: 1,
        frame_bytes_max: u32::MAX,
    });
    resume.encode(&mut twice);
    resume.encode(&mut twice);
    let mut handshake = Handshake::new(world.now, world.hub.limits());
    let mut input = &twice[..];
    let first = handshake.receive(world.now, &mut input).unwrap().unwrap();
    let refusal = world.hub.admit(world.now, first).unwrap_err().refusal;
    handshake.refuse(world.now, &refusal).unwrap();
    let second = handshake.receive(world.now, &mut input).unwrap_err();
    assert_eq!(second, HandshakeError::ProtocolError(ProtocolError::TooManyAttempts { registration_attempts_max: 8 }));
}

#[test]
fn a_count_that_was_never_sent_or_is_gone_changes_nothing() {
    for (count, acknowledged) in [(3, 0), (u64::MAX, 0), (1, 2), (0, 1)] {
        let mut world = World::new(Limits::default());
        let (bob, token) = join_with_token(&mut world, "bob");
        let alice = world.join("alice");
        let _ = world.say(alice, &[world::send("bob", b"1"), world::send("bob", b"2")]);
        world.written(bob);
        let _ = world.say(bob, &[ClientMessage::Ack(Ack { count: acknowledged })]);
        world.hub.disconnect(world.now, bob).unwrap();
        assert_eq!(try_resume(&mut world, "bob", token, Some(count)), Err(Refusal::StaleResume), "{count}");
        let bob = try_resume_again(&mut world, "bob", token, Some(acknowledged), 2).expect("the session lives");
        assert!(world.hub.name(bob).is_some() && world.hub.name(alice).is_some());
    }
}

#[test]
fn a_count_that_is_out_of_step_does_nothing_to_a_session_that_is_connected() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    let mut alice = world.connect("alice");
    alice.client.send(world.now, "bob", b"1").unwrap();
    world.carry(&mut alice);
    world.carry(&mut bob);
    world.pass(Duration::from_millis(60));
    bob.client.handle_timeout(world.now);
    world.carry(&mut bob);
    assert!(world.hub.transmit(bob.conn).is_empty() && alice.client.is_drained(), "bob has acknowledged it");
    let token = bob.client.ticket().unwrap().token;
    for count in [0, 2] {
        assert_eq!(try_resume(&mut world, "bob", token, Some(count)), Err(Refusal::StaleResume));
    }
    alice.client.send(world.now, "bob", b"2").unwrap();
    world.carry(&mut alice);
    world.carry(&mut bob);
    assert_eq!(bodies(&mut bob), ["1", "2"]);
}

#[test]
fn an_answer_that_names_another_count_is_the_hubs_fault() {
    let mut world = World::new(Limits::default());
    let mut bob = world.connect("bob");
    let limits = *bob.client.limits().unwrap();
    for (received, sent) in [(0, 1), (1, 0), (u64::MAX, 0)] {
        let mut bob = world.connect(&format!("bob{received}x{sent}"));
        world.cut(&mut bob);
        world.reconnect(&mut bob).unwrap();
        let resumed = HubMessage::Resumed(Resumed { received, sent, limits });
        let bytes = [&Preface::OURS.encode()[..], &encode_all(&[resumed])].concat();
        assert_eq!(bob.client.receive(world.now, &mut &bytes[..]), Received::Closed);
        assert!(matches!(bob.client.poll_event(), Some(Event::Closed(chatcore::Closed::ProtocolError(_)))));
        let mut said = &bob.client.transmit().concat()[..];
        assert!(matches!(take(&mut said, 1408), Ok(Some(content)) if content.kind == Kind::ERROR));
    }
    world.carry(&mut bob);
}

proptest! {
    /// Whatever counts a peer names, it gets exactly what comes after its own, or nothing at all.
    #[test]
    fn any_counts_are_gone_on_from_or_refused(
        bodies in proptest::collection::vec(0_usize..40, 0..8),
        acknowledged in 0_u64..9,
        received in prop_oneof![Just(None), (0_u64..10).prop_map(Some), any::<u64>().prop_map(Some)],
        written in 0_usize..300,
        is_connected in any::<bool>(),
    ) {
        let mut world = World::new(Limits::default());
        let (bob, token) = join_with_token(&mut world, "bob");
        let alice = world.join("alice");
        let messages: Vec<Vec<u8>> = bodies.iter().enumerate().map(|(i, length)| vec![i.to_le_bytes()[0]; *length]).collect();
        for body in &messages {
            let _ = world.say(alice, &[world::send("bob", body)]);
        }
        world.drain();
        let waiting = world.hub.transmit(bob).concat();
        let written = written.min(waiting.len());
        if written < waiting.len() {
            world.hub.transmitted(world.now, bob, written).unwrap();
        } else {
            world.written(bob);
        }
        // Half a frame is none.
        let mut whole = &waiting[..written];
        let sent = std::iter::from_fn(|| take(&mut whole, u32::MAX).unwrap()).count() as u64;
        let acknowledged = acknowledged.min(sent);
        let _ = world.say(bob, &[ClientMessage::Ack(Ack { count: acknowledged })]);
        if !is_connected {
            world.hub.disconnect(world.now, bob).unwrap();
        }
        let from = received.unwrap_or(acknowledged);
        match try_resume(&mut world, "bob", token, received) {
            Ok(bob) => {
                prop_assert!(acknowledged <= from && from <= sent);
                let bytes = world.written(bob);
                let mut told = decode_all(&bytes[PREFACE_BYTES..]).into_iter();
                let Some(HubMessage::Resumed(resumed)) = told.next() else { panic!("the answer comes first") };
                prop_assert_eq!((resumed.received, resumed.sent), (0, from));
                let again: Vec<&[u8]> = told
                    .map(|message| match message {
                        HubMessage::Deliver(deliver) => deliver.body,
                        other => panic!("{other:?}"),
                    })
                    .collect();
                let lacking: Vec<&[u8]> = messages.iter().skip(usize::try_from(from).unwrap()).map(Vec::as_slice).collect();
                prop_assert_eq!(again, lacking);
            }
            Err(refusal) => {
                prop_assert_eq!(refusal, Refusal::StaleResume);
                prop_assert!(from < acknowledged || from > sent);
                prop_assert_eq!(world.hub.name(bob).is_some(), is_connected);
                prop_assert_eq!(world.hub.users(), 2);
            }
        }
        prop_assert!(world.hub.name(alice).is_some());
    }
}
