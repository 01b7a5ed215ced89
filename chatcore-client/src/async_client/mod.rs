//! The client of the core for programs on tokio, over any transport.

mod attempts;
mod dial;
mod timer;
mod turn;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::Duration;

use chatcore::{Client, ClientConfig, ClientError, Closed, Event, Inbox, Instant, Position, SessionTicket};
use futures_core::Stream;
use tokio::task::coop;
use tokio::time::{sleep, timeout};

pub use self::dial::{Dial, Private, Tcp};
use self::timer::Timer;
use self::turn::Link;
use crate::clock::SleepWatch;
use crate::commands::{commands, next_event, not_private};

/// Bytes of one read.
const BUFFER_BYTES: usize = 64 << 10;

/// A [`Client`] for programs on tokio, over any transport that a [`Dial`] makes. One value is one user's session, over
/// one connection after another. It spawns no task and no thread, and has no channel: all its work is done while the
/// program waits for one of its methods.
///
/// 1. *Commands* ([`register`](Self::register), [`send`](Self::send), [`join`](Self::join) and others) do not wait.
///    They return the number of the request, or a [`ClientError`].
/// 2. [`next`](Self::next) waits for the next [`Event`]. Meanwhile it writes what commands have left to be written,
///    reads, answers pings, acknowledges, and makes a new connection when one is lost.
/// 3. In the end, [`close`](Self::close) says goodbye and waits for the answer. A client that is dropped says goodbye,
///    too, also with a task that is aborted, but without waiting: if the stream takes no more at that moment, or there
///    is no connection, the hub keeps the session for its resume time. [`detach`](Self::detach) keeps the session. So
///    does a panic: a client that it drops says nothing, and a program that goes on, or is started again, can
///    [resume](Self::resume) the session if it has stored the ticket.
///
/// **A program must drive `next`**: between calls nothing is written, read or acknowledged. If it has nothing to wait
/// for, it calls `next` in a `select!` or in a task of its own, well within the idle time that the hub announced
/// ([`idle_ms_max`](chatcore::wire::Announced::idle_ms_max)). A program that sends and then does something long calls
/// [`flush`](Self::flush) in between.
///
/// *Cancelling.* Every future of this type may be dropped at any time, for example by `select!`, and nothing is lost or
/// done twice: what is half done stays in the client, and the next call goes on with it.
///
/// *Taking.* The program takes an event when `next` returns it. The client acknowledges that with a later call of any
/// method, and never with the same: so a program that is killed, and started again with [`resume`](Self::resume), gets
/// all events that it had not got, and perhaps again some that it got last. With
/// [`takes_later`](ClientConfig::takes_later) the program says itself what it has taken.
///
/// While events wait with more bytes than the hub's outbox holds
/// ([`outbox_bytes_max`](chatcore::wire::Announced::outbox_bytes_max) and a quarter), or with more than 16 MiB, the
/// client reads nothing but the answer to a resume. While they take more than 256 MiB of memory, it reads nothing at
/// all, and no session is resumed. It reads again when the program has taken some. So a hub that heeds no
/// acknowledgements, or ends sessions again and again, fills no more memory than that. [`ready`](Self::ready) and
/// [`flush`](Self::flush) wait until then, and [`close`](Self::close) gets no answer.
///
/// *No `Sink`.* It is a [`Stream`] of events, but not a sink of messages. A sink returns no number, without which the
/// answers say nothing; it cannot refuse one message and go on; and it must know that there is room before it knows how
/// long the message is. [`send`](Self::send) and [`ready`](Self::ready) do what a sink is for.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use chatcore_client::{AsyncClient, ClientConfig, Event, Tcp};
/// # let config = chatcore_server::Config::default().with_listen(["127.0.0.1:0"]);
/// # let server = chatcore_server::Server::bind(config)?;
/// # let (address, handle) = (server.local_addrs()[0].to_string(), server.handle());
/// # let serving = std::thread::spawn(|| server.run());
///
/// let mut alice = AsyncClient::connect(Tcp::new(address), ClientConfig::default()).await?;
/// alice.register("Alice", b"")?;
/// while let Some(event) = alice.next().await {
///     match event {
///         Event::Registered { name, .. } => drop(alice.send(name.as_str(), b"hello, me")?),
///         Event::Message { from, body, .. } => {
///             assert_eq!((from.as_str(), &body[..]), ("alice", &b"hello, me"[..]));
///             break;
///         }
///         _ => {}
///     }
/// }
/// alice.close().await?;
/// # handle.shut_down();
/// # serving.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It needs a runtime with I/O (for [`Tcp`]) and time enabled.
///
/// `Debug` does not show bytes that were read: a welcome holds the session's token.
pub struct AsyncClient<D: Dial> {
    dial: D,
    /// A connection that is being made.
    dialing: Option<Pin<Box<D::Dialing>>>,
    link: Option<Link<D::Stream>>,
    client: Client,
    timer: Timer,
    sleep_watch: SleepWatch,
    buffer: Box<[u8]>,
    inbox: Inbox,
    flush_time_max: Duration,
    says_goodbye: bool,
}

/// Neither the dialer nor a stream is ever pinned in place.
impl<D: Dial> Unpin for AsyncClient<D> {}

impl<D: Dial> fmt::Debug for AsyncClient<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncClient")
            .field("connected", &self.connected())
            .field("dialing", &self.dialing.is_some())
            .field("client", &self.client)
            .field("inbox_bytes", &self.inbox.len())
            .finish_non_exhaustive()
    }
}

impl<D: Dial> AsyncClient<D> {
    /// Makes the first connection, and waits until it stands. From then on, a connection that breaks is no error, but
    /// an [`Event::Reconnecting`] or [`Event::Closed`].
    ///
    /// With [`ClientConfig::keeps_trying`] the first connection is like all others, and the call does not wait: the
    /// client makes the connection while the program waits for [`next`](Self::next), once it has asked for a name.
    ///
    /// # Errors
    ///
    /// The system's if it gives no randomness. And, if the call waits for the connection, the dialer's, or
    /// [`TimedOut`](io::ErrorKind::TimedOut) if the connection is not made within [`ClientConfig::answer_time_max`].
    ///
    /// # Panics
    ///
    /// If no client can work with the configuration: [`ClientConfig::check`] tells beforehand.
    pub async fn connect(dial: D, config: ClientConfig) -> io::Result<Self> {
        Self::start(dial, config, Client::new).await
    }

    /// As [`connect`](Self::connect), for a program that was started again and has the ticket of its session: see
    /// [`Client::resume`]. A credential goes over connections alone that are [private](Dial::is_private).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and [`PermissionDenied`](io::ErrorKind::PermissionDenied) with a
    /// [`ClientError::NotPrivate`] in it, if there is a credential and others could read it.
    ///
    /// # Panics
    ///
    /// As [`connect`](Self::connect).
    pub async fn resume(dial: D, config: ClientConfig, ticket: SessionTicket, credential: &[u8]) -> io::Result<Self> {
        if !credential.is_empty() && !dial.is_private() {
            return Err(not_private());
        }
        Self::start(dial, config, |now, config, seed| Client::resume(now, config, seed, ticket, credential)).await
    }

    async fn start(
        mut dial: D,
        config: ClientConfig,
        client: impl FnOnce(Instant, ClientConfig, u64) -> Client,
    ) -> io::Result<Self> {
        let seed = getrandom::u64().map_err(io::Error::other)?;
        let (answer_time_max, flush_time_max) = (config.answer_time_max, config.flush_time_max);
        let link = if config.keeps_trying {
            None
        } else {
            let too_late =
                |_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {answer_time_max:?}"));
            Some(Link::new(timeout(answer_time_max, dial.dial(None)).await.map_err(too_late)??))
        };
        let timer = Timer::start();
        let client = client(timer.now(), config, seed);
        Ok(Self {
            dial,
            dialing: None,
            client: if link.is_some() { client } else { client.without_transport() },
            link,
            timer,
            sleep_watch: SleepWatch::start(),
            buffer: vec![0; BUFFER_BYTES].into(),
            inbox: Inbox::default(),
            flush_time_max,
            says_goodbye: true,
        })
    }

    // ---- what the program waits for ----

    /// Waits for the next event; none after [`Event::Closed`], which is the last. With it the client closes the
    /// connection, if its last words are written; otherwise [`close`](Self::close) waits until they are.
    /// [`Event::Connect`] does not come: the client itself makes the connection.
    ///
    /// The call first writes what the program has sent. If an event waits already, it returns that one, and reads only
    /// if something is due.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The next event if one waits already. The call neither reads nor writes: a program that takes many events at once
    /// with this answers all of them with few writes, and then calls [`next`](Self::next).
    pub fn try_next(&mut self) -> Option<Event> {
        next_event(&mut self.client)
    }

    /// Waits until a request may fit that failed with an error that [passes](ClientError::passes): until something has
    /// come from the hub. Then try the request again. The events that come meanwhile wait; a program that takes none
    /// for too long is ended by the hub. While too many wait, nothing is read, and this waits for ever: take some
    /// before with [`try_next`](Self::try_next).
    ///
    /// # Errors
    ///
    /// Why the client has ended, if it has.
    pub async fn ready(&mut self) -> Result<(), Closed> {
        poll_fn(|cx| self.poll_until(cx, |this, has_read| this.ended_or(has_read))).await
    }

    /// Waits until everything that the program has sent is written, and the hub has acknowledged it, over as many
    /// connections as that takes. The events that come meanwhile wait, and while too many do, nothing is read, as with
    /// [`ready`](Self::ready). Nothing bounds the time but the program, for example with [`timeout`].
    ///
    /// # Errors
    ///
    /// Why the client has ended, if it has.
    pub async fn flush(&mut self) -> Result<(), Closed> {
        poll_fn(|cx| {
            self.poll_until(cx, |this, _| {
                let is_flushed = this.link.as_ref().is_none_or(Link::is_flushed);
                this.ended_or(is_flushed && this.client.is_drained())
            })
        })
        .await
    }

    /// [Begins to close](Self::start_close), waits for the hub's answer, and closes the connection. This takes at most
    /// [`ClientConfig::flush_time_max`]. The events that come meanwhile wait for [`next`](Self::next), but are not
    /// acknowledged any more. While too many wait, nothing is read, and so no answer: then the time passes, and the
    /// client ends without it. A program that needs the answers to its requests waits for them first.
    ///
    /// # Errors
    ///
    /// Why the client has ended, if that is not because of the goodbye.
    pub async fn close(&mut self) -> Result<(), Closed> {
        self.start_close();
        let mut too_late = pin!(sleep(self.flush_time_max));
        let why = poll_fn(|cx| self.poll_until(cx, |this, _| this.client.closed().cloned())).await;
        poll_fn(|cx| if self.poll_shut_down(cx).is_ready() { Poll::Ready(()) } else { too_late.as_mut().poll(cx) })
            .await;
        self.hang_up();
        if why == Closed::Left { Ok(()) } else { Err(why) }
    }

    /// Drops the client without a goodbye, and returns what a program stores for [`resume`](Self::resume); none without
    /// a session. The hub keeps the session for its resume time
    /// ([`resume_ms_max`](chatcore::wire::Announced::resume_ms_max)). What the stream has not taken yet of what was
    /// sent, is lost: [`flush`](Self::flush) waits for that.
    pub fn detach(mut self) -> Option<SessionTicket> {
        self.says_goodbye = false;
        self.client.ticket().cloned()
    }

    // ---- commands ----

    commands!("[`next`](Self::next) or [`flush`](Self::flush)");

    /// Ends the session, and does not wait: see [`Client::close`]. The goodbye goes out with the next call of
    /// [`next`](Self::next), which returns [`Event::Closed`] when the hub has answered. [`close`](Self::close) does all
    /// that.
    pub fn start_close(&mut self) {
        self.client.close(self.now());
    }

    /// Whether nobody else can read what the client sends: see [`Dial::is_private`].
    pub fn is_private(&self) -> bool {
        self.dial.is_private()
    }

    /// Whether a connection stands now, as far as the client knows.
    pub const fn connected(&self) -> bool {
        self.link.is_some()
    }

    // ---- inside ----

    fn now(&self) -> Instant {
        self.timer.now()
    }

    fn guard(&self, credential: &[u8]) -> Result<(), ClientError> {
        if credential.is_empty() || self.is_private() { Ok(()) } else { Err(ClientError::NotPrivate) }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        // A task that never has to wait for its events still lets others have their turn.
        let budget = ready!(coop::poll_proceed(cx));
        // What the program has sent does not wait until the program has taken all events.
        self.write(cx);
        let waiting = if self.is_due() { None } else { self.try_next() };
        let event = match waiting {
            Some(event) => Some(event),
            None => ready!(self.poll_until(cx, |this, _| match this.try_next() {
                None if this.client.is_closed() => {
                    this.hang_up_if_written();
                    Some(None)
                }
                event => event.map(Some),
            })),
        };
        budget.made_progress();
        Poll::Ready(event)
    }

    /// Whether there is something to do that must not wait until the program has taken all events.
    fn is_due(&self) -> bool {
        self.dialing.is_some() || self.client.poll_timeout().is_some_and(|due| due <= self.now())
    }

    /// What a waiting program is told: why the client has ended, or that what it waits for is there.
    fn ended_or(&self, is_there: bool) -> Option<Result<(), Closed>> {
        match self.client.closed() {
            Some(why) => Some(Err(why.clone())),
            None => is_there.then_some(Ok(())),
        }
    }
}

impl<D: Dial> Drop for AsyncClient<D> {
    fn drop(&mut self) {
        // Whoever panics did not mean to leave.
        if self.says_goodbye && !self.client.is_closed() && !thread::panicking() {
            self.start_close();
            // As far as the stream takes it at once: nobody waits for a value that is dropped.
            self.write(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// The events, as [`AsyncClient::next`] returns them.
impl<D: Dial> Stream for AsyncClient<D> {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.get_mut().poll_event(cx)
    }
}
