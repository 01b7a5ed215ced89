//! Transports that keep back what they are given until they are flushed, as TLS and a WebSocket do.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use chatcore_server::chatcore::QuotaKey;
use chatcore_server::{AsyncConfig, AsyncServer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufWriter, DuplexStream, ReadBuf, duplex};

use super::user::User;
use super::{assert_accepted_at_end, on_virtual_time, opening};

const PIPE_BYTES: usize = 64 << 10;

/// A stream that takes a while to write out what it was given: its task is woken when it can go on.
struct Slow<S> {
    stream: S,
    is_at_it: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for Slow<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Slow<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_at_it = !self.is_at_it;
        if self.is_at_it {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn buffered(stream: DuplexStream) -> Slow<BufWriter<DuplexStream>> {
    Slow { stream: BufWriter::new(stream), is_at_it: false }
}

#[test]
fn a_transport_that_keeps_what_is_written_is_flushed() {
    on_virtual_time(async || {
        let server = AsyncServer::start(AsyncConfig::default(), ()).expect("it can start");
        let mut alice = User::registered(
            || {
                let (ours, theirs) = duplex(PIPE_BYTES);
                tokio::spawn(server.serve_connection(buffered(theirs), QuotaKey(1)));
                ours
            },
            "alice",
        )
        .await;
        for _ in 0..3 {
            alice.tell_oneself("alice").await;
        }
    });
}

#[test]
fn a_transport_that_keeps_what_is_written_is_flushed_before_it_is_closed() {
    on_virtual_time(async || {
        let server = AsyncServer::start(AsyncConfig::default(), ()).expect("it can start");
        let (mut client, theirs) = duplex(PIPE_BYTES);
        tokio::spawn(server.serve_connection(buffered(theirs), QuotaKey(1)));
        client.write_all(&opening("alice", 1)).await.expect("the pipe takes it");
        assert_accepted_at_end(client).await;
    });
}
