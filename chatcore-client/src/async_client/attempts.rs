//! Attempts to connect to several addresses of a host: one begins after the other, and the first that stands wins (RFC
//! 8305, 5). The driver on mio does the same.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep};

use crate::addresses::{ATTEMPT_DELAY, in_turn};

/// Connects over TCP to a `host:port`, at any of its addresses.
///
/// # Errors
///
/// That of the look-up, or of the first attempt that failed.
pub(super) async fn connect(address: String) -> io::Result<TcpStream> {
    let addresses = in_turn(lookup_host(address).await?);
    first(addresses, |address| async move { usable(TcpStream::connect(address).await?) }).await
}

/// The first stream that stands of attempts to reach these addresses, in this order: the next one begins after a time,
/// or as soon as one has failed.
async fn first<F, S>(addresses: Vec<SocketAddr>, begin: impl Fn(SocketAddr) -> F) -> io::Result<S>
where
    F: Future<Output = io::Result<S>>,
{
    let mut waiting = addresses.into_iter();
    let mut under_way = Vec::new();
    let mut failed = None;
    let mut delay = pin!(sleep(Duration::ZERO));
    poll_fn(|cx| {
        loop {
            let count = under_way.len();
            if let Some(stream) = advance(&mut under_way, &mut failed, cx) {
                return Poll::Ready(Ok(stream));
            }
            let has_failed = under_way.len() < count;
            if !under_way.is_empty() && !has_failed && delay.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match waiting.next() {
                Some(address) => {
                    under_way.push(Box::pin(begin(address)));
                    delay.as_mut().reset(Instant::now() + ATTEMPT_DELAY);
                }
                None if under_way.is_empty() => {
                    let nowhere = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                    return Poll::Ready(Err(failed.take().unwrap_or_else(nowhere)));
                }
                None => return Poll::Pending,
            }
        }
    })
    .await
}

/// Goes on with all attempts. Those that failed are taken out, and the first error is kept.
fn advance<F, S>(under_way: &mut Vec<Pin<Box<F>>>, failed: &mut Option<io::Error>, cx: &mut Context<'_>) -> Option<S>
where
    F: Future<Output = io::Result<S>>,
{
    let mut index = 0;
    while let Some(attempt) = under_way.get_mut(index) {
        match attempt.as_mut().poll(cx) {
            Poll::Ready(Ok(stream)) => return Some(stream),
            Poll::Ready(Err(error)) => {
                drop(under_way.remove(index));
                failed.get_or_insert(error);
            }
            Poll::Pending => index += 1,
        }
    }
    None
}

/// A connection that leads to somebody: a system that takes the port where nobody listens for our own end connects us
/// to ourselves.
fn usable(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? == stream.peer_addr()? {
        let why = "nobody listens there: the connection led to itself";
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
    }
    // It fails only if the connection broke at once, which the first read shows.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::net::Ipv4Addr;
    use tokio::net::TcpSocket;
    use tokio::time::timeout;

    fn addresses(ports: std::ops::RangeInclusive<u16>) -> Vec<SocketAddr> {
        ports.map(|port| (Ipv4Addr::LOCALHOST, port).into()).collect()
    }

    /// P10: each attempt had all the time that there was for all of them.
    #[tokio::test(start_paused = true)]
    async fn an_address_where_nobody_answers_keeps_nobody_from_the_next() {
        let start = Instant::now();
        let reached = first(addresses(1..=9), |address| async move {
            if address.port() < 4 { pending().await } else { Ok(address.port()) }
        });
        let reached = timeout(Duration::from_secs(60), reached).await.expect("it goes on to the next");
        assert_eq!(reached.unwrap(), 4);
        assert_eq!(start.elapsed(), 3 * ATTEMPT_DELAY);
        // One that answers late wins, if none was faster.
        let start = Instant::now();
        let reached = first(addresses(1..=2), |address| async move {
            sleep(ATTEMPT_DELAY * if address.port() == 1 { 2 } else { 3 }).await;
            Ok(address.port())
        });
        assert_eq!((reached.await.unwrap(), start.elapsed()), (1, 2 * ATTEMPT_DELAY));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_fails_is_followed_at_once_and_the_first_error_is_told() {
        let start = Instant::now();
        let failing = |address: SocketAddr| async move {
            let kinds = [io::ErrorKind::ConnectionRefused, io::ErrorKind::HostUnreachable];
            if address.port() < 3 { Err(kinds[usize::from(address.port()) - 1].into()) } else { Ok(address.port()) }
        };
        assert_eq!(first(addresses(1..=3), failing).await.unwrap(), 3);
        assert_eq!(first(addresses(1..=2), failing).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(first(Vec::new(), failing).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    /// P10: nor does an address that refuses cost time while an earlier one is tried still.
    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_fails_beside_one_that_waits_is_followed_at_once() {
        let start = Instant::now();
        let reached = first(addresses(1..=3), |address| async move {
            match address.port() {
                1 => pending().await,
                2 => Err(io::ErrorKind::ConnectionRefused.into()),
                port => Ok(port),
            }
        });
        let reached = timeout(Duration::from_secs(60), reached).await.expect("it goes on to the next");
        assert_eq!((reached.unwrap(), start.elapsed()), (3, ATTEMPT_DELAY));
    }

    /// P15.
    #[tokio::test]
    async fn a_connection_to_itself_is_none() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let error = usable(socket.connect(address).await.unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
