//! The library against the real server.

mod programs;

use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::Duration;

use chatcore_client::{ClientConfig, ClientError, Closed, Connection, Error, Event, RefusalCode, RegisterError};
use programs::{PATIENCE, Server};

/// For what must not come: long enough for a fast loop to show itself.
const SOON: Duration = Duration::from_millis(50);

/// The next event, which comes in time.
#[track_caller]
fn next(connection: &mut Connection) -> Event {
    connection.receive(PATIENCE).unwrap().expect("it comes in time")
}

#[test]
fn everything_waits_with_a_time_out() {
    let server = Server::start();
    let mut alice = Connection::connect(&server.address, PATIENCE).unwrap();
    let me = alice.register("Alice", PATIENCE).unwrap();
    assert_eq!(me.name.as_str(), "alice");
    assert_eq!(alice.receive(SOON), Ok(None));
    assert_eq!(alice.receive(Duration::ZERO), Ok(None));
    let number = alice.send("alice", b"hello", PATIENCE).unwrap();
    // The longest time-out there is means for ever.
    let message = alice.receive(Duration::MAX).unwrap().unwrap();
    assert!(matches!(&message, Event::Message { body, .. } if body == b"hello"), "{message:?}");
    let accepted = next(&mut alice);
    assert!(matches!(accepted, Event::Accepted { number: accepted, .. } if accepted == number), "{accepted:?}");
    let number = alice.who(0, PATIENCE).unwrap();
    let online = next(&mut alice);
    assert!(
        matches!(&online, Event::Online { number: asked, users, next: None, .. } if *asked == number && users[0].name == me.name && users.len() == 1),
        "{online:?}"
    );
    alice.close(PATIENCE).unwrap();
}

#[test]
fn a_refused_name_leaves_the_connection_for_another() {
    let server = Server::start();
    let _alice = server.user("alice");
    let mut other = Connection::connect(&server.address, PATIENCE).unwrap();
    assert_eq!(other.send("alice", b"hello", PATIENCE), Err(Error::Command(ClientError::NotRegistered)));
    for (name, expected) in [("ALICE", RefusalCode::NameInUse), ("a b", RefusalCode::InvalidName)] {
        let refused = other.register(name, PATIENCE).unwrap_err();
        let RegisterError::Refused { code, wait, .. } = refused else { panic!("{refused:?}") };
        assert_eq!((code, wait.is_some()), (expected, expected == RefusalCode::NameInUse));
    }
    assert_eq!(other.register("bob", PATIENCE).unwrap().name.as_str(), "bob");
    let again = other.register("carol", PATIENCE).unwrap_err();
    assert_eq!(again, RegisterError::Other(Error::Command(ClientError::Registered)));
}

#[test]
fn ends_that_send_more_than_fits_go_on_reading_meanwhile() {
    let server = Server::start_with(&["--outbox-bytes-max", "64000000"]);
    let ends = ["alice", "bob"].map(|name| {
        let mut connection = server.user(name);
        thread::spawn(move || {
            // Much more than all buffers on the way hold, to oneself, so that everything comes back.
            let body = vec![b'x'; 60_000];
            for _ in 0..200 {
                connection.send(name, &body, PATIENCE).unwrap();
            }
            let (mut received, mut accepted) = (0, 0);
            while (received, accepted) != (200, 200) {
                match next(&mut connection) {
                    Event::Message { .. } => received += 1,
                    Event::Accepted { .. } => accepted += 1,
                    other => panic!("{other:?}"),
                }
            }
            connection.close(PATIENCE).unwrap();
        })
    });
    for end in ends {
        end.join().unwrap();
    }
}

#[test]
fn sending_to_a_server_that_hangs_ends_in_time_whatever_is_unread() {
    let server = Server::start();
    let (mut alice, mut bob) = (server.user("alice"), server.user("bob"));
    bob.send("alice", b"hello", PATIENCE).unwrap();
    assert!(matches!(next(&mut bob), Event::Accepted { .. }));
    bob.who(0, PATIENCE).unwrap();
    assert!(matches!(next(&mut bob), Event::Online { .. }), "a later answer, so the message is with alice");

    server.program.signal("STOP");
    let body = vec![b'x'; 60_000];
    let failed = loop {
        match alice.send("alice", &body, SOON) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(failed, Error::TimedOut);
    assert!(matches!(alice.receive(Duration::ZERO), Ok(Some(Event::Message { .. }))), "what was unread still is");
}

#[test]
fn what_is_never_received_is_bounded() {
    let server = Server::start();
    let mut alice = server.user("alice");
    let body = vec![b'x'; 60_000];
    let failed = loop {
        match alice.send("alice", &body, PATIENCE) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let Error::Unreceived { events } = failed else { panic!("{failed:?}") };
    // As it says, receiving helps.
    for _ in 0..events {
        assert!(matches!(next(&mut alice), Event::Message { .. } | Event::Accepted { .. }));
    }
    alice.send("alice", b"hello", PATIENCE).unwrap();
}

#[test]
fn after_the_end_every_call_tells_why() {
    let server = Server::start();
    let config = ClientConfig::default().with_reconnect(None);
    let mut alice = Connection::connect_with(&server.endpoint(), PATIENCE, &config).unwrap();
    alice.register("alice", PATIENCE).unwrap();
    server.program.signal("KILL");
    assert_eq!(next(&mut alice), Event::Closed(Closed::Disconnected));
    let over = Error::Closed(Closed::Disconnected);
    assert_eq!(alice.receive(PATIENCE), Err(over.clone()));
    assert_eq!(alice.send("alice", b"hello", PATIENCE), Err(over.clone()));
    assert_eq!(alice.who(0, PATIENCE), Err(over.clone()));
    assert_eq!(alice.register("alice", PATIENCE), Err(RegisterError::Other(over.clone())));
    // At once: nothing more can happen.
    assert_eq!(alice.close(Duration::MAX), Err(over));
}

#[test]
fn a_host_with_several_addresses_is_tried_to_the_last() {
    let server = Server::start();
    let port = server.address.rsplit_once(':').unwrap().1;
    // On most systems `localhost` is ::1 before it is 127.0.0.1, where the server is.
    Connection::connect(&format!("localhost:{port}"), PATIENCE).unwrap();
}

#[test]
fn a_listener_that_hangs_up_is_no_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let hangs_up = thread::spawn(move || listener.accept().unwrap().0.shutdown(Shutdown::Both));
    let mut alice = Connection::connect(&address, PATIENCE).unwrap();
    assert_eq!(alice.register("alice", PATIENCE), Err(RegisterError::Other(Error::Closed(Closed::Disconnected))));
    hangs_up.join().unwrap().unwrap();
}
