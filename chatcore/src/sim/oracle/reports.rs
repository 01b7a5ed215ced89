//! What senders are told of messages whose recipient's sessions have ended.

use alloc::format;
use alloc::vec::Vec;

use super::account::Oracle;
use super::facts::{Sent, Session, To};
use crate::sim::violation::{Property, Violation};
use crate::{DeliveryStatus, MessageId};

impl Oracle {
    pub(super) fn learn_report(
        &mut self,
        session: usize,
        status: DeliveryStatus,
        to: usize,
        id: MessageId,
    ) -> Result<(), Violation> {
        let Some(message) = self.by_id.get(&id).copied() else {
            return Err(self.violation(Property::Fate, format!("{id} is reported {status}, which nobody was told of")));
        };
        let before = self.messages[message].reports.insert(session, status);
        let sent = &self.messages[message];
        self.hold(sent.to == To::User(to), Property::Fate, || {
            format!("message {message} is reported {status} for user {to}, though it was for {:?}", sent.to)
        })?;
        let told = &self.sessions[session];
        let taken = sent.taken.filter(|taken| {
            let by = &self.sessions[taken.session];
            by.user == told.user && told.begun < taken.order
        });
        let Some(taken) = taken else {
            return Err(self.violation(Property::Isolation, format!("message {message} is reported to somebody else")));
        };
        self.hold(before.is_none(), Property::Fate, || {
            format!("message {message} is reported twice to session {session}")
        })?;
        let is_same = sent.reports.values().all(|other| *other == status);
        self.hold(is_same, Property::Fate, || {
            format!("message {message} is reported otherwise to another session: {:?}", sent.reports)
        })?;
        let seen = self.sessions_of(to).any(|(session, _)| sent.seen.contains_key(&session));
        self.hold(status != DeliveryStatus::Undelivered || !seen, Property::Fate, || {
            format!("message {message} is reported undelivered, but user {to} has seen it")
        })?;
        let got = || self.sessions_of(to).filter(|(_, other)| other.may_have_got(taken.order));
        let is_over = got().count() > 0 && got().all(|(_, other)| other.ended.is_some());
        self.hold(is_over, Property::Fate, || {
            format!("message {message} is reported {status}, but user {to} is there")
        })?;
        // The other sessions of the sender are told the same.
        let is_first = sent.reports.len() == 1;
        let is_unconfirmed = status == DeliveryStatus::Unconfirmed;
        if is_first && is_unconfirmed { self.check_unconfirmed(message, to, taken.order) } else { Ok(()) }
    }

    /// Nobody is told that a message may have arrived which never went out. A hub that has forgotten one of several
    /// sessions need not know how far that was.
    fn check_unconfirmed(&mut self, message: usize, to: usize, order: u64) -> Result<(), Violation> {
        let Sent { written, .. } = &self.messages[message];
        let got = self.sessions_of(to).filter(|(_, other)| other.may_have_got(order));
        let got: Vec<usize> = got.map(|(index, _)| index).collect();
        let [recipient] = got[..] else { return Ok(()) };
        let place_of = |session: usize| self.sessions[session].ended.map(|ended| ended.place);
        let mut siblings = self.stays[self.sessions[recipient].stay].sessions.iter();
        let was_first = siblings.all(|other| place_of(*other).is_none_or(|place| Some(place) >= place_of(recipient)));
        if !was_first || written.contains(&recipient) {
            return Ok(());
        }
        let session = &mut self.sessions[recipient];
        session.halves += 1;
        let (halves, connections) = (session.halves, session.connections);
        self.hold(halves <= connections, Property::Fate, || {
            format!("message {message} is reported unconfirmed, but was never written to user {to}")
        })
    }

    /// Each session of a message's sender that was there when the hub took it knows what became of it.
    pub(super) fn close_reports(&self, message: usize) -> Result<(), Violation> {
        let sent = &self.messages[message];
        let (To::User(to), Some(taken)) = (sent.to, sent.taken) else { return Ok(()) };
        let sender = self.sessions[taken.session].user;
        let told = self.living_of(sender).filter(|(_, session)| session.begun < taken.order);
        told.map(|(session, _)| session)
            .try_for_each(|session| self.close_reports_to(session, message, to, taken.order))
    }

    fn close_reports_to(&self, session: usize, message: usize, to: usize, order: u64) -> Result<(), Violation> {
        let sent = &self.messages[message];
        let report = sent.reports.get(&session);
        let got = || self.sessions_of(to).filter(|(_, other)| other.may_have_got(order));
        let has = |index: usize, other: &Session| sent.seen.contains_key(&index) || other.was_there(order);
        if got().any(|(_, other)| other.ended.is_none()) {
            return self.hold(report.is_none(), Property::Fate, || {
                format!("message {message} is reported {report:?}, but user {to} is there")
            });
        }
        let place_of = |other: &Session| other.ended.map_or(0, |ended| ended.place);
        let last_of_all = got().map(|(_, other)| place_of(other)).max();
        // The hub reports what the last session that had it has not acknowledged.
        let last = got().filter(|(index, other)| has(*index, other)).max_by_key(|(_, other)| place_of(other));
        let Some((index, last)) = last else {
            return self.hold(report.is_some(), Property::Fate, || {
                format!("message {message} was accepted, and vanished: {sent:?}")
            });
        };
        let seen = sent.seen.get(&index);
        let is_settled = seen.is_some_and(|place| *place <= last.acked);
        let may_be_settled = seen.is_some_and(|place| *place <= last.acked_perhaps);
        // Another one that ended later may have had it, too.
        let is_sure = Some(place_of(last)) == last_of_all;
        let holds = if report.is_some() { !is_settled || !is_sure } else { may_be_settled };
        self.hold(holds, Property::Fate, || {
            let (acked, ended) = (last.acked, last.ended);
            format!(
                "message {message} for user {to}, whose session {index} ended: reported {report:?} to session {session}, \
                 seen at {seen:?}, acknowledged up to {acked}, {ended:?}"
            )
        })
    }
}
