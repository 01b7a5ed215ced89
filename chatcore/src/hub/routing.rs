//! What a session's messages do: to itself, and to others.

use alloc::vec::Vec;

use super::Hub;
use super::output::CloseReason;
use crate::name::{self, UserName};
use crate::transition;
use crate::transition::State;
use crate::wire::{
    Accepted, ClientMessage, Content, Deliver, Fault, HubMessage, Message, Online, Ping, Pong, RejectCode, Rejected,
    Send, Who,
};

/// Slots that one page of who is online looks at, at the most, so that a hub that was once full does
/// not work long for a page.
const ONLINE_SLOTS_MAX: usize = 4096;

impl Hub {
    /// Takes a frame from a session that is open.
    pub(super) fn handle(&mut self, index: usize, content: Content<'_>) -> Result<(), Fault> {
        let message = ClientMessage::decode(content)?;
        let session = &mut self.sessions[index];
        if let Some(message) = &message {
            transition::at_hub(session.state(), message.kind())?;
        }
        if content.kind.is_numbered() {
            session.received += 1;
            if !session.ack_due {
                session.ack_due = true;
                self.acks_due.push(index);
            }
        }
        match message {
            // Unknown and optional: skipped, but counted above if it is numbered. A pong has done its work
            // by being heard.
            None | Some(ClientMessage::Pong(_)) => {}
            Some(ClientMessage::Send(send)) => self.route(index, send),
            Some(ClientMessage::Who(who)) => self.list(index, who),
            Some(ClientMessage::Ack(ack)) => {
                if session.outbox.acknowledge(ack.count)? {
                    session.full_since = None;
                }
            }
            Some(ClientMessage::Ping(Ping { nonce })) => self.answer(index, &HubMessage::Pong(Pong { nonce })),
            Some(ClientMessage::Goodbye(_)) => self.close(index, CloseReason::Left),
            Some(ClientMessage::Error(error)) => self.close(index, CloseReason::Accused(error.code)),
            Some(ClientMessage::Register(_)) => unreachable!("no row of the transitions lets it come here"),
        }
        Ok(())
    }

    fn route(&mut self, sender: usize, Send { to, body }: Send<'_>) {
        let number = self.sessions[sender].received;
        let answer = match self.accept(sender, to, body) {
            Ok(id) => HubMessage::Accepted(Accepted { number, id }),
            Err(code) => HubMessage::Rejected(Rejected { number, code }),
        };
        self.answer(sender, &answer);
    }

    /// Puts a message into its recipient's outbox.
    fn accept(&mut self, sender: usize, to: &str, body: &[u8]) -> Result<u64, RejectCode> {
        if body.len() > self.limits.body_bytes_max as usize {
            return Err(RejectCode::BodyTooLong);
        }
        // A spelling that cannot be a name is nobody's.
        let name = name::map(to).map_err(|_| RejectCode::NoSuchUser)?;
        let recipient = self.directory.find(&name, &self.sessions).ok_or(RejectCode::NoSuchUser)?;

        let session = &mut self.sessions[recipient];
        if !session.outbox.has_room(body.len(), self.limits.outbox_bytes_max) {
            if session.full_since.is_none() {
                session.full_since = Some(self.now);
                self.arm(recipient);
            }
            return Err(RejectCode::RecipientFull);
        }
        self.message_id += 1;
        let id = self.message_id;
        let from = self.sessions[sender].name.clone();
        self.push(recipient, &HubMessage::Deliver(Deliver { id, from: from.as_str(), body }));
        Ok(id)
    }

    fn list(&mut self, index: usize, Who { cursor }: Who) {
        let start = usize::try_from(cursor).unwrap_or(usize::MAX);
        let names_max = self.limits.online_names_max();
        let mut names = Vec::new();
        let mut next = None;
        for slot in start..self.sessions.capacity() {
            if names.len() == names_max || slot - start == ONLINE_SLOTS_MAX {
                next = Some(slot as u64);
                break;
            }
            if let Some(session) = self.sessions.get(slot).filter(|session| session.state() == State::Registered) {
                names.push(session.name.clone());
            }
        }
        let number = self.sessions[index].received;
        let names = names.iter().map(UserName::as_str).collect();
        self.answer(index, &HubMessage::Online(Online { number, names, next }));
    }

    /// Answers a user's own request.
    pub(super) fn answer(&mut self, index: usize, message: &HubMessage<'_>) {
        self.push(index, message);
        self.close_if_overfull(index);
    }

    /// Answers have a reserve in the outbox. Who leaves even that unread is closed, because no request may go
    /// without its answer.
    pub(super) fn close_if_overfull(&mut self, index: usize) {
        if self.sessions[index].outbox.kept_bytes() > self.limits.outbox_bytes_hard_max() {
            self.close(index, CloseReason::SlowConsumer);
        }
    }
}
