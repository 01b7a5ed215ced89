//! A client for JavaScript: the core's, with what has arrived of a frame. The package's driver calls it, and nothing
//! else does.
//!
//! A time is a count of milliseconds since any point, and never falls. The order of calls is that of [`Client`].

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use chatcore::{Client, Event, Inbox, Instant, Position, Received, SessionTicket, Transport};
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::encoding::Encoder;
use crate::error::Thrown;
use crate::events::{Goodbye, encode, encode_limits, encode_ticket};
use crate::settings::Settings;

/// Bytes of events after which a batch takes no further one.
const BATCH_BYTES_MAX: usize = 256 << 10;

/// Events of a batch.
const BATCH_EVENTS_MAX: usize = 256;

// What `wants` tells, as a sum: `js/src/driver.ts` has the same.
const WANTS_TRANSPORT: u32 = 1;
const WANTS_CONNECTION: u32 = 2;
const WANTS_TO_WRITE: u32 = 4;
const WANTS_TO_TELL: u32 = 8;

/// What a program stored of a session.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Ticket(SessionTicket);

#[wasm_bindgen]
impl Ticket {
    /// The token is 32 hexadecimal digits, and the attempt a number above that of any attempt before.
    ///
    /// # Errors
    ///
    /// If a name or the token cannot be one.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is out of range becomes its end")]
    pub fn new(name: &str, display_name: Option<String>, token: &str, attempt: f64) -> Result<Self, Thrown> {
        let fields = [("name", name), ("token", token)].into_iter();
        let ticket = SessionTicket::deserialize(MapDeserializer::<_, NoTicket>::new(fields));
        let ticket = ticket.map_err(|_| Thrown::invalid("this is no ticket: give one as the client told it"))?;
        Ok(Self(ticket.with_display_name(display_name).with_attempt(attempt as u64)))
    }
}

/// A name or a token that cannot be one. It has no words of its own: those of serde can tell of fractions, and what
/// writes these would be a tenth of the module.
#[derive(Debug)]
struct NoTicket;

impl fmt::Display for NoTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no ticket")
    }
}

impl core::error::Error for NoTicket {}

impl serde::de::Error for NoTicket {
    fn custom<T: fmt::Display>(_words: T) -> Self {
        Self
    }
}

/// The core's client.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    client: Client,
    inbox: Inbox,
    /// The first event of the next batch, if somebody has looked whether there is one.
    next: Option<Event>,
    /// Where the batches end that are not taken.
    batches: VecDeque<Position>,
    /// What became of our goodbye.
    goodbye: Goodbye,
}

#[wasm_bindgen]
impl Engine {
    /// A client without a session or a connection.
    ///
    /// # Errors
    ///
    /// If no client can work with the settings.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: Settings, now: f64, seed: u64) -> Result<Self, Thrown> {
        Ok(Self::of(Client::new(at(now), settings.into_config()?, seed)))
    }

    /// One that goes on with a session of another process.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn resume(settings: Settings, now: f64, seed: u64, ticket: Ticket, credential: &[u8]) -> Result<Self, Thrown> {
        Ok(Self::of(Client::resume(at(now), settings.into_config()?, seed, ticket.0, credential)))
    }

    /// See [`Client::register`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::register`].
    pub fn register(&mut self, now: f64, name: &str, credential: &[u8]) -> Result<(), Thrown> {
        Ok(self.client.register(at(now), name, credential)?)
    }

    /// See [`Client::send`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::send`].
    pub fn send(&mut self, now: f64, to: &str, body: &[u8]) -> Result<f64, Thrown> {
        Ok(number(self.client.send(at(now), to, body)?))
    }

    /// See [`Client::who`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::who`].
    pub fn who(&mut self, now: f64, cursor: u64) -> Result<f64, Thrown> {
        Ok(number(self.client.who(at(now), cursor)?))
    }

    /// See [`Client::join`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::join`].
    pub fn join(&mut self, now: f64, room: &str) -> Result<f64, Thrown> {
        Ok(number(self.client.join(at(now), room)?))
    }

    /// See [`Client::leave`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::leave`].
    pub fn leave(&mut self, now: f64, room: &str) -> Result<f64, Thrown> {
        Ok(number(self.client.leave(at(now), room)?))
    }

    /// See [`Client::roster`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::roster`].
    pub fn roster(&mut self, now: f64, room: &str, cursor: u64) -> Result<f64, Thrown> {
        Ok(number(self.client.roster(at(now), room, cursor)?))
    }

    /// See [`Client::subscriptions`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::subscriptions`].
    pub fn subscriptions(&mut self, now: f64, cursor: u64) -> Result<f64, Thrown> {
        Ok(number(self.client.subscriptions(at(now), cursor)?))
    }

    /// See [`Client::watch`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::watch`].
    #[expect(clippy::needless_pass_by_value, reason = "JavaScript gives the texts away")]
    pub fn watch(&mut self, now: f64, names: Vec<String>) -> Result<f64, Thrown> {
        Ok(number(self.client.watch(at(now), &names.iter().map(String::as_str).collect::<Vec<_>>())?))
    }

    /// See [`Client::unwatch`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::unwatch`].
    #[expect(clippy::needless_pass_by_value, reason = "JavaScript gives the texts away")]
    pub fn unwatch(&mut self, now: f64, names: Vec<String>) -> Result<f64, Thrown> {
        Ok(number(self.client.unwatch(at(now), &names.iter().map(String::as_str).collect::<Vec<_>>())?))
    }

    /// See [`Client::close`].
    pub fn close(&mut self, now: f64) {
        if self.client.is_closed() {
            return;
        }
        let (has_session, is_connected) = (self.client.ticket().is_some(), self.is_connected());
        self.client.close(at(now));
        self.goodbye = match (is_connected, self.client.is_closed()) {
            (true, false) => Goodbye::Unconfirmed,
            (false, _) if has_session => Goodbye::Unsent,
            _ => Goodbye::Heard,
        };
    }

    /// See [`Client::hurry`].
    pub fn hurry(&mut self, now: f64) {
        self.client.hurry(at(now));
    }

    /// See [`Client::probe`].
    pub fn probe(&mut self, now: f64) {
        self.client.probe(at(now));
    }

    /// See [`Client::acknowledge`].
    pub fn acknowledge(&mut self, now: f64) {
        self.client.acknowledge(at(now));
    }

    // ---- the transport ----

    /// What is to be done next, as a sum: 1 while the client uses its transport, 2 if it wants a new one, 4 if there is
    /// something to write, 8 if there are events. Without 1 or 2, what is left to be written is written, and the
    /// transport is dropped.
    pub fn wants(&mut self) -> u32 {
        let transport = match self.client.transport() {
            Transport::Use => WANTS_TRANSPORT,
            Transport::Connect { .. } => WANTS_CONNECTION,
            Transport::Drop => 0,
        };
        let write = if self.client.transmit().is_empty() { 0 } else { WANTS_TO_WRITE };
        self.next = self.next.take().or_else(|| self.client.poll_event());
        let tell = if self.next.is_none() { 0 } else { WANTS_TO_TELL };
        transport | write | tell
    }

    /// Where the hub wants it to connect to; none for the same place.
    pub fn address(&self) -> Option<String> {
        match self.client.transport() {
            Transport::Connect { address } => address.map(Into::into),
            Transport::Use | Transport::Drop => None,
        }
    }

    /// See [`Client::connected`].
    pub fn connected(&mut self, now: f64) {
        self.inbox.clear();
        self.client.connected(at(now));
    }

    /// See [`Client::disconnect`].
    pub fn disconnect(&mut self, now: f64) {
        self.inbox.clear();
        self.client.disconnect(at(now));
    }

    /// What has arrived.
    pub fn receive(&mut self, now: f64, bytes: &[u8]) {
        if self.inbox.receive(at(now), &mut self.client, bytes) == Received::Closed && self.client.is_closed() {
            self.goodbye = Goodbye::Heard;
        }
    }

    /// What is to be written, at most so many bytes of it. They count as on their way: see [`Client::transmitting`].
    pub fn transmit(&mut self, now: f64, bytes_max: usize) -> Vec<u8> {
        let bytes = self.client.transmit().take_bytes(bytes_max).collect::<Vec<_>>().concat();
        self.client.transmitting(at(now), bytes.len());
        bytes
    }

    /// See [`Client::transmitted`].
    pub fn transmitted(&mut self, now: f64, count: usize) {
        self.client.transmitted(at(now), count);
    }

    /// See [`Client::unsent_from`].
    pub fn unsent_from(&self) -> f64 {
        number(self.client.unsent_from())
    }

    // ---- time ----

    /// See [`Client::handle_timeout`].
    pub fn handle_timeout(&mut self, now: f64) {
        self.client.handle_timeout(at(now));
    }

    /// When to call `handle_timeout`; infinity if nothing will be due.
    pub fn due(&self) -> f64 {
        self.client.poll_timeout().map_or(f64::INFINITY, millis)
    }

    /// See [`Client::silent_since`].
    pub fn silent_since(&self) -> Option<f64> {
        self.client.silent_since().map(millis)
    }

    // ---- what it tells ----

    /// The next batch of events, each as `events.rs` writes it; empty if there are none.
    pub fn events(&mut self) -> Vec<u8> {
        let mut batch = Encoder::default();
        for _ in 0..BATCH_EVENTS_MAX {
            if batch.len() >= BATCH_BYTES_MAX {
                break;
            }
            let Some(event) = self.next.take().or_else(|| self.client.poll_event()) else { break };
            // A name that is refused has no session to end.
            if matches!(event, Event::Refused { .. }) {
                self.goodbye = Goodbye::Heard;
            }
            // The hub's news of a kind that nobody can be told of is taken with the others.
            encode(&mut batch, &event, self.goodbye);
        }
        if batch.len() > 0 {
            self.batches.push_back(self.client.position());
        }
        batch.into_bytes()
    }

    /// The program is done with the oldest batch that it was not done with.
    pub fn take(&mut self, now: f64) {
        if let Some(position) = self.batches.pop_front() {
            self.client.take_events(at(now), position);
        }
    }

    /// What the hub allows, as `events.rs` writes it; empty before there is a session.
    pub fn limits(&self) -> Vec<u8> {
        let mut limits = Encoder::default();
        if let Some(announced) = self.client.limits() {
            encode_limits(&mut limits, announced);
        }
        limits.into_bytes()
    }

    /// What a program stores to go on with the session, as `events.rs` writes it; empty without a session.
    pub fn ticket(&self) -> Vec<u8> {
        let mut ticket = Encoder::default();
        if let Some(session) = self.client.ticket() {
            encode_ticket(&mut ticket, session);
        }
        ticket.into_bytes()
    }
}

impl Engine {
    fn of(client: Client) -> Self {
        Self {
            client: client.without_transport(),
            inbox: Inbox::new(),
            next: None,
            batches: VecDeque::new(),
            goodbye: Goodbye::Heard,
        }
    }

    fn is_connected(&self) -> bool {
        self.client.transport() == Transport::Use
    }
}

/// The version of the module: the package has the same.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}

fn at(ms: f64) -> Instant {
    Instant::from_duration(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default())
}

/// The number of a request, as JavaScript counts: no client makes 2^53 of them.
#[expect(clippy::cast_precision_loss, reason = "it is smaller")]
fn number(number: u64) -> f64 {
    number as f64
}

fn millis(at: Instant) -> f64 {
    at.as_duration().as_secs_f64() * 1e3
}
