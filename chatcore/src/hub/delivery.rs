//! How a message is taken from its sender, and given to its recipient or its room.

use alloc::vec::Vec;

use super::header_cache::HeaderCache;
use super::ordered::{Ordered, PendingFanout, Recipient, Sessions};
use super::replies::Replies;
use super::work::{Budget, of_bytes};
use crate::name::UserName;
use crate::wire::{Deliver, HubMessage, Message, MessageId, OVERHEAD_BYTES_MAX, RejectCode, Send, Sent};

/// What messages need beside sessions and rooms: ids, headers, and whom to answer.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The lowest id of a message that is accepted now.
    pub(super) lowest_id: MessageId,
    /// The id of the last one.
    pub(super) last_id: MessageId,
    pub(super) header_cache: HeaderCache,
    pub(super) replies: Replies,
}

impl Delivery {
    pub(super) fn new() -> Self {
        Self {
            lowest_id: MessageId(0),
            last_id: MessageId(0),
            header_cache: HeaderCache::default(),
            replies: Replies::default(),
        }
    }

    fn next_id(&mut self) -> MessageId {
        self.last_id = self.last_id.next(self.lowest_id);
        self.last_id
    }

    /// Puts a message into its recipient's outbox. Returns the work beyond that for one outbox.
    #[inline(never)]
    pub(super) fn deliver(&mut self, mut to: Recipient<'_>, sender: usize, number: Option<u64>, body: &[u8]) -> u32 {
        let recipient = to.index();
        let sessions = to.sessions();
        let (number, is_alone) = self.replies.number(sessions, sender, number);
        if !(is_alone && sessions[recipient].is_alone()) {
            return self.deliver_to_all(to, sender, number, body);
        }
        // No session takes a longer one than the hub.
        if body.len() > sessions[recipient].body_bytes_max as usize {
            sessions.rejected(sender, number, RejectCode::BodyTooLong);
            return 0;
        }
        if !sessions.fits(recipient, body.len() + OVERHEAD_BYTES_MAX as usize) || !sessions.may_say(sender) {
            sessions.rejected(sender, number, RejectCode::RecipientFull);
            return 0;
        }
        let id = self.next_id();
        let head = self.header_cache.header(id, sender, sessions, body.len());
        to.deliver(head, body);
        to.sessions().accepted(sender, number, id);
        0
    }

    /// Puts a message into the outboxes of all sessions of its recipient, and tells the sender's other ones: all of
    /// them, or none.
    #[cold]
    #[inline(never)]
    fn deliver_to_all(&mut self, mut to: Recipient<'_>, sender: usize, number: u64, body: &[u8]) -> u32 {
        let recipient = to.index();
        let sessions = to.sessions();
        // What a user writes to itself comes to all its sessions as it is.
        let has_copies = !sessions[sender].is_alone() && !sessions.is_of_same_user(sender, recipient);
        let copies = has_copies.then_some(sender).into_iter().flat_map(|sender| sessions.siblings(sender));
        let all = sessions.ring(recipient).chain(copies);
        let outcome = all.clone().try_for_each(|session| may_get(sessions, session, body));
        let others = u32::try_from(all.count() - 1).unwrap_or(u32::MAX);
        let work = of_bytes(body.len()).saturating_mul(others);
        let may_say = if sessions.may_say(sender) { Ok(()) } else { Err(RejectCode::RecipientFull) };
        if let Err(code) = outcome.and(may_say) {
            sessions.rejected(sender, number, code);
            return work;
        }
        let id = self.next_id();
        let mut frame = Vec::new();
        HubMessage::Deliver(Deliver { id, from: sessions[sender].name.as_str(), body }).encode(&mut frame);
        to.deliver_to_all(&frame);
        if has_copies {
            frame.clear();
            HubMessage::Sent(Sent { id, to: to.sessions()[recipient].name.as_str(), body }).encode(&mut frame);
            to.copy_to_siblings(sender, &frame);
        }
        to.sessions().accepted(sender, number, id);
        work
    }

    /// Puts what the program says into the outboxes of all sessions of a user, or of none.
    pub(super) fn announce_to_user(
        &mut self,
        mut to: Recipient<'_>,
        from: &UserName,
        body: &[u8],
    ) -> Result<MessageId, RejectCode> {
        let index = to.index();
        let sessions = to.sessions();
        sessions.ring(index).try_for_each(|session| may_get(sessions, session, body))?;
        let (id, mut frame) = (self.next_id(), Vec::new());
        HubMessage::Deliver(Deliver { id, from: from.as_str(), body }).encode(&mut frame);
        to.deliver_to_all(&frame);
        Ok(id)
    }

    /// Takes what the program says to a room.
    pub(super) fn announce_to_room(
        &mut self,
        fanout: PendingFanout<'_>,
        from: &UserName,
        room: usize,
        body: &[u8],
    ) -> MessageId {
        let id = self.next_id();
        fanout.announce(from, room, id, body);
        id
    }

    /// Takes what the program says to all.
    pub(super) fn announce_to_all(&mut self, ordered: &mut Ordered, from: &UserName, body: &[u8]) -> MessageId {
        let id = self.next_id();
        ordered.announce(id, from, body);
        id
    }

    /// Rejects a message to a user who is not there.
    pub(super) fn reject(&mut self, sessions: &mut Sessions, sender: usize, number: Option<u64>, body: &[u8]) {
        let (number, _) = self.replies.number(sessions, sender, number);
        let code = check_body(sessions, body).err().unwrap_or(RejectCode::NoSuchUser);
        sessions.rejected(sender, number, code);
    }

    /// Takes what a member says to its room.
    pub(super) fn say(
        &mut self,
        mut fanout: PendingFanout<'_>,
        sender: usize,
        number: Option<u64>,
        Send { to, body }: Send<'_>,
        budget: &mut Budget,
    ) {
        let sessions = fanout.sessions();
        let (number, _) = self.replies.number(sessions, sender, number);
        let mut cost = 0;
        let may_say = if sessions.may_say(sender) { Ok(()) } else { Err(RejectCode::RecipientFull) };
        let room = check_body(sessions, body).and(may_say).and_then(|()| fanout.room_of(sender, to, &mut cost));
        budget.spend(cost);
        match room {
            Ok(room) => {
                let members = u32::try_from(fanout.rooms().members(room)).unwrap_or(u32::MAX);
                // The fan-out is work for later, which the sender pays now.
                budget.spend_later(members.saturating_mul(of_bytes(body.len())));
                let id = self.next_id();
                fanout.sessions().accepted(sender, number, id);
                fanout.say(sender, room, id, body);
            }
            Err(code) => fanout.sessions().rejected(sender, number, code),
        }
    }
}

/// Whether a session takes a message to a user, and has room for it.
fn may_get(sessions: &Sessions, session: usize, body: &[u8]) -> Result<(), RejectCode> {
    if body.len() > sessions[session].body_bytes_max as usize {
        return Err(RejectCode::BodyTooLong);
    }
    let fits = sessions.fits(session, body.len() + OVERHEAD_BYTES_MAX as usize);
    if fits { Ok(()) } else { Err(RejectCode::RecipientFull) }
}

#[inline]
fn check_body(sessions: &Sessions, body: &[u8]) -> Result<(), RejectCode> {
    if body.len() > sessions.limits.body_bytes_max as usize { Err(RejectCode::BodyTooLong) } else { Ok(()) }
}
