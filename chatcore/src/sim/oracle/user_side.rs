//! What users do, and how far each of their processes is.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::account::Oracle;
use super::facts::{Life, Request, Sent, To, WireFacts};
use crate::sim::network::WireId;
use crate::sim::violation::{Property, Violation};
use crate::{Closed, ErrorCode, Event};

/// Bytes that say which message a body is: its sender, and its number among all.
pub(in crate::sim) const MARK_BYTES: usize = 6;

impl Oracle {
    /// A process begins, or begins anew: it knows nothing but its ticket, if it has one.
    pub(in crate::sim) fn begins(&mut self, device: usize) {
        self.lives[device] = Life::default();
    }

    /// A process is over. Nobody waits for its answers any more.
    pub(in crate::sim) fn is_over(&mut self, device: usize) {
        self.lives[device] = Life::default();
    }

    /// A process talks over this connection from now on. If it goes on with a session, it says how far it is, unless it
    /// has forgotten. The program may vouch for it, if it asks for a name. When the connection breaks, its session
    /// waits for the resume time, or for that of the hub if there is none.
    pub(in crate::sim) fn uses(
        &mut self,
        device: usize,
        wire: WireId,
        is_vouched: bool,
        resume_time: Option<Duration>,
    ) {
        let life = &self.lives[device];
        let position = life.session.map(|_| life.position);
        let resume_time = resume_time.unwrap_or(self.limits.resume_time_max);
        self.wires
            .insert(wire, WireFacts { device, position, session: None, acked: 0, taken: 0, is_vouched, resume_time });
    }

    /// A message is about to be sent; returns its number, and its body, of this length or a little more.
    pub(in crate::sim) fn compose(&mut self, sender: usize, to: To, bytes: usize) -> (usize, Vec<u8>) {
        let message = self.messages.len();
        let mut body = Vec::with_capacity(bytes);
        body.extend_from_slice(&u16::try_from(sender).unwrap_or(u16::MAX).to_le_bytes());
        body.extend_from_slice(&u32::try_from(message).unwrap_or(u32::MAX).to_le_bytes());
        body.resize(bytes.max(MARK_BYTES), b'.');
        self.messages.push(Sent {
            sender,
            to,
            bytes,
            at: self.now,
            addressed: usize::MAX,
            has_come: false,
            taken: None,
            answer: None,
            id: None,
            unsent: false,
            seen: BTreeMap::new(),
            copied: BTreeMap::new(),
            written: BTreeSet::new(),
            reports: BTreeMap::new(),
        });
        (message, body)
    }

    /// The client did not take what was composed last.
    pub(in crate::sim) fn discard(&mut self) {
        self.messages.pop();
    }

    /// Which message this is the body of.
    pub(super) fn message_of(&self, body: &[u8]) -> Result<usize, Violation> {
        let found = body.split_first_chunk::<MARK_BYTES>().and_then(|([low, high, number @ ..], rest)| {
            let number = usize::try_from(u32::from_le_bytes(*number)).ok()?;
            let sent = self.messages.get(number)?;
            (sent.sender == usize::from(u16::from_le_bytes([*low, *high])) && rest.iter().all(|byte| *byte == b'.'))
                .then_some(number)
        });
        found.ok_or_else(|| self.violation(Property::Order, format!("nobody has sent {body:02x?}")))
    }

    /// A client has taken a request, under this number.
    pub(in crate::sim) fn asks(&mut self, device: usize, number: u64, request: Request) -> Result<(), Violation> {
        let life = &mut self.lives[device];
        let expected = life.last_number + 1;
        life.last_number = number;
        life.pending.insert(number, request);
        self.hold(number == expected, Property::Fate, || {
            format!("device {device}'s request has the number {number} instead of {expected}")
        })
    }

    /// A client tells something, which came over this connection if over any, and is the last of its frame or not.
    pub(in crate::sim) fn hears(
        &mut self,
        device: usize,
        wire: Option<WireId>,
        event: &Event,
        is_last: bool,
    ) -> Result<(), Violation> {
        match event {
            Event::Registered { .. } => {
                let session = self.session_of(device, wire)?;
                let life = &mut self.lives[device];
                (life.session, life.position, life.events) = (Some(session), 0, 0);
                life.base = life.last_number;
                self.tickets.insert(device, session);
                Ok(())
            }
            Event::Resumed => self.hears_resumed(device, wire),
            Event::SessionLost { unsent_from } => self.hears_lost(device, *unsent_from),
            Event::Closed(closed @ (Closed::ProtocolError(_) | Closed::Error { .. } | Closed::OtherProtocol(_)))
                if !matches!(closed, Closed::Error { code: ErrorCode::TooManyAttempts, .. }) =>
            {
                Err(self.violation(Property::Isolation, format!("device {device}: {closed}")))
            }
            Event::Refused { .. }
            | Event::Reconnecting { .. }
            | Event::Disconnected { .. }
            | Event::Connect { .. }
            | Event::Closed(_) => Ok(()),
            told => self.hears_told(device, told, is_last),
        }
    }

    /// Which session a connection has.
    fn session_of(&self, device: usize, wire: Option<WireId>) -> Result<usize, Violation> {
        let facts = wire.and_then(|wire| self.wires.get(&wire));
        let session = facts.filter(|facts| facts.device == device).and_then(|facts| facts.session);
        session.ok_or_else(|| {
            self.violation(Property::Isolation, format!("device {device} has a session that nobody gave it"))
        })
    }

    fn hears_resumed(&mut self, device: usize, wire: Option<WireId>) -> Result<(), Violation> {
        let session = self.session_of(device, wire)?;
        let facts = wire.map(|wire| self.wires[&wire]);
        let expected = self.lives[device].session.or_else(|| self.tickets.get(&device).copied());
        self.hold(expected == Some(session), Property::Isolation, || {
            format!("device {device} goes on with session {session} instead of {expected:?}")
        })?;
        let life = &mut self.lives[device];
        if let (None, Some(facts)) = (life.session, facts) {
            let (position, last_number) = (facts.acked, facts.taken);
            let events = self.sessions[session].stream.partition_point(|(frame, _)| *frame <= position);
            *life = Life { session: Some(session), position, events, last_number, ..Life::default() };
        }
        Ok(())
    }

    fn hears_lost(&mut self, device: usize, unsent_from: u64) -> Result<(), Violation> {
        let life = &mut self.lives[device];
        let pending = core::mem::take(&mut life.pending);
        let session = life.session.take().or(self.tickets.remove(&device));
        life.base = life.last_number;
        self.tickets.remove(&device);
        // Whatever name it gave, its token says which session is its own.
        let is_over = session.is_none_or(|session| self.sessions[session].ended.is_some());
        self.hold(is_over, Property::Isolation, || {
            format!("device {device} is told that session {session:?} is over, which lives")
        })?;
        for (_, request) in pending.range(unsent_from..) {
            if let Request::Send { message } = request {
                self.messages[*message].unsent = true;
                self.hold(!self.messages[*message].has_come, Property::Fate, || {
                    format!("device {device} is told that message {message} never went out, but the hub has it")
                })?;
            }
        }
        Ok(())
    }

    /// The next piece of a session's stream.
    fn hears_told(&mut self, device: usize, event: &Event, is_last: bool) -> Result<(), Violation> {
        let life = &self.lives[device];
        let Some(session) = life.session else {
            return Err(self.violation(Property::Once, format!("device {device} is told without a session: {event:?}")));
        };
        let (frame, index, base) = (life.position + 1, life.events, life.base);
        let event = renumbered(event, base).ok_or_else(|| {
            self.violation(Property::Fate, format!("device {device} gets an answer of another session"))
        })?;
        let life = &mut self.lives[device];
        life.events += 1;
        life.position += u64::from(is_last);
        if let Some(number) = number_of(&event) {
            life.pending.remove(&(number + base));
        }
        let stream = &self.sessions[session].stream;
        match stream.get(index) {
            Some((place, before)) => self.hold((*place, before) == (frame, &event), Property::Once, || {
                format!("device {device} is told {event:?}, where {before:?} stood before in session {session}")
            }),
            None if index > stream.len() => {
                let known = stream.len();
                Err(self
                    .violation(Property::Once, format!("device {device} starts at {index}, but was told only {known}")))
            }
            None => {
                self.sessions[session].stream.push((frame, event.clone()));
                self.learn(session, frame, &event)
            }
        }
    }
}

fn number_of(event: &Event) -> Option<u64> {
    match event {
        Event::Accepted { number, .. }
        | Event::Done { number }
        | Event::Rejected { number, .. }
        | Event::Online { number, .. }
        | Event::Members { number, .. }
        | Event::Subscribed { number, .. } => Some(*number),
        _ => None,
    }
}

/// The same with the number that the request has in its session, and without what depends on what the process knew;
/// none if the request was made before.
fn renumbered(event: &Event, base: u64) -> Option<Event> {
    let mut event = event.clone();
    if let Event::Accepted { number, .. }
    | Event::Done { number }
    | Event::Rejected { number, .. }
    | Event::Online { number, .. }
    | Event::Members { number, .. }
    | Event::Subscribed { number, .. } = &mut event
    {
        *number = number.checked_sub(base).filter(|number| *number > 0)?;
    }
    // A process that was started again may know its name by its ticket.
    if let Event::Renamed { from, name, .. } = &mut event {
        from.clone_from(name);
    }
    Some(event)
}
