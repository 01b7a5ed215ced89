//! A run of a hub, with its users and the model.

use std::collections::BTreeMap;
use std::time::Duration;

use chatcore::{
    Admission, Asking, ClientConfig, CloseReason, Closed, Event, GoodbyeCode, Hub, HubEvent, LeaveCode, Limits,
    QuestionId, Received, Refusal, RejectCode, UnknownQuestion,
};

use super::chat::{Chat, DEVICES, NAMES, ROOMS, Request};
use super::step::{ResumeTime, Step};
use super::world::{User, World};

/// Requests of a user whose answers it has not acknowledged, at the most: their place in an outbox is bounded, too.
const UNREAD_REQUESTS_MAX: u32 = 20;

/// Nobody is silent for longer: a client listens that often whose session waits for half a minute.
const SILENCE_MAX: Duration = Duration::from_secs(5);

pub(crate) struct Run {
    pub(crate) world: World,
    /// By the device.
    pub(crate) users: BTreeMap<usize, User>,
    /// Requests of each device's user since the device last acknowledged everything.
    unread: [u32; DEVICES.len()],
    model: Chat,
    /// The program decides about joins and messages.
    is_asking: bool,
    /// It answers a session's questions in their order. Then it is known how full outboxes are when a request is done.
    answers_in_order: bool,
    /// All questions that ever were.
    asked: Vec<QuestionId>,
}

impl Run {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            model: Chat::new(&limits, false),
            world: World::new(limits),
            users: BTreeMap::new(),
            unread: [0; DEVICES.len()],
            is_asking: false,
            answers_in_order: false,
            asked: Vec::new(),
        }
    }

    /// The same with a program that decides about joins and messages.
    pub(crate) fn deciding(limits: Limits, answers_in_order: bool) -> Self {
        let (model, mut world) = (Chat::new(&limits, true), World::new(limits.clone()));
        world.hub = Hub::new(limits.clone(), [7; 32]).with_asking(Asking::new().joins().sends());
        Self { model, world, is_asking: true, answers_in_order, ..Self::new(limits) }
    }

    /// Takes all steps. In the end everybody comes back, and reads.
    pub(crate) fn play(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(*step);
        }
        self.finish();
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Register(device, resume_time) => self.register(device, resume_time),
            Step::Ask(device, request) => self.ask(device, request),
            Step::Carry(device) => self.carry(device),
            Step::Acknowledge(device) => self.acknowledge(device),
            Step::Close(device) => self.close(device),
            Step::Break(device) => self.break_off(device),
            Step::Resume(device, resume_time) => self.resume(device, resume_time),
            Step::TakeOver(user, resume_time) => self.take_over(user, resume_time),
            Step::Answer(which, is_yes) => self.answer_one(which, is_yes),
            Step::Pass(millis) => self.pass(Duration::from_millis(millis)),
        }
        assert_eq!(
            (self.world.hub.users(), self.world.hub.sessions()),
            (self.model.users(), self.model.sessions.len())
        );
        assert_eq!(self.world.hub.rooms(), self.model.rooms());
    }

    /// Everybody is in every room.
    pub(crate) fn gather(&mut self) {
        for device in 0..DEVICES.len() {
            self.step(Step::Register(device, None));
            (0..ROOMS.len()).for_each(|room| self.step(Step::Ask(device, Request::Join(room))));
        }
        self.answer_all();
    }

    /// A user with a connection, and what it has to do with.
    fn online(&mut self, device: usize) -> Option<(&mut User, &mut World, &mut Chat)> {
        let session = self.model.sessions.get(&device)?;
        let at = self.users.get_mut(&device).filter(|_| session.detached_until.is_none())?;
        Some((at, &mut self.world, &mut self.model))
    }

    // ---- coming and going ----

    fn register(&mut self, device: usize, resume_time: ResumeTime) {
        let name = NAMES[DEVICES[device]].to_uppercase();
        if self.users.contains_key(&device) {
            let refused = self.world.try_join(&name);
            let Err(Refusal::NameInUse { wait }) = refused else { panic!("{refused:?}") };
            if let Some(free_at) = self.model.free_at(DEVICES[device]) {
                assert_eq!(self.world.now + wait, free_at, "nobody is there, and {name} is free then");
            }
            return;
        }
        // It gets nothing of what was said before.
        self.wait(Duration::ZERO);
        let admission = if self.model.has(DEVICES[device]) { Admission::AnotherSession } else { Admission::NewUser };
        self.world.resume_time = resume_time;
        let user = self.world.connect_as(&name, ClientConfig::default(), admission);
        self.model.begin(device, self.world.hub.session_on(user.conn).expect("it has begun"));
        self.wait_from_now_on(device, resume_time, &user);
        self.users.insert(device, user);
        self.unread[device] = 0;
        self.carry(device);
    }

    /// What was said before is in the outbox of the session when this begins.
    fn take_over(&mut self, user: usize, resume_time: ResumeTime) {
        self.wait(Duration::ZERO);
        let Some(device) = self.model.to_be_taken_over(user) else { return };
        let mut old = self.users.remove(&device).expect("the device has a session");
        let session = &self.model.sessions[&device];
        let (id, was_attached) = (session.id, session.detached_until.is_none());
        self.world.resume_time = resume_time;
        let new = self.world.connect_as(&NAMES[user].to_uppercase(), ClientConfig::default(), Admission::TakeOver);
        assert_eq!(self.world.hub.session_on(new.conn), Some(id), "the session that is to be taken over");
        self.model.take_over(device, old.unacknowledged_messages());
        self.wait_from_now_on(device, resume_time, &new);
        self.users.insert(device, new);
        self.unread[device] = 0;
        self.carry(device);
        if was_attached {
            self.world.carry_closed(&mut old);
            assert!(
                matches!(old.events[..], [Event::Closed(Closed::Goodbye { code: GoodbyeCode::TakenOver, .. })]),
                "{:?}",
                old.events
            );
            assert_eq!(self.world.closed(old.conn), Some(CloseReason::TakenOver));
        }
    }

    /// All that is due comes before the hub's goodbye, if what was said in rooms was given to the members by then: that
    /// is why the actions are drained first. A goodbye waits for the requests before it.
    fn close(&mut self, device: usize) {
        if self.online(device).is_none() {
            return;
        }
        for question in self.model.open_questions_of(device) {
            self.answer(question, true);
        }
        let Some((at, world, model)) = self.online(device) else { return };
        world.drain();
        at.client.close(world.now);
        world.carry(at);
        assert_eq!(at.events.pop(), Some(Event::Closed(Closed::Left)));
        model.hear(device, &at.events);
        model.end(device, LeaveCode::Quit);
        assert_eq!(world.closed(at.conn), Some(CloseReason::Left));
        self.users.remove(&device);
    }

    fn break_off(&mut self, device: usize) {
        // No two sessions expire at the same time.
        self.wait(Duration::from_millis(1));
        let Some((_, _, model)) = self.online(device) else { return };
        let window = model.sessions[&device].resume_time;
        while self.model.ends_one_at(self.world.now + window) {
            self.wait(Duration::from_millis(1));
        }
        let Some((at, world, model)) = self.online(device) else { return };
        if window.is_zero() {
            world.hub.disconnect(world.now, at.conn).unwrap();
            world.drain();
            model.end(device, LeaveCode::TimedOut);
            self.users.remove(&device);
        } else {
            world.cut(at);
            model.sessions.get_mut(&device).expect("it is online").detached_until = Some(world.now + window);
        }
    }

    fn resume(&mut self, device: usize, resume_time: ResumeTime) {
        if self.online(device).is_some() {
            return;
        }
        let Some(mut at) = self.users.remove(&device) else { return };
        self.world.resume_time = resume_time;
        let resumed = self.world.reconnect(&mut at);
        self.wait(Duration::ZERO);
        let Some(session) = self.model.sessions.get_mut(&device) else {
            return assert_eq!(resumed, Err(Refusal::SessionOver));
        };
        resumed.expect("the session waits");
        session.detached_until = None;
        self.world.carry(&mut at);
        assert_eq!(at.events.remove(0), Event::Resumed);
        self.model.hear(device, &std::mem::take(&mut at.events));
        self.wait_from_now_on(device, resume_time, &at);
        self.users.insert(device, at);
    }

    /// A device's session has come to a connection that says how long it waits, and so does the hub to its client.
    fn wait_from_now_on(&mut self, device: usize, resume_time: ResumeTime, at: &User) {
        let resume_time = resume_time.unwrap_or(self.world.hub.limits().resume_time_max);
        let told = at.client.limits().expect("it is in its session").resume_ms_max;
        assert_eq!(Duration::from_millis(told.into()), resume_time, "how long device {device} is said to have");
        self.model.sessions.get_mut(&device).expect("it is online").resume_time = resume_time;
    }

    // ---- requests and questions ----

    /// The hub has the request when this is over, and has perhaps not told others yet what comes of it.
    fn ask(&mut self, device: usize, request: Request) {
        if self.is_asking {
            // No two questions are over at the same time.
            self.wait(Duration::from_millis(1));
        } else if !self.model.is_sure(device, request) {
            return;
        }
        // What a user asks for is answered to all its sessions.
        let concerned = [vec![device], self.model.siblings(device)].concat();
        for device in &concerned {
            if self.unread[*device] >= UNREAD_REQUESTS_MAX {
                self.acknowledge(*device);
            }
        }
        if concerned.iter().any(|device| self.unread[*device] >= UNREAD_REQUESTS_MAX) {
            // One of them is away, or too much waits.
            return;
        }
        for device in concerned {
            self.unread[device] += 1;
        }
        let Some((at, world, model)) = self.online(device) else { return };
        request.make(&mut at.client, world.now).unwrap();
        let bytes = at.client.transmit().concat();
        at.client.transmitted(world.now, bytes.len());
        at.tally_up(&bytes);
        let mut input = &bytes[..];
        while let Ok(Received::More) = world.hub.receive(world.now, at.conn, &mut input) {
            // What others are to be told goes first.
            world.pass(Duration::ZERO);
        }
        assert_eq!(input, b"", "the request is taken");
        let question = world.hub.poll_question();
        assert_eq!(world.hub.poll_question(), None, "a request is asked about once");
        let id = question.as_ref().map(|question| question.id);
        model.request(world.now, device, request, question);
        self.asked.extend(id);
    }

    fn answer_one(&mut self, which: usize, is_yes: bool) {
        let open = self.model.open_questions(self.answers_in_order);
        if let Some(question) = open.get(which % open.len().max(1)) {
            self.answer(*question, is_yes);
        }
    }

    /// Nothing waits for an answer any more.
    fn answer_all(&mut self) {
        while let Some(question) = self.model.open_questions(true).first() {
            self.answer(*question, true);
        }
    }

    /// What others are to be told of it is on its way when this is over.
    fn answer(&mut self, question: QuestionId, is_yes: bool) {
        let is_allowed = is_yes && self.model.is_sure_if_allowed(question);
        let verdict = if is_allowed { Ok(()) } else { Err(RejectCode::Denied) };
        let now = self.world.now;
        self.world.hub.answer(now, question, verdict).expect("it waits for its answer");
        self.world.pass(Duration::ZERO);
        self.model.decide(now, question, verdict);
    }

    // ---- what is told, and the time ----

    fn carry(&mut self, device: usize) {
        if let Some((at, world, model)) = self.online(device) {
            world.carry(at);
            model.hear(device, &std::mem::take(&mut at.events));
        }
    }

    fn acknowledge(&mut self, device: usize) {
        self.carry(device);
        if let Some((at, world, _)) = self.online(device) {
            at.client.handle_timeout(world.now + Duration::from_millis(50));
            self.carry(device);
            self.model.catch_up(device);
            self.unread[device] = self.model.waiting_of(DEVICES[device]);
        }
    }

    /// Everybody is heard from, so that nobody is idle for too long.
    fn pass(&mut self, mut time: Duration) {
        while !time.is_zero() {
            (0..DEVICES.len()).for_each(|device| self.acknowledge(device));
            let slice = time.min(SILENCE_MAX);
            self.wait(slice);
            time -= slice;
            for device in 0..DEVICES.len() {
                if let Some((at, world, _)) = self.online(device) {
                    at.client.handle_timeout(world.now);
                }
            }
        }
        (0..DEVICES.len()).for_each(|device| self.carry(device));
    }

    fn wait(&mut self, time: Duration) {
        self.world.pass(time);
        self.model.expire(self.world.now);
        self.users.retain(|device, _| self.model.sessions.contains_key(device));
    }

    fn finish(&mut self) {
        self.answer_all();
        (0..DEVICES.len()).for_each(|device| self.resume(device, None));
        (0..DEVICES.len()).for_each(|device| self.acknowledge(device));
        let mut asked = std::mem::take(&mut self.asked).into_iter();
        assert!(asked.all(|id| self.world.hub.answer(self.world.now, id, Ok(())) == Err(UnknownQuestion(id))));
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
