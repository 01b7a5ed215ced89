//! A program that takes events whenever it likes, on connections that break anywhere.

use std::time::Duration;

use chatcore::{Client, ClientConfig, Event, Instant, Limits, Position, Received};
use proptest::prelude::*;

use super::world::{User, World, send};

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
