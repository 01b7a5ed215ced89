//! The network of the simulator, as embedders use it for transports of their own.

use std::time::Duration;

use chatcore::Instant;
use chatcore::sim::{Cut, End, Network, NetworkConditions, Random, WireId};

const NOW: Instant = Instant::from_millis(1_000);
const LATER: Instant = Instant::from_millis(600_000);

/// Everything that an end reads until nothing is on its way, and whether the connection is over for it.
fn read(network: &mut Network, wire: WireId, end: End) -> (Vec<u8>, bool) {
    let (mut heard, mut is_over) = (Vec::new(), false);
    while let Some(at) = network.readable_at(wire, end).filter(|_| !is_over) {
        is_over = network.read(at, wire, end, &mut heard);
    }
    (heard, is_over)
}

#[test]
fn bytes_arrive_in_order_however_they_are_split_and_delayed() {
    for seed in 0..100 {
        let conditions = NetworkConditions::draw(&mut Random::new(seed)).with_cut_chance(0).with_buffer_bytes(1 << 20);
        let mut network = Network::new(seed, conditions);
        let wire = network.connect();
        let sent: Vec<u8> = (0..2_000_u32).map(|index| index.to_le_bytes()[0]).collect();
        for piece in sent.chunks(37) {
            assert_eq!(network.write(NOW, wire, End::Client, piece), piece.len());
        }
        assert_eq!(read(&mut network, wire, End::Server), (sent, false), "seed {seed}");
    }
}

#[test]
fn a_planned_cut_lets_exactly_so_many_bytes_through() {
    for after in 0..5 {
        let mut network = Network::new(1, NetworkConditions::calm());
        network.plan(WireId(1), Cut { writer: End::Server, after, noticed: [true, false] });
        let wire = network.connect();
        assert_eq!(network.write(NOW, wire, End::Server, b"hello"), 5);
        let heard = &b"hello"[..usize::try_from(after).unwrap()];
        assert_eq!(read(&mut network, wire, End::Client), (heard.to_vec(), true));
        assert_eq!(network.readable_at(wire, End::Server), None, "this end learns nothing");
        assert_eq!(network.write(LATER, wire, End::Client, b"is there anybody?"), 17, "and writes to nobody");
        assert_eq!(network.readable_at(wire, End::Server), None);
    }
}

#[test]
fn a_reader_that_does_not_read_stops_the_writer() {
    let mut network = Network::new(1, NetworkConditions::calm().with_buffer_bytes(10));
    let wire = network.connect();
    assert_eq!(network.write(NOW, wire, End::Client, b"0123456789abc"), 10);
    assert!(!network.is_writable(wire, End::Client));
    let mut heard = Vec::new();
    assert!(!network.read(LATER, wire, End::Server, &mut heard));
    assert!(network.is_writable(wire, End::Client));
}

#[test]
fn what_was_written_before_a_close_arrives_before_its_news() {
    let mut network = Network::new(1, NetworkConditions::calm().with_delay_max(Duration::from_secs(1)));
    let wire = network.connect();
    assert_eq!(network.write(NOW, wire, End::Client, b"farewell"), 8);
    network.close(NOW, wire, End::Client);
    assert_eq!(network.write(NOW, wire, End::Client, b"!"), 0, "nothing is written to what is closed");
    assert_eq!(read(&mut network, wire, End::Server), (b"farewell".to_vec(), true));
    network.close(NOW, wire, End::Server);
    assert_eq!(network.wires(), []);
}

#[test]
fn better_conditions_end_the_stalls_of_the_old() {
    let stalled = NetworkConditions::calm().with_stall_chance(1_000_000).with_stall_max(Duration::from_secs(1_000));
    let mut network = Network::new(3, stalled);
    let wire = network.connect();
    for _ in 0..50 {
        network.write(NOW, wire, End::Client, b"x");
    }
    let mut heard = Vec::new();
    network.read(NOW + Duration::from_millis(1), wire, End::Server, &mut heard);
    assert!(heard.len() < 50, "something is stalled");
    network.set_conditions(NOW, NetworkConditions::calm());
    network.read(NOW + Duration::from_millis(1), wire, End::Server, &mut heard);
    assert_eq!(heard.len(), 50);
}
