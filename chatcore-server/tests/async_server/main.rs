//! The server for tokio: in memory on virtual time, and over real sockets.

mod chat;
mod crowds;
mod cuts;
mod deciding;
mod ends;
mod examples;
mod hub;
mod linger;
mod memory;
mod transports;
mod turns;
mod user;

#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../examples/axum_websocket.rs"]
mod axum_websocket;
#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../examples/moderated_room.rs"]
mod moderated_room;
#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../examples/password_check.rs"]
mod password_check;
#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../examples/tokio_server.rs"]
mod tokio_server;

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use chatcore_server::chatcore::wire::{
    self, ClientMessage, HubMessage, Message, PREFACE_BYTES, Preface, Register, Send,
};
use chatcore_server::chatcore::{HubEvent, QuotaKey};
use chatcore_server::{AsyncServer, Hooks, Origin};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// After which a test on virtual time fails. When all wait, the clock jumps there.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// After which a test fails that waits for nothing and does not end. On a busy machine even a panic takes a minute,
/// until its backtrace is printed.
const REAL_PATIENCE: Duration = Duration::from_secs(600);

/// Bytes that wait on a pipe in each direction.
const PIPE_BYTES: usize = 64 << 10;

/// Runs a test on virtual time, which goes on when all wait.
fn on_virtual_time<T: Future<Output = ()>>(test: impl FnOnce() -> T + std::marker::Send + 'static) {
    let (ended, end) = channel::<()>();
    let running = thread::spawn(move || {
        let _ended = ended;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("there is a runtime").block_on(async { timeout(PATIENCE, test()).await.expect("it ends") });
    });
    assert_eq!(end.recv_timeout(REAL_PATIENCE), Err(RecvTimeoutError::Disconnected), "it ends");
    if let Err(panic) = running.join() {
        resume_unwind(panic);
    }
}

/// Makes a connection in memory, which a task of its own serves.
fn connect<H: Hooks>(server: &AsyncServer<H>) -> DuplexStream {
    connect_from(server, QuotaKey(1))
}

fn connect_from<H: Hooks>(server: &AsyncServer<H>, origin: impl Into<Origin>) -> DuplexStream {
    let (ours, theirs) = duplex(PIPE_BYTES);
    tokio::spawn(server.serve_connection(theirs, origin.into()));
    ours
}

/// Hands on what it hears.
struct Hears(mpsc::UnboundedSender<HubEvent>);

impl Hooks for Hears {
    fn event(&self, event: &HubEvent) {
        let _ = self.0.send(event.clone());
    }
}

/// Ends one side of a connection, and reads to the other side's end: it is told that its message is accepted.
async fn assert_accepted_at_end(mut client: DuplexStream) {
    client.shutdown().await.expect("a pipe has two sides");
    let mut said = Vec::new();
    client.read_to_end(&mut said).await.expect("the server closes");
    let (mut input, mut is_accepted) = (&said[PREFACE_BYTES..], false);
    while let Some(content) = wire::take(&mut input, u32::MAX).expect("it is well-formed") {
        is_accepted |= matches!(HubMessage::decode(content), Ok(Some(HubMessage::Accepted(_))));
    }
    assert!(is_accepted, "it is told what became of its message");
}

/// The first bytes of a client that asks for a name, and sends itself so many messages.
fn opening(name: &str, messages: usize) -> Vec<u8> {
    let mut bytes = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }).encode(&mut bytes);
    for _ in 0..messages {
        ClientMessage::Send(Send { to: name, body: &[7; 1_000] }).encode(&mut bytes);
    }
    bytes
}

/// Numbers that look random (`SplitMix64`).
#[derive(Clone)]
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
