//! What the program says, in any order with what else happens.

use std::collections::BTreeSet;
use std::time::Duration;

use chatcore::{Action, Admission, Audience, ClientConfig, Received, RejectCode};
use proptest::prelude::*;

use super::world::{User, World, bodies};
use super::{crowd, name, say, world};

const USERS: usize = 6;
const ROOMS: [&str; 2] = ["#lobby", "#kitchen"];

/// Others between two users.
const BETWEEN: usize = 120;

#[derive(Clone, Debug)]
enum Step {
    ToAll,
    ToUser(usize),
    ToRoom(usize),
    /// One user writes to another, and to a room.
    Chat(usize, usize),
    Move(usize, usize, bool),
    Cut(usize),
    Back(usize),
    Another(usize),
    Kick(usize),
    /// The driver drains this many actions, and lets some time pass.
    Drain(usize),
    DrainAll,
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..USERS;
    let room = || 0..ROOMS.len();
    prop_oneof![
        4 => Just(Step::ToAll),
        4 => user().prop_map(Step::ToUser),
        4 => room().prop_map(Step::ToRoom),
        2 => (user(), user()).prop_map(|(from, to)| Step::Chat(from, to)),
        1 => (user(), room(), any::<bool>()).prop_map(|(user, room, is_in)| Step::Move(user, room, is_in)),
        1 => user().prop_map(Step::Cut),
        2 => user().prop_map(Step::Back),
        1 => user().prop_map(Step::Another),
        1 => user().prop_map(Step::Kick),
        3 => (0..24_usize).prop_map(Step::Drain),
        1 => Just(Step::DrainAll),
    ]
}

/// A session, and what it is to get of what the program says.
struct Listener {
    user: usize,
    end: User,
    is_cut: bool,
    /// In order: its number, and whether it may be missing, because the session was just coming to where it was said.
    due: Vec<(u32, bool)>,
    heard: Vec<u32>,
}

impl Listener {
    /// It has heard all that was due, in this order, and nothing else.
    fn check(&self) {
        let mut due = self.due.iter();
        for heard in &self.heard {
            let is_next = due.by_ref().find(|(number, may_lack)| number == heard || !may_lack);
            assert_eq!(is_next.map(|(number, _)| number), Some(heard), "{:?} of {:?}", self.heard, self.due);
        }
        assert!(due.all(|(_, may_lack)| *may_lack), "{:?} of {:?}", self.heard, self.due);
    }

    fn take(&mut self) {
        self.heard.extend(bodies(&mut self.end).iter().filter_map(|body| body.parse::<u32>().ok()));
    }
}

struct Run {
    world: World,
    all: Vec<Listener>,
    members: [BTreeSet<usize>; ROOMS.len()],
    said: u32,
}

impl Run {
    fn new() -> Self {
        let mut run = Self { world: world(), all: Vec::new(), members: Default::default(), said: 0 };
        for user in 0..USERS {
            run.begin(user, Admission::NewUser);
            crowd(&mut run.world, BETWEEN);
            for (room, members) in run.members.iter_mut().enumerate() {
                let (user_name, room) = (name(&format!("user{user}")), ROOMS[room].parse().expect("it is a room"));
                if (user + members.len()).is_multiple_of(2) {
                    run.world.hub.put_into_room(run.world.now, &user_name, &room).expect("it may");
                    members.insert(user);
                }
            }
            run.world.drain();
        }
        run
    }

    fn begin(&mut self, user: usize, admission: Admission) {
        let end = self.world.connect_as(&format!("user{user}"), ClientConfig::default(), admission);
        self.all.push(Listener { user, end, is_cut: false, due: Vec::new(), heard: Vec::new() });
    }

    fn say(&mut self, to: Audience<'_>, is_for: impl Fn(&Self, usize) -> bool) {
        let body = self.said.to_string();
        match say(&mut self.world, to, &body) {
            Ok(_) => {
                let concerned: Vec<bool> = self.all.iter().map(|listener| is_for(self, listener.user)).collect();
                for (listener, is_for) in self.all.iter_mut().zip(concerned) {
                    if is_for {
                        listener.due.push((self.said, false));
                    }
                }
                self.said += 1;
            }
            // Much is on its way, or nobody is there.
            Err(RejectCode::Unavailable | RejectCode::NoSuchUser | RejectCode::NotAMember) => {}
            Err(code) => panic!("{code:?}"),
        }
    }

    fn step(&mut self, step: &Step) {
        let now = self.world.now;
        match *step {
            Step::ToAll => self.say(Audience::All, |_, _| true),
            Step::ToUser(to) => {
                let to_name = name(&format!("user{to}"));
                self.say(Audience::User(&to_name), |_, user| user == to);
            }
            Step::ToRoom(room) => {
                let room_name = ROOMS[room].parse().expect("it is a room");
                self.say(Audience::Room(&room_name), |run, user| run.members[room].contains(&user));
            }
            Step::Chat(from, to) => {
                let to = format!("user{to}");
                let Some(listener) = self.all.iter_mut().find(|listener| listener.user == from && !listener.is_cut)
                else {
                    return;
                };
                for to in [to.as_str(), ROOMS[from % 2]] {
                    listener.end.client.send(now, to, b"hello").expect("it has a session");
                }
                let bytes = listener.end.client.transmit().concat();
                listener.end.client.transmitted(now, bytes.len());
                let (conn, mut input) = (listener.end.conn, &bytes[..]);
                while self.world.hub.receive(now, conn, &mut input) == Ok(Received::More) {
                    self.drain(1);
                }
            }
            Step::Move(user, room, is_in) => {
                let (user_name, room_name) = (name(&format!("user{user}")), ROOMS[room].parse().expect("it is a room"));
                let hub = &mut self.world.hub;
                let moved = if is_in {
                    hub.put_into_room(now, &user_name, &room_name)
                } else {
                    hub.take_out_of_room(now, &user_name, &room_name)
                };
                if moved.is_ok() {
                    let members = &mut self.members[room];
                    _ = if is_in { members.insert(user) } else { members.remove(&user) };
                }
            }
            Step::Cut(user) => {
                if let Some(listener) = self.all.iter_mut().find(|listener| listener.user == user && !listener.is_cut) {
                    listener.is_cut = true;
                    self.world.hub.disconnect(now, listener.end.conn).expect("it is there");
                    self.world.writable.remove(&listener.end.conn);
                    listener.end.client.disconnect(now);
                    while listener.end.client.poll_event().is_some() {}
                }
            }
            Step::Back(user) => {
                let cut = self.all.iter().position(|listener| listener.user == user && listener.is_cut);
                match cut {
                    Some(cut) => self.back(cut),
                    None if !self.all.iter().any(|listener| listener.user == user) => {
                        self.begin(user, Admission::NewUser);
                    }
                    None => {}
                }
            }
            Step::Another(user) => {
                let siblings = self.all.iter().filter(|listener| listener.user == user).count();
                if (1..4).contains(&siblings) {
                    self.begin_another(user);
                }
            }
            Step::Kick(user) => {
                if self.world.hub.kick(now, &name(&format!("user{user}"))) {
                    // What was said in rooms may be lost with the session, and what was said to it or to all is not.
                    self.members.iter_mut().for_each(|members| members.retain(|member| *member != user));
                    let (kicked, all) = std::mem::take(&mut self.all).into_iter().partition(|other| other.user == user);
                    self.all = all;
                    let kicked: Vec<Listener> = kicked;
                    for mut listener in kicked.into_iter().filter(|listener| !listener.is_cut) {
                        self.world.carry(&mut listener.end);
                        listener.take();
                        assert!(listener.heard.is_sorted(), "{:?}", listener.heard);
                    }
                }
            }
            Step::Drain(actions) => self.drain(actions),
            Step::DrainAll => self.world.pass(Duration::ZERO),
        }
    }

    /// A session comes into rooms in which something may just have been said.
    fn begin_another(&mut self, user: usize) {
        let mut client = chatcore::Client::new(self.world.now, ClientConfig::default(), 7);
        client.register(self.world.now, &format!("user{user}"), b"").expect("a fresh client may register");
        let conn = self.world.admit_as(&mut client, Admission::AnotherSession).expect("there is room for it");
        let sibling = self.all.iter().find(|listener| listener.user == user).expect("it has one");
        let due = sibling.due.iter().map(|(number, _)| (*number, true)).collect();
        let mut end = User::new(client, conn);
        open(&mut self.world, &mut end);
        self.world.confirm(conn);
        self.all.push(Listener { user, end, is_cut: false, due, heard: Vec::new() });
    }

    fn back(&mut self, cut: usize) {
        let listener = &mut self.all[cut];
        let wants_at = listener.end.client.poll_timeout().expect("it wants to come back");
        self.world.now = self.world.now.max(wants_at);
        listener.end.client.handle_timeout(self.world.now);
        while listener.end.client.poll_event().is_some() {}
        listener.end.client.connected(self.world.now);
        listener.end.conn = self.world.admit(&mut listener.end.client).expect("the session is there");
        listener.is_cut = false;
        open(&mut self.world, &mut listener.end);
    }

    fn drain(&mut self, actions: usize) {
        for _ in 0..actions {
            match self.world.hub.poll_action() {
                Some(Action::Write { conn }) => drop(self.world.writable.insert(conn)),
                Some(Action::Close { conn, reason }) => self.world.closes.push((conn, reason)),
                None => return,
            }
        }
        self.world.now = self.world.now + Duration::from_micros(1);
    }

    fn end(mut self) {
        self.world.pass(Duration::ZERO);
        for at in 0..self.all.len() {
            if self.all[at].is_cut {
                self.back(at);
            }
            let listener = &mut self.all[at];
            self.world.carry(&mut listener.end);
            listener.take();
            listener.check();
        }
        assert!(!self.world.hub.is_behind());
    }
}

/// Lets a client that was let in hear so, while all others wait.
fn open(world: &mut World, user: &mut User) {
    let opening = world.hub.transmit(user.conn).concat();
    world.hub.transmitted(world.now, user.conn, opening.len()).expect("it is there");
    let _ = user.client.receive(world.now, &mut &opening[..]);
    user.events.extend(std::iter::from_fn(|| user.client.poll_event()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_session_hears_what_the_program_says_to_it_once_and_in_order(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.end();
    }
}
