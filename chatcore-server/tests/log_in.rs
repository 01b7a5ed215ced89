//! Who gets a name is decided by the program, on the server's own threads.

mod support;

use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chatcore::wire::{self, ClientMessage, HubMessage, Preface, Refused, Register, Resume, Welcome};
use chatcore::{Admission, GoodbyeCode, Limits, Refusal, RefusalCode, Token};
use chatcore_server::{Authenticator, Config, DriverLimits, Handle, LogIn, LogInRequest, Server};
use socket2::SockRef;

use crate::support::{PATIENCE, Peer, encode};

/// A server in this process. It stops with the value.
struct Serving {
    address: SocketAddr,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    fn start(log_in: LogIn, limits: Limits) -> Self {
        Self::with(Config::default().with_listen(["127.0.0.1:0"]).with_log_in(Some(log_in)).with_limits(limits))
    }

    /// A server behind a proxy of this machine.
    fn behind_proxy(log_in: LogIn) -> Self {
        let here = "127.0.0.1".parse().expect("it is an address");
        let config = Config::default().with_listen(["127.0.0.1:0?proxy=yes"]).with_proxy_from([here]);
        Self::with(config.with_log_in(Some(log_in)))
    }

    fn with(config: Config) -> Self {
        let server = Server::bind(config).expect("the configuration is right");
        let (address, handle) = (server.local_addrs()[0], server.handle());
        let thread = Some(thread::spawn(move || server.run().expect("the system works")));
        Self { address, handle, thread }
    }

    fn ask(&self, name: &str, credential: &[u8]) -> Peer {
        self.ask_through(b"", name, credential)
    }

    /// The same after the header of a proxy.
    fn ask_through(&self, header: &[u8], name: &str, credential: &[u8]) -> Peer {
        let mut peer = Peer::connect(self.address);
        peer.put(header);
        peer.put(&Preface::OURS.encode());
        peer.say(&register(name, credential));
        peer
    }

    /// Lets the server go around once: nobody decides about a resume.
    fn turn(&self) {
        self.turn_through(b"");
    }

    /// The same after the header of a proxy.
    fn turn_through(&self, header: &[u8]) {
        let mut peer = Peer::connect(self.address);
        peer.put(header);
        peer.put(&Preface::OURS.encode());
        let token = Token::from_bytes([7; 16]);
        peer.say(&ClientMessage::Resume(Resume {
            name: "x",
            token,
            received: None,
            attempt: 1,
            frame_bytes_max: 1408,
        }));
        peer.take_preface();
        assert_eq!(refusal(&mut peer), RefusalCode::SessionOver);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.handle.shut_down();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_some_and(|ended| ended.is_ok()), "the server ends well");
    }
}

fn register<'a>(name: &'a str, credential: &'a [u8]) -> ClientMessage<'a> {
    ClientMessage::Register(Register { name, credential, frame_bytes_max: u32::MAX })
}

fn refusal(peer: &mut Peer) -> RefusalCode {
    match peer.take() {
        HubMessage::Refused(Refused { code, .. }) => code,
        other => panic!("{other:?} in place of a refusal"),
    }
}

fn assert_welcome(peer: &mut Peer) {
    let answer = peer.take();
    assert!(matches!(answer, HubMessage::Welcome(Welcome { .. })), "{answer:?}");
}

/// Takes one word, and panics over another.
struct Word;

impl Authenticator for Word {
    fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal> {
        assert!(request.is_private() && !request.is_encrypted, "it comes from this machine, over TCP");
        match request.registration.credential() {
            b"right" => Ok(Admission::NewUser),
            b"panic" => panic!("as the test wants"),
            _ => Err(Refusal::Denied),
        }
    }
}

#[test]
fn a_name_is_for_who_proves_its_right_to_it() {
    let serving = Serving::start(LogIn::new(Word), Limits::default());
    let mut peer = serving.ask("alice", b"wrong");
    peer.take_preface();
    assert_eq!(refusal(&mut peer), RefusalCode::Denied);
    peer.say(&register("alice", b"panic"));
    assert_eq!(refusal(&mut peer), RefusalCode::Denied);
    // What comes in the same breath waits for the decision.
    let send = ClientMessage::Send(wire::Send { to: "alice", body: b"hello" });
    peer.put(&[encode(&register("Alice", b"right")), encode(&send)].concat());
    assert_welcome(&mut peer);
    let HubMessage::Deliver(deliver) = peer.take_beside_acks() else { panic!("a message comes") };
    assert_eq!((deliver.from, deliver.body), ("alice", &b"hello"[..]));
}

#[test]
fn what_a_proxy_carries_is_private_if_it_is_encrypted() {
    struct Private;
    impl Authenticator for Private {
        fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal> {
            if request.is_private() { Ok(Admission::NewUser) } else { Err(Refusal::Denied) }
        }
    }
    // Version 2 from 127.0.0.1, with what the proxy knows of TLS: it is spoken.
    let over_tls =
        [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\x7f\0\0\x01\x7f\0\0\x01\0\x01\0\x02", &[0x20, 0, 5, 1, 0, 0, 0, 0][..]]
            .concat();
    let serving = Serving::behind_proxy(LogIn::new(Private));
    for header in [&b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n"[..], b"PROXY TCP6 ::1 ::1 1 2\r\n", b"PROXY UNKNOWN\r\n"]
    {
        let mut alice = serving.ask_through(header, "alice", b"");
        alice.take_preface();
        assert_eq!(refusal(&mut alice), RefusalCode::Denied, "{}", header.escape_ascii());
    }
    let mut alice = serving.ask_through(&over_tls, "alice", b"");
    alice.take_preface();
    assert_welcome(&mut alice);
}

/// Tells who is to be decided about, and waits for what it is told.
struct Slow {
    asked: Mutex<Sender<String>>,
    decisions: Mutex<Receiver<Result<Admission, Refusal>>>,
}

impl Authenticator for Slow {
    fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal> {
        let name = request.registration.name().to_string();
        // The test may be over.
        let _ = self.asked.lock().expect("nobody panics").send(name);
        self.decisions.lock().expect("nobody panics").recv().unwrap_or(Err(Refusal::Denied))
    }
}

struct Desk {
    asked: Receiver<String>,
    decisions: Sender<Result<Admission, Refusal>>,
}

impl Desk {
    fn new() -> (Self, LogIn) {
        let (asked, decisions) = (mpsc::channel(), mpsc::channel());
        let slow = Slow { asked: Mutex::new(asked.0), decisions: Mutex::new(decisions.1) };
        (Self { asked: asked.1, decisions: decisions.0 }, LogIn::new(slow))
    }

    fn asked(&self) -> String {
        self.asked.recv_timeout(PATIENCE).expect("it is asked")
    }

    fn decide(&self, decision: Result<Admission, Refusal>) {
        self.decisions.send(decision).expect("the server is there");
    }
}

#[test]
fn nobody_else_waits_for_a_decision() {
    let (desk, log_in) = Desk::new();
    let serving = Serving::start(log_in, Limits::default());
    let mut bob = serving.ask("bob", b"");
    desk.decide(Ok(Admission::NewUser));
    bob.take_preface();
    assert_welcome(&mut bob);
    assert_eq!(desk.asked(), "bob");

    let mut alice = serving.ask("alice", b"");
    assert_eq!(desk.asked(), "alice");
    bob.say(&ClientMessage::Send(wire::Send { to: "bob", body: b"hello" }));
    assert!(matches!(bob.take_beside_acks(), HubMessage::Deliver(_)), "bob is served meanwhile");
    desk.decide(Ok(Admission::NewUser));
    alice.take_preface();
    assert_welcome(&mut alice);
}

#[test]
fn who_is_gone_is_not_decided_about() {
    let (desk, log_in) = Desk::new();
    let serving = Serving::start(log_in, Limits::default());
    let mut first = serving.ask("first", b"");
    assert_eq!(desk.asked(), "first");
    let gone = serving.ask("gone", b"");
    serving.turn();
    // A reset says that nobody reads any more. Who ends its side alone may still read.
    SockRef::from(&gone.stream).set_linger(Some(Duration::ZERO)).expect("it is connected");
    drop(gone);
    serving.turn();
    let mut last = serving.ask("last", b"");
    serving.turn();
    for name in [&mut first, &mut last] {
        desk.decide(Ok(Admission::NewUser));
        name.take_preface();
        assert_welcome(name);
    }
    assert_eq!(desk.asked(), "last");
}

#[test]
fn who_ends_its_side_while_it_waits_gets_the_answer_and_then_the_end() {
    let (desk, log_in) = Desk::new();
    let serving = Serving::start(log_in, Limits::default());
    for decision in [Ok(Admission::NewUser), Err(Refusal::Denied)] {
        let mut alice = serving.ask("alice", b"");
        if decision.is_ok() {
            alice.say(&ClientMessage::Send(wire::Send { to: "alice", body: b"hello" }));
        }
        assert_eq!(desk.asked(), "alice");
        alice.stream.shutdown(Shutdown::Write).expect("it is connected");
        // The server knows of it before the decision.
        serving.turn();
        desk.decide(decision.clone());
        alice.take_preface();
        if decision.is_ok() {
            assert_welcome(&mut alice);
            let HubMessage::Deliver(deliver) = alice.take_beside_acks() else { panic!("a message comes") };
            assert_eq!(deliver.body, b"hello");
            alice.take_accepted(1);
            let end = loop {
                match alice.try_take() {
                    Ok(told) => assert!(matches!(told, HubMessage::Ack(_)), "{told:?}"),
                    Err(error) => break error.kind(),
                }
            };
            assert_eq!(end, ErrorKind::UnexpectedEof);
        } else {
            assert_eq!(refusal(&mut alice), RefusalCode::Denied);
            alice.assert_end();
        }
    }
}

#[test]
fn of_one_origin_only_so_many_wait() {
    let (desk, log_in) = Desk::new();
    let config = Config::default().with_listen(["127.0.0.1:0"]).with_log_in(Some(log_in.with_waiting_of_origin_max(1)));
    let serving = Serving::with(config.with_driver(DriverLimits::default().with_uncounted_origins([])));
    let _decided = serving.ask("decided", b"");
    assert_eq!(desk.asked(), "decided");
    let mut waits = serving.ask("waits", b"");
    serving.turn();
    let mut refused = serving.ask("refused", b"");
    refused.take_preface();
    assert_eq!(refusal(&mut refused), RefusalCode::RateLimited);
    desk.decide(Ok(Admission::NewUser));
    desk.decide(Ok(Admission::NewUser));
    waits.take_preface();
    assert_welcome(&mut waits);
}

#[test]
fn of_a_shared_origin_as_many_wait_as_there_may() {
    let (desk, log_in) = Desk::new();
    let serving = Serving::start(log_in.with_waiting_of_origin_max(1), Limits::default());
    let names = ["first", "second", "third"];
    let asking = names.map(|name| serving.ask(name, b""));
    for mut asks in asking {
        desk.decide(Ok(Admission::NewUser));
        asks.take_preface();
        assert_welcome(&mut asks);
    }
}

#[test]
fn who_has_most_that_wait_makes_room_for_others() {
    let (desk, log_in) = Desk::new();
    let serving = Serving::behind_proxy(log_in.with_waiting_max(2));
    let ask = |source: &str, name| {
        let header = format!("PROXY TCP6 {source} 2001:db8::1 1 2\r\n");
        serving.ask_through(header.as_bytes(), name, b"")
    };
    let turn = || serving.turn_through(b"PROXY UNKNOWN\r\n");
    let mut first = ask("2001:db8:1:1::", "first");
    assert_eq!(desk.asked(), "first");
    let mut second = ask("2001:db8:1:1::", "second");
    turn();
    let mut third = ask("2001:db8:1:1::", "third");
    turn();
    let mut other = ask("2001:db8:2::", "other");
    third.take_preface();
    assert_eq!(refusal(&mut third), RefusalCode::RateLimited);
    for waiting in [&mut first, &mut second, &mut other] {
        desk.decide(Ok(Admission::NewUser));
        waiting.take_preface();
        assert_welcome(waiting);
    }
}

#[test]
fn a_decision_that_takes_too_long_counts_for_nobody() {
    let (desk, log_in) = Desk::new();
    let limits = Limits::default().with_decision_time_max(Duration::from_millis(200));
    let limits = limits.with_handshake_time_max(2 * PATIENCE);
    let serving = Serving::start(log_in, limits);
    let mut alice = serving.ask("alice", b"");
    assert_eq!(desk.asked(), "alice");
    alice.take_preface();
    alice.assert_goodbye(GoodbyeCode::TimedOut);
    drop(alice);
    serving.turn();
    // The next connection has the same key.
    let mut bob = serving.ask("bob", b"");
    serving.turn();
    desk.decide(Ok(Admission::NewUser));
    assert_eq!(desk.asked(), "bob", "what was decided about alice is not about bob");
    desk.decide(Err(Refusal::Denied));
    bob.take_preface();
    assert_eq!(refusal(&mut bob), RefusalCode::Denied);
}

#[test]
fn an_authenticator_can_be_shared() {
    struct Shared(Arc<Mutex<Vec<String>>>);
    impl Authenticator for Shared {
        fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal> {
            self.0.lock().expect("nobody panics").push(request.registration.display_name().into());
            Ok(Admission::AnotherSession)
        }
    }
    let seen = Arc::default();
    let serving = Serving::start(LogIn::new(Shared(Arc::clone(&seen))).with_threads(2), Limits::default());
    for spelling in ["Alice", "ALICE"] {
        let mut device = serving.ask(spelling, b"");
        device.take_preface();
        assert_welcome(&mut device);
    }
    assert_eq!(*seen.lock().expect("nobody panics"), ["Alice", "ALICE"]);
}

/// Knows guests at once, owners after its desk has decided, and panics over others.
struct Quick(Slow);

impl Authenticator for Quick {
    fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal> {
        self.0.authenticate(request)
    }

    fn authenticate_at_once(&self, request: &LogInRequest<'_>) -> Option<Result<Admission, Refusal>> {
        match request.registration.credential() {
            b"" => Some(Ok(Admission::NewUser)),
            b"no" => Some(Err(Refusal::LockedOut { wait: Duration::from_secs(9) })),
            b"panic" => panic!("as the test wants"),
            _ => None,
        }
    }
}

impl Desk {
    fn quick() -> (Self, LogIn) {
        let (asked, decisions) = (mpsc::channel(), mpsc::channel());
        let slow = Slow { asked: Mutex::new(asked.0), decisions: Mutex::new(decisions.1) };
        (Self { asked: asked.1, decisions: decisions.0 }, LogIn::new(Quick(slow)))
    }
}

#[test]
fn what_is_known_at_once_waits_for_nobody() {
    let (desk, log_in) = Desk::quick();
    let serving = Serving::start(log_in.with_waiting_max(1).with_waiting_of_origin_max(1), Limits::default());
    let mut decided = serving.ask("decided", b"x");
    assert_eq!(desk.asked(), "decided");
    let mut waits = serving.ask("waits", b"x");
    serving.turn();
    // The thread is busy, and no more may wait.
    let mut guest = serving.ask("guest", b"");
    guest.take_preface();
    assert_welcome(&mut guest);
    let mut locked = serving.ask("locked", b"no");
    locked.take_preface();
    match locked.take() {
        HubMessage::Refused(Refused { code, detail, wait_ms }) => {
            assert_eq!((code, wait_ms), (RefusalCode::RateLimited, Some(9_000)));
            assert!(detail.contains("too many wrong credentials"), "{detail}");
        }
        other => panic!("{other:?} in place of a refusal"),
    }
    locked.say(&register("locked", b"panic"));
    assert_eq!(refusal(&mut locked), RefusalCode::Denied);
    for peer in [&mut decided, &mut waits] {
        desk.decide(Ok(Admission::NewUser));
        peer.take_preface();
        assert_welcome(peer);
    }
}

#[test]
fn a_guest_makes_way_for_the_owner_of_its_name_and_an_owner_does_not() {
    let (desk, log_in) = Desk::quick();
    let serving = Serving::start(log_in.with_guests_making_way(true), Limits::default());
    let mut guest = serving.ask("alice", b"");
    guest.take_preface();
    assert_welcome(&mut guest);

    let owner = |admission| {
        let mut owner = serving.ask("Alice", b"x");
        desk.decide(Ok(admission));
        owner.take_preface();
        assert_welcome(&mut owner);
        owner
    };
    let mut telephone = owner(Admission::AnotherSession);
    guest.assert_goodbye(GoodbyeCode::Kicked);
    let mut laptop = owner(Admission::AnotherSession);
    laptop.say(&ClientMessage::Send(wire::Send { to: "alice", body: b"hello" }));
    let HubMessage::Deliver(deliver) = telephone.take_beside_acks() else { panic!("a message comes") };
    assert_eq!(deliver.body, b"hello");

    let mut other = serving.ask("alice", b"");
    other.take_preface();
    assert_eq!(refusal(&mut other), RefusalCode::NameInUse);
}

#[test]
fn without_being_told_so_no_guest_makes_way() {
    let (desk, log_in) = Desk::quick();
    let serving = Serving::start(log_in, Limits::default());
    let mut guest = serving.ask("alice", b"");
    guest.take_preface();
    assert_welcome(&mut guest);
    let mut second = serving.ask("alice", b"x");
    desk.decide(Ok(Admission::AnotherSession));
    second.take_preface();
    assert_welcome(&mut second);
    second.say(&ClientMessage::Send(wire::Send { to: "alice", body: b"hello" }));
    let HubMessage::Deliver(deliver) = guest.take_beside_acks() else { panic!("a message comes") };
    assert_eq!(deliver.body, b"hello");
}
