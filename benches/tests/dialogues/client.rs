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

impl ClientPeer {
    pub(crate) fn new(config: &Config) -> Self {
        let now = Instant::from_millis(1);
        let mut client_config = ClientConfig::default();
        for setting in config.settings() {
            match setting {
                ("frame_bytes_max", Setting::Number(bytes)) => {
                    client_config.frame_bytes_max = u32::try_from(*bytes).expect("it is a limit of 32 bits");
                }
                (name, _) => panic!("a client has no setting {name}"),
            }
        }
        let mut client = Client::new(now, client_config, 7);
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
        let bytes = self.client.poll_transmit().concat();
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
                Event::Reconnecting { .. } => self.hang_up(),
                Event::Connect { .. } => self.asks = true,
                Event::Closed(_) => {
                    // Its last words go out first.
                    let bytes = self.client.poll_transmit().concat();
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

    /// What a program does for the lines of its user's that dialogues use.
    fn enter(&mut self, line: &str) -> Result<(), String> {
        let (now, client) = (self.now, &mut self.client);
        let done = match line.split_once([' ', ':']).unwrap_or((line, "")) {
            ("/join", room) => client.join(now, room),
            ("/leave", room) => client.leave(now, room),
            ("/roster", room) => client.roster(now, room, 0),
            ("/watch", name) => client.watch(now, &[name]),
            ("/unwatch", name) => client.unwatch(now, &[name]),
            ("/who", _) => client.who(now, 0),
            ("/quit", _) => {
                client.close(now);
                Ok(0)
            }
            (to, body) => client.send(now, to.strip_prefix('@').unwrap_or(to), body.as_bytes()),
        };
        self.run();
        done.map(drop).map_err(|error| error.to_string())
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}
