//! The examples, with people who use them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chatcore_server::chatcore::{Closed, Event, GoodbyeCode, RefusalCode, RejectCode};
use chatcore_server::{AsyncConfig, AsyncServer};
use futures_util::{SinkExt as _, StreamExt as _, future};
use tokio::io::{AsyncRead, AsyncWrite, join};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::bytes::Bytes;
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

use super::user::User;
use super::{REAL_PATIENCE, axum_websocket, connect, moderated_room, on_virtual_time, password_check, tokio_server};

#[tokio::test]
async fn the_tokio_server_serves_until_it_is_stopped_and_says_when_to_come_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it listens");
    let (stop, stopped) = oneshot::channel::<()>();
    let talking = async {
        let streams = [TcpStream::connect(address).await, TcpStream::connect(address).await];
        let [mut first, mut second] = streams.map(|stream| Some(stream.expect("it listens")));
        let mut alice = User::registered(|| first.take().expect("one is enough"), "alice").await;
        let mut bob = User::registered(|| second.take().expect("one is enough"), "bob").await;
        alice.send("bob", b"hello");
        assert!(matches!(alice.event().await, Event::Accepted { .. }));
        bob.message(b"hello").await;
        stop.send(()).expect("it waits for that");
        let event = bob.event().await;
        let Event::Reconnecting { why: Closed::Goodbye { code, reconnect: Some(reconnect), .. }, .. } = event else {
            panic!("{event:?}")
        };
        assert_eq!((code, reconnect.after), (GoodbyeCode::ShuttingDown, Duration::from_secs(5)));
    };
    let (served, ()) = tokio::join!(timeout(REAL_PATIENCE, tokio_server::run(listener, stopped)), talking);
    served.expect("it ends").expect("it can start");
}

#[tokio::test]
async fn the_moderator_lets_the_invited_in_and_keeps_the_rude_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it listens");
    let talking = async {
        let streams = [TcpStream::connect(address).await, TcpStream::connect(address).await];
        let [mut first, mut second] = streams.map(|stream| Some(stream.expect("it listens")));
        let mut alice = User::registered(|| first.take().expect("one is enough"), "alice").await;
        let mut bob = User::registered(|| second.take().expect("one is enough"), "bob").await;
        bob.ask_to_join("#staff");
        let event = bob.event().await;
        assert!(matches!(event, Event::Rejected { code: RejectCode::Denied, .. }), "{event:?}");
        alice.join("#staff").await;
        alice.send("#staff", b"/invite bob");
        let (mut accepted, mut joined) = (false, false);
        while !(accepted && joined) {
            match alice.event().await {
                Event::Accepted { .. } => accepted = true,
                Event::Joined { name, .. } => joined = name.as_str() == "bob",
                other => panic!("{other:?}"),
            }
        }
        let event = bob.event().await;
        assert!(matches!(&event, Event::Joined { name, .. } if name.as_str() == "bob"), "{event:?}");
        for times in 1..=3 {
            bob.send("#staff", b"darn it");
            bob.message(b"mind your words").await;
            let event = bob.event().await;
            assert!(matches!(event, Event::Rejected { code: RejectCode::Denied, .. }), "{times}: {event:?}");
        }
        let event = bob.event().await;
        let Event::Closed(Closed::Goodbye { code, detail, .. }) = event else { panic!("{event:?}") };
        assert_eq!((code, &detail[..]), (GoodbyeCode::Kicked, "you were rude for the third time"));
        let event = alice.event().await;
        assert!(matches!(&event, Event::Left { name, .. } if name.as_str() == "bob"), "{event:?}");
        let stream = TcpStream::connect(address).await.expect("it listens");
        let mut again = Some(stream);
        let mut bob = User::connect(|| again.take().expect("one is enough"));
        let event = bob.register("Bob", b"").await;
        assert!(matches!(event, Event::Refused { code: RefusalCode::Denied, .. }), "{event:?}");
    };
    let owner = "alice".parse().expect("it can be a name");
    tokio::select! {
        served = moderated_room::run(listener, owner) => panic!("it has ended: {served:?}"),
        talked = timeout(REAL_PATIENCE, talking) => talked.expect("they come to an end"),
    }
}

/// Opens a WebSocket as a page of this origin, or as a program that names none.
async fn open_socket(
    address: std::net::SocketAddr,
    origin: Option<&str>,
    subprotocol: Option<&str>,
) -> Result<WebSocketStream<TcpStream>, tungstenite::Error> {
    let mut request = format!("ws://{address}/chat").into_client_request().expect("it is an address");
    for (name, value) in [("Origin", origin), ("Sec-WebSocket-Protocol", subprotocol)] {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse().expect("it can stand in a header"));
        }
    }
    let stream = TcpStream::connect(address).await.expect("it listens");
    Ok(client_async(request, stream).await?.0)
}

/// The same as a stream of bytes.
async fn open(
    address: std::net::SocketAddr,
    origin: Option<&str>,
    subprotocol: Option<&str>,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + use<>, tungstenite::Error> {
    let (sink, stream) = open_socket(address, origin, subprotocol).await?.split();
    let sink = sink.sink_map_err(io::Error::other).with(|bytes: Bytes| future::ok::<_, io::Error>(bytes.into()));
    let stream = stream.filter_map(|message| {
        future::ready(match message {
            Ok(Message::Binary(bytes)) => Some(Ok(bytes)),
            Ok(_) => None,
            Err(error) => Some(Err(io::Error::other(error))),
        })
    });
    Ok(join(StreamReader::new(stream), SinkWriter::new(CopyToBytes::new(sink))))
}

#[tokio::test]
async fn the_websocket_server_takes_its_own_pages_and_programs_and_no_other_page() {
    const ORIGIN: &str = "https://chat.example";
    const SUBPROTOCOL: Option<&str> = Some("chatcore.v1");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it listens");
    let (stop, stopped) = oneshot::channel::<()>();
    let talking = async {
        for (origin, subprotocol, status) in [
            (Some("https://evil.example"), SUBPROTOCOL, 403),
            (Some("null"), SUBPROTOCOL, 403),
            (Some(ORIGIN), None, 400),
            (Some(ORIGIN), Some("mqtt"), 400),
        ] {
            match open(address, origin, subprotocol).await {
                Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), status, "{origin:?}"),
                Err(error) => panic!("{origin:?}: {error}"),
                Ok(_) => panic!("{origin:?}, {subprotocol:?}: it is let in"),
            }
        }
        let page = open(address, Some(ORIGIN), SUBPROTOCOL).await.expect("its own page");
        let program = open(address, None, SUBPROTOCOL).await.expect("a program");
        let (mut page, mut program) = (Some(page), Some(program));
        let mut alice = User::registered(|| page.take().expect("one is enough"), "alice").await;
        let mut bob = User::registered(|| program.take().expect("one is enough"), "bob").await;
        let body = vec![7; 60_000];
        alice.send("bob", &body);
        assert!(matches!(alice.event().await, Event::Accepted { .. }));
        bob.message(&body).await;
        stop.send(()).expect("it waits for that");
        let event = bob.event().await;
        let Event::Reconnecting { why: Closed::Goodbye { code, reconnect: Some(_), .. }, .. } = event else {
            panic!("{event:?}")
        };
        assert_eq!(code, GoodbyeCode::ShuttingDown, "and it knows when to come again");
    };
    let stopped = async { drop(stopped.await) };
    let (served, ()) = tokio::join!(timeout(REAL_PATIENCE, axum_websocket::run(listener, ORIGIN, stopped)), talking);
    served.expect("it ends").expect("it can start");
}

#[tokio::test]
async fn the_websocket_server_closes_with_the_code_for_it_when_a_text_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("it listens");
    let (stop, stopped) = oneshot::channel::<()>();
    let talking = async {
        let mut socket = open_socket(address, None, Some("chatcore.v1")).await.expect("a program");
        socket.send(Message::text("hello")).await.expect("it is open");
        match socket.next().await {
            Some(Ok(Message::Close(Some(close)))) => assert_eq!(close.code, CloseCode::Unsupported),
            other => panic!("{other:?}"),
        }
        stop.send(()).expect("it waits for that");
    };
    let stopped = async { drop(stopped.await) };
    let served = axum_websocket::run(listener, "https://chat.example", stopped);
    let (served, ()) = timeout(REAL_PATIENCE, async { tokio::join!(served, talking) }).await.expect("it ends");
    served.expect("it can start");
}

fn passwords() -> Arc<password_check::Passwords> {
    let users = [("alice", "secret"), ("bob", "hush")].map(|(name, password)| (name.into(), password.into()));
    Arc::new(password_check::Passwords::new(&users).expect("it can hash"))
}

#[tokio::test]
async fn a_password_lets_its_user_in_and_nobody_else() {
    let server = AsyncServer::start(AsyncConfig::default(), passwords()).expect("it can start");
    let mut user = User::connect(|| connect(&server));
    for (name, password) in [("alice", "hush"), ("bob", ""), ("carol", "secret"), ("carol", "nobody's")] {
        let event = user.register(name, password.as_bytes()).await;
        assert!(matches!(event, Event::Refused { code: RefusalCode::Denied, .. }), "{name}: {event:?}");
    }
    let event = user.register("Alice", b"secret").await;
    assert!(matches!(event, Event::Registered { .. }), "{event:?}");
    // A client that comes back proves its right with its token.
    user.tell_oneself("alice").await;
    user.hang_up();
    assert!(matches!(user.event().await, Event::Reconnecting { .. }));
    assert_eq!(user.event().await, Event::Resumed);
}

#[test]
fn a_password_is_not_hashed_for_who_is_gone() {
    on_virtual_time(async || {
        let passwords = passwords();
        let server = AsyncServer::start(AsyncConfig::default(), Arc::clone(&passwords)).expect("it can start");
        // All threads are busy.
        let busy = passwords.places.acquire_many(4).await.expect("it is never closed");
        let mut gone = User::connect(|| connect(&server));
        gone.ask("alice", b"secret");
        tokio::select! {
            event = gone.event() => panic!("{event:?}"),
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
        assert_eq!(passwords.hashed.load(Ordering::Relaxed), 0);
        drop(gone);
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(busy);
        let mut bob = User::connect(|| connect(&server));
        assert!(matches!(bob.register("bob", b"hush").await, Event::Registered { .. }));
        assert_eq!(passwords.hashed.load(Ordering::Relaxed), 1, "bob's alone");
        // Nobody waits any more, and all threads are free.
        assert_eq!(passwords.places.available_permits(), 4);
    });
}
