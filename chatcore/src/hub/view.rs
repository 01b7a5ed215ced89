//! What a hub tells about itself: users, sessions, rooms, and what they take.

use super::conn::ConnState;
use super::conn_id::ConnId;
use super::counters::Counters;
use super::ordered::{Attachment, Memory};
use super::parts::Hub;
use super::session_id::SessionId;
use crate::limits::Limits;
use crate::name::{RoomName, UserName};

/// The lists are read as they are: they allocate nothing, and come in no order that means anything.
impl Hub {
    /// The limits of the hub: those that it was made with, or that [`set_limits`](Self::set_limits) gave it since.
    pub const fn limits(&self) -> &Limits {
        &self.ordered.sessions().limits
    }

    /// How many bytes the hub keeps for its peers at present, by kind. The call is cheap: it reads counters.
    pub fn memory(&self) -> Memory {
        self.ordered.sessions().memory()
    }

    /// What the hub has done since it was made, in numbers. The call is cheap: it reads counters.
    pub const fn counters(&self) -> &Counters {
        &self.ordered.sessions().counters
    }

    // ---- how many there are ----

    /// How many users there are. Each has a name, and at least one session.
    pub fn users(&self) -> usize {
        self.ordered.sessions().users()
    }

    /// How many sessions there are, attached or detached.
    pub fn sessions(&self) -> usize {
        self.ordered.sessions().len()
    }

    /// How many rooms there are. Each has at least one member.
    pub fn rooms(&self) -> usize {
        self.ordered.rooms().len()
    }

    /// How many connections the hub knows: those of sessions, and closing ones until their
    /// [`Action::Close`](crate::Action::Close).
    pub fn connections(&self) -> usize {
        self.ordered.sessions().conns().len()
    }

    // ---- connections, sessions, users ----

    /// The name of the user on a connection; none if the connection is closing or unknown.
    pub fn name(&self, conn: ConnId) -> Option<&UserName> {
        self.open_session(conn).map(|index| &self.ordered.sessions()[index].name)
    }

    /// Whether the peer of a connection is still to be told what became of something that it has asked: an answer waits
    /// for others to go with it, or the program has not decided ([`with_asking`](Self::with_asking)). A driver whose
    /// peer has ended its direction goes on with the connection until this is false and [`transmit`](Self::transmit)
    /// gives nothing more, and calls [`disconnect`](Self::disconnect) then.
    ///
    /// ```
    /// use chatcore::{Hub, Instant, Limits};
    /// # use chatcore::{Client, ClientConfig, Handshake};
    ///
    /// # let now = Instant::ZERO;
    /// let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// # let mut client = Client::new(now, ClientConfig::default(), 7);
    /// # client.register(now, "alice", b"")?;
    /// # let arrived = client.transmit().concat();
    /// # client.transmitted(now, arrived.len());
    /// # let registration = Handshake::new(now, hub.limits()).receive(now, &mut &arrived[..])?.expect("it is whole");
    /// # let conn = hub.admit(now, registration)?;
    /// # let _ = client.receive(now, &mut &hub.transmit(conn).concat()[..]);
    /// # while client.poll_event().is_some() {}
    /// # client.send(now, "alice", b"a note")?;
    /// # let arrived = client.transmit().concat();
    /// let _ = hub.receive(now, conn, &mut &arrived[..])?; // a message
    /// assert!(hub.owes_answers(conn), "that it is accepted is told when the actions are drained");
    /// while hub.poll_action().is_some() {}
    /// assert!(!hub.owes_answers(conn), "it is among what is to be written");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn owes_answers(&self, conn: ConnId) -> bool {
        self.open_session(conn).is_some_and(|index| {
            let session = &self.ordered.sessions()[index];
            session.replies_queued || !session.waiting().is_empty()
        })
    }

    /// The session on a connection; none if the connection is closing or unknown.
    pub fn session_on(&self, conn: ConnId) -> Option<SessionId> {
        self.open_session(conn).map(|index| self.ordered.sessions().id_of(index))
    }

    fn open_session(&self, conn: ConnId) -> Option<usize> {
        match self.ordered.sessions().conn_state(conn) {
            Ok(ConnState::Open(session)) => Some(*session),
            _ => None,
        }
    }

    /// The connection of a session; none if it is detached or has ended.
    pub fn conn_of(&self, session: SessionId) -> Option<ConnId> {
        let sessions = self.ordered.sessions();
        match sessions[sessions.by_id(session)?].attachment {
            Attachment::Attached(conn) => Some(conn),
            Attachment::Detached { .. } => None,
        }
    }

    /// The name of a session's user; none if the session has ended.
    pub fn user_of(&self, session: SessionId) -> Option<&UserName> {
        let sessions = self.ordered.sessions();
        sessions.by_id(session).map(|index| &sessions[index].name)
    }

    /// Whether a session waits for a resume. False if it has ended.
    pub fn is_detached(&self, session: SessionId) -> bool {
        let sessions = self.ordered.sessions();
        sessions.by_id(session).is_some_and(|index| sessions[index].is_detached())
    }

    // ---- lists ----

    /// The sessions of a user, the oldest first; none if nobody has the name.
    pub fn sessions_of(&self, name: &UserName) -> impl Iterator<Item = SessionId> + '_ {
        let sessions = self.ordered.sessions();
        let oldest = sessions.find(name.as_bytes()).into_iter();
        oldest.flat_map(|oldest| sessions.ring(oldest)).map(|index| sessions.id_of(index))
    }

    /// The names of all users.
    pub fn user_names(&self) -> impl Iterator<Item = &UserName> {
        let sessions = self.ordered.sessions();
        let oldest = sessions.iter().filter(|(index, _)| sessions.is_oldest(*index));
        oldest.map(|(_, session)| &session.name)
    }

    /// The names of all rooms, each with its `#`.
    pub fn room_names(&self) -> impl Iterator<Item = &str> {
        self.ordered.rooms().names()
    }

    /// The names of the users in a room; none if there is no such room.
    pub fn members_of(&self, room: &RoomName) -> impl Iterator<Item = &UserName> {
        let (sessions, rooms) = (self.ordered.sessions(), self.ordered.rooms());
        let group = rooms.find_mapped(room).into_iter();
        let members = group.flat_map(|group| rooms.all_members(group));
        // All sessions of a user are in the room.
        members.filter(|member| sessions.is_oldest(*member)).map(|member| &sessions[member].name)
    }

    /// The names of the rooms that a user is in, each with its `#`; none if nobody has the name.
    pub fn rooms_of(&self, name: &UserName) -> impl Iterator<Item = &str> {
        let (sessions, rooms) = (self.ordered.sessions(), self.ordered.rooms());
        let oldest = sessions.find(name.as_bytes()).into_iter();
        let memberships = oldest.flat_map(|index| &sessions[index].details.rooms);
        memberships.map(|membership| rooms.name(membership.slot.group()))
    }
}
