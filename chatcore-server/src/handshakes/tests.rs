use std::os::unix::net::UnixStream;

use chatcore::wire::{ClientMessage, Message, Preface, Register};
use chatcore::{Denial, Limits, Rate, UserName};
use chatcore_transport::Socket;

use super::*;
use crate::log_in::{Authenticator, LogIn, LogInRequest};

const NOW: Instant = Instant::from_millis(1);

/// What an origin may cause at once, in these tests.
const BURST: u32 = 2_000;

/// Refuses all at once but those who have a credential: it never decides about the others.
struct Gate;

impl Authenticator for Gate {
    fn authenticate(&self, _: &LogInRequest<'_>) -> Result<Admission, Refusal> {
        Err(Refusal::Denied)
    }

    fn authenticate_at_once(&self, request: &LogInRequest<'_>) -> Option<Result<Admission, Refusal>> {
        let refusal = || Refusal::Custom(Denial::new("the name needs a password"));
        match request.registration.credential() {
            b"" => Some(Err(refusal())),
            b"owner" => Some(Ok(Admission::AnotherSession)),
            b"guest" => Some(Ok(Admission::NewUser)),
            _ => None,
        }
    }
}

/// A server without sockets.
struct Bench {
    hub: Hub,
    table: Table,
    limits: DriverLimits,
    pool: Pool,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let log_in = LogIn::new(Gate).with_guests_making_way(true).with_waiting_max(1);
        let pool = Pool::start(&log_in, || {}).expect("the system has threads");
        Self { hub: Hub::new(limits, [7; 32]), table: Table::default(), limits: DriverLimits::default(), pool }
    }

    /// A connection that comes from this address and asks for a name.
    fn ask(&mut self, address: [u8; 4], name: &str, credential: &[u8]) -> usize {
        let (ours, _theirs) = UnixStream::pair().expect("the system has sockets");
        let transport = Transport::Plain(Socket::Unix(mio::net::UnixStream::from_std(ours)));
        let peer = std::net::SocketAddr::from((address, 1)).into();
        let key = open(&self.hub, &mut self.table, &self.limits, NOW, transport, peer, None);
        let mut said = Preface::OURS.encode().to_vec();
        ClientMessage::Register(Register { name, credential, frame_bytes_max: u32::MAX }).encode(&mut said);
        let decided_by = (&self.limits, Some(&self.pool));
        drive_handshake(&mut self.hub, &mut self.table, decided_by, NOW, key, &mut &said[..]).expect("it may go on");
        key
    }

    /// What an address has cost so far: uses up what is left.
    fn spend_rest(&mut self, address: [u8; 4]) -> u32 {
        let origin = self.table.census.source(&std::net::SocketAddr::from((address, 1)).into(), &self.limits);
        let charge = |_: &u32| self.hub.charge_origin(NOW, origin, 1).is_some();
        BURST - (0..=BURST).find(charge).expect("it is used up some time")
    }
}

#[test]
fn a_connection_knows_from_its_start_whether_its_origin_is_counted() {
    let mut bench = Bench::new(Limits::default());
    let keys = [[192, 0, 2, 1], [127, 0, 0, 1]].map(|address| bench.ask(address, "alice", b""));
    assert_eq!(keys.map(|key| bench.table.at(key).is_origin_shared), [false, true]);
}

#[test]
fn a_name_costs_its_origin_whoever_refuses_it_and_if_nobody_does() {
    const STRANGER: [u8; 4] = [192, 0, 2, 1];
    let limits = Limits::default().with_origin_rate(Rate { per_s: 1, burst: BURST });
    let cost = |ask: fn(&mut Bench)| {
        let mut bench = Bench::new(limits.clone());
        ask(&mut bench);
        bench.spend_rest(STRANGER)
    };
    // The program knows at once; it never decides, and the connection is gone; and the last places are for others.
    let at_once = cost(|bench| {
        bench.ask(STRANGER, "alice", b"");
    });
    let never = cost(|bench| {
        let key = bench.ask(STRANGER, "alice", b"password");
        bench.table.remove(key);
    });
    let reserved = cost(|bench| {
        bench.table.reserve_from(0);
        bench.ask(STRANGER, "alice", b"guest");
    });
    let admitted = cost(|bench| {
        bench.ask(STRANGER, "alice", b"guest");
        assert_eq!(bench.hub.users(), 1);
    });
    assert_eq!([at_once, never, reserved, admitted], [101; 4]);
}

#[test]
fn who_asks_too_often_is_refused_before_anybody_decides() {
    let mut bench = Bench::new(Limits::default().with_origin_rate(Rate { per_s: 1, burst: BURST }));
    bench.spend_rest([192, 0, 2, 1]);
    let key = bench.ask([192, 0, 2, 1], "alice", b"password");
    let Stage::Handshaking(handshaking) = &bench.table.at(key).stage else { panic!("it has no name") };
    assert!(handshaking.undecided.is_none(), "nobody is asked");
    assert!(!handshaking.handshake.transmit().is_empty(), "it is told");
}

#[test]
fn a_guest_makes_way_for_an_owner_who_gets_in_alone() {
    let mut bench = Bench::new(Limits::default().with_sessions_of_origin_max(1));
    let alice = UserName::new("alice").expect("it is a name");
    bench.ask([192, 0, 2, 1], "alice", b"guest");
    // The owner's origin is full.
    bench.ask([192, 0, 2, 2], "bob", b"guest");
    bench.ask([192, 0, 2, 2], "alice", b"owner");
    assert_eq!((bench.hub.users(), bench.hub.user_value(&alice)), (2, 0), "the guest is still there");
    bench.ask([192, 0, 2, 3], "alice", b"owner");
    assert_eq!((bench.hub.users(), bench.hub.sessions(), bench.hub.user_value(&alice)), (2, 2, OWNED));
    // It makes way at the owner's own address, too, where its place is the owner's.
    bench.ask([192, 0, 2, 5], "carol", b"guest");
    bench.ask([192, 0, 2, 5], "carol", b"owner");
    let carol = UserName::new("carol").expect("it is a name");
    assert_eq!((bench.hub.users(), bench.hub.user_value(&carol)), (3, OWNED));
    bench.hub.kick(NOW, &carol);
    // The owner's second device pushes nobody out.
    bench.ask([192, 0, 2, 4], "alice", b"owner");
    assert_eq!((bench.hub.users(), bench.hub.sessions()), (2, 3));
}

#[cfg(feature = "tls")]
#[test]
fn a_handshake_of_tls_costs_its_origin_what_it_takes_with_the_key() {
    use crate::accept::{Entrance, Way};
    use crate::connections::Connections;
    use crate::origin::local;
    use crate::tls::Tls;
    use crate::wall_clock::WallClock;

    let spent = |algorithm: &'static rcgen::SignatureAlgorithm| {
        let key = rcgen::KeyPair::generate_for(algorithm).expect("it is a key");
        let params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("it is a name");
        let certificate = params.self_signed(&key).expect("it signs");
        let tls = Tls::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).expect("it is right");
        // What a client may choose costs no more than that.
        let groups: Vec<_> = tls.config().crypto_provider().kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups, [rustls::NamedGroup::X25519, rustls::NamedGroup::secp256r1]);
        let limits = Limits::default().with_origin_rate(Rate { per_s: 1, burst: BURST });
        let hub = Hub::new(limits, [7; 32]);
        let mut connections = Connections::new(hub, WallClock::start(), DriverLimits::default(), None);
        connections.set_tls(&tls);
        let (transport, _client) = crate::writing::tests::tls_pair();
        let entrance = Entrance { way: Way::Direct, resume_time_max: None };
        connections.open(NOW, transport, Peer::Local { uid: None }, entrance);
        let charge = |_: &u32| connections.hub().charge_origin(NOW, local(None), 1).is_some();
        let spent = BURST - (0..=BURST).find(charge).expect("it is used up some time");
        assert_eq!(spent, CONNECTION_COST + tls.handshake_cost().units());
        spent
    };
    assert!(spent(&rcgen::PKCS_ECDSA_P256_SHA256) < spent(&rcgen::PKCS_ECDSA_P384_SHA384));
}
