//! Our server on tokio, as the other end of dialogues: in memory, where time goes on only when it is told to, and over
//! TCP on several threads.

use std::io;
use std::time::Duration;

use chatcore::{Admission, Asking, Instant, Question, QuotaKey, Refusal, Registration, RejectCode};
use chatcore_bench::conformance::{Config, Dialogue, Peer, Read, Role, SocketPeer, play, waits_ms};
use chatcore_server::{AsyncConfig, AsyncServer, Hooks, Listener, Origin, quota_key};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use super::dialogues;
use super::hub::Rules;
use super::virtual_time::{Said, Simulated, read, wait_until};

/// More than any dialogue says on a connection before somebody reads it.
const PIPE_BYTES: usize = 64 << 20;

/// A time in which all tasks do what they can, and that no dialogue counts on.
const MOMENT: Duration = Duration::from_millis(1);

impl Hooks for Rules {
    async fn decide(&self, registration: &Registration) -> Result<Admission, Refusal> {
        Self::decide(self, registration)
    }

    fn asking(&self) -> Asking {
        Self::asking(self)
    }

    fn question(&self, question: Question) -> Option<Result<(), RejectCode>> {
        self.answer(&question)
    }
}

/// A server with the limits that a dialogue wants.
fn start(config: &Config) -> AsyncServer<Rules> {
    let rules = Rules::new(config);
    let config =
        AsyncConfig::default().with_limits(rules.limits.clone()).with_reserved_names(rules.reserved.iter().cloned());
    AsyncServer::start(config, rules).expect("it can start")
}

pub(crate) struct TokioServerPeer {
    runtime: Runtime,
    server: AsyncServer<Rules>,
    begun: tokio::time::Instant,
    conns: Vec<Conn>,
}

/// The tester's end of a connection.
struct Conn {
    /// None if it is cut.
    stream: Option<DuplexStream>,
    output: Vec<u8>,
    is_closed: bool,
}

impl TokioServerPeer {
    pub(crate) fn new(config: &Config) -> Self {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().expect("there is a runtime");
        let (server, begun) = runtime.block_on(async { (start(config), tokio::time::Instant::now()) });
        Self { runtime, server, begun, conns: Vec::new() }
    }

    /// Lets time go on when all tasks wait, and takes what has come.
    fn run(&mut self, time: Duration) {
        let conns = &mut self.conns;
        self.runtime.block_on(async {
            sleep(time).await;
            for conn in conns {
                conn.read().await;
            }
        });
    }
}

impl Conn {
    /// Takes what has come.
    async fn read(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let mut bytes = vec![0; 64 << 10];
        // What is there is read before time goes on.
        while !self.is_closed
            && let Ok(count) = timeout(Duration::ZERO, stream.read(&mut bytes)).await
        {
            let count = count.expect("a pipe does not fail");
            self.output.extend_from_slice(&bytes[..count]);
            self.is_closed = count == 0;
        }
    }
}

impl Simulated for TokioServerPeer {
    fn now(&self) -> Instant {
        let _in_runtime = self.runtime.enter();
        Instant::from_duration(self.begun.elapsed())
    }

    fn pass(&mut self, step: Duration) {
        self.run(step);
    }

    fn said(&mut self, conn: usize) -> Said<'_> {
        let conn = &mut self.conns[conn];
        Said { is_closed: conn.is_closed, output: &mut conn.output }
    }
}

impl Peer for TokioServerPeer {
    fn open(&mut self, _: Duration) -> Result<Option<usize>, String> {
        let (ours, theirs) = duplex(PIPE_BYTES);
        self.runtime.spawn(self.server.serve_connection(theirs, QuotaKey(1)));
        self.conns.push(Conn { stream: Some(ours), output: Vec::new(), is_closed: false });
        self.run(MOMENT);
        Ok(Some(self.conns.len() - 1))
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String> {
        if let Some(stream) = &mut self.conns[conn].stream {
            // It fails only if the server has closed the connection.
            let _ = self.runtime.block_on(stream.write_all(bytes));
        }
        self.run(MOMENT);
        Ok(())
    }

    fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
        Ok(read(self, conn, into, time))
    }

    fn cut(&mut self, conn: usize) -> Result<(), String> {
        (self.conns[conn].stream, self.conns[conn].is_closed) = (None, true);
        self.run(MOMENT);
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        wait_until(self, time, |_| false);
        Ok(())
    }

    fn enter(&mut self, _: &str) -> Result<(), String> {
        Err("a hub has no user".into())
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// Loopback counts like any other address here.
struct Counted(TcpListener);

impl Listener for Counted {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Origin)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((stream, quota_key(peer.ip()).into()))
    }
}

/// Plays the dialogues in which little time passes, each with a server of its own. Those in which a connection breaks
/// are left out: on several threads it is chance whether the server hears of that before it hears the next one.
pub(crate) fn play_over_tcp() {
    /// Time of a dialogue.
    const WAITS_MS_MAX: u64 = 500;
    /// Shorter than half an idle time, after which the server says something by itself.
    const PATIENCE: Duration = Duration::from_secs(15);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("there is a runtime");
    let (mut failures, mut passed) = (Vec::new(), 0);
    let is_played = |dialogue: &Dialogue| waits_ms(dialogue) <= WAITS_MS_MAX && !dialogue.cuts();
    for (file, dialogue) in dialogues(Role::Hub).filter(|(_, dialogue)| is_played(dialogue)) {
        let (server, address) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
            let (server, address) = (start(&dialogue.config), listener.local_addr().expect("it listens"));
            let serving = server.clone();
            tokio::spawn(async move { serving.serve(Counted(listener)).await });
            (server, address)
        });
        match play(&dialogue, Role::Hub, &mut SocketPeer::server(address, PATIENCE), "0") {
            Ok(_) => passed += 1,
            Err(failure) => failures.push(format!("{file}, {failure} ({})", dialogue.title)),
        }
        server.shut_down(None);
    }
    assert!(failures.is_empty(), "{} of them fail:\n{}", failures.len(), failures.join("\n"));
    assert!(passed > 100, "{passed} are played");
}
