//! Many connections on one thread. A slot keeps its key when its connection is replaced.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chatcore::wire::Content;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use nix::errno::Errno;
use socket2::{Domain, Socket, Type};

use super::link::{Link, LinkEvent, Opening, Received};
use crate::failure::Result;
use crate::over::{Dialer, Stream};

const BUFFER_BYTES: usize = 256 << 10;

/// Bytes of one write.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// After this many bytes at once this thread yields its processor: the fair users share it, and must not be late.
const YIELD_BYTES: usize = 32 << 10;

/// The receive buffer of a connection that will not be read from, so that what fills up is the server.
const UNREAD_BUFFER_BYTES: usize = 16 << 10;

/// All connections of one thread.
pub(crate) struct Sockets {
    server: Dialer,
    poll: Poll,
    poll_events: Events,
    slots: Vec<Slot>,
    /// Slots that have output, and sockets that take it.
    writable: Vec<usize>,
    /// Slots that may have more input than was read.
    readable: Vec<usize>,
    link_events: Vec<(usize, LinkEvent)>,
    buffer: Box<[u8]>,
    pub(crate) written_bytes: u64,
}

/// A block of whole frames that is written this many times.
#[derive(Clone, Debug)]
pub(crate) struct Flood {
    pub(crate) block: Arc<[u8]>,
    pub(crate) times: u64,
}

/// What becomes of what arrives on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadPolicy {
    /// It is read and acknowledged.
    Acknowledge,
    /// It is read, and not acknowledged.
    ReadOnly,
    /// It is read and acknowledged for now, and the system keeps little of it.
    StopLater,
    /// It is not read.
    Stopped,
}

struct Slot {
    stream: Option<Stream>,
    link: Link,
    policy: ReadPolicy,
    flood: Option<Flood>,
    /// Whole frames that are being written, and how many bytes of them are out.
    chunk: Chunk,
    written: usize,
    /// The start of a frame that is not whole.
    partial: Vec<u8>,
    is_blocked: bool,
    side: Side,
    is_in_writable: bool,
    is_in_readable: bool,
}

/// Our side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Open,
    /// It ends when all is written.
    Ending,
}

enum Chunk {
    Own(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Chunk {
    const EMPTY: Self = Self::Own(Vec::new());

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Sockets {
    pub(crate) fn new(server: Dialer) -> Result<Self> {
        Ok(Self {
            server,
            poll: Poll::new()?,
            poll_events: Events::with_capacity(1024),
            slots: Vec::new(),
            writable: Vec::new(),
            readable: Vec::new(),
            link_events: Vec::new(),
            buffer: vec![0; BUFFER_BYTES].into(),
            written_bytes: 0,
        })
    }

    /// Makes an empty slot, and returns its key.
    pub(crate) fn add(&mut self) -> usize {
        self.slots.push(Slot {
            stream: None,
            link: Link::open(&Opening::Raw(Vec::new())),
            policy: ReadPolicy::Acknowledge,
            flood: None,
            chunk: Chunk::EMPTY,
            written: 0,
            partial: Vec::new(),
            is_blocked: false,
            side: Side::Open,
            is_in_writable: false,
            is_in_readable: false,
        });
        self.slots.len() - 1
    }

    // ---- connections ----

    /// Connects from this address. The connection that was in the slot is reset.
    pub(crate) fn connect(
        &mut self,
        key: usize,
        source: Ipv4Addr,
        opening: &Opening,
        policy: ReadPolicy,
    ) -> Result<()> {
        self.reset(key);
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        // Whenever it is dropped, that is a reset, so that nothing of it lingers.
        socket.set_linger(Some(Duration::ZERO))?;
        if policy == ReadPolicy::StopLater {
            socket.set_recv_buffer_size(UNREAD_BUFFER_BYTES)?;
        }
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        match socket.connect(&self.server.address.into()) {
            // The first event tells whether it has succeeded.
            Err(error) if error.raw_os_error() != Some(Errno::EINPROGRESS as i32) => return Err(error.into()),
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.poll.registry().register(&mut stream, Token(key), Interest::READABLE | Interest::WRITABLE)?;
        let slot = &mut self.slots[key];
        slot.stream = Some(match opening {
            Opening::Bare(_) => Stream::bare(stream),
            Opening::Below(_) => self.server.stream_below(stream)?,
            _ => self.server.stream(stream)?,
        });
        slot.link = Link::open(opening);
        slot.policy = policy;
        // Until that event it takes no output.
        (slot.is_blocked, slot.side) = (true, Side::Open);
        Ok(())
    }

    /// Breaks a connection with a reset, so that nothing of it lingers.
    pub(crate) fn reset(&mut self, key: usize) {
        self.slots[key].disconnect();
    }

    pub(crate) fn reset_all(&mut self) {
        (0..self.slots.len()).for_each(|key| self.reset(key));
    }

    /// The last connection of a slot.
    pub(crate) fn link(&self, key: usize) -> &Link {
        &self.slots[key].link
    }

    pub(crate) fn is_connected(&self, key: usize) -> bool {
        self.slots[key].stream.is_some()
    }

    /// Leaves unread what arrives from now on.
    pub(crate) fn stop_reading(&mut self, key: usize) {
        self.slots[key].policy = ReadPolicy::Stopped;
    }

    // ---- output ----

    /// Writes whole frames, when there is room.
    pub(crate) fn send(&mut self, key: usize, frames: &[u8]) {
        self.slots[key].link.outgoing.extend_from_slice(frames);
        self.schedule_write(key);
    }

    /// Writes a flood, as fast as the socket takes it. What else is to be written goes between two blocks.
    pub(crate) fn flood(&mut self, key: usize, flood: Flood) {
        self.slots[key].flood = Some(flood);
        self.schedule_write(key);
    }

    /// Writes once for each slot that has output and room for it.
    pub(crate) fn flush(&mut self) {
        let Self { slots, writable, link_events, written_bytes, .. } = self;
        writable.retain(|key| {
            let slot = &mut slots[*key];
            match slot.write() {
                Ok(count) => {
                    *written_bytes += count as u64;
                    yield_after(count);
                }
                Err(error) => {
                    // What the server wrote before it closed may still be there to read.
                    (slot.is_blocked, slot.flood) = (true, None);
                    if slot.policy == ReadPolicy::Stopped {
                        slot.disconnect();
                        link_events.push((*key, LinkEvent::Ended(error.to_string())));
                    }
                }
            }
            slot.is_in_writable = slot.has_output() && !slot.is_blocked;
            slot.is_in_writable
        });
    }

    fn schedule_write(&mut self, key: usize) {
        let slot = &mut self.slots[key];
        if !slot.is_blocked && slot.has_output() && !std::mem::replace(&mut slot.is_in_writable, true) {
            self.writable.push(key);
        }
    }

    /// Ends our side of a connection after all that is to be written on it.
    pub(crate) fn end_writing(&mut self, key: usize) {
        self.slots[key].side = Side::Ending;
        self.schedule_write(key);
    }

    // ---- input ----

    /// Waits this long for input, and passes each numbered frame on.
    pub(crate) fn turn(&mut self, wait: Duration, mut receive: impl FnMut(usize, Content<'_>)) -> Result<()> {
        let is_busy = !self.writable.is_empty() || !self.readable.is_empty();
        let wait = if is_busy { Duration::ZERO } else { wait };
        match self.poll.poll(&mut self.poll_events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let mut readable = std::mem::take(&mut self.readable);
        for key in &readable {
            self.slots[*key].is_in_readable = false;
        }
        let mut unblocked = Vec::new();
        for event in &self.poll_events {
            let key = event.token().0;
            if event.is_writable() {
                self.slots[key].is_blocked = false;
                unblocked.push(key);
            }
            if event.is_readable() || event.is_error() || event.is_read_closed() {
                readable.push(key);
            }
            if event.is_read_closed() {
                // What came before the end is read first, and no other event tells of the end.
                readable.push(key);
            }
        }
        for key in unblocked {
            self.schedule_write(key);
        }
        for key in readable {
            self.read(key, &mut receive);
        }
        Ok(())
    }

    /// What has happened since the last call.
    pub(crate) fn take_events(&mut self) -> Vec<(usize, LinkEvent)> {
        std::mem::take(&mut self.link_events)
    }

    fn read(&mut self, key: usize, receive: &mut impl FnMut(usize, Content<'_>)) {
        let slot = &mut self.slots[key];
        if slot.policy == ReadPolicy::Stopped {
            return;
        }
        let Some(stream) = &mut slot.stream else { return };
        let kept = slot.partial.len();
        self.buffer[..kept].copy_from_slice(&slot.partial);
        let mut count = 0;
        let end = match stream.read(&mut self.buffer[kept..]) {
            Ok(0) => Some("the server closed the connection".to_owned()),
            Ok(bytes) => {
                count = bytes;
                slot.partial.clear();
                let mut input = &self.buffer[..kept + count];
                let end = loop {
                    match slot.link.take(&mut input) {
                        Ok(None) => break None,
                        Ok(Some(Received::Frame(content))) => receive(key, content),
                        Ok(Some(Received::Event(event))) => self.link_events.push((key, event)),
                        Ok(Some(Received::Handled)) => {}
                        Err(reason) => break Some(reason),
                    }
                };
                slot.partial.extend_from_slice(input);
                if slot.policy != ReadPolicy::ReadOnly {
                    slot.link.acknowledge();
                }
                // The buffer is full: there may be more, of which no event will tell (epoll(7)).
                if kept + count == self.buffer.len() && !std::mem::replace(&mut slot.is_in_readable, true) {
                    self.readable.push(key);
                }
                end
            }
            // A socket that is still connecting is not connected.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => None,
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = end {
            slot.disconnect();
            self.link_events.push((key, LinkEvent::Ended(reason)));
        }
        self.schedule_write(key);
        yield_after(count);
    }
}

impl Slot {
    /// Drops the connection, and what was to be written on it. The link remembers the session.
    fn disconnect(&mut self) {
        self.stream = None;
        self.flood = None;
        self.link.is_ready = false;
        self.link.outgoing.clear();
        (self.chunk, self.written) = (Chunk::EMPTY, 0);
        self.partial.clear();
    }

    fn has_output(&self) -> bool {
        let has_more = self.written < self.chunk.bytes().len() || !self.link.outgoing.is_empty();
        let stream = self.stream.as_ref();
        stream
            .is_some_and(|stream| has_more || self.flood.is_some() || self.side == Side::Ending || stream.has_unsent())
    }

    /// Writes once. Chunks are whole frames, so nothing comes into the middle of one.
    fn write(&mut self) -> io::Result<usize> {
        if self.is_blocked {
            return Ok(0);
        }
        if self.written == self.chunk.bytes().len() {
            (self.chunk, self.written) = (self.next_chunk(), 0);
        }
        let Some(stream) = &mut self.stream else { return Ok(0) };
        let rest = &self.chunk.bytes()[self.written..];
        let written = if rest.is_empty() {
            stream.flush().map(|()| 0)
        } else {
            stream.write(&rest[..rest.len().min(WRITE_BYTES_MAX)])
        };
        match written {
            Ok(count) => {
                self.written += count;
                let is_all = self.written == self.chunk.bytes().len() && self.link.outgoing.is_empty();
                if self.side == Side::Ending && is_all && !stream.has_unsent() {
                    self.side = Side::Open;
                    stream.end_writing()?;
                }
                Ok(count)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => {
                self.is_blocked = true;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// What is written next.
    fn next_chunk(&mut self) -> Chunk {
        if !self.link.outgoing.is_empty() {
            return Chunk::Own(std::mem::take(&mut self.link.outgoing));
        }
        let Some(flood) = &mut self.flood else { return Chunk::EMPTY };
        let chunk = Chunk::Shared(Arc::clone(&flood.block));
        flood.times -= 1;
        if flood.times == 0 {
            self.flood = None;
        }
        chunk
    }
}

/// Yields the processor after this many bytes.
fn yield_after(bytes: usize) {
    if bytes >= YIELD_BYTES {
        thread::yield_now();
    }
}
