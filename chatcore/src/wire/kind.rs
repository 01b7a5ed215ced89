//! The first byte of a frame: which message it is, and what a peer that does not know it does.

use core::fmt;

/// The kind of a message: the first byte of a frame (protocol.md, *Frames*).
///
/// Two bits tell what a receiver does with a kind that it does not know. If bit 7 is set, the kind is *optional*: the
/// receiver skips the frame. If it is clear, the kind is *critical*: the receiver answers with an error. If bit 6 is
/// set, the kind is *numbered*: the frame counts in its direction's stream, and the receiver acknowledges it. If it is
/// clear, the frame belongs to its connection alone.
///
/// ```
/// use chatcore::wire::Kind;
///
/// assert_eq!(Kind::DELIVER.name(), Some("deliver"));
/// assert!(Kind::DELIVER.is_numbered() && !Kind::DELIVER.is_optional());
/// assert!(Kind(0x80).name().is_none() && Kind(0x80).is_optional(), "a newer peer may send it");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Kind(pub u8);

macro_rules! kinds {
    ($($(#[$meta:meta])* $constant:ident = $byte:literal $name:literal,)+) => {
        impl Kind {
            $($(#[$meta])* pub const $constant: Self = Self($byte);)+

            /// Every kind that this version knows, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$constant),+];

            /// The name in the specification; none if this version does not know the kind.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$constant => Some($name),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Client to hub: give me this name.
    REGISTER = 0x01 "register",
    /// Hub to client: the name is yours, and these are the limits.
    WELCOME = 0x02 "welcome",
    /// Hub to client: not that name; try another.
    REFUSED = 0x03 "refused",
    /// Both ways: the numbered frames up to this count are taken.
    ACK = 0x04 "ack",
    /// Both ways: answer at once.
    PING = 0x05 "ping",
    /// Both ways: the answer to a ping.
    PONG = 0x06 "pong",
    /// Both ways: an orderly end.
    GOODBYE = 0x07 "goodbye",
    /// Both ways: you broke the protocol, and this connection ends.
    ERROR = 0x08 "error",
    /// Client to hub: this connection goes on with a session whose last one broke.
    RESUME = 0x09 "resume",
    /// Hub to client: the session goes on, from here.
    RESUMED = 0x0a "resumed",
    /// Client to hub: a message for a user or a room.
    SEND = 0x40 "send",
    /// Client to hub: who is online?
    WHO = 0x41 "who",
    /// Client to hub: let me into this room.
    JOIN = 0x42 "join",
    /// Client to hub: let me out of this room.
    LEAVE = 0x43 "leave",
    /// Client to hub: who is in this room?
    ROSTER = 0x44 "roster",
    /// Client to hub: tell me when these users come and go.
    WATCH = 0x45 "watch",
    /// Client to hub: tell me no more.
    UNWATCH = 0x46 "unwatch",
    /// Client to hub: in which rooms am I, and whom do I watch?
    SUBSCRIPTIONS = 0x47 "subscriptions",
    /// Hub to client: a message from a user.
    DELIVER = 0x50 "deliver",
    /// Hub to client: the hub has taken responsibility for a send.
    ACCEPTED = 0x51 "accepted",
    /// Hub to client: a request is not done, and why.
    REJECTED = 0x52 "rejected",
    /// Hub to client: a page of who is online.
    ONLINE = 0x53 "online",
    /// Hub to client: a message from a member of a room.
    ROOM_DELIVER = 0x54 "room_deliver",
    /// Hub to client: a request is done.
    DONE = 0x55 "done",
    /// Hub to client: a page of who is in a room.
    MEMBERS = 0x56 "members",
    /// Hub to client: somebody has joined a room.
    JOINED = 0x57 "joined",
    /// Hub to client: somebody has left a room, and why.
    LEFT = 0x58 "left",
    /// Hub to client: a watched user is online, or is not.
    PRESENCE = 0x59 "presence",
    /// Hub to client: what became of messages whose recipient's session has ended.
    REPORT = 0x5a "report",
    /// Hub to client: the hub has left out messages of a room.
    MISSED = 0x5b "missed",
    /// Hub to client: the hub has left out joined and left messages of a room; ask for the roster again.
    STALE = 0x5c "stale",
    /// Hub to client: another session of the same user has sent a message to a user.
    SENT = 0x5d "sent",
    /// Hub to client: you have another name from now on.
    RENAMED = 0x5e "renamed",
    /// Hub to client: a page of the rooms that it is in and the users that it watches.
    SUBSCRIBED = 0x5f "subscribed",
}

impl Kind {
    const OPTIONAL: u8 = 0x80;
    const NUMBERED: u8 = 0x40;

    /// Whether a receiver that does not know this kind skips the frame.
    pub const fn is_optional(self) -> bool {
        self.0 & Self::OPTIONAL != 0
    }

    /// Whether the frame counts in its direction's stream, and is acknowledged (protocol.md, *Acknowledgements*).
    pub const fn is_numbered(self) -> bool {
        self.0 & Self::NUMBERED != 0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "kind {:#04x}", self.0),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
