//! In the steady state nothing is allocated for a message, and what is kept does not grow.

use allocation_counter::{AllocationInfo, measure};
use chatcore::wire::{Ack, ClientMessage, Join, Message, Preface, Register, Send};
use chatcore::{Action, Admission, ConnId, Handshake, Hub, Instant, Limits, Rate, Registration, RoomName};
use chatcore_bench::{BATCH_MESSAGES, Routing};

const NOW: Instant = Instant::from_millis(1);

/// What so many batches allocate.
fn allocated(routing: &mut Routing, batches: usize) -> AllocationInfo {
    measure(|| (0..batches).for_each(|_| routing.route_batch()))
}

fn nothing_is_allocated(routing: Routing, batch_messages: usize) {
    let mut routing = routing.warmed_up();
    // Buffers come to the sizes that are needed, and later now and then a few more of one size than ever before.
    allocated(&mut routing, 200);
    let measured = allocated(&mut routing, 1_000);
    let messages = 1_000 * batch_messages as u64;
    assert!(measured.count_total <= messages / 1_000, "{measured:?} for {messages} messages");
    // What outboxes give back is kept, so much at the most.
    assert!(measured.bytes_current <= 4 << 20, "{measured:?} for {messages} messages");
}

#[test]
fn no_message_of_a_user_to_a_user_allocates() {
    nothing_is_allocated(Routing::direct(10, 64), BATCH_MESSAGES);
    nothing_is_allocated(Routing::direct(1_000, 64), BATCH_MESSAGES);
    nothing_is_allocated(Routing::direct(100, 1_024), BATCH_MESSAGES);
}

#[test]
fn no_message_in_a_room_allocates() {
    nothing_is_allocated(Routing::in_rooms(1, 200, 64), Routing::batch_messages_in_rooms(200));
    nothing_is_allocated(Routing::in_rooms(100, 10, 64), Routing::batch_messages_in_rooms(10));
}

/// Members of one room, who take what is said there and acknowledge it.
struct Room {
    hub: Hub,
    conns: Vec<ConnId>,
    said: Vec<u8>,
    /// Numbered frames that each member but the first has got, once all is said.
    count: u64,
    ack: Vec<u8>,
}

impl Room {
    /// Messages of a batch.
    const MESSAGES: u64 = 16;

    fn new(members: usize, room: &str) -> Self {
        let limits = Limits::default()
            .with_session_rate(Rate::UNLIMITED)
            .with_origin_rate(Rate::UNLIMITED)
            .with_announced_members_max(0);
        let mut hub = Hub::new(limits, [7; 32]);
        let (mut join, mut said) = (Vec::new(), Vec::new());
        ClientMessage::Join(Join { room }).encode(&mut join);
        for _ in 0..Self::MESSAGES {
            ClientMessage::Send(Send { to: room, body: b"hello" }).encode(&mut said);
        }
        let conns = (0..members).map(|member| admit(&mut hub, &format!("user{member}"))).collect();
        // Each has an answer to its join.
        let mut room = Self { hub, conns, said, count: 1, ack: Vec::new() };
        for member in 0..members {
            room.give(member, &join);
        }
        room.write_out();
        room
    }

    fn give(&mut self, member: usize, mut input: &[u8]) {
        self.hub.receive(NOW, self.conns[member], &mut input).map(drop).expect("it is there");
        assert!(input.is_empty(), "it is taken");
    }

    /// Writes everything out.
    fn write_out(&mut self) {
        loop {
            while self.hub.poll_event().is_some() {}
            let Some(action) = self.hub.poll_action() else { return };
            let Action::Write { conn } = action else { panic!("nobody ends: {action:?}") };
            let bytes = self.hub.transmit(conn).bytes();
            self.hub.transmitted(NOW, conn, bytes).expect("it is there");
        }
    }

    /// The first member says something, and all others take and acknowledge it.
    fn route_batch(&mut self) {
        let said = std::mem::take(&mut self.said);
        self.give(0, &said);
        self.said = said;
        self.write_out();
        self.count += Self::MESSAGES;
        let mut ack = std::mem::take(&mut self.ack);
        ack.clear();
        ClientMessage::Ack(Ack { count: self.count }).encode(&mut ack);
        for member in 1..self.conns.len() {
            self.give(member, &ack);
        }
        self.ack = ack;
        self.write_out();
    }
}

fn registration(hub: &Hub, name: &str) -> Registration {
    let mut opening = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }).encode(&mut opening);
    let mut handshake = Handshake::new(NOW, hub.limits());
    handshake.receive(NOW, &mut &opening[..]).expect("it is right").expect("it is whole")
}

fn admit(hub: &mut Hub, name: &str) -> ConnId {
    let registration = registration(hub, name);
    hub.admit(NOW, registration).expect("the name is free")
}

#[test]
fn no_message_in_a_room_with_a_long_name_allocates() {
    let mut room = Room::new(10, "#a-room-whose-name-has-33-letters");
    // The one who speaks acknowledges nothing, and its answers are merged and few.
    (0..100).for_each(|_| room.route_batch());
    let batches = 500;
    let measured = measure(|| (0..batches).for_each(|_| room.route_batch()));
    let messages = batches * Room::MESSAGES * 9;
    assert!(measured.count_total <= messages / 1_000, "{measured:?} for {messages} messages");
}

#[test]
fn who_looks_at_users_sessions_rooms_and_members_allocates_nothing() {
    let name: RoomName = "#a-room-whose-name-has-33-letters".parse().expect("it can be a room's name");
    let Room { mut hub, .. } = Room::new(10, name.as_str());
    let device = registration(&hub, "user7");
    hub.admit_as(NOW, device, Admission::AnotherSession).expect("there is room for another session");
    let (mut users, mut sessions, mut stays, mut rooms, mut members) = (0, 0, 0, 0, 0);
    let measured = measure(|| {
        for user in hub.user_names() {
            users += 1;
            sessions += hub.sessions_of(user).filter(|session| hub.user_of(*session) == Some(user)).count();
            stays += hub.rooms_of(user).count();
        }
        rooms = hub.room_names().count();
        members = hub.members_of(&name).count();
    });
    assert_eq!((users, sessions, stays, rooms, members), (10, 11, 10, 1, 10));
    assert_eq!(measured.count_total, 0, "{measured:?}");
}
