//! What a program asks for.

use super::event::{ClientError, Closed};
use super::parts::Client;
use super::pending::{Answer, PENDING_MAX};
use crate::name::{ROOM_SIGN, SPELLING_BYTES_MAX};
use crate::redacted::Credential;
use crate::time::Instant;
use crate::transition::State;
use crate::wire::{
    Announced, CREDENTIAL_BYTES_MAX, ClientMessage, Join, Leave, OVERHEAD_BYTES_MAX, Roster, Send, Subscriptions,
    Unwatch, Watch, Who,
};

impl Client {
    /// Asks for a name (protocol.md, *register*). [`Event::Registered`](super::Event::Registered) or
    /// [`Event::Refused`](super::Event::Refused) answers. After a refusal, the program may call this again. Without a
    /// connection, the client asks when there is one. The credential is for hubs that want one; otherwise it is empty.
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`] after [`close`](Self::close) or when the client has ended, [`ClientError::Registered`]
    /// if there is a session or a registration waits for its answer, [`ClientError::NameTooLong`] or
    /// [`ClientError::CredentialTooLong`]. The client sends nothing then.
    pub fn register(&mut self, now: Instant, name: &str, credential: &[u8]) -> Result<(), ClientError> {
        self.clock(now);
        match self.state {
            State::Closed => return Err(ClientError::Closed),
            _ if self.closing => return Err(ClientError::Closed),
            State::Unregistered if self.ticket.is_none() => {}
            _ => return Err(ClientError::Registered),
        }
        check_name(name)?;
        let (bytes, bytes_max) = (credential.len(), CREDENTIAL_BYTES_MAX);
        if bytes > bytes_max {
            return Err(ClientError::CredentialTooLong { bytes, bytes_max });
        }
        self.asked = Some((name.into(), Credential::new(credential)));
        if self.transport.is_online() {
            self.ask();
        }
        Ok(())
    }

    /// Sends a message to a user, or to a room that we are in (protocol.md, *send*). `to` is a spelling: a user's name,
    /// or a room's with its `#`. `body` is opaque, and may have
    /// [`body_bytes_max`](crate::wire::Announced::body_bytes_max) bytes.
    ///
    /// Returns the number of the request. [`Event::Accepted`](super::Event::Accepted) or
    /// [`Event::Rejected`](super::Event::Rejected) answers, with this number. Numbers rise, and no two requests of a
    /// client have the same.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotRegistered`] before there is a session, [`ClientError::Closed`] after [`close`](Self::close)
    /// or when the client has ended, [`ClientError::NameTooLong`], and [`ClientError::BodyTooLong`] if the body is
    /// longer than the hub allows. [`ClientError::OutboxFull`] and [`ClientError::TooManyPending`] while too much waits
    /// for the hub: these pass ([`ClientError::passes`]). The client sends nothing then.
    pub fn send(&mut self, now: Instant, to: &str, body: &[u8]) -> Result<u64, ClientError> {
        self.clock(now);
        let limits = self.registered()?;
        check_name(to)?;
        // Whatever the hub announces, a frame stays within our own limit.
        let own_max = self.config.frame_bytes_max.saturating_sub(OVERHEAD_BYTES_MAX);
        let (bytes, bytes_max) = (body.len(), limits.body_bytes_max.min(own_max) as usize);
        if bytes > bytes_max {
            return Err(ClientError::BodyTooLong { bytes, bytes_max });
        }
        self.request(&ClientMessage::Send(Send { to, body }), bytes)
    }

    /// Asks for a page of the users who are online (protocol.md, *who and online*). The cursor is 0 for the first page,
    /// and for each further page the `next` of the page before. [`Event::Online`](super::Event::Online) answers, with
    /// the number that this returns.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), but for the name and the body.
    pub fn who(&mut self, now: Instant, cursor: u64) -> Result<u64, ClientError> {
        self.clock(now);
        self.registered()?;
        self.request(&ClientMessage::Who(Who { cursor }), 0)
    }

    /// Joins a room (protocol.md, *Rooms*). `room` is a spelling of its name, with its `#`. The hub makes the room if
    /// it is not there. [`Event::Done`](super::Event::Done) or [`Event::Rejected`](super::Event::Rejected) answers,
    /// with the number that this returns. After that, the messages of the other members come, except those that
    /// [`Event::Missed`](super::Event::Missed) counts.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), but for the body.
    pub fn join(&mut self, now: Instant, room: &str) -> Result<u64, ClientError> {
        self.clock(now);
        self.registered()?;
        check_name(room)?;
        self.request(&ClientMessage::Join(Join { room }), 0)
    }

    /// Leaves a room. [`Event::Done`](super::Event::Done) or [`Event::Rejected`](super::Event::Rejected) answers, with
    /// the number that this returns.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), but for the body.
    pub fn leave(&mut self, now: Instant, room: &str) -> Result<u64, ClientError> {
        self.clock(now);
        self.registered()?;
        check_name(room)?;
        self.request(&ClientMessage::Leave(Leave { room }), 0)
    }

    /// Asks for a page of the members of a room that we are in (protocol.md, *roster and members*). The cursor is as in
    /// [`who`](Self::who). [`Event::Members`](super::Event::Members) or [`Event::Rejected`](super::Event::Rejected)
    /// answers, with the number that this returns.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), but for the body.
    pub fn roster(&mut self, now: Instant, room: &str, cursor: u64) -> Result<u64, ClientError> {
        self.clock(now);
        self.registered()?;
        check_name(room)?;
        self.request(&ClientMessage::Roster(Roster { room, cursor }), 0)
    }

    /// Watches users, in addition to those that we watch already (protocol.md, *Presence*). The hub answers with an
    /// [`Event::Presence`](super::Event::Presence) for each, which tells the present state, and then with
    /// [`Event::Done`](super::Event::Done), which has the number that this returns. After that, an
    /// [`Event::Presence`](super::Event::Presence) tells each change. Or the hub answers with
    /// [`Event::Rejected`](super::Event::Rejected), and watches none of them.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), but for the body; and [`ClientError::TooManyNames`] if the list is longer than the hub
    /// allows.
    pub fn watch(&mut self, now: Instant, names: &[&str]) -> Result<u64, ClientError> {
        self.clock(now);
        let bytes = self.check_names(names)?;
        self.request(&ClientMessage::Watch(Watch { names: names.to_vec() }), bytes)
    }

    /// Ends the watching of users. [`Event::Done`](super::Event::Done) answers, with the number that this returns. It
    /// is no error if we do not watch a user.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), but for the body; and [`ClientError::TooManyNames`] if the list is longer than the hub
    /// allows.
    pub fn unwatch(&mut self, now: Instant, names: &[&str]) -> Result<u64, ClientError> {
        self.clock(now);
        let bytes = self.check_names(names)?;
        self.request(&ClientMessage::Unwatch(Unwatch { names: names.to_vec() }), bytes)
    }

    /// Asks for a page of the rooms that we are in and the users that we watch (protocol.md, *subscriptions and
    /// subscribed*). The cursor is as in [`who`](Self::who). [`Event::Subscribed`](super::Event::Subscribed) answers,
    /// with the number that this returns.
    ///
    /// A program that was started again with its [`ticket`](Self::ticket) calls this after
    /// [`Event::Resumed`](super::Event::Resumed): it has forgotten what it is subscribed to, and the hub has not. The
    /// members of each room are had with [`roster`](Self::roster) then, and the state of each user with
    /// [`watch`](Self::watch).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), but for the name and the body.
    pub fn subscriptions(&mut self, now: Instant, cursor: u64) -> Result<u64, ClientError> {
        self.clock(now);
        self.registered()?;
        self.request(&ClientMessage::Subscriptions(Subscriptions { cursor }), 0)
    }

    /// Ends the session: the client acknowledges what the program has taken, and says goodbye after everything that it
    /// sent before (protocol.md, *goodbye*). The hub reports to other users which of their messages we have not
    /// acknowledged.
    ///
    /// [`Event::Closed`](super::Event::Closed) follows when the hub has answered, and after
    /// [`ClientConfig::flush_time_max`](super::ClientConfig::flush_time_max) at the latest. Without a connection, it
    /// follows at once; then the hub ends the session when its resume time is over.
    pub fn close(&mut self, now: Instant) {
        self.clock(now);
        if self.state == State::Closed || self.closing {
            return;
        }
        if !self.transport.is_online() {
            return self.end(Closed::Left);
        }
        self.flush_ack();
        self.closing = true;
        self.answer_by = Some(self.now + self.config.flush_time_max);
        if self.state != State::Resuming {
            self.say_goodbye();
        }
        if self.state == State::Unregistered {
            self.end(Closed::Left);
        }
    }

    // ---- inside ----

    /// The hub's limits, if there is a session. It need not be connected.
    fn registered(&self) -> Result<Announced, ClientError> {
        if self.closing || self.state == State::Closed {
            return Err(ClientError::Closed);
        }
        self.limits.ok_or(ClientError::NotRegistered)
    }

    fn request(&mut self, message: &ClientMessage<'_>, body_bytes: usize) -> Result<u64, ClientError> {
        let bytes_max = self.config.outbox_bytes_max;
        if self.outbox.kept_bytes() > 0 && !self.outbox.has_room(body_bytes, bytes_max) {
            return Err(ClientError::OutboxFull { bytes_max });
        }
        if self.pending.is_full() {
            return Err(ClientError::TooManyPending { requests_max: PENDING_MAX });
        }
        // What waits for company goes ahead of it: then the hub lets go of what we have before it has to keep more.
        self.flush_ack();
        if self.pending.is_empty() {
            self.asked_at = self.now;
        }
        self.pending.push(Answer::to(message));
        Ok(self.numbers_before + self.outbox.push(message, &mut self.pool))
    }

    /// How many bytes a list of names takes, at the most, if it is no longer than the hub takes.
    fn check_names(&self, names: &[&str]) -> Result<usize, ClientError> {
        const LENGTH_BYTES_MAX: usize = 3;
        let limits = self.registered()?;
        names.iter().try_for_each(|name| check_name(name))?;
        let bytes = names.iter().map(|name| name.len() + LENGTH_BYTES_MAX).sum::<usize>();
        let names_max = limits.watches_max as usize;
        if names.len() > names_max || bytes > limits.frame_bytes_max.saturating_sub(OVERHEAD_BYTES_MAX) as usize {
            return Err(ClientError::TooManyNames { names: names.len(), names_max });
        }
        Ok(bytes)
    }
}

fn check_name(name: &str) -> Result<(), ClientError> {
    let name = name.strip_prefix(ROOM_SIGN).unwrap_or(name);
    let (bytes, bytes_max) = (name.len(), SPELLING_BYTES_MAX);
    if bytes > bytes_max { Err(ClientError::NameTooLong { bytes, bytes_max }) } else { Ok(()) }
}
