//! What arrives, frame by frame.

use super::frame_error::FrameError;
use super::header::{HEADER_BYTES_MAX, Header, Opcode, Role};
use super::mask::Mask;
use super::utf8::Utf8;
use super::{Content, IDLE_FRAMES_MAX, MessageKind};

/// A run of payload that has arrived and is unmasked: from `start` to where the reader is now.
pub(super) enum Part {
    Data {
        start: usize,
        kind: MessageKind,
        ends_message: bool,
    },
    Control {
        start: usize,
        opcode: Opcode,
        /// The frame is whole.
        is_end: bool,
    },
}

pub(super) struct Reader {
    /// The start of a header that is not whole.
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: u8,
    role: Role,
    content: Content,
    /// The frame whose payload arrives.
    in_frame: bool,
    is_final: bool,
    opcode: Opcode,
    mask: Mask,
    left: u32,
    /// The message that has begun and has not ended, and its bytes, but for those of a frame that is not whole.
    message: Option<MessageKind>,
    message_bytes: u32,
    bytes_max: u32,
    utf8: Utf8,
    /// How many frames may still bring nothing. Each byte of payload gives one back.
    idle_frames_left: u16,
}

impl Reader {
    pub(super) fn new(role: Role, content: Content, bytes_max: u32) -> Self {
        Self {
            header: [0; HEADER_BYTES_MAX],
            header_bytes: 0,
            role,
            content,
            in_frame: false,
            is_final: false,
            opcode: Opcode::Continuation,
            mask: Mask::new([0; 4]),
            left: 0,
            message: None,
            message_bytes: 0,
            bytes_max,
            utf8: Utf8::default(),
            idle_frames_left: IDLE_FRAMES_MAX,
        }
    }

    pub(super) const fn content(&self) -> Content {
        self.content
    }

    pub(super) const fn with_bytes_max(mut self, bytes_max: u32) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// The next run of payload at `at` or after it, which then is after the run. None if it uses all there is.
    #[inline]
    pub(super) fn next(&mut self, bytes: &mut [u8], at: &mut usize) -> Result<Option<Part>, FrameError> {
        loop {
            if !self.in_frame {
                let Some(header) = self.take_header(bytes, at)? else { return Ok(None) };
                self.begin_frame(&header)?;
            }
            let start = *at;
            let length = (bytes.len() - start).min(self.left as usize);
            if length == 0 && self.left > 0 {
                return Ok(None);
            }
            let payload = &mut bytes[start..start + length];
            if self.role == Role::Server {
                self.mask.apply(payload);
            }
            *at += length;
            self.left -= u32::try_from(length).expect("it is at most what is left");
            let is_end = self.left == 0;
            self.in_frame = !is_end;
            if self.opcode.is_control() {
                return Ok(Some(Part::Control { start, opcode: self.opcode, is_end }));
            }
            let kind = self.message.unwrap_or(MessageKind::Binary);
            let ends_message = is_end && self.is_final;
            if kind == MessageKind::Text {
                let is_valid = self.utf8.accepts(payload);
                if !is_valid || (ends_message && !self.utf8.is_whole()) {
                    return Err(FrameError::TextNotUtf8);
                }
            }
            let earned = u16::try_from(length).unwrap_or(IDLE_FRAMES_MAX);
            self.idle_frames_left = self.idle_frames_left.saturating_add(earned).min(IDLE_FRAMES_MAX);
            if ends_message {
                (self.message, self.message_bytes) = (None, 0);
            }
            if length > 0 || ends_message {
                return Ok(Some(Part::Data { start, kind, ends_message }));
            }
        }
    }

    /// The next header, which may have come in pieces.
    #[inline]
    fn take_header(&mut self, bytes: &[u8], at: &mut usize) -> Result<Option<Header>, FrameError> {
        if self.header_bytes == 0
            && let Some(header) = Header::parse(&bytes[*at..], self.role)?
        {
            *at += header.size;
            return Ok(Some(header));
        }
        self.take_header_in_pieces(bytes, at)
    }

    #[cold]
    fn take_header_in_pieces(&mut self, bytes: &[u8], at: &mut usize) -> Result<Option<Header>, FrameError> {
        while let Some(byte) = bytes.get(*at) {
            self.header[usize::from(self.header_bytes)] = *byte;
            self.header_bytes += 1;
            *at += 1;
            if let Some(header) = Header::parse(&self.header[..usize::from(self.header_bytes)], self.role)? {
                self.header_bytes = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    #[inline]
    fn begin_frame(&mut self, header: &Header) -> Result<(), FrameError> {
        let Header { is_final, opcode, mask, length, .. } = *header;
        match opcode {
            Opcode::Continuation if self.message.is_none() => return Err(FrameError::NothingToContinue),
            Opcode::Text | Opcode::Binary if self.message.is_some() => return Err(FrameError::MessageNotEnded),
            Opcode::Text if self.content == Content::Stream => return Err(FrameError::Text),
            Opcode::Text => self.message = Some(MessageKind::Text),
            Opcode::Binary => self.message = Some(MessageKind::Binary),
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => {}
        }
        let brings_nothing = match self.content {
            Content::Stream => length == 0 || opcode.is_control(),
            Content::Messages => length == 0 && !is_final,
        };
        if brings_nothing {
            let left = self.idle_frames_left.checked_sub(1);
            self.idle_frames_left = left.ok_or(FrameError::IdleFrames { frames_max: IDLE_FRAMES_MAX })?;
        }
        if !opcode.is_control() {
            let bytes = length.saturating_add(self.message_bytes.into());
            let too_long = FrameError::TooLong { bytes, bytes_max: self.bytes_max };
            let bytes = u32::try_from(bytes).ok().filter(|bytes| *bytes <= self.bytes_max).ok_or(too_long)?;
            // Of a stream no message is kept, so that only its frames have a limit.
            self.message_bytes = if self.content == Content::Messages { bytes } else { 0 };
        }
        self.in_frame = true;
        (self.is_final, self.opcode, self.mask) = (is_final, opcode, mask);
        self.left = u32::try_from(length).expect("a frame that is begun is below a limit of 32 bits");
        Ok(())
    }
}
