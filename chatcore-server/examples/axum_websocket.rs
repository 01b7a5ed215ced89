//! A chat server on axum: a connection is a WebSocket, whose binary messages are pieces of the stream of bytes
//! (protocol.md, *WebSocket*). Pages of others may not connect, and both ends name the protocol that they speak. The
//! example `tokio_websocket` of chatcore-client is a client for it.
//!
//! It needs axum with `ws`, futures-util with `sink`, tokio-util with `io`, and chatcore-server with `tokio`.
//!
//! ```sh
//! cargo run -p chatcore-server --features tokio --example axum_websocket -- 127.0.0.1:8080 https://chat.example
//! ```

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chatcore_server::{AsyncConfig, AsyncServer, Reconnect};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().collect();
    let [_, address, origin] = &args[..] else { return Err("give an address and an origin".into()) };
    let listener = TcpListener::bind(address).await?;
    println!("listening on http {}", listener.local_addr()?);
    run(listener, origin, async { drop(tokio::signal::ctrl_c().await) }).await
}

/// Bytes of a WebSocket message, and so of what is kept of one that is not whole: a peer that has no name yet can send
/// that much. A client must write no longer piece at once; with the default limits, that of this library writes at most
/// half of it.
const PIECE_BYTES_MAX: usize = 256 << 10;

/// Serves until it is to stop, and then until everybody is gone.
pub(crate) async fn run(
    listener: TcpListener,
    origin: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let server = AsyncServer::start(AsyncConfig::default(), ())?;
    let app = Router::new().route("/chat", get(upgrade)).with_state((server.clone(), origin.into()));
    // Whoever chats is told at once, and comes back by itself; axum may wait for requests that are not whole.
    let stopping = {
        let server = server.clone();
        async move {
            stop.await;
            server.shut_down(Some(Reconnect::new(Duration::from_secs(5))));
        }
    };
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stopping).await?;
    server.stopped().await;
    Ok(())
}

async fn upgrade(
    State((server, origin)): State<(AsyncServer, Arc<str>)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // A browser names the page that connects, and lets any page connect. Other programs name none.
    if headers.get(header::ORIGIN).is_some_and(|given| given.as_bytes() != origin.as_bytes()) {
        return (StatusCode::FORBIDDEN, "pages of this origin may not connect here\n").into_response();
    }
    let upgrade = upgrade.protocols(["chatcore.v1"]).read_buffer_size(4 << 10).write_buffer_size(0);
    let upgrade = upgrade.max_message_size(PIECE_BYTES_MAX).max_frame_size(PIECE_BYTES_MAX);
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "the subprotocol chatcore.v1 is spoken here\n").into_response();
    }
    upgrade.on_upgrade(move |socket| server.serve_connection(stream_of(socket), peer.ip()))
}

/// The stream of bytes whose pieces the binary messages are.
fn stream_of(socket: WebSocket) -> impl AsyncRead + AsyncWrite + Unpin + Send {
    SinkWriter::new(StreamReader::new(CopyToBytes::new(Pieces(socket))))
}

/// The binary messages of a WebSocket.
struct Pieces(WebSocket);

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match ready!(self.0.poll_next_unpin(cx)) {
                Some(Ok(Message::Binary(bytes))) => return Poll::Ready(Some(Ok(bytes))),
                Some(Ok(Message::Text(_))) => {
                    // Whoever sent it is told so, if that goes out at once.
                    let reason = "a text is no piece of the stream";
                    let close = CloseFrame { code: close_code::UNSUPPORTED, reason: reason.into() };
                    let _ = self.0.start_send_unpin(Message::Close(Some(close)));
                    let _ = self.0.poll_flush_unpin(cx);
                    return Poll::Ready(Some(Err(io::Error::other(reason))));
                }
                // A ping is answered by the WebSocket itself.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Sink<Bytes> for Pieces {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready_unpin(cx).map_err(io::Error::other)
    }

    fn start_send(mut self: Pin<&mut Self>, bytes: Bytes) -> io::Result<()> {
        self.0.start_send_unpin(Message::Binary(bytes)).map_err(io::Error::other)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush_unpin(cx).map_err(io::Error::other)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close_unpin(cx).map_err(io::Error::other)
    }
}
