//! The hub of the core for programs on tokio, over any transport.
//!
//! The hub is in one place: behind a lock ([`shared`]), which is held for one input and what the hub wants done at
//! once, and never while a transport is read or written, or a hook runs. Each connection is one future
//! ([`connection`]), on whatever task the program polls it. What the hub wants done names connections: their futures
//! are woken ([`state`]). What nobody's input brings about is done by the hub's own task ([`hub_task`]): what is due,
//! slices, answers to senders that waited for company, and events.

mod arrival;
mod byte_stream;
mod checks;
mod config;
mod connection;
mod hooks;
mod hub_task;
mod line;
mod listener;
mod memory;
mod origin;
mod shared;
mod state;
mod timer;
mod undecided;
mod wakes;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chatcore::{Hub, Instant, Reconnect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::{JoinSet, coop};
use tokio::time::{Instant as TokioInstant, sleep, timeout};
use tracing::{debug, error, info, warn};

use self::arrival::Arrival;
use self::byte_stream::ByteStream;
pub use self::checks::StartError;
pub use self::config::AsyncConfig;
use self::connection::Ended;
pub use self::hooks::Hooks;
pub use self::listener::Listener;
pub use self::origin::Origin;
use self::shared::{Shared, Stage};
use crate::accept_error::{RETRY_AFTER, is_peers};
use crate::memory::Bytes;
use crate::wall_clock::WallClock;

/// A chat server for programs on tokio, over any transport that tokio can read and write. Clones are the same server.
///
/// 1. [`start`](Self::start) makes the hub.
/// 2. [`serve`](Self::serve) accepts connections from a [`Listener`] and serves them; several calls serve several
///    listeners. A program that accepts by itself, such as one on a web framework, calls
///    [`serve_connection`](Self::serve_connection).
/// 3. [`Hooks`] decide who gets a name, and hear what happens. [`with_hub`](Self::with_hub) asks and commands the hub.
/// 4. [`shut_down`](Self::shut_down) says goodbye to everybody, and [`stopped`](Self::stopped) waits for the end.
///
/// *Tasks.* There are two kinds, on the runtime that the call was made in. `start` spawns the hub's task, which does
/// what is due. It ends when the server has stopped, or when all clones are dropped and all connections have ended.
/// `serve` spawns a task for each connection, and owns them. `serve_connection` spawns none.
///
/// *Threads.* Connections read and write at the same time on all threads of the runtime. The hub itself works for one
/// at a time, in short steps.
///
/// *Cancelling.* If the future of a connection is dropped, at whatever time, the hub takes it as a connection that
/// broke: the user keeps its session for [`Limits::resume_time_max`](chatcore::Limits::resume_time_max), and when its
/// client comes back, nothing is lost or comes twice. If the future of `serve` is dropped, so are its connections. The
/// server goes on: it may be called again.
///
/// *Slow clients.* A client that does not read holds up nobody. The hub keeps what waits for it, within its limits, and
/// at most 16 KiB wait beside that in the connection's future.
///
/// *Other limits.* [`with_hub`](Self::with_hub) gives a running server other limits ([`Hub::set_limits`]) and other
/// reserved names ([`Hub::set_reserved`]). The other fields of [`AsyncConfig`] hold from the start to the end, because
/// all connections share what they size: for others, start another server, give it those who come, and shut this one
/// down. That is so for [`AsyncConfig::site_factor`], too: what [`Hub::set_site_factor`] says holds for a site until
/// its next connection. How much is logged is for the program to bound: the server logs with `tracing`, and what the
/// program subscribes decides.
///
/// *Panics.* A panic in a hook ends what [`Hooks`] says, and nothing else. If the hub itself panics, which is a bug,
/// all connections end, and so does the server.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use chatcore_server::{AsyncConfig, AsyncServer};
/// use tokio::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// let server = AsyncServer::start(AsyncConfig::default(), ())?; // `()` admits everybody
/// let serving = tokio::spawn({
///     let server = server.clone();
///     async move { server.serve(listener).await }
/// });
///
/// let _client = TcpStream::connect(address).await?;
/// assert_eq!(server.with_hub(|hub, _now| hub.users()), 0, "it has not asked for a name yet");
/// server.shut_down(None);
/// serving.await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It needs a runtime with time enabled, and with I/O for the listeners of tokio.
pub struct AsyncServer<H: Hooks = ()>(Arc<Shared<H>>);

impl<H: Hooks> Clone for AsyncServer<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H: Hooks> fmt::Debug for AsyncServer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncServer").field("stage", &*self.0.stage.borrow()).finish_non_exhaustive()
    }
}

impl<H: Hooks> AsyncServer<H> {
    /// Makes a server that has no connection yet, and spawns the hub's task.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration ([`AsyncConfig::check`]), or the system's if it gives no randomness.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without time.
    pub fn start(config: AsyncConfig, hooks: H) -> Result<Self, StartError> {
        config.check()?;
        info!("by its limits this server needs at most {} of memory", Bytes(config.memory_bytes()));
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| StartError::System(io::Error::other(error)))?;
        let (wall_clock, epoch) = (WallClock::start(), TokioInstant::now());
        let hub =
            Hub::new(crate::counts::in_halves(config.limits.clone()), seed).with_unix_epoch(wall_clock.unix_epoch());
        let hub = hub.with_number(config.hub_number);
        let hub = hub.with_reserved(config.reserved_names.iter().cloned()).with_asking(hooks.asking());
        let hub = hub.with_room_events(hooks.wants_room_events());
        let shared = Arc::new(Shared::new(hub, wall_clock, config, hooks, epoch));
        tokio::spawn(hub_task::run(Arc::downgrade(&shared)));
        Ok(Self(shared))
    }

    /// Accepts connections and serves each on a task of its own. Returns when the server has stopped: after
    /// [`shut_down`](Self::shut_down), when all connections are gone.
    ///
    /// If the system cannot accept, because it has no more open files for example, the call logs that and tries again
    /// each second.
    pub async fn serve<L: Listener>(&self, mut listener: L) {
        let mut connections = JoinSet::new();
        let mut stage = self.0.stage.subscribe();
        loop {
            let came = {
                let (mut accepting, mut stopping) =
                    (pin!(self.accept(&mut listener)), pin!(has_come(&mut stage, Stage::Stopping)));
                poll_fn(|cx| {
                    reap(cx, &mut connections);
                    if stopping.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(None);
                    }
                    accepting.as_mut().poll(cx).map(Some)
                })
                .await
            };
            let Some((stream, origin, seat)) = came else { break };
            connections.spawn(serve_connection(Arc::clone(&self.0), stream, origin, seat));
        }
        drop(listener);
        poll_fn(|cx| {
            reap(cx, &mut connections);
            if connections.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.stopped().await;
    }

    /// Waits for a free seat, and then for a connection.
    async fn accept<L: Listener>(&self, listener: &mut L) -> (L::Stream, Origin, OwnedSemaphorePermit) {
        let seats = Arc::clone(&self.0.seats);
        let seat = seats.acquire_owned().await.expect("the semaphore is never closed");
        loop {
            // A listener may have errors without end, and still others have their turn.
            coop::consume_budget().await;
            match listener.accept().await {
                Ok((stream, origin)) => return (stream, origin, seat),
                Err(error) if is_peers(&error) => debug!(%error, "a connection was gone before it was accepted"),
                Err(error) => {
                    warn!("no more connections are accepted for {RETRY_AFTER:?}: {error}; whoever comes waits");
                    sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// Serves one connection that the program has accepted itself, from its first byte to its last. The origin is what
    /// the server and its hub have bounds for: the peer's address, its [`quota_key`](crate::quota_key), or a number of
    /// the program's own. The program has the peer's address, and a proxy's word about it, so it says which [`Origin`]
    /// is [shared](Origin::shared) by many, and may turn somebody away before this call.
    ///
    /// The future is ready when the connection has ended, for whatever reason. Drop it to break the connection. It
    /// closes the connection at once if there are [`connections_max`](AsyncConfig::connections_max) already, or if the
    /// server has stopped. If its origin has as many as it may, the client is told so first.
    ///
    /// A stream may keep back what it was given, as TLS, a WebSocket and a `BufWriter` do: the server flushes it
    /// ([`poll_flush`](AsyncWrite::poll_flush)) whenever it has given it all that there is to say, and shuts it down in
    /// the end.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use chatcore_server::chatcore::QuotaKey;
    /// use chatcore_server::{AsyncConfig, AsyncServer};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// let server = AsyncServer::start(AsyncConfig::default(), ())?;
    /// let (mut client, stream) = tokio::io::duplex(1024); // any stream of bytes
    /// let serving = tokio::spawn(server.serve_connection(stream, QuotaKey(1)));
    /// client.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer).await?;
    /// assert!(answer.starts_with("HTTP/1.1 400 "), "a browser is told that this is no web server");
    /// drop(client);
    /// serving.await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve_connection<S, O>(
        &self,
        stream: S,
        origin: O,
    ) -> impl Future<Output = ()> + Send + 'static + use<S, O, H>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        O: Into<Origin> + 'static,
    {
        let (shared, origin) = (Arc::clone(&self.0), origin.into());
        async move {
            let seat = Arc::clone(&shared.seats).try_acquire_owned();
            if let Ok(seat) = seat {
                serve_connection(shared, stream, origin, seat).await;
            } else {
                debug!("a connection is closed at once: there are as many as the server may have");
            }
        }
    }

    /// Asks or commands the hub: who is there, what it keeps, end a session ([`Hub::kick`]). The time is that of the
    /// hub's calls.
    ///
    /// The hub works for nobody else meanwhile, so the closure should be short. It must not call this method, and must
    /// leave connections, [`poll_action`](Hub::poll_action) and [`poll_event`](Hub::poll_event) to the server: a
    /// connection hangs whose action is taken away, and the server ends if it meets a connection that it does not know.
    /// To stop the server, call [`shut_down`](Self::shut_down), and not that of the hub. Limits that are set so are
    /// taken as they are: the server bounds an origin's part by half of all only in those that it begins with.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use chatcore_server::{AsyncConfig, AsyncServer};
    /// # let server = AsyncServer::start(AsyncConfig::default(), ())?;
    /// let was_there = server.with_hub(|hub, now| hub.kick(now, &"mallory".parse().expect("it can be a name")));
    /// assert!(!was_there);
    /// let fewer = server.with_hub(|hub, _now| hub.limits().clone()).with_sessions_max(100);
    /// server.with_hub(|hub, now| hub.set_limits(now, fewer))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the closure does; the server goes on. If the hub has panicked before.
    pub fn with_hub<T>(&self, act: impl FnOnce(&mut Hub, Instant) -> T) -> T {
        let output = self.0.hold(|now, state| catch_unwind(AssertUnwindSafe(|| act(&mut state.hub, now))));
        match output.expect("the hub has not panicked before") {
            Ok(output) => output,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Stops the server, and returns at once. The server accepts nobody more, and says goodbye to every client, with
    /// the hint when and where to connect again. [`stopped`](Self::stopped) and [`serve`](Self::serve) return when all
    /// connections are gone. For what is still to be written, the server waits for
    /// [`Limits::flush_time_max`](chatcore::Limits::flush_time_max) at the most, and then for
    /// [`linger_time_max`](AsyncConfig::linger_time_max) for the clients to close.
    ///
    /// Clients come back by themselves: with a hint when and where it says, without one as after a break.
    ///
    /// A second call does nothing.
    pub fn shut_down(&self, reconnect: Option<Reconnect>) {
        self.0.stage.send_if_modified(|stage| {
            let is_first = *stage == Stage::Serving;
            if is_first {
                *stage = Stage::Stopping;
            }
            is_first
        });
        // If the hub has panicked, everything is over.
        let _ = self.0.hold(|now, state| {
            if state.stopping.is_none() {
                info!(users = state.hub.users(), "stopping");
            }
            state.shut_down(now, reconnect);
        });
    }

    /// Waits until the server has stopped: until it was [told to](Self::shut_down), and all connections are gone.
    pub async fn stopped(&self) {
        has_come(&mut self.0.stage.subscribe(), Stage::Stopped).await;
    }
}

/// Waits until a server has come so far.
async fn has_come(stage: &mut watch::Receiver<Stage>, wanted: Stage) {
    // It fails only if the server is gone, and whoever waits has it.
    let _ = stage.wait_for(|stage| *stage as u8 >= wanted as u8).await;
}

/// Takes leave of connections that have ended.
fn reap(cx: &mut Context<'_>, connections: &mut JoinSet<()>) {
    while let Poll::Ready(Some(ended)) = connections.poll_join_next(cx) {
        if ended.is_err_and(|error| error.is_panic()) {
            error!("the future of a connection has panicked: that connection is over");
        }
    }
}

async fn serve_connection<S, H>(shared: Arc<Shared<H>>, stream: S, origin: Origin, seat: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Hooks,
{
    let Some(mut arrival) = Arrival::new(&shared, stream, &origin) else { return };
    match &mut arrival {
        Arrival::Served(connection) => {
            let ended = poll_fn(|cx| connection.poll(cx)).await;
            take_leave(&shared, &mut connection.stream, ended).await;
        }
        Arrival::TurnedAway(Some(turned_away)) => {
            // Who is turned away takes nobody's seat.
            drop(seat);
            take_leave(&shared, &mut turned_away.stream, Ended::Closed).await;
        }
        Arrival::TurnedAway(None) => {}
    }
}

/// Writes what is left for a peer whose connection has ended so, and waits until the peer can have read it.
async fn take_leave<S, H>(shared: &Shared<H>, stream: &mut ByteStream<S>, ended: Ended)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if ended == Ended::Broken {
        return;
    }
    // The hub may have been given other limits since the start.
    let flush_time_max = shared.hold(|_, state| state.hub.limits().flush_time_max).unwrap_or_default();
    let said = timeout(flush_time_max, poll_fn(|cx| stream.poll_last_words(cx))).await;
    let (linger_time_max, mut bytes_left) = (shared.config.linger_time_max, shared.config.linger_bytes_max);
    if ended == Ended::Closed && matches!(said, Ok(Ok(()))) && linger_time_max > Duration::ZERO {
        // Were it left lying, what the peer still sends would reset the connection, and a reset destroys what the peer
        // has not read yet (RFC 1122, 4.2.2.13).
        let _ = timeout(linger_time_max, poll_fn(|cx| stream.poll_linger(cx, &mut bytes_left))).await;
    }
}
