//! Our client on tokio, as the other end of dialogues. Its time stands still but when it is told to go on.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Ready, poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use chatcore::Instant;
use chatcore_bench::conformance::{Config, Peer, Read};
use chatcore_client::{AsyncClient, Dial};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::task::coop::unconstrained;

use super::client::{Line, client_config};
use super::virtual_time::{Said, Simulated, read, wait_until};

/// More than any dialogue says on a connection.
const PIPE_BYTES: usize = 64 << 20;

/// Connections that the client has made and nobody has taken.
#[derive(Clone, Default)]
struct Dialer(Rc<RefCell<VecDeque<DuplexStream>>>);

impl Dial for Dialer {
    type Stream = DuplexStream;
    type Dialing = Ready<io::Result<DuplexStream>>;

    fn dial(&mut self, _address: Option<String>) -> Self::Dialing {
        let (ours, theirs) = duplex(PIPE_BYTES);
        self.0.borrow_mut().push_back(ours);
        ready(Ok(theirs))
    }
}

pub(crate) struct TokioPeer {
    runtime: Runtime,
    client: AsyncClient<Dialer>,
    dialer: Dialer,
    conns: Vec<Conn>,
    now: Instant,
}

/// The tester's end of a connection.
struct Conn {
    /// None if it is cut.
    stream: Option<DuplexStream>,
    output: Vec<u8>,
    is_closed: bool,
}

impl TokioPeer {
    pub(crate) fn new(config: &Config) -> Self {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().expect("there is a runtime");
        let dialer = Dialer::default();
        let connecting = AsyncClient::connect(dialer.clone(), client_config(config));
        let mut client = runtime.block_on(connecting).expect("it connects");
        client.register("alice", b"").expect("a fresh client may register");
        Self { runtime, client, dialer, conns: Vec::new(), now: Instant::ZERO }
    }

    /// Takes all events, and drops the client's future when it would wait.
    fn run(&mut self) {
        let client = &mut self.client;
        let taking = poll_fn(|cx| {
            loop {
                match pin!(client.next()).poll(cx) {
                    Poll::Ready(Some(_)) => {}
                    Poll::Ready(None) => return Poll::Ready(true),
                    Poll::Pending => return Poll::Ready(false),
                }
            }
        });
        if self.runtime.block_on(unconstrained(taking)) {
            // It has ended. Why is of no interest here.
            let _ = self.runtime.block_on(self.client.close());
        }
        for conn in &mut self.conns {
            self.runtime.block_on(unconstrained(poll_fn(|cx| {
                conn.read(cx);
                Poll::Ready(())
            })));
        }
    }
}

impl Conn {
    /// Takes what has come.
    fn read(&mut self, cx: &mut std::task::Context<'_>) {
        let Some(stream) = &mut self.stream else { return };
        let mut bytes = vec![0; 64 << 10];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(_) if buffer.filled().is_empty() => {
                    self.is_closed = true;
                    return;
                }
                Poll::Ready(_) => self.output.extend_from_slice(buffer.filled()),
            }
        }
    }
}

impl Simulated for TokioPeer {
    fn now(&self) -> Instant {
        self.now
    }

    fn pass(&mut self, step: Duration) {
        self.now = self.now + step;
        self.runtime.block_on(tokio::time::advance(step));
        self.run();
    }

    fn said(&mut self, conn: usize) -> Said<'_> {
        let conn = &mut self.conns[conn];
        Said { is_closed: conn.is_closed, output: &mut conn.output }
    }
}

impl Peer for TokioPeer {
    fn open(&mut self, time: Duration) -> Result<Option<usize>, String> {
        wait_until(self, time, |peer| !peer.dialer.0.borrow().is_empty());
        let Some(stream) = self.dialer.0.borrow_mut().pop_front() else { return Ok(None) };
        self.conns.push(Conn { stream: Some(stream), output: Vec::new(), is_closed: false });
        self.run();
        Ok(Some(self.conns.len() - 1))
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String> {
        if let Some(stream) = &mut self.conns[conn].stream {
            // It fails only if the client has closed the connection.
            let _ = self.runtime.block_on(stream.write_all(bytes));
        }
        self.run();
        Ok(())
    }

    fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
        Ok(read(self, conn, into, time))
    }

    fn cut(&mut self, conn: usize) -> Result<(), String> {
        (self.conns[conn].stream, self.conns[conn].is_closed) = (None, true);
        self.run();
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        wait_until(self, time, |_| false);
        Ok(())
    }

    fn enter(&mut self, line: &str) -> Result<(), String> {
        let client = &mut self.client;
        let done = match Line::of(line) {
            Line::Join(room) => client.join(room),
            Line::Leave(room) => client.leave(room),
            Line::Roster(room) => client.roster(room, 0),
            Line::Watch(name) => client.watch(&[name]),
            Line::Unwatch(name) => client.unwatch(&[name]),
            Line::Who => client.who(0),
            Line::Send { to, body } => client.send(to, body.as_bytes()),
            Line::Quit => {
                client.start_close();
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
