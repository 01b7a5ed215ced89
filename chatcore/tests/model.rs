//! The hub against a small model of it: users with several sessions, mailboxes, and rooms whose members do not always keep
//! up.

mod chat;
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use chat::{Chat, DEVICES, NAMES, ROOMS};
use chatcore::{
    Admission, Client, ClientConfig, ClientError, CloseReason, Closed, Event, HubEvent, Instant, LeaveCode, Limits,
    Received, Refusal,
};
use proptest::collection::vec;
use proptest::prelude::*;
use world::{User, World};

/// Requests of a user whose answers it has not acknowledged, at the most: their place in an outbox is bounded, too.
const UNREAD_REQUESTS_MAX: u32 = 20;

/// Nobody is silent for longer.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// What a device does: the first number says which.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Takes the name, in upper case: names compare without it.
    Register(usize),
    /// Sends a user a body of so many bytes; the hub has it when this is over, the recipient not yet.
    Send(usize, usize, u8, usize),
    Join(usize, usize),
    Leave(usize, usize),
    /// Says something in a room.
    Say(usize, usize, u8, usize),
    Roster(usize, usize),
    /// Carries everything that waits between a user and the hub.
    Carry(usize),
    /// Likewise, and acknowledges it.
    Acknowledge(usize),
    /// Says goodbye.
    Close(usize),
    /// Loses the connection.
    Break(usize),
    /// Comes back with another one.
    Resume(usize),
    /// Lets time pass.
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..DEVICES.len();
    let whom = || 0..NAMES.len();
    let room = || 0..ROOMS.len();
    let bytes = || prop_oneof![1 => 1..300_usize, 2 => 300..1_000_usize];
    prop_oneof![
        4 => user().prop_map(Step::Register),
        6 => (user(), whom(), any::<u8>(), bytes()).prop_map(|(from, to, body, bytes)| Step::Send(from, to, body, bytes)),
        8 => (user(), room()).prop_map(|(user, room)| Step::Join(user, room)),
        4 => (user(), room()).prop_map(|(user, room)| Step::Leave(user, room)),
        24 => (user(), room(), any::<u8>(), bytes()).prop_map(|(from, room, body, bytes)| Step::Say(from, room, body, bytes)),
        2 => (user(), room()).prop_map(|(user, room)| Step::Roster(user, room)),
        4 => user().prop_map(Step::Carry),
        2 => user().prop_map(Step::Acknowledge),
        1 => user().prop_map(Step::Close),
        2 => user().prop_map(Step::Break),
        3 => user().prop_map(Step::Resume),
        1 => (0_u64..70_000).prop_map(Step::Pass),
    ]
}

/// Who loses its connection is gone, as in a chat without sessions; and there is room for everything.
fn roomy() -> Limits {
    Limits::default().with_resume_time_max(Duration::ZERO)
}

/// Outboxes hold a few messages.
fn tight() -> Limits {
    Limits::default().with_body_bytes_max(1_000).with_outbox_bytes_max(6_000)
}

struct Run {
    world: World,
    /// By the device.
    users: BTreeMap<usize, User>,
    /// Requests of each device's user since the device last acknowledged everything.
    unread: [u32; DEVICES.len()],
    model: Chat,
}

impl Run {
    fn new(limits: Limits) -> Self {
        let model = Chat::new(limits.outbox_bytes_max, limits.frame_bytes_max());
        Self { world: World::new(limits), users: BTreeMap::new(), unread: [0; DEVICES.len()], model }
    }

    /// Takes all steps. In the end everybody comes back, and reads.
    fn play(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.step(step);
        }
        self.finish();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Register(user) => self.register(user),
            Step::Send(from, to, body, bytes) => {
                let body = vec![body; bytes];
                if self.model.is_sure(from, to, &body) {
                    self.ask(
                        from,
                        |client, now| client.send(now, NAMES[to], &body),
                        |model, now| model.send(now, from, to, &body),
                    );
                }
            }
            Step::Join(user, room) => {
                self.ask(user, |client, now| client.join(now, ROOMS[room]), |model, _| model.join(user, room));
            }
            Step::Leave(user, room) => {
                self.ask(user, |client, now| client.leave(now, ROOMS[room]), |model, _| model.leave(user, room));
            }
            Step::Say(from, room, body, bytes) => {
                let (body, spelling) = (vec![body; bytes], ROOMS[room].to_uppercase());
                self.ask(
                    from,
                    |client, now| client.send(now, &spelling, &body),
                    |model, now| model.say(now, from, room, &body),
                );
            }
            Step::Roster(user, room) => {
                self.ask(user, |client, now| client.roster(now, ROOMS[room], 0), |model, _| model.roster(user, room));
            }
            Step::Carry(user) => self.carry(user),
            Step::Acknowledge(user) => self.acknowledge(user),
            Step::Close(user) => self.close(user),
            Step::Break(user) => self.break_off(user),
            Step::Resume(user) => self.resume(user),
            Step::Pass(millis) => self.pass(Duration::from_millis(millis)),
        }
        assert_eq!(
            (self.world.hub.users(), self.world.hub.sessions()),
            (self.model.users(), self.model.sessions.len())
        );
        assert_eq!(self.world.hub.rooms(), self.model.rooms());
    }

    /// Everybody is in every room.
    fn gather(&mut self) {
        for user in 0..DEVICES.len() {
            self.step(Step::Register(user));
            (0..ROOMS.len()).for_each(|room| self.step(Step::Join(user, room)));
        }
    }

    /// A user with a connection, and what it has to do with.
    fn online(&mut self, user: usize) -> Option<(&mut User, &mut World, &mut Chat)> {
        let session = self.model.sessions.get(&user)?;
        let at = self.users.get_mut(&user).filter(|_| session.detached_until.is_none())?;
        Some((at, &mut self.world, &mut self.model))
    }

    fn register(&mut self, user: usize) {
        let name = NAMES[DEVICES[user]].to_uppercase();
        if self.users.contains_key(&user) {
            let refused = self.world.try_join(&name);
            assert!(matches!(refused, Err(Refusal::NameInUse { .. })), "{refused:?}");
            return;
        }
        // It gets nothing of what was said before.
        self.wait(Duration::ZERO);
        let admission = if self.model.has(DEVICES[user]) { Admission::AnotherSession } else { Admission::NewUser };
        self.users.insert(user, self.world.connect_as(&name, ClientConfig::default(), admission));
        self.model.begin(user);
        self.unread[user] = 0;
        self.carry(user);
    }

    /// The hub has the request when this is over, and has perhaps not told others yet what comes of it.
    fn ask(
        &mut self,
        user: usize,
        ask: impl Fn(&mut Client, Instant) -> Result<u64, ClientError>,
        model: impl FnOnce(&mut Chat, Instant),
    ) {
        // What a user asks for is answered to all its sessions.
        let concerned = [vec![user], self.model.siblings(user)].concat();
        for device in &concerned {
            if self.unread[*device] == UNREAD_REQUESTS_MAX {
                self.acknowledge(*device);
            }
        }
        if concerned.iter().any(|device| self.unread[*device] == UNREAD_REQUESTS_MAX) {
            // One of them is away.
            return;
        }
        for device in concerned {
            self.unread[device] += 1;
        }
        let Some((at, world, chat)) = self.online(user) else { return };
        ask(&mut at.client, world.now).unwrap();
        let bytes = at.client.transmit().concat();
        at.client.transmitted(world.now, bytes.len());
        let mut input = &bytes[..];
        while let Ok(Received::More) = world.hub.receive(world.now, at.conn, &mut input) {
            // What others are to be told goes first.
            world.pass(Duration::ZERO);
        }
        assert_eq!(input, b"", "the request is taken");
        model(chat, world.now);
    }

    fn carry(&mut self, user: usize) {
        if let Some((at, world, model)) = self.online(user) {
            world.carry(at);
            model.hear(user, &std::mem::take(&mut at.events));
        }
    }

    fn acknowledge(&mut self, user: usize) {
        self.carry(user);
        if let Some((at, world, _)) = self.online(user) {
            at.client.handle_timeout(world.now + Duration::from_millis(50));
            self.carry(user);
            self.model.catch_up(user);
            self.unread[user] = 0;
        }
    }

    /// All that is due comes before the hub's goodbye, if what was said in rooms was given to the members by then: that is
    /// why the actions are drained first.
    fn close(&mut self, user: usize) {
        if let Some((at, world, model)) = self.online(user) {
            world.drain();
            at.client.close(world.now);
            world.carry(at);
            assert_eq!(at.events.pop(), Some(Event::Closed(Closed::Left)));
            model.hear(user, &at.events);
            model.end(user, LeaveCode::Quit);
            assert_eq!(world.closed(at.conn), Some(CloseReason::Left));
            self.users.remove(&user);
        }
    }

    fn break_off(&mut self, user: usize) {
        // No two sessions expire at the same time.
        self.wait(Duration::from_millis(1));
        let Some((at, world, model)) = self.online(user) else { return };
        let window = world.hub.limits().resume_time_max;
        if window.is_zero() {
            world.hub.disconnect(world.now, at.conn).unwrap();
            world.drain();
            model.end(user, LeaveCode::TimedOut);
            self.users.remove(&user);
        } else {
            world.cut(at);
            model.sessions.get_mut(&user).expect("it is online").detached_until = Some(world.now + window);
        }
    }

    fn resume(&mut self, user: usize) {
        if self.online(user).is_some() {
            return;
        }
        let Some(mut at) = self.users.remove(&user) else { return };
        let resumed = self.world.reconnect(&mut at);
        self.wait(Duration::ZERO);
        let Some(session) = self.model.sessions.get_mut(&user) else {
            return assert_eq!(resumed, Err(Refusal::SessionOver));
        };
        resumed.expect("the session waits");
        session.detached_until = None;
        self.world.carry(&mut at);
        assert_eq!(at.events.remove(0), Event::Resumed);
        self.model.hear(user, &std::mem::take(&mut at.events));
        self.users.insert(user, at);
    }

    /// Everybody is heard from, so that nobody is idle for too long.
    fn pass(&mut self, mut time: Duration) {
        while !time.is_zero() {
            (0..DEVICES.len()).for_each(|user| self.acknowledge(user));
            let slice = time.min(SILENCE_MAX);
            self.wait(slice);
            time -= slice;
            for user in 0..DEVICES.len() {
                if let Some((at, world, _)) = self.online(user) {
                    at.client.handle_timeout(world.now);
                }
            }
        }
        (0..DEVICES.len()).for_each(|user| self.carry(user));
    }

    fn wait(&mut self, time: Duration) {
        self.world.pass(time);
        self.model.expire(self.world.now);
        self.users.retain(|user, _| self.model.sessions.contains_key(user));
    }

    fn finish(&mut self) {
        (0..DEVICES.len()).for_each(|user| self.resume(user));
        (0..DEVICES.len()).for_each(|user| self.acknowledge(user));
        // Joined and left come in pairs, and in turn.
        let mut online = BTreeMap::new();
        for output in &self.world.hub_events {
            match output {
                HubEvent::SessionStarted { session, name, .. } => assert_eq!(online.insert(*session, name), None),
                HubEvent::SessionEnded { session, name, .. } => assert_eq!(online.remove(session), Some(name)),
                _ => {}
            }
        }
        assert_eq!(online.len(), self.users.len());
    }
}

proptest! {
    #[test]
    fn a_hub_is_users_and_mailboxes(steps in vec(step(), 1..120)) {
        let mut run = Run::new(roomy());
        run.play(steps);
    }

    #[test]
    fn a_member_gets_what_is_said_in_its_rooms_or_is_told_what_it_missed(steps in vec(step(), 1..240)) {
        let mut run = Run::new(tight());
        run.gather();
        run.play(steps);
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(steps in vec(step(), 1..60)) {
        let trace = || {
            let mut run = Run::new(tight());
            run.gather();
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
