//! Where the driver connects, and what happens when nobody is there.

mod announced;
mod black_hole;
mod driver_loop;

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chatcore_client::chatcore::wire::{
    Goodbye, HubMessage, Message, PREFACE_BYTES, Preface, ReconnectHint, Token, Welcome,
};
use chatcore_client::chatcore::{Backoff, GoodbyeCode};
use chatcore_client::{ClientConfig, ClientError, Connection, Driver, Endpoint, Event, FollowedHost, Resolve};
use chatcore_transport::Socket;

use self::announced::LIMITS;
use self::black_hole::black_hole;
use self::driver_loop::{DriverLoop, PATIENCE};

/// Far less than a system tries to reach an address that nobody answers for, and far more than the next attempt needs.
const SOON: Duration = Duration::from_secs(10);

/// Names that lead where the test wants.
#[derive(Clone, Debug, Default)]
struct Names {
    addresses: Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    fn with(name: &str, addresses: &[SocketAddr]) -> Self {
        let names = Self::default();
        names.set(name, addresses);
        names
    }

    fn set(&self, name: &str, addresses: &[SocketAddr]) {
        self.addresses.lock().unwrap().insert(name.into(), addresses.into());
    }
}

impl Resolve for Names {
    fn resolve(&self, host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().unwrap().push(host.into());
        self.addresses.lock().unwrap().get(host).cloned().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

/// A client of `chat.test`, wherever that is.
struct Client {
    running: DriverLoop,
}

impl Client {
    /// Begins to connect, and tries again at once.
    fn to(names: &Names, followed: &[&str]) -> Self {
        Self::trying_every(Duration::from_millis(1), names, followed)
    }

    /// As [`Client::to`], with another time before each further attempt.
    fn trying_every(wait: Duration, names: &Names, followed: &[&str]) -> Self {
        let endpoint: Endpoint = "chat.test:1".parse().unwrap();
        let mut targets = endpoint.targets_by(names).unwrap().into_iter();
        let backoff = Backoff::default().with_first(wait).with_max(wait);
        let config = ClientConfig::default().with_reconnect(Some(backoff));
        let followed: Vec<FollowedHost> = followed.iter().map(|host| host.parse().unwrap()).collect();
        let driver = Driver::connect(targets.next().unwrap(), config)
            .unwrap()
            .with_alternatives(targets)
            .with_followed(followed)
            .with_resolver(names.clone());
        Self { running: DriverLoop::of(driver) }
    }

    /// Drives until there is what is looked for.
    #[track_caller]
    fn until<T>(&mut self, found: impl FnMut(&mut Driver) -> Option<T>) -> T {
        self.running.until(found)
    }

    /// Connects to the listener, which accepts and speaks for a server.
    fn arrive(&mut self, listener: &TcpListener) -> TcpStream {
        self.until(|driver| driver.connected().then_some(()));
        let mut server = listener.accept().unwrap().0;
        server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
        server
    }

    /// A session with the server at this listener.
    fn registered(names: &Names, followed: &[&str], listener: &TcpListener) -> (Self, TcpStream) {
        let mut client = Self::to(names, followed);
        let server = client.register(listener);
        (client, server)
    }

    /// Gets a session with the server at this listener.
    fn register(&mut self, listener: &TcpListener) -> TcpStream {
        self.running.driver.register("alice", b"").unwrap();
        let mut server = self.arrive(listener);
        welcome(&mut server);
        let event = self.until(Driver::poll_event);
        assert!(matches!(event, Event::Registered { .. }), "{event:?}");
        server
    }

    /// The next attempt to reconnect: where the one before it failed, and why.
    fn failed(&mut self) -> Option<(String, ErrorKind)> {
        self.until(|driver| {
            let event = driver.poll_event()?;
            assert!(matches!(event, Event::Reconnecting { .. }), "{event:?}");
            Some(driver.failed_address().map(str::to_owned).zip(driver.last_error().map(io::Error::kind)))
        })
    }
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn say(server: &mut TcpStream, message: &HubMessage<'_>) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    server.write_all(&bytes).unwrap();
}

/// The server gives alice her name.
fn welcome(server: &mut TcpStream) {
    server.write_all(&Preface::OURS.encode()).unwrap();
    let token = Token::from_bytes([7; 16]);
    say(server, &HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits: LIMITS }));
}

/// The server stops, and advises to go there.
fn stop(mut server: TcpStream, advice: &str) {
    let reconnect = Some(ReconnectHint { after_ms: 0, address: Some(advice) });
    say(&mut server, &HubMessage::Goodbye(Goodbye { code: GoodbyeCode::ShuttingDown, detail: "", reconnect }));
}

/// P10: the first address is a black hole.
#[test]
fn a_first_address_where_nobody_answers_costs_little() {
    let (hole, _sockets) = black_hole(([127, 0, 0, 1], 0).into()).unwrap();
    let (listener, address) = listen();
    let begun = Instant::now();
    let mut client = Client::to(&Names::with("chat.test", &[hole, address]), &[]);
    client.until(|driver| driver.connected().then_some(()));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    listener.accept().unwrap();
}

#[test]
fn an_address_that_refuses_is_followed_by_the_next_at_once() {
    let (closed, address) = listen();
    drop(closed);
    let (listener, other) = listen();
    let mut client = Client::to(&Names::with("chat.test", &[address, other]), &[]);
    client.until(|driver| driver.connected().then_some(()));
    listener.accept().unwrap();
}

#[test]
fn a_reconnect_tries_all_addresses_too() {
    let (first, address) = listen();
    let names = Names::with("chat.test", &[address]);
    let (mut client, server) = Client::registered(&names, &[], &first);
    let (hole, _sockets) = black_hole(([127, 0, 0, 1], 0).into()).unwrap();
    let (second, other) = listen();
    names.set("chat.test", &[hole, other]);
    drop(server);
    client.arrive(&second);
}

/// P11: names are looked up anew at each attempt.
#[test]
fn a_name_that_moves_is_found_at_its_new_address() {
    let (first, address) = listen();
    let names = Names::with("chat.test", &[address]);
    let (mut client, server) = Client::registered(&names, &[], &first);
    let (second, other) = listen();
    names.set("chat.test", &[other]);
    drop(server);
    client.arrive(&second);
    first.set_nonblocking(true).unwrap();
    assert_eq!(first.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody comes to the old one");
}

#[test]
fn a_name_that_nobody_finds_any_more_is_tried_where_it_was() {
    let (listener, address) = listen();
    let names = Names::with("chat.test", &[address]);
    let (mut client, server) = Client::registered(&names, &[], &listener);
    names.addresses.lock().unwrap().clear();
    drop(server);
    client.arrive(&listener);
    assert_eq!(names.asked.lock().unwrap().len(), 2, "it was looked up");
}

/// Says that it was asked, and never answers.
#[derive(Debug)]
struct Hangs(Mutex<std::sync::mpsc::Sender<()>>, Mutex<std::sync::mpsc::Receiver<()>>);

impl Resolve for Hangs {
    fn resolve(&self, _host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
        self.0.lock().unwrap().send(()).unwrap();
        let _ = self.1.lock().unwrap().recv();
        Err(ErrorKind::NotFound.into())
    }
}

#[test]
fn a_resolver_that_hangs_holds_up_nobody() {
    let (listener, address) = listen();
    let (mut client, server) = Client::registered(&Names::with("chat.test", &[address]), &[], &listener);
    let (asked, is_asked) = std::sync::mpsc::channel();
    let (release, held) = std::sync::mpsc::channel();
    client.running.driver = client.running.driver.with_resolver(Hangs(Mutex::new(asked), Mutex::new(held)));
    drop(server);
    client.until(|_| is_asked.try_recv().ok());
    // The driver still does what it is asked for.
    client.running.driver.send("bob", b"hi").unwrap();
    client.running.driver.close();
    client.until(|driver| matches!(driver.poll_event(), Some(Event::Closed(_))).then_some(()));
    drop(release);
}

#[test]
fn a_connection_that_has_not_left_the_machine_does_not_leave_it_for_a_name_that_moves() {
    let (listener, address) = listen();
    let names = Names::with("chat.test", &[address]);
    let (mut client, server) = Client::registered(&names, &[], &listener);
    assert!(client.running.driver.is_private());
    names.set("chat.test", &[SocketAddr::from(([192, 0, 2, 1], 1))]);
    drop(server);
    assert_eq!(client.failed(), None, "the connection stood");
    assert_eq!(client.failed(), Some(("chat.test:1".into(), ErrorKind::PermissionDenied)));
    names.set("chat.test", &[address]);
    client.arrive(&listener);
}

#[test]
fn a_driver_that_may_connect_to_others_is_not_private() {
    let (listener, address) = listen();
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 1));
    let names = Names::with("chat.test", &[address, elsewhere]);
    let mut client = Client::to(&names, &[]);
    assert!(!client.running.driver.is_private(), "either may win");
    assert_eq!(client.running.driver.register("alice", b"secret"), Err(ClientError::NotPrivate));
    let server = client.register(&listener);
    assert!(client.running.driver.is_private(), "the one that has won is of this machine");
    names.addresses.lock().unwrap().clear();
    drop((server, listener));
    client.failed();
    for _ in 0..4 {
        assert_eq!(client.failed(), Some((address.to_string(), ErrorKind::ConnectionRefused)), "and no other is tried");
    }
}

#[test]
fn why_a_reconnect_fails_is_told_with_its_address() {
    let (listener, address) = listen();
    let (mut client, server) = Client::registered(&Names::with("chat.test", &[address]), &[], &listener);
    drop((server, listener));
    assert_eq!(client.failed(), None, "the connection stood");
    assert_eq!(client.failed(), Some((address.to_string(), ErrorKind::ConnectionRefused)));
}

#[test]
fn advice_with_the_name_of_another_host_is_followed_if_the_program_has_named_it() {
    let (first, address) = listen();
    let (second, other) = listen();
    let names = Names::with("chat.test", &[address]);
    names.set("other.test", &[other]);
    let (mut client, server) = Client::registered(&names, &["other.test"], &first);
    stop(server, "other.test:7");
    client.arrive(&second);
}

/// P11: advice leads to the same server alone.
#[test]
fn advice_with_the_name_of_another_host_is_not_even_looked_up_otherwise() {
    let (first, address) = listen();
    let (second, other) = listen();
    let names = Names::with("chat.test", &[address]);
    names.set("other.test", &[other]);
    let (mut client, server) = Client::registered(&names, &["other.test:8"], &first);
    stop(server, "other.test:7");
    client.arrive(&first);
    second.set_nonblocking(true).unwrap();
    assert_eq!(second.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(!names.asked.lock().unwrap().contains(&"other.test".to_owned()));
}

#[test]
fn a_named_host_must_not_lead_off_the_machine_either() {
    let (first, address) = listen();
    let names = Names::with("chat.test", &[address]);
    names.set("other.test", &[SocketAddr::from(([192, 0, 2, 1], 1))]);
    let (mut client, server) = Client::registered(&names, &["other.test"], &first);
    stop(server, "other.test:7");
    client.arrive(&first);
}

/// Nobody waits for the next attempt to connect.
const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn who_is_in_a_hurry_does_not_wait_for_the_next_attempt() {
    let (listener, address) = listen();
    let names = Names::with("chat.test", &[address]);
    let mut client = Client::trying_every(HOUR, &names, &[]);
    let server = client.register(&listener);
    drop(server);
    assert_eq!(client.failed(), None, "the connection stood");
    client.running.driver.hurry();
    client.arrive(&listener);
}

#[test]
fn a_half_that_is_in_a_hurry_wakes_the_other_one() {
    let (listener, address) = listen();
    let server = std::thread::spawn(move || {
        let mut server = listener.accept().unwrap().0;
        server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
        welcome(&mut server);
        // Whatever else was said is read, so that the end is no reset.
        let _ = server.read(&mut [0; 1_000]);
        server.shutdown(std::net::Shutdown::Write).unwrap();
        listener.accept().unwrap().0
    });
    let backoff = Backoff::default().with_first(HOUR).with_max(HOUR);
    let config = ClientConfig::default().with_reconnect(Some(backoff));
    let mut connection = Connection::connect_with(&Endpoint::from(address), PATIENCE, &config).unwrap();
    connection.register("alice", PATIENCE).unwrap();
    let (sender, mut receiver) = connection.split();
    let (lost, is_lost) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(Some(event)) = receiver.receive(PATIENCE) {
            if matches!(event, Event::Reconnecting { .. }) {
                lost.send(()).unwrap();
            }
        }
    });
    is_lost.recv().unwrap();
    sender.hurry();
    drop(server.join().unwrap());
}

#[test]
fn a_connection_to_itself_is_none() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.connect(&socket.local_addr().unwrap()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = Socket::Tcp(mio::net::TcpStream::from_std(socket.into()));
    let error = socket.stands().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    assert!(error.to_string().contains("nobody listens"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_may_say_through_which_interface_it_is_reached() {
    // A machine may have no IPv6.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let address = format!("tcp://[::1%lo]:{}", listener.local_addr().unwrap().port());
    let connection = Connection::connect(&address, PATIENCE).unwrap();
    listener.accept().unwrap();
    drop(connection);
}
