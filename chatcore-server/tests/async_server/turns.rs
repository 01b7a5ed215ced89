//! When a connection lets others go first, and when the hub's task is woken.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use chatcore_server::chatcore::wire::{ClientMessage, Message, Pong};
use chatcore_server::chatcore::{Event, HubEvent, Limits, QuotaKey, Rate, RefusalCode};
use chatcore_server::{AsyncConfig, AsyncServer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::user::User;
use super::{Hears, connect, on_virtual_time, opening};

/// Reads before others have their turn.
const READS_MAX: usize = 8;

/// A peer that registers, and then sends pongs without end. What it is sent it throws away.
struct Endless {
    opening: Vec<u8>,
    pongs: Vec<u8>,
    reads: Arc<AtomicUsize>,
}

impl AsyncRead for Endless {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        assert!(reads < 1_000, "it does not let others have their turn");
        let source = if self.opening.is_empty() { &mut self.pongs } else { &mut self.opening };
        let count = source.len().min(buffer.remaining());
        buffer.put_slice(&source[..count]);
        if self.opening.is_empty() {
            // What was cut off comes next.
            self.pongs.rotate_left(count);
        } else {
            self.opening.drain(..count);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_peer_that_never_pauses_lets_others_have_their_turn_and_goes_on_after_them() {
    on_virtual_time(async || {
        let limits = Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED);
        let server = AsyncServer::start(AsyncConfig::default().with_limits(limits), ()).expect("it can start");
        let mut pongs = Vec::new();
        while pongs.len() < 20_000 {
            ClientMessage::Pong(Pong { nonce: 7 }).encode(&mut pongs);
        }
        let reads = Arc::new(AtomicUsize::new(0));
        let peer = Endless { opening: opening("alice", 0), pongs, reads: Arc::clone(&reads) };
        let mut serving = Box::pin(server.serve_connection(peer, QuotaKey(1)));
        let wakes = Arc::new(Wakes::default());
        let task = Waker::from(Arc::clone(&wakes));
        let mut most = 0;
        for _ in 0..50 {
            let (read, woken) = (reads.swap(0, Ordering::Relaxed), wakes.0.load(Ordering::Relaxed));
            most = most.max(read);
            assert!(serving.as_mut().poll(&mut Context::from_waker(&task)).is_pending(), "it goes on");
            assert!(wakes.0.load(Ordering::Relaxed) > woken, "it is to be polled again, because there is more");
        }
        assert_eq!(most, READS_MAX, "in one turn");
    });
}

/// The hub has nothing to do at once, but something sooner than its task knew.
#[test]
fn the_hubs_task_is_woken_for_a_time_that_comes_sooner() {
    on_virtual_time(async || {
        let (events, mut heard) = mpsc::unbounded_channel();
        let server = AsyncServer::start(AsyncConfig::default(), Hears(events)).expect("it can start");
        // She is silent from now on.
        let mut alice = connect(&server);
        alice.write_all(&opening("alice", 0)).await.expect("the pipe takes it");
        assert!(matches!(heard.recv().await, Some(HubEvent::SessionStarted { .. })));
        // By now the task waits for the time after which the silent are asked.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        let mut other = User::connect(|| connect(&server));
        let event = other.register("alice", b"").await;
        assert!(matches!(event, Event::Refused { code: RefusalCode::NameInUse, .. }), "{event:?}");
        let event = heard.recv().await;
        assert!(
            matches!(event, Some(HubEvent::SessionEnded { .. } | HubEvent::Detached { .. })),
            "who does not answer loses its connection: {event:?}"
        );
        assert_eq!(begun.elapsed().as_secs(), 5, "and not only when something else is due");
        drop(alice);
    });
}

/// What senders are told waits for company: the hub's task tells it.
#[test]
fn the_hubs_task_is_woken_for_what_is_left_to_be_done() {
    on_virtual_time(async || {
        let server = AsyncServer::start(AsyncConfig::default(), ()).expect("it can start");
        let mut alice = connect(&server);
        alice.write_all(&opening("alice", 1)).await.expect("the pipe takes it");
        let begun = Instant::now();
        let mut said = Vec::new();
        // The preface, the welcome, the message itself; and what became of it.
        while said.len() < 16 + 70 + 1_020 + 15 {
            assert!(alice.read_buf(&mut said).await.expect("it is open") > 0);
        }
        assert!(begun.elapsed() < Duration::from_millis(10), "{:?}", begun.elapsed());
    });
}
