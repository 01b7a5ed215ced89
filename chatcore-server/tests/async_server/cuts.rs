//! Connections that break anywhere, and sessions that go on.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use chatcore_server::chatcore::{Event, MessageId, QuotaKey};
use chatcore_server::{AsyncConfig, AsyncServer};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::task::JoinHandle;

use super::user::User;
use super::{Draw, PIPE_BYTES, on_virtual_time};

/// The server's end of a connection, which breaks after so many bytes. It may have taken some then that nobody gets.
struct Fragile {
    stream: DuplexStream,
    bytes_left: usize,
    loses: bool,
}

impl AsyncRead for Fragile {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.bytes_left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let bytes_max = self.bytes_left.min(buffer.remaining());
        let mut part = buffer.take(bytes_max);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut part);
        let count = part.filled().len();
        // What is read into the part of a buffer counts only when the whole is told.
        let bytes = part.filled().to_vec();
        self.bytes_left -= count;
        buffer.put_slice(&bytes);
        read
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.bytes_left == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let part = &bytes[..bytes.len().min(self.bytes_left)];
        let Poll::Ready(Ok(count)) = Pin::new(&mut self.stream).poll_write(cx, part) else {
            return Poll::Pending;
        };
        self.bytes_left -= count;
        Poll::Ready(Ok(if self.bytes_left == 0 && self.loses { bytes.len() } else { count }))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How the connections of a test break.
struct Cuts {
    draw: Draw,
    left: u32,
}

impl Cuts {
    /// A connection that breaks somewhere. Some do because the program drops their future.
    fn connect(&mut self, server: &AsyncServer) -> (DuplexStream, Option<JoinHandle<()>>) {
        let (ours, stream) = duplex(PIPE_BYTES);
        if self.left == 0 {
            tokio::spawn(server.serve_connection(stream, QuotaKey(1)));
            return (ours, None);
        }
        self.left -= 1;
        let bytes_left = usize::try_from(200 + self.draw.below(4_000)).expect("it is small");
        let stream = Fragile { stream, bytes_left, loses: self.draw.below(2) == 0 };
        let serving = tokio::spawn(server.serve_connection(stream, QuotaKey(1)));
        let is_dropped = self.draw.below(3) == 0;
        (ours, is_dropped.then_some(serving))
    }
}

/// Alice sends to Bob and to a room of both, while both lose their connections all the time.
async fn every_message_comes_once(seed: u64) {
    const COUNT: usize = 1_500;
    const CUTS: u32 = 60;
    let server = AsyncServer::start(AsyncConfig::default(), ()).expect("it can start");
    let resumed = Cell::new(0);
    let dial = |seed| {
        let (mut cuts, server) = (Cuts { draw: Draw(seed), left: CUTS }, server.clone());
        // The first connection, on which a session begins, holds until it has one.
        let mut has_first = false;
        move || {
            if !std::mem::replace(&mut has_first, true) {
                let (ours, stream) = duplex(PIPE_BYTES);
                let stream = Fragile { stream, bytes_left: 1_000, loses: false };
                tokio::spawn(server.serve_connection(stream, QuotaKey(1)));
                return ours;
            }
            let (ours, dropped) = cuts.connect(&server);
            if let Some(serving) = dropped {
                let after = std::time::Duration::from_micros(cuts.draw.below(3_000));
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    serving.abort();
                });
            }
            ours
        }
    };
    let mut alice = User::registered(dial(seed), "alice").await;
    let mut bob = User::registered(dial(!seed), "bob").await;
    alice.join("#room").await;
    bob.join("#room").await;
    let sending = async {
        let (mut draw, mut sent) = (Draw(seed ^ 1), 0);
        let mut accepted: Vec<MessageId> = Vec::new();
        while accepted.len() < COUNT {
            while sent < COUNT && sent < accepted.len() + 20 {
                let filler = "-".repeat(usize::try_from(draw.below(60)).expect("it is small"));
                let to = if sent.is_multiple_of(3) { "#room" } else { "bob" };
                alice.send(to, format!("{sent}{filler}").as_bytes());
                sent += 1;
            }
            match alice.event().await {
                Event::Accepted { id, .. } => accepted.push(id),
                Event::Reconnecting { .. } | Event::Joined { .. } => {}
                Event::Resumed => resumed.set(resumed.get() + 1),
                other => panic!("{other:?}"),
            }
        }
        accepted.sort_unstable();
        accepted
    };
    let receiving = async {
        let mut received = Vec::new();
        while received.len() < COUNT {
            match bob.event().await {
                Event::Message { id, body, room, .. } => {
                    let body = String::from_utf8(body).expect("it is text");
                    assert_eq!(body.trim_end_matches('-').parse(), Ok(received.len()), "in order");
                    assert_eq!(room.is_some(), received.len().is_multiple_of(3));
                    received.push(id);
                }
                Event::Reconnecting { .. } => {}
                Event::Resumed => resumed.set(resumed.get() + 1),
                other => panic!("{other:?}"),
            }
        }
        received
    };
    let (accepted, received) = tokio::join!(sending, receiving);
    assert_eq!(accepted, received, "both know the same ids, and none twice");
    assert!(resumed.get() > 20, "{} connections broke and were followed by another", resumed.get());
}

#[test]
fn every_message_comes_once_and_in_order_whatever_breaks_and_whichever_future_is_dropped() {
    on_virtual_time(async || {
        for seed in 0..8 {
            every_message_comes_once(seed).await;
        }
    });
}
