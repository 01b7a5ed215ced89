//! Connections that have no name yet.

use alloc::format;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::members::Member;
use super::outgoing::Outgoing;
use super::work::ADMISSION_UNITS;
use super::{Around, Server};
use crate::sim::broken::{Broken, Promise};
use crate::sim::network::{End, WireId};
use crate::{Handshake, HandshakeError, Instant, ProtocolError, QuotaKey, Registration};

/// A connection without a name.
pub(super) struct Guest {
    pub(super) handshake: Handshake,
    pub(super) inbox: Vec<u8>,
    pub(super) undecided: Option<(Instant, Registration)>,
    pub(super) outgoing: Outgoing,
    origin: QuotaKey,
}

impl Guest {
    pub(super) fn new(handshake: Handshake, origin: QuotaKey) -> Self {
        Self { handshake, inbox: Vec::new(), undecided: None, outgoing: Outgoing::default(), origin }
    }
}

impl Server {
    pub(super) fn hear_guest(&mut self, around: &mut Around<'_>, wire: WireId) -> Result<(), Broken> {
        let Some(guest) = self.guests.get_mut(&wire) else { return Ok(()) };
        let is_over = around.network.read(around.now, wire, End::Server, &mut guest.inbox);
        self.go_on_with_guest(around, wire)?;
        if is_over {
            self.guests.remove(&wire);
            if let Some(member) = self.members.get(&wire) {
                let conn = member.conn;
                return self.lose(around, wire, conn);
            }
            around.network.close(around.now, wire, End::Server);
        }
        Ok(())
    }

    /// Reads on, decides, and reads on after a refusal.
    pub(super) fn go_on_with_guest(&mut self, around: &mut Around<'_>, wire: WireId) -> Result<(), Broken> {
        while let Some(guest) = self.guests.get_mut(&wire) {
            if guest.undecided.is_none() {
                let mut input = &guest.inbox[..];
                let received = guest.handshake.receive(around.now, &mut input);
                let used = guest.inbox.len() - input.len();
                guest.inbox.drain(..used);
                match received {
                    Ok(Some(registration)) => {
                        let ponders = self.random.chance(self.ponder_chance);
                        let time =
                            if ponders { Duration::from_millis(self.random.upto(3_000)) } else { Duration::ZERO };
                        guest.undecided = Some((around.now + time, registration));
                    }
                    Ok(None) => break,
                    Err(error) => return self.drop_guest(around, wire, error),
                }
            }
            if guest.undecided.as_ref().is_some_and(|(decide_at, _)| *decide_at > around.now) {
                break;
            }
            self.decide(around, wire)?;
        }
        Ok(())
    }

    pub(super) fn decide(&mut self, around: &mut Around<'_>, wire: WireId) -> Result<(), Broken> {
        let (Some(guest), Some(hub)) = (self.guests.get_mut(&wire), &mut self.hub) else { return Ok(()) };
        let Some((_, registration)) = guest.undecided.take() else { return Ok(()) };
        self.units += ADMISSION_UNITS;
        let origin = guest.origin;
        match hub.admit(around.now, registration.with_origin(origin)) {
            Ok(conn) => {
                self.debts.entry(origin).or_default().add(around.now, ADMISSION_UNITS, self.limits.origin_rate);
                let (inbox, outgoing) = (mem::take(&mut guest.inbox), mem::take(&mut guest.outgoing));
                self.guests.remove(&wire);
                self.members.insert(wire, Member::new(conn, inbox, outgoing, origin, &self.limits));
                self.wires.insert(conn, wire);
                around.trace.note(around.now, format_args!("hub: {wire} is {conn}"));
                if self.pace.takes_time() {
                    // Its turn comes.
                    return self.note_events(around);
                }
                self.drain(around)?;
                self.hear_member(around, wire)
            }
            Err(refusal) => {
                around.trace.note(around.now, format_args!("hub: {wire} is refused: {refusal:?}"));
                let refused = guest.handshake.refuse(around.now, &refusal);
                flush(guest, around, wire);
                match refused {
                    Ok(()) => Ok(()),
                    Err(error) => self.drop_guest(around, wire, error),
                }
            }
        }
    }

    pub(super) fn drop_guest(
        &mut self,
        around: &mut Around<'_>,
        wire: WireId,
        error: HandshakeError,
    ) -> Result<(), Broken> {
        if let Some(mut guest) = self.guests.remove(&wire) {
            flush(&mut guest, around, wire);
        }
        around.network.close(around.now, wire, End::Server);
        match error {
            // Many that share an origin may all be told to come again, more often than one connection may ask.
            HandshakeError::ProtocolError(ProtocolError::TooManyAttempts { .. })
            | HandshakeError::Left
            | HandshakeError::TimedOut
            | HandshakeError::Undecided => Ok(()),
            _ if !around.ledger.knows_wire(wire) => Ok(()),
            error => Err(Broken { promise: Promise::Isolation, detail: format!("{wire}: {error}"), at: around.now }),
        }
    }
}

/// Writes out what a handshake has to say, as far as the network takes it.
pub(super) fn flush(guest: &mut Guest, around: &mut Around<'_>, wire: WireId) {
    let Guest { handshake, outgoing, .. } = guest;
    let (taken, _) = around.write(wire, End::Server, handshake.transmit(), |bytes| outgoing.push(bytes));
    handshake.transmitted(taken);
}
