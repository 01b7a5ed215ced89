//! The hub against a small model of it: users and mailboxes.

mod world;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chatcore::{CloseReason, Closed, DeliveryStatus, Event, HubEvent, Limits, MessageId, Refusal, RejectCode};
use proptest::collection::vec;
use proptest::prelude::*;
use world::{User, World};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Takes the name, in upper case: names compare without it.
    Join(usize),
    /// Sends a body of one byte; the hub has it when this is over, the recipient not yet.
    Send(usize, usize, u8),
    /// Carries everything that waits between a user and the hub.
    Carry(usize),
    /// Says goodbye.
    Close(usize),
    /// Loses the connection.
    Break(usize),
    /// Lets time pass, less than anybody's idle time.
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..NAMES.len();
    prop_oneof![
        3 => user().prop_map(Step::Join),
        8 => (user(), user(), any::<u8>()).prop_map(|(from, to, body)| Step::Send(from, to, body)),
        4 => user().prop_map(Step::Carry),
        1 => user().prop_map(Step::Close),
        1 => user().prop_map(Step::Break),
        2 => (0_u64..20_000).prop_map(Step::Pass),
    ]
}

/// What a user must find when it looks: in this order.
#[derive(Clone, Debug, PartialEq)]
enum Mail {
    Message { from: &'static str, body: u8 },
    Accepted { number: u64 },
    Rejected { number: u64 },
}

/// The whole of what a chat is.
#[derive(Default)]
struct Model {
    mailboxes: BTreeMap<usize, VecDeque<Mail>>,
    sent: BTreeMap<usize, u64>,
    /// Whose messages are in a mailbox.
    senders: BTreeMap<usize, Vec<usize>>,
    /// How many messages of a user were in the mailbox of somebody who broke off, and it is not told yet.
    undelivered: BTreeMap<usize, usize>,
}

impl Model {
    fn send(&mut self, from: usize, to: usize, body: u8) {
        let number = self.sent.entry(from).or_default();
        *number += 1;
        let number = *number;
        let answer = match self.mailboxes.get_mut(&to) {
            Some(mailbox) => {
                mailbox.push_back(Mail::Message { from: NAMES[from], body });
                self.senders.entry(to).or_default().push(from);
                Mail::Accepted { number }
            }
            None => Mail::Rejected { number },
        };
        self.mailboxes.get_mut(&from).expect("the sender is online").push_back(answer);
    }

    /// Whoever has sent something to a user that was never carried is to be told.
    fn break_off(&mut self, user: usize) {
        let senders = self.senders.remove(&user).unwrap_or_default();
        self.end(user);
        for sender in senders.into_iter().filter(|sender| *sender != user) {
            *self.undelivered.entry(sender).or_default() += 1;
        }
    }

    fn end(&mut self, user: usize) -> VecDeque<Mail> {
        self.sent.remove(&user);
        // Who is gone is told nothing any more.
        self.undelivered.remove(&user);
        self.senders.remove(&user);
        self.senders.values_mut().for_each(|senders| senders.retain(|sender| *sender != user));
        self.mailboxes.remove(&user).expect("the user is online")
    }
}

struct Run {
    world: World,
    users: BTreeMap<usize, User>,
    model: Model,
    last_id: MessageId,
}

impl Run {
    fn new() -> Self {
        // Who loses its connection is gone, as in a chat without sessions.
        let limits = Limits { resume_time_max: Duration::ZERO, ..Limits::default() };
        Self { world: World::new(limits), users: BTreeMap::new(), model: Model::default(), last_id: MessageId(0) }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(user) if self.users.contains_key(&user) => {
                let refused = self.world.try_join(&NAMES[user].to_uppercase());
                assert!(matches!(refused, Err(Refusal::NameInUse { .. })), "{refused:?}");
            }
            Step::Join(user) => {
                self.users.insert(user, self.world.connect(&NAMES[user].to_uppercase()));
                self.model.mailboxes.insert(user, VecDeque::new());
            }
            Step::Send(from, to, body) => self.send(from, to, body),
            Step::Carry(user) => self.carry(user),
            Step::Close(user) => self.close(user),
            Step::Break(user) => {
                if let Some(user_at) = self.users.remove(&user) {
                    self.world.hub.disconnect(self.world.now, user_at.conn).unwrap();
                    self.model.break_off(user);
                }
            }
            Step::Pass(millis) => self.pass(Duration::from_millis(millis)),
        }
        self.world.drain();
        assert_eq!(self.world.hub.users(), self.model.mailboxes.len());
    }

    fn send(&mut self, from: usize, to: usize, body: u8) {
        let Some(user) = self.users.get_mut(&from) else { return };
        let number = user.client.send(self.world.now, NAMES[to], &[body]).unwrap();
        let bytes = user.client.poll_transmit().concat();
        user.client.transmitted(self.world.now, bytes.len());
        let _ = self.world.put(user.conn, &bytes);
        self.model.send(from, to, body);
        // The client counts all its requests, the model only sends: here they are the same.
        assert_eq!(self.model.sent[&from], number);
    }

    fn carry(&mut self, user: usize) {
        let Some(user_at) = self.users.get_mut(&user) else { return };
        self.world.carry(user_at);
        let expected = std::mem::take(self.model.mailboxes.get_mut(&user).expect("the model has every user"));
        let events = std::mem::take(&mut user_at.events);
        self.model.senders.remove(&user);
        let undelivered = self.model.undelivered.remove(&user).unwrap_or_default();
        self.check(events, &expected, undelivered);
    }

    fn close(&mut self, user: usize) {
        let Some(mut user_at) = self.users.remove(&user) else { return };
        user_at.client.close(self.world.now);
        self.world.carry(&mut user_at);
        let undelivered = self.model.undelivered.remove(&user).unwrap_or_default();
        let expected = self.model.end(user);
        assert_eq!(user_at.events.pop(), Some(Event::Closed(Closed::Left)));
        self.check(user_at.events, &expected, undelivered);
        assert_eq!(self.world.closed(user_at.conn), Some(CloseReason::Left));
    }

    /// Everybody is heard from before and after, so that nobody is idle for too long.
    fn pass(&mut self, time: Duration) {
        for user in 0..NAMES.len() {
            self.carry(user);
        }
        self.world.pass(time);
        for user in self.users.values_mut() {
            user.client.handle_timeout(self.world.now);
        }
        for user in 0..NAMES.len() {
            self.carry(user);
        }
    }

    fn check(&mut self, events: Vec<Event>, expected: &VecDeque<Mail>, undelivered: usize) {
        let (reports, events): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|event| matches!(event, Event::Report { .. }));
        let reported = reports.iter().map(|report| match report {
            Event::Report { status: DeliveryStatus::Undelivered, ids, .. } => ids.len(),
            _ => 0,
        });
        assert_eq!(reported.sum::<usize>(), undelivered, "what nobody was given is reported: {reports:?}");
        let mut ids = Vec::new();
        let mail: VecDeque<Mail> = events
            .into_iter()
            .map(|event| match event {
                Event::Message { id, from, room: None, body } => {
                    ids.push(id);
                    let from = NAMES.into_iter().find(|name| *name == from.as_str()).expect("a known name");
                    Mail::Message { from, body: body[0] }
                }
                Event::Accepted { number, id } => {
                    self.last_id = self.last_id.max(id);
                    Mail::Accepted { number }
                }
                Event::Rejected { number, code: RejectCode::NoSuchUser } => Mail::Rejected { number },
                other => panic!("nobody asked for {other:?}"),
            })
            .collect();
        assert_eq!(&mail, expected, "once, in order, and to the right user");
        assert!(ids.is_sorted_by(|a, b| a < b), "message ids rise: {ids:?}");
    }
}

proptest! {
    #[test]
    fn a_hub_is_users_and_mailboxes(steps in vec(step(), 1..120)) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
        }
        for user in 0..NAMES.len() {
            run.carry(user);
        }
        // Joined and left come in pairs, and in turn.
        let mut online = BTreeMap::new();
        for output in &run.world.hub_events {
            match output {
                HubEvent::SessionStarted { conn, name } => prop_assert_eq!(online.insert(name.clone(), *conn), None),
                HubEvent::SessionEnded { name, .. } => prop_assert!(online.remove(name).is_some()),
                _ => {}
            }
        }
        prop_assert_eq!(online.len(), run.users.len());
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(steps in vec(step(), 1..60)) {
        let trace = || {
            let mut run = Run::new();
            let mut bytes = Vec::new();
            for step in &steps {
                run.step(*step);
                bytes.extend(run.users.values().flat_map(|user| run.world.hub.transmit(user.conn).concat()));
            }
            (run.world.hub_events, bytes)
        };
        prop_assert_eq!(trace(), trace());
    }
}
