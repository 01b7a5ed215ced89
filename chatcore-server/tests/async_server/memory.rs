//! What a connection costs that is silent, and one that is not.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use chatcore_server::chatcore::wire::{ClientMessage, Message, Preface, Register, Who};
use chatcore_server::chatcore::{Admission, CREDENTIAL_BYTES_MAX, Limits, QuotaKey, Rate, Refusal, Registration};
use chatcore_server::{AsyncConfig, AsyncServer, Hooks, StartError};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, duplex};

use super::user::User;
use super::{connect, on_virtual_time, opening};

/// Bytes of a connection's future, without its stream.
const FUTURE_BYTES_MAX: usize = 1_024;

#[test]
fn the_future_of_a_connection_holds_no_buffer() {
    on_virtual_time(async || {
        let server = AsyncServer::start(AsyncConfig::default(), ()).expect("it can start");
        let (ours, theirs) = duplex(1024);
        let (stream_bytes, future) = (size_of_val(&theirs), server.serve_connection(theirs, QuotaKey(1)));
        let bytes = size_of_val(&future) - stream_bytes;
        assert!(bytes <= FUTURE_BYTES_MAX, "{bytes} bytes");
        drop(ours);
    });
}

#[test]
fn one_turn_of_a_connection_is_bounded_however_much_it_has_to_say() {
    const REQUESTS: usize = 40_000;
    /// An answer names two users.
    const ANSWER_BYTES_MIN: usize = 14;
    on_virtual_time(async || {
        let limits = Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED);
        let server = AsyncServer::start(AsyncConfig::default().with_limits(limits), ()).expect("it can start");
        let mut alice = User::registered(|| connect(&server), "alice").await;
        let mut bytes = opening("much", 0);
        for _ in 0..REQUESTS {
            ClientMessage::Who(Who { cursor: 0 }).encode(&mut bytes);
        }
        let (mut much, stream) = duplex(1 << 20);
        much.write_all(&bytes).await.expect("the pipe takes it all");
        let mut serving = Box::pin(server.serve_connection(stream, QuotaKey(2)));
        let mut answers = vec![0; 1 << 20];
        let mut answered = 0;
        for turn in 0.. {
            assert!(poll_fn(|cx| Poll::Ready(serving.as_mut().poll(cx).is_pending())).await, "it goes on");
            let before = answered;
            while let Poll::Ready(count) = poll_fn(|cx| {
                let mut buffer = ReadBuf::new(&mut answers);
                let read = Pin::new(&mut much).poll_read(cx, &mut buffer).is_ready();
                Poll::Ready(if read { Poll::Ready(buffer.filled().len()) } else { Poll::Pending })
            })
            .await
            {
                answered += count;
            }
            assert!(answered - before < REQUESTS * ANSWER_BYTES_MIN / 3, "{} bytes in turn {turn}", answered - before);
            if answered > REQUESTS * ANSWER_BYTES_MIN {
                break;
            }
            // Others have their turn in between.
            alice.tell_oneself("alice").await;
        }
    });
}

#[test]
fn limits_that_allow_more_memory_than_the_bound_are_refused() {
    on_virtual_time(async || {
        let config = AsyncConfig::default().with_connections_max(1_000);
        let needed = config.memory_bytes();
        let config = config.with_memory_bytes_max(Some(needed));
        assert!(AsyncServer::start(config.clone(), ()).is_ok());
        let error = AsyncServer::start(config.with_memory_bytes_max(Some(needed - 1)), ()).expect_err("one byte more");
        assert!(matches!(error, StartError::Memory { bytes_max, .. } if bytes_max == needed - 1), "{error:?}");
        assert!(error.to_string().contains("lower connections_max"), "{error}");
    });
}

/// Never decides, and keeps nothing.
struct Undecided;

impl Hooks for Undecided {
    async fn decide(&self, _: &Registration) -> Result<Admission, Refusal> {
        pending().await
    }
}

#[test]
fn the_sum_of_the_limits_covers_what_connections_without_a_session_keep() {
    const CONNECTIONS: usize = 200;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there is a runtime");
    let config = AsyncConfig::default().with_undecided_of_origin_max(CONNECTIONS);
    let of_each =
        config.clone().with_connections_max(2).memory_bytes() - config.clone().with_connections_max(1).memory_bytes();
    let _entered = runtime.enter();
    let server = AsyncServer::start(config, Undecided).expect("it can start");
    // Of each connection the longest credential, and what is read while it is undecided.
    let mut said = Preface::OURS.encode().to_vec();
    let (name, credential) = ("a".repeat(32), [7; CREDENTIAL_BYTES_MAX]);
    ClientMessage::Register(Register { name: &name, credential: &credential, frame_bytes_max: u32::MAX })
        .encode(&mut said);
    said.resize(said.len() + (8 << 10), 7);
    let mut pipes: Vec<_> = (0..CONNECTIONS).map(|_| duplex(16 << 10)).collect();
    runtime.block_on(async {
        for (client, _) in &mut pipes {
            client.write_all(&said).await.expect("the pipe takes it");
        }
    });
    let mut clients = Vec::with_capacity(CONNECTIONS);
    let kept = allocation_counter::measure(|| {
        for (client, stream) in pipes {
            clients.push(client);
            tokio::spawn(server.serve_connection(stream, QuotaKey(1)));
        }
        runtime.block_on(async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        });
    });
    let kept = u64::try_from(kept.bytes_current).expect("it keeps more than before") / CONNECTIONS as u64;
    assert!(kept > 1_000, "they are there: {kept} bytes each");
    assert!(kept <= of_each, "{kept} bytes each, and not {of_each} at the most");
}
