//! Our hub, as the other end of dialogues.

use std::time::Duration;

use chatcore::{Action, ConnId, Handshake, Hub, Instant, Limits, Received};
use chatcore_bench::conformance::{Peer, Read};

/// A time that no dialogue counts on, but in which a hub gets everything done.
const STEP: Duration = Duration::from_millis(5);

pub(crate) struct HubPeer {
    hub: Hub,
    now: Instant,
    conns: Vec<Conn>,
}

struct Conn {
    stage: Stage,
    input: Vec<u8>,
    output: Vec<u8>,
    /// The hub asks for no more before this.
    paused_until: Instant,
}

enum Stage {
    Handshaking(Box<Handshake>),
    Open(ConnId),
    Closed,
}

impl HubPeer {
    pub(crate) fn new() -> Self {
        Self { hub: Hub::new(Limits::default(), [7; 32]), now: Instant::from_millis(1), conns: Vec::new() }
    }

    /// Does all that can be done now.
    fn run(&mut self) {
        for index in 0..self.conns.len() {
            self.take_in(index);
        }
        while let Some(action) = self.hub.poll_action() {
            while self.hub.poll_event().is_some() {}
            let of = |conns: &mut Vec<Conn>, conn| {
                let found = conns.iter().position(|end| matches!(end.stage, Stage::Open(open) if open == conn));
                found.expect("the hub names connections that are open")
            };
            match action {
                Action::Write { conn } => {
                    let bytes = self.hub.transmit(conn).concat();
                    self.hub.transmitted(self.now, conn, bytes.len()).expect("it has just named it");
                    let index = of(&mut self.conns, conn);
                    self.conns[index].output.extend(bytes);
                }
                Action::Close { conn, .. } => {
                    let index = of(&mut self.conns, conn);
                    self.conns[index].stage = Stage::Closed;
                }
            }
        }
    }

    fn take_in(&mut self, index: usize) {
        let (now, hub, conn) = (self.now, &mut self.hub, &mut self.conns[index]);
        let mut input = &conn.input[..];
        while let Stage::Handshaking(handshake) = &mut conn.stage {
            let goes_on = match handshake.receive(now, &mut input) {
                Ok(Some(registration)) => match hub.admit(now, registration) {
                    Ok(open) => {
                        conn.stage = Stage::Open(open);
                        break;
                    }
                    Err(refusal) => handshake.refuse(now, &refusal).map(|()| true),
                },
                Ok(None) if handshake.deadline() <= now => handshake.handle_timeout(now).map(|()| false),
                Ok(None) => Ok(false),
                Err(error) => Err(error),
            };
            let bytes = handshake.transmit().concat();
            handshake.transmitted(bytes.len());
            conn.output.extend(bytes);
            match goes_on {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => conn.stage = Stage::Closed,
            }
        }
        while let Stage::Open(open) = conn.stage
            && now >= conn.paused_until
        {
            match hub.receive(now, open, &mut input).expect("it is open") {
                Received::More => {}
                Received::Paused { until } => conn.paused_until = until,
                Received::NeedInput | Received::Closed => break,
            }
        }
        let used = conn.input.len() - input.len();
        conn.input.drain(..used);
    }

    /// Lets time go on by a step, and what is due happen.
    fn pass(&mut self, step: Duration) {
        self.now = self.now + step;
        while self.hub.poll_timeout().is_some_and(|due| due <= self.now) {
            self.hub.handle_timeout(self.now);
            self.run();
        }
        self.run();
    }
}

impl Peer for HubPeer {
    fn open(&mut self) -> Result<usize, String> {
        let handshake = Handshake::new(self.now, self.hub.limits());
        let stage = Stage::Handshaking(Box::new(handshake));
        self.conns.push(Conn { stage, input: Vec::new(), output: Vec::new(), paused_until: Instant::ZERO });
        Ok(self.conns.len() - 1)
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String> {
        if !matches!(self.conns[conn].stage, Stage::Closed) {
            self.conns[conn].input.extend_from_slice(bytes);
        }
        self.run();
        Ok(())
    }

    fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
        let end = self.now + time;
        loop {
            let end_of = &mut self.conns[conn];
            if !end_of.output.is_empty() {
                into.append(&mut end_of.output);
                return Ok(Read::Bytes);
            }
            if matches!(end_of.stage, Stage::Closed) {
                return Ok(Read::Closed);
            }
            if self.now >= end {
                return Ok(Read::Nothing);
            }
            self.pass(STEP);
        }
    }

    fn cut(&mut self, conn: usize) -> Result<(), String> {
        if let Stage::Open(open) = std::mem::replace(&mut self.conns[conn].stage, Stage::Closed) {
            self.hub.disconnect(self.now, open).map_err(|error| error.to_string())?;
        }
        self.run();
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        while self.now < end {
            self.pass(STEP);
        }
        Ok(())
    }

    fn enter(&mut self, _: &str) -> Result<(), String> {
        Err("a hub has no user".into())
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}
