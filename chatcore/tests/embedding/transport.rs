//! Transports of embedders in the simulator: right ones keep every promise, and what is wrong with others is found.

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;

use chatcore::sim::{End, Plan, Property, Random, Summary, TransportEnd, TransportError, Violation, World};

use super::custom_transport::{self, Framed};

/// Runs in which a right transport keeps every promise.
const RUNS: u64 = 200;

/// Runs until one of them must have found what is wrong.
const RUNS_UNTIL_FOUND: u64 = 20;

/// A run over a transport, without attackers: a transport that waits for the other end is too slow beside them.
fn run<T: TransportEnd + 'static>(seed: u64, make: impl FnMut(End) -> T + 'static) -> Result<Summary, Violation> {
    let mut random = Random::new(seed);
    let plan = Plan::draw(&mut random);
    World::new(random.draw(), plan).with_transport(make).run()
}

/// The first violation over a transport that is wrong.
#[track_caller]
fn found<T: TransportEnd + 'static, M: FnMut(End) -> T + 'static>(make: impl Fn() -> M) -> Violation {
    let violation = (0..RUNS_UNTIL_FOUND).find_map(|seed| run(seed, make()).err());
    violation.expect("it is found what is wrong with this transport")
}

#[test]
fn the_transport_of_the_example_keeps_every_promise() {
    match custom_transport::run(RUNS) {
        Ok(all) => {
            assert!(all.seen > 100 * RUNS, "only {} messages were seen", all.seen);
            assert!(all.resumptions > RUNS, "only {} sessions were resumed", all.resumptions);
        }
        Err((seed, violation)) => panic!("seed {seed}: {violation}"),
    }
}

#[test]
fn a_transport_that_waits_for_answers_keeps_every_promise() {
    for seed in 0..RUNS {
        if let Err(violation) = run(seed, |_| StopAndWait::new(true)) {
            panic!("seed {seed}: {violation}");
        }
    }
}

#[test]
fn a_run_over_a_transport_is_repeated_from_its_seed() {
    let framed = |_| Framed::default();
    assert_eq!(run(7, framed), run(7, framed));
}

#[test]
fn a_transport_that_drops_a_byte_is_found() {
    let violation = found(|| |_| Altered(Framed::default(), |bytes| bytes.retain(|byte| *byte != 0x50)));
    assert_eq!(violation.property, Property::Transport, "{violation}");
}

#[test]
fn a_transport_that_repeats_a_byte_is_found() {
    let violation = found(|| {
        |_| {
            Altered(Framed::default(), |bytes| {
                if let Some(last) = bytes.last() {
                    bytes.push(*last);
                }
            })
        }
    });
    assert_eq!(violation.property, Property::Transport, "{violation}");
}

#[test]
fn a_transport_that_changes_the_order_is_found() {
    let violation = found(|| |_| Altered(Framed::default(), |bytes| bytes.reverse()));
    assert_eq!(violation.property, Property::Transport, "{violation}");
}

#[test]
fn a_transport_that_loses_the_rest_when_it_is_closed_is_found() {
    let violation = found(|| |_| StopAndWait::new(false));
    assert_eq!(violation.property, Property::Transport, "{violation}");
    assert!(violation.detail.contains("the last"), "{violation}");
}

#[test]
fn a_transport_that_keeps_what_it_has_is_found() {
    let violation = found(|| |_| Late::default());
    assert_eq!(violation.property, Property::Progress, "{violation}");
    assert!(violation.detail.contains("the transport holds"), "{violation}");
}

#[test]
fn a_transport_that_keeps_a_buffer_from_one_connection_to_the_next_is_found() {
    let violation = found(|| {
        let ends: [Rc<RefCell<StopAndWait>>; 2] = Default::default();
        move |end| Shared(ends[end as usize].clone())
    });
    assert_eq!(violation.property, Property::Transport, "{violation}");
}

#[test]
fn a_transport_that_never_gets_anything_through_is_found() {
    let violation = found(|| |_| Altered(Broken, |_| {}));
    assert_eq!(violation.property, Property::Progress, "{violation}");
}

#[test]
fn a_transport_that_gives_up_now_and_then_only_breaks_connections() {
    for seed in 0..RUNS_UNTIL_FOUND {
        let mut connections = 0;
        let make = move |_| {
            connections += 1;
            GivesUp { framed: Framed::default(), bytes_left: if connections % 3 == 0 { 2_000 } else { usize::MAX } }
        };
        if let Err(violation) = run(seed, make) {
            panic!("seed {seed}: {violation}");
        }
    }
}

/// What is sent is altered before.
struct Altered<T>(T, fn(&mut Vec<u8>));

impl<T: TransportEnd> TransportEnd for Altered<T> {
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
        let mut bytes = bytes.to_vec();
        (self.1)(&mut bytes);
        self.0.send(&bytes, wire)
    }

    fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError> {
        self.0.receive(wire, bytes)
    }
}

/// It sends one frame, and the next one when that is acknowledged. A frame has a kind, a length and a body.
struct StopAndWait {
    kept: Vec<u8>,
    waits: bool,
    acks: usize,
    partial: Vec<u8>,
    /// What is kept goes out when the connection is closed.
    is_right: bool,
}

impl Default for StopAndWait {
    fn default() -> Self {
        Self::new(true)
    }
}

impl StopAndWait {
    const DATA: u8 = 0;
    const ACK: u8 = 1;

    fn new(is_right: bool) -> Self {
        Self { kept: Vec::new(), waits: false, acks: 0, partial: Vec::new(), is_right }
    }

    fn put(kind: u8, body: &[u8], wire: &mut Vec<u8>) {
        wire.push(kind);
        wire.extend(u32::try_from(body.len()).expect("it is short").to_le_bytes());
        wire.extend(body);
    }
}

impl TransportEnd for StopAndWait {
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
        self.kept.extend(bytes);
        self.transmit(wire);
        Ok(())
    }

    fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError> {
        self.partial.extend(wire);
        let mut rest = &self.partial[..];
        while let Some(([kind, length @ ..], after)) = rest.split_first_chunk::<5>() {
            let length = usize::try_from(u32::from_le_bytes(*length))?;
            let Some((body, next)) = after.split_at_checked(length) else { break };
            match *kind {
                Self::DATA => {
                    bytes.extend(body);
                    self.acks += 1;
                }
                Self::ACK => self.waits = false,
                other => return Err(format!("there are no frames of the kind {other}").into()),
            }
            rest = next;
        }
        let used = self.partial.len() - rest.len();
        self.partial.drain(..used);
        Ok(())
    }

    fn transmit(&mut self, wire: &mut Vec<u8>) {
        for _ in 0..mem::take(&mut self.acks) {
            Self::put(Self::ACK, &[], wire);
        }
        if !self.kept.is_empty() && !self.waits {
            Self::put(Self::DATA, &mem::take(&mut self.kept), wire);
            self.waits = true;
        }
    }

    fn close(&mut self, wire: &mut Vec<u8>) {
        if self.is_right {
            self.waits = false;
            self.transmit(wire);
        }
    }
}

/// It sends a byte when the next one comes.
#[derive(Default)]
struct Late(Vec<u8>);

impl TransportEnd for Late {
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
        self.0.extend(bytes);
        wire.extend(self.0.drain(..self.0.len() - 1));
        Ok(())
    }

    fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError> {
        bytes.extend(wire);
        Ok(())
    }

    fn close(&mut self, wire: &mut Vec<u8>) {
        wire.append(&mut self.0);
    }
}

/// Connections share what belongs to each of them.
struct Shared(Rc<RefCell<StopAndWait>>);

impl TransportEnd for Shared {
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
        self.0.borrow_mut().send(bytes, wire)
    }

    fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError> {
        self.0.borrow_mut().receive(wire, bytes)
    }

    fn transmit(&mut self, wire: &mut Vec<u8>) {
        self.0.borrow_mut().transmit(wire);
    }
}

/// Nothing comes out.
struct Broken;

impl TransportEnd for Broken {
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
        wire.extend(bytes);
        Ok(())
    }

    fn receive(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<(), TransportError> {
        Err("it does not work".into())
    }
}

/// It fails after some bytes, in either direction.
struct GivesUp {
    framed: Framed,
    bytes_left: usize,
}

impl GivesUp {
    fn count(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.bytes_left = self.bytes_left.checked_sub(bytes.len()).ok_or("it was enough")?;
        Ok(())
    }
}

impl TransportEnd for GivesUp {
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
        self.count(bytes)?;
        self.framed.send(bytes, wire)
    }

    fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError> {
        self.count(wire)?;
        self.framed.receive(wire, bytes)
    }
}
