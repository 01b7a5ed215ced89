//! Reasons as numbers: what a refusal, a rejection, a goodbye and an error say besides their words.

use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$meta:meta])* $type:ident { $($(#[$variant_meta:meta])* $variant:ident = $number:literal $name:literal,)+ }) => {
        $(#[$meta])*
        ///
        /// A number that this version does not know is kept as `Other`, so that a newer peer's reason is
        /// still shown.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "u16", into = "u16")]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$variant_meta])* $variant,)+
            /// A reason from a newer version of the protocol.
            Other(u16),
        }

        impl $type {
            /// Every reason that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the specification, fit for programs: `no_such_user`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(_) => "other",
                }
            }
        }

        impl From<u16> for $type {
            fn from(number: u16) -> Self {
                match number {
                    $($number => Self::$variant,)+
                    other => Self::Other(other),
                }
            }
        }

        impl From<$type> for u16 {
            fn from(code: $type) -> u16 {
                match code {
                    $($type::$variant => $number,)+
                    $type::Other(other) => other,
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Other(number) => write!(f, "reason {number}"),
                    known => f.pad(known.name()),
                }
            }
        }
    };
}

codes! {
    /// Why a registration was refused (protocol.md, *refused*). The client may try again on the same connection.
    RefusalCode {
        /// The spelling is no name; the detail says why.
        InvalidName = 1 "invalid_name",
        /// Somebody has the name, or one that maps to the same.
        NameInUse = 2 "name_in_use",
        /// The hub has as many users as it may have.
        HubFull = 3 "hub_full",
        /// The embedder said no: a wrong password, a name that is reserved.
        Denied = 4 "denied",
        /// The hub is stopping.
        ShuttingDown = 5 "shutting_down",
        /// No session has that name and token: register anew.
        SessionOver = 6 "session_over",
        /// The client's origin registers or resumes more often than the hub allows; `wait_ms` says when to try again.
        RateLimited = 7 "rate_limited",
        /// The session lives, and cannot go on with this resume: its attempt is not newer than the last, or its count is
        /// not one that the session can go on from.
        StaleResume = 8 "stale_resume",
        /// The name looks like one that somebody has, and is another.
        Confusable = 9 "confusable",
    }
}

codes! {
    /// Why a request came to nothing (protocol.md, *accepted and rejected*).
    RejectCode {
        /// Nobody with that name is here.
        NoSuchUser = 1 "no_such_user",
        /// The recipient has too much unread; trying later may work.
        RecipientFull = 2 "recipient_full",
        /// The body is longer than the welcome allows.
        BodyTooLong = 3 "body_too_long",
        /// The text is no name of a room, or of a user that could be watched.
        InvalidName = 4 "invalid_name",
        /// One must be in the room for this.
        NotAMember = 5 "not_a_member",
        /// One is in as many rooms as one may be.
        TooManyRooms = 6 "too_many_rooms",
        /// The room has as many members as it may have.
        RoomFull = 7 "room_full",
        /// The hub has as many rooms as it may have.
        HubRoomsFull = 8 "hub_rooms_full",
        /// One watches as many names as one may.
        TooManyWatches = 9 "too_many_watches",
        /// The hub's users watch as many names as they may have together.
        HubWatchesFull = 10 "hub_watches_full",
        /// Reserved: something that the hub needs for the answer cannot be reached; trying later may work.
        Unavailable = 11 "unavailable",
        /// Reserved: the hub does not know whether the request was done.
        Unconfirmed = 12 "unconfirmed",
    }
}

codes! {
    /// Why a connection ended in an orderly way (protocol.md, *goodbye*).
    GoodbyeCode {
        /// The client left, and its name is free.
        Left = 1 "left",
        /// The hub is stopping.
        ShuttingDown = 2 "shutting_down",
        /// Nothing was heard for longer than the idle time or the handshake time.
        TimedOut = 3 "timed_out",
        /// The client read too slowly for what it was sent.
        SlowConsumer = 4 "slow_consumer",
        /// An operator ended the session.
        Kicked = 5 "kicked",
        /// Another connection goes on with the session.
        TakenOver = 6 "taken_over",
        /// Reserved: the session is to be had from another hub, where the hint says.
        Elsewhere = 7 "elsewhere",
    }
}

codes! {
    /// Why somebody is no longer in a room (protocol.md, *joined and left*).
    LeaveCode {
        /// It left the room.
        Left = 1 "left",
        /// Its session ended: it said goodbye, or the hub ended it.
        Quit = 2 "quit",
        /// Its connection broke, and it did not come back in time.
        TimedOut = 3 "timed_out",
    }
}

codes! {
    /// What became of a message whose recipient's session ended before it was acknowledged (protocol.md,
    /// *report*).
    DeliveryStatus {
        /// It never went out whole to the recipient's connection: the recipient has not seen it.
        Undelivered = 1 "undelivered",
        /// It went out, and nobody knows how far it came.
        Unconfirmed = 2 "unconfirmed",
    }
}

codes! {
    /// How a peer broke the protocol (protocol.md, *error*).
    ErrorCode {
        /// The preface names another version of the protocol.
        UnsupportedVersion = 1 "unsupported_version",
        /// The preface asks for a critical feature that is not known here.
        UnsupportedFeature = 2 "unsupported_feature",
        /// A frame is longer than the limit.
        FrameTooLong = 3 "frame_too_long",
        /// A frame of length zero: not even a kind.
        FrameEmpty = 4 "frame_empty",
        /// The kind is not known and critical.
        UnknownKind = 5 "unknown_kind",
        /// The message needs more bytes than its frame has.
        Truncated = 6 "truncated",
        /// The frame has more bytes than its message needs.
        TrailingBytes = 7 "trailing_bytes",
        /// A value is not written in its one valid form.
        NotCanonical = 8 "not_canonical",
        /// A value is outside what its field may hold.
        InvalidValue = 9 "invalid_value",
        /// The kind is known but may not come in this state.
        Unexpected = 10 "unexpected",
        /// More was acknowledged than was sent.
        AckBeyondSent = 11 "ack_beyond_sent",
        /// Too many refused registrations on one connection.
        TooManyAttempts = 12 "too_many_attempts",
    }
}
