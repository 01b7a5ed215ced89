//! Over TCP, against the server's library on a thread of its own.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chatcore_client::chatcore::{LeaveCode, RejectCode};
use chatcore_client::{AsyncClient, ClientConfig, ClientError, Event, RefusalCode, Tcp};
use chatcore_server::{Config, Handle, Server};
use tokio::time::timeout;

/// After which a test fails that waits for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server, which is stopped when this is dropped.
pub(crate) struct Running {
    pub(crate) address: String,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start() -> Self {
        let config = Config::default().with_listen(["127.0.0.1:0"]);
        let server = Server::bind(config).expect("there is a port");
        let (address, handle) = (server.local_addrs()[0].to_string(), server.handle());
        let thread = thread::spawn(move || server.run().expect("the system can poll"));
        Self { address, handle, thread: Some(thread) }
    }

    async fn connect(&self) -> AsyncClient<Tcp> {
        AsyncClient::connect(Tcp::new(&self.address), ClientConfig::default()).await.expect("it listens")
    }

    pub(crate) async fn user(&self, name: &str) -> AsyncClient<Tcp> {
        let mut client = self.connect().await;
        client.register(name, b"").unwrap();
        assert!(matches!(next(&mut client).await, Event::Registered { .. }));
        client
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shut_down();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The next event, which comes in time.
pub(crate) async fn next(client: &mut AsyncClient<Tcp>) -> Event {
    timeout(PATIENCE, client.next()).await.expect("it comes in time").expect("it is not over")
}

#[tokio::test]
async fn people_talk_in_a_room_and_alone() {
    let server = Running::start();
    let mut alice = server.user("Alice").await;
    let mut bob = server.user("bob").await;
    assert_eq!(alice.watch(&["bob"]), Ok(1));
    assert!(matches!(next(&mut alice).await, Event::Presence { name, online: true, .. } if name.as_str() == "bob"));
    assert_eq!(next(&mut alice).await, Event::Done { number: 1 });
    assert_eq!(alice.join("#Lobby"), Ok(2));
    assert_eq!(next(&mut alice).await, Event::Done { number: 2 });
    assert_eq!(bob.join("#lobby"), Ok(1));
    assert_eq!(next(&mut bob).await, Event::Done { number: 1 });
    assert!(matches!(next(&mut alice).await, Event::Joined { name, .. } if name.as_str() == "bob"));

    assert_eq!(alice.send("#lobby", b"hello, all"), Ok(3));
    let Event::Accepted { number: 3, id, .. } = next(&mut alice).await else { panic!("it is accepted") };
    match next(&mut bob).await {
        Event::Message { id: same, from, room: Some(room), body, .. } => {
            assert_eq!((same, from.as_str(), room.as_str(), &body[..]), (id, "alice", "#lobby", &b"hello, all"[..]));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bob.roster("#lobby", 0), Ok(2));
    let Event::Members { number: 2, users, next: None, .. } = next(&mut bob).await else { panic!("a page of two") };
    let mut shown: Vec<&str> = users.iter().map(chatcore_client::User::shown).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["Alice", "bob"]);
    assert_eq!(bob.send("alice", b"psst"), Ok(3));
    assert!(matches!(next(&mut bob).await, Event::Accepted { number: 3, .. }));
    assert!(matches!(next(&mut alice).await, Event::Message { room: None, body, .. } if body == b"psst"));
    assert_eq!(bob.send("carol", b"hello"), Ok(4));
    let rejected = next(&mut bob).await;
    assert!(matches!(rejected, Event::Rejected { number: 4, code: RejectCode::NoSuchUser, .. }), "{rejected:?}");

    assert_eq!(bob.leave("#lobby"), Ok(5));
    assert_eq!(next(&mut bob).await, Event::Done { number: 5 });
    assert!(matches!(next(&mut alice).await, Event::Left { code: LeaveCode::Left, .. }));
    assert_eq!(timeout(PATIENCE, bob.close()).await, Ok(Ok(())));
    assert!(matches!(next(&mut alice).await, Event::Presence { online: false, .. }));
    assert_eq!(alice.subscriptions(0), Ok(4));
    let told = next(&mut alice).await;
    let Event::Subscribed { number: 4, rooms, users, next: None, .. } = told else { panic!("{told:?}") };
    assert_eq!((rooms[0].as_str(), users[0].as_str()), ("#lobby", "bob"));
    assert_eq!(alice.unwatch(&["bob"]), Ok(5));
    assert_eq!(next(&mut alice).await, Event::Done { number: 5 });
    assert_eq!(alice.who(0), Ok(6));
    assert!(matches!(next(&mut alice).await, Event::Online { number: 6, users, .. } if users.len() == 1));
    assert_eq!(timeout(PATIENCE, alice.close()).await, Ok(Ok(())));
}

#[tokio::test]
async fn a_refused_name_leaves_the_connection_for_another() {
    let server = Running::start();
    let _alice = server.user("alice").await;
    let mut other = server.connect().await;
    assert_eq!(other.send("alice", b"hello"), Err(ClientError::NotRegistered));
    for (name, expected) in [("ALICE", RefusalCode::NameInUse), ("a b", RefusalCode::InvalidName)] {
        other.register(name, b"").unwrap();
        assert!(matches!(next(&mut other).await, Event::Refused { code, .. } if code == expected));
    }
    other.register("bob", b"").unwrap();
    assert_eq!(other.register("carol", b""), Err(ClientError::Registered));
    assert!(matches!(next(&mut other).await, Event::Registered { name, .. } if name.as_str() == "bob"));
}

#[tokio::test]
async fn a_program_that_sends_more_than_fits_goes_on_reading_meanwhile() {
    const COUNT: usize = 100;
    let server = Running::start();
    let mut alice = server.user("alice").await;
    // Much more than all buffers on the way hold, to oneself, so that everything comes back.
    let body = vec![b'x'; 60_000];
    let (mut received, mut accepted) = (0, 0);
    let mut take = |event: Event| match event {
        Event::Message { .. } => received += 1,
        Event::Accepted { .. } => accepted += 1,
        other => panic!("{other:?}"),
    };
    let mut taken = 0;
    for _ in 0..COUNT {
        while let Err(error) = alice.send("alice", &body) {
            assert!(error.passes(), "{error}");
            timeout(PATIENCE, alice.ready()).await.expect("it becomes ready").unwrap();
            while let Some(event) = alice.try_next() {
                take(event);
                taken += 1;
            }
        }
    }
    for _ in taken..2 * COUNT {
        take(next(&mut alice).await);
    }
    assert_eq!((received, accepted), (COUNT, COUNT));
}

#[tokio::test]
async fn the_session_outlives_the_process_and_the_server_keeps_what_was_not_taken() {
    let server = Running::start();
    let mut bob = server.user("bob").await;
    let ticket = bob.client().ticket().unwrap().clone();
    bob.flush().await.unwrap();
    bob.detach();
    let mut alice = server.user("alice").await;
    alice.send("bob", b"are you there?").unwrap();
    timeout(PATIENCE, alice.flush()).await.expect("it is acknowledged").unwrap();
    let dial = Tcp::new(&server.address);
    let mut bob = AsyncClient::resume(dial, ClientConfig::default(), ticket, b"").await.unwrap();
    assert_eq!(next(&mut bob).await, Event::Resumed);
    assert!(matches!(next(&mut bob).await, Event::Message { body, .. } if body == b"are you there?"));
}

/// P16.
#[tokio::test]
async fn a_client_that_is_dropped_says_goodbye() {
    let server = Running::start();
    let mut bob = server.user("bob").await;
    let alice = server.user("alice").await;
    bob.watch(&["alice"]).unwrap();
    while !matches!(next(&mut bob).await, Event::Done { .. }) {}
    drop(alice);
    assert!(matches!(next(&mut bob).await, Event::Presence { online: false, .. }));
    // The name is free, for anybody.
    server.user("alice").await;
}

fn panics() {
    panic!("as the test wants");
}

/// P16: whoever restarts what has panicked goes on with its session.
#[tokio::test]
async fn a_client_that_a_panic_drops_keeps_its_session() {
    let server = Running::start();
    let alice = server.user("alice").await;
    let ticket = alice.client().ticket().unwrap().clone();
    let task = tokio::spawn(async move {
        let _alice = alice;
        panics();
    });
    assert!(task.await.unwrap_err().is_panic());
    let dial = Tcp::new(&server.address);
    let mut alice = AsyncClient::resume(dial, ClientConfig::default(), ticket, b"").await.unwrap();
    assert_eq!(next(&mut alice).await, Event::Resumed);
}

/// Who aborts a task means it.
#[tokio::test]
async fn a_client_whose_task_is_aborted_says_goodbye() {
    let server = Running::start();
    let mut bob = server.user("bob").await;
    let mut alice = server.user("alice").await;
    bob.watch(&["alice"]).unwrap();
    while !matches!(next(&mut bob).await, Event::Done { .. }) {}
    let task = tokio::spawn(async move { while alice.next().await.is_some() {} });
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(matches!(next(&mut bob).await, Event::Presence { online: false, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_move_to_a_task_of_its_own() {
    let server = Running::start();
    let mut alice = server.user("alice").await;
    let closing = tokio::spawn(async move { alice.close().await });
    assert_eq!(timeout(PATIENCE, closing).await.expect("it ends").unwrap(), Ok(()));
}

#[tokio::test]
async fn an_address_at_which_nobody_listens_is_an_error() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap().to_string();
    let error = AsyncClient::connect(Tcp::new(address), ClientConfig::default()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let error = AsyncClient::connect(Tcp::new("nonsense"), ClientConfig::default()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
