//! What the program does by itself: it says something, puts users into rooms and takes them out, ends sessions, and
//! keeps users away.

use super::event::CloseReason;
use super::parts::Hub;
use super::session_id::SessionId;
use super::work::Budget;
use crate::handshake::{Denial, Refusal};
use crate::limits_error::LimitsError;
use crate::name::{RoomName, UserName};
use crate::time::Instant;
use crate::user_limits::UserLimits;
use crate::wire::{MessageId, RejectCode};

/// For whom [`Hub::say`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience<'a> {
    /// All sessions of a user.
    User(&'a UserName),
    /// All members of a room.
    Room(&'a RoomName),
    /// All users: each session that there is when it is said, detached ones included. A session that begins later does
    /// not get it. It goes out in slices, as a message to a large room does.
    All,
}

/// Why [`Hub::set_user_limits`] sets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserLimitsError {
    /// Nobody has the name.
    #[error("nobody has the name: a user has limits of its own while it has a session")]
    NoSuchUser,
    /// The limits cannot be.
    #[error(transparent)]
    Limits(#[from] LimitsError),
}

/// The program's own commands. They are inputs like any other: drain the actions afterwards.
impl Hub {
    /// Says something in the name of the program. Reserve the name ([`with_reserved`](Self::with_reserved)), so that
    /// nobody else gets it: the hub does not do that by itself. The message has an id like any other; its recipients
    /// acknowledge it, and nobody is told if one does not. What users write to this name is rejected with
    /// `no_such_user`; a program that wants to hear it [asks about sends](Self::with_asking).
    ///
    /// Who gets several of the program's messages gets them in the order in which they were said, whether they are for
    /// the user, for a room or for all. What is said to all is on its way for some time. A [`kick`](Self::kick) and a
    /// [`shut_down`](Self::shut_down) do not overtake it.
    ///
    /// A message to a user is for all its sessions or for none. One to a room or to all leaves out a session that has
    /// no room for it, or whose client takes none so long: a member is told that it missed something, and
    /// [`Counters::missed_announcements`](crate::Counters::missed_announcements) counts those left out of a message to
    /// all.
    ///
    /// ```
    /// use chatcore::{Audience, Hub, Instant, Limits, RejectCode, UserName};
    ///
    /// let server: UserName = "server".parse()?;
    /// let bob: UserName = "bob".parse()?;
    /// let mut hub = Hub::new(Limits::default(), [7; 32]).with_reserved([server.clone()]);
    /// let said = hub.say(Instant::ZERO, &server, Audience::User(&bob), b"welcome");
    /// assert_eq!(said, Err(RejectCode::NoSuchUser));
    /// assert!(hub.say(Instant::ZERO, &server, Audience::All, b"closing in five minutes").is_ok());
    /// # Ok::<(), chatcore::NameError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`RejectCode::NoSuchUser`], or [`RejectCode::NotAMember`] if there is no such room;
    /// - [`RejectCode::RecipientFull`] if a session of the user has no room for it: then none gets it;
    /// - [`RejectCode::BodyTooLong`];
    /// - [`RejectCode::InvalidName`] if a user has the name in which it is said;
    /// - [`RejectCode::Unavailable`] if much is on its way: drain the actions, and try again. Of messages to all there
    ///   may be [`ANNOUNCEMENTS_MAX`](crate::ANNOUNCEMENTS_MAX) on their way. A hub that stops takes none.
    pub fn say(
        &mut self,
        now: Instant,
        from: &UserName,
        to: Audience<'_>,
        body: &[u8],
    ) -> Result<MessageId, RejectCode> {
        self.clock(now);
        let mut budget = Budget::of_command();
        let said = self.try_to_say(from, to, body, &mut budget);
        self.note_work(budget.work());
        said
    }

    fn try_to_say(
        &mut self,
        from: &UserName,
        to: Audience<'_>,
        body: &[u8],
        budget: &mut Budget,
    ) -> Result<MessageId, RejectCode> {
        let sessions = self.ordered.sessions();
        if sessions.find(from.as_bytes()).is_some() {
            return Err(RejectCode::InvalidName);
        }
        if body.len() > sessions.limits.body_bytes_max as usize {
            return Err(RejectCode::BodyTooLong);
        }
        match to {
            Audience::User(name) => {
                let index = sessions.find(name.as_bytes()).ok_or(RejectCode::NoSuchUser)?;
                let to = self.ordered.listener(index, budget).ok_or(RejectCode::Unavailable)?;
                self.delivery.announce_to_user(to, from, body)
            }
            Audience::Room(room) => {
                let index = self.ordered.rooms().find_mapped(room).ok_or(RejectCode::NotAMember)?;
                let fanout = self.ordered.pending_fanout(budget).ok_or(RejectCode::Unavailable)?;
                Ok(self.delivery.announce_to_room(fanout, from, index, body))
            }
            Audience::All if self.ordered.may_announce() => {
                let id = self.delivery.announce_to_all(&mut self.ordered, from, body);
                self.note_seldom_pending();
                Ok(id)
            }
            Audience::All => Err(RejectCode::Unavailable),
        }
    }

    /// Puts a user into a room, with all its sessions, as if it had joined. They are told with a joined of their own
    /// name. Nothing happens if it is in the room.
    ///
    /// # Errors
    ///
    /// As a join is rejected; [`RejectCode::NoSuchUser`]; and [`RejectCode::Unavailable`] if much is on its way: drain
    /// the actions, and try again.
    pub fn put_into_room(&mut self, now: Instant, user: &UserName, room: &RoomName) -> Result<(), RejectCode> {
        self.clock(now);
        let index = self.ordered.sessions().find(user.as_bytes()).ok_or(RejectCode::NoSuchUser)?;
        let mut budget = Budget::of_command();
        let membership = self.ordered.membership(index, &mut budget).ok_or(RejectCode::Unavailable)?;
        membership.put_in(room.as_str())
    }

    /// Takes a user out of a room, with all its sessions, as if it had left. They are told with a left of their own
    /// name.
    ///
    /// # Errors
    ///
    /// [`RejectCode::NoSuchUser`]; [`RejectCode::NotAMember`]; and [`RejectCode::Unavailable`] if much is on its way:
    /// drain the actions, and try again.
    pub fn take_out_of_room(&mut self, now: Instant, user: &UserName, room: &RoomName) -> Result<(), RejectCode> {
        self.clock(now);
        let index = self.ordered.sessions().find(user.as_bytes()).ok_or(RejectCode::NoSuchUser)?;
        let mut budget = Budget::of_command();
        let membership = self.ordered.membership(index, &mut budget).ok_or(RejectCode::Unavailable)?;
        membership.take_out(room.as_str())
    }

    /// Ends all sessions of a user, with the goodbye [`GoodbyeCode::Kicked`](crate::GoodbyeCode::Kicked) for those that
    /// are attached. Returns false if nobody has the name.
    pub fn kick(&mut self, now: Instant, name: &UserName) -> bool {
        self.kick_because(now, name, "an operator ended the session")
    }

    /// As [`kick`](Self::kick), and the goodbye says why: at most [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes
    /// of it.
    pub fn kick_because(&mut self, now: Instant, name: &UserName, why: &str) -> bool {
        self.clock(now);
        let mut is_found = false;
        while let Some(index) = self.ordered.sessions().find(name.as_bytes()) {
            let said = self.ordered.give_announced(index);
            let work = said + self.end_with_words(index, CloseReason::Kicked, Some(why), None);
            self.note_work(work);
            is_found = true;
        }
        is_found
    }

    /// Keeps a user away: ends its sessions, and refuses registrations for the name, or for one that looks like it,
    /// with [`Refusal::Custom`] from now on. The hub keeps this until [`unban`](Self::unban); it bounds not how many
    /// names are banned.
    pub fn ban(&mut self, now: Instant, name: &UserName, denial: Denial) {
        self.kick_because(now, name, denial.reason());
        self.banned.insert(name.confusable_key().into_owned(), denial);
    }

    /// Lets a user in again. Returns false if it was not banned.
    pub fn unban(&mut self, name: &UserName) -> bool {
        self.banned.remove(&*name.confusable_key()).is_some()
    }

    /// Why a name is refused that is banned.
    pub(super) fn ban_of(&self, key: &str) -> Option<Refusal> {
        self.banned.get(key).cloned().map(Refusal::Custom)
    }

    // ---- limits of one user ----

    /// Gives a user limits of its own, in place of those of the hub: to an administrator or a bot more, to somebody who
    /// is on probation less. They hold at once, for all its sessions, until its last session ends or the next call.
    /// Default ones ([`UserLimits::default`]) let the hub's limits hold again.
    ///
    /// A client was told the limits in its welcome, and learns of others with its next resume. So a program that knows
    /// a client's limits when it decides about its registration gives them there:
    /// [`Registration::with_limits`](crate::Registration::with_limits). Who is in more rooms, watches more names or has
    /// more sessions than it may keeps them, and gets no more. A connection that is paused stays so until the time that
    /// the driver was told.
    ///
    /// A user without limits of its own takes no memory for them.
    ///
    /// ```
    /// use chatcore::{Hub, Instant, Limits, LimitsError, Rate, UserLimits, UserLimitsError};
    /// # use chatcore::{Client, ClientConfig, Handshake, UserName};
    ///
    /// # let now = Instant::ZERO;
    /// # let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// # let mut client = Client::new(now, ClientConfig::default(), 7);
    /// # client.register(now, "bot", b"")?;
    /// # let arrived = client.transmit().concat();
    /// # let registration = Handshake::new(now, hub.limits()).receive(now, &mut &arrived[..])?.expect("it is whole");
    /// # hub.admit(now, registration)?;
    /// # let (bot, nobody): (UserName, UserName) = ("bot".parse()?, "nobody".parse()?);
    /// let busy = UserLimits::default().with_rooms_of_user_max(1_000).with_session_rate(Rate { per_s: 200_000, burst: 400_000 });
    /// hub.set_user_limits(now, &bot, busy)?;
    /// assert_eq!(hub.user_limits(&bot), Some(busy));
    ///
    /// let stuck = busy.with_session_rate(Rate { per_s: 1, burst: 0 });
    /// let error = hub.set_user_limits(now, &bot, stuck).unwrap_err();
    /// assert_eq!(error, UserLimitsError::Limits(LimitsError::NoBurst { name: "session_rate" }));
    /// assert_eq!(hub.set_user_limits(now, &nobody, busy), Err(UserLimitsError::NoSuchUser));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`UserLimitsError::Limits`] if the limits cannot be, as [`UserLimits::check`] tells, and
    /// [`UserLimitsError::NoSuchUser`]. Then nothing has changed.
    pub fn set_user_limits(
        &mut self,
        now: Instant,
        name: &UserName,
        limits: UserLimits,
    ) -> Result<(), UserLimitsError> {
        self.clock(now);
        limits.check()?;
        let (sessions, _) = self.ordered.unordered();
        let oldest = sessions.find(name.as_bytes()).ok_or(UserLimitsError::NoSuchUser)?;
        sessions.set_user_limits(oldest, limits);
        Ok(())
    }

    /// The limits of a user's own; none if it has none, or if nobody has the name.
    pub fn user_limits(&self, name: &UserName) -> Option<UserLimits> {
        let sessions = self.ordered.sessions();
        sessions.find(name.as_bytes()).and_then(|oldest| sessions.user_limits(oldest))
    }

    // ---- what the program remembers of users and sessions ----

    /// Keeps a number of the program's own with a session, such as an index of its own table: 0 if none was set.
    /// Returns false if the session has ended. A session without such a number takes no memory for it.
    pub fn set_session_value(&mut self, session: SessionId, value: u64) -> bool {
        let (sessions, _) = self.ordered.unordered();
        let index = sessions.by_id(session);
        if let Some(index) = index {
            sessions[index].set_value(value);
        }
        index.is_some()
    }

    /// The number that [`set_session_value`](Self::set_session_value) has set; 0 if none was, or the session has ended.
    pub fn session_value(&self, session: SessionId) -> u64 {
        let sessions = self.ordered.sessions();
        sessions.by_id(session).map_or(0, |index| sessions[index].value())
    }

    /// As [`set_session_value`](Self::set_session_value), with a user. It is kept until the user's last session ends.
    /// Returns false if nobody has the name.
    pub fn set_user_value(&mut self, name: &UserName, value: u64) -> bool {
        let (sessions, _) = self.ordered.unordered();
        let oldest = sessions.find(name.as_bytes());
        if let Some(oldest) = oldest {
            sessions[oldest].set_user_value(value);
            sessions.siblings_mut(oldest, |sibling| sibling.set_user_value(value));
        }
        oldest.is_some()
    }

    /// The number that [`set_user_value`](Self::set_user_value) has set; 0 if none was, or nobody has the name.
    pub fn user_value(&self, name: &UserName) -> u64 {
        let sessions = self.ordered.sessions();
        sessions.find(name.as_bytes()).map_or(0, |index| sessions[index].user_value())
    }
}
