//! The dialogue in protocol.md: what a client and a hub say to each other, byte for byte.

use std::fmt::Write;
use std::time::Duration;

use chatcore::wire::{self, Kind, PREFACE_BYTES};
use chatcore::{Client, ClientConfig, ConnId, Handshake, Hub, Instant, Limits};

/// A line has this many bytes at the most.
const BYTES_OF_LINE: usize = 24;

struct Talk {
    hub: Hub,
    client: Client,
    conn: Option<ConnId>,
    now: Instant,
    text: String,
}

impl Talk {
    fn new() -> Self {
        let now = Instant::from_millis(1_000);
        let client = Client::new(now, ClientConfig::default(), 7);
        Self { hub: Hub::new(Limits::default(), [7; 32]), client, conn: None, now, text: String::new() }
    }

    fn heading(&mut self, words: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        writeln!(self.text, "{gap}{words}").unwrap();
    }

    /// What the client has to say goes to the hub.
    fn client_speaks(&mut self) {
        let bytes = self.client.transmit().concat();
        self.client.transmitted(self.now, bytes.len());
        self.show("C", &bytes);
        let mut input = &bytes[..];
        if self.conn.is_none() {
            let mut handshake = Handshake::new(self.now, self.hub.limits());
            let registration = handshake.receive(self.now, &mut input).expect("it is right").expect("it is whole");
            self.conn = Some(self.hub.admit(self.now, registration).expect("the hub lets it in"));
        }
        let conn = self.conn.expect("there is a connection");
        let _ = self.hub.receive(self.now, conn, &mut input).expect("the hub has it");
        assert!(input.is_empty(), "all is taken");
    }

    /// What the hub has to say is written.
    fn hub_writes(&mut self) -> Vec<u8> {
        while self.hub.poll_event().is_some() || self.hub.poll_action().is_some() {}
        let conn = self.conn.expect("there is a connection");
        let bytes = self.hub.transmit(conn).concat();
        self.hub.transmitted(self.now, conn, bytes.len()).expect("the hub has it");
        self.show("H", &bytes);
        bytes
    }

    /// It goes to the client, which takes it.
    fn hub_speaks(&mut self) {
        let bytes = self.hub_writes();
        let _ = self.client.receive(self.now, &mut &bytes[..]);
        while self.client.poll_event().is_some() {}
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.client.handle_timeout(self.now);
        self.hub.handle_timeout(self.now);
    }

    fn show(&mut self, who: &str, mut bytes: &[u8]) {
        if bytes.starts_with(b"\xC4chat") {
            let (preface, rest) = bytes.split_at(PREFACE_BYTES);
            self.line(who, "preface", preface);
            bytes = rest;
        }
        while !bytes.is_empty() {
            let mut rest = bytes;
            let content = wire::take(&mut rest, u32::MAX).expect("it is right").expect("it is whole");
            let name = Kind::name(content.kind).expect("it is known");
            self.line(who, name, &bytes[..bytes.len() - rest.len()]);
            bytes = rest;
        }
    }

    fn line(&mut self, who: &str, name: &str, bytes: &[u8]) {
        for (part, chunk) in bytes.chunks(BYTES_OF_LINE).enumerate() {
            let (who, name) = if part == 0 { (who, name) } else { ("", "") };
            let hex = chunk.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
            writeln!(self.text, "{}", format!("{who:1} {name:<8} {hex}").trim_end()).unwrap();
        }
    }
}

fn dialogue() -> String {
    let mut talk = Talk::new();
    talk.heading("Alice registers, and acknowledges her welcome.");
    talk.client.register(talk.now, "Alice", b"").unwrap();
    talk.client_speaks();
    talk.hub_speaks();
    talk.client_speaks();

    talk.heading("She joins a room, and sends a message to herself. Her requests have the numbers 1 and 2.");
    talk.client.join(talk.now, "#lobby").unwrap();
    talk.client.send(talk.now, "alice", b"hi").unwrap();
    talk.client_speaks();
    talk.hub_speaks();

    talk.heading("She acknowledges the three numbered frames of the hub.");
    talk.pass(Duration::from_millis(50));
    talk.client_speaks();

    talk.heading("Another message; but the connection breaks before she gets what the hub has written.");
    talk.client.send(talk.now, "alice", b"again").unwrap();
    talk.client_speaks();
    talk.hub_writes();
    let conn = talk.conn.take().expect("there is a connection");
    talk.hub.disconnect(talk.now, conn).unwrap();
    talk.client.disconnect(talk.now);

    talk.heading("She resumes: three frames have come. The hub has got three of hers, and sends again what she lacks.");
    talk.pass(Duration::from_secs(1));
    while talk.client.poll_event().is_some() {}
    talk.client.connected(talk.now);
    talk.client_speaks();
    talk.hub_speaks();

    talk.heading("She says goodbye, and so does the hub.");
    talk.client.close(talk.now);
    talk.client_speaks();
    talk.hub_speaks();
    assert!(talk.client.is_closed());
    talk.text
}

#[test]
fn the_dialogue_of_the_specification_is_what_is_said() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md");
    let page = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let section = page.split("\n## A dialogue\n").nth(1).expect("the page has a section for it");
    let shown = section.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    let said = dialogue();
    assert_eq!(shown, Some(&said[..]), "the page shows another dialogue than this one:\n{said}");
}
