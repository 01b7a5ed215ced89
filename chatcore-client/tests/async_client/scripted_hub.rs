//! A hub that does what the test wants, byte for byte.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io;
use std::rc::Rc;

use chatcore_client::chatcore::wire::{
    self, Announced, HubMessage, Kind, Message, PREFACE_BYTES, Preface, Token, Welcome,
};
use chatcore_client::{AsyncClient, ClientConfig, Dial, Event};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::{PATIENCE, announced, next};

/// What the hub announces.
pub(crate) const LIMITS: Announced = Announced { idle_ms_max: 60_000, ..announced::LIMITS };

/// The hub's end of a connection.
pub(crate) struct HubEnd {
    pub(crate) stream: DuplexStream,
    input: Vec<u8>,
}

impl HubEnd {
    fn new(stream: DuplexStream) -> Self {
        Self { stream, input: Vec::new() }
    }

    /// Two ends of a connection on which this many bytes may be under way in each direction.
    pub(crate) fn pair(pipe_bytes: usize) -> (DuplexStream, Self) {
        let (theirs, stream) = duplex(pipe_bytes);
        (theirs, Self::new(stream))
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("it is read").expect("it is open");
    }

    /// Says this.
    pub(crate) async fn say(&mut self, message: &HubMessage<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.write(&bytes).await;
    }

    /// Reads the preface of the client, and says its own.
    pub(crate) async fn greet(&mut self) {
        let mut preface = [0; PREFACE_BYTES];
        timeout(PATIENCE, self.stream.read_exact(&mut preface)).await.expect("it comes").unwrap();
        self.write(&Preface::OURS.encode()).await;
    }

    /// Waits for the next message of this kind, and skips what comes before.
    pub(crate) async fn expect(&mut self, kind: Kind) {
        loop {
            let mut rest = &self.input[..];
            if let Some(content) = wire::take(&mut rest, u32::MAX).unwrap() {
                let is_it = content.kind == kind;
                let used = self.input.len() - rest.len();
                self.input.drain(..used);
                if is_it {
                    return;
                }
            } else {
                let read = timeout(PATIENCE, self.stream.read_buf(&mut self.input)).await.expect("it comes");
                assert!(read.unwrap() > 0, "the client has closed the connection");
            }
        }
    }

    /// Reads everything, to the end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        timeout(PATIENCE, self.stream.read_to_end(&mut self.input)).await.expect("it ends").unwrap();
        std::mem::take(&mut self.input)
    }

    pub(crate) async fn welcome(&mut self) {
        self.greet().await;
        self.expect(Kind::REGISTER).await;
        let welcome = Welcome { name: "alice", display_name: None, token: Token::from_bytes([7; 16]), limits: LIMITS };
        self.say(&HubMessage::Welcome(welcome)).await;
    }
}

/// A connection, and which address the dialer was told.
type Dialed = (Option<String>, HubEnd);

/// Connections in the order in which they were made.
#[derive(Clone, Default)]
pub(crate) struct ScriptedHub {
    conns: Rc<RefCell<VecDeque<Dialed>>>,
}

impl ScriptedHub {
    pub(crate) fn dialer(&self) -> impl FnMut(Option<String>) -> Ready<io::Result<DuplexStream>> + use<> {
        let conns = Rc::clone(&self.conns);
        move |address| {
            let (theirs, end) = HubEnd::pair(1 << 20);
            conns.borrow_mut().push_back((address, end));
            ready(Ok(theirs))
        }
    }

    /// The next connection that was made.
    pub(crate) fn accept(&self) -> Option<Dialed> {
        self.conns.borrow_mut().pop_front()
    }

    /// Alice, who has a session.
    pub(crate) async fn alice(&self, config: ClientConfig) -> (AsyncClient<impl Dial + use<>>, HubEnd) {
        let mut alice = AsyncClient::connect(self.dialer(), config).await.unwrap();
        let (_, mut end) = self.accept().expect("it has connected");
        register(&mut alice, &mut end).await;
        (alice, end)
    }
}

/// Gives a client its session.
pub(crate) async fn register<D: Dial>(client: &mut AsyncClient<D>, end: &mut HubEnd) {
    client.register("alice", b"").unwrap();
    let ((), event) = tokio::join!(end.welcome(), next(client));
    assert!(matches!(event, Event::Registered { .. }), "{event:?}");
}
