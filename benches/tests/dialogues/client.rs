//! Our client, as the other end of dialogues.

use std::time::Duration;

use chatcore::{Client, ClientConfig, Event, Instant};
use chatcore_bench::conformance::{Config, Peer, Read, Setting};

use super::virtual_time::{Said, Simulated, read, wait_until};

pub(crate) struct ClientPeer {
    client: Client,
    now: Instant,
    /// The connection that the client has.
    current: Option<usize>,
    conns: Vec<Conn>,
    /// It has asked for another connection.
    asks: bool,
}

#[derive(Default)]
struct Conn {
    input: Vec<u8>,
    output: Vec<u8>,
    is_closed: bool,
}

/// The configuration that a dialogue wants.
pub(crate) fn client_config(config: &Config) -> ClientConfig {
    let mut client_config = ClientConfig::default();
    for setting in config.settings() {
        match setting {
            ("frame_bytes_max", Setting::Number(bytes)) => {
                client_config.frame_bytes_max = u32::try_from(*bytes).expect("it is a limit of 32 bits");
            }
            (name, _) => panic!("a client has no setting {name}"),
        }
    }
    client_config
}

/// What a line of the user's says, as far as dialogues use it.
pub(crate) enum Line<'a> {
    Join(&'a str),
    Leave(&'a str),
    Roster(&'a str),
    Watch(&'a str),
    Unwatch(&'a str),
    Who,
    Quit,
    Send { to: &'a str, body: &'a str },
}

impl<'a> Line<'a> {
    pub(crate) fn of(line: &'a str) -> Self {
        match line.split_once([' ', ':']).unwrap_or((line, "")) {
            ("/join", room) => Self::Join(room),
            ("/leave", room) => Self::Leave(room),
            ("/roster", room) => Self::Roster(room),
            ("/watch", name) => Self::Watch(name),
            ("/unwatch", name) => Self::Unwatch(name),
            ("/who", _) => Self::Who,
            ("/quit", _) => Self::Quit,
            (to, body) => Self::Send { to: to.strip_prefix('@').unwrap_or(to), body },
        }
    }
}

impl ClientPeer {
    pub(crate) fn new(config: &Config) -> Self {
        let now = Instant::from_millis(1);
        let mut client = Client::new(now, client_config(config), 7);
        client.register(now, "alice", b"").expect("a fresh client may register");
        Self { client, now, current: None, conns: Vec::new(), asks: true }
    }

    fn run(&mut self) {
        let Some(current) = self.current else { return self.follow() };
        let conn = &mut self.conns[current];
        let mut input = &conn.input[..];
        let _ = self.client.receive(self.now, &mut input);
        let used = conn.input.len() - input.len();
        conn.input.drain(..used);
        self.follow();
        let bytes = self.client.transmit().concat();
        self.client.transmitted(self.now, bytes.len());
        let conn = &mut self.conns[current];
        if !conn.is_closed {
            conn.output.extend(bytes);
        }
        self.follow();
    }

    /// Does what a program does at events: all are taken at once.
    fn follow(&mut self) {
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Reconnecting { .. } | Event::Disconnected { .. } => self.hang_up(),
                Event::Connect { .. } => self.asks = true,
                Event::Closed(_) => {
                    // Its last words go out first.
                    let bytes = self.client.transmit().concat();
                    self.client.transmitted(self.now, bytes.len());
                    if let Some(current) = self.current {
                        self.conns[current].output.extend(bytes);
                    }
                    self.hang_up();
                }
                _ => {}
            }
        }
    }

    fn hang_up(&mut self) {
        if let Some(current) = self.current.take() {
            self.conns[current].is_closed = true;
        }
    }
}

impl Simulated for ClientPeer {
    fn now(&self) -> Instant {
        self.now
    }

    fn pass(&mut self, step: Duration) {
        self.now = self.now + step;
        if self.client.poll_timeout().is_some_and(|due| due <= self.now) {
            self.client.handle_timeout(self.now);
        }
        self.run();
    }

    fn said(&mut self, conn: usize) -> Said<'_> {
        let end = &mut self.conns[conn];
        Said { is_closed: end.is_closed, output: &mut end.output }
    }
}

impl Peer for ClientPeer {
    fn open(&mut self, time: Duration) -> Result<Option<usize>, String> {
        wait_until(self, time, |peer| peer.asks);
        if !std::mem::take(&mut self.asks) {
            return Ok(None);
        }
        // The first connection of a fresh client is there already.
        if !self.conns.is_empty() {
            self.client.connected(self.now);
        }
        self.conns.push(Conn::default());
        self.current = Some(self.conns.len() - 1);
        self.run();
        Ok(Some(self.conns.len() - 1))
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String> {
        self.conns[conn].input.extend_from_slice(bytes);
        self.run();
        Ok(())
    }

    fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
        Ok(read(self, conn, into, time))
    }

    fn cut(&mut self, conn: usize) -> Result<(), String> {
        self.conns[conn].is_closed = true;
        if self.current == Some(conn) {
            self.current = None;
            self.client.disconnect(self.now);
            self.follow();
        }
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        wait_until(self, time, |_| false);
        Ok(())
    }

    fn enter(&mut self, line: &str) -> Result<(), String> {
        let (now, client) = (self.now, &mut self.client);
        let done = match Line::of(line) {
            Line::Join(room) => client.join(now, room),
            Line::Leave(room) => client.leave(now, room),
            Line::Roster(room) => client.roster(now, room, 0),
            Line::Watch(name) => client.watch(now, &[name]),
            Line::Unwatch(name) => client.unwatch(now, &[name]),
            Line::Who => client.who(now, 0),
            Line::Send { to, body } => client.send(now, to, body.as_bytes()),
            Line::Quit => {
                client.close(now);
                Ok(0)
            }
        };
        self.run();
        done.map(drop).map_err(|error| error.to_string())
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}
