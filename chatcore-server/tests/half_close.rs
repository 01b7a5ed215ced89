//! Peers that end their side of a connection when they have asked for all that they want, and read on.

mod support;

use std::net::Shutdown;

use chatcore::wire::{ClientMessage, HubMessage, Send, Who};

use support::{Peer, Server, encode, opening};

/// What a peer was told until the end: messages that were accepted, those that were rejected, lists, and messages.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    accepted: u64,
    rejected: u64,
    lists: u64,
    delivered: u64,
}

impl Told {
    /// Reads to the end, which must be an orderly one.
    fn until_end(peer: &mut Peer) -> Self {
        let mut told = Self::default();
        loop {
            match peer.try_take() {
                Ok(HubMessage::Accepted(accepted)) => told.accepted += accepted.count(),
                Ok(HubMessage::Rejected(_)) => told.rejected += 1,
                Ok(HubMessage::Online(_)) => told.lists += 1,
                Ok(HubMessage::Deliver(_)) => told.delivered += 1,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return told,
                Err(error) => panic!("{error}, after {told:?}"),
            }
        }
    }
}

fn send(to: &str, body: &[u8]) -> Vec<u8> {
    encode(&ClientMessage::Send(Send { to, body }))
}

#[test]
fn who_ends_its_side_after_its_last_request_gets_all_answers_and_then_the_end() {
    let mut server = Server::start(&["--log-lines-per-s", "0", "--log-origin-lines-per-s", "0"]);
    let _bob = Peer::registered(server.address(), "bob");
    for round in 0..20 {
        let name = format!("alice{round}");
        let mut alice = Peer::registered(server.address(), &name);
        for _ in 0..6 {
            alice.put(&send("bob", b"hello"));
        }
        alice.put(&send("nobody", b"hello"));
        alice.put(&encode(&ClientMessage::Who(Who { cursor: 0 })));
        alice.stream.shutdown(Shutdown::Write).expect("it is connected");
        let told = Told::until_end(&mut alice);
        assert_eq!(told, Told { accepted: 6, rejected: 1, lists: 1, delivered: 0 }, "round {round}");
        server.logged(&["lost its connection", &format!("name={name} ")]);
    }
}

#[test]
fn who_says_all_at_once_and_ends_its_side_gets_all_that_it_has_sent_to_itself() {
    let server = Server::start(&[]);
    let mut alice = Peer::connect(server.address());
    let mut said = opening("alice");
    for _ in 0..40 {
        said.extend(send("alice", &vec![7; 60_000]));
    }
    // It does not read while it writes: the server takes all the same, because it keeps what it has for her.
    alice.put(&said);
    alice.stream.shutdown(Shutdown::Write).expect("it is connected");
    alice.take_preface();
    assert_eq!(Told::until_end(&mut alice), Told { accepted: 40, rejected: 0, lists: 0, delivered: 40 });
}
