//! A thermometer that chats, over a serial line. It needs no system. Its own buffers are fixed; its client allocates,
//! and no more than its configuration says.

use core::fmt::{self, Write};
use core::time::Duration;

use chatcore::wire::{HANDSHAKE_FRAME_BYTES_MAX, HEADER_BYTES};
use chatcore::{Backoff, Client, ClientConfig, Event, Instant, Transport};

/// The room that it reports to.
pub(crate) const ROOM: &str = "#greenhouse";

/// How often it reports.
const REPORT_TIME: Duration = Duration::from_secs(60);

/// How long it waits before it tries again what has failed.
const AGAIN_TIME: Duration = Duration::from_secs(10);

/// The longest frame that it takes: the hub is told, and sends none that is longer.
const FRAME_BYTES_MAX: u32 = HANDSHAKE_FRAME_BYTES_MAX;

/// A serial line, as a device has it: its calls do not wait.
pub(crate) trait Serial {
    /// Whether the other end is there: the chip has a pin for it.
    fn is_up(&self) -> bool;

    /// Makes the other end start anew, for example with a break. What was on its way is lost.
    fn restart(&mut self);

    /// Takes out what has arrived, as far as the buffer has room. Returns how many bytes.
    fn read(&mut self, buffer: &mut [u8]) -> usize;

    /// Puts in as much as there is room for. Returns how many bytes.
    fn write(&mut self, bytes: &[u8]) -> usize;
}

/// The device's program. Its loop calls [`turn`](Self::turn).
pub(crate) struct Thermometer<S> {
    serial: S,
    client: Client,
    seed: u64,
    /// The line is the client's transport. If it goes down, that one has broken.
    is_connected: bool,
    /// What has arrived and is not used yet: less than a frame, or a frame.
    arrived: [u8; FRAME_BYTES_MAX as usize + HEADER_BYTES],
    filled: usize,
    reports_at: Option<Instant>,
    asks_at: Option<Instant>,
    /// When it begins again, if its client has ended.
    starts_at: Option<Instant>,
}

impl<S: Serial> Thermometer<S> {
    /// A device that was just switched on. The seed is anything that differs from device to device.
    pub(crate) fn new(now: Instant, serial: S, seed: u64) -> Self {
        Self {
            serial,
            client: new_client(now, seed),
            seed,
            is_connected: false,
            arrived: [0; FRAME_BYTES_MAX as usize + HEADER_BYTES],
            filled: 0,
            reports_at: None,
            asks_at: None,
            starts_at: Some(now),
        }
    }

    /// Does what can be done now; `tenths` is what the sensor shows, in tenths of a degree Celsius. Returns when the
    /// next turn is, unless the line wakes the device before.
    pub(crate) fn turn(&mut self, now: Instant, tenths: i16) -> Instant {
        self.look_at_the_line(now);
        self.read(now);
        if self.client.poll_timeout().is_some_and(|due| due <= now) {
            self.client.handle_timeout(now);
        }
        if self.asks_at.take_if(|at| *at <= now).is_some() {
            // It may have one meanwhile.
            let _ = self.client.register(now, "thermometer", b"");
        }
        if self.reports_at.is_some_and(|at| at <= now) {
            self.reports_at = Some(now + REPORT_TIME);
            self.say(now, ROOM, tenths);
        }
        while let Some(event) = self.client.poll_event() {
            self.handle(now, event, tenths);
        }
        self.follow(now);
        self.write(now);
        let due = [self.client.poll_timeout(), self.reports_at, self.asks_at, self.starts_at];
        due.into_iter().flatten().min().unwrap_or(Instant::MAX)
    }

    /// The line may be there again, or gone.
    fn look_at_the_line(&mut self, now: Instant) {
        let is_up = self.serial.is_up();
        if is_up && self.starts_at.take_if(|at| *at <= now).is_some() {
            self.client = new_client(now, self.seed);
            self.asks_at = Some(now);
            self.take_up();
        } else if self.is_connected && !is_up {
            self.hang_up();
            self.client.disconnect(now);
        }
    }

    /// Does with the line what the client wants.
    fn follow(&mut self, now: Instant) {
        match self.client.transport() {
            Transport::Use => {}
            Transport::Drop => self.hang_up(),
            Transport::Connect { .. } if self.serial.is_up() => {
                self.take_up();
                self.client.connected(now);
            }
            Transport::Connect { .. } => self.client.disconnect(now),
        }
    }

    fn take_up(&mut self) {
        self.serial.restart();
        (self.is_connected, self.filled) = (true, 0);
    }

    fn hang_up(&mut self) {
        (self.is_connected, self.filled) = (false, 0);
    }

    fn read(&mut self, now: Instant) {
        while self.is_connected {
            let count = self.serial.read(&mut self.arrived[self.filled..]);
            if count == 0 {
                return;
            }
            self.filled += count;
            let mut rest = &self.arrived[..self.filled];
            let _ = self.client.receive(now, &mut rest);
            let used = self.filled - rest.len();
            self.arrived.copy_within(used..self.filled, 0);
            self.filled -= used;
        }
    }

    fn write(&mut self, now: Instant) {
        if !self.is_connected {
            return;
        }
        let mut written = 0;
        for chunk in self.client.transmit() {
            let count = self.serial.write(chunk);
            written += count;
            if count < chunk.len() {
                break;
            }
        }
        self.client.transmitted(now, written);
    }

    fn handle(&mut self, now: Instant, event: Event, tenths: i16) {
        match event {
            // It comes again after a lost session, which was in the room.
            Event::Registered { .. } => {
                let _ = self.client.join(now, ROOM);
                self.reports_at = Some(now);
            }
            Event::Refused { wait, .. } => self.asks_at = Some(now + wait.unwrap_or(AGAIN_TIME)),
            Event::SessionLost { .. } => self.reports_at = None,
            Event::Closed(_) => (self.reports_at, self.asks_at, self.starts_at) = (None, None, Some(now + AGAIN_TIME)),
            Event::Message { from, room: None, body, .. } if body == b"temperature?" => {
                self.say(now, from.as_str(), tenths);
            }
            _ => {}
        }
    }

    /// A report that finds no room is left out: the next one is newer.
    fn say(&mut self, now: Instant, to: &str, tenths: i16) {
        let mut line = Line::default();
        let (sign, tenths) = (if tenths < 0 { "-" } else { "" }, tenths.unsigned_abs());
        if write!(line, "{sign}{}.{} °C", tenths / 10, tenths % 10).is_ok() {
            let _ = self.client.send(now, to, line.as_bytes());
        }
    }
}

fn new_client(now: Instant, seed: u64) -> Client {
    // To look whether the line is up costs nothing, so it does so often.
    let reconnect = Backoff::default().with_first(Duration::from_millis(250)).with_max(Duration::from_secs(4));
    let config = ClientConfig::default()
        .with_frame_bytes_max(FRAME_BYTES_MAX)
        .with_outbox_bytes_max(2_048)
        .with_reconnect(Some(reconnect));
    Client::new(now, config, seed)
}

/// A short text, without an allocation.
#[derive(Default)]
struct Line {
    bytes: [u8; 16],
    len: usize,
}

impl Line {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
