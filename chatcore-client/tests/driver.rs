//! The driver against a server that does what the test wants, byte for byte.

mod announced;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use chatcore_client::chatcore::wire::{Ack, Announced, HubMessage, Message, Ping, Preface, Welcome};
use chatcore_client::{ClientConfig, ClientError, Driver, Event};
use mio::{Events, Interest, Poll, Token};

use self::announced::LIMITS;

/// After which a test fails that waits for something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The idle time that the server announces where none is wanted.
const LONG: Duration = Duration::from_secs(3_600);

/// A driver, registered as alice, and its server.
struct Pair {
    driver: Driver,
    poll: Poll,
    events: Events,
    server: TcpStream,
}

impl Pair {
    fn with_idle_time(idle_time_max: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut driver = Driver::connect(listener.local_addr().unwrap(), ClientConfig::default()).unwrap();
        let poll = Poll::new().unwrap();
        poll.registry().register(&mut driver, Token(0), Interest::READABLE | Interest::WRITABLE).unwrap();
        driver.register("Alice", b"secret").unwrap();
        let server = listener.accept().unwrap().0;
        let mut pair = Self { driver, poll, events: Events::with_capacity(8), server };
        pair.server.write_all(&Preface::OURS.encode()).unwrap();
        pair.until(|driver| driver.connected().then_some(()));
        let limits = Announced { idle_ms_max: u32::try_from(idle_time_max.as_millis()).unwrap(), ..LIMITS };
        pair.say(&HubMessage::Welcome(Welcome {
            name: "alice",
            display_name: None,
            token: chatcore_client::chatcore::wire::Token::from_bytes([7; 16]),
            limits,
        }));
        let registered = pair.until(Driver::poll_event);
        assert!(matches!(registered, Event::Registered { name, .. } if name.as_str() == "alice"));
        pair
    }

    /// The server says this.
    fn say(&mut self, message: &HubMessage<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.server.write_all(&bytes).unwrap();
    }

    /// Drives the driver as its documentation says, until there is what is looked for.
    fn until<T>(&mut self, mut found: impl FnMut(&mut Driver) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let has_read = self.driver.drive().unwrap();
            if let Some(found) = found(&mut self.driver) {
                return found;
            }
            if !has_read {
                let left = deadline.saturating_duration_since(Instant::now());
                assert!(!left.is_zero(), "it does not come");
                let timeout = self.driver.timeout().map_or(left, |timeout| timeout.min(left));
                self.poll.poll(&mut self.events, Some(timeout)).unwrap();
            }
        }
    }
}

#[test]
fn an_acknowledgement_alone_makes_room_at_once() {
    let mut pair = Pair::with_idle_time(LONG);
    let body = vec![b'x'; 60_000];
    let mut sent = 0;
    let full = loop {
        match pair.driver.send("bob", &body) {
            Ok(number) => sent = number,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, ClientError::OutboxFull { .. }), "{full:?}");
    // What is acknowledged must be written first: the server reads until it has nearly all of it.
    pair.server.set_nonblocking(true).unwrap();
    let (mut received, mut buffer) = (0, vec![0; 1 << 20]);
    while received < body.len() as u64 * sent {
        pair.driver.drive().unwrap();
        match pair.server.read(&mut buffer) {
            Ok(count) => received += count as u64,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    pair.server.set_nonblocking(false).unwrap();
    pair.say(&HubMessage::Ack(Ack { count: sent - 1 }));
    // No event comes with it: that something was read is all there is to notice.
    while !pair.driver.drive().unwrap() {
        pair.poll.poll(&mut pair.events, Some(PATIENCE)).unwrap();
        assert!(!pair.events.is_empty(), "it comes in time");
    }
    pair.driver.send("bob", &body).unwrap();
}

#[test]
fn signs_of_life_count_however_late_they_are_looked_at() {
    let idle = Duration::from_millis(20);
    let mut pair = Pair::with_idle_time(idle);
    pair.say(&HubMessage::Ping(Ping { nonce: 1 }));
    // Nobody drives for much longer than a client waits for a silent server.
    Poll::new().unwrap().poll(&mut pair.events, Some(idle * 3)).unwrap();
    pair.driver.drive().unwrap();
    assert_eq!(pair.driver.poll_event(), None, "it is not over");
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
}

#[test]
fn a_driver_shows_neither_the_token_nor_the_credential() {
    let mut pair = Pair::with_idle_time(LONG);
    // The start of a frame is kept until the rest comes: here, of a welcome.
    pair.server.write_all(&[17, 0, 0, 0, 2, 7, 7, 7, 7, 7]).unwrap();
    while !pair.driver.drive().unwrap() {
        pair.poll.poll(&mut pair.events, Some(PATIENCE)).unwrap();
        assert!(!pair.events.is_empty(), "it comes in time");
    }
    assert_eq!(pair.driver.client().ticket().map(|ticket| *ticket.token.as_bytes()), Some([7; 16]));
    for printed in [format!("{:?}", pair.driver), format!("{:#?}", pair.driver)] {
        let printed: String = printed.split_whitespace().collect();
        assert!(!printed.contains("7,7,7,7") && !printed.contains("115,101,99,114"), "{printed}");
    }
}
