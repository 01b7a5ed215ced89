//! How a peer can break the framing.

use super::close::CloseCode;

/// A peer broke the framing of a WebSocket, or a limit of this end. Its connection ends with a close frame that has the
/// [code](Self::close_code), and this sentence as its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// RFC 6455, 5.2: a bit that only an extension gives a meaning.
    #[error("a frame has a reserved bit set, and no extension is spoken here")]
    ReservedBit,
    /// RFC 6455, 5.2: no such frame is defined.
    #[error("a frame has the opcode {opcode:#x}, which is not defined")]
    UnknownOpcode {
        /// The opcode, from 3 to 7 or from 11 to 15.
        opcode: u8,
    },
    /// RFC 6455, 5.1: a client masks all that it sends.
    #[error("a frame of the client is not masked: a client masks each")]
    NotMasked,
    /// RFC 6455, 5.1: a server masks nothing.
    #[error("a frame of the server is masked: a server masks none")]
    Masked,
    /// RFC 6455, 5.5: a control frame is one frame.
    #[error("a control frame is in fragments: it must be one frame")]
    ControlInFragments,
    /// RFC 6455, 5.5: a control frame has at most 125 bytes.
    #[error("a control frame is too long: it has at most 125 bytes")]
    ControlTooLong,
    /// RFC 6455, 5.2: the shortest form must be used.
    #[error("a frame has its length of {bytes} bytes in a longer form than it needs")]
    LengthNotMinimal {
        /// The length.
        bytes: u64,
    },
    /// RFC 6455, 5.2: a length has 63 bits.
    #[error("a frame has the highest bit of its length set: a length has 63 bits")]
    LengthTooLarge,
    /// RFC 6455, 5.4: a continuation needs something that it continues.
    #[error("a frame continues a message, and none has begun")]
    NothingToContinue,
    /// RFC 6455, 5.4: messages do not overlap.
    #[error("a message begins before the last one has ended")]
    MessageNotEnded,
    /// RFC 6455, 5.5.1: the body of a close frame begins with two bytes of code.
    #[error("a close frame has one byte: it has none, or a code of two bytes and a reason")]
    CloseOfOneByte,
    /// RFC 6455, 7.4: not each number is a code.
    #[error("a close frame has the code {code}, which must not be sent")]
    InvalidCloseCode {
        /// The number.
        code: u16,
    },
    /// RFC 6455, 5.5.1: a reason is UTF-8.
    #[error("the reason of a close frame is not UTF-8")]
    ReasonNotUtf8,
    /// RFC 6455, 5.6: text is UTF-8.
    #[error("a text message is not UTF-8")]
    TextNotUtf8,
    /// Only binary messages carry a stream ([`Content::Stream`](super::Content::Stream)).
    #[error("a message is text: only binary messages are taken here")]
    Text,
    /// A message or a frame is longer than its limit ([`WebSocket::with_bytes_max`](super::WebSocket::with_bytes_max)).
    #[error("a message has {bytes} bytes or more: at most {bytes_max} are taken here")]
    TooLong {
        /// Its bytes as far as they are known.
        bytes: u64,
        /// The limit.
        bytes_max: u32,
    },
    /// More frames than [`IDLE_FRAMES_MAX`](super::IDLE_FRAMES_MAX) brought nothing.
    #[error("more than {frames_max} frames brought nothing")]
    IdleFrames {
        /// The limit.
        frames_max: u16,
    },
}

impl FrameError {
    /// The code of the close frame that tells the peer.
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Text => CloseCode::UNSUPPORTED,
            Self::TextNotUtf8 | Self::ReasonNotUtf8 => CloseCode::INVALID_DATA,
            Self::IdleFrames { .. } => CloseCode::POLICY,
            Self::TooLong { .. } => CloseCode::TOO_LONG,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}
