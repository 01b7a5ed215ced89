//! The other end of the serial line: a small computer with a hub, and with somebody who reads the reports. It, too,
//! needs `core` and `alloc` only, so that the example runs where there is no system.

extern crate alloc;

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use chatcore::{Action, Client, ClientConfig, Event, Hub, HubConnection, Inbox, Instant, Limits, Next, QuotaKey};

use super::firmware::{ROOM, Serial};

/// What each direction of the line holds, as the buffers of its chips do.
const LINE_BYTES: usize = 64;

/// A line between two ends, which can be pulled out.
#[derive(Clone, Default)]
pub(crate) struct Line(Rc<RefCell<Wires>>);

#[derive(Default)]
struct Wires {
    to_gateway: VecDeque<u8>,
    to_device: VecDeque<u8>,
    /// The device has started it anew, and the gateway has not noticed yet.
    is_new: bool,
    is_pulled: bool,
}

impl Line {
    /// Pulls the plug out, or puts it in again. What was on its way is lost.
    pub(crate) fn pull(&self, is_pulled: bool) {
        *self.0.borrow_mut() = Wires { is_pulled, ..Wires::default() };
    }

    /// Something can be taken out at one end or the other.
    pub(crate) fn is_busy(&self) -> bool {
        let wires = self.0.borrow();
        wires.is_new || !wires.to_gateway.is_empty() || !wires.to_device.is_empty()
    }
}

impl Serial for Line {
    fn is_up(&self) -> bool {
        !self.0.borrow().is_pulled
    }

    fn restart(&mut self) {
        let mut wires = self.0.borrow_mut();
        *wires = Wires { is_new: true, is_pulled: wires.is_pulled, ..Wires::default() };
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let mut wires = self.0.borrow_mut();
        let count = buffer.len().min(wires.to_device.len());
        for (place, byte) in buffer.iter_mut().zip(wires.to_device.drain(..count)) {
            *place = byte;
        }
        count
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut wires = self.0.borrow_mut();
        let count = bytes.len().min(LINE_BYTES - wires.to_gateway.len());
        wires.to_gateway.extend(&bytes[..count]);
        count
    }
}

/// The hub, the line's connection, and the gardener, who reads the reports.
pub(crate) struct Gateway {
    line: Line,
    hub: Hub,
    /// None until the device has started the line.
    serial: Option<HubConnection>,
    here: HubConnection,
    gardener: Client,
    inbox: Inbox,
    /// What the gardener has read.
    pub(crate) reports: Vec<Vec<u8>>,
}

impl Gateway {
    pub(crate) fn new(now: Instant, line: Line) -> Self {
        let mut hub = Hub::new(Limits::default(), [7; 32]);
        let here = HubConnection::new(now, &mut hub, QuotaKey(0));
        let mut gardener = Client::new(now, ClientConfig::default(), 7);
        gardener.register(now, "gardener", b"").expect("a new client may register");
        Self { line, hub, serial: None, here, gardener, inbox: Inbox::new(), reports: Vec::new() }
    }

    /// The gardener asks the thermometer.
    pub(crate) fn ask(&mut self, now: Instant) {
        self.gardener.send(now, "thermometer", b"temperature?").expect("the gardener is online");
    }

    /// Does what can be done now. Returns when the next turn is, unless something arrives before.
    pub(crate) fn turn(&mut self, now: Instant) -> Instant {
        // A line that is pulled out, or started anew, is the end of the connection that was there.
        let is_new = mem::take(&mut self.line.0.borrow_mut().is_new);
        if is_new || !self.line.is_up() {
            if let Some(mut old) = self.serial.take() {
                old.disconnect(now, &mut self.hub);
            }
            self.serial = is_new.then(|| HubConnection::new(now, &mut self.hub, QuotaKey(1)));
        }
        if let Some(serial) = &mut self.serial {
            let arrived: Vec<u8> = self.line.0.borrow_mut().to_gateway.drain(..).collect();
            let next = serial.receive(now, &mut self.hub, &arrived);
            admit(now, &mut self.hub, serial, next);
        }
        let said = self.gardener.transmit().concat();
        self.gardener.transmitted(now, said.len());
        let next = self.here.receive(now, &mut self.hub, &said);
        admit(now, &mut self.hub, &mut self.here, next);
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            self.hub.handle_timeout(now);
        }
        self.drain(now);
        self.read(now);
        let due = [self.hub.poll_timeout(), self.gardener.poll_timeout()];
        let serial = self.serial.as_ref().and_then(HubConnection::poll_timeout);
        due.into_iter().chain([serial, self.here.poll_timeout()]).flatten().min().unwrap_or(Instant::MAX)
    }

    /// Does what the hub wants, and writes what the line takes.
    fn drain(&mut self, now: Instant) {
        while let Some(action) = self.hub.poll_action() {
            while self.hub.poll_event().is_some() {}
            if let Action::Close { conn, .. } = action
                && let Some(serial) = self.serial.as_mut().filter(|serial| serial.conn() == Some(conn))
            {
                serial.close();
            }
        }
        if let Some(serial) = &mut self.serial {
            let mut wires = self.line.0.borrow_mut();
            let mut bytes = serial.transmit(&self.hub).concat();
            bytes.truncate(LINE_BYTES - wires.to_device.len());
            serial.transmitted(now, &mut self.hub, bytes.len());
            wires.to_device.extend(bytes);
        }
    }

    /// The gardener reads.
    fn read(&mut self, now: Instant) {
        let bytes = self.here.transmit(&self.hub).concat();
        self.here.transmitted(now, &mut self.hub, bytes.len());
        let _ = self.inbox.receive(now, &mut self.gardener, &bytes);
        if self.gardener.poll_timeout().is_some_and(|due| due <= now) {
            self.gardener.handle_timeout(now);
        }
        while let Some(event) = self.gardener.poll_event() {
            match event {
                Event::Registered { .. } => drop(self.gardener.join(now, ROOM)),
                Event::Message { body, .. } => self.reports.push(body),
                _ => {}
            }
        }
    }
}

/// Lets everybody in: whoever holds the line is in the house.
fn admit(now: Instant, hub: &mut Hub, connection: &mut HubConnection, mut next: Next) {
    while let Next::Decide(registration) = next {
        next = connection.admit(now, hub, *registration);
    }
}
