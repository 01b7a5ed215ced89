//! A bare forwarder: what this machine can do at the best. One thread, edge-triggered events, one read buffer, a
//! destination found by indexing an array, one copy into what the recipient is to be written, and one write for each
//! recipient in a turn. It has no names, no limits and no promises: whoever sends it rubbish may break it.
//!
//! A connection first says its own number (u32, little-endian). Then come frames: the length of a body, the
//! destination's number, the body. It gets frames of the same form, the number in them being the sender's.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// Instead of a number: everybody but the sender.
pub(crate) const EVERYBODY: u32 = u32::MAX;

/// Bytes before a body: its length, and whose it is.
pub(crate) const HEADER_BYTES: usize = 8;

/// What is read at once, as the server does.
const BUFFER_BYTES: usize = 256 << 10;

const LISTENER: Token = Token(usize::MAX);

struct Peer {
    stream: TcpStream,
    number: Option<u32>,
    /// The start of a frame that is not whole.
    partial: Vec<u8>,
    out: Vec<u8>,
    is_listed: bool,
    is_blocked: bool,
}

#[derive(Default)]
struct Floor {
    /// By token. Nobody's place is used again.
    peers: Vec<Option<Peer>>,
    /// Tokens by number.
    numbers: Vec<usize>,
    to_write: Vec<usize>,
}

/// Serves for ever.
pub(crate) fn run(listen: SocketAddr) -> io::Result<()> {
    let mut listener = TcpListener::bind(listen)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut floor = Floor::default();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let token = Token(floor.peers.len());
                    poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                    floor.peers.push(Some(Peer::new(stream)));
                }
                continue;
            }
            let key = event.token().0;
            if event.is_writable()
                && let Some(peer) = &mut floor.peers[key]
                && std::mem::take(&mut peer.is_blocked)
            {
                floor.list(key);
            }
            if event.is_readable() {
                floor.read(key, &mut buffer);
            }
        }
        for key in std::mem::take(&mut floor.to_write) {
            floor.write(key);
        }
    }
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        Self { stream, number: None, partial: Vec::new(), out: Vec::new(), is_listed: false, is_blocked: false }
    }
}

impl Floor {
    fn read(&mut self, key: usize, buffer: &mut [u8]) {
        while let Some(peer) = &mut self.peers[key] {
            let kept = peer.partial.len();
            buffer[..kept].copy_from_slice(&peer.partial);
            match peer.stream.read(&mut buffer[kept..]) {
                Ok(0) => self.peers[key] = None,
                Ok(count) => {
                    peer.partial.clear();
                    let is_all = kept + count < buffer.len();
                    let unused = self.forward(key, &buffer[..kept + count]);
                    if let Some(peer) = &mut self.peers[key] {
                        peer.partial.extend_from_slice(&buffer[kept + count - unused..kept + count]);
                    }
                    // Less than there was room for: the socket is empty, and there will be an event (epoll(7)).
                    if is_all {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.peers[key] = None,
            }
        }
    }

    /// Forwards all whole frames. How many bytes are left over.
    fn forward(&mut self, key: usize, mut input: &[u8]) -> usize {
        let peer = self.peers[key].as_mut().expect("it has just been read from");
        let number = match (peer.number, input.split_first_chunk()) {
            (Some(number), _) => number,
            (None, Some((number, rest))) => {
                let number = u32::from_le_bytes(*number);
                peer.number = Some(number);
                if self.numbers.len() <= number as usize {
                    self.numbers.resize(number as usize + 1, usize::MAX);
                }
                self.numbers[number as usize] = key;
                // It is told its own number back, so that it knows that it is there.
                self.push(key, number, &[]);
                input = rest;
                number
            }
            (None, None) => return input.len(),
        };
        while let Some((header, rest)) = input.split_first_chunk::<HEADER_BYTES>() {
            let (length, to) = header.split_at(4);
            let length = u32::from_le_bytes(length.try_into().expect("it is four bytes")) as usize;
            let to = u32::from_le_bytes(to.try_into().expect("it is four bytes"));
            let Some((body, rest)) = rest.split_at_checked(length) else { break };
            input = rest;
            if to == EVERYBODY {
                for other in (0..self.peers.len()).filter(|other| *other != key) {
                    self.push(other, number, body);
                }
            } else {
                self.push(self.numbers[to as usize], number, body);
            }
        }
        input.len()
    }

    fn push(&mut self, key: usize, from: u32, body: &[u8]) {
        let Some(peer) = &mut self.peers[key] else { return };
        let length = u32::try_from(body.len()).expect("it came with such a length");
        peer.out.extend_from_slice(&length.to_le_bytes());
        peer.out.extend_from_slice(&from.to_le_bytes());
        peer.out.extend_from_slice(body);
        self.list(key);
    }

    fn list(&mut self, key: usize) {
        let Some(peer) = &mut self.peers[key] else { return };
        if !peer.is_blocked && !std::mem::replace(&mut peer.is_listed, true) {
            self.to_write.push(key);
        }
    }

    fn write(&mut self, key: usize) {
        let Some(peer) = &mut self.peers[key] else { return };
        peer.is_listed = false;
        if peer.out.is_empty() {
            return;
        }
        match peer.stream.write(&peer.out) {
            Ok(count) => {
                peer.is_blocked = count < peer.out.len();
                peer.out.drain(..count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => peer.is_blocked = true,
            Err(_) => self.peers[key] = None,
        }
    }
}
