//! The driver against a server that does what the test wants, byte for byte.

mod announced;
mod driver_loop;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use chatcore_client::chatcore::Client;
use chatcore_client::chatcore::wire::{
    Ack, Announced, Deliver, HubMessage, Message, MessageId, Ping, Preface, Presence, Resumed, Token as SessionToken,
    Welcome,
};
use chatcore_client::{
    ClientConfig, ClientError, ConnectError, Connection, Driver, Endpoint, Event, SessionTicket, Target,
};
use mio::{Events, Interest, Poll, Token};

use self::announced::LIMITS;
use self::driver_loop::{DriverLoop, PATIENCE};

/// The idle time that the server announces where none is wanted.
const LONG: Duration = Duration::from_secs(3_600);

/// A driver, registered as alice, and its server.
struct Pair {
    client: DriverLoop,
    server: TcpStream,
    listener: TcpListener,
}

impl Pair {
    fn with_idle_time(idle_time_max: Duration) -> Self {
        Self::with(Announced { idle_ms_max: u32::try_from(idle_time_max.as_millis()).unwrap(), ..LIMITS })
    }

    fn with(limits: Announced) -> Self {
        Self::configured(ClientConfig::default(), limits)
    }

    fn configured(config: ClientConfig, limits: Announced) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let driver = Driver::connect(listener.local_addr().unwrap(), config).unwrap();
        let mut client = DriverLoop::of(driver);
        client.driver.register("Alice", b"secret").unwrap();
        let mut pair = Self { client, server: listener.accept().unwrap().0, listener };
        pair.server.write_all(&Preface::OURS.encode()).unwrap();
        pair.client.until(|driver| driver.connected().then_some(()));
        pair.say(&HubMessage::Welcome(Welcome {
            name: "alice",
            display_name: None,
            token: SessionToken::from_bytes([7; 16]),
            limits,
        }));
        let registered = pair.client.until(Driver::poll_event);
        assert!(matches!(registered, Event::Registered { name, .. } if name.as_str() == "alice"));
        pair
    }

    /// The server says this.
    fn say(&mut self, message: &HubMessage<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.server.write_all(&bytes).unwrap();
    }
}

#[test]
fn an_acknowledgement_alone_makes_room_at_once() {
    let mut pair = Pair::with_idle_time(LONG);
    let body = vec![b'x'; 60_000];
    let mut sent = 0;
    let full = loop {
        match pair.client.driver.send("bob", &body) {
            Ok(number) => sent = number,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, ClientError::OutboxFull { .. }), "{full:?}");
    // What is acknowledged must be written first: the server reads until it has nearly all of it.
    pair.server.set_nonblocking(true).unwrap();
    let (mut received, mut buffer) = (0, vec![0; 1 << 20]);
    while received < body.len() as u64 * sent {
        pair.client.driver.drive().unwrap();
        match pair.server.read(&mut buffer) {
            Ok(count) => received += count as u64,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    pair.server.set_nonblocking(false).unwrap();
    pair.say(&HubMessage::Ack(Ack { count: sent - 1 }));
    // No event comes with it: that something was read is all there is to notice.
    pair.client.reads();
    pair.client.driver.send("bob", &body).unwrap();
}

#[test]
fn signs_of_life_count_however_late_they_are_looked_at() {
    let idle = Duration::from_millis(20);
    let mut pair = Pair::with_idle_time(idle);
    pair.say(&HubMessage::Ping(Ping { nonce: 1 }));
    // Nobody drives for much longer than a client waits for a silent server.
    Poll::new().unwrap().poll(&mut Events::with_capacity(1), Some(idle * 3)).unwrap();
    pair.client.driver.drive().unwrap();
    assert_eq!(pair.client.driver.poll_event(), None, "it is not over");
    let mut pong = [0; 256];
    assert!(pair.server.read(&mut pong).unwrap() > 0);
}

#[test]
fn a_connection_that_cannot_be_made_is_an_error() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut driver = Driver::connect(address, ClientConfig::default()).unwrap();
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(8);
    poll.registry().register(&mut driver, Token(0), Interest::READABLE | Interest::WRITABLE).unwrap();
    let error = loop {
        match driver.drive() {
            Ok(_) => poll.poll(&mut events, Some(PATIENCE)).unwrap(),
            Err(error) => break error,
        }
        assert!(!driver.connected() && !events.is_empty());
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    for _ in 0..2 {
        let again = driver.drive().expect_err("it does not wait for what nobody makes");
        assert_eq!((again.kind(), again.to_string()), (error.kind(), error.to_string()));
    }
}

#[test]
fn a_credential_goes_nowhere_where_others_could_read_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap();
    // Nobody has this address (RFC 5737), and nothing is sent there.
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 1));
    let config = ClientConfig::default();
    let to = |targets| Driver::connect(here, config.clone()).unwrap().with_alternatives(targets);
    let mut open = to(vec![Target::from(elsewhere)]);
    assert_eq!((open.is_private(), open.register("alice", b"secret")), (false, Err(ClientError::NotPrivate)));
    open.register("alice", b"").unwrap();
    let mut trusting = to(Endpoint::from(elsewhere).with_trusted_network().targets().unwrap());
    assert_eq!((trusting.is_private(), trusting.register("alice", b"secret")), (true, Ok(())));
    // A hub that says that the session is over would get it.
    let ticket = SessionTicket::new("alice".parse().unwrap(), SessionToken::from_bytes([7; 16]));
    let resume = |to: SocketAddr| Driver::resume(to, config.clone(), ticket.clone(), b"secret");
    assert_eq!(resume(elsewhere).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    let kept = resume(here).unwrap().with_alternatives([elsewhere.into()]);
    assert!(kept.is_private(), "others are left out");
    let error = Connection::resume(&elsewhere.into(), PATIENCE, &config, &ticket, b"secret").unwrap_err();
    assert!(matches!(&error, ConnectError::NotPrivate { address } if *address == elsewhere.to_string()), "{error}");
}

#[test]
fn a_driver_shows_neither_the_token_nor_the_credential() {
    let mut pair = Pair::with_idle_time(LONG);
    // The start of a frame is kept until the rest comes: here, of a welcome.
    pair.server.write_all(&[17, 0, 0, 0, 2, 7, 7, 7, 7, 7]).unwrap();
    pair.client.reads();
    assert_eq!(pair.client.driver.client().ticket().map(|ticket| *ticket.token.as_bytes()), Some([7; 16]));
    for printed in [format!("{:?}", pair.client.driver), format!("{:#?}", pair.client.driver)] {
        let printed: String = printed.split_whitespace().collect();
        assert!(!printed.contains("7,7,7,7") && !printed.contains("115,101,99,114"), "{printed}");
    }
}

/// Sends these frames again and again until the driver, whose program takes nothing, reads no more. What waits is in
/// the bound and one read, and when the program has taken some of it, the driver reads on.
fn assert_bounded(outbox_bytes_max: u32, frames: &[u8], waiting: fn(&Client) -> usize, (bound, over): (usize, usize)) {
    // Far more than the bounds, and what the system keeps on the way.
    const SENT_BYTES_MAX: usize = 128 << 20;
    let mut pair = Pair::with(Announced { outbox_bytes_max, ..LIMITS });
    pair.server.set_nonblocking(true).unwrap();
    let mut sent = 0;
    // True if the system took something.
    let mut write = |server: &mut TcpStream| match server.write(&frames[sent % frames.len()..]) {
        Ok(count) => {
            sent += count;
            assert!(sent < SENT_BYTES_MAX, "all is read");
            true
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    };
    loop {
        write(&mut pair.server);
        let has_read = pair.client.driver.drive().unwrap();
        let bytes = waiting(pair.client.driver.client());
        assert!(bytes <= bound + over, "{bytes} bytes wait");
        if bytes > bound && !has_read {
            break;
        }
    }
    while write(&mut pair.server) {}
    assert!(!pair.client.driver.drive().unwrap(), "there is more, and it is not read");
    while waiting(pair.client.driver.client()) > bound {
        assert!(pair.client.driver.poll_event().is_some());
    }
    pair.client.reads();
}

/// A server that heeds no acknowledgement does not fill the memory of a program that takes nothing, whatever it
/// announces.
#[test]
fn nothing_is_read_while_too_much_waits_for_the_program() {
    // A read, and the rest of a frame.
    const OVER_BYTES_MAX: usize = 128 << 10;
    let (body, mut frame) = (vec![b'x'; 60_000], Vec::new());
    HubMessage::Deliver(Deliver { id: MessageId(7), from: "bob", body: &body }).encode(&mut frame);
    for (outbox_bytes_max, bound) in [(1 << 20, 5 << 18), (u32::MAX, 16 << 20)] {
        assert_bounded(outbox_bytes_max, &frame, Client::waiting_bytes, (bound, OVER_BYTES_MAX));
    }
}

/// The same where an event takes much more room than its frame.
#[test]
fn nothing_is_read_while_what_waits_takes_too_much_memory() {
    // A read of the smallest frames.
    const OVER_BYTES_MAX: usize = 2 << 20;
    let mut frames = Vec::new();
    for _ in 0..10_000 {
        HubMessage::Presence(Presence { name: "b", online: true, display_name: None }).encode(&mut frames);
    }
    assert_bounded(u32::MAX, &frames, Client::waiting_memory_bytes, (256 << 20, OVER_BYTES_MAX));
}

/// Otherwise the client would take each connection for lost on which it asks for its session.
#[test]
fn the_answer_to_a_resume_is_read_while_too_much_waits_for_the_program() {
    let config = ClientConfig::default().with_probe_time_max(Duration::from_millis(1));
    let mut pair = Pair::configured(config, LIMITS);
    let body = vec![b'x'; 60_000];
    while pair.client.driver.client().waiting_bytes() <= 5 << 18 {
        pair.say(&HubMessage::Deliver(Deliver { id: MessageId(7), from: "bob", body: &body }));
        pair.client.driver.drive().unwrap();
    }
    // The server is asked whether it is there, and no answer is read.
    pair.client.driver.hurry();
    pair.client.until(|driver| driver.client().is_resuming().then_some(()));
    pair.server = pair.listener.accept().unwrap().0;
    pair.server.write_all(&Preface::OURS.encode()).unwrap();
    pair.say(&HubMessage::Resumed(Resumed { received: 0, sent: 0, limits: LIMITS }));
    pair.client.until(|driver| (!driver.client().is_resuming()).then_some(()));
    let driver = &mut pair.client.driver;
    assert!(std::iter::from_fn(|| driver.poll_event()).any(|event| event == Event::Resumed));
}
