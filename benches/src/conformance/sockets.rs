//! The other end of dialogues behind TCP: a server that runs, or a client program that is started for each dialogue.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::play::{Peer, Read};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// How often something is looked at that cannot be waited for.
const POLL: Duration = Duration::from_millis(10);

/// Connections of the tester, by their numbers. A connection that was cut is none.
#[derive(Debug, Default)]
struct Streams {
    streams: Vec<Option<TcpStream>>,
}

impl Streams {
    fn add(&mut self, stream: TcpStream, patience: Duration) -> Result<usize, String> {
        stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(Some(patience))).map_err(text)?;
        self.streams.push(Some(stream));
        Ok(self.streams.len() - 1)
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String> {
        let Some(stream) = &mut self.streams[conn] else { return Ok(()) };
        match stream.write_all(bytes) {
            Err(error) if !is_end(error.kind()) => Err(error.to_string()),
            // Whether it may end here, what is read of it says.
            _ => Ok(()),
        }
    }

    fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
        let Some(stream) = &mut self.streams[conn] else { return Ok(Read::Closed) };
        let mut bytes = vec![0; READ_BYTES];
        stream.set_read_timeout(Some(time.max(Duration::from_millis(1)))).map_err(text)?;
        match stream.read(&mut bytes) {
            Ok(0) => Ok(Read::Closed),
            Ok(count) => {
                into.extend_from_slice(&bytes[..count]);
                Ok(Read::Bytes)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(Read::Nothing),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Read::Bytes),
            Err(error) if is_end(error.kind()) => Ok(Read::Closed),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors, which are values")]
fn text(error: std::io::Error) -> String {
    error.to_string()
}

#[expect(clippy::disallowed_methods, reason = "a dialogue says that time passes; and accept has no deadline")]
fn sleep(time: Duration) {
    thread::sleep(time);
}

/// The other end, which a tester reaches over TCP.
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
    /// A client program that connects to us.
    Client { listener: TcpListener, child: Child },
}

impl SocketPeer {
    /// The server at this address, which may take `patience` for an answer.
    pub fn server(address: SocketAddr, patience: Duration) -> Self {
        Self { end: End::Server(address), patience, streams: Streams::default() }
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
                Some(stream.map_err(|error| format!("{address}: {error}"))?)
            }
            End::Client { listener, .. } => accept(listener, time)?,
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
        self.streams.streams[conn] = None;
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        sleep(time);
        Ok(())
    }

    fn enter(&mut self, line: &str) -> Result<(), String> {
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
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.to_string()),
            Err(_) if Instant::now() >= end => return Ok(None),
            Err(_) => sleep(POLL),
        }
    }
}
