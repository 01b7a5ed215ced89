//! The client of the core over a socket that never blocks, for an event loop of one's own.

use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use chatcore::{Client, ClientConfig, ClientError, Event, Received};
use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::clock::Clock;

/// Bytes of one read.
const BUFFER_BYTES: usize = 64 << 10;

/// Reads in one [`Driver::drive`], at the most, so that a busy server does not hold up the caller's loop.
const READS_MAX: usize = 16;

/// A [`Client`] on a TCP connection. It is registered with a [`Registry`] like any source, for reading and
/// writing, and then:
///
/// 1. After each event of it, after each command, and after [`timeout`](Self::timeout), call
///    [`drive`](Self::drive).
/// 2. Take [`poll_event`](Self::poll_event) until it is empty. If `drive` returned true, a command that did not fit
///    before may fit now: try it again, and go back to 1.
/// 3. Wait, for [`timeout`](Self::timeout) at the most.
#[derive(Debug)]
pub struct Driver {
    stream: TcpStream,
    client: Client,
    clock: Clock,
    buffer: Vec<u8>,
    /// The start of a frame that is not whole.
    partial: Vec<u8>,
    connected: bool,
    /// Nothing can be written any more.
    write_failed: bool,
}

impl Driver {
    /// Begins to connect. Whether that works out, [`drive`](Self::drive) tells.
    pub fn connect(address: SocketAddr, config: ClientConfig) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        let clock = Clock::start();
        let client = Client::new(clock.now(), config);
        Ok(Self {
            stream,
            client,
            clock,
            buffer: vec![0; BUFFER_BYTES],
            partial: Vec::new(),
            connected: false,
            write_failed: false,
        })
    }

    /// Reads, writes and lets time pass. True if something was read: there may be events then, room for what did not
    /// fit, and more to read.
    ///
    /// The only error is that the connection cannot be made; one that breaks later is an [`Event::Closed`].
    pub fn drive(&mut self) -> io::Result<bool> {
        if !self.connected && !self.is_connected()? {
            self.handle_timeout();
            return Ok(false);
        }
        // Reading comes before writing: two ends that only want to write would wait for each other for ever. It comes
        // before the time-outs, too: a caller that was away for long finds the signs of life that came meanwhile.
        let has_read = self.read();
        self.handle_timeout();
        self.write();
        // If writing has just failed, what can still be read is to be read, and then it is over.
        Ok(has_read || self.write_failed && !self.client.is_closed())
    }

    /// The connection stands.
    pub const fn connected(&self) -> bool {
        self.connected
    }

    /// How long nothing is due; none for ever.
    pub fn timeout(&self) -> Option<Duration> {
        self.client.poll_timeout().map(|due| due - self.clock.now())
    }

    /// The next thing to know; none when all is known.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.client.poll_event()
    }

    /// The state machine itself, to look at.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// See [`Client::register`].
    pub fn register(&mut self, name: &str, credential: &[u8]) -> Result<(), ClientError> {
        self.client.register(self.clock.now(), name, credential)
    }

    /// See [`Client::send`]. The message goes out with the next [`drive`](Self::drive).
    pub fn send(&mut self, to: &str, body: &[u8]) -> Result<u64, ClientError> {
        self.client.send(self.clock.now(), to, body)
    }

    /// See [`Client::who`].
    pub fn who(&mut self, cursor: u64) -> Result<u64, ClientError> {
        self.client.who(self.clock.now(), cursor)
    }

    /// See [`Client::leave`].
    pub fn leave(&mut self) {
        self.client.leave(self.clock.now());
    }

    fn is_connected(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                // An error only means that the connection broke at once, which the next read shows.
                let _ = self.stream.set_nodelay(true);
                self.connected = true;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// True if something was read, be it the end.
    fn read(&mut self) -> bool {
        for reads in 0..READS_MAX {
            if self.client.is_closed() {
                return reads > 0;
            }
            match self.stream.read(&mut self.buffer) {
                Ok(0) => self.broke(),
                Ok(count) => self.arrived(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.write_failed {
                        self.broke();
                    }
                    return reads > 0;
                }
                Err(_) => self.broke(),
            }
        }
        true
    }

    fn arrived(&mut self, count: usize) {
        let now = self.clock.now();
        let bytes = &self.buffer[..count];
        if self.partial.is_empty() {
            let mut input = bytes;
            if self.client.receive(now, &mut input) == Received::NeedInput {
                self.partial.extend_from_slice(input);
            }
        } else {
            self.partial.extend_from_slice(bytes);
            let mut input = &self.partial[..];
            let _ = self.client.receive(now, &mut input);
            let used = self.partial.len() - input.len();
            self.partial.drain(..used);
            if self.partial.is_empty() && self.partial.capacity() > BUFFER_BYTES {
                // One large frame does not cost its memory for ever.
                self.partial = Vec::new();
            }
        }
    }

    /// Writes what there is, also after the end: the last words tell the server why.
    fn write(&mut self) {
        while !self.write_failed {
            let chunks = self.client.poll_transmit();
            if chunks.iter().all(|chunk| chunk.is_empty()) {
                return;
            }
            match self.stream.write_vectored(&chunks.map(IoSlice::new)) {
                Ok(count) if count > 0 => self.client.transmitted(self.clock.now(), count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // What the server said before it went may still be there to be read.
                _ => {
                    self.write_failed = true;
                    return;
                }
            }
        }
    }

    fn handle_timeout(&mut self) {
        let now = self.clock.now();
        if self.client.poll_timeout().is_some_and(|due| due <= now) {
            self.client.handle_timeout(now);
        }
    }

    fn broke(&mut self) {
        self.client.disconnect(self.clock.now());
    }
}

impl Source for Driver {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.stream.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.stream.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.stream.deregister(registry)
    }
}
