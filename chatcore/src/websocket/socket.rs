//! One end of a WebSocket that is open.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;
use core::mem;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::close::{Close, CloseCode, cut_reason};
use super::control::{Control, Short};
use super::frame_error::FrameError;
use super::header::{Opcode, Role};
use super::mask::Mask;
use super::reading::{Part, Reader};
use super::writing::{Outgoing, Writer};
use super::{BYTES_MAX, Content, MessageKind};

/// One end of a WebSocket after its opening (RFC 6455, 5 to 7): it takes frames apart where they lie, and says which
/// headers belong around what is written.
///
/// 1. Give what arrives to [`unframe`](Self::unframe) if it is a stream, and to [`receive`](Self::receive) if it is
///    messages. Both use all of it: a value keeps the start of a header that is not whole, and nothing of a payload.
/// 2. Tell [`transmit`](Self::transmit) how much waits to be written, write what it gives, and report it to
///    [`transmitted`](Self::transmitted). Do this after each input, too: it may owe the peer a pong or a close.
/// 3. To end, call [`close`](Self::close) when all is written. When [`is_closed`](Self::is_closed), shut the transport
///    down. A peer need not answer, so bound the time that you wait for it.
///
/// It has at most 88 bytes on 64-bit systems, and allocates only for control frames, and at a client once for its
/// masks.
pub struct WebSocket {
    reader: Reader,
    writer: Writer,
    /// None if there is nothing in it.
    control: Option<Box<Control>>,
    /// Where a client's masks come from.
    masks: Option<Box<ChaCha8Rng>>,
    /// Nothing more is read: the peer has closed, or broke the framing.
    is_read_out: bool,
    /// A close frame is written, or waits to be.
    is_closing: bool,
}

/// What has arrived, as [`WebSocket::receive`] returns it.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// Bytes of a message.
    Data(Data<'a>),
    /// The peer asks whether this end is there, and is owed a pong. Who calls [`WebSocket::transmit`] now answers each
    /// ping. Who does it later answers the newest, and that is enough.
    Ping,
    /// The peer closes. Nothing follows.
    Close(Close),
}

/// Bytes of a message, unmasked where they have arrived.
#[derive(PartialEq, Eq)]
pub struct Data<'a> {
    /// The bytes. They are empty only if the message ends with nothing more.
    pub bytes: &'a mut [u8],
    /// What the message is. Of text, the bytes may end within a character that the next ones complete.
    pub kind: MessageKind,
    /// They are the last of the message.
    pub ends_message: bool,
}

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, kind, ends_message } = self;
        let bytes = crate::redacted::Length(bytes.len());
        f.debug_struct("Data").field("bytes", &bytes).field("kind", kind).field("ends_message", ends_message).finish()
    }
}

/// What was in the input, as [`WebSocket::unframe`] returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Unframed {
    /// How many bytes at the front of the input are now payload. The others mean nothing.
    pub payload_bytes: usize,
    /// The stream ends after them.
    pub end: Option<End>,
}

/// Why nothing more arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer closes.
    Close(Close),
    /// The peer broke the framing, or a limit.
    Error(FrameError),
}

/// A run of payload, by its place in the input.
enum Step {
    Data { start: usize, kind: MessageKind, ends_message: bool },
    Ping,
    Close(Close),
}

impl WebSocket {
    /// The server's end of a connection whose opening is done.
    pub fn server(content: Content) -> Self {
        Self::new(Role::Server, content, None)
    }

    /// The client's end of a connection whose opening is done. A client masks what it writes, so that nobody whose data
    /// it carries can choose the bytes on the wire (RFC 6455, 10.3): the seed is for this connection alone, and nobody
    /// can guess it.
    pub fn client(content: Content, seed: [u8; 32]) -> Self {
        Self::new(Role::Client, content, Some(Box::new(ChaCha8Rng::from_seed(seed))))
    }

    fn new(role: Role, content: Content, masks: Option<Box<ChaCha8Rng>>) -> Self {
        Self {
            reader: Reader::new(role, content, BYTES_MAX),
            writer: Writer::default(),
            control: None,
            masks,
            is_read_out: false,
            is_closing: false,
        }
    }

    /// The same with this limit of bytes in place of [`BYTES_MAX`]: of a message with [`Content::Messages`], and of a
    /// frame with [`Content::Stream`]. A peer that exceeds it gets the code 1009.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes_max: u32) -> Self {
        self.reader = self.reader.with_bytes_max(bytes_max);
        self
    }

    // ---- what arrives ----

    /// Takes the next run of payload out of the input. The call advances `input` past the bytes that it used: call it
    /// again until it returns none, and then all are used. Of text that is not UTF-8, the last valid bytes may be
    /// missing.
    ///
    /// # Errors
    ///
    /// The peer broke the framing, or a limit. A close frame tells it, as [`transmit`](Self::transmit) then gives.
    /// Later calls use up their input and return none, as they do after the peer's close.
    #[inline]
    #[expect(clippy::mut_mut, reason = "the input is advanced, and what it gives can be changed where it lies")]
    pub fn receive<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Incoming<'a>>, FrameError> {
        let mut at = 0;
        let step = self.step(input, &mut at);
        let (used, rest) = mem::take(input).split_at_mut(at);
        *input = rest;
        Ok(match step? {
            None => None,
            Some(Step::Data { start, kind, ends_message }) => {
                Some(Incoming::Data(Data { bytes: &mut used[start..], kind, ends_message }))
            }
            Some(Step::Ping) => Some(Incoming::Ping),
            Some(Step::Close(close)) => Some(Incoming::Close(close)),
        })
    }

    /// Takes all frames off the input, and moves what they carry to its front: for a stream, which does not ask where a
    /// frame ends. It uses all of the input.
    ///
    /// When the stream ends, a close frame tells the peer, as [`transmit`](Self::transmit) then gives. Later calls
    /// return no payload and no end.
    #[inline]
    pub fn unframe(&mut self, input: &mut [u8]) -> Unframed {
        let (mut at, mut payload_bytes) = (0, 0);
        loop {
            let end = match self.step(input, &mut at) {
                Ok(Some(Step::Data { start, .. })) => {
                    input.copy_within(start..at, payload_bytes);
                    payload_bytes += at - start;
                    continue;
                }
                Ok(Some(Step::Ping)) => continue,
                Ok(Some(Step::Close(close))) => Some(End::Close(close)),
                Ok(None) => None,
                Err(error) => Some(End::Error(error)),
            };
            return Unframed { payload_bytes, end };
        }
    }

    #[inline]
    fn step(&mut self, bytes: &mut [u8], at: &mut usize) -> Result<Option<Step>, FrameError> {
        while !self.is_read_out {
            match self.reader.next(bytes, at) {
                Ok(None) => return Ok(None),
                Ok(Some(Part::Data { start, kind, ends_message })) => {
                    return Ok(Some(Step::Data { start, kind, ends_message }));
                }
                Ok(Some(Part::Control { start, opcode, is_end })) => {
                    match self.control_arrived(opcode, &bytes[start..*at], is_end) {
                        Ok(None) => {}
                        Ok(Some(step)) => return Ok(Some(step)),
                        Err(error) => return Err(self.fail(error)),
                    }
                }
                Err(error) => return Err(self.fail(error)),
            }
        }
        *at = bytes.len();
        Ok(None)
    }

    #[cold]
    fn fail(&mut self, error: FrameError) -> FrameError {
        self.is_read_out = true;
        self.close(error.close_code(), &error.to_string());
        error
    }

    /// Some bytes of a control frame are here.
    fn control_arrived(&mut self, opcode: Opcode, payload: &[u8], is_end: bool) -> Result<Option<Step>, FrameError> {
        if opcode == Opcode::Pong {
            return Ok(None);
        }
        let control = self.control.get_or_insert_with(|| Box::new(Control::EMPTY));
        control.receive(payload);
        if !is_end {
            return Ok(None);
        }
        let payload = control.take_incoming();
        if opcode == Opcode::Ping {
            if !self.is_closing {
                control.queue(Opcode::Pong, &[payload.as_slice()]);
                return Ok(Some(Step::Ping));
            }
            self.tidy();
            return Ok(None);
        }
        self.closed_by_peer(&payload).map(|close| Some(Step::Close(close)))
    }

    #[cold]
    fn closed_by_peer(&mut self, payload: &Short) -> Result<Close, FrameError> {
        let (code, reason) = match payload.as_slice() {
            [] => (None, ""),
            [_] => return Err(FrameError::CloseOfOneByte),
            [high, low, reason @ ..] => {
                let number = u16::from_be_bytes([*high, *low]);
                let code = CloseCode::new(number).ok_or(FrameError::InvalidCloseCode { code: number })?;
                (Some(code), str::from_utf8(reason).map_err(|_| FrameError::ReasonNotUtf8)?)
            }
        };
        self.is_read_out = true;
        self.queue_close(code, "");
        Ok(Close { code, reason: String::from(reason) })
    }

    // ---- what is written ----

    /// Closes: what [`transmit`](Self::transmit) gives ends with a close frame, and holds no new frame of payload
    /// before it. So first write what waits. Of the reason, the first [`REASON_BYTES_MAX`](super::REASON_BYTES_MAX)
    /// bytes are sent. If this end closes already, this does nothing.
    ///
    /// What the peer sends until it answers is still received.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.queue_close(Some(code), reason);
    }

    fn queue_close(&mut self, code: Option<CloseCode>, reason: &str) {
        if !mem::replace(&mut self.is_closing, true) {
            let control = self.control.get_or_insert_with(|| Box::new(Control::EMPTY));
            match code {
                Some(code) => {
                    control.queue(Opcode::Close, &[&code.get().to_be_bytes(), cut_reason(reason).as_bytes()]);
                }
                None => control.queue(Opcode::Close, &[]),
            }
        }
        self.tidy();
    }

    /// Whether both ends have closed, or the peer broke the framing, and all is written: shut the transport down.
    pub fn is_closed(&self) -> bool {
        self.is_read_out && self.is_closing && !self.owes_control()
    }

    /// Whether this end closes, because it was told to, because the peer does, or because that broke the framing. It
    /// takes no more payload, but for the rest of a frame that has started.
    pub const fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Whether a pong or a close is to be written, whatever payload waits. It is so only after an input or a
    /// [`close`](Self::close).
    #[inline]
    pub fn owes_control(&self) -> bool {
        self.control.as_ref().is_some_and(|control| control.is_owed())
    }

    /// Whether a message that was begun is not written to its end.
    pub const fn is_writing(&self) -> bool {
        self.writer.has_begun()
    }

    /// Begins a message of this many bytes, with [`Content::Messages`]. It is one frame. If this end closes, this does
    /// nothing.
    ///
    /// # Panics
    ///
    /// If the last message [is not written](Self::is_writing), or with [`Content::Stream`], whose frames begin by
    /// themselves.
    pub fn begin_message(&mut self, kind: MessageKind, bytes: u32) {
        assert!(self.reader.content() == Content::Messages, "a stream has no messages: transmit begins its frames");
        assert!(!self.is_writing(), "the last message is not written to its end");
        if !self.is_closing {
            let opcode = match kind {
                MessageKind::Text => Opcode::Text,
                MessageKind::Binary => Opcode::Binary,
            };
            let mask = draw(self.masks.as_deref_mut());
            self.writer.begin_message(opcode, bytes, mask);
        }
    }

    /// What to write now, if this many bytes of payload wait to be written.
    ///
    /// A frame is as long as what waits when the first byte of its header is written, up to 65 535 bytes, and the peer
    /// may use none of it before all has come. So what waits then must not become less. A driver whose
    /// [hub](crate::Hub::transmit) may drop what waits, when it ends a session, keeps the rest of such a frame itself.
    #[inline]
    pub fn transmit(&mut self, waiting: usize) -> Outgoing<'_> {
        let is_client = self.masks.is_some();
        if self.is_closing && !self.writer.has_started() {
            self.writer.cancel();
        } else if self.reader.content() == Content::Stream {
            let masks = self.masks.as_deref_mut();
            self.writer.follow(waiting, is_client, || draw(masks));
        }
        let mut control = &[][..];
        // A frame that has started is written to its end.
        if !self.writer.has_started()
            && let Some(owed) = &mut self.control
        {
            owed.begin(|| draw(self.masks.as_deref_mut()));
            control = owed.transmit();
        }
        Outgoing {
            control,
            header: self.writer.header(),
            payload_bytes: self.writer.left().min(waiting),
            mask: self.writer.mask(is_client),
        }
    }

    /// The transport has taken this many bytes of [`transmit`](Self::transmit). Returns how many of them are payload.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`transmit`](Self::transmit) gave.
    #[inline]
    pub fn transmitted(&mut self, count: usize) -> usize {
        let mut left = count;
        if !self.writer.has_started()
            && let Some(control) = &mut self.control
        {
            let of_control = left.min(control.transmit().len());
            control.transmitted(of_control);
            left -= of_control;
            self.tidy();
        }
        self.writer.transmitted(left, self.masks.is_some())
    }

    /// Gives back what no control frame needs.
    fn tidy(&mut self) {
        if self.control.as_ref().is_some_and(|control| control.is_empty()) {
            self.control = None;
        }
    }
}

/// The mask of the next frame, at a client.
#[inline]
fn draw(masks: Option<&mut ChaCha8Rng>) -> Option<Mask> {
    masks.map(|masks| Mask::new(masks.next_u32().to_le_bytes()))
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("content", &self.reader.content())
            .field("is_client", &self.masks.is_some())
            .field("is_closing", &self.is_closing)
            .field("is_read_out", &self.is_read_out)
            .finish_non_exhaustive()
    }
}
