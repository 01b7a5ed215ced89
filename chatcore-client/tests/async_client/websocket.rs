//! The client over a WebSocket of the examples, with the server of the examples and with one that is wrong.

use std::cell::RefCell;

use chatcore_client::{AsyncClient, ClientConfig, Closed, Event, GoodbyeCode};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{accept_async, accept_hdr_async};

use super::{REAL_PATIENCE, axum_websocket, next, tokio_websocket};

/// A listener, and the URL of a chat there.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let url = format!("ws://{}/chat", listener.local_addr().expect("it listens"));
    (listener, url)
}

#[tokio::test]
async fn the_examples_chat_with_each_other() {
    let (listener, url) = listen().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let (heard, rung) = (RefCell::new(Vec::new()), Notify::new());
    let talking = async {
        let dial = |_: Option<String>| tokio_websocket::connect(&url);
        let mut bob = AsyncClient::connect(dial, ClientConfig::default()).await.expect("it is let in");
        bob.register("bob", b"").unwrap();
        assert!(matches!(next(&mut bob).await, Event::Registered { .. }));
        bob.join("#lobby").unwrap();
        assert!(matches!(next(&mut bob).await, Event::Done { .. }));
        let answer = async {
            assert!(matches!(next(&mut bob).await, Event::Joined { .. }));
            let event = next(&mut bob).await;
            assert!(matches!(&event, Event::Message { body, .. } if body == b"hello, all"), "{event:?}");
            // Longer than a message may be that everybody takes.
            bob.send("#lobby", &vec![b'x'; 65_536]).unwrap();
            bob.flush().await.unwrap();
            rung.notified().await;
        };
        let hear = |line: String| {
            heard.borrow_mut().push(line);
            rung.notify_one();
        };
        let alice = tokio_websocket::run(&url, "alice", "#lobby", "hello, all", hear, answer).await;
        alice.expect("it leaves in an orderly way");
        loop {
            match next(&mut bob).await {
                Event::Left { name, .. } => break assert_eq!(name.as_str(), "alice"),
                Event::Accepted { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        stop.send(()).expect("it waits for that");
        let event = next(&mut bob).await;
        let Event::Reconnecting { why: Closed::Goodbye { code, .. }, .. } = event else { panic!("{event:?}") };
        assert_eq!(code, GoodbyeCode::ShuttingDown, "the reason comes before the WebSocket closes");
    };
    let served = axum_websocket::run(listener, "https://chat.example", stopped);
    let both = Box::pin(async { tokio::join!(served, talking) });
    let (served, ()) = timeout(REAL_PATIENCE, both).await.expect("it ends");
    served.expect("it can start");
    assert_eq!(*heard.borrow(), [format!("bob: {}", "x".repeat(65_536))]);
}

#[tokio::test]
async fn a_server_that_does_not_name_the_protocol_is_refused() {
    let (listener, url) = listen().await;
    let serve = async {
        let (stream, _) = listener.accept().await.expect("it is connected");
        accept_async(stream).await
    };
    let (connected, _) = tokio::join!(tokio_websocket::connect(&url), serve);
    let error = connected.map(drop).expect_err("it speaks another protocol");
    assert!(error.to_string().to_lowercase().contains("subprotocol"), "{error}");
}

#[tokio::test]
async fn a_text_is_answered_with_the_code_for_data_that_nobody_takes() {
    let (listener, url) = listen().await;
    let serve = async {
        let (stream, _) = listener.accept().await.expect("it is connected");
        #[expect(clippy::result_large_err, reason = "the type of a callback")]
        let echo = |_: &Request, mut response: Response| {
            let protocol = HeaderValue::from_static("chatcore.v1");
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
            Ok(response)
        };
        let mut socket = accept_hdr_async(stream, echo).await.expect("it opens a WebSocket");
        // Pieces need not be frames, and may be empty.
        for piece in [&b"12"[..], b"", b"345"] {
            socket.send(Message::Binary(Bytes::from_static(piece))).await.expect("it is open");
        }
        let Some(Ok(Message::Binary(bytes))) = socket.next().await else { panic!("the client writes") };
        assert_eq!(&bytes[..], b"hello");
        socket.send(Message::text("hello")).await.expect("it is open");
        match socket.next().await {
            Some(Ok(Message::Close(Some(close)))) => assert_eq!(close.code, CloseCode::Unsupported),
            other => panic!("{other:?}"),
        }
    };
    let talk = async {
        let mut stream = tokio_websocket::connect(&url).await.expect("it speaks the protocol");
        let mut pieces = [0; 5];
        stream.read_exact(&mut pieces).await.expect("they come");
        assert_eq!(&pieces, b"12345");
        stream.write_all(b"hello").await.expect("it is open");
        stream.flush().await.expect("it is open");
        stream.read_u8().await.expect_err("a text is a fault");
    };
    timeout(REAL_PATIENCE, async { tokio::join!(serve, talk) }).await.expect("it ends");
}
