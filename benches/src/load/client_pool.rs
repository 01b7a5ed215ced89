//! Many clients on one thread: their connections, and what they send and receive.

use std::io;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::SockRef;

use super::message::{self, STAMP_BYTES};
use super::protocol::{Envelope, Incoming, Protocol, Recipient};
use crate::failure::{Failure, Result};
use crate::over::{Dialer, Stream};

/// How long to wait for messages that must come.
pub(crate) const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a server may take to let the clients in.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);

const BUFFER_BYTES: usize = 256 << 10;

/// The clients of a server. They are named by their place: 0, 1, 2 …
pub(crate) struct ClientPool<P: Protocol> {
    protocol: P,
    server: Dialer,
    /// Clients that may be connecting at a time.
    connecting_max: usize,
    poll: Poll,
    clients: Vec<Client<P::Conn>>,
    /// Clients that have received or sent something since the last flush.
    touched: Vec<usize>,
    buffer: Box<[u8]>,
    envelopes: Vec<Envelope>,
    body: Vec<u8>,
    ready: usize,
    /// Messages that the server has accepted, as far as its protocol says so.
    pub(crate) accepted: u64,
}

/// What is left of clients after their connections were cut.
pub(crate) struct Disconnected<P: Protocol>(Vec<P::Conn>);

struct Client<C> {
    stream: Stream,
    conn: C,
    /// The start of an item that is not whole.
    partial: Vec<u8>,
    out: Vec<u8>,
    is_touched: bool,
    is_blocked: bool,
}

impl<P: Protocol> ClientPool<P> {
    pub(crate) fn new(protocol: P, server: Dialer, connecting_max: usize, body_bytes: usize) -> Result<Self> {
        Ok(Self {
            protocol,
            server,
            connecting_max,
            poll: Poll::new()?,
            clients: Vec::new(),
            touched: Vec::new(),
            buffer: vec![0; BUFFER_BYTES].into(),
            envelopes: Vec::new(),
            body: vec![b'x'; body_bytes],
            ready: 0,
            accepted: 0,
        })
    }

    /// Sets where messages can go. [`Self::send`] names a recipient by its place in this list.
    pub(crate) fn set_recipients(&mut self, recipients: impl IntoIterator<Item = Recipient>) {
        let envelope = |to| self.protocol.envelope(to, self.body.len());
        self.envelopes = recipients.into_iter().map(envelope).collect();
    }

    // ---- connections ----

    /// Connects further clients until there are this many.
    pub(crate) fn connect(&mut self, clients: usize) -> Result<()> {
        self.open(
            clients,
            |protocol, key, out| {
                let mut conn = P::Conn::default();
                protocol.register(&mut conn, key, out);
                conn
            },
            |_, _| Ok(()),
        )
    }

    /// Cuts all connections at once, without a goodbye.
    pub(crate) fn disconnect(&mut self) -> Disconnected<P> {
        self.ready = 0;
        self.touched.clear();
        Disconnected(self.clients.drain(..).map(|client| client.conn).collect())
    }

    /// Connects clients again after their connections were cut. `receive` gets the messages that arrive meanwhile.
    pub(crate) fn reconnect(
        &mut self,
        Disconnected(conns): Disconnected<P>,
        receive: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let (clients, mut conns) = (conns.len(), conns.into_iter());
        self.open(
            clients,
            |protocol, key, out| {
                let mut conn = conns.next().expect("each reconnects once");
                protocol.reconnect(&mut conn, key, out);
                conn
            },
            receive,
        )
    }

    fn open(
        &mut self,
        clients: usize,
        mut greet: impl FnMut(&P, usize, &mut Vec<u8>) -> P::Conn,
        mut receive: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let deadline = Instant::now() + CONNECT_TIME_MAX;
        while self.ready < clients {
            while self.clients.len() < clients && self.clients.len() - self.ready < self.connecting_max {
                let key = self.clients.len();
                let mut out = Vec::new();
                let conn = greet(&self.protocol, key, &mut out);
                let stream = self.open_stream(key)?;
                let partial = Vec::new();
                self.clients.push(Client { stream, conn, partial, out, is_touched: false, is_blocked: false });
                self.touch(key);
            }
            self.flush()?;
            self.poll(Some(Duration::from_millis(100)), &mut receive)?;
            if Instant::now() > deadline {
                return Err(Failure::new(format_args!("only {} of {clients} users were let in", self.ready)));
            }
        }
        Ok(())
    }

    fn open_stream(&self, key: usize) -> Result<Stream> {
        let stream = std::net::TcpStream::connect(self.server.address)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        // Whenever it is dropped, that is a reset, so that the kernel keeps nothing of it.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(key), Interest::READABLE | Interest::WRITABLE)?;
        self.server.stream(stream)
    }

    // ---- messages ----

    /// Puts a message into what a client sends at the next flush.
    pub(crate) fn send(&mut self, sender: usize, recipient: usize, sequence: u32) {
        let Envelope { before, after } = &self.envelopes[recipient];
        message::stamp(&mut self.body, sender, sequence);
        let Client { conn, out, .. } = &mut self.clients[sender];
        self.protocol.before_message(conn, out);
        out.extend_from_slice(before);
        out.extend_from_slice(&self.body);
        out.extend_from_slice(after);
        self.touch(sender);
    }

    /// Writes what clients have to send, with one call for each client.
    pub(crate) fn flush(&mut self) -> Result<()> {
        for key in self.touched.drain(..) {
            let client = &mut self.clients[key];
            client.is_touched = false;
            self.protocol.before_flush(&mut client.conn, &mut client.out);
            client.write()?;
        }
        Ok(())
    }

    /// Waits until something arrives, `wait` at the most, and reads all of it. `receive` gets each message: the client
    /// to which it came, and its body.
    pub(crate) fn poll(
        &mut self,
        wait: Option<Duration>,
        mut receive: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        match self.poll.poll(&mut events, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &events {
            self.dispatch(event, &mut receive)?;
        }
        Ok(())
    }

    fn dispatch(&mut self, event: &Event, receive: &mut impl FnMut(usize, &[u8]) -> Result<()>) -> Result<()> {
        let key = event.token().0;
        let client = &mut self.clients[key];
        if event.is_writable() && (std::mem::take(&mut client.is_blocked) || client.stream.has_unsent()) {
            self.touch(key);
        }
        if event.is_readable() {
            self.read(key, receive)?;
            self.touch(key);
        }
        Ok(())
    }

    fn touch(&mut self, key: usize) {
        if !std::mem::replace(&mut self.clients[key].is_touched, true) {
            self.touched.push(key);
        }
    }

    fn read(&mut self, key: usize, receive: &mut impl FnMut(usize, &[u8]) -> Result<()>) -> Result<()> {
        let client = &mut self.clients[key];
        loop {
            let kept = client.partial.len();
            self.buffer[..kept].copy_from_slice(&client.partial);
            let count = match client.stream.read(&mut self.buffer[kept..]) {
                Ok(0) => return Err(Failure::new("the server ended a connection")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            client.partial.clear();
            let mut input = &self.buffer[..kept + count];
            loop {
                match self.protocol.take(&mut client.conn, &mut input, &mut client.out)? {
                    Incoming::Incomplete => break,
                    Incoming::Nothing => {}
                    Incoming::Ready => self.ready += 1,
                    Incoming::Accepted(count) => self.accepted += count,
                    Incoming::Message(body) if body.len() >= STAMP_BYTES => receive(key, body)?,
                    Incoming::Message(body) => {
                        return Err(Failure::new(format_args!("a message has arrived with {} bytes", body.len())));
                    }
                }
            }
            client.partial.extend_from_slice(input);
            // Less came than there was room for: the socket is empty, and an event tells of more (epoll(7)).
            if kept + count < self.buffer.len() {
                return Ok(());
            }
        }
    }
}

impl<C> Client<C> {
    fn write(&mut self) -> io::Result<()> {
        let mut done = 0;
        while !self.is_blocked && (done < self.out.len() || self.stream.has_unsent()) {
            let rest = &self.out[done..];
            let written = if rest.is_empty() { self.stream.flush().map(|()| 0) } else { self.stream.write(rest) };
            match written {
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_blocked = true,
                Err(error) => return Err(error),
            }
        }
        self.out.drain(..done);
        Ok(())
    }
}
