//! What a session is told in answer to what it said, and what it asked to hear. It has no order with what others say,
//! but answers keep the order of what they answer.

use core::mem;

use super::session::Run;
use super::store::Sessions;
use crate::wire::{
    Ack, DeliveryReport, Done, Head, HubMessage, Joined, Left, Members, MessageId, Missed, Online, Ping, Pong,
    Presence, RejectCode, Rejected, Renamed, Subscribed,
};

/// An answer, or what else a session is told for its own sake. It is never what somebody else says.
pub(in crate::hub) enum Answer<'a> {
    Ping(Ping),
    Pong(Pong),
    Rejected(Rejected),
    Done(Done),
    Online(Online<'a>),
    Members(Members<'a>),
    Subscribed(Subscribed<'a>),
    /// Before the answer to a leave, or before what tells that another session has left.
    Missed(Missed<'a>),
    /// Another session of the same user has joined a room.
    Joined(Joined<'a>),
    /// Another session of the same user has left a room.
    Left(Left<'a>),
    /// Its user has another name.
    Renamed(Renamed<'a>),
    /// Before the answer to a watch.
    Presence(Presence<'a>),
    /// What became of what it said earlier.
    Report(DeliveryReport<'a>),
}

impl<'a> From<Answer<'a>> for HubMessage<'a> {
    fn from(answer: Answer<'a>) -> Self {
        match answer {
            Answer::Ping(ping) => Self::Ping(ping),
            Answer::Pong(pong) => Self::Pong(pong),
            Answer::Rejected(rejected) => Self::Rejected(rejected),
            Answer::Done(done) => Self::Done(done),
            Answer::Online(online) => Self::Online(online),
            Answer::Members(members) => Self::Members(members),
            Answer::Subscribed(subscribed) => Self::Subscribed(subscribed),
            Answer::Missed(missed) => Self::Missed(missed),
            Answer::Joined(joined) => Self::Joined(joined),
            Answer::Left(left) => Self::Left(left),
            Answer::Renamed(renamed) => Self::Renamed(renamed),
            Answer::Presence(presence) => Self::Presence(presence),
            Answer::Report(report) => Self::Report(report),
        }
    }
}

impl Sessions {
    /// A message is accepted. Its sender is told when the batch ends, together with the next ones if they follow.
    #[inline]
    pub(in crate::hub) fn accepted(&mut self, sender: usize, number: u64, id: MessageId) {
        if !self[sender].accepted.extend(number, id) {
            self.tell_accepted(sender);
            self[sender].accepted = Run::of(number, id);
        }
    }

    #[cold]
    pub(in crate::hub) fn rejected(&mut self, sender: usize, number: u64, code: RejectCode) {
        self.answer(sender, Answer::Rejected(Rejected { number, code }));
    }

    pub(in crate::hub) fn tell_accepted(&mut self, index: usize) {
        let session = &mut self[index];
        if let Some(run) = session.accepted.take(session.received) {
            self.counters.accepted += 1 + u64::from(run.more);
            self.put_header(index, &Head::of_accepted(run));
        }
    }

    /// Answers a request, or tells what a session wants to know, after what it is to be told of its messages before.
    pub(in crate::hub) fn answer(&mut self, index: usize, answer: Answer<'_>) {
        self.tell_accepted(index);
        if let Answer::Rejected(rejected) = &answer {
            self.counters.reject(rejected.code);
        }
        self.push_reserved(index, &answer.into());
    }

    /// One acceptance and one acknowledgement for all that came since the last batch, after what the batch has to say
    /// anyway.
    #[inline]
    pub(in crate::hub) fn flush_acks(&mut self, index: usize) {
        let session = &mut self[index];
        // A client that comes back is told the count anyway.
        if mem::take(&mut session.ack_due) && !session.is_detached() {
            let count = session.received;
            self.tell_accepted(index);
            self.put_header(index, &Head::of_ack(Ack { count }));
        }
    }
}
