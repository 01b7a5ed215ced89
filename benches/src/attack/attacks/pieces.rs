//! Long frames in small pieces: for each piece the server does more than there is in it.

use std::time::Duration;

use chatcore::wire::{ClientMessage, Kind, Send};

use crate::attack::scenario::{Attack, Behaviour, Greeting, Needs, Scenario, flood, frame};

pub(super) const ALL: &[Attack] = &[
    Attack {
        name: "trickle-frame",
        about: "1 000 sessions hold most of a long frame each, and add a byte every 20 ms",
        scenario: trickle_frame,
    },
    Attack {
        name: "tls-records",
        about: "sends of 60 kB in records of TLS with ten bytes each",
        scenario: tls_records,
    },
];

const SESSIONS: usize = 1_000;

const PACE: Duration = Duration::from_millis(20);

/// Bytes of the frame, and those that are there before the attack. The rest takes longer than any attack.
const FRAME_BYTES: u32 = 65_000;
const BEGUN_BYTES: usize = 60_000;

const BODY_BYTES: usize = 60_000;

fn trickle_frame(addresses: usize) -> Scenario {
    let mut begun = FRAME_BYTES.to_le_bytes().to_vec();
    begun.push(Kind::SEND.0);
    begun.resize(BEGUN_BYTES, b'x');
    let greeting = Greeting::new(begun, 0);
    let behaviour = Behaviour::Flood { greeting, flood: flood(b"x".to_vec(), 1), again_after: Some(PACE) };
    Scenario { attackers: vec![behaviour; SESSIONS], addresses: Some(addresses), ..Scenario::default() }
}

fn tls_records(attackers: usize) -> Scenario {
    let send = frame(&ClientMessage::Send(Send { to: "nobody", body: &vec![b'x'; BODY_BYTES] }));
    Scenario { needs: Needs::Tls, attackers: vec![Behaviour::flood(send); attackers], ..Scenario::default() }
}
