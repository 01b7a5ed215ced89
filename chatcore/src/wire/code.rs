//! Reasons as numbers: what a refusal, a rejection, a goodbye and an error say besides their words.

use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$meta:meta])* $type:ident { $($(#[$variant_meta:meta])* $variant:ident = $number:literal $name:literal,)+ }) => {
        $(#[$meta])*
        ///
        /// A number that this version does not know becomes `Other`: it comes from a newer peer. Codes convert
        /// from and to the `u16` that goes over the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "u16", into = "u16")]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$variant_meta])* $variant,)+
            /// A code that this version does not know, by its number.
            Other(u16),
        }

        impl $type {
            /// Every code that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in protocol.md, fit for programs; `other` if this version does not know the code.
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

        impl core::error::Error for $type {}

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
    /// Why a hub refuses a registration or a resume (protocol.md, *refused*). The client may register on the same
    /// connection after that.
    ///
    /// ```
    /// use chatcore::RefusalCode;
    ///
    /// assert_eq!(RefusalCode::from(2), RefusalCode::NameInUse);
    /// assert_eq!(RefusalCode::NameInUse.name(), "name_in_use");
    /// assert_eq!(RefusalCode::from(999), RefusalCode::Other(999));
    /// ```
    RefusalCode {
        /// The spelling can be no name; the detail says why.
        InvalidName = 1 "invalid_name",
        /// Somebody has the name, or one that maps to the same.
        NameInUse = 2 "name_in_use",
        /// The hub has as many sessions as it allows.
        HubFull = 3 "hub_full",
        /// The credential does not give the right to the name, or the hub reserves the name.
        Denied = 4 "denied",
        /// The hub is stopping.
        ShuttingDown = 5 "shutting_down",
        /// No session has that name and token: register anew.
        SessionOver = 6 "session_over",
        /// The client's origin registers or resumes more often than the hub allows; `wait_ms` says when to try again.
        RateLimited = 7 "rate_limited",
        /// The session lives, but cannot go on with this resume: its attempt is not newer than the last, the session
        /// cannot go on from its count, or the client takes shorter frames than before.
        StaleResume = 8 "stale_resume",
        /// The name is free, but looks like one that somebody has.
        Confusable = 9 "confusable",
        /// The user has as many sessions as the hub allows.
        TooManySessions = 10 "too_many_sessions",
    }
}

impl RefusalCode {
    /// Whether the refusal passes: the same registration may work later. A refusal that says how long to wait
    /// ([`Event::Refused`](crate::Event::Refused)) passes, too, whatever its code.
    ///
    /// ```
    /// use chatcore::RefusalCode;
    ///
    /// assert!(RefusalCode::NameInUse.passes(), "its user may leave");
    /// assert!(!RefusalCode::Denied.passes());
    /// ```
    pub const fn passes(self) -> bool {
        matches!(self, Self::NameInUse | Self::HubFull | Self::ShuttingDown | Self::RateLimited)
    }
}

codes! {
    /// Why the hub has not done a request, or any part of it (protocol.md, *accepted and rejected*).
    RejectCode {
        /// Nobody with that name is online.
        NoSuchUser = 1 "no_such_user",
        /// The recipient's outbox has no room, or the origin of the recipient or of the sender has used up its share of
        /// the memory. Trying again later may work.
        RecipientFull = 2 "recipient_full",
        /// The body is longer than the hub allows, or than the recipient takes.
        BodyTooLong = 3 "body_too_long",
        /// The text can be no name of a room, or of a user to be watched.
        InvalidName = 4 "invalid_name",
        /// The client is not in the room.
        NotAMember = 5 "not_a_member",
        /// The client is in as many rooms as the hub allows.
        TooManyRooms = 6 "too_many_rooms",
        /// The room has as many members as the hub allows.
        RoomFull = 7 "room_full",
        /// The hub has as many rooms, or its users have as many memberships together, as it allows.
        HubRoomsFull = 8 "hub_rooms_full",
        /// The client would watch more names than the hub allows, or the list is longer than that.
        TooManyWatches = 9 "too_many_watches",
        /// The hub's users watch as many names together as the hub allows.
        HubWatchesFull = 10 "hub_watches_full",
        /// Something that the hub needs for the answer cannot be reached, or did not decide in time. Trying again later
        /// may work.
        Unavailable = 11 "unavailable",
        /// Reserved: the hub does not know whether the request was done.
        Unconfirmed = 12 "unconfirmed",
        /// The program that the hub is part of does not allow it.
        Denied = 13 "denied",
    }
}

codes! {
    /// Why a connection ended in an orderly way (protocol.md, *goodbye*).
    GoodbyeCode {
        /// The client leaves, or the hub confirms that it did.
        Left = 1 "left",
        /// The hub is stopping.
        ShuttingDown = 2 "shutting_down",
        /// Nothing came for the idle time, or for the stall time while frames waited to be acknowledged; or the
        /// handshake took too long. A session may be resumed after this.
        TimedOut = 3 "timed_out",
        /// The client left too much unacknowledged, acknowledged nothing for too long, or the hub needed its memory.
        SlowConsumer = 4 "slow_consumer",
        /// An operator ended the session.
        Kicked = 5 "kicked",
        /// Another connection goes on with the session.
        TakenOver = 6 "taken_over",
        /// Reserved: another hub has the session, where the hint says.
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
        /// Its connection broke, and it did not resume the session in time.
        TimedOut = 3 "timed_out",
        /// It has another name from now on: a joined of that name follows.
        Renamed = 4 "renamed",
    }
}

codes! {
    /// What became of a message whose recipient's session ended before the recipient acknowledged it (protocol.md,
    /// *report*).
    DeliveryStatus {
        /// The message never went out whole to a connection of the recipient: the recipient has not seen it.
        Undelivered = 1 "undelivered",
        /// The message went out, and no acknowledgement came: the recipient may have seen it or not.
        Unconfirmed = 2 "unconfirmed",
    }
}

codes! {
    /// How a peer broke the protocol (protocol.md, *error*).
    ErrorCode {
        /// The preface names another version of the protocol.
        UnsupportedVersion = 1 "unsupported_version",
        /// The preface demands a feature that the receiver does not know.
        UnsupportedFeature = 2 "unsupported_feature",
        /// A frame is longer than the limit in force.
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
        /// The message is not allowed in this state or from this side.
        Unexpected = 10 "unexpected",
        /// More was acknowledged than was sent.
        AckBeyondSent = 11 "ack_beyond_sent",
        /// Too many refusals, or a second resume, on one connection.
        TooManyAttempts = 12 "too_many_attempts",
    }
}
