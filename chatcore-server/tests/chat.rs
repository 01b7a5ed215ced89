//! People who behave: they get names, they talk, they quit.

mod support;

use chatcore::wire::{ClientMessage, HubMessage, Register, Send, Who};
use chatcore::{Event, RefusalCode, RejectCode};

use support::{Peer, Server, User, encode, opening};

#[test]
fn two_users_talk() {
    let server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = User::registered(server.address(), "Bob");
    alice.tell("BOB", b"hello");
    assert_eq!(bob.message(), ("alice".into(), b"hello".to_vec()));
    bob.tell("alice", b"hello yourself");
    assert_eq!(alice.message(), ("bob".into(), b"hello yourself".to_vec()));
}

#[test]
fn joining_and_leaving_are_logged_with_name_address_and_reason() {
    let mut server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "Alice");
    server.logged(&["INFO", "joined", "name=alice", "peer=127.0.0.1:"]);
    alice.close();
    server.logged(&["INFO", "left", "name=alice", "reason=goodbye"]);

    drop(User::registered(server.address(), "bob"));
    server.logged(&["INFO", "lost its connection", "name=bob", "reason=\"the connection broke\""]);
}

#[test]
fn a_name_that_was_left_is_free_at_once() {
    let server = Server::start(&[]);
    for _ in 0..100 {
        User::registered(server.address(), "alice").close();
    }
}

#[test]
fn who_is_refused_a_name_may_try_another_on_the_same_connection() {
    let server = Server::start(&[]);
    let _alice = User::registered(server.address(), "alice");
    let mut user = User::connect(server.address());
    for (name, code, words) in [
        ("", RefusalCode::InvalidName, "empty"),
        ("#x", RefusalCode::InvalidName, "U+0023"),
        ("bob\u{202e}", RefusalCode::InvalidName, "U+202E"),
        ("\u{1b}[31m", RefusalCode::InvalidName, "U+001B"),
        (&"x".repeat(33), RefusalCode::InvalidName, "33 bytes"),
        ("ALICE", RefusalCode::NameInUse, "in use"),
        ("\u{ff41}lice", RefusalCode::NameInUse, "in use"),
    ] {
        match user.register(name) {
            Event::Refused { code: given, detail, .. } => {
                assert_eq!(given, code, "{detail}");
                assert!(detail.contains(words), "{detail}");
            }
            other => panic!("{other:?} for {name:?}"),
        }
    }
    let event = user.register("alice2");
    assert!(matches!(&event, Event::Registered { name, .. } if name.as_str() == "alice2"), "{event:?}");
}

#[test]
fn a_message_to_nobody_is_rejected_and_the_connection_goes_on() {
    let server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let number = alice.send("nobody", b"hello?");
    let rejected = alice.event();
    assert!(matches!(rejected, Event::Rejected { number: n, code: RejectCode::NoSuchUser, .. } if n == number));
    alice.tell_oneself("Alice");
}

#[test]
fn ids_hold_the_number_of_the_hub() {
    let server = Server::start(&["--hub-number", "1023"]);
    let mut peer = Peer::registered(server.address(), "alice");
    peer.say(&ClientMessage::Send(Send { to: "alice", body: b"hello" }));
    assert!(matches!(peer.take_beside_acks(), HubMessage::Deliver(message) if message.id.hub_number() == 1023));
}

#[test]
fn input_that_comes_one_byte_at_a_time_is_understood() {
    let server = Server::start(&[]);
    let mut peer = Peer::connect(server.address());
    let mut bytes = opening("alice");
    bytes.extend(encode(&ClientMessage::Send(Send { to: "alice", body: b"hello" })));
    bytes.extend(encode(&ClientMessage::Who(Who { cursor: 0 })));
    for byte in bytes {
        peer.put(&[byte]);
    }
    peer.take_preface();
    assert!(matches!(peer.take(), HubMessage::Welcome(_)));
    assert!(matches!(peer.take_beside_acks(), HubMessage::Deliver(message) if message.body == b"hello"));
    assert!(matches!(peer.take_beside_acks(), HubMessage::Accepted(_)));
    assert!(
        matches!(peer.take_beside_acks(), HubMessage::Online(page) if page.users.iter().map(|user| user.name).eq(["alice"]))
    );
}

#[test]
fn a_long_body_in_small_pieces_is_put_together() {
    let server = Server::start(&[]);
    let body: Vec<u8> = (0..64 << 10).map(|i: u32| i.to_le_bytes()[1]).collect();
    let mut peer = Peer::registered(server.address(), "alice");
    let bytes = encode(&ClientMessage::Send(Send { to: "alice", body: &body })).repeat(3);
    for piece in bytes.chunks(1021) {
        peer.put(piece);
    }
    // How many of them come in one turn of the server's is chance.
    let (mut delivered, mut accepted) = (0, 0);
    while delivered + accepted < 6 {
        match peer.take_beside_acks() {
            HubMessage::Deliver(message) if message.body == body => delivered += 1,
            HubMessage::Accepted(told) => accepted += told.count(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((delivered, accepted), (3, 3));
}

#[test]
fn many_frames_in_one_write_arrive_complete_and_in_order() {
    const MESSAGES: u32 = 10_000;
    let server = Server::start(&[]);
    let mut bob = User::registered(server.address(), "bob");
    let mut bytes = opening("alice");
    for i in 0..MESSAGES {
        bytes.extend(encode(&ClientMessage::Send(Send { to: "bob", body: i.to_string().as_bytes() })));
    }
    let mut alice = Peer::connect(server.address());
    alice.put(&bytes);
    for i in 0..MESSAGES {
        assert_eq!(bob.message(), ("alice".into(), i.to_string().into_bytes()));
    }
    alice.take_preface();
    assert!(matches!(alice.take(), HubMessage::Welcome(_)));
    alice.take_accepted(MESSAGES.into());
}

#[test]
fn whoever_asks_for_names_without_end_is_closed() {
    let mut server = Server::start(&["--registration-attempts-max", "3"]);
    let mut peer = Peer::connect(server.address());
    peer.put(&opening("#1"));
    peer.take_preface();
    for name in ["#2", "#3"] {
        assert!(matches!(peer.take(), HubMessage::Refused(_)));
        peer.say(&ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }));
    }
    assert!(matches!(peer.take(), HubMessage::Refused(_)));
    peer.assert_fault(chatcore::ErrorCode::TooManyAttempts, "3");
    server.logged(&["INFO", "closed before it had a name"]);
}
