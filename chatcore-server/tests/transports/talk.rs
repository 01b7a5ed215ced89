//! What two users say to each other, whatever carries it.

use std::io::{Read, Write};
use std::net::TcpStream;

use chatcore::wire::{ClientMessage, HubMessage, Send};

use crate::support::Peer;

/// Each sends the other long messages: first one and the other twenty, then the other way round.
pub(crate) fn talk<S: Read + Write>(alice: &mut Peer<S>, bob: &mut Peer<TcpStream>) {
    let body = vec![7; 60_000];
    for (from, to) in [(1, 20), (20, 1)] {
        for _ in 0..from {
            alice.say(&ClientMessage::Send(Send { to: "bob", body: &body }));
        }
        for _ in 0..to {
            bob.say(&ClientMessage::Send(Send { to: "alice", body: &body }));
        }
        let mut taken = (0, 0);
        while taken != (from, to) {
            if let HubMessage::Deliver(deliver) = alice.take_beside_acks() {
                assert_eq!(deliver.body, body);
                taken.1 += 1;
            }
            while taken.0 < from {
                if let HubMessage::Deliver(deliver) = bob.take_beside_acks() {
                    assert_eq!(deliver.body, body);
                    taken.0 += 1;
                }
            }
        }
    }
}
