//! How often a client connects, and what makes it look at once.

mod world;

use std::time::Duration;

use chatcore::wire::{
    ClientMessage, Deliver, Goodbye, HubMessage, Message, PREFACE_BYTES, Ping, Preface, ReconnectHint, Resumed, Token,
    Welcome, take,
};
use chatcore::{Backoff, Client, ClientConfig, Closed, Event, GoodbyeCode, Instant, MessageId, Transport};
use world::{ANNOUNCED, encode_all};

const RESET_AFTER: Duration = Duration::from_secs(10);
const PROBE_TIME_MAX: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_millis(1);

/// A client with a session, and the time.
struct Case {
    client: Client,
    now: Instant,
}

impl Case {
    fn new() -> Self {
        let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
        client.register(Instant::ZERO, "alice", b"").unwrap();
        let mut case = Self { client, now: Instant::ZERO };
        case.hear_bytes(&Preface::OURS.encode());
        case.hear(&HubMessage::Welcome(Welcome {
            name: "alice",
            display_name: None,
            token: Token::from_bytes([9; 16]),
            limits: ANNOUNCED,
        }));
        case.write();
        case.events();
        case
    }

    fn hear_bytes(&mut self, bytes: &[u8]) {
        let _ = self.client.receive(self.now, &mut &bytes[..]);
    }

    fn hear(&mut self, message: &HubMessage<'_>) {
        self.hear_bytes(&encode_all(std::slice::from_ref(message)));
    }

    fn write(&mut self) -> Vec<u8> {
        let bytes = self.client.transmit().concat();
        self.client.transmitted(self.now, bytes.len());
        bytes
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        if self.client.poll_timeout().is_some_and(|due| due <= self.now) {
            self.client.handle_timeout(self.now);
        }
    }

    /// The connection breaks. The number of the next attempt, and the wait before it.
    fn lose(&mut self) -> (u32, Duration) {
        self.client.disconnect(self.now);
        self.reconnecting().1
    }

    #[track_caller]
    fn reconnecting(&mut self) -> (Closed, (u32, Duration)) {
        match &self.events()[..] {
            [.., Event::Reconnecting { why, attempt, after, .. }] => (why.clone(), (*attempt, *after)),
            other => panic!("{other:?}"),
        }
    }

    /// The client connects when it is time, and the hub goes on with the session.
    fn resume(&mut self) {
        self.now = self.client.poll_timeout().expect("it tries again").max(self.now);
        self.client.handle_timeout(self.now);
        self.client.connected(self.now);
        self.write();
        self.hear_bytes(&Preface::OURS.encode());
        self.hear(&HubMessage::Resumed(Resumed { received: 0, sent: 0, limits: ANNOUNCED }));
        assert!(matches!(self.events()[..], [Event::Connect { .. }, Event::Resumed]));
        self.write();
    }

    /// What the client says, from its next frame on.
    fn says_ping(&mut self) -> bool {
        let bytes = self.write();
        let mut bytes = &bytes[..];
        std::iter::from_fn(|| {
            take(&mut bytes, 70_000).unwrap().map(|content| ClientMessage::decode(content).unwrap().unwrap())
        })
        .any(|message| matches!(message, ClientMessage::Ping(Ping { .. })))
    }
}

#[test]
fn a_hub_that_drops_each_session_is_called_less_and_less_often() {
    let mut case = Case::new();
    let mut waits = Vec::new();
    for expected in 1..=12 {
        case.pass(Duration::from_millis(300));
        let (attempt, wait) = case.lose();
        assert_eq!(attempt, expected, "a session that was dropped at once counts for nothing");
        waits.push(wait);
        case.resume();
    }
    assert!(waits[0] <= Backoff::default().first && waits[11] >= Backoff::default().max / 2, "{waits:?}");
    case.pass(RESET_AFTER.saturating_sub(MOMENT));
    assert_eq!(case.lose().0, 13, "it has not held yet");
    case.resume();
    case.pass(RESET_AFTER);
    let (attempt, wait) = case.lose();
    assert_eq!(attempt, 1, "it has held");
    assert!(wait <= Backoff::default().first, "{wait:?}");
}

#[test]
fn a_session_that_holds_counts_once() {
    let mut case = Case::new();
    case.pass(RESET_AFTER);
    assert_eq!(case.lose().0, 1);
    for expected in 2..5 {
        case.pass(Duration::from_secs(40));
        case.events();
        assert_eq!(case.lose().0, expected, "no connection came about");
    }
}

#[test]
fn a_hub_cannot_send_a_client_away_for_weeks() {
    let mut case = Case::new();
    let reconnect = Some(ReconnectHint { after_ms: u32::MAX, address: None });
    case.hear(&HubMessage::Goodbye(Goodbye { code: GoodbyeCode::ShuttingDown, detail: "", reconnect }));
    let (_, (_, wait)) = case.reconnecting();
    let announced_max = Backoff::default().announced_max;
    assert!((announced_max..=announced_max + Backoff::default().first).contains(&wait), "{wait:?}");
}

#[test]
fn who_is_in_a_hurry_waits_no_longer_and_begins_to_count_anew() {
    let mut case = Case::new();
    for _ in 0..8 {
        case.lose();
        case.resume();
    }
    let (attempt, wait) = case.lose();
    assert!(attempt == 9 && wait > Duration::from_secs(10), "{wait:?}");
    case.client.hurry(case.now);
    assert_eq!(case.client.poll_timeout(), Some(case.now), "at once");
    case.pass(Duration::ZERO);
    assert!(matches!(case.client.transport(), Transport::Connect { .. }));
    assert!(matches!(case.events()[..], [Event::Connect { .. }]));
    case.client.hurry(case.now);
    assert!(matches!(case.client.transport(), Transport::Connect { .. }), "what is under way goes on");
    assert_eq!(case.lose().0, 1);
}

#[test]
fn a_wait_that_the_hub_has_asked_for_ends_for_a_person_alone() {
    let mut case = Case::new();
    let reconnect = Some(ReconnectHint { after_ms: 60_000, address: None });
    case.hear(&HubMessage::Goodbye(Goodbye { code: GoodbyeCode::ShuttingDown, detail: "", reconnect }));
    let (_, (_, wait)) = case.reconnecting();
    case.client.probe(case.now);
    assert_eq!(
        case.client.poll_timeout(),
        Some(case.now + wait),
        "the machine may have slept: the hub is to be left alone"
    );
    case.client.hurry(case.now);
    case.pass(Duration::ZERO);
    assert!(matches!(case.client.transport(), Transport::Connect { .. }));
    case.lose();
    case.client.probe(case.now);
    case.pass(Duration::ZERO);
    assert!(matches!(case.client.transport(), Transport::Connect { .. }), "that wait was the client's own");
}

#[test]
fn a_probe_asks_for_a_sign_of_life_as_hurry_does() {
    let mut case = Case::new();
    case.client.probe(case.now);
    assert!(case.says_ping());
    case.client.hurry(case.now);
    assert!(!case.says_ping(), "it is asked already");
    case.pass(PROBE_TIME_MAX);
    assert_eq!(case.reconnecting().0, Closed::TimedOut);
}

#[test]
fn who_is_in_a_hurry_finds_out_soon_whether_the_hub_is_there() {
    let mut case = Case::new();
    case.client.hurry(case.now);
    assert!(case.says_ping());
    case.client.hurry(case.now + Duration::from_millis(1));
    assert!(!case.says_ping(), "it is asked already");
    case.pass(PROBE_TIME_MAX.saturating_sub(MOMENT));
    assert_eq!(case.client.transport(), Transport::Use);
    case.pass(MOMENT);
    let (why, (attempt, _)) = case.reconnecting();
    assert_eq!((why, attempt), (Closed::TimedOut, 1));
}

#[test]
fn a_hub_that_answers_keeps_the_client_that_was_in_a_hurry() {
    let mut case = Case::new();
    case.client.hurry(case.now);
    assert!(case.says_ping());
    case.pass(PROBE_TIME_MAX / 2);
    case.hear(&HubMessage::Deliver(Deliver { id: MessageId(1), from: "bob", body: b"hi" }));
    case.pass(PROBE_TIME_MAX * 2);
    assert_eq!(case.client.transport(), Transport::Use, "any sign of life will do");
    case.client.hurry(case.now);
    assert!(case.says_ping(), "and it is asked anew");
}

#[test]
fn hurry_is_nothing_to_who_has_ended_or_has_no_session() {
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    client.hurry(Instant::ZERO);
    assert_eq!(client.transmit().concat().len(), PREFACE_BYTES, "nothing but the preface");
    client.disconnect(Instant::ZERO);
    client.hurry(Instant::ZERO);
    assert!(client.is_closed() && client.poll_timeout().is_none());
}

#[test]
fn silence_is_counted_from_when_something_is_awaited_or_was_heard() {
    let mut case = Case::new();
    case.pass(Duration::from_secs(3));
    assert_eq!(case.client.silent_since(), None, "nobody waits for anything");
    let first = case.client.send(case.now, "bob", b"hi").unwrap();
    assert_eq!(case.client.silent_since(), Some(Instant::from_millis(3_000)));
    case.pass(Duration::from_secs(4));
    case.client.send(case.now, "bob", b"hi").unwrap();
    assert_eq!(case.client.silent_since(), Some(Instant::from_millis(3_000)), "the older question is not answered");
    case.pass(Duration::from_secs(1));
    case.hear(&HubMessage::Accepted(chatcore::wire::Accepted {
        runs: vec![chatcore::wire::AcceptedRun { number: first, id: MessageId(5), more: 0 }],
    }));
    assert_eq!(case.client.silent_since(), Some(Instant::from_millis(8_000)), "something was heard");
    case.client.disconnect(case.now);
    assert_eq!(case.client.silent_since(), None, "nobody is asked");
    case.now = case.client.poll_timeout().unwrap();
    case.client.handle_timeout(case.now);
    assert_eq!(case.client.silent_since(), Some(case.now), "a connection is awaited");
    case.now = case.now + Duration::from_secs(1);
    case.client.connected(case.now);
    assert_eq!(case.client.silent_since(), Some(case.now), "and then the session");
}

#[test]
fn a_probe_awaits_an_answer() {
    let mut case = Case::new();
    case.pass(Duration::from_secs(45));
    assert!(case.says_ping());
    assert_eq!(case.client.silent_since(), Some(case.now));
}
