//! A thermometer and a gateway, with a line between them, on virtual time.

use core::time::Duration;

use chatcore::Instant;

use super::firmware::Thermometer;
use super::gateway::{Gateway, Line};

/// How long a piece of the line's buffers takes.
const PIECE_TIME: Duration = Duration::from_millis(5);

pub(crate) struct Greenhouse {
    pub(crate) now: Instant,
    pub(crate) line: Line,
    pub(crate) gateway: Gateway,
    pub(crate) thermometer: Thermometer<Line>,
}

impl Greenhouse {
    pub(crate) fn new() -> Self {
        let (now, line) = (Instant::from_millis(1_000), Line::default());
        let gateway = Gateway::new(now, line.clone());
        let thermometer = Thermometer::new(now, line.clone(), 7);
        Self { now, line, gateway, thermometer }
    }

    /// Lets time go by. The sensor shows the minutes as degrees.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let tenths = i16::try_from(self.now.as_duration().as_secs() / 6).unwrap_or(i16::MAX);
            let device = self.thermometer.turn(self.now, tenths);
            let gateway = self.gateway.turn(self.now);
            let due = if self.line.is_busy() { self.now + PIECE_TIME } else { device.min(gateway) };
            self.now = due.max(self.now + PIECE_TIME).min(end);
        }
    }
}
