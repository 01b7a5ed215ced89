//! Connections whose handshake is not over.

use alloc::format;
use core::mem;
use core::time::Duration;

use super::around::Around;
use super::connection::{Entrance, Member};
use super::parts::Server;
use super::rates::{SITE_FACTOR, of_site, site_of};
use super::work::ADMISSION_UNITS;
use crate::sim::names::user_of;
use crate::sim::network::{End, WireId};
use crate::sim::violation::{Property, Violation};
use crate::{HandshakeError, NotAdmitted, ProtocolError, Refusal, Registration};

impl Server {
    pub(super) fn read_pending_conn(&mut self, around: &mut Around<'_>, wire: WireId) -> Result<(), Violation> {
        let Some(pending) = self.pending_conns.get_mut(&wire) else { return Ok(()) };
        let is_over = around.network.read(around.now, wire, End::Server, &mut pending.inbox);
        self.advance_pending_conn(around, wire)?;
        if is_over {
            self.pending_conns.remove(&wire);
            if let Some(member) = self.members.get(&wire) {
                let conn = member.conn;
                return self.lose(around, wire, conn);
            }
            around.network.close(around.now, wire, End::Server);
        }
        Ok(())
    }

    /// Reads on, decides, and reads on after a refusal.
    pub(super) fn advance_pending_conn(&mut self, around: &mut Around<'_>, wire: WireId) -> Result<(), Violation> {
        while let Some(pending) = self.pending_conns.get_mut(&wire) {
            if pending.undecided.is_none() {
                let mut input = &pending.inbox[..];
                let received = pending.handshake.receive(around.now, &mut input);
                let used = pending.inbox.len() - input.len();
                pending.inbox.drain(..used);
                match received {
                    Ok(Some(registration)) => {
                        let is_delayed = self.random.chance(self.auth_delay_chance);
                        let time =
                            if is_delayed { Duration::from_millis(self.random.upto(3_000)) } else { Duration::ZERO };
                        pending.undecided = Some((around.now + time, registration));
                    }
                    Ok(None) => break,
                    Err(error) => return self.drop_pending_conn(around, wire, error),
                }
            }
            if pending.undecided.as_ref().is_some_and(|(decide_at, _)| *decide_at > around.now) {
                break;
            }
            self.decide(around, wire)?;
        }
        Ok(())
    }

    pub(super) fn decide(&mut self, around: &mut Around<'_>, wire: WireId) -> Result<(), Violation> {
        let (Some(pending), Some(hub)) = (self.pending_conns.get_mut(&wire), &mut self.hub) else { return Ok(()) };
        let Some((_, mut registration)) = pending.undecided.take() else { return Ok(()) };
        if self.has_renames {
            let user = user_of(registration.name().as_str());
            let present = hub.user_names().find(|name| user != usize::MAX && user_of(name.as_str()) == user);
            registration = present.cloned().into_iter().fold(registration, Registration::with_name);
        }
        self.units += ADMISSION_UNITS;
        let Entrance { origin, resume_time, .. } = pending.entrance;
        registration = registration.with_origin(origin);
        let site = site_of(origin, self.origins_of_site);
        if let Some(site) = site {
            registration = registration.with_site(site, SITE_FACTOR);
        }
        if let Some(time) = resume_time {
            registration = registration.with_resume_time_max(time).expect("no plan has a longer one");
        }
        match hub.admit_as(around.now, registration, pending.admission) {
            Ok(conn) => {
                self.debts.entry(origin).or_default().add(around.now, ADMISSION_UNITS, self.limits.origin_rate);
                if let Some(site) = site {
                    let rate = of_site(self.limits.origin_rate);
                    self.debts.entry(site).or_default().add(around.now, ADMISSION_UNITS, rate);
                }
                let (inbox, outgoing) = (mem::take(&mut pending.inbox), mem::take(&mut pending.outgoing));
                self.pending_conns.remove(&wire);
                self.members.insert(wire, Member::new(conn, inbox, outgoing, origin, &self.limits));
                self.wires.insert(conn, wire);
                around.trace.note(around.now, format_args!("hub: {wire} is {conn}"));
                if self.pace.takes_time() {
                    // Its turn comes.
                    return self.note_events(around);
                }
                self.drain(around)?;
                self.read_member(around, wire)
            }
            Err(not_admitted) => self.refuse(around, wire, &not_admitted),
        }
    }

    fn refuse(
        &mut self,
        around: &mut Around<'_>,
        wire: WireId,
        NotAdmitted { refusal, registration, .. }: &NotAdmitted,
    ) -> Result<(), Violation> {
        self.counts.sessions_refused += u64::from(matches!(refusal, Refusal::TooManySessions { .. }));
        around.trace.note(around.now, format_args!("hub: {wire} is refused: {refusal:?}"));
        if let Refusal::NameInUse { wait } = refusal {
            // The oracle knows which sessions are over.
            self.note_events(around)?;
            around.oracle.is_held(registration.name(), *wait)?;
        }
        let Some(pending) = self.pending_conns.get_mut(&wire) else { return Ok(()) };
        let refused = pending.handshake.refuse(around.now, refusal);
        pending.flush(around, wire);
        match refused {
            Ok(()) => Ok(()),
            Err(error) => self.drop_pending_conn(around, wire, error),
        }
    }

    pub(super) fn drop_pending_conn(
        &mut self,
        around: &mut Around<'_>,
        wire: WireId,
        error: HandshakeError,
    ) -> Result<(), Violation> {
        if let Some(mut pending) = self.pending_conns.remove(&wire) {
            pending.flush(around, wire);
        }
        around.network.close(around.now, wire, End::Server);
        match error {
            // Many that share an origin may all be told to come again, more often than one connection may ask.
            HandshakeError::ProtocolError(ProtocolError::TooManyAttempts { .. })
            | HandshakeError::Left
            | HandshakeError::TimedOut
            | HandshakeError::Undecided => Ok(()),
            _ if !around.oracle.knows_wire(wire) => Ok(()),
            error => {
                Err(Violation { property: Property::Isolation, detail: format!("{wire}: {error}"), at: around.now })
            }
        }
    }
}
