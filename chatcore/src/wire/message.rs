//! The messages of each direction, as both ends read and write them. Text and bodies are borrowed from the frame.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::bounds::{Bounded, Side};
use super::chat::{
    Accepted, Deliver, DeliveryReport, Done, Join, Joined, Leave, Left, Members, Missed, Online, Presence, Rejected,
    Renamed, RoomDeliver, Roster, Send, Sent, Stale, Subscribed, Subscriptions, Unwatch, Watch, Who,
};
use super::codec;
use super::connection::{Ack, ErrorMessage, Goodbye, Ping, Pong, Refused, Register, Resume, Resumed, Welcome};
use super::frame::{self, Content};
use super::kind::Kind;
use super::protocol_error::{ProtocolError, words};

/// A set of messages that go one way: [`ClientMessage`] or [`HubMessage`].
pub trait Message<'a>: Sized {
    /// Which message it is.
    fn kind(&self) -> Kind;

    /// Decodes a frame's content, and checks the bounds of its fields (protocol.md, *Messages*). Returns none if the
    /// kind is unknown and optional: the receiver skips such a frame.
    ///
    /// # Errors
    ///
    /// How the frame breaks the protocol: its kind is unknown and critical, or belongs to the other direction; or its
    /// fields are cut short, too long, not canonical or out of bounds.
    fn decode(content: Content<'a>) -> Result<Option<Self>, ProtocolError>;

    /// Appends the message to `out`, as a whole frame. It does not check the bounds of the fields.
    fn encode(&self, out: &mut Vec<u8>);
}

/// The fields of a frame of which the kind is known to be that of `T`.
pub(crate) fn fields<'a, T: Deserialize<'a> + Serialize>(content: Content<'a>) -> Result<T, ProtocolError> {
    codec::decode(content.kind, content.fields)
}

macro_rules! messages {
    ($(#[$meta:meta])* $name:ident from $side:ident { $($(#[$variant_meta:meta])* $variant:ident($fields:ty) = $kind:ident,)+ }) => {
        $(#[$meta])*
        ///
        /// There may be messages of further kinds. The fields of each are fixed: with another field a frame would be
        /// other bytes, which only another version of the protocol has. So the structs of messages may be written as
        /// literals.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name<'a> {
            $($(#[$variant_meta])* $variant($fields),)+
        }

        impl<'a> Message<'a> for $name<'a> {
            fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant(_) => Kind::$kind,)+
                }
            }

            fn decode(Content { kind, fields }: Content<'a>) -> Result<Option<Self>, ProtocolError> {
                match kind {
                    $(Kind::$kind => {
                        let fields: $fields = codec::decode(kind, fields)?;
                        if fields.is_within_bounds(Side::$side) {
                            Ok(Some(Self::$variant(fields)))
                        } else {
                            Err(ProtocolError::InvalidValue { kind })
                        }
                    })+
                    known if known.name().is_some() => {
                        Err(ProtocolError::Unexpected { kind, state: words::OTHER_DIRECTION })
                    }
                    unknown if unknown.is_optional() => Ok(None),
                    _ => Err(ProtocolError::UnknownKind { kind }),
                }
            }

            fn encode(&self, out: &mut Vec<u8>) {
                frame::encode(self.kind(), out, |out| match self {
                    $(Self::$variant(fields) => codec::encode(fields, out),)+
                });
            }
        }
    };
}

messages! {
    /// A message from a client to its hub (protocol.md, *Messages*, which has a section for each).
    ClientMessage from Client {
        /// Give me this name.
        Register(Register<'a>) = REGISTER,
        /// The numbered frames up to this count are taken.
        Ack(Ack) = ACK,
        /// Answer at once.
        Ping(Ping) = PING,
        /// The answer to a ping.
        Pong(Pong) = PONG,
        /// An orderly end.
        Goodbye(Goodbye<'a>) = GOODBYE,
        /// The hub broke the protocol.
        Error(ErrorMessage<'a>) = ERROR,
        /// This connection goes on with a session.
        Resume(Resume<'a>) = RESUME,
        /// A message for a user or a room.
        Send(Send<'a>) = SEND,
        /// Who is online?
        Who(Who) = WHO,
        /// Let me into this room.
        Join(Join<'a>) = JOIN,
        /// Let me out of this room.
        Leave(Leave<'a>) = LEAVE,
        /// Who is in this room?
        Roster(Roster<'a>) = ROSTER,
        /// Tell me when these users come and go.
        Watch(Watch<'a>) = WATCH,
        /// Tell me no more.
        Unwatch(Unwatch<'a>) = UNWATCH,
        /// In which rooms am I, and whom do I watch?
        Subscriptions(Subscriptions) = SUBSCRIPTIONS,
    }
}

messages! {
    /// A message from a hub to its client (protocol.md, *Messages*, which has a section for each).
    HubMessage from Hub {
        /// The name is yours.
        Welcome(Welcome<'a>) = WELCOME,
        /// Not that name.
        Refused(Refused<'a>) = REFUSED,
        /// The numbered frames up to this count are taken.
        Ack(Ack) = ACK,
        /// Answer at once.
        Ping(Ping) = PING,
        /// The answer to a ping.
        Pong(Pong) = PONG,
        /// An orderly end.
        Goodbye(Goodbye<'a>) = GOODBYE,
        /// The client broke the protocol.
        Error(ErrorMessage<'a>) = ERROR,
        /// The session goes on.
        Resumed(Resumed) = RESUMED,
        /// A message from a user.
        Deliver(Deliver<'a>) = DELIVER,
        /// The hub has taken responsibility for a send.
        Accepted(Accepted) = ACCEPTED,
        /// A request is not done, and why.
        Rejected(Rejected) = REJECTED,
        /// A page of who is online.
        #[doc(alias = "who")]
        Online(Online<'a>) = ONLINE,
        /// A message from a member of a room.
        RoomDeliver(RoomDeliver<'a>) = ROOM_DELIVER,
        /// A request is done.
        Done(Done) = DONE,
        /// A page of who is in a room.
        Members(Members<'a>) = MEMBERS,
        /// Another user has joined a room.
        Joined(Joined<'a>) = JOINED,
        /// Another user has left a room.
        Left(Left<'a>) = LEFT,
        /// A watched user is online, or is not.
        Presence(Presence<'a>) = PRESENCE,
        /// What became of messages whose recipient's session has ended.
        Report(DeliveryReport<'a>) = REPORT,
        /// The hub has left out messages of a room.
        Missed(Missed<'a>) = MISSED,
        /// The hub has left out joined and left messages of a room.
        Stale(Stale<'a>) = STALE,
        /// Another session of the same user has sent a message.
        Sent(Sent<'a>) = SENT,
        /// The client has another name from now on.
        Renamed(Renamed<'a>) = RENAMED,
        /// A page of the rooms that the session is in and the users that it watches.
        Subscribed(Subscribed<'a>) = SUBSCRIBED,
    }
}
