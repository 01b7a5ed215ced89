//! What a program asks for.

use super::pending::{Answer, PENDING_MAX};
use super::{Client, ClientError, Closed};
use crate::limits::CREDENTIAL_BYTES_MAX;
use crate::name::{ROOM_SIGN, SPELLING_BYTES_MAX};
use crate::redacted::Credential;
use crate::time::Instant;
use crate::transition::State;
use crate::wire::{Announced, ClientMessage, Join, Leave, OVERHEAD_BYTES_MAX, Roster, Send, Unwatch, Watch, Who};

impl Client {
    /// Asks for a name. [`Event::Registered`](super::Event::Registered) or [`Event::Refused`](super::Event::Refused)
    /// answers; after the latter this may be called again. Without a connection, the name is asked for when there is
    /// one: after a session was lost, this replaces the name that would be asked for again. The credential is for hubs
    /// that ask for one; empty otherwise.
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`] after [`close`](Self::close) or when the connection is over for good,
    /// [`ClientError::Registered`] if a name was asked for before and not refused, [`ClientError::NameTooLong`] or
    /// [`ClientError::CredentialTooLong`]. Nothing is sent then.
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

    /// Sends a message to a user, or to a room that we are in. Returns its number, which comes back with
    /// [`Event::Accepted`](super::Event::Accepted) or [`Event::Rejected`](super::Event::Rejected); numbers rise. A body
    /// may have as many bytes as the hub announced.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotRegistered`] before there is a session, [`ClientError::Closed`] after [`close`](Self::close)
    /// or when the connection is over for good, [`ClientError::NameTooLong`], [`ClientError::BodyTooLong`] if the body
    /// is longer than the hub allows; [`ClientError::OutboxFull`] and [`ClientError::TooManyPending`] while too much
    /// waits for the hub, which passes ([`ClientError::passes`]). Nothing is sent then.
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

    /// Asks for a page of who is online: zero for the first, then what [`Event::Online`](super::Event::Online) gave as
    /// next. Returns the request's number, which comes back with the answer.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotRegistered`] before there is a session, [`ClientError::Closed`] after [`close`](Self::close)
    /// or when the connection is over for good; [`ClientError::OutboxFull`] and [`ClientError::TooManyPending`] while
    /// too much waits for the hub, which passes.
    pub fn who(&mut self, now: Instant, cursor: u64) -> Result<u64, ClientError> {
        self.clock(now);
        self.registered()?;
        self.request(&ClientMessage::Who(Who { cursor }), 0)
    }

    /// Asks to be let into a room; `#` is part of its name. [`Event::Done`](super::Event::Done) or
    /// [`Event::Rejected`](super::Event::Rejected) answers. From then on the room's messages come, but for those that
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

    /// Leaves a room. [`Event::Done`](super::Event::Done) or [`Event::Rejected`](super::Event::Rejected) answers.
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

    /// Asks for a page of who is in a room that we are in: zero for the first, then what
    /// [`Event::Members`](super::Event::Members) gave as next.
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

    /// Asks to be told when users come and go, in addition to those watched already. An
    /// [`Event::Presence`](super::Event::Presence) for each comes first and then [`Event::Done`](super::Event::Done);
    /// or [`Event::Rejected`](super::Event::Rejected), and then none of them is watched.
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

    /// Takes that back for some names. [`Event::Done`](super::Event::Done) answers.
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

    /// Ends the session: says goodbye after everything sent before. What is taken by now is acknowledged. Of the rest, the
    /// hub tells the senders what may have arrived and what has not, unless they sent it to a room.
    ///
    /// [`Event::Closed`](super::Event::Closed) follows when the hub has answered, after the flush time at the latest;
    /// at once if there is no connection at present, and then the hub finds out when the session is not resumed.
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
        if self.ack_due().is_some() {
            self.acknowledge();
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
