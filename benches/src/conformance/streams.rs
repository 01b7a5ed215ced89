//! A tester's connections: over TCP, or through a program that makes them.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::play::Read;

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// Connections of the tester, by their numbers. A connection that was cut is none.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: Vec<Option<Stream>>,
}

#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Through(Through),
}

/// A program that has made the connection.
#[derive(Debug)]
pub(super) struct Through {
    child: Child,
    input: ChildStdin,
    /// What it writes, as a thread reads it.
    output: Receiver<Vec<u8>>,
}

impl Stream {
    /// Starts a program by a command of the shell.
    pub(super) fn through(command: &str) -> Result<Self, String> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = shell.spawn().map_err(|error| format!("{command}: {error}"))?;
        let input = child.stdin.take().expect("it is piped");
        let mut stdout = child.stdout.take().expect("it is piped");
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = vec![0; READ_BYTES];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self::Through(Through { child, input, output }))
    }
}

impl Drop for Through {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Streams {
    pub(super) fn add(&mut self, stream: Stream, patience: Duration) -> Result<usize, String> {
        if let Stream::Tcp(stream) = &stream {
            stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(Some(patience))).map_err(text)?;
        }
        self.streams.push(Some(stream));
        Ok(self.streams.len() - 1)
    }

    pub(super) fn cut(&mut self, conn: usize) {
        self.streams[conn] = None;
    }

    pub(super) fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String> {
        let written = match &mut self.streams[conn] {
            Some(Stream::Tcp(stream)) => stream.write_all(bytes),
            Some(Stream::Through(program)) => program.input.write_all(bytes),
            None => Ok(()),
        };
        match written {
            Err(error) if !is_end(error.kind()) => Err(error.to_string()),
            // Whether it may end here, what is read of it says.
            _ => Ok(()),
        }
    }

    pub(super) fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
        match &mut self.streams[conn] {
            Some(Stream::Tcp(stream)) => read(stream, into, time),
            Some(Stream::Through(program)) => Ok(match program.output.recv_timeout(time) {
                Ok(bytes) => {
                    into.extend_from_slice(&bytes);
                    Read::Bytes
                }
                Err(RecvTimeoutError::Timeout) => Read::Nothing,
                Err(RecvTimeoutError::Disconnected) => Read::Closed,
            }),
            None => Ok(Read::Closed),
        }
    }
}

fn read(stream: &mut TcpStream, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
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

fn is_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors, which are values")]
pub(super) fn text(error: io::Error) -> String {
    error.to_string()
}
