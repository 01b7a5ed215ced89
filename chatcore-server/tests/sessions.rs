//! Sessions over real sockets: what a broken connection costs, and what it does not.

mod support;

use std::process::Command;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Join, Message, Preface, Refused, Resume, Resumed, Send, Welcome};
use chatcore::{Event, GoodbyeCode, RefusalCode, Token};

use support::{PROGRAM, Peer, Server, User, encode, opening};

/// A peer that has this name, and the token of its session.
fn registered(server: &Server, name: &str) -> (Peer, Token) {
    let mut peer = Peer::connect(server.address());
    peer.put(&opening(name));
    peer.take_preface();
    let HubMessage::Welcome(Welcome { token, .. }) = peer.take() else { panic!("the name is free") };
    peer.say(&ClientMessage::Ack(Ack { count: 0 }));
    (peer, token)
}

fn resuming(server: &Server, name: &str, token: Token, received: Option<u64>) -> Peer {
    let mut peer = Peer::connect(server.address());
    let mut bytes = Preface::OURS.encode().to_vec();
    ClientMessage::Resume(Resume { name, token, received, attempt: 1, frame_bytes_max: u32::MAX }).encode(&mut bytes);
    peer.put(&bytes);
    peer.take_preface();
    peer
}

#[test]
fn a_client_that_comes_back_finds_its_name_its_room_and_what_waited() {
    let mut server = Server::start(&[]);
    let (mut bob, token) = registered(&server, "bob");
    let (mut alice, _) = registered(&server, "alice");
    for peer in [&mut bob, &mut alice] {
        peer.say(&ClientMessage::Join(Join { room: "#lobby" }));
        assert!(matches!(peer.take_beside_acks(), HubMessage::Done(_)));
    }
    assert!(matches!(bob.take_beside_acks(), HubMessage::Joined(_)));
    drop(bob);
    server.logged(&["lost its connection", "name=bob"]);
    for to in ["bob", "#lobby"] {
        alice.say(&ClientMessage::Send(Send { to, body: b"still there?" }));
    }
    alice.take_accepted(2);

    // It has had its answer, and has heard that alice came.
    let mut bob = resuming(&server, "bob", token, Some(2));
    assert!(matches!(bob.take(), HubMessage::Resumed(Resumed { received: 1, sent: 2, .. })));
    assert!(matches!(bob.take(), HubMessage::Deliver(message) if message.body == b"still there?"));
    assert!(matches!(bob.take(), HubMessage::RoomDeliver(message) if message.room == "#lobby"));
    server.logged(&["resumed", "name=bob"]);
}

#[test]
fn a_second_connection_takes_over_from_one_that_only_seems_to_live() {
    let server = Server::start(&[]);
    let (mut half_open, token) = registered(&server, "bob");
    let mut second = resuming(&server, "bob", token, Some(0));
    assert!(matches!(second.take(), HubMessage::Resumed(_)));
    half_open.assert_goodbye(GoodbyeCode::TakenOver);
    second.put(&encode(&ClientMessage::Send(Send { to: "bob", body: b"it is me" })));
    assert!(matches!(second.take_beside_acks(), HubMessage::Deliver(_)));
}

#[test]
fn a_ghost_is_found_out_and_its_name_free_after_the_window() {
    let mut server = Server::start(&["--probe-time-max", "0.2", "--resume-time-max", "0.2"]);
    let (mut ghost, token) = registered(&server, "bob");
    let mut later = Peer::connect(server.address());
    later.put(&opening("bob"));
    later.take_preface();
    match later.take() {
        HubMessage::Refused(Refused { code: RefusalCode::NameInUse, wait_ms: Some(wait_ms), .. }) => {
            assert!((100..=400).contains(&wait_ms), "{wait_ms}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(ghost.take(), HubMessage::Ping(_)), "the holder is asked at once");
    ghost.assert_goodbye(GoodbyeCode::TimedOut);
    server.logged(&["left", "name=bob", "not resumed in time"]);
    drop(registered(&server, "bob"));
    let mut late = resuming(&server, "bob", token, Some(0));
    assert!(matches!(late.take(), HubMessage::Refused(Refused { code: RefusalCode::SessionOver, .. })));
}

#[test]
fn without_a_window_a_name_is_free_as_soon_as_its_connection_breaks() {
    let mut server = Server::start(&["--resume-time-max", "0"]);
    drop(registered(&server, "bob"));
    server.logged(&["left", "name=bob", "the connection broke"]);
    drop(registered(&server, "bob"));
}

#[test]
fn sessions_wait_as_long_as_the_address_says_at_which_they_came() {
    let mut command = Command::new(PROGRAM);
    command.args(["--resume-time-max", "0", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0?resume=10m"]);
    let mut server = Server::listening(2, &mut command);
    let [short, long] = [server.addresses[0], server.addresses[1]];
    let told = |address, name: &str| {
        let mut peer = Peer::connect(address);
        peer.put(&opening(name));
        peer.take_preface();
        let HubMessage::Welcome(welcome) = peer.take() else { panic!("the name is free") };
        let window = welcome.limits.resume_ms_max;
        peer.say(&ClientMessage::Ack(Ack { count: 0 }));
        window
    };
    assert_eq!([told(short, "alice"), told(long, "bob")], [0, 600_000]);
    server.logged(&["left", "name=alice"]);
    server.logged(&["lost its connection", "name=bob"]);
    User::registered(short, "alice").close();
    assert!(matches!(User::connect(short).register("bob"), Event::Refused { code: RefusalCode::NameInUse, .. }));
    assert_eq!(server.count_logged(&["left", "name=bob"]), 0);
}
