//! What senders are told of messages whose recipient's sessions have ended.

use alloc::format;
use alloc::vec::Vec;

use super::account::{Oracle, UnknownReport};
use super::facts::{Sent, Session, Taken, To};
use crate::sim::violation::{Property, Violation};
use crate::{DeliveryStatus, MessageId};

impl Oracle {
    /// A session is told what became of a message, at this place in its stream.
    pub(super) fn learn_report(
        &mut self,
        (session, place): (usize, u64),
        status: DeliveryStatus,
        to: usize,
        id: MessageId,
    ) -> Result<(), Violation> {
        let Some(message) = self.by_id.get(&id).copied() else {
            // A client that goes on with a session does not get the answers which the client before it did not take.
            let is_possible = self.sessions[session].predecessor.is_some();
            self.unknown_reports.entry(id).or_default().push(UnknownReport { session, place, status, to });
            return self
                .hold(is_possible, Property::Fate, || format!("{id} is reported {status}, which nobody was told of"));
        };
        let taken = self.note_report(message, UnknownReport { session, place, status, to })?;
        let sent = &self.messages[message];
        let seen = self.sessions_of(to).any(|(session, _)| sent.seen.contains_key(&session));
        self.hold(status != DeliveryStatus::Undelivered || !seen, Property::Fate, || {
            format!("message {message} is reported undelivered, but user {to} has seen it")
        })?;
        let is_over = !self.recipients(to, taken.order).is_empty()
            && self.recipients(to, taken.order).iter().all(|other| self.sessions[*other].ended.is_some());
        self.hold(is_over, Property::Fate, || {
            format!("message {message} is reported {status}, but user {to} is there")
        })?;
        // The other sessions of the sender are told the same.
        if self.messages[message].reports.len() > 1 {
            return Ok(());
        }
        match status {
            DeliveryStatus::Undelivered => self.check_undelivered(message, to, taken.order),
            _ => self.check_unconfirmed(message, to, taken.order),
        }
    }

    /// A message that was reported before is known now.
    pub(super) fn learn_unknown_reports(&mut self, message: usize, id: MessageId) -> Result<(), Violation> {
        let reports = self.unknown_reports.remove(&id).into_iter().flatten();
        reports.into_iter().try_for_each(|report| self.note_report(message, report).map(drop))
    }

    /// A report is to a session of the message's sender, says who the recipient was, and says the same as others.
    fn note_report(&mut self, message: usize, report: UnknownReport) -> Result<Taken, Violation> {
        let UnknownReport { session, place, status, to } = report;
        let was_acknowledged =
            self.was_settled(session, |before| self.messages[message].reports.get(&before).map(|(_, place)| *place));
        let before = self.messages[message].reports.insert(session, (status, place));
        let sent = &self.messages[message];
        self.hold(sent.to == To::User(to), Property::Fate, || {
            format!("message {message} is reported {status} for user {to}, though it was for {:?}", sent.to)
        })?;
        let told = &self.sessions[session];
        let taken = sent.taken.filter(|taken| {
            let by = self.sessions.get(taken.session);
            by.is_some_and(|by| by.user == told.user) && told.begun < taken.order
        });
        let Some(taken) = taken else {
            return Err(self.violation(Property::Isolation, format!("message {message} is reported to somebody else")));
        };
        self.hold(before.is_none() && !was_acknowledged, Property::Fate, || {
            format!("message {message} is reported twice to session {session}")
        })?;
        let is_same = sent.reports.values().all(|(other, _)| *other == status);
        self.hold(is_same, Property::Fate, || {
            format!("message {message} is reported otherwise to another session: {:?}", sent.reports)
        })?;
        Ok(taken)
    }

    /// The sessions of a user that a message which the hub took then may have gone to: of each, what its last client
    /// had.
    fn recipients(&self, user: usize, order: u64) -> Vec<usize> {
        let got = self.sessions_of(user).filter(|(_, other)| other.handed_on.is_none() && other.may_have_got(order));
        got.map(|(index, _)| index).collect()
    }

    /// It never went out whole to any session of the recipient, and no other of them has got it, which may have
    /// acknowledged it.
    fn check_undelivered(&self, message: usize, to: usize, order: u64) -> Result<(), Violation> {
        let Sent { written, .. } = &self.messages[message];
        self.hold(written.is_empty(), Property::Fate, || {
            format!("message {message} is reported undelivered, but was written to sessions {written:?} of user {to}")
        })?;
        let sure =
            self.recipients(to, order).into_iter().filter(|other| self.sessions[*other].was_there(order)).count();
        self.hold(sure <= 1, Property::Fate, || {
            format!("message {message} is reported undelivered, but {sure} sessions of user {to} had it")
        })
    }

    /// Nobody is told that a message may have arrived which never went out. The one whose end is reported is the last
    /// of those that had it.
    fn check_unconfirmed(&mut self, message: usize, to: usize, order: u64) -> Result<(), Violation> {
        let got = self.recipients(to, order);
        let sure_place = got.iter().filter(|other| self.sessions[**other].was_there(order));
        let sure_place = sure_place.map(|other| self.place_of(*other)).max().unwrap_or_default();
        let last: Vec<usize> = got.into_iter().filter(|other| self.place_of(*other) >= sure_place).collect();
        let written = &self.messages[message].written;
        let was_written = |other: usize| self.line_of(other).any(|session| written.contains(&session));
        if last.iter().any(|other| was_written(*other) || self.was_shared(*other, order)) {
            return Ok(());
        }
        // Of each connection, one may have been half written.
        let roots: Vec<usize> = last.iter().map(|other| self.root_of(*other)).collect();
        for root in roots {
            let Session { halves, connections, .. } = &mut self.sessions[root];
            if *halves < *connections {
                *halves += 1;
                return Ok(());
            }
        }
        Err(self.violation(
            Property::Fate,
            format!("message {message} is reported unconfirmed, but was never written to user {to}"),
        ))
    }

    fn place_of(&self, session: usize) -> usize {
        self.sessions[session].ended.map_or(0, |ended| ended.place)
    }

    /// Another session of the same user may have had the message, and ended while this one lived. Of several that
    /// ended, the hub only knows when the first began and when the last ended.
    fn was_shared(&self, session: usize, order: u64) -> bool {
        let Session { stay, begun_place, .. } = &self.sessions[session];
        let siblings = self.stays[*stay].sessions.iter().filter(|other| **other != session);
        let over = siblings.map(|other| &self.sessions[*other]).filter(|other| other.handed_on.is_none());
        let over = over.filter_map(|other| Some((other.begun, other.ended?)));
        let beside = over.filter(|(_, ended)| (*begun_place..self.place_of(session)).contains(&ended.place));
        let (after, until) =
            beside.fold((u64::MAX, 0), |(after, until), (begun, ended)| (begun.min(after), ended.before.max(until)));
        after < order && order <= until
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
        let is_reported = self.has_been_told(session, |session| sent.reports.get(&session).map(|(_, place)| *place));
        let got = self.recipients(to, order);
        if got.iter().any(|other| self.sessions[*other].ended.is_none()) {
            return self.hold(!is_reported, Property::Fate, || {
                format!("message {message} is reported {report:?}, but user {to} is there")
            });
        }
        let last_of_all = got.iter().map(|other| self.place_of(*other)).max();
        // The hub reports what the last session that had it has not acknowledged.
        let has = |other: &usize| {
            let has_seen = self.line_of(*other).any(|session| sent.seen.contains_key(&session));
            has_seen || self.sessions[*other].was_there(order)
        };
        let last = got.into_iter().filter(has).max_by_key(|other| self.place_of(*other));
        let Some(last) = last else {
            return self.hold(is_reported, Property::Fate, || {
                format!("message {message} was accepted, and vanished: {sent:?}")
            });
        };
        let is_within = |acked: fn(&Session) -> u64| {
            let mut line = self.line_of(last);
            line.any(|session| sent.seen.get(&session).is_some_and(|place| *place <= acked(&self.sessions[session])))
        };
        let is_settled = is_within(|session| session.acked);
        let may_be_settled = is_settled || is_within(|session| session.acked_perhaps);
        // Another one that ended later may have had it, too.
        let is_sure = Some(self.place_of(last)) == last_of_all;
        let holds = if is_reported { !is_settled || !is_sure } else { may_be_settled };
        self.hold(holds, Property::Fate, || {
            let Session { acked, ended, .. } = &self.sessions[last];
            let seen = sent.seen.get(&last);
            format!(
                "message {message} for user {to}, whose session {last} ended: reported {report:?} to session {session}, \
                 seen at {seen:?}, acknowledged up to {acked}, {ended:?}"
            )
        })
    }
}
