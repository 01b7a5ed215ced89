//! A well-behaved user: the core's own client over streams of tokio. It makes a new connection when one is lost.

use std::time::Duration;

use chatcore_server::chatcore::{Backoff, Client, ClientConfig, Event, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant as TokioInstant, sleep, timeout};

use super::PATIENCE;

pub(crate) struct User<D, S> {
    client: Client,
    dial: D,
    stream: Option<S>,
    partial: Vec<u8>,
    epoch: TokioInstant,
}

impl<D: FnMut() -> S, S: AsyncRead + AsyncWrite + Unpin> User<D, S> {
    pub(crate) fn connect(mut dial: D) -> Self {
        let reconnect = Backoff::default().with_first(Duration::from_millis(2)).with_max(Duration::from_millis(50));
        let config = ClientConfig::default().with_reconnect(Some(reconnect));
        let stream = Some(dial());
        let client = Client::new(Instant::ZERO, config, 7);
        Self { client, dial, stream, partial: Vec::new(), epoch: TokioInstant::now() }
    }

    pub(crate) async fn registered(dial: D, name: &str) -> Self {
        let mut user = Self::connect(dial);
        let event = user.register(name, b"").await;
        assert!(matches!(event, Event::Registered { .. }), "{event:?}");
        user
    }

    /// Asks for a name, and returns the answer.
    pub(crate) async fn register(&mut self, name: &str, credential: &[u8]) -> Event {
        self.ask(name, credential);
        self.event().await
    }

    /// Asks for a name, when it is next asked for an event.
    pub(crate) fn ask(&mut self, name: &str, credential: &[u8]) {
        let now = self.now();
        self.client.register(now, name, credential).expect("it has no name yet");
    }

    /// Sends a message, when it is next asked for an event.
    pub(crate) fn send(&mut self, to: &str, body: &[u8]) -> u64 {
        let now = self.now();
        self.client.send(now, to, body).expect("it may send")
    }

    /// Asks to join a room, when it is next asked for an event.
    pub(crate) fn ask_to_join(&mut self, room: &str) -> u64 {
        let now = self.now();
        self.client.join(now, room).expect("it may join")
    }

    pub(crate) async fn join(&mut self, room: &str) {
        let asked = self.ask_to_join(room);
        let event = self.event().await;
        assert!(matches!(event, Event::Done { number } if number == asked), "{event:?}");
    }

    /// Sends itself a message, and gets it.
    pub(crate) async fn tell_oneself(&mut self, name: &str) {
        let begun = TokioInstant::now();
        self.send(name, b"note to self");
        self.message(b"note to self").await;
        let event = self.event().await;
        assert!(matches!(event, Event::Accepted { .. }), "{event:?}");
        // Long before anything is due at the hub, which would bring out an answer that was left.
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }

    /// The next event is this message.
    #[track_caller]
    pub(crate) fn message(&mut self, expected: &[u8]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let event = self.event().await;
            assert!(matches!(&event, Event::Message { body, .. } if body == expected), "{caller}: {event:?}");
        }
    }

    /// Breaks its connection.
    pub(crate) fn hang_up(&mut self) {
        self.stream = None;
        let now = self.now();
        self.client.disconnect(now);
    }

    /// The next event, which comes in time.
    #[track_caller]
    pub(crate) fn event(&mut self) -> impl Future<Output = Event> {
        let caller = std::panic::Location::caller();
        async move { timeout(PATIENCE, self.next()).await.unwrap_or_else(|_| panic!("{caller}: no event comes")) }
    }

    async fn next(&mut self) -> Event {
        loop {
            match self.client.poll_event() {
                Some(Event::Connect { .. }) => {
                    (self.stream, self.partial) = (Some((self.dial)()), Vec::new());
                    let now = self.now();
                    self.client.connected(now);
                }
                Some(event) => return event,
                None => self.turn().await,
            }
        }
    }

    /// Writes, and reads or waits for what is due.
    async fn turn(&mut self) {
        let mut arrived = vec![0; 16 << 10];
        let now = self.now();
        let bytes = self.client.transmit().concat();
        let due = self.client.poll_timeout().map_or(PATIENCE, |due| due.saturating_since(now));
        let read = match &mut self.stream {
            None => {
                sleep(due).await;
                None
            }
            Some(stream) => {
                self.client.transmitted(now, bytes.len());
                let written = async {
                    stream.write_all(&bytes).await?;
                    stream.flush().await
                };
                match written.await {
                    // A reading that is too late has taken nothing.
                    Ok(()) => timeout(due, stream.read(&mut arrived)).await.ok(),
                    Err(error) => Some(Err(error)),
                }
            }
        };
        let now = self.now();
        match read {
            None => self.client.handle_timeout(now),
            Some(Ok(count)) if count > 0 => {
                self.partial.extend_from_slice(&arrived[..count]);
                let mut input = &self.partial[..];
                // Whether it wants more shows in its events.
                let _ = self.client.receive(now, &mut input);
                self.partial = input.to_vec();
            }
            Some(_) => {
                self.stream = None;
                self.client.disconnect(now);
            }
        }
    }

    fn now(&self) -> Instant {
        Instant::from_duration(self.epoch.elapsed())
    }
}
