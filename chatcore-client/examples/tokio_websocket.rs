//! A chat client over a WebSocket (protocol.md, *WebSocket*): it says a line in a room, and prints what is said there.
//! The example `axum_websocket` of chatcore-server is a server for it.
//!
//! It needs tokio-tungstenite with `handshake`, futures-util with `sink`, tokio-util with `io`, and chatcore-client
//! with `tokio`.
//!
//! ```sh
//! cargo run -p chatcore-client --features tokio --example tokio_websocket -- ws://127.0.0.1:8080/chat alice '#lobby' hello
//! ```

use std::error::Error;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use chatcore_client::{AsyncClient, ClientConfig, Event};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

/// Bytes of a message, at the most: what every receiver takes.
const PIECE_BYTES_MAX: usize = 64 << 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().collect();
    let [_, url, name, room, line] = &args[..] else { return Err("give a URL, a name, a room and a line".into()) };
    run(url, name, room, line, |said| println!("{said}"), tokio::signal::ctrl_c()).await
}

/// Chats until it is to stop, or the server ends it.
pub(crate) async fn run(
    url: &str,
    name: &str,
    room: &str,
    line: &str,
    mut hear: impl FnMut(String),
    stop: impl Future,
) -> Result<(), Box<dyn Error>> {
    // Where the server says to connect to is not followed: it stays the same place.
    let dial = |_address: Option<String>| connect(url);
    let mut client = AsyncClient::connect(dial, ClientConfig::default()).await?;
    client.register(name, b"")?;
    let mut stop = pin!(stop);
    loop {
        let event = tokio::select! {
            event = client.next() => event,
            _ = &mut stop => return Ok(client.close().await?),
        };
        match event {
            Some(Event::Registered { .. }) => drop(client.join(room)?),
            Some(Event::Done { .. }) => drop(client.send(room, line.as_bytes())?),
            Some(Event::Message { from, body, .. }) => {
                hear(format!("{from}: {}", String::from_utf8_lossy(&body).escape_debug()));
            }
            Some(Event::Refused { detail, .. }) => return Err(detail.escape_debug().to_string().into()),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

/// Makes a connection to a server at `ws://host:port/path`. For `wss://`, TLS belongs between the two streams.
pub(crate) async fn connect(url: &str) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + use<>> {
    let mut request = url.into_client_request().map_err(io::Error::other)?;
    let (Some("ws"), Some(authority)) = (request.uri().scheme_str(), request.uri().authority()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a URL such as ws://127.0.0.1:8080/chat"));
    };
    let port = if authority.port().is_none() { ":80" } else { "" };
    let stream = TcpStream::connect(format!("{authority}{port}")).await?;
    stream.set_nodelay(true)?;
    // A server that does not name the protocol in its answer is an error.
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("chatcore.v1"));
    let config = WebSocketConfig::default().read_buffer_size(4 << 10);
    let (socket, _) = client_async_with_config(request, stream, Some(config)).await.map_err(io::Error::other)?;
    Ok(SinkWriter::new(StreamReader::new(CopyToBytes::new(Pieces(socket)))))
}

/// The binary messages of a WebSocket: pieces of the stream of bytes.
struct Pieces(WebSocketStream<TcpStream>);

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match ready!(self.0.poll_next_unpin(cx)) {
                Some(Ok(Message::Binary(bytes))) => return Poll::Ready(Some(Ok(bytes))),
                Some(Ok(Message::Text(_))) => {
                    // Whoever sent it is told so, if that goes out at once.
                    let reason = "a text is no piece of the stream";
                    let close = CloseFrame { code: CloseCode::Unsupported, reason: reason.into() };
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

    fn start_send(mut self: Pin<&mut Self>, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE_BYTES_MAX));
            self.0.start_send_unpin(Message::Binary(piece)).map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush_unpin(cx).map_err(io::Error::other)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close_unpin(cx).map_err(io::Error::other)
    }
}
