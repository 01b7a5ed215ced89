//! People who talk, over real sockets and many threads.

use std::time::Duration;

use chatcore_server::chatcore::Event;
use chatcore_server::{AsyncConfig, AsyncServer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::REAL_PATIENCE;
use super::user::User;

/// Users in pairs, each of whom sends so many messages to the other and to the room of all.
const USERS: usize = 24;
const MESSAGES: usize = 200;

async fn talk(address: std::net::SocketAddr, number: usize, all_are_there: &tokio::sync::Barrier) {
    let stream = TcpStream::connect(address).await.expect("it listens");
    let mut stream = Some(stream);
    let mut user = User::registered(|| stream.take().expect("one is enough"), &format!("user{number}")).await;
    user.join("#all").await;
    all_are_there.wait().await;
    let other = format!("user{}", number ^ 1);
    let (mut sent, mut accepted, mut received, mut from_room) = (0, 0, 0, 0);
    while accepted < 2 * MESSAGES || received < MESSAGES || from_room < (USERS - 1) * MESSAGES {
        while sent < MESSAGES && 2 * sent < accepted + 8 {
            user.send(&other, sent.to_string().as_bytes());
            user.send("#all", sent.to_string().as_bytes());
            sent += 1;
        }
        match user.event().await {
            Event::Accepted { .. } => accepted += 1,
            Event::Message { room: None, from, body, .. } => {
                assert_eq!((from.as_str(), body), (&*other, received.to_string().into_bytes()), "in order");
                received += 1;
            }
            Event::Message { room: Some(_), .. } => from_room += 1,
            Event::Joined { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    // Nobody leaves before all have all.
    all_are_there.wait().await;
}

#[test]
fn many_talk_at_once_on_many_threads_and_each_gets_all_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("there is a runtime").block_on(async {
        let server = AsyncServer::start(AsyncConfig::default(), ()).expect("it can start");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it listens");
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.serve(listener).await }
        });
        let all_are_there = std::sync::Arc::new(tokio::sync::Barrier::new(USERS));
        let mut users = tokio::task::JoinSet::new();
        for number in 0..USERS {
            let all_are_there = std::sync::Arc::clone(&all_are_there);
            users.spawn(async move { talk(address, number, &all_are_there).await });
        }
        timeout(REAL_PATIENCE * 3, users.join_all()).await.expect("they come to an end");
        server.shut_down(None);
        timeout(REAL_PATIENCE, serving).await.expect("it ends").expect("it does not panic");
    });
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_a_listener() {
    use tokio::net::{UnixListener, UnixStream};

    let name = format!("chatcore-server-test-{}.sock", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let server = AsyncServer::start(AsyncConfig::default(), ()).expect("it can start");
    let listener = UnixListener::bind(&path).expect("the folder is there");
    let serving = tokio::spawn({
        let server = server.clone();
        async move { server.serve(listener).await }
    });
    let mut stream = Some(UnixStream::connect(&path).await.expect("it listens"));
    let mut alice = User::registered(|| stream.take().expect("one is enough"), "alice").await;
    alice.tell_oneself("alice").await;
    drop(alice);
    server.shut_down(None);
    timeout(Duration::from_secs(60), serving).await.expect("it ends").expect("it does not panic");
    std::fs::remove_file(&path).expect("it is there");
}
