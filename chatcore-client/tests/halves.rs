//! The halves of a blocking connection, and what a connection does when it is dropped, over real sockets and threads.

mod announced;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chatcore_client::chatcore::wire::{Ack, HubMessage, Message, PREFACE_BYTES, Preface, Token, Welcome};
use chatcore_client::chatcore::{Backoff, Limits};
use chatcore_client::{ClientConfig, Closed, Connection, Driver, Error, Event, ReceiveHalf, ReuniteError};
use chatcore_server::{Config, Handle, Server};
use nix::time::ClockId;

use self::announced::LIMITS;

/// After which a test fails that waits for something.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends no session by itself while a test runs. It is stopped when this is dropped.
struct Running {
    address: String,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Self {
        let limits = Limits::default().with_resume_time_max(Duration::from_secs(3_600));
        let config = Config::default().with_listen(["127.0.0.1:0"]).with_limits(limits);
        let server = Server::bind(config).expect("there is a port");
        let (address, handle) = (server.local_addrs()[0].to_string(), server.handle());
        let thread = thread::spawn(move || server.run().expect("the system can poll"));
        Self { address, handle, thread: Some(thread) }
    }

    fn user(&self, name: &str) -> Connection {
        self.user_with(name, &ClientConfig::default())
    }

    fn user_with(&self, name: &str, config: &ClientConfig) -> Connection {
        let mut connection =
            Connection::connect_with(&self.address.parse().unwrap(), PATIENCE, config).expect("it listens");
        connection.register(name, PATIENCE).expect("the name is free");
        connection
    }

    /// Somebody who watches alice, who is there.
    fn watcher(&self) -> Connection {
        let mut bob = self.user("bob");
        bob.watch(&["alice"], PATIENCE).unwrap();
        assert!(matches!(bob.receive(PATIENCE), Ok(Some(Event::Presence { online: true, .. }))));
        assert!(matches!(bob.receive(PATIENCE), Ok(Some(Event::Done { .. }))));
        bob
    }

    fn stop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it does not panic");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A connection to a server that says what the test wants, registered as alice.
fn scripted(config: &ClientConfig) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let config = config.clone();
    let connecting = thread::spawn(move || {
        let mut alice = Connection::connect_with(&address.parse().unwrap(), PATIENCE, &config).unwrap();
        alice.register("alice", PATIENCE).unwrap();
        alice
    });
    let mut server = listener.accept().unwrap().0;
    server.write_all(&Preface::OURS.encode()).unwrap();
    // What is not asked for is no answer.
    let mut length = [0; 4];
    server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
    server.read_exact(&mut length).unwrap();
    server.read_exact(&mut vec![0; u32::from_le_bytes(length).try_into().unwrap()]).unwrap();
    let token = Token::from_bytes([7; 16]);
    say(&mut server, &HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits: LIMITS }));
    (connecting.join().unwrap(), server)
}

fn say(server: &mut TcpStream, message: &HubMessage<'_>) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    server.write_all(&bytes).unwrap();
}

/// A thread that receives everything, to the end.
fn receive_all(mut receiver: ReceiveHalf) -> JoinHandle<Vec<Event>> {
    thread::spawn(move || {
        let mut events = Vec::new();
        loop {
            match receiver.receive(PATIENCE) {
                Ok(event) => events.push(event.expect("it comes in time")),
                Err(Error::Closed(_)) => return events,
                Err(other) => panic!("{other}"),
            }
        }
    })
}

/// P16: who sends does not wait for who receives.
#[test]
fn one_thread_sends_more_than_fits_while_another_receives() {
    let server = Running::start();
    // Its outbox takes one message at a time, so that the one waits for what the other reads.
    let config = ClientConfig::default().with_outbox_bytes_max(512);
    let (sender, receiver) = server.user_with("alice", &config).split();
    let receiving = receive_all(receiver);
    let body = vec![b'x'; 60_000];
    let numbers: Vec<u64> = (0..200).map(|_| sender.send("alice", &body, PATIENCE).unwrap()).collect();
    sender.close(PATIENCE).unwrap();
    let events = receiving.join().unwrap();
    let answered: Vec<u64> = events
        .iter()
        .filter_map(|event| match event {
            Event::Accepted { number, .. } => Some(*number),
            _ => None,
        })
        .collect();
    assert!(answered.iter().eq(&numbers[..answered.len()]), "{answered:?}");
    assert!(answered.len() > 190, "only the last may be cut off by the goodbye: {}", answered.len());
    assert_eq!(events.last(), Some(&Event::Closed(Closed::Left)));
}

#[test]
fn a_request_waits_until_events_are_received() {
    let server = Running::start();
    let (sender, receiver) = server.user("alice").split();
    let body = vec![b'x'; 60_000];
    loop {
        match sender.send("alice", &body, Duration::from_millis(50)) {
            Ok(_) | Err(Error::TimedOut) => {}
            Err(Error::Unreceived { .. }) => break,
            Err(other) => panic!("{other}"),
        }
    }
    thread::scope(|scope| {
        let sending = scope.spawn(|| sender.send("alice", &body, PATIENCE));
        let receiving = receive_all(receiver);
        assert!(sending.join().unwrap().is_ok());
        assert!(!receiving.is_finished());
    });
    sender.close(PATIENCE).unwrap();
}

#[test]
fn several_threads_may_share_the_half_that_sends() {
    let server = Running::start();
    let config = ClientConfig::default().with_outbox_bytes_max(4_096);
    let (sender, mut receiver) = server.user_with("alice", &config).split();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..300 {
                    sender.send("nobody", &[b'x'; 1_000], PATIENCE).unwrap();
                }
            });
        }
        let mut numbers: Vec<u64> = (0..900)
            .map(|_| match receiver.receive(PATIENCE).unwrap() {
                Some(Event::Rejected { number, .. }) => number,
                other => panic!("{other:?}"),
            })
            .collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(1..=900));
    });
}

#[test]
fn what_one_thread_waits_for_comes_while_another_one_waits_for_the_network() {
    let config = ClientConfig::default().with_outbox_bytes_max(512);
    let (alice, mut server) = scripted(&config);
    let (sender, mut receiver) = alice.split();
    sender.send("bob", &[b'x'; 1_000], PATIENCE).unwrap();
    let (done, is_done) = channel();
    let receiving = thread::spawn(move || receiver.receive(PATIENCE).map(|event| (event, receiver)));
    let sending = thread::spawn(move || {
        let number = sender.send("bob", b"there is room", PATIENCE);
        done.send(()).unwrap();
        (number, sender)
    });
    // Both wait, and nothing is an event: only what was sent is acknowledged.
    say(&mut server, &HubMessage::Ack(Ack { count: 1 }));
    is_done.recv_timeout(PATIENCE).expect("it is told that there is room");
    let (number, sender) = sending.join().unwrap();
    assert_eq!(number, Ok(2));
    // The other one still waits, and is told of the end.
    drop(server);
    let (event, receiver) = receiving.join().unwrap().unwrap();
    assert!(matches!(event, Some(Event::Reconnecting { .. })), "{event:?}");
    drop((sender, receiver));
}

#[test]
fn a_deadline_that_comes_earlier_wakes_the_thread_that_waits_for_the_network() {
    let config = ClientConfig::default().with_flush_time_max(Duration::from_millis(50));
    let (alice, server) = scripted(&config);
    let (sender, mut receiver) = alice.split();
    let (tells, told) = channel();
    let (waits, is_waiting) = channel();
    thread::spawn(move || {
        waits.send(()).unwrap();
        tells.send(receiver.receive(Duration::MAX))
    });
    is_waiting.recv_timeout(PATIENCE).unwrap();
    // The server never answers, and until now nothing was due for an hour.
    let start = Instant::now();
    assert_eq!(sender.close(PATIENCE), Ok(()));
    assert!(start.elapsed() < PATIENCE / 2, "nobody had to wait for the time of the call");
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Ok(Some(Event::Closed(Closed::Left)))));
    drop(server);
}

#[test]
fn threads_that_wait_use_no_processor() {
    let config = ClientConfig::default().with_outbox_bytes_max(512);
    let (alice, server) = scripted(&config);
    let (sender, mut receiver) = alice.split();
    sender.send("bob", &[b'x'; 1_000], PATIENCE).unwrap();
    let used = || Duration::from(ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap());
    let time = Duration::from_millis(500);
    let receiving = thread::spawn(move || {
        assert_eq!(receiver.receive(time), Ok(None));
        (used(), receiver)
    });
    let sending = thread::spawn(move || {
        assert_eq!(sender.send("bob", b"there is no room", time), Err(Error::TimedOut));
        (used(), sender)
    });
    let (receiving, sending) = (receiving.join().unwrap(), sending.join().unwrap());
    for used in [receiving.0, sending.0] {
        assert!(used < time / 5, "it was busy for {used:?} of {time:?}");
    }
    drop(server);
}

#[test]
fn without_the_half_that_receives_the_session_goes_on() {
    let server = Running::start();
    let (sender, receiver) = server.user("alice").split();
    let mut bob = server.watcher();
    drop(receiver);
    // More than the server keeps for somebody who takes nothing.
    let body = vec![b'x'; 60_000];
    for _ in 0..150 {
        sender.send("alice", &body, PATIENCE).unwrap();
    }
    sender.send("bob", b"I am here", PATIENCE).unwrap();
    let event = bob.receive(PATIENCE).unwrap();
    assert!(matches!(&event, Some(Event::Message { body, .. }) if body == b"I am here"), "{event:?}");
    sender.close(PATIENCE).unwrap();
}

#[test]
fn without_the_half_that_sends_events_come() {
    let server = Running::start();
    let (sender, mut receiver) = server.user("alice").split();
    drop(sender);
    let mut bob = server.user("bob");
    bob.send("alice", b"are you there?", PATIENCE).unwrap();
    let event = receiver.receive(PATIENCE).unwrap();
    assert!(matches!(&event, Some(Event::Message { body, .. }) if body == b"are you there?"), "{event:?}");
    assert!(matches!(bob.receive(PATIENCE), Ok(Some(Event::Accepted { .. }))));
}

#[test]
fn without_both_halves_the_client_says_goodbye() {
    let server = Running::start();
    for drops_receiver_first in [true, false] {
        let (sender, receiver) = server.user("alice").split();
        let mut bob = server.watcher();
        if drops_receiver_first {
            drop(receiver);
            drop(sender);
        } else {
            drop(sender);
            drop(receiver);
        }
        let event = bob.receive(PATIENCE).unwrap();
        assert!(matches!(event, Some(Event::Presence { online: false, .. })), "{event:?}");
        bob.close(PATIENCE).unwrap();
    }
}

/// P16: its name is free at once.
#[test]
fn a_connection_that_is_dropped_says_goodbye_after_what_was_sent() {
    let server = Running::start();
    let mut alice = server.user("alice");
    let mut bob = server.watcher();
    alice.send("bob", b"the last words", PATIENCE).unwrap();
    drop(alice);
    let event = bob.receive(PATIENCE).unwrap();
    assert!(matches!(&event, Some(Event::Message { body, .. }) if body == b"the last words"), "{event:?}");
    let event = bob.receive(PATIENCE).unwrap();
    assert!(matches!(event, Some(Event::Presence { online: false, .. })), "{event:?}");
    // The name is free, for anybody.
    server.user("alice").close(PATIENCE).unwrap();
}

#[test]
fn a_connection_that_is_detached_keeps_its_session() {
    let server = Running::start();
    let alice = server.user("alice");
    let mut bob = server.watcher();
    let ticket = alice.detach().expect("it has a session");
    bob.send("alice", b"come back", PATIENCE).unwrap();
    assert!(matches!(bob.receive(PATIENCE), Ok(Some(Event::Accepted { .. }))));
    let config = ClientConfig::default();
    let mut alice = Connection::resume(&server.address.parse().unwrap(), PATIENCE, &config, &ticket, b"").unwrap();
    assert_eq!(alice.receive(PATIENCE), Ok(Some(Event::Resumed)));
    let event = alice.receive(PATIENCE).unwrap();
    assert!(matches!(&event, Some(Event::Message { body, .. }) if body == b"come back"), "{event:?}");
}

/// P16: whoever restarts what has panicked goes on with its session.
#[test]
fn a_connection_that_a_panic_drops_keeps_its_session() {
    let server = Running::start();
    for is_split in [false, true] {
        let alice = server.user("alice");
        let ticket = alice.ticket().expect("it has a session").clone();
        let (mut whole, mut halves) = (Some(alice), None);
        if is_split {
            halves = whole.take().map(Connection::split);
        }
        let panics = thread::spawn(move || {
            let _dropped = (whole, halves);
            panic!("as the test wants");
        });
        panics.join().unwrap_err();
        let config = ClientConfig::default();
        let mut alice = Connection::resume(&server.address.parse().unwrap(), PATIENCE, &config, &ticket, b"").unwrap();
        assert_eq!(alice.receive(PATIENCE), Ok(Some(Event::Resumed)), "split: {is_split}");
        alice.close(PATIENCE).unwrap();
    }
}

fn heard(receiver: &mut ReceiveHalf) -> Vec<u8> {
    match receiver.receive(PATIENCE) {
        Ok(Some(Event::Message { body, .. })) => body,
        other => panic!("{other:?}"),
    }
}

/// P16: a program that stores what events tell before it takes them.
#[test]
fn what_a_program_has_received_and_not_taken_comes_again() {
    let server = Running::start();
    let config = ClientConfig::default().with_takes_later(true).with_ack_frames(1);
    let (sender, mut receiver) = server.user_with("alice", &config).split();
    let mut bob = server.user("bob");
    for body in [b"one", b"two"] {
        bob.send("alice", body, PATIENCE).unwrap();
    }
    assert_eq!(heard(&mut receiver), b"one");
    sender.take_events(receiver.inspect(|driver| driver.client().position()));
    assert_eq!(heard(&mut receiver), b"two");
    let mut alice = sender.reunite(receiver).unwrap();
    assert!(alice.driver().connected() && alice.driver().is_private() && alice.driver().last_error().is_none());
    // The acknowledgement has come before the request that is answered.
    alice.who(0, PATIENCE).unwrap();
    assert!(matches!(alice.receive(PATIENCE), Ok(Some(Event::Online { .. }))));
    let ticket = alice.detach().unwrap();
    let to = server.address.parse().unwrap();
    let resumed = Connection::connect_by(&to, PATIENCE, |target| {
        Ok(Driver::resume(target, config.clone(), ticket.clone(), b"")?.with_followed([]))
    });
    let mut alice = resumed.unwrap();
    assert_eq!(alice.receive(PATIENCE), Ok(Some(Event::Resumed)));
    let event = alice.receive(PATIENCE).unwrap();
    assert!(matches!(&event, Some(Event::Message { body, .. }) if body == b"two"), "{event:?}");
}

#[test]
fn both_halves_learn_why_it_is_over() {
    let mut server = Running::start();
    let config = ClientConfig::default().with_reconnect(None::<Backoff>);
    let (sender, receiver) = server.user_with("alice", &config).split();
    assert!(sender.ticket().is_some());
    let receiving = receive_all(receiver);
    server.stop();
    let events = receiving.join().unwrap();
    let [Event::Closed(why)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(sender.send("alice", b"hello", PATIENCE), Err(Error::Closed(why.clone())));
    assert_eq!(sender.close(PATIENCE), Err(Error::Closed(why.clone())));
}

#[test]
fn halves_become_a_connection_again_and_nothing_is_lost() {
    let server = Running::start();
    let (sender, receiver) = server.user("alice").split();
    let (other_sender, other_receiver) = server.user("bob").split();
    let number = sender.send("alice", b"hello", PATIENCE).unwrap();
    let ReuniteError(sender, other_receiver) = sender.reunite(other_receiver).expect_err("they are of two connections");
    let mut alice = sender.reunite(receiver).unwrap();
    assert!(matches!(alice.receive(PATIENCE), Ok(Some(Event::Message { .. }))));
    let event = alice.receive(PATIENCE).unwrap();
    assert!(matches!(event, Some(Event::Accepted { number: accepted, .. }) if accepted == number), "{event:?}");
    alice.close(PATIENCE).unwrap();
    other_sender.reunite(other_receiver).unwrap().close(PATIENCE).unwrap();
}
