//! What a session's messages do: to itself, and to others.

use core::mem;

use super::Hub;
use super::output::CloseReason;
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
    pub(super) fn handle(&mut self, index: usize, content: Content<'_>) -> Result<(), Fault> {
        // Nearly all that comes is one of these two, and the way through all messages costs more than they do.
        match content.kind {
            Kind::SEND => return self.take_send(index, content),
            Kind::ACK => {
                let count = match wire::read_ack(content.fields) {
                    Some(count) => count,
                    None => wire::fields::<Ack>(content)?.count,
                };
                return self.take_ack(index, count);
            }
            _ => self.spread_said(),
        }
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

    /// A numbered frame has come.
    fn count(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        session.received += 1;
        session.ack_due = true;
        if !mem::replace(&mut session.is_owed, true) {
            self.owed.push(index);
        }
    }

    fn take_ack(&mut self, index: usize, count: u64) -> Result<(), Fault> {
        let session = &mut self.sessions[index];
        if session.outbox.acknowledge(count, &mut self.pool)? {
            session.full_since = Instant::MAX;
        }
        Ok(())
    }

    fn take_send(&mut self, sender: usize, content: Content<'_>) -> Result<(), Fault> {
        let plain = wire::read_send(content.fields);
        // Nearly everybody writes to a name as it was shown.
        if let Some((to, body)) = plain
            && let Some(recipient) = self.recipient(sender, to)
        {
            self.count(sender);
            let accepted = self.accept(sender, recipient, body);
            self.answer_send(sender, accepted);
            return Ok(());
        }
        let plain = plain.and_then(|(to, body)| Some(Send { to: core::str::from_utf8(to).ok()?, body }));
        let Send { to, body } = match plain {
            Some(send) => send,
            None => wire::fields(content)?,
        };
        self.count(sender);
        let accepted = if to.starts_with(ROOM_SIGN) {
            self.accept_for_room(sender, to, body)
        } else {
            self.spread_said();
            // A spelling that cannot be a name is nobody's.
            let recipient = name::map(to).ok().and_then(|name| self.recipient(sender, name.as_bytes()));
            match recipient {
                Some(recipient) => self.accept(sender, recipient, body),
                None => self.check_body(body).and(Err(RejectCode::NoSuchUser)),
            }
        };
        self.answer_send(sender, accepted);
        Ok(())
    }

    fn answer_send(&mut self, sender: usize, accepted: Result<MessageId, RejectCode>) {
        let number = self.sessions[sender].received;
        match accepted {
            Ok(id) => self.accepted(sender, number, id),
            Err(code) => self.notify(sender, &HubMessage::Rejected(Rejected { number, code })),
        }
    }

    /// The sender is to be told that its message is accepted: when the batch ends, and with the next ones if they follow.
    fn accepted(&mut self, sender: usize, number: u64, id: MessageId) {
        if !self.sessions[sender].accepted.extend(number, id) {
            self.tell_accepted(sender);
            self.sessions[sender].accepted = Run::of(number, id);
        }
    }

    pub(super) fn tell_accepted(&mut self, index: usize) {
        if let Some(accepted) = self.sessions[index].accepted.take() {
            self.notify_plainly(index, &Head::of_accepted(accepted));
        }
    }

    /// Puts a message into its recipient's outbox.
    fn accept(&mut self, sender: usize, recipient: usize, body: &[u8]) -> Result<MessageId, RejectCode> {
        self.check_body(body)?;
        self.spread_said();
        if !self.has_room(recipient, body.len()) {
            let session = &mut self.sessions[recipient];
            if session.full_since == Instant::MAX && !session.is_parked() {
                session.full_since = self.now;
                self.arm_session(recipient);
            }
            return Err(RejectCode::RecipientFull);
        }
        let id = self.next_message_id();
        let head = Head::of_deliver(id, self.sessions[sender].name.as_str(), body.len());
        let bytes = head.frame_bytes(body);
        self.put(recipient, |outbox, pool| outbox.push_with(bytes, pool, |out| head.write(body, out)));
        Ok(id)
    }

    pub(super) fn check_body(&self, body: &[u8]) -> Result<(), RejectCode> {
        if body.len() > self.limits.body_bytes_max as usize { Err(RejectCode::BodyTooLong) } else { Ok(()) }
    }

    /// Whom a name names, which is mapped. Whoever writes to the same one again does so without a search.
    fn recipient(&mut self, sender: usize, to: &[u8]) -> Option<usize> {
        let peer = self.sessions[sender].peer as usize;
        if self.sessions.get(peer).is_some_and(|session| session.name.as_bytes() == to) {
            return Some(peer);
        }
        if to.first() == Some(&(ROOM_SIGN as u8)) {
            return None;
        }
        let recipient = self.directory.find(to, &self.sessions)?;
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

    /// A message with a body of this length fits what is kept for a session.
    fn has_room(&self, index: usize, body_bytes: usize) -> bool {
        self.fits(index, body_bytes + OVERHEAD_BYTES_MAX as usize)
    }

    /// Frames of so many bytes fit what is kept for a session.
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
    pub(super) fn put(&mut self, index: usize, put: impl FnOnce(&mut Outbox, &mut Pool)) {
        let session = &mut self.sessions[index];
        if session.is_parked() {
            let before = session.outbox.kept_bytes();
            put(&mut session.outbox, &mut self.pool);
            self.parked.grow(session.outbox.kept_bytes() - before);
            return;
        }
        let was_written = session.outbox.is_written();
        put(&mut session.outbox, &mut self.pool);
        if was_written {
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
            self.put(index, |outbox, pool| outbox.push_with(head.frame_bytes(&[]), pool, |out| head.write(&[], out)));
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
            self.outputs.push_back(super::Output::Write { conn });
        }
    }
}
