//! A chat server on axum: a connection is a WebSocket, whose binary messages are pieces of the stream of bytes. Pages of
//! others may not connect, and both ends name the protocol that they speak.
//!
//! ```sh
//! cargo run -p chatcore-server --features tokio --example axum_websocket -- 127.0.0.1:8080 https://chat.example
//! ```

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chatcore_server::{AsyncConfig, AsyncServer, quota_key};
use futures_util::{SinkExt as _, StreamExt as _, future};
use tokio::io::{AsyncRead, AsyncWrite, join};
use tokio::net::TcpListener;
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().collect();
    let [_, address, origin] = &args[..] else { return Err("give an address and an origin".into()) };
    run(TcpListener::bind(address).await?, origin, async { drop(tokio::signal::ctrl_c().await) }).await
}

/// Serves until it is to stop, and then until everybody is gone.
pub(crate) async fn run(
    listener: TcpListener,
    origin: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let server = AsyncServer::start(AsyncConfig::default(), ())?;
    let app = Router::new().route("/chat", get(upgrade)).with_state((server.clone(), origin.into()));
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).with_graceful_shutdown(stop).await?;
    server.shut_down(None);
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
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "the subprotocol chatcore.v1 is spoken here\n").into_response();
    }
    upgrade.on_upgrade(move |socket| server.serve_connection(stream_of(socket), quota_key(peer.ip())))
}

/// The stream of bytes whose pieces the binary messages are.
fn stream_of(socket: WebSocket) -> impl AsyncRead + AsyncWrite + Unpin + Send {
    let (sink, stream) = socket.split();
    let sink = sink.sink_map_err(io::Error::other).with(|bytes: Bytes| future::ok::<_, io::Error>(bytes.into()));
    let stream = stream.filter_map(|message| {
        future::ready(match message {
            Ok(Message::Binary(bytes)) => Some(Ok(bytes)),
            Ok(Message::Text(_)) => Some(Err(io::Error::other("a text is no piece of the stream"))),
            Ok(_) => None,
            Err(error) => Some(Err(io::Error::other(error))),
        })
    });
    join(StreamReader::new(stream), SinkWriter::new(CopyToBytes::new(sink)))
}
