//! How long a connection that the server has closed is still read, so that no reset destroys the last words.

use std::time::Duration;

use chatcore_server::chatcore::QuotaKey;
use chatcore_server::{AsyncConfig, AsyncServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{on_virtual_time, opening};

/// Bytes that wait on the pipe: far fewer than are sent.
const PIPE_BYTES: usize = 64;

/// A client that has read why the server has closed its connection, and the future that serves it.
async fn closed(config: AsyncConfig) -> (DuplexStream, JoinHandle<()>) {
    let server = AsyncServer::start(config, ()).expect("it can start");
    let (mut client, stream) = duplex(PIPE_BYTES);
    let serving = tokio::spawn(server.serve_connection(stream, QuotaKey(1)));
    // A frame that no hub takes.
    let mut bytes = opening("alice", 0);
    bytes.extend(u32::MAX.to_le_bytes());
    let mut said = Vec::new();
    client.write_all(&bytes).await.expect("it is read");
    client.read_to_end(&mut said).await.expect("the server ends its direction");
    assert!(String::from_utf8_lossy(&said).contains("4294967295"), "{said:?}");
    (client, serving)
}

#[test]
fn what_a_client_still_sends_is_read_until_the_linger_time_is_over() {
    on_virtual_time(async || {
        let config = AsyncConfig::default().with_linger_time_max(Duration::from_secs(3));
        let (mut client, serving) = closed(config).await;
        let begun = Instant::now();
        client.write_all(&vec![7; 100_000]).await.expect("it is read");
        assert_eq!(begun.elapsed(), Duration::ZERO, "at once");
        serving.await.expect("it does not panic");
        assert_eq!(begun.elapsed().as_secs(), 3);
        client.write_all(&[7; 100]).await.expect_err("nobody is there any more");
    });
}

#[test]
fn a_client_that_closes_is_not_lingered_for() {
    on_virtual_time(async || {
        let (client, serving) = closed(AsyncConfig::default()).await;
        let begun = Instant::now();
        drop(client);
        serving.await.expect("it does not panic");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_client_that_sends_more_than_is_thrown_away_is_dropped() {
    on_virtual_time(async || {
        let (mut client, serving) = closed(AsyncConfig::default().with_linger_bytes_max(5_000)).await;
        let begun = Instant::now();
        client.write_all(&[7; 5_000]).await.expect("so much is read");
        client.write_all(&[7; 2 * PIPE_BYTES]).await.expect_err("more is not");
        serving.await.expect("it does not panic");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    });
}

#[test]
fn without_a_linger_time_a_connection_is_dropped_at_once() {
    on_virtual_time(async || {
        let (_client, serving) = closed(AsyncConfig::default().with_linger_time_max(Duration::ZERO)).await;
        let begun = Instant::now();
        serving.await.expect("it does not panic");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    });
}
