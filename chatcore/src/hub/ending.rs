//! How connections and sessions end, and what is owed then: last words to the user, news to those it knows, the fate of
//! its messages to their senders.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::Hub;
use super::conn_id::ConnId;
use super::deadlines::Whose;
use super::event::{CloseReason, HubEvent};
use super::link::{Farewell, Link, Role};
use super::session::Place;
use crate::limits::cut_detail;
use crate::name::UserName;
use crate::outbox::Outbox;
use crate::time::Instant;
use crate::wire::{
    Ack, Deliver, ErrorMessage, FateCode, Goodbye, GoodbyeCode, HubMessage, Kind, LeaveCode, Message, MessageId,
    ReconnectHint, Report, RoomDeliver,
};

impl Hub {
    // ---- connections ----

    /// A session lost its connection, or loses it now. It waits for another one, if there is room for that.
    pub(super) fn park(&mut self, index: usize, reason: CloseReason) {
        self.spread_said();
        self.tell_accepted(index);
        let session = &self.sessions[index];
        let Place::Connected(conn) = session.place else {
            unreachable!("only a connected session loses its connection");
        };
        let kept_bytes = session.outbox.kept_bytes();
        // Nobody can come back to a session whose token never went out.
        let is_unknown = session.outbox.still_opens_with(Kind::WELCOME);
        if self.shutting_down || is_unknown || !self.parked.takes(session.details.origin, kept_bytes, &self.limits) {
            return self.end(index, reason);
        }
        self.parked.enter(session.details.origin, kept_bytes);
        self.events.push_back(HubEvent::Detached { conn, name: session.name.clone(), reason });
        self.drop_link(index, conn, reason);
        let session = &mut self.sessions[index];
        session.place = Place::Parked { until: self.now + self.limits.resume_time_max };
        session.write_queued = false;
        session.full_since = Instant::MAX;
        session.outbox.compact(&mut self.pool);
        self.arm_session(index);
    }

    /// Tells a connection why its session does without it from now on, if it is still there.
    pub(super) fn drop_link(&mut self, index: usize, conn: ConnId, reason: CloseReason) {
        if self.index(conn).is_ok() {
            let session = &mut self.sessions[index];
            let rest = session.outbox.take_broken_frame(&mut self.pool);
            let last = Farewell::after(session, rest, reason, None);
            self.say_farewell(conn, last, None);
        }
    }

    /// Puts last words behind what a connection is still to be written.
    fn say_farewell(&mut self, conn: ConnId, mut last: Farewell, hint: Option<ReconnectHint<'_>>) {
        let detail = match last.reason {
            CloseReason::Fault(fault) => fault.to_string(),
            reason => reason.to_string(),
        };
        if let Some(farewell) = farewell(last.reason, cut_detail(&detail), hint) {
            last.outbox.push(&farewell, &mut self.pool);
        }
        let is_written = last.outbox.is_written();
        if !is_written && !last.announced {
            last.write_queued = true;
            self.writes.push_back(conn);
        }
        let until = self.now + self.limits.flush_time_max;
        self.deadlines.arm(Whose::Link(conn.index()), &mut last.armed, until);
        self.links[conn.index()].role = Role::Farewell(Box::new(last));
        if is_written {
            self.finish(conn.index());
        }
    }

    /// Nothing more can or need be written: the driver is to close.
    pub(super) fn finish(&mut self, link: usize) {
        let Link { conn, role: Role::Farewell(farewell) } = &mut self.links[link] else {
            unreachable!("only last words come to their end");
        };
        farewell.is_over = true;
        self.deadlines.disarm(Whose::Link(link), &mut farewell.armed);
        self.closes.push_back((*conn, farewell.reason));
        if let Role::Farewell(farewell) = &self.links[link].role
            && let Some(name) = farewell.heir.clone()
        {
            let fates = self.fates(&farewell.outbox);
            self.report_fates(&name, fates);
        }
    }

    /// The driver knows a connection no more.
    pub(super) fn unlink(&mut self, link: usize) -> Role {
        let mut role = self.links.remove(link).role;
        if let Role::Farewell(farewell) = &mut role {
            self.deadlines.disarm(Whose::Link(link), &mut farewell.armed);
        }
        role
    }

    // ---- sessions ----

    /// Ends a session when the present input is done. Until then it is still a recipient, so that nobody who is being told
    /// something is told twice or not at all.
    pub(super) fn doom(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        if !core::mem::replace(&mut session.doomed, true) {
            self.doomed.push(index);
        }
    }

    /// Ends the sessions that could not hold what they were told. Their end is news, too, and may be too much for
    /// others.
    #[inline(never)]
    pub(super) fn end_doomed(&mut self) {
        while let Some(index) = self.doomed.pop() {
            if self.sessions.get(index).is_some_and(|session| session.doomed) {
                self.end(index, CloseReason::SlowConsumer);
            }
        }
    }

    #[cold]
    pub(super) fn end(&mut self, index: usize, reason: CloseReason) {
        self.end_with_hint(index, reason, None);
    }

    /// Ends a session: frees its name, tells whom it concerns, and lets its connection be written out.
    pub(super) fn end_with_hint(&mut self, index: usize, reason: CloseReason, hint: Option<ReconnectHint<'_>>) {
        self.spread_said();
        let session = &self.sessions[index];
        if session.is_parked() {
            self.parked.leave(session.details.origin, session.outbox.kept_bytes());
        }
        self.directory.remove(index, &self.sessions);
        let mut session = self.sessions.remove(index);
        self.speaker.forget(index);
        self.deadlines.disarm(Whose::Session(index), &mut session.details.armed);
        let name = session.name.clone();
        self.events.push_back(HubEvent::SessionEnded { name: name.clone(), reason });
        for seat in &session.details.watches {
            self.watches.leave(*seat);
        }
        for seat in &session.details.rooms {
            self.leave_room(*seat, &name, leave_code(reason));
        }
        self.tell_watchers(name.as_str(), false);

        match session.place {
            Place::Connected(conn) if self.index(conn).is_ok() => {
                let mut last = Farewell::after(&session, Outbox::default(), reason, Some(name));
                last.outbox = session.outbox;
                // What came with the last words is answered and acknowledged before ours: nothing follows them.
                if let Some(accepted) = session.accepted.take() {
                    last.outbox.push(&HubMessage::Accepted(accepted), &mut self.pool);
                }
                if session.ack_due {
                    last.outbox.push(&HubMessage::Ack(Ack { count: session.received }), &mut self.pool);
                }
                self.say_farewell(conn, last, hint);
            }
            _ => self.report(Some(&name), &session.outbox),
        }
    }

    // ---- messages ----

    /// Tells the senders of messages that somebody did not acknowledge what is known of them.
    pub(super) fn report(&mut self, heir: Option<&UserName>, outbox: &Outbox) {
        if let Some(name) = heir {
            self.report_fates(name, self.fates(outbox));
        }
    }

    fn report_fates(&mut self, to: &UserName, fates: Fates) {
        for ((sender, code), ids) in fates {
            for ids in ids.chunks(self.limits.report_ids_max()) {
                let code = FateCode::from(code);
                self.notify(sender, &HubMessage::Report(Report { code, to: to.as_str(), ids: ids.to_vec() }));
            }
        }
    }

    /// The messages that are not acknowledged, for each sender that is there and each fate.
    fn fates(&self, outbox: &Outbox) -> Fates {
        let mut fates = Fates::new();
        for (content, may_have_arrived) in outbox.unacknowledged() {
            let Ok(Some(message)) = HubMessage::decode(content) else { continue };
            let (HubMessage::Deliver(Deliver { id, from, .. }) | HubMessage::RoomDeliver(RoomDeliver { id, from, .. })) =
                message
            else {
                continue;
            };
            // A later session of the same name has not sent it.
            let sender = self
                .directory
                .find(from.as_bytes(), &self.sessions)
                .filter(|sender| self.sessions[*sender].details.born < id);
            if let Some(sender) = sender {
                let code = if may_have_arrived { FateCode::Unconfirmed } else { FateCode::Undelivered };
                fates.entry((sender, code.into())).or_default().push(id);
            }
        }
        fates
    }
}

/// Ids of messages, by the sender's session and what is known of them, as its number.
type Fates = BTreeMap<(usize, u16), Vec<MessageId>>;

fn farewell<'a>(reason: CloseReason, detail: &'a str, reconnect: Option<ReconnectHint<'a>>) -> Option<HubMessage<'a>> {
    let code = match reason {
        CloseReason::Left => GoodbyeCode::Left,
        CloseReason::TimedOut => GoodbyeCode::TimedOut,
        CloseReason::SlowConsumer => GoodbyeCode::SlowConsumer,
        CloseReason::ShuttingDown => GoodbyeCode::ShuttingDown,
        CloseReason::Kicked => GoodbyeCode::Kicked,
        CloseReason::TakenOver => GoodbyeCode::TakenOver,
        CloseReason::Fault(fault) => {
            return Some(HubMessage::Error(ErrorMessage { code: fault.code(), detail }));
        }
        // Nobody is there to be told.
        CloseReason::Accused(_) | CloseReason::Disconnected | CloseReason::Expired | CloseReason::OutOfStep => {
            return None;
        }
    };
    Some(HubMessage::Goodbye(Goodbye { code, detail, reconnect }))
}

/// How the end of a session looks to those in its rooms.
const fn leave_code(reason: CloseReason) -> LeaveCode {
    match reason {
        CloseReason::Disconnected | CloseReason::TimedOut | CloseReason::Expired => LeaveCode::TimedOut,
        _ => LeaveCode::Quit,
    }
}
