//! How connections, and the server, end.

use std::sync::Mutex;
use std::time::Duration;

use chatcore_server::chatcore::wire::{self, HubMessage, Message, PREFACE_BYTES, Preface};
use chatcore_server::chatcore::{CloseReason, Closed, Event, GoodbyeCode, HubEvent, Limits, QuotaKey};
use chatcore_server::{AsyncConfig, AsyncServer, Reconnect};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::user::User;
use super::{Hears, PATIENCE, REAL_PATIENCE, assert_accepted_at_end, connect, on_virtual_time, opening};

fn start() -> AsyncServer {
    AsyncServer::start(AsyncConfig::default(), ()).expect("it can start")
}

#[test]
fn a_server_that_stops_says_goodbye_to_everybody_with_its_advice_and_ends() {
    on_virtual_time(async || {
        let server = start();
        let mut alice = User::registered(|| connect(&server), "alice").await;
        // It has shown what it speaks, and asks for nothing.
        let mut stranger = connect(&server);
        stranger.write_all(&Preface::OURS.encode()).await.expect("the pipe takes it");
        // It has said nothing.
        let mut silent = connect(&server);
        let advice = Reconnect::new(Duration::from_secs(5)).with_address(Some("chat.example:12345".into()));
        alice.tell_oneself("alice").await;
        server.shut_down(Some(advice));
        server.shut_down(None);
        let event = alice.event().await;
        let Event::Reconnecting { why: Closed::Goodbye { code: GoodbyeCode::ShuttingDown, reconnect, .. }, .. } = event
        else {
            panic!("{event:?}")
        };
        let told = Reconnect::new(Duration::from_secs(5)).with_address(Some("chat.example:12345".into()));
        assert_eq!(reconnect, Some(told));
        let mut said = Vec::new();
        stranger.read_to_end(&mut said).await.expect("the server closes");
        assert!(String::from_utf8_lossy(&said).contains("chat.example:12345"), "{said:?}");
        assert_eq!(silent.read_to_end(&mut Vec::new()).await.expect("the server closes"), 0);
        drop((alice, stranger, silent));
        server.stopped().await;
        let mut late = connect(&server);
        assert_eq!(late.read_to_end(&mut Vec::new()).await.expect("it is closed at once"), 0);
    });
}

#[test]
fn a_server_that_nobody_knows_any_more_leaves_no_task_behind() {
    on_virtual_time(async || {
        let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let server = start();
        let mut stream = Some(connect(&server));
        let user = User::registered(|| stream.take().expect("one is enough"), "alice").await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), before + 2);
        drop((user, server));
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > before {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_future_that_is_dropped_is_a_connection_that_broke() {
    on_virtual_time(async || {
        let (events, mut heard) = mpsc::unbounded_channel();
        let server = AsyncServer::start(AsyncConfig::default(), Hears(events)).expect("it can start");
        let serving = Mutex::new(None);
        let dial = || {
            let (ours, theirs) = duplex(1024);
            *serving.lock().unwrap() = Some(tokio::spawn(server.serve_connection(theirs, QuotaKey(1))));
            ours
        };
        let mut alice = User::registered(dial, "alice").await;
        alice.tell_oneself("alice").await;
        assert!(matches!(heard.recv().await, Some(HubEvent::SessionStarted { .. })));
        serving.lock().unwrap().take().expect("it is served").abort();
        assert!(matches!(alice.event().await, Event::Reconnecting { .. }));
        let detached = heard.recv().await;
        assert!(matches!(detached, Some(HubEvent::Detached { reason: CloseReason::Disconnected, .. })), "{detached:?}");
        assert_eq!(alice.event().await, Event::Resumed);
        alice.tell_oneself("alice").await;
    });
}

#[test]
fn who_ends_its_side_of_a_real_socket_after_its_last_request_gets_all_answers_and_then_the_end() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let all = async {
        let server = start();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it listens");
        tokio::spawn({
            let server = server.clone();
            async move { server.serve(listener).await }
        });
        for round in 0..20 {
            let mut client = TcpStream::connect(address).await.expect("it listens");
            client.write_all(&opening(&format!("alice{round}"), 8)).await.expect("it is connected");
            client.shutdown().await.expect("it is connected");
            let mut said = Vec::new();
            client.read_to_end(&mut said).await.expect("the server closes");
            let (mut input, mut accepted) = (&said[PREFACE_BYTES..], 0);
            while let Some(content) = wire::take(&mut input, u32::MAX).expect("it is well-formed") {
                if let Ok(Some(HubMessage::Accepted(run))) = HubMessage::decode(content) {
                    accepted += run.count();
                }
            }
            assert_eq!(accepted, 8, "round {round}");
        }
    };
    runtime.expect("there is a runtime").block_on(async { timeout(REAL_PATIENCE, all).await.expect("it ends") });
}

#[test]
fn a_serve_that_is_dropped_breaks_its_connections_and_may_be_called_again() {
    on_virtual_time(async || {
        let server = start();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it listens");
        let mut client = TcpStream::connect(address).await.expect("it listens");
        client.write_all(&opening("alice", 0)).await.expect("it is connected");
        let mut byte = [0];
        tokio::select! {
            () = server.serve(listener) => panic!("nobody has stopped it"),
            read = client.read_exact(&mut byte) => drop(read.expect("it answers")),
        }
        while client.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {}
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it listens");
        let mut client = TcpStream::connect(address).await.expect("it listens");
        client.write_all(&opening("bob", 0)).await.expect("it is connected");
        tokio::select! {
            () = server.serve(listener) => panic!("nobody has stopped it"),
            read = client.read_exact(&mut byte) => drop(read.expect("it answers")),
        }
    });
}

#[test]
fn who_ends_its_side_alone_still_gets_its_answers() {
    on_virtual_time(async || {
        let server = start();
        let mut client = connect(&server);
        client.write_all(&opening("alice", 1)).await.expect("the pipe takes it");
        assert_accepted_at_end(client).await;
    });
}

/// The last words are not lost because of what the client has sent and nobody reads any more.
#[test]
fn a_reason_arrives_although_the_client_goes_on_to_send() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("there is a runtime").block_on(async {
        let server = start();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it listens");
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.serve(listener).await }
        });
        let mut client = TcpStream::connect(address).await.expect("it listens");
        // A frame that no hub takes, and after it what nobody asked for.
        let mut bytes = opening("alice", 0);
        bytes.extend(u32::MAX.to_le_bytes());
        bytes.resize(300_000, 0);
        client.write_all(&bytes).await.expect("it is read");
        let mut said = Vec::new();
        let read = timeout(REAL_PATIENCE, client.read_to_end(&mut said)).await.expect("it ends");
        read.expect("the server closes in an orderly way");
        assert!(String::from_utf8_lossy(&said).contains("4294967295"), "{said:?}");
        drop(client);
        server.shut_down(None);
        timeout(REAL_PATIENCE, serving).await.expect("it ends").expect("it does not panic");
    });
}

/// How long a server that stops waits for a client that does not read.
async fn waits_for_one_who_does_not_read(server: &AsyncServer) -> Duration {
    let (mut client, stream) = duplex(64);
    let serving = tokio::spawn(server.serve_connection(stream, QuotaKey(1)));
    client.write_all(&opening("alice", 200)).await.expect("the server reads, although it cannot write");
    while server.with_hub(|hub, _| hub.memory().outboxes) < 100_000 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    server.shut_down(None);
    timeout(PATIENCE, serving).await.expect("it ends").expect("it does not panic");
    server.stopped().await;
    drop(client);
    begun.elapsed()
}

#[test]
fn a_client_that_does_not_read_is_waited_for_no_longer_than_the_flush_time() {
    on_virtual_time(async || {
        let Limits { flush_time_max, .. } = Limits::default();
        let waited = waits_for_one_who_does_not_read(&start()).await;
        assert!((flush_time_max..=3 * flush_time_max).contains(&waited), "{waited:?}");
    });
}

#[test]
fn a_flush_time_that_the_hub_was_given_while_it_ran_holds_for_its_connections() {
    on_virtual_time(async || {
        let server = start();
        let flush_time_max = Duration::from_millis(100);
        let limits = Limits::default().with_flush_time_max(flush_time_max);
        server.with_hub(|hub, now| hub.set_limits(now, limits)).expect("it can change");
        let waited = waits_for_one_who_does_not_read(&server).await;
        assert!((flush_time_max..=3 * flush_time_max).contains(&waited), "{waited:?}");
    });
}

#[test]
fn a_silent_stranger_is_closed_when_its_time_is_over() {
    on_virtual_time(async || {
        let server = start();
        let begun = Instant::now();
        let mut client = connect(&server);
        assert_eq!(client.read_to_end(&mut Vec::new()).await.expect("the server closes"), 0);
        assert_eq!(begun.elapsed().as_secs(), Limits::default().handshake_time_max.as_secs());
    });
}

#[test]
fn there_are_no_more_connections_than_the_limit_says() {
    on_virtual_time(async || {
        let server = AsyncServer::start(AsyncConfig::default().with_connections_max(1), ());
        let server = server.expect("it can start");
        let mut alice = User::registered(|| connect(&server), "alice").await;
        let mut second = connect(&server);
        assert_eq!(second.read_to_end(&mut Vec::new()).await.expect("it is closed at once"), 0);
        // Those who come to a listener wait.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let mut third = TcpStream::connect(listener.local_addr().expect("it listens")).await.expect("it listens");
        third.write_all(&opening("carol", 0)).await.expect("it is connected");
        tokio::spawn({
            let server = server.clone();
            async move { server.serve(listener).await }
        });
        alice.tell_oneself("alice").await;
        assert_eq!(server.with_hub(|hub, _| hub.users()), 1);
        drop(alice);
        third.read_exact(&mut [0]).await.expect("there is room now");
    });
}
