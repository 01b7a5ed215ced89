//! The other end of dialogues: a server that runs, or a client program that is started for each dialogue.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::play::{Peer, Read};
use super::streams::{Stream, Streams, text};

/// How often something is looked at that cannot be waited for.
const POLL: Duration = Duration::from_millis(10);

#[expect(clippy::disallowed_methods, reason = "a dialogue says that time passes; and accept has no deadline")]
fn sleep(time: Duration) {
    thread::sleep(time);
}

/// The other end, which a tester reaches over TCP, or through a program.
#[derive(Debug)]
pub struct SocketPeer {
    end: End,
    patience: Duration,
    streams: Streams,
}

#[derive(Debug)]
enum End {
    /// A server that runs.
    Server(SocketAddr),
    /// A command of the shell that connects to a server. It is started for each connection.
    Through(String),
    /// A client program that connects to us.
    Client { listener: TcpListener, child: Child },
}

impl SocketPeer {
    /// The server at this address, which may take `patience` for an answer.
    pub fn server(address: SocketAddr, patience: Duration) -> Self {
        Self { end: End::Server(address), patience, streams: Streams::default() }
    }

    /// A server that a command of the shell connects to: for each connection it is started, sends what comes on its
    /// standard input, and writes what it receives to its standard output. An answer may take `patience`.
    pub fn server_through(command: &str, patience: Duration) -> Self {
        Self { end: End::Through(format!("exec {command}")), patience, streams: Streams::default() }
    }

    /// Starts a client by a command of the shell, in which `{address}` stands for where it is to connect. It may take
    /// `patience` for an answer, and is stopped when this is dropped.
    ///
    /// # Errors
    ///
    /// If the command cannot be started.
    pub fn start_client(command: &str, patience: Duration) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(text)?;
        listener.set_nonblocking(true).map_err(text)?;
        let address = listener.local_addr().map_err(text)?;
        let command = format!("exec {}", command.replace("{address}", &address.to_string()));
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(&command).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = shell.spawn().map_err(|error| format!("{command}: {error}"))?;
        Ok(Self { end: End::Client { listener, child }, patience, streams: Streams::default() })
    }
}

impl Drop for SocketPeer {
    fn drop(&mut self) {
        if let End::Client { child, .. } = &mut self.end {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Peer for SocketPeer {
    fn open(&mut self, time: Duration) -> Result<Option<usize>, String> {
        let stream = match &self.end {
            End::Server(address) => {
                let stream = TcpStream::connect_timeout(address, time);
                Some(Stream::Tcp(stream.map_err(|error| format!("{address}: {error}"))?))
            }
            End::Through(command) => Some(Stream::through(command)?),
            End::Client { listener, .. } => accept(listener, time)?.map(Stream::Tcp),
        };
        stream.map(|stream| self.streams.add(stream, self.patience)).transpose()
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String> {
        self.streams.write(conn, bytes)
    }

    fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
        self.streams.read(conn, into, time)
    }

    fn cut(&mut self, conn: usize) -> Result<(), String> {
        self.streams.cut(conn);
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        sleep(time);
        Ok(())
    }

    fn enter(&mut self, line: &str) -> Result<(), String> {
        use std::io::Write as _;

        let End::Client { child, .. } = &mut self.end else { return Err("a hub has no user".into()) };
        let input = child.stdin.as_mut().expect("it is piped");
        writeln!(input, "{line}").map_err(|error| format!("the client does not take a line: {error}"))
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}

/// The next connection, if it comes within the time.
fn accept(listener: &TcpListener, time: Duration) -> Result<Option<TcpStream>, String> {
    let end = Instant::now() + time;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).map_err(text)?;
                return Ok(Some(stream));
            }
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return Err(error.to_string()),
            Err(_) if Instant::now() >= end => return Ok(None),
            Err(_) => sleep(POLL),
        }
    }
}
