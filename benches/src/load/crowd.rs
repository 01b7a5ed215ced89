//! Many users on one thread: their sockets, and what they say and hear.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::SockRef;

use super::contestant::Running;
use super::dialect::{Dialect, Envelope, Heard, To};
use super::message::{self, STAMP_BYTES};
use super::{Failure, Result};

/// How long a server may take to let somebody in.
const OPENING_TIME_MAX: Duration = Duration::from_secs(30);

const BUFFER_BYTES: usize = 256 << 10;

/// Users of a server, all in one process.
pub(crate) struct Crowd<D: Dialect> {
    dialect: D,
    server: SocketAddr,
    /// Users that may be on their way in at a time.
    opening_max: usize,
    poll: Poll,
    users: Vec<User<D::Conn>>,
    /// Who has heard or said something in this turn.
    touched: Vec<usize>,
    buffer: Box<[u8]>,
    envelopes: Vec<Envelope>,
    body: Vec<u8>,
    ready: usize,
    /// Messages of which the server has said that it took them.
    pub(crate) accepted: u64,
}

/// What is left of users whose connections were cut.
pub(crate) struct Cut<D: Dialect>(Vec<D::Conn>);

struct User<C> {
    stream: TcpStream,
    conn: C,
    /// The start of something that is not whole.
    partial: Vec<u8>,
    out: Vec<u8>,
    is_touched: bool,
    is_blocked: bool,
}

impl<D: Dialect> Crowd<D> {
    pub(crate) fn new(dialect: D, running: &Running, body_bytes: usize) -> Result<Self> {
        Ok(Self {
            dialect,
            server: running.address,
            opening_max: running.kind.opening_max(),
            poll: Poll::new()?,
            users: Vec::new(),
            touched: Vec::new(),
            buffer: vec![0; BUFFER_BYTES].into(),
            envelopes: Vec::new(),
            body: vec![b'x'; body_bytes],
            ready: 0,
            accepted: 0,
        })
    }

    /// Says to whom the bodies can go. They are named by their place in this list.
    pub(crate) fn address(&mut self, recipients: impl IntoIterator<Item = To>) {
        let envelope = |to| self.dialect.envelope(to, self.body.len());
        self.envelopes = recipients.into_iter().map(envelope).collect();
    }

    // ---- coming and going ----

    /// Lets users come until there are so many.
    pub(crate) fn fill(&mut self, users: usize) -> Result<()> {
        self.open(
            users,
            |dialect, key, out| {
                let mut conn = D::Conn::default();
                dialect.open(&mut conn, key, out);
                conn
            },
            |_, _| Ok(()),
        )
    }

    /// Breaks all connections at once, without a goodbye.
    pub(crate) fn cut(&mut self) -> Result<Cut<D>> {
        for user in &self.users {
            // A reset, so that nothing of them lingers.
            SockRef::from(&user.stream).set_linger(Some(Duration::ZERO))?;
        }
        self.ready = 0;
        self.touched.clear();
        Ok(Cut(self.users.drain(..).map(|user| user.conn).collect()))
    }

    /// Makes new connections in place of those that were cut.
    pub(crate) fn come_again(
        &mut self,
        Cut(conns): Cut<D>,
        hear: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let (users, mut conns) = (conns.len(), conns.into_iter());
        self.open(
            users,
            |dialect, key, out| {
                let mut conn = conns.next().expect("each comes once");
                dialect.reopen(&mut conn, key, out);
                conn
            },
            hear,
        )
    }

    fn open(
        &mut self,
        users: usize,
        mut greet: impl FnMut(&D, usize, &mut Vec<u8>) -> D::Conn,
        mut hear: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let deadline = Instant::now() + OPENING_TIME_MAX;
        while self.ready < users {
            while self.users.len() < users && self.users.len() - self.ready < self.opening_max {
                let key = self.users.len();
                let mut out = Vec::new();
                let conn = greet(&self.dialect, key, &mut out);
                let stream = self.connect(key)?;
                self.users.push(User { stream, conn, partial: Vec::new(), out, is_touched: false, is_blocked: false });
                self.touch(key);
            }
            self.flush()?;
            self.turn(Some(Duration::from_millis(100)), &mut hear)?;
            if Instant::now() > deadline {
                return Err(Failure::new(format_args!("only {} of {users} users were let in", self.ready)));
            }
        }
        Ok(())
    }

    fn connect(&self, key: usize) -> Result<TcpStream> {
        let stream = std::net::TcpStream::connect(self.server)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(key), Interest::READABLE | Interest::WRITABLE)?;
        Ok(stream)
    }

    // ---- talking ----

    /// Puts a message into what a user is to say.
    pub(crate) fn say(&mut self, sender: usize, recipient: usize, sequence: u32) {
        let Envelope { before, after } = &self.envelopes[recipient];
        message::stamp(&mut self.body, sender, sequence);
        let User { conn, out, .. } = &mut self.users[sender];
        self.dialect.precede(conn, out);
        out.extend_from_slice(before);
        out.extend_from_slice(&self.body);
        out.extend_from_slice(after);
        self.touch(sender);
    }

    /// Writes all that is to be said, once for each user.
    pub(crate) fn flush(&mut self) -> Result<()> {
        for key in self.touched.drain(..) {
            let user = &mut self.users[key];
            user.is_touched = false;
            self.dialect.settle(&mut user.conn, &mut user.out);
            user.write()?;
        }
        Ok(())
    }

    /// Waits until something has arrived, and takes all of it. Whoever hears a message hears its body.
    pub(crate) fn turn(
        &mut self,
        wait: Option<Duration>,
        mut hear: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        match self.poll.poll(&mut events, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &events {
            self.dispatch(event, &mut hear)?;
        }
        Ok(())
    }

    fn dispatch(&mut self, event: &Event, hear: &mut impl FnMut(usize, &[u8]) -> Result<()>) -> Result<()> {
        let key = event.token().0;
        if event.is_writable() && std::mem::take(&mut self.users[key].is_blocked) {
            self.touch(key);
        }
        if event.is_readable() {
            self.read(key, hear)?;
            self.touch(key);
        }
        Ok(())
    }

    fn touch(&mut self, key: usize) {
        if !std::mem::replace(&mut self.users[key].is_touched, true) {
            self.touched.push(key);
        }
    }

    fn read(&mut self, key: usize, hear: &mut impl FnMut(usize, &[u8]) -> Result<()>) -> Result<()> {
        let user = &mut self.users[key];
        loop {
            let kept = user.partial.len();
            self.buffer[..kept].copy_from_slice(&user.partial);
            let count = match user.stream.read(&mut self.buffer[kept..]) {
                Ok(0) => return Err(Failure::new("the server ended a connection")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            user.partial.clear();
            let mut input = &self.buffer[..kept + count];
            loop {
                match self.dialect.take(&mut user.conn, &mut input, &mut user.out)? {
                    Heard::Incomplete => break,
                    Heard::Nothing => {}
                    Heard::Ready => self.ready += 1,
                    Heard::Accepted(count) => self.accepted += count,
                    Heard::Message(body) if body.len() >= STAMP_BYTES => hear(key, body)?,
                    Heard::Message(body) => {
                        return Err(Failure::new(format_args!("a message has arrived with {} bytes", body.len())));
                    }
                }
            }
            user.partial.extend_from_slice(input);
            // Less than there was room for: there is no more, and when there is, there will be an event (epoll(7)).
            if kept + count < self.buffer.len() {
                return Ok(());
            }
        }
    }
}

impl<C> User<C> {
    fn write(&mut self) -> io::Result<()> {
        if self.is_blocked || self.out.is_empty() {
            return Ok(());
        }
        match self.stream.write(&self.out) {
            Ok(count) => {
                self.is_blocked = count < self.out.len();
                self.out.drain(..count);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_blocked = true;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
