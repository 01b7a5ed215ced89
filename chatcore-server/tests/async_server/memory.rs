//! What a connection costs that is silent, and one that is not.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use chatcore_server::chatcore::wire::{ClientMessage, Message, Who};
use chatcore_server::chatcore::{Limits, QuotaKey, Rate};
use chatcore_server::{AsyncConfig, AsyncServer};
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
