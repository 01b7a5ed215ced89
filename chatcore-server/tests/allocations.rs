//! In the steady state the server allocates nothing: neither for a message, nor for a turn of its loop.

mod support;

use std::net::SocketAddr;
use std::thread;

use allocation_counter::{AllocationInfo, measure};
use chatcore::wire::{Ack, ClientMessage, Deliver, HubMessage, Send};
use chatcore_server::{Config, Server};

use support::Peer;

/// What a server allocates from its first turn to its last, if this many messages go from one user to another, each on
/// its own way.
fn allocated(messages: u64) -> AllocationInfo {
    let server = Server::bind(Config::default().with_listen(["127.0.0.1:0"])).expect("there is a free port");
    let (address, handle) = (server.local_addrs()[0], server.handle());
    let running = thread::spawn(move || measure(|| server.run().expect("the system polls")));
    chat(address, messages);
    handle.shut_down();
    running.join().expect("the server does not panic")
}

fn chat(address: SocketAddr, messages: u64) {
    let (mut alice, mut bob) = (Peer::registered(address, "alice"), Peer::registered(address, "bob"));
    for count in 1..=messages {
        alice.say(&ClientMessage::Send(Send { to: "bob", body: &[7; 64] }));
        let HubMessage::Deliver(Deliver { body: [7, ..], .. }) = bob.take() else { panic!("message {count} is lost") };
        alice.take_accepted(1);
        for user in [&mut alice, &mut bob] {
            user.say(&ClientMessage::Ack(Ack { count }));
        }
    }
}

#[test]
fn no_message_makes_the_server_allocate() {
    let (few, many) = (allocated(200), allocated(2_000));
    let more = many.count_total.saturating_sub(few.count_total);
    assert!(more <= 20, "1 800 more messages make {more} more allocations: {few:?}, {many:?}");
}
