//! A client against a hub that is bytes alone: what it says that it has, and what it tells when that comes again.

use std::time::Duration;

use chatcore::wire::{
    AcceptedRun, Ack, ClientMessage, Deliver, HubMessage, Message, Preface, Refused, Resume, Resumed, Welcome, take,
};
use chatcore::{Client, ClientConfig, Event, Instant, MessageId, RefusalCode, Token};

use super::world::{ANNOUNCED, encode_all};

/// A registered client, of which the hub knows nothing but bytes.
fn registered(takes_later: bool) -> Client {
    let config = ClientConfig::default().with_takes_later(takes_later).with_ack_delay(Duration::ZERO);
    let mut client = Client::new(Instant::ZERO, config, 7);
    client.register(Instant::ZERO, "alice", b"").unwrap();
    open(&mut client, &[welcome()]);
    assert!(matches!(client.poll_event(), Some(Event::Registered { .. })));
    client
}

fn welcome() -> HubMessage<'static> {
    HubMessage::Welcome(Welcome {
        name: "alice",
        display_name: None,
        token: Token::from_bytes([9; 16]),
        limits: ANNOUNCED,
    })
}

fn resumed(sent: u64) -> HubMessage<'static> {
    HubMessage::Resumed(Resumed { received: 0, sent, limits: ANNOUNCED })
}

fn deliver(id: u64) -> HubMessage<'static> {
    HubMessage::Deliver(Deliver { id: MessageId(id), from: "bob", body: b"x" })
}

fn receive(client: &mut Client, messages: &[HubMessage<'_>]) {
    let bytes = encode_all(messages);
    let _ = client.receive(Instant::ZERO, &mut &bytes[..]);
}

/// What the client has written when it is written to for the first time on a connection.
fn open(client: &mut Client, messages: &[HubMessage<'_>]) -> Vec<u8> {
    let opening = written(client);
    let bytes = [&Preface::OURS.encode()[..], &encode_all(messages)].concat();
    let _ = client.receive(Instant::ZERO, &mut &bytes[..]);
    opening[Preface::OURS.encode().len()..].to_vec()
}

fn written(client: &mut Client) -> Vec<u8> {
    let bytes = client.transmit().concat();
    client.transmitted(Instant::ZERO, bytes.len());
    bytes
}

/// The count that the client acknowledges now; none if it acknowledges nothing.
fn acknowledged(client: &mut Client) -> Option<u64> {
    client.handle_timeout(Instant::ZERO);
    let bytes = written(client);
    let mut input = &bytes[..];
    let contents = std::iter::from_fn(|| take(&mut input, 1_000).unwrap());
    contents
        .filter_map(|content| match ClientMessage::decode(content).unwrap() {
            // A count of nothing says that the welcome is there.
            Some(ClientMessage::Ack(Ack { count })) if count > 0 => Some(count),
            _ => None,
        })
        .last()
}

/// The client connects again, as soon as it wants to; returns what its resume tells.
fn reconnect(client: &mut Client, answers: &[HubMessage<'_>]) -> Option<u64> {
    while client.poll_timeout().is_some() {
        client.handle_timeout(client.poll_timeout().unwrap());
        client.connected(Instant::ZERO);
        if !client.transmit().is_empty() {
            break;
        }
    }
    let opening = open(client, answers);
    match ClientMessage::decode(take(&mut &opening[..], 1_000).unwrap().unwrap()).unwrap() {
        Some(ClientMessage::Resume(Resume { received, .. })) => received,
        other => panic!("{other:?}"),
    }
}

/// The ids of the next messages, whatever else is told between them.
fn ids(client: &mut Client, count: usize) -> Vec<u64> {
    let messages = std::iter::from_fn(|| client.poll_event()).filter_map(|event| match event {
        Event::Message { id, .. } => Some(id.0),
        _ => None,
    });
    messages.take(count).collect()
}

#[test]
fn a_frame_is_acknowledged_once_the_last_of_its_events_is_taken() {
    let mut client = registered(false);
    for _ in 0..3 {
        client.send(Instant::ZERO, "bob", b"").unwrap();
    }
    written(&mut client);
    receive(
        &mut client,
        &[deliver(1), HubMessage::Accepted(AcceptedRun { number: 1, id: MessageId(2), more: 2 }.into())],
    );
    assert_eq!((acknowledged(&mut client), client.waiting_events()), (None, 4), "nothing is taken");
    assert!(client.waiting_bytes() > 0);
    assert_eq!(ids(&mut client, 1), [1]);
    assert_eq!(acknowledged(&mut client), Some(1));
    for _ in 0..2 {
        assert!(matches!(client.poll_event(), Some(Event::Accepted { .. })));
        assert_eq!(acknowledged(&mut client), None, "there is more of it");
    }
    assert!(matches!(client.poll_event(), Some(Event::Accepted { number: 3, .. })));
    assert_eq!((acknowledged(&mut client), client.waiting_bytes()), (Some(2), 0));
}

#[test]
fn what_tells_nothing_is_taken_with_what_was_before_it() {
    let optional_numbered = [1, 0, 0, 0, 0xc0];
    let mut client = registered(false);
    let _ = client.receive(Instant::ZERO, &mut &optional_numbered[..]);
    assert_eq!(acknowledged(&mut client), Some(1), "there was nothing before it");
    receive(&mut client, &[deliver(1)]);
    let _ = client.receive(Instant::ZERO, &mut &optional_numbered[..]);
    assert_eq!(acknowledged(&mut client), None);
    assert_eq!(ids(&mut client, 1), [1]);
    assert_eq!(acknowledged(&mut client), Some(3));
}

#[test]
fn a_resume_tells_what_was_taken_and_what_comes_again_is_told_once() {
    let mut client = registered(false);
    let all = [1, 2, 3, 4].map(deliver);
    receive(&mut client, &all);
    assert_eq!(ids(&mut client, 1), [1]);
    client.disconnect(Instant::ZERO);
    assert_eq!(reconnect(&mut client, &[resumed(1)]), Some(1));
    // It is taken before the hub has sent it again, which it must not be told then: it would not understand.
    assert_eq!(ids(&mut client, 2), [2, 3]);
    assert_eq!(acknowledged(&mut client), None);
    receive(&mut client, &all[1..2]);
    assert_eq!(acknowledged(&mut client), Some(2));
    receive(&mut client, &all[2..]);
    receive(&mut client, &[deliver(5)]);
    assert_eq!(acknowledged(&mut client), Some(3), "the rest is not taken");
    assert_eq!(ids(&mut client, 9), [4, 5]);
    assert_eq!(acknowledged(&mut client), Some(5));
}

#[test]
fn what_is_taken_between_two_attempts_is_told_with_neither() {
    let mut client = registered(false);
    let all = [1, 2, 3].map(deliver);
    receive(&mut client, &all);
    assert_eq!(ids(&mut client, 1), [1]);
    client.disconnect(Instant::ZERO);
    // The hub may have heard of this attempt, and has sent nothing again yet.
    assert_eq!(reconnect(&mut client, &[]), Some(1));
    assert_eq!(ids(&mut client, 1), [2]);
    client.disconnect(Instant::ZERO);
    assert_eq!(reconnect(&mut client, &[resumed(1)]), Some(1));
    receive(&mut client, &all[1..]);
    assert_eq!(ids(&mut client, 9), [3]);
    assert_eq!(acknowledged(&mut client), Some(3));
}

#[test]
fn a_frame_of_which_a_part_was_taken_goes_on_where_it_was() {
    let mut client = registered(false);
    for _ in 0..3 {
        client.send(Instant::ZERO, "bob", b"").unwrap();
    }
    written(&mut client);
    let accepted = [HubMessage::Accepted(AcceptedRun { number: 1, id: MessageId(2), more: 2 }.into())];
    receive(&mut client, &accepted);
    assert!(matches!(client.poll_event(), Some(Event::Accepted { number: 1, .. })));
    client.disconnect(Instant::ZERO);
    let answer = HubMessage::Resumed(Resumed { received: 3, sent: 0, limits: ANNOUNCED });
    assert_eq!(reconnect(&mut client, &[answer]), Some(0));
    receive(&mut client, &accepted);
    let numbers = std::iter::from_fn(|| client.poll_event()).filter_map(|event| match event {
        Event::Accepted { number, .. } => Some(number),
        _ => None,
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [2, 3]);
    assert_eq!(acknowledged(&mut client), Some(1));
}

#[test]
fn what_came_of_a_session_that_is_lost_is_told_before_that_and_counts_in_no_other() {
    let mut client = registered(false);
    receive(&mut client, &[1, 2].map(deliver));
    client.disconnect(Instant::ZERO);
    let refused = HubMessage::Refused(Refused { code: RefusalCode::SessionOver, detail: "", wait_ms: None });
    assert_eq!(reconnect(&mut client, &[refused, welcome(), deliver(3)]), Some(0));
    assert_eq!(ids(&mut client, 1), [1]);
    assert_eq!(acknowledged(&mut client), None, "the new session's frame is not taken");
    let told: Vec<Event> = std::iter::from_fn(|| client.poll_event()).collect();
    assert!(
        matches!(
            told[..],
            [
                Event::Message { id: MessageId(2), .. },
                Event::Reconnecting { .. },
                Event::Connect { .. },
                Event::SessionLost { .. },
                Event::Registered { .. },
                Event::Message { id: MessageId(3), .. }
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn a_program_that_takes_later_says_up_to_where() {
    let mut client = registered(true);
    let all = [1, 2, 3].map(deliver);
    receive(&mut client, &all);
    assert_eq!(ids(&mut client, 1), [1]);
    let first = client.position();
    assert_eq!(ids(&mut client, 1), [2]);
    assert_eq!(acknowledged(&mut client), None, "nothing was taken");
    client.take_events(Instant::ZERO, first);
    assert_eq!(acknowledged(&mut client), Some(1));
    // It has the second, and does not get it twice.
    client.disconnect(Instant::ZERO);
    assert_eq!(reconnect(&mut client, &[resumed(1)]), Some(1));
    receive(&mut client, &all[1..]);
    assert_eq!(ids(&mut client, 9), [3]);
    assert_eq!(acknowledged(&mut client), None);
    client.take_events(Instant::ZERO, client.position());
    assert_eq!(acknowledged(&mut client), Some(3));

    // A place in a session that is lost says nothing of the next one.
    receive(&mut client, &[deliver(4)]);
    assert_eq!(ids(&mut client, 1), [4]);
    let before = client.position();
    client.disconnect(Instant::ZERO);
    let refused = HubMessage::Refused(Refused { code: RefusalCode::SessionOver, detail: "", wait_ms: None });
    reconnect(&mut client, &[refused, welcome(), deliver(5)]);
    assert_eq!(ids(&mut client, 9), [5]);
    client.take_events(Instant::ZERO, before);
    assert_eq!(acknowledged(&mut client), None);
}

/// A hub that ends one session after the other fills no memory unseen.
#[test]
fn what_waits_of_a_session_that_is_lost_takes_memory_until_it_is_taken() {
    let mut client = registered(false);
    let mut before = client.waiting_memory_bytes();
    for _ in 0..3 {
        receive(&mut client, &[deliver(1)]);
        client.disconnect(Instant::ZERO);
        let code = RefusalCode::SessionOver;
        let over = HubMessage::Refused(Refused { code, detail: "", wait_ms: None });
        reconnect(&mut client, &[over, welcome()]);
        let now = client.waiting_memory_bytes();
        assert!(client.waiting_bytes() == 0 && now >= before + size_of::<Event>(), "{before} and {now}");
        before = now;
    }
    while client.poll_event().is_some() {}
    assert_eq!(client.waiting_memory_bytes(), 0);
}
