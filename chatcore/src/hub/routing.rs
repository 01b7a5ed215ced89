//! What a session's messages do: to itself, and to others.

use core::mem;

use super::Hub;
use super::event::CloseReason;
use super::session::{Place, Run};
use crate::name::{self, ROOM_SIGN, UserName};
use crate::outbox::{Outbox, Pool};
use crate::time::Instant;
use crate::transition::{self, State};
use crate::wire::{
    self, Ack, ClientMessage, Content, Done, Fault, Head, HubMessage, Kind, Message, MessageId, OVERHEAD_BYTES_MAX,
    Online, Ping, Pong, RejectCode, Rejected, Send, Who,
};

impl Hub {
    /// Takes a frame from a session.
    #[inline]
    pub(super) fn handle(&mut self, index: usize, content: Content<'_>) -> Result<(), Fault> {
        // Nearly all that comes is one of these two, and the way through all messages costs more than they do.
        match content.kind {
            Kind::SEND => self.take_send(index, content),
            Kind::ACK => self.take_ack(index, content),
            _ => self.handle_unusual(index, content),
        }
    }

    /// Takes a frame that is neither a message nor an acknowledgement.
    #[inline(never)]
    fn handle_unusual(&mut self, index: usize, content: Content<'_>) -> Result<(), Fault> {
        self.spread_said();
        let message = ClientMessage::decode(content)?;
        if let Some(message) = &message {
            transition::at_hub(State::Registered, message.kind())?;
        }
        if content.kind.is_numbered() {
            self.count(index);
        }
        // Unknown and optional: skipped, but counted above if it is numbered.
        let Some(message) = message else { return Ok(()) };
        match message {
            ClientMessage::Join(join) => {
                let joined = self.join(index, join.room);
                self.answer(index, joined);
            }
            ClientMessage::Leave(leave) => {
                let left = self.leave(index, leave.room);
                self.answer(index, left);
            }
            ClientMessage::Roster(roster) => {
                if let Err(code) = self.list_members(index, roster) {
                    self.answer(index, Err(code));
                }
            }
            ClientMessage::Who(who) => self.list_online(index, who),
            ClientMessage::Watch(watch) => {
                let watched = self.watch(index, &watch.names);
                self.answer(index, watched);
            }
            ClientMessage::Unwatch(unwatch) => {
                self.unwatch(index, &unwatch.names);
                self.answer(index, Ok(()));
            }
            ClientMessage::Ping(Ping { nonce }) => self.notify(index, &HubMessage::Pong(Pong { nonce })),
            // It has done its work by being heard.
            ClientMessage::Pong(_) => {}
            ClientMessage::Goodbye(_) => self.end(index, CloseReason::Left),
            ClientMessage::Error(error) => self.end(index, CloseReason::Accused(error.code)),
            ClientMessage::Send(_) | ClientMessage::Ack(_) => unreachable!("they are taken above"),
            ClientMessage::Register(_) | ClientMessage::Resume(_) => {
                unreachable!("no row of the transitions lets it come here")
            }
        }
        Ok(())
    }

    /// A numbered frame has come. Its number is returned.
    #[inline]
    fn count(&mut self, index: usize) -> u64 {
        let session = &mut self.sessions[index];
        session.received += 1;
        session.ack_due = true;
        let number = session.received;
        if !mem::replace(&mut session.is_owed, true) {
            self.owed.push(index);
        }
        number
    }

    #[inline(never)]
    fn take_ack(&mut self, index: usize, content: Content<'_>) -> Result<(), Fault> {
        let count = match wire::read_ack(content.fields) {
            Some(count) => count,
            None => wire::fields::<Ack>(content)?.count,
        };
        let session = &mut self.sessions[index];
        if session.outbox.acknowledge(count, &mut self.pool)? {
            session.full_since = Instant::MAX;
        }
        Ok(())
    }

    #[inline]
    fn take_send(&mut self, sender: usize, content: Content<'_>) -> Result<(), Fault> {
        // Nearly everybody writes to a name as it was shown.
        let plain = wire::read_send(content.fields);
        if let Some((to, body)) = plain
            && let Some(recipient) = self.recipient(sender, to)
        {
            let number = self.count(sender);
            let accepted = self.accept(sender, recipient, body);
            self.answer_send(sender, number, accepted);
            return Ok(());
        }
        self.take_unusual_send(sender, content, plain)
    }

    /// Takes a send to a room, to somebody whose name is spelt in another way, or to nobody.
    #[inline(never)]
    fn take_unusual_send(
        &mut self,
        sender: usize,
        content: Content<'_>,
        plain: Option<(&[u8], &[u8])>,
    ) -> Result<(), Fault> {
        let plain = plain.and_then(|(to, body)| Some(Send { to: core::str::from_utf8(to).ok()?, body }));
        let Send { to, body } = match plain {
            Some(send) => send,
            None => wire::fields(content)?,
        };
        let number = self.count(sender);
        let accepted = if to.starts_with(ROOM_SIGN) {
            self.accept_for_room(sender, to, body)
        } else {
            self.spread_said();
            // A spelling that cannot be a name is nobody's.
            let recipient = name::map(to).ok().and_then(|name| self.directory.find(name.as_bytes(), &self.sessions));
            match recipient {
                Some(recipient) => self.accept(sender, recipient, body),
                None => self.check_body(body).and(Err(RejectCode::NoSuchUser)),
            }
        };
        self.answer_send(sender, number, accepted);
        Ok(())
    }

    /// The sender is to be told what became of its message. That it is accepted is told when the batch ends, and with the
    /// next ones if they follow.
    #[inline]
    fn answer_send(&mut self, sender: usize, number: u64, accepted: Result<MessageId, RejectCode>) {
        match accepted {
            Ok(id) if self.sessions[sender].accepted.extend(number, id) => {}
            Ok(id) => {
                self.tell_accepted(sender);
                self.sessions[sender].accepted = Run::of(number, id);
            }
            Err(code) => self.notify(sender, &HubMessage::Rejected(Rejected { number, code })),
        }
    }

    pub(super) fn tell_accepted(&mut self, index: usize) {
        if let Some(accepted) = self.sessions[index].accepted.take() {
            self.notify_plainly(index, &Head::of_accepted(accepted));
        }
    }

    /// Puts a message into its recipient's outbox.
    #[inline]
    fn accept(&mut self, sender: usize, recipient: usize, body: &[u8]) -> Result<MessageId, RejectCode> {
        self.check_body(body)?;
        self.spread_said();
        if !self.fits(recipient, body.len() + OVERHEAD_BYTES_MAX as usize) {
            self.is_full(recipient);
            return Err(RejectCode::RecipientFull);
        }
        let id = self.next_message_id();
        let Self { sessions, speaker, pool, parked, .. } = self;
        let head = speaker.head(id, sender, sessions, body.len());
        if sessions[recipient].put(pool, parked, |outbox, pool| outbox.push_frame(head, body, pool)) {
            self.queue_write(recipient);
        }
        Ok(id)
    }

    /// A message did not fit what is kept for a session.
    #[cold]
    fn is_full(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        if session.full_since == Instant::MAX && !session.is_parked() {
            session.full_since = self.now;
            self.arm_session(index);
        }
    }

    pub(super) fn check_body(&self, body: &[u8]) -> Result<(), RejectCode> {
        if body.len() > self.limits.body_bytes_max as usize { Err(RejectCode::BodyTooLong) } else { Ok(()) }
    }

    /// Whom a name names, as it is written. Whoever writes to the same one again does so without a search.
    #[inline]
    fn recipient(&mut self, sender: usize, to: &[u8]) -> Option<usize> {
        if to.first() == Some(&(ROOM_SIGN as u8)) {
            return None;
        }
        let guess = self.ahead.guess().unwrap_or(self.sessions[sender].peer as usize);
        let recipient = match self.sessions.get(guess) {
            Some(session) if session.name.as_bytes() == to => guess,
            _ => self.directory.find(to, &self.sessions)?,
        };
        self.sessions[sender].peer = u32::try_from(recipient).unwrap_or(u32::MAX);
        Some(recipient)
    }

    pub(super) fn next_message_id(&mut self) -> MessageId {
        self.message_id = self.message_id.next(self.lowest_id);
        self.message_id
    }

    fn list_online(&mut self, index: usize, Who { cursor }: Who) {
        let number = self.sessions[index].received;
        let in_seat = |hub: &Self, seat| hub.sessions.contains(seat).then_some(seat);
        let (names, next) = self.page(index, cursor, self.sessions.capacity(), in_seat);
        let names = names.iter().map(UserName::as_str).collect();
        self.notify(index, &HubMessage::Online(Online { number, names, next }));
    }

    /// Answers the request that has just been counted.
    fn answer(&mut self, index: usize, outcome: Result<(), RejectCode>) {
        let number = self.sessions[index].received;
        self.notify(
            index,
            &match outcome {
                Ok(()) => HubMessage::Done(Done { number }),
                Err(code) => HubMessage::Rejected(Rejected { number, code }),
            },
        );
    }

    // ---- outboxes ----

    /// Frames of so many bytes fit what is kept for a session.
    #[inline]
    pub(super) fn fits(&self, index: usize, bytes: usize) -> bool {
        let session = &self.sessions[index];
        session.outbox.fits(bytes, self.limits.outbox_bytes_max)
            && (!session.is_parked() || self.parked.has_room(bytes, &self.limits))
    }

    pub(super) fn push(&mut self, index: usize, message: &HubMessage<'_>) {
        self.put(index, |outbox, pool| {
            outbox.push(message, pool);
        });
    }

    /// Puts something into a session's outbox.
    #[inline]
    pub(super) fn put(&mut self, index: usize, put: impl FnOnce(&mut Outbox, &mut Pool)) {
        if self.sessions[index].put(&mut self.pool, &mut self.parked, put) {
            self.queue_write(index);
        }
    }

    /// Tells a user what it has asked for, or wants to know. For this outboxes have a reserve. Who is about to end is
    /// told no more.
    pub(super) fn notify(&mut self, index: usize, message: &HubMessage<'_>) {
        self.tell_accepted(index);
        if !self.sessions[index].doomed {
            self.push(index, message);
            self.doom_if_overfull(index);
        }
    }

    /// As [`Hub::notify`], with what every batch of messages leads to.
    pub(super) fn notify_plainly(&mut self, index: usize, head: &Head) {
        if !self.sessions[index].doomed {
            self.put(index, |outbox, pool| outbox.push_frame(head, &[], pool));
            self.doom_if_overfull(index);
        }
    }

    /// Who leaves even the reserve unread is closed, because no request may go without its answer.
    pub(super) fn doom_if_overfull(&mut self, index: usize) {
        if self.sessions[index].outbox.kept_bytes() > self.limits.outbox_bytes_hard_max() {
            self.doom(index);
        }
    }

    pub(super) fn queue_write(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        if let Place::Connected(conn) = session.place
            && !mem::replace(&mut session.write_queued, true)
        {
            self.writes.push_back(conn);
        }
    }
}
