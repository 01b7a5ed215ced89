//! What the hub does, as its driver sees it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::mem;

use super::account::Oracle;
use super::facts::{Ended, Request, Session, Taken, To};
use crate::sim::names::{number_of, room_of, user_of};
use crate::sim::network::WireId;
use crate::sim::violation::{Property, Violation};
use crate::wire::{ClientMessage, Message, Subscriptions};
use crate::{CloseReason, RejectCode, SessionId, UserName};

impl Oracle {
    /// Whether a name is that of a user. There may be others at a hub, of whom no account is kept.
    pub(in crate::sim) fn knows_user(&self, name: &UserName) -> bool {
        user_of(name.as_str()) < self.of_user.len()
    }

    /// Whether a session is that of a user.
    pub(in crate::sim) fn knows_session(&self, session: SessionId) -> bool {
        self.current.contains_key(&session)
    }

    /// Whether a connection is that of a user.
    pub(in crate::sim) fn knows_wire(&self, wire: WireId) -> bool {
        self.wires.contains_key(&wire)
    }

    /// A session begins. Who has one device has one session at a time.
    pub(in crate::sim) fn joined(&mut self, id: SessionId, wire: WireId, name: &UserName) -> Result<(), Violation> {
        let user = user_of(name.as_str());
        let device = self.wires.get(&wire).map(|facts| facts.device).filter(|device| self.user_with(*device) == user);
        let Some(device) = device else {
            return Err(self.violation(Property::Isolation, format!("{wire} is let in as {name}")));
        };
        let living = self.living_of(user).count();
        let is_vouched = self.wires.get(&wire).is_some_and(|facts| facts.is_vouched);
        self.hold(living == 0 || !is_vouched, Property::Isolation, || {
            format!("{name} has {living} sessions, and none is given to the client that is vouched for")
        })?;
        self.check_ban(name)?;
        let is_alone = living == 0 || self.devices > 1;
        self.hold(is_alone, Property::Isolation, || format!("{name} was let in twice"))?;
        self.hold(living < self.limits.sessions_of_user_max as usize, Property::Bounds, || {
            format!("{name} has {living} sessions, and gets another one")
        })?;
        let session = self.sessions.len();
        let stay = self.stay_with(user, session);
        let mut begun = Session::new(user, device, stay, self.order);
        (begun.begun_after, begun.begun_place) = (self.spread, self.over);
        self.sessions.push(begun);
        self.of_user[user].push(session);
        self.begins_as(user, session, name)?;
        self.weigh_session(session);
        self.owes_rooms(session);
        let other = self.current.insert(id, session);
        self.hold(other.is_none(), Property::Isolation, || format!("{id} begins twice"))?;
        self.take_up(wire, session);
        Ok(())
    }

    /// A session goes on with this connection.
    pub(in crate::sim) fn resumed(&mut self, id: SessionId, wire: WireId, name: &UserName) -> Result<(), Violation> {
        let session = self.current.get(&id).copied();
        let Some(session) = session.filter(|session| self.sessions[*session].user == user_of(name.as_str())) else {
            return Err(self.violation(Property::Once, format!("{name} resumed a session that had ended")));
        };
        self.check_in_time(session)?;
        self.reattach(session);
        self.sessions[session].is_confirmed = true;
        if let Some(position) = self.wires.get(&wire).and_then(|facts| facts.position) {
            let Session { acked, acked_perhaps, .. } = &mut self.sessions[session];
            *acked = position.max(*acked);
            *acked_perhaps = *acked;
        }
        self.take_up(wire, session);
        Ok(())
    }

    pub(super) fn take_up(&mut self, wire: WireId, session: usize) {
        let root = self.root_of(session);
        self.sessions[root].connections += 1;
        // A client that comes back has the whole time to read.
        self.sessions[session].caught.at = self.now;
        self.sessions[session].heard_at = self.now;
        self.sessions[session].wire = Some(wire);
        self.sessions[session].sent = self.sessions[session].acked;
        self.sessions[session].unacked_since = None;
        let (acked, taken) = (self.sessions[session].acked, self.sessions[session].come());
        if let Some(facts) = self.wires.get_mut(&wire) {
            (facts.session, facts.acked, facts.taken) = (Some(session), acked, taken);
            self.sessions[session].resume_time = facts.resume_time;
        }
    }

    /// A session has ended.
    pub(in crate::sim) fn left(
        &mut self,
        id: SessionId,
        name: &UserName,
        reason: CloseReason,
    ) -> Result<(), Violation> {
        let session = self.current.remove(&id);
        let Some(session) = session.filter(|session| self.sessions[*session].user == user_of(name.as_str())) else {
            return Err(self.violation(Property::Isolation, format!("{name} left without having been there")));
        };
        let waiting = self.sessions[session].waiting.front();
        self.hold(reason != CloseReason::Left || waiting.is_none(), Property::Order, || {
            format!("{name} says goodbye after a request that is not done: {waiting:?}")
        })?;
        if reason == CloseReason::SlowConsumer {
            self.check_slow(session)?;
        }
        self.hold(self.delay_max.is_none(), Property::Isolation, || {
            format!("{name} is ended beside attackers, and has done nothing wrong: {reason}")
        })?;
        self.check_end(session, reason)?;
        self.reattach(session);
        self.weigh_session(session);
        self.ends(session, Some(reason));
        let ended = &mut self.sessions[session];
        if reason == CloseReason::Left {
            // The hub has read to the goodbye.
            ended.acked = ended.acked_perhaps;
            ended.asked.iter_mut().for_each(|asked| asked.is_sure = true);
        }
        let is_fault = matches!(reason, CloseReason::ProtocolError(_) | CloseReason::ReportedByPeer(_));
        self.hold(!is_fault, Property::Isolation, || format!("{name}: {reason}"))
    }

    /// The hub is gone, and all sessions with it.
    pub(in crate::sim) fn hub_is_gone(&mut self) {
        for (_, session) in core::mem::take(&mut self.current) {
            self.reattach(session);
            self.ends(session, None);
        }
        self.question_ids.clear();
        self.banned.clear();
        self.is_stopping = false;
    }

    /// A session is over, and with the last one of its user the user's stay.
    fn ends(&mut self, session: usize, reason: Option<CloseReason>) {
        self.sessions[session].waiting.clear();
        self.sessions[session].ended = Some(Ended { after: self.told, before: self.order, place: self.over });
        self.over += 1;
        let Session { user, stay, .. } = self.sessions[session];
        if self.living_of(user).next().is_none() {
            self.stays[stay].over = reason;
        }
    }

    /// A message was written to a connection, whole.
    pub(in crate::sim) fn wrote(&mut self, wire: WireId, body: &[u8]) {
        let session = self.wires.get(&wire).and_then(|facts| facts.session);
        if let (Some(session), Ok(message)) = (session, self.message_of(body)) {
            self.messages[message].written.insert(session);
        }
    }

    /// The hub has no more to tell at present.
    pub(in crate::sim) fn all_told(&mut self) {
        self.told = self.order;
    }

    /// The hub has nothing left to do of what it has taken.
    pub(in crate::sim) fn all_spread(&mut self) {
        self.spread = self.order;
    }

    /// The hub has taken a frame from a connection that has a session. That is not sure if the session ended in the
    /// same batch.
    pub(in crate::sim) fn took(
        &mut self,
        wire: WireId,
        message: &ClientMessage<'_>,
        is_sure: bool,
    ) -> Result<(), Violation> {
        let Some(session) = self.wires.get(&wire).and_then(|facts| facts.session) else {
            return Err(self.violation(Property::Isolation, format!("{wire} is heard without a session")));
        };
        self.hold(self.sessions[session].handed_on.is_none(), Property::Isolation, || {
            format!("{wire} is heard, though another client has its session: {message:?}")
        })?;
        let numbers = |names: &[&str]| names.iter().map(|name| number_of(name)).collect::<Vec<_>>();
        let request = match message {
            ClientMessage::Ack(ack) => {
                let Session { acked, acked_perhaps, .. } = &mut self.sessions[session];
                *acked_perhaps = ack.count.max(*acked_perhaps);
                if is_sure {
                    *acked = *acked_perhaps;
                    let now = self.now;
                    self.sessions[session].is_confirmed = true;
                    self.sessions[session].catch_up(now);
                }
                return Ok(());
            }
            ClientMessage::Send(send) => {
                let message = self.message_of(send.body)?;
                self.messages[message].addressed = number_of(send.to);
                Request::Send { message }
            }
            ClientMessage::Join(join) => Request::Join { room: room_of(join.room) },
            ClientMessage::Leave(leave) => Request::Leave { room: room_of(leave.room) },
            ClientMessage::Watch(watch) => Request::Watch { names: numbers(&watch.names) },
            ClientMessage::Unwatch(unwatch) => Request::Unwatch { names: numbers(&unwatch.names) },
            ClientMessage::Who(_) => Request::Who,
            ClientMessage::Roster(roster) => Request::Roster { room: room_of(roster.room) },
            ClientMessage::Subscriptions(Subscriptions { cursor }) => Request::Subscriptions { is_first: *cursor == 0 },
            _ => return Ok(()),
        };
        self.comes(session, message.kind(), request, is_sure)
    }

    /// The hub does a request, unless the program has denied it.
    pub(super) fn does(&mut self, session: usize, request: Request, is_sure: bool, verdict: Result<(), RejectCode>) {
        self.order += 1;
        self.weigh(&request);
        self.owes(session, &request);
        match request {
            _ if verdict.is_err() => {}
            Request::Send { message } => {
                self.messages[message].taken = Some(Taken { order: self.order, session });
                if let To::Room(room) = self.messages[message].to {
                    self.said_in.entry(room).or_default().push(message);
                }
            }
            Request::Join { room } => self.moves(session, room, true),
            Request::Leave { room } => self.moves(session, room, false),
            _ => {}
        }
        self.sessions[session].ask(self.order, request, is_sure, verdict);
    }

    /// A message has come from a session.
    pub(super) fn comes_message(&mut self, session: usize, message: usize) -> Result<(), Violation> {
        let has_come = mem::replace(&mut self.messages[message].has_come, true);
        let last = self.sessions[session].last_sent.replace(message);
        let sent = &self.messages[message];
        self.hold(!has_come, Property::Once, || format!("the hub takes message {message} twice"))?;
        self.hold(sent.sender == self.sessions[session].device, Property::Isolation, || {
            format!("message {message} comes from somebody else's session")
        })?;
        self.hold(!sent.unsent, Property::Fate, || {
            format!("message {message} arrives, of which its sender was told that it never went out")
        })?;
        self.hold(last.is_none_or(|last| last < message), Property::Order, || {
            format!("message {message} comes to the hub after {last:?}, which was sent later")
        })
    }

    /// Who is in which room by this account, when all is at rest.
    pub(in crate::sim) fn rooms(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut rooms: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for user in 0..self.of_user.len() {
            let Some((session, _)) = self.living_of(user).next() else { continue };
            for room in self.rooms_of(session).filter(|room| self.is_in(user, *room)) {
                rooms.entry(room).or_default().push(user);
            }
        }
        rooms
    }
}
