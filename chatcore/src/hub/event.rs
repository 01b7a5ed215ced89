//! What happens at a hub, for drivers that want to know.

use super::conn_id::ConnId;
use super::session_id::SessionId;
use crate::handshake::QuotaKey;
use crate::name::{RoomName, UserName};
use crate::wire::{
    ErrorCode, ErrorMessage, Goodbye, GoodbyeCode, HubMessage, LeaveCode, ProtocolError, ReconnectHint, cut_detail,
};
use alloc::string::{String, ToString};

/// What has happened at a hub: [`Hub::poll_event`](super::Hub::poll_event) returns it. No event asks the driver to do
/// anything, so a driver may drop them all. There may be more of them, and more in each: a driver matches them with
/// `..`, and has an arm for what it does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HubEvent {
    /// A session begins. Its user holds the name from now on, if no other session of the user did before.
    #[non_exhaustive]
    SessionStarted {
        /// The session.
        session: SessionId,
        /// Its connection.
        conn: ConnId,
        /// The name.
        name: UserName,
    },
    /// A session has lost its connection. It keeps its name and waits for a resume.
    #[non_exhaustive]
    Detached {
        /// The session.
        session: SessionId,
        /// The connection that it had. An [`Action::Close`](super::Action::Close) follows, unless the driver itself
        /// reported that the connection is gone.
        conn: ConnId,
        /// The name.
        name: UserName,
        /// Why the session lost its connection.
        reason: CloseReason,
    },
    /// A session goes on with a new connection.
    #[non_exhaustive]
    Resumed {
        /// The session.
        session: SessionId,
        /// The new connection.
        conn: ConnId,
        /// The name.
        name: UserName,
    },
    /// A session goes on with another client of its user ([`Admission::TakeOver`](crate::Admission::TakeOver)).
    #[non_exhaustive]
    TakenOver {
        /// The session.
        session: SessionId,
        /// The new connection.
        conn: ConnId,
        /// The name.
        name: UserName,
    },
    /// A user has another name from now on, with all its sessions ([`Hub::rename`](super::Hub::rename)).
    #[non_exhaustive]
    Renamed {
        /// The name before, which is free now. It is the new one if only the display name is another.
        from: UserName,
        /// The name.
        name: UserName,
    },
    /// A session has ended, and its name is free if its user has no other session. If it had a connection, an
    /// [`Action::Close`](super::Action::Close) follows when everything is written, unless the driver itself reported
    /// that the connection is gone.
    #[non_exhaustive]
    SessionEnded {
        /// The session. The hub does not know it any more.
        session: SessionId,
        /// The name.
        name: UserName,
        /// Where its connections came from, as the driver has told
        /// ([`Registration::with_origin`](crate::Registration::with_origin)).
        origin: QuotaKey,
        /// Why the session ended.
        reason: CloseReason,
    },
    /// A room has its first member.
    #[non_exhaustive]
    RoomOpened {
        /// The room.
        room: RoomName,
    },
    /// A room has lost its last member.
    #[non_exhaustive]
    RoomClosed {
        /// The room.
        room: RoomName,
    },
    /// A user has come into a room, with all its sessions. Only for a program that
    /// [asks for it](super::Hub::with_room_events).
    #[non_exhaustive]
    RoomJoined {
        /// The room.
        room: RoomName,
        /// The name.
        name: UserName,
    },
    /// A user has gone out of a room, with all its sessions: it has left, or its last session has ended. Likewise.
    #[non_exhaustive]
    RoomLeft {
        /// The room.
        room: RoomName,
        /// The name.
        name: UserName,
        /// Why, as the members are told.
        code: LeaveCode,
    },
}

/// Why a connection or a session ended. `Display` gives a sentence for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CloseReason {
    /// The client said goodbye.
    #[error("goodbye")]
    Left,
    /// The transport broke.
    #[error("the connection broke")]
    Disconnected,
    /// The client was silent for longer than [`Limits::idle_time_max`](crate::Limits::idle_time_max). Or it was silent
    /// for [`Limits::stall_time_max`](crate::Limits::stall_time_max) while frames waited for its acknowledgement.
    #[error("nothing was heard from the client for too long")]
    TimedOut,
    /// Another client asked for the name, and the client was silent for
    /// [`Limits::probe_time_max`](crate::Limits::probe_time_max) after that.
    #[error("somebody asked for the name, and the client did not answer in time")]
    Unanswered,
    /// The client left too much unacknowledged, or acknowledged nothing for
    /// [`Limits::stall_time_max`](crate::Limits::stall_time_max) although it sent other frames.
    #[error("the client did not keep up with what it was sent")]
    SlowConsumer,
    /// The hub needed the memory that it kept for the client (protocol.md, *Bounds*).
    #[error("the client left too much unread while the server was short of memory")]
    Evicted,
    /// Another connection goes on with the session.
    #[error("another connection resumed the session")]
    TakenOver,
    /// The connection broke, and no other connection resumed the session within
    /// [`Limits::resume_time_max`](crate::Limits::resume_time_max).
    #[error("the session was not resumed in time")]
    Expired,
    /// The session was detached, and gave up its place to one that lost its connection later: there were as many
    /// detached sessions as the hub allows, in all ([`Limits::detached_max`](crate::Limits::detached_max)) or of its
    /// origin ([`Limits::detached_of_origin_max`](crate::Limits::detached_of_origin_max)).
    #[error("too many sessions waited for their clients, and the time of this one was over first")]
    Displaced,
    /// The hub is stopping.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// An operator ended the session ([`Hub::kick`](super::Hub::kick)).
    #[error("an operator ended the session")]
    Kicked,
    /// The client broke the protocol.
    #[error("protocol error: {0}")]
    ProtocolError(ProtocolError),
    /// The client reports that this hub broke the protocol.
    #[error("the client reports a protocol error: {0}")]
    ReportedByPeer(ErrorCode),
}

impl CloseReason {
    /// The reason as a peer is told it.
    pub(super) fn detail(self) -> String {
        match self {
            Self::ProtocolError(error) => error.to_string(),
            reason => reason.to_string(),
        }
    }

    /// The last message to the peer. None if nobody is there to read it.
    pub(super) fn final_message<'a>(
        self,
        detail: &'a str,
        reconnect: Option<ReconnectHint<'a>>,
    ) -> Option<HubMessage<'a>> {
        let detail = cut_detail(detail);
        let code = match self {
            Self::Left => GoodbyeCode::Left,
            Self::TimedOut | Self::Unanswered => GoodbyeCode::TimedOut,
            Self::SlowConsumer | Self::Evicted => GoodbyeCode::SlowConsumer,
            Self::ShuttingDown => GoodbyeCode::ShuttingDown,
            Self::Kicked => GoodbyeCode::Kicked,
            Self::TakenOver => GoodbyeCode::TakenOver,
            Self::ProtocolError(error) => return Some(HubMessage::Error(ErrorMessage { code: error.code(), detail })),
            Self::ReportedByPeer(_) | Self::Disconnected | Self::Expired | Self::Displaced => return None,
        };
        Some(HubMessage::Goodbye(Goodbye { code, detail, reconnect }))
    }

    /// How the end of a session looks to those in its rooms.
    pub(super) const fn leave_code(self) -> LeaveCode {
        match self {
            Self::Disconnected | Self::TimedOut | Self::Unanswered | Self::Expired | Self::Displaced => {
                LeaveCode::TimedOut
            }
            _ => LeaveCode::Quit,
        }
    }
}
