//! What the program says to all: to each session that is there, once, in slices, and in the order of all that it says.

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Join};
use chatcore::{
    ANNOUNCEMENTS_MAX, Action, Admission, Audience, ClientConfig, CloseReason, ConnId, Hub, HubEvent, Limits,
    MessageId, Received, RejectCode, RoomName, UserName,
};
use proptest::prelude::*;
use world::{User, World, bodies, decode_all, send};

/// More sessions than one slice goes over.
const MANY: usize = 1_500;

fn name(name: &str) -> UserName {
    name.parse().expect("it can be a name")
}

fn world_with(limits: Limits) -> World {
    let mut world = World::new(limits.clone());
    world.hub = Hub::new(limits, [7; 32]).with_reserved([name("server")]);
    world
}

fn world() -> World {
    world_with(Limits::default())
}

fn say(world: &mut World, to: Audience<'_>, body: &str) -> Result<MessageId, RejectCode> {
    world.hub.say(world.now, &name("server"), to, body.as_bytes())
}

fn say_to_all(world: &mut World, body: &str) {
    say(world, Audience::All, body).expect("there is room for it");
}

/// Many others, who are only there.
fn crowd(world: &mut World, count: usize) -> Vec<ConnId> {
    let first = world.hub.sessions();
    let crowd = (first..first + count).map(|n| world.try_join(&format!("guest{n}")).expect("the name is free"));
    let crowd = crowd.collect();
    world.drain();
    crowd
}

/// What the hub has to write to a connection of what the program says.
fn said_to(world: &mut World, conn: ConnId) -> Vec<String> {
    let bytes = world.hub.transmit(conn).concat();
    world.writable.remove(&conn);
    world.hub.transmitted(world.now, conn, bytes.len()).expect("the connection is known");
    let frames = if bytes.starts_with(b"\xC4chat") { &bytes[chatcore::wire::PREFACE_BYTES..] } else { &bytes };
    let said = decode_all(frames).into_iter().filter_map(|message| match message {
        HubMessage::Deliver(deliver) => Some((deliver.from.to_owned(), deliver.body.to_vec())),
        HubMessage::RoomDeliver(deliver) => Some((deliver.from.to_owned(), deliver.body.to_vec())),
        _ => None,
    });
    let said = said.filter(|(from, _)| from == "server");
    said.map(|(_, body)| String::from_utf8(body).expect("it is text")).collect()
}

#[test]
fn all_sessions_that_are_there_get_it_once_and_later_ones_do_not() {
    let mut world = world();
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    world.cut(&mut bob);
    say_to_all(&mut world, "one");
    // These come while it is on its way.
    let mut tablet = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    let mut carol = world.connect("carol");
    say_to_all(&mut world, "two");
    for user in [&mut phone, &mut laptop] {
        world.carry(user);
        assert_eq!(bodies(user), ["one", "two"]);
    }
    for user in [&mut tablet, &mut carol] {
        world.carry(user);
        assert_eq!(bodies(user), ["two"]);
    }
    // Who is detached gets it when it comes back.
    world.reconnect(&mut bob).expect("the session is there");
    world.carry(&mut bob);
    assert_eq!(bodies(&mut bob), ["one", "two"]);
    assert_eq!(world.hub.counters().missed_announcements, 0);
}

#[test]
fn a_session_that_takes_the_place_of_another_gets_nothing_that_was_said_before() {
    let mut world = world();
    crowd(&mut world, MANY);
    let bob = world.try_join("bob").expect("the name is free");
    say_to_all(&mut world, "one");
    world.hub.disconnect(world.now, bob).expect("it is there");
    let carol = world.try_join("carol").expect("the name is free");
    world.pass(Duration::ZERO);
    assert!(!world.hub.is_behind());
    assert_eq!(said_to(&mut world, carol), [""; 0]);
}

#[test]
fn it_goes_out_in_slices_and_others_do_not_wait_for_it() {
    let mut world = world();
    let early = crowd(&mut world, MANY);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    for conn in [alice, bob] {
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#lobby" })]);
    }
    world.drain();
    say_to_all(&mut world, "to all");
    let has_it = |world: &World, conn: &&ConnId| !world.hub.transmit(**conn).is_empty();
    assert_eq!(world.hub.poll_timeout(), Some(world.now), "the driver is to come again");
    assert!(world.hub.is_behind());
    let before = early.iter().filter(|conn| has_it(&world, conn)).count();
    // What users say meanwhile is there long before it has come to everybody.
    let _ = world.say(alice, &[send("bob", b"direct"), send("#lobby", b"in the room")]);
    let mut slices = 0;
    while world.hub.is_behind() {
        let had = early.iter().filter(|conn| has_it(&world, conn)).count();
        world.hub.handle_timeout(world.now);
        let has = early.iter().filter(|conn| has_it(&world, conn)).count();
        assert!(has - had <= 600, "{} in one slice", has - had);
        slices += 1;
        if slices == 1 {
            let bytes = world.hub.transmit(bob).concat();
            let is_from_alice = |message: &HubMessage<'_>| match message {
                HubMessage::Deliver(deliver) => deliver.from == "alice",
                HubMessage::RoomDeliver(deliver) => deliver.from == "alice",
                _ => false,
            };
            assert_eq!(decode_all(&bytes).iter().filter(|message| is_from_alice(message)).count(), 2);
            assert!(has < MANY + before, "it is still on its way");
        }
        assert!(slices < 100, "it comes to its end");
    }
    assert!(slices > 2, "{slices} slices");
    world.drain();
    for conn in early.into_iter().chain([alice, bob]) {
        assert_eq!(said_to(&mut world, conn), ["to all"]);
    }
    assert_eq!(world.hub.poll_timeout().filter(|due| *due <= world.now), None);
}

#[test]
fn what_is_said_to_one_does_not_overtake_what_was_said_to_all() {
    let mut world = world();
    crowd(&mut world, MANY);
    let mut alice = world.connect("alice");
    let mut laptop = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    alice.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut alice);
    world.carry(&mut laptop);
    bodies(&mut laptop);
    let (user, room): (UserName, RoomName) = (name("alice"), "#lobby".parse().unwrap());
    let said = [
        (Audience::Room(&room), "1"),
        (Audience::All, "2"),
        (Audience::Room(&room), "3"),
        (Audience::All, "4"),
        (Audience::Room(&room), "5"),
        (Audience::Room(&room), "6"),
        (Audience::All, "7"),
        (Audience::User(&user), "8"),
        (Audience::All, "9"),
    ];
    for (to, body) in said {
        say(&mut world, to, body).expect("there is room for it");
    }
    // It had to go first for her, and the crowd still waits.
    assert!(world.hub.is_behind());
    world.pass(Duration::ZERO);
    for user in [&mut alice, &mut laptop] {
        world.carry(user);
        assert_eq!(bodies(user), ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }
}

#[test]
fn so_many_are_on_their_way_and_no_more() {
    let mut world = world();
    let alice = world.join("alice");
    for n in 0..ANNOUNCEMENTS_MAX {
        say_to_all(&mut world, &n.to_string());
    }
    assert_eq!(say(&mut world, Audience::All, "one more"), Err(RejectCode::Unavailable));
    let user = name("alice");
    say(&mut world, Audience::User(&user), "for her alone").expect("that is another matter");
    world.drain();
    let said = said_to(&mut world, alice);
    let expected = (0..ANNOUNCEMENTS_MAX).map(|n| n.to_string()).chain(["for her alone".into()]);
    assert_eq!(said, expected.collect::<Vec<_>>());
    say_to_all(&mut world, "now there is room");
    // What cannot be said to one cannot be said to all.
    let too_long = "x".repeat(world.hub.limits().body_bytes_max as usize + 1);
    assert_eq!(say(&mut world, Audience::All, &too_long), Err(RejectCode::BodyTooLong));
    let as_alice = world.hub.say(world.now, &name("alice"), Audience::All, b"I am not she");
    assert_eq!(as_alice, Err(RejectCode::InvalidName));
}

#[test]
fn who_has_no_room_for_it_is_left_out_and_counted() {
    let limits = Limits::default().with_outbox_bytes_max(300_000);
    let mut world = world_with(limits);
    let (slow, mut bob) = (world.join("slow"), world.connect("bob"));
    let mut short = world.connect_with("short", ClientConfig::default().with_frame_bytes_max(10_000));
    let long = "x".repeat(60_000);
    for _ in 0..6 {
        say_to_all(&mut world, &long);
        // The slow one reads nothing.
        world.carry(&mut bob);
        world.carry(&mut short);
    }
    say_to_all(&mut world, "short");
    world.carry(&mut bob);
    world.carry(&mut short);
    assert_eq!((bodies(&mut bob).len(), bodies(&mut short)), (7, vec!["short".to_owned()]));
    let said = said_to(&mut world, slow);
    assert_eq!((said.len(), said.last().map(String::as_str)), (5, Some("short")));
    assert_eq!(world.hub.counters().missed_announcements, 6 + 2);
    assert!(!world.hub_events.iter().any(|event| matches!(event, HubEvent::SessionEnded { .. })), "nobody ends");
}

#[test]
fn neither_a_kick_nor_a_shutdown_overtakes_what_was_said_to_all() {
    let mut world = world();
    let crowd = crowd(&mut world, MANY);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    say_to_all(&mut world, "alice was rude");
    assert!(world.hub.kick(world.now, &name("alice")));
    assert_eq!(said_to(&mut world, alice), ["alice was rude"]);
    say_to_all(&mut world, "closing");
    world.hub.shut_down(world.now, None);
    assert_eq!(say(&mut world, Audience::All, "too late"), Err(RejectCode::Unavailable));
    let mut steps = 0;
    while world.hub.users() > 0 {
        world.drain();
        world.hub.handle_timeout(world.now);
        steps += 1;
        assert!(steps < 100, "it stops in the end");
    }
    world.drain();
    for conn in crowd.into_iter().chain([bob]) {
        let bytes = world.hub.transmit(conn).concat();
        let frames = if bytes.starts_with(b"\xC4chat") { &bytes[chatcore::wire::PREFACE_BYTES..] } else { &bytes };
        let messages = decode_all(frames);
        let [.., HubMessage::Deliver(first), HubMessage::Deliver(second), HubMessage::Goodbye(_)] = &messages[..]
        else {
            panic!("two messages and a goodbye: {messages:?}");
        };
        assert_eq!([first.body, second.body], [&b"alice was rude"[..], b"closing"]);
    }
}

#[test]
fn a_session_that_goes_on_elsewhere_gets_it_once() {
    let mut world = world();
    crowd(&mut world, MANY);
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    say_to_all(&mut world, "1");
    // Alice loses her connection, and Bob his client, while it is on its way.
    world.hub.disconnect(world.now, alice.conn).expect("it is there");
    alice.client.disconnect(world.now);
    say_to_all(&mut world, "2");
    let mut new = world.connect_as("bob", ClientConfig::default(), Admission::TakeOver);
    say_to_all(&mut world, "3");
    world.drain();
    while alice.client.poll_event().is_some() {}
    world.reconnect(&mut alice).expect("the session is there");
    for user in [&mut alice, &mut new] {
        world.carry(user);
        assert_eq!(bodies(user), ["1", "2", "3"]);
    }
    world.carry_closed(&mut bob);
    assert_eq!(world.closed(bob.conn), Some(CloseReason::TakenOver));
}

// ---- any order of things ----

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
