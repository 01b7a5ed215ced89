//! A well-behaved user: the core's own client over a blocking socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant as SystemInstant;

use chatcore::{Client, ClientConfig, Closed, Event, Instant};

use super::PATIENCE;

pub(crate) struct User {
    client: Client,
    stream: TcpStream,
    partial: Vec<u8>,
    epoch: SystemInstant,
}

impl User {
    pub(crate) fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream.set_nodelay(true).expect("the socket is good");
        let client = Client::new(Instant::ZERO, ClientConfig::default(), 0);
        Self { client, stream, partial: Vec::new(), epoch: SystemInstant::now() }
    }

    pub(crate) fn registered(server: SocketAddr, name: &str) -> Self {
        let mut user = Self::connect(server);
        let event = user.register(name);
        assert!(matches!(event, Event::Registered { .. }), "{event:?}");
        user
    }

    /// Asks for a name, and returns the answer.
    pub(crate) fn register(&mut self, name: &str) -> Event {
        let now = self.now();
        self.client.register(now, name, b"").expect("it has no name yet");
        self.event()
    }

    /// Sends a message, and returns its number.
    pub(crate) fn send(&mut self, to: &str, body: &[u8]) -> u64 {
        let now = self.now();
        let number = self.client.send(now, to, body).expect("it may send");
        self.flush();
        number
    }

    /// Sends a message that is accepted.
    #[track_caller]
    pub(crate) fn tell(&mut self, to: &str, body: &[u8]) {
        let sent = self.send(to, body);
        match self.answer() {
            Event::Accepted { number, .. } => assert_eq!(number, sent),
            other => panic!("{other:?} in place of an acceptance"),
        }
    }

    /// Sends a message to its own name, in any spelling: it is delivered and accepted like any other.
    #[track_caller]
    pub(crate) fn tell_oneself(&mut self, name: &str) {
        let sent = self.send(name, b"note to self");
        assert_eq!(self.message().1, b"note to self");
        let event = self.event();
        assert!(matches!(event, Event::Accepted { number, .. } if number == sent), "{event:?}");
    }

    /// Receives a message, and nothing else before it but what became of others.
    #[track_caller]
    pub(crate) fn message(&mut self) -> (String, Vec<u8>) {
        match self.answer() {
            Event::Message { from, body, .. } => (from.to_string(), body),
            other => panic!("{other:?} in place of a message"),
        }
    }

    /// Receives a message, whatever is accepted before it.
    #[track_caller]
    pub(crate) fn body_beside_acceptances(&mut self) -> Vec<u8> {
        loop {
            match self.answer() {
                Event::Accepted { .. } => {}
                Event::Message { body, .. } => return body,
                other => panic!("{other:?} in place of a message"),
            }
        }
    }

    /// Says goodbye and waits for the end.
    pub(crate) fn close(&mut self) {
        let now = self.now();
        self.client.close(now);
        let event = self.event();
        assert_eq!(event, Event::Closed(Closed::Left));
    }

    /// The next event but for what became of earlier messages, which comes when it comes.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Event {
        loop {
            match self.event() {
                Event::Report { .. } => {}
                other => return other,
            }
        }
    }

    /// The next event.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Event {
        loop {
            self.flush();
            if let Some(event) = self.client.poll_event() {
                return event;
            }
            let mut arrived = [0; 4 << 10];
            let count = self.stream.read(&mut arrived).expect("something comes from the server");
            let now = self.now();
            if count == 0 {
                self.client.disconnect(now);
                continue;
            }
            self.partial.extend_from_slice(&arrived[..count]);
            let mut input = &self.partial[..];
            // Whether it wants more shows in its events.
            let _ = self.client.receive(now, &mut input);
            self.partial = input.to_vec();
        }
    }

    fn flush(&mut self) {
        let now = self.now();
        let bytes = self.client.transmit().concat();
        self.client.transmitted(now, bytes.len());
        // A server that closes may not take it any more; the events tell.
        let _ = self.stream.write_all(&bytes);
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }
}
