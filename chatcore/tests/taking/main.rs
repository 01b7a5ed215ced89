//! What a program has not taken is not acknowledged, and comes once all the same.

mod world;

use std::time::Duration;

use chatcore::wire::{
    AcceptedRun, Ack, Announced, ClientMessage, Deliver, HubMessage, Message, Preface, Refused, Resume, Resumed,
    Welcome, take,
};
use chatcore::{Client, ClientConfig, Event, Instant, Limits, MessageId, Position, Received, RefusalCode, Token};
use proptest::prelude::*;
use world::{User, World, encode_all, send};

const LIMITS: Announced = Announced {
    frame_bytes_max: 1_000,
    body_bytes_max: 100,
    outbox_bytes_max: 100_000,
    stall_ms_max: 10_000,
    idle_ms_max: 60_000,
    resume_ms_max: 60_000,
    rooms_max: 64,
    watches_max: 8,
    cost_per_s: 0,
    cost_burst: 0,
};

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
        limits: LIMITS,
    })
}

fn resumed(sent: u64) -> HubMessage<'static> {
    HubMessage::Resumed(Resumed { received: 0, sent, limits: LIMITS })
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
    let answer = HubMessage::Resumed(Resumed { received: 3, sent: 0, limits: LIMITS });
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

#[test]
fn a_program_that_is_killed_gets_again_all_that_it_had_not_taken() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    let bob = world.join("bob");
    let _ = world.say(bob, &[send("alice", b"1"), send("alice", b"2"), send("alice", b"3")]);
    let bytes = world.written(alice.conn);
    let _ = alice.client.receive(world.now, &mut &bytes[..]);
    assert!(matches!(alice.client.poll_event(), Some(Event::Message { body, .. }) if body == b"1"));
    alice.client.handle_timeout(alice.client.poll_timeout().unwrap());
    let acks = alice.client.transmit().concat();
    let _ = world.put(alice.conn, &acks);
    let ticket = alice.client.ticket().unwrap().clone();
    world.hub.disconnect(world.now, alice.conn).unwrap();
    alice.client = Client::resume(world.now, ClientConfig::default(), 8, ticket, b"");
    alice.conn = world.admit(&mut alice.client).unwrap();
    world.carry(&mut alice);
    let bodies: Vec<_> = alice
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { body, .. } => Some(&body[..]),
            _ => None,
        })
        .collect();
    assert_eq!(bodies, [b"2", b"3"]);
}

#[derive(Clone, Debug)]
enum Step {
    /// Somebody sends this many messages.
    Send(u8),
    /// Bytes are carried, this many of the hub's at the most.
    Carry(u16),
    /// The program polls this many events.
    Poll(u8),
    /// It says that it has taken all but this many of those that it polled.
    Take(u8),
    Wait,
    /// The connection breaks, and the first attempts to resume come to nothing, after this many bytes of the answer.
    Cut(Vec<u8>),
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_u8..5).prop_map(Step::Send),
        (0_u16..300).prop_map(Step::Carry),
        (0_u8..6).prop_map(Step::Poll),
        (0_u8..3).prop_map(Step::Take),
        Just(Step::Wait),
        proptest::collection::vec(any::<u8>(), 0..3).prop_map(Step::Cut),
        Just(Step::Kill),
    ]
}

/// A program that takes events whenever it likes.
struct Program {
    user: User,
    takes_later: bool,
    /// The bodies of messages that it polled, and its position after each.
    polled: Vec<(u64, Position)>,
    /// The last that is taken. All before it are, too.
    taken: u64,
    inbox: Vec<u8>,
}

impl Program {
    fn config(&self) -> ClientConfig {
        ClientConfig::default().with_takes_later(self.takes_later)
    }

    fn poll(&mut self, count: usize) {
        for _ in 0..count {
            match self.user.client.poll_event() {
                Some(Event::Message { body, .. }) => {
                    let number = u64::from_le_bytes(body.try_into().unwrap());
                    let expected = self.polled.last().map(|(last, _)| last + 1);
                    assert_eq!(number, expected.unwrap_or(number), "in order, and once");
                    let is_known = expected.is_some() || number <= self.taken + 1;
                    assert!(is_known, "{number} comes, and only {} were taken", self.taken);
                    self.polled.push((number, self.user.client.position()));
                    if !self.takes_later {
                        self.taken = self.taken.max(number);
                    }
                }
                Some(Event::Closed(closed)) => panic!("{closed}"),
                Some(Event::SessionLost { .. }) => panic!("the hub has it"),
                Some(_) => {}
                None => return,
            }
        }
    }

    fn arrive(&mut self, now: Instant, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        let mut input = &self.inbox[..];
        assert_ne!(self.user.client.receive(now, &mut input), Received::Closed);
        let used = self.inbox.len() - input.len();
        self.inbox.drain(..used);
    }

    /// Carries all that the client says, and this many bytes of what the hub says.
    fn carry(&mut self, world: &mut World, bytes_max: usize) {
        let up = self.user.client.transmit().concat();
        self.user.client.transmitted(world.now, up.len());
        assert_ne!(world.put(self.user.conn, &up), Received::Closed);
        world.drain();
        let mut down = world.hub.transmit(self.user.conn).concat();
        down.truncate(bytes_max);
        world.hub.transmitted(world.now, self.user.conn, down.len()).unwrap();
        world.writable.clear();
        self.arrive(world.now, &down);
    }

    fn cut(&mut self, world: &mut World) {
        world.hub.disconnect(world.now, self.user.conn).unwrap();
        self.user.client.disconnect(world.now);
        self.inbox.clear();
    }

    fn attempt(&mut self, world: &mut World) {
        while self.user.client.transmit().is_empty() {
            let due = self.user.client.poll_timeout().expect("it wants to connect");
            world.pass(due - world.now);
            self.user.client.handle_timeout(world.now);
            self.user.client.connected(world.now);
        }
        self.user.conn = world.admit(&mut self.user.client).expect("the hub has the session");
    }
}

proptest! {
    #[test]
    fn whatever_breaks_all_comes_and_once_but_for_a_process_that_has_forgotten(
        steps in proptest::collection::vec(step(), 1..40),
        takes_later in any::<bool>(),
    ) {
        // Nobody is too slow, or too late.
        let forever = Duration::from_secs(3_600_000);
        let limits = Limits::default().with_idle_time_max(forever).with_stall_time_max(forever).with_resume_time_max(forever);
        let mut world = World::new(limits);
        let bob = world.join("bob");
        let mut program = Program { user: world.connect("alice"), takes_later: false, polled: Vec::new(), taken: 0, inbox: Vec::new() };
        let mut sent = 0_u64;
        let heal = [Step::Cut(Vec::new()), Step::Carry(u16::MAX), Step::Poll(u8::MAX), Step::Poll(u8::MAX)];
        for step in [Step::Kill].into_iter().chain(steps).chain(heal) {
            match step {
                Step::Send(count) => for _ in 0..count {
                    sent += 1;
                    let _ = world.say(bob, &[send("alice", &sent.to_le_bytes())]);
                },
                Step::Carry(count) => program.carry(&mut world, count.into()),
                Step::Poll(count) => program.poll(count.into()),
                Step::Take(but) => {
                    let index = program.polled.len().checked_sub(1 + usize::from(but));
                    if let Some((number, position)) = index.map(|index| program.polled[index]).filter(|_| program.takes_later) {
                        program.taken = program.taken.max(number);
                        program.user.client.take_events(world.now, position);
                    }
                }
                Step::Wait => {
                    world.pass(Duration::from_millis(60));
                    program.user.client.handle_timeout(world.now);
                }
                Step::Cut(attempts) => {
                    program.cut(&mut world);
                    for answered in attempts {
                        program.attempt(&mut world);
                        program.carry(&mut world, answered.into());
                        program.cut(&mut world);
                    }
                    program.attempt(&mut world);
                }
                Step::Kill => {
                    program.cut(&mut world);
                    let ticket = program.user.client.ticket().unwrap().clone();
                    program.takes_later = takes_later;
                    program.polled.clear();
                    program.user.client = Client::resume(world.now, program.config(), 8, ticket, b"");
                    program.attempt(&mut world);
                }
            }
        }
        prop_assert_eq!(program.polled.last().map_or(program.taken, |(last, _)| *last), sent);
    }
}

#[test]
fn what_is_taken_is_acknowledged_at_once_if_the_program_wants_that() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let hour = Duration::from_secs(3_600);
    let mut bob = world.connect_with("bob", ClientConfig::default().with_ack_delay(hour).with_takes_later(true));
    world.carry(&mut bob);
    bob.client.acknowledge(world.now);
    assert!(bob.client.transmit().is_empty(), "there is nothing to acknowledge");
    let _ = world.say(alice, &[send("bob", b"1"), send("bob", b"2")]);
    world.carry(&mut bob);
    assert_eq!(world::bodies(&mut bob), ["1", "2"]);
    bob.client.acknowledge(world.now);
    assert!(bob.client.transmit().is_empty(), "nothing is taken");
    bob.client.take_events(world.now, bob.client.position());
    assert!(bob.client.transmit().is_empty(), "it waits for company");
    bob.client.acknowledge(world.now);
    bob.client.acknowledge(world.now);
    let frames = bob.client.transmit().concat();
    let ack = encode_all(&[ClientMessage::Ack(Ack { count: 2 })]);
    assert_eq!(frames, ack, "once");
    world.carry(&mut bob);
    assert!(bob.client.poll_timeout().is_none_or(|due| due < world.now + hour), "no acknowledgement waits any more");
}

#[test]
fn who_has_no_connection_or_has_ended_acknowledges_nothing() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let mut bob = world.connect("bob");
    let _ = world.say(alice, &[send("bob", b"1")]);
    world.carry(&mut bob);
    assert_eq!(world::bodies(&mut bob), ["1"]);
    world.cut(&mut bob);
    bob.client.acknowledge(world.now);
    assert!(bob.client.transmit().is_empty());
    bob.client.close(world.now);
    bob.client.acknowledge(world.now);
    assert!(bob.client.transmit().is_empty());
    let mut fresh = Client::new(world.now, ClientConfig::default(), 7);
    let before = fresh.transmit().concat();
    fresh.acknowledge(world.now);
    assert_eq!(fresh.transmit().concat(), before);
}

#[test]
fn an_acknowledgement_never_waits_until_the_hub_takes_the_session_for_stalled() {
    const SECOND: Duration = Duration::from_secs(1);
    let mut world = World::new(Limits::default().with_stall_time_max(10 * SECOND));
    let alice = world.join("alice");
    let mut bob = world.connect_with("bob", ClientConfig::default().with_ack_delay(3_600 * SECOND));
    let _ = world.say(alice, &[send("bob", b"hello")]);
    world.carry(&mut bob);
    assert!(matches!(bob.events[..], [Event::Message { .. }]), "{:?}", bob.events);
    for passed in 1..=10 {
        world.pass(SECOND);
        bob.client.handle_timeout(world.now);
        let says = !bob.client.transmit().is_empty();
        assert_eq!(says, passed == 5, "once, after half of that time, and not earlier: {passed} s");
        world.carry(&mut bob);
    }
    assert!(world.hub.name(bob.conn).is_some(), "its session goes on");
}
