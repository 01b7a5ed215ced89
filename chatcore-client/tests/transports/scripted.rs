//! Servers of TLS that do what a test wants.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chatcore_client::chatcore::Backoff;
use chatcore_client::chatcore::wire::Preface;
use chatcore_client::{ClientConfig, Closed, ConnectError, Connection, Driver, Endpoint, Event, Tls, TlsFault};
use mio::{Events, Interest, Poll, Token};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::identity::Authority;
use crate::programs::PATIENCE;
use crate::{admit, asked, hang_up, listen, say, welcome};

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A server's end of TLS, after the handshake.
fn accept(config: &Arc<ServerConfig>, stream: TcpStream) -> Stream {
    stream.set_nodelay(true).unwrap();
    let session = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut tls = StreamOwned::new(session, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock).unwrap();
    }
    tls
}

fn endpoint(authority: &Authority, port: u16) -> Endpoint {
    let endpoint: Endpoint = format!("tls://localhost:{port}").parse().unwrap();
    endpoint.with_tls(Tls::trusting(authority.certificate.as_bytes()).unwrap())
}

/// Gets a name there.
fn register(endpoint: &Endpoint) -> Connection {
    let mut alice = Connection::connect_with(endpoint, PATIENCE, &ClientConfig::default()).unwrap();
    assert_eq!(alice.register("alice", PATIENCE).unwrap().name.as_str(), "alice");
    alice
}

#[test]
fn what_comes_in_records_of_one_byte_counts() {
    let authority = Authority::new();
    let config = authority.vouches_for(&["localhost"]).server(None);
    let (listener, port) = listen();
    let server = thread::spawn(move || {
        let mut tls = accept(&config, listener.accept().unwrap().0);
        asked(&mut tls);
        let mut records = Vec::new();
        for byte in [&Preface::OURS.encode()[..], &welcome("alice")].concat() {
            tls.conn.writer().write_all(&[byte]).unwrap();
            while tls.conn.wants_write() {
                tls.conn.write_tls(&mut records).unwrap();
            }
        }
        // Each record comes by itself, and cut in two.
        for piece in records.chunks(11) {
            say(&mut tls.sock, piece);
        }
        tls
    });
    let _alice = register(&endpoint(&authority, port));
    drop(server.join().unwrap());
}

#[test]
fn what_comes_with_the_last_of_the_handshake_is_not_lost() {
    let authority = Authority::new();
    let mut config = Arc::unwrap_or_clone(authority.vouches_for(&["localhost"]).server(None));
    config.send_half_rtt_data = true;
    let (listener, port) = listen();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut session = ServerConnection::new(Arc::new(config)).unwrap();
        // A server of TLS 1.3 may speak before the client has finished, in the same packet.
        session.writer().write_all(&Preface::OURS.encode()).unwrap();
        while session.wants_read() && session.is_handshaking() {
            session.read_tls(&mut stream).unwrap();
            session.process_new_packets().unwrap();
            let mut out = Vec::new();
            while session.wants_write() {
                session.write_tls(&mut out).unwrap();
            }
            say(&mut stream, &out);
        }
        let mut tls = StreamOwned::new(session, stream);
        asked(&mut tls);
        say(&mut tls, &welcome("alice"));
        tls
    });
    let _alice = register(&endpoint(&authority, port));
    drop(server.join().unwrap());
}

#[test]
fn a_server_that_never_finishes_its_handshake_is_given_up_in_time() {
    let authority = Authority::new();
    let (listener, port) = listen();
    let (timeout, begun) = (Duration::from_millis(50), Instant::now());
    let endpoint = endpoint(&authority, port);
    let error = Connection::connect_with(&endpoint, timeout, &ClientConfig::default()).unwrap_err();
    // `localhost` may have an address of IPv6, where nobody is.
    let ConnectError::Connect { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), ErrorKind::TimedOut, "{source}");
    assert!(begun.elapsed() >= timeout && begun.elapsed() < PATIENCE);
    drop(listener);
}

/// Drives a driver until there is what is looked for.
fn until<T>(
    (driver, poll, events): (&mut Driver, &mut Poll, &mut Events),
    mut found: impl FnMut(&mut Driver) -> Option<T>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let has_read = driver.drive().unwrap();
        if let Some(found) = found(driver) {
            return found;
        }
        if !has_read {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it does not come");
            poll.poll(events, Some(driver.timeout().map_or(left, |timeout| timeout.min(left)))).unwrap();
        }
    }
}

#[test]
fn a_reconnect_that_meets_no_tls_is_told_and_tried_again() {
    let authority = Authority::new();
    let config = authority.vouches_for(&["localhost"]).server(None);
    let (listener, port) = listen();
    let server = thread::spawn(move || {
        let mut tls = accept(&config, listener.accept().unwrap().0);
        admit(&mut tls, "alice");
        // Then it breaks, and somebody else is there; and then nobody answers; and then the server is back.
        tls.sock.shutdown(Shutdown::Both).unwrap();
        let mut stranger = listener.accept().unwrap().0;
        say(&mut stranger, b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
        hang_up(&stranger);
        let silent = listener.accept().unwrap().0;
        let tls = accept(&config, listener.accept().unwrap().0);
        drop(silent);
        tls
    });
    let backoff = Backoff::default().with_first(Duration::from_millis(1)).with_max(Duration::from_millis(1));
    let config = ClientConfig::default().with_reconnect(Some(backoff)).with_answer_time_max(Duration::from_millis(300));
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let endpoint = endpoint(&authority, port);
    let targets = endpoint.targets().unwrap();
    let target = targets.into_iter().find(|target| format!("{target:?}").contains(&address.to_string())).unwrap();
    let mut driver = Driver::connect(target, config).unwrap();
    assert!(driver.is_private());
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
    poll.registry().register(&mut driver, Token(0), Interest::READABLE | Interest::WRITABLE).unwrap();
    driver.register("alice", b"").unwrap();
    let mut broke_by = Vec::new();
    let mut attempts = 0;
    let mut is_registered = false;
    until((&mut driver, &mut poll, &mut events), |driver| {
        while let Some(event) = driver.poll_event() {
            match event {
                Event::Registered { .. } => is_registered = true,
                Event::Reconnecting { why, attempt, .. } => {
                    attempts = attempt;
                    broke_by.push((why, driver.last_error().and_then(TlsFault::of)));
                }
                other => panic!("{other:?}"),
            }
        }
        (attempts >= 3 && driver.connected()).then_some(())
    });
    assert!(is_registered);
    let whys = broke_by;
    assert_eq!(whys[0].0, Closed::Disconnected);
    assert_eq!(whys[1], (Closed::Disconnected, Some(TlsFault::NoTls)));
    assert_eq!(whys[2].0, Closed::TimedOut);
    drop(server.join().unwrap());
}

#[test]
fn a_server_that_asks_is_shown_the_certificate_of_the_client() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let config = authority.vouches_for(&["localhost"]).server(Some(&clients));
    let alice = clients.vouches_for(&["alice"]);
    let (listener, port) = listen();
    let server = thread::spawn(move || {
        let mut tls = accept(&config, listener.accept().unwrap().0);
        admit(&mut tls, "alice");
        let shown = tls.conn.peer_certificates().map(|chain| chain[0].to_vec());
        (tls, shown)
    });
    let tls = Tls::trusting(authority.certificate.as_bytes()).unwrap();
    let tls = tls.with_certificate(alice.chain.as_bytes(), alice.key.as_bytes()).unwrap();
    let endpoint = endpoint(&authority, port).with_tls(tls);
    let mut connection = Connection::connect_with(&endpoint, PATIENCE, &ClientConfig::default()).unwrap();
    connection.register("alice", PATIENCE).unwrap();
    let (_tls, shown) = server.join().unwrap();
    let pem = rustls::pki_types::pem::PemObject::from_pem_slice(alice.chain.as_bytes());
    let own: rustls::pki_types::CertificateDer<'_> = pem.unwrap();
    assert_eq!(shown.as_deref(), Some(&own[..]));
}

#[test]
fn a_client_that_leaves_says_so_in_tls_too() {
    let authority = Authority::new();
    let config = authority.vouches_for(&["localhost"]).server(None);
    let (listener, port) = listen();
    let server = thread::spawn(move || {
        let mut tls = accept(&config, listener.accept().unwrap().0);
        admit(&mut tls, "alice");
        // This is an error if the connection is cut off.
        tls.read_to_end(&mut Vec::new()).unwrap()
    });
    let mut alice = Connection::connect_with(&endpoint(&authority, port), PATIENCE, &ClientConfig::default()).unwrap();
    alice.register("alice", PATIENCE).unwrap();
    drop(alice);
    assert!(server.join().unwrap() > 16);
}
