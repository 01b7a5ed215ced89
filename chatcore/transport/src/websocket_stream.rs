//! A WebSocket above a socket or above TLS: the stream in its binary messages.

use std::fmt;
use std::io::{self, IoSlice};
use std::iter;
use std::mem;
use std::sync::Arc;

use chatcore::Chunks;
use chatcore::websocket::{CloseCode, Content, End, UpgradeError, UpgradeRequest, UpgradeRules, WebSocket};

use crate::files::{FileResponse, Files};
use crate::no_room::NO_ROOM_IN_HTTP;
use crate::opening::{Opening, Step};
use crate::socket::WRITE_CHUNKS_MAX;
use crate::{Base, Flushed, Framing, Input, Socket, Written};

/// Bytes of the stream in one frame, at the most. TLS takes as much at once; and of a frame whose peer does not read,
/// no more is kept here.
const PAYLOAD_BYTES_MAX: usize = 32 << 10;

/// Bytes of frames that a client may write before the WebSocket is open. They are kept until then.
const EARLY_BYTES_MAX: usize = 64 << 10;

/// Bytes of a file that are written before others have their turn.
const RESPONSE_BYTES_MAX: usize = 256 << 10;

/// One end of a WebSocket that carries a stream, above a socket or above TLS: first its opening, then its frames. A
/// server that has files responds with one to an opening that asks for it, and then nothing follows.
///
/// A frame is a promise of its length. So what the socket does not take of a frame that is begun is kept here, whatever
/// becomes of the rest of the stream.
pub struct WebSocketStream {
    base: Base,
    socket: WebSocket,
    /// None when it is done.
    opening: Option<Box<Opening>>,
    unsent: Unsent,
    /// Why nothing more arrives, if that is not told yet.
    end: Option<Box<End>>,
    /// All is told. What arrives is not looked at.
    is_over: bool,
    /// Our side of the base ends when it has taken all.
    is_ending: bool,
    /// Bytes of the base that were not of the stream, and nobody has asked for yet.
    framing_bytes: u32,
}

/// An idle user is to cost hardly more than over TCP.
#[cfg(all(target_pointer_width = "64", not(debug_assertions)))]
const _: () = assert!(size_of::<WebSocketStream>() <= 136);

/// Why our side ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is said.
    Done,
    /// This end stops.
    GoingAway,
    /// Others need the place.
    NoRoom,
}

impl WebSocketStream {
    /// The server's end, which waits for a request that keeps these rules.
    pub fn server(base: Base, rules: Arc<UpgradeRules>) -> Self {
        Self::new(base, WebSocket::server(Content::Stream), Opening::server(rules, None))
    }

    /// The same for a server that gives these files to requests that ask for no WebSocket.
    pub fn server_with_files(base: Base, rules: Arc<UpgradeRules>, files: Arc<Files>) -> Self {
        Self::new(base, WebSocket::server(Content::Stream), Opening::server(rules, Some(files)))
    }

    /// The client's end, whose first [`flush`](crate::Transport::flush) sends this request. The request offers
    /// [`SUBPROTOCOL`](chatcore::websocket::SUBPROTOCOL). What the client writes before the server has agreed is kept
    /// until then. The seed is for the masks: it is for this connection alone, and nobody can guess it.
    pub fn client(base: Base, request: UpgradeRequest, seed: [u8; 32]) -> Self {
        let mut unsent = Unsent::default();
        unsent.push(request.bytes());
        let mut stream = Self::new(base, WebSocket::client(Content::Stream, seed), Opening::client(request));
        stream.unsent = unsent;
        stream
    }

    fn new(base: Base, socket: WebSocket, opening: Opening) -> Self {
        Self {
            base,
            socket,
            opening: Some(Box::new(opening)),
            unsent: Unsent::default(),
            end: None,
            is_over: false,
            is_ending: false,
            framing_bytes: 0,
        }
    }

    /// What the WebSocket is above.
    pub const fn base(&self) -> &Base {
        &self.base
    }

    pub(crate) const fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    pub(crate) fn socket_mut(&mut self) -> &mut Socket {
        self.base.socket_mut()
    }

    // ---- files ----

    pub(crate) fn response(&self) -> Option<&FileResponse> {
        self.opening.as_deref().and_then(Opening::file_response)
    }

    fn response_mut(&mut self) -> Option<&mut FileResponse> {
        self.opening.as_deref_mut().and_then(Opening::file_response_mut)
    }

    pub(crate) fn take_new_response(&mut self) -> Option<&FileResponse> {
        let response = self.response_mut()?;
        (!mem::replace(&mut response.is_reported, true)).then_some(&*response)
    }

    /// Writes what the base takes of a response with a file, up to a bound. None if nothing keeps it.
    fn write_response(&mut self) -> Option<Flushed> {
        let Self { base, opening, .. } = self;
        let response = opening.as_deref_mut().and_then(Opening::file_response_mut)?;
        response.is_blocked = false;
        let mut bytes_left = RESPONSE_BYTES_MAX;
        while bytes_left > 0 && !response.is_sent() {
            match base.write_slices(&response.rest(bytes_left)) {
                Written::Bytes(count) => {
                    response.transmitted(count);
                    bytes_left -= count;
                }
                Written::Blocked => {
                    response.is_blocked = true;
                    return Some(Flushed::Blocked);
                }
                Written::Broken(error) => return Some(Flushed::Broken(error)),
            }
        }
        None
    }

    // ---- what arrives ----

    /// What comes from now on is not looked at.
    pub(crate) const fn read_socket_alone(&mut self) {
        self.is_over = true;
        self.base.read_socket_alone();
    }

    /// Reads once, and leaves in the buffer what belongs to the stream.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Input {
        if let Some(end) = self.end.take() {
            return self.ended(&end);
        }
        if self.is_blocked() {
            // The driver asks after each read. The socket may take more by now, and tells it once.
            let _ = self.flush();
        }
        match self.base.read(buffer) {
            Input::Bytes { count, is_all } if !self.is_over => {
                let input = self.take(&mut buffer[..count], is_all);
                let stream_bytes = if let Input::Bytes { count, .. } = input { count } else { 0 };
                let framing_bytes = u32::try_from(count - stream_bytes).unwrap_or(u32::MAX);
                self.framing_bytes = self.framing_bytes.saturating_add(framing_bytes);
                input
            }
            // Who has asked may end its side and read on.
            Input::End(Ok(())) if self.response().is_some() => Input::None,
            other => other,
        }
    }

    pub(crate) fn take_framing(&mut self) -> Framing {
        let below = self.base.take_framing();
        Framing { bytes: below.bytes.saturating_add(mem::take(&mut self.framing_bytes)), ..below }
    }

    fn take(&mut self, arrived: &mut [u8], is_all: bool) -> Input {
        let mut start = 0;
        if let Some(opening) = &mut self.opening {
            match opening.receive(arrived) {
                Step::NeedInput => return Input::Overhead(arrived.len()),
                Step::FileResponse => {
                    // If that breaks, it is told with what is written next.
                    let _ = self.flush();
                    return Input::Overhead(arrived.len());
                }
                Step::Open { head_bytes, response } => {
                    self.unsent.push(response.as_bytes());
                    self.unsent.push(&mem::take(&mut opening.early));
                    self.opening = None;
                    start = head_bytes;
                }
                Step::Refused { error, response } => {
                    self.unsent.push(response.as_bytes());
                    self.opening = None;
                    self.is_over = true;
                    // If that breaks, it is told with what is written next.
                    let _ = self.flush();
                    return Input::End(Err(error));
                }
            }
        }
        let unframed = self.socket.unframe(&mut arrived[start..]);
        if self.unsent.is_some() || self.socket.owes_control() {
            let _ = self.flush();
        }
        let payload_bytes = unframed.payload_bytes;
        match unframed.end {
            None if payload_bytes == 0 => Input::Overhead(arrived.len()),
            Some(end) if payload_bytes == 0 => self.ended(&end),
            end => {
                arrived.copy_within(start..start + payload_bytes, 0);
                self.end = end.map(Box::new);
                Input::Bytes { count: payload_bytes, is_all: is_all && self.end.is_none() }
            }
        }
    }

    /// Tells why nothing more arrives.
    fn ended(&mut self, end: &End) -> Input {
        self.is_over = true;
        match end {
            End::Close(_) => Input::End(Ok(())),
            End::Error(error) => Input::End(Err(io::Error::new(io::ErrorKind::InvalidData, *error))),
        }
    }

    // ---- what is written ----

    /// Writes the next frame. All of it counts as written once the socket has taken some.
    pub(crate) fn write(&mut self, chunks: Chunks<'_>, bytes_max: usize) -> Written {
        match self.flush() {
            Flushed::All => {}
            Flushed::Blocked => return Written::Blocked,
            Flushed::Broken(error) => return Written::Broken(error),
        }
        if self.is_over || self.socket.is_closing() {
            return Written::Broken(io::Error::new(io::ErrorKind::NotConnected, "the WebSocket is closed"));
        }
        let chunks = chunks.take_bytes(bytes_max.min(PAYLOAD_BYTES_MAX));
        if let Some(opening) = &mut self.opening {
            if !opening.is_client() {
                // Who has no WebSocket yet can be told nothing over it.
                return Written::Bytes(chunks.map(<[u8]>::len).sum());
            }
            if opening.early.len() >= EARLY_BYTES_MAX {
                return Written::Blocked;
            }
            return Written::Bytes(append(&mut self.socket, chunks, &mut opening.early));
        }
        let mut slices = [IoSlice::new(&[]); WRITE_CHUNKS_MAX];
        let mut count = 0;
        let places = slices[1..].iter_mut().zip(chunks.clone());
        let filled = 1 + places
            .map(|(slice, chunk)| {
                count += chunk.len();
                *slice = IoSlice::new(chunk);
            })
            .count();
        let outgoing = self.socket.transmit(count);
        if outgoing.mask.is_some() {
            let count = append(&mut self.socket, chunks, self.unsent.buffer());
            return match self.flush() {
                Flushed::All | Flushed::Blocked => Written::Bytes(count),
                Flushed::Broken(error) => Written::Broken(error),
            };
        }
        debug_assert!(outgoing.control.is_empty() && outgoing.payload_bytes == count, "a frame holds all that waits");
        let bytes = outgoing.bytes();
        slices[0] = IoSlice::new(outgoing.header);
        match self.base.write_slices(&slices[..filled]) {
            Written::Bytes(written) => {
                self.unsent.push_rest(&slices[..filled], written);
                self.socket.transmitted(bytes);
                Written::Bytes(count)
            }
            other => other,
        }
    }

    /// Writes what is kept, and what the peer is owed beside the stream: a pong, or a close.
    pub(crate) fn flush(&mut self) -> Flushed {
        loop {
            while self.unsent.is_some() {
                match self.base.write_slices(&[IoSlice::new(self.unsent.rest())]) {
                    Written::Bytes(count) => self.unsent.sent(count),
                    Written::Blocked => return Flushed::Blocked,
                    Written::Broken(error) => return Flushed::Broken(error),
                }
            }
            if self.opening.is_some() || !self.socket.owes_control() {
                break;
            }
            append(&mut self.socket, iter::empty(), self.unsent.buffer());
        }
        if let Some(flushed) = self.write_response() {
            return flushed;
        }
        match self.base.flush() {
            Flushed::All if mem::take(&mut self.is_ending) => match self.base.end_writing() {
                Ok(()) => Flushed::All,
                Err(error) => Flushed::Broken(error),
            },
            flushed => flushed,
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.unsent.is_some() || self.base.is_blocked() || self.response().is_some_and(|response| response.is_blocked)
    }

    /// Says that nothing more comes, and ends our side of the base when it has taken that.
    pub(crate) fn end_writing(&mut self, ending: Ending) -> io::Result<()> {
        match self.opening.take() {
            Some(opening) => {
                self.is_over = true;
                let response = match ending {
                    Ending::Done => opening.last_response(&UpgradeError::TimedOut),
                    Ending::GoingAway => opening.last_response(&UpgradeError::GoingAway),
                    Ending::NoRoom => opening.owes_response().then(|| NO_ROOM_IN_HTTP.to_vec()),
                };
                self.unsent.push(&response.unwrap_or_default());
            }
            None if !self.is_over => {
                let code = match ending {
                    Ending::Done => CloseCode::NORMAL,
                    Ending::GoingAway => CloseCode::GOING_AWAY,
                    Ending::NoRoom => CloseCode::TRY_AGAIN_LATER,
                };
                self.socket.close(code, "");
            }
            None => {}
        }
        self.is_ending = true;
        match self.flush() {
            Flushed::All | Flushed::Blocked => Ok(()),
            Flushed::Broken(error) => Err(error),
        }
    }
}

impl fmt::Debug for WebSocketStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketStream")
            .field("base", &self.base)
            .field("socket", &self.socket)
            .field("is_open", &self.opening.is_none())
            .field("unsent_bytes", &self.unsent.rest().len())
            .finish_non_exhaustive()
    }
}

/// Appends the next frame to a buffer, and what is owed beside it. Returns how many bytes of the stream are in it.
fn append<'a>(socket: &mut WebSocket, chunks: impl Iterator<Item = &'a [u8]> + Clone, buffer: &mut Vec<u8>) -> usize {
    let outgoing = socket.transmit(chunks.clone().map(<[u8]>::len).sum());
    let bytes = outgoing.bytes();
    outgoing.append(chunks, buffer);
    socket.transmitted(bytes)
}

/// Bytes that the base did not take. Hardly ever are there any, so they cost one pointer where there are none.
#[derive(Default)]
struct Unsent(Option<Box<Kept>>);

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    sent: usize,
}

impl Unsent {
    const fn is_some(&self) -> bool {
        self.0.is_some()
    }

    fn rest(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], |kept| &kept.bytes[kept.sent..])
    }

    /// What is appended to it is sent after all else. Something has to be.
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.0.get_or_insert_default().bytes
    }

    fn push(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.buffer().extend_from_slice(bytes);
        }
    }

    /// Takes what was not sent of slices.
    fn push_rest(&mut self, slices: &[IoSlice<'_>], mut sent: usize) {
        for slice in slices {
            let skipped = sent.min(slice.len());
            sent -= skipped;
            self.push(&slice[skipped..]);
        }
    }

    /// This much of the rest is sent. When all is, no memory is kept.
    fn sent(&mut self, count: usize) {
        if let Some(kept) = &mut self.0 {
            kept.sent += count;
            if kept.sent >= kept.bytes.len() {
                self.0 = None;
            }
        }
    }
}
