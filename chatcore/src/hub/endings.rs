//! How sessions end or lose their connection, and what is due then: a final message to the client, news to those who
//! know it, reports to the senders of what it has not acknowledged.

use core::mem;

use super::conn::{Closing, ConnState};
use super::ended_session::{EndedSession, SharedIds};
use super::event::{CloseReason, HubEvent};
use super::ordered::Attachment;
use super::origins::Place;
use super::parts::Hub;
use super::work::{SLOTS, Work};
use crate::outbox::Outbox;
use crate::wire::{Ack, HubMessage, MessageId, ReconnectHint};

impl Hub {
    /// A session has lost its connection, or loses it now. It waits for another one, if there is room for that.
    pub(super) fn detach(&mut self, index: usize, reason: CloseReason) {
        let (sessions, _) = self.ordered.unordered();
        sessions.tell_accepted(index);
        let Attachment::Attached(conn) = sessions[index].attachment else {
            unreachable!("only an attached session loses its connection");
        };
        let place = if sessions.is_shutting_down { Place::Nowhere } else { sessions.place(index) };
        if place == Place::Nowhere {
            if self.ordered.rooms().is_full() {
                // Its end is news, for which there is no room at present.
                return self.ordered.unordered().0.mark_closing(index, reason);
            }
            return self.end(index, reason);
        }
        if let Place::Of(other) = place {
            sessions.displace(other);
            if !self.ordered.rooms().is_full() {
                self.end(other, CloseReason::Displaced);
            }
        }
        self.ordered.unordered().0.detach(index, conn, reason);
    }

    #[cold]
    pub(super) fn end(&mut self, index: usize, reason: CloseReason) {
        let work = self.end_with_hint(index, reason, None);
        self.note_work(work);
    }

    /// Ends a session: frees its name if its user has no other, tells whom it concerns, and lets its connection be
    /// written out. Returns the work that it took.
    pub(super) fn end_with_hint(&mut self, index: usize, reason: CloseReason, hint: Option<ReconnectHint<'_>>) -> u32 {
        self.end_with_words(index, reason, None, hint)
    }

    /// The same, with the program's own words in the goodbye.
    pub(super) fn end_with_words(
        &mut self,
        index: usize,
        reason: CloseReason,
        words: Option<&str>,
        hint: Option<ReconnectHint<'_>>,
    ) -> u32 {
        let (sessions, rooms) = self.ordered.unordered();
        let id = sessions.id_of(index);
        let ids_max = sessions.shared_after(index).unwrap_or(MessageId(u64::MAX));
        let shared = SharedIds { after: sessions[index].details.created_at_id, until: self.delivery.last_id };
        sessions.siblings_mut(index, |sibling| sibling.rare().shared = Some(shared.and(sibling.shared())));
        let waiting = sessions.take_waiting(index);
        let (mut session, mut outbox) = sessions.remove(index);
        self.questions.forget(waiting, &mut sessions.timers);
        self.delivery.header_cache.forget(index);
        let name = session.name.clone();
        let ended = EndedSession { name: name.clone(), ids_max, shared: session.shared() };
        let origin = sessions.origins.origin(&session.share);
        sessions.events.push_back(HubEvent::SessionEnded { session: id, name: name.clone(), origin, reason });
        let (memberships, watches) = (mem::take(&mut session.details.rooms), mem::take(&mut session.details.watches));
        let work = u32::try_from(1 + memberships.len() + watches.len()).unwrap_or(u32::MAX);
        self.presence.unwatch_all(watches);
        rooms.leave_all(sessions, memberships, index, &name, reason.leave_code());
        if sessions.find(name.as_bytes()).is_none() {
            let cost = self.presence.changed(sessions, name.as_str());
            let account = session.share.account();
            sessions.origins.charge_news(sessions.now, account, cost, &sessions.origin_pace);
        }

        let conn = match session.attachment {
            Attachment::Attached(conn) if sessions.conn_index(conn).is_ok() => conn,
            _ => {
                self.reports.add(sessions, ended, outbox, session.share);
                return work;
            }
        };
        let mut closing = Closing {
            is_announced: !outbox.is_written(),
            write_queued: session.write_queued,
            outbox: Outbox::default(),
            share: sessions.origins.split(&session.share),
            reason,
            is_over: false,
            ended: None,
            armed: None,
        };
        if reason == CloseReason::Evicted {
            // Its memory is needed at once.
            closing.outbox = outbox.take_broken_frame(&mut sessions.pool);
            self.reports.add(sessions, ended, outbox, session.share);
        } else {
            closing.outbox = outbox;
            closing.ended = Some(ended);
            sessions.origins.close(session.share);
        }
        // What came with the client's final message is answered and acknowledged first, because nothing follows ours.
        // An answer has its number only if all answers before it go out, too.
        if let Some(accepted) = session.accepted.take(session.received).filter(|_| reason != CloseReason::Evicted) {
            sessions.counters.accepted += 1 + u64::from(accepted.more);
            closing.outbox.push(&HubMessage::Accepted(accepted.into()), &mut sessions.pool);
        }
        if session.ack_due {
            closing.outbox.push(&HubMessage::Ack(Ack { count: session.received }), &mut sessions.pool);
        }
        let detail = words.map_or_else(|| reason.detail(), Into::into);
        sessions.close_conn(conn, closing, reason.final_message(&detail, hint).as_ref());
        work
    }

    /// The driver knows a connection no more that carries no session: what it did not get is reported.
    pub(super) fn remove_closing(&mut self, conn: usize) {
        let (sessions, _) = self.ordered.unordered();
        let ConnState::Closing(closing) = sessions.remove_conn(conn) else {
            unreachable!("the connection is closing");
        };
        let Closing { outbox, share, ended, .. } = *closing;
        match ended {
            Some(ended) => self.reports.add(sessions, ended, outbox, share),
            None => sessions.release(outbox, share),
        }
    }

    /// Ends sessions that are marked, as far as the work goes. Their ends are news, too.
    #[cold]
    #[inline(never)]
    pub(super) fn end_marked(&mut self, work: &mut Work) {
        while !work.is_spent() && !self.ordered.rooms().is_full() {
            let Some((index, reason)) = self.ordered.unordered().0.next_marked() else { return };
            work.spend(self.end_with_hint(index, reason, None));
        }
    }

    /// Ends all sessions because the hub stops, as far as the work goes.
    pub(super) fn end_all(&mut self, work: &mut Work) {
        let Some(mut stop) = self.shutting_down.take() else { return };
        while !work.is_spent() {
            let index = stop.next_slot;
            if index >= self.ordered.sessions().slots() {
                if stop.is_at_attached {
                    // All are over, and nobody is admitted any more.
                    return;
                }
                if self.reports.has_pending() {
                    break;
                }
                stop.is_at_attached = true;
                stop.next_slot = 0;
                continue;
            }
            stop.next_slot += 1;
            work.spend(u32::from(index.is_multiple_of(SLOTS)));
            let session = self.ordered.sessions().get(index);
            if session.is_some_and(|session| stop.is_at_attached || session.is_detached()) {
                work.spend(self.end_with_hint(index, CloseReason::ShuttingDown, stop.hint()));
            }
        }
        self.shutting_down = Some(stop);
    }
}
