//! How a peer can break the protocol.

use super::code::ErrorCode;
use super::kind::Kind;

/// A peer broke the protocol (protocol.md, *error*). Its connection ends, and other connections do not notice.
///
/// A caller never causes one. The errors of a caller have their own types, such as
/// [`UnknownConn`](crate::UnknownConn) and [`ClientError`](crate::ClientError).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ProtocolError {
    /// See [`ErrorCode::UnsupportedVersion`].
    #[error("protocol version {version} is not spoken here, version {spoken} is")]
    UnsupportedVersion {
        /// The version in the peer's preface.
        version: u16,
        /// The version that this end speaks.
        spoken: u16,
    },
    /// See [`ErrorCode::UnsupportedFeature`].
    #[error("the features {bits:#010x} are demanded but not known here")]
    UnsupportedFeature {
        /// The bits that this end does not know.
        bits: u32,
    },
    /// See [`ErrorCode::FrameTooLong`].
    #[error("a frame of {bytes} bytes is too long: at most {bytes_max} bytes are allowed here")]
    FrameTooLong {
        /// The length that the frame claims.
        bytes: u32,
        /// The limit.
        bytes_max: u32,
    },
    /// See [`ErrorCode::FrameEmpty`].
    #[error("a frame is empty: it needs at least one byte, its kind")]
    FrameEmpty,
    /// See [`ErrorCode::UnknownKind`].
    #[error("a frame of the unknown kind {:#04x}, which is critical and so cannot be skipped", .kind.0)]
    UnknownKind {
        /// The kind.
        kind: Kind,
    },
    /// See [`ErrorCode::Truncated`].
    #[error("the {kind} frame ends in the middle of its message")]
    Truncated {
        /// The kind.
        kind: Kind,
    },
    /// See [`ErrorCode::TrailingBytes`].
    #[error("the {kind} frame has {bytes} bytes after its message")]
    TrailingBytes {
        /// The kind.
        kind: Kind,
        /// How many bytes too many.
        bytes: usize,
    },
    /// See [`ErrorCode::NotCanonical`].
    #[error("the {kind} frame holds a number in a longer form than it needs")]
    NotCanonical {
        /// The kind.
        kind: Kind,
    },
    /// See [`ErrorCode::InvalidValue`].
    #[error("the {kind} frame holds a value that its field cannot have")]
    InvalidValue {
        /// The kind.
        kind: Kind,
    },
    /// See [`ErrorCode::Unexpected`].
    #[error("a {kind} frame may not come {state}")]
    Unexpected {
        /// The kind.
        kind: Kind,
        /// The state of the connection, in words.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "words::deserialize"))]
        state: Words,
    },
    /// See [`ErrorCode::AckBeyondSent`].
    #[error("{acknowledged} frames are acknowledged, but only {sent} were sent")]
    AckBeyondSent {
        /// The count that was acknowledged.
        acknowledged: u64,
        /// The count that was sent.
        sent: u64,
    },
    /// See [`ErrorCode::TooManyAttempts`].
    #[error("a connection may ask {registration_attempts_max} times for a name, and once for a session: no more")]
    TooManyAttempts {
        /// The limit.
        registration_attempts_max: u32,
    },
}

/// What a message is wrong in, in words.
pub(crate) mod words {
    pub(crate) const BEFORE_REGISTRATION: &str = "before registration";
    pub(crate) const REGISTERING: &str = "while a registration is not answered";
    pub(crate) const RESUMING: &str = "while a resumption is not answered";
    pub(crate) const REGISTERED: &str = "once registered";
    pub(crate) const AFTER_THE_END: &str = "after the end";
    pub(crate) const OTHER_DIRECTION: &str = "in this direction";

    /// Reads them back. Another version may have others.
    #[cfg(feature = "serde")]
    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
        const ALL: [&str; 6] = [BEFORE_REGISTRATION, REGISTERING, RESUMING, REGISTERED, AFTER_THE_END, OTHER_DIRECTION];
        let words = <alloc::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(deserializer)?;
        ALL.into_iter().find(|known| *known == words).ok_or_else(|| {
            serde::de::Error::custom(format_args!("{words:?} is no state of a connection that this version knows"))
        })
    }
}

/// With this name serde does not take it for a text that is borrowed from what is read.
type Words = &'static str;

impl ProtocolError {
    /// The code that stands for the error on the wire.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::UnsupportedVersion { .. } => ErrorCode::UnsupportedVersion,
            Self::UnsupportedFeature { .. } => ErrorCode::UnsupportedFeature,
            Self::FrameTooLong { .. } => ErrorCode::FrameTooLong,
            Self::FrameEmpty => ErrorCode::FrameEmpty,
            Self::UnknownKind { .. } => ErrorCode::UnknownKind,
            Self::Truncated { .. } => ErrorCode::Truncated,
            Self::TrailingBytes { .. } => ErrorCode::TrailingBytes,
            Self::NotCanonical { .. } => ErrorCode::NotCanonical,
            Self::InvalidValue { .. } => ErrorCode::InvalidValue,
            Self::Unexpected { .. } => ErrorCode::Unexpected,
            Self::AckBeyondSent { .. } => ErrorCode::AckBeyondSent,
            Self::TooManyAttempts { .. } => ErrorCode::TooManyAttempts,
        }
    }
}
