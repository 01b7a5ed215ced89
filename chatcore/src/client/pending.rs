//! Requests that wait for their answers. Answers may overtake each other, so each is found by its number.

use alloc::collections::VecDeque;

use crate::wire::{ClientMessage, HubMessage, Kind, ProtocolError};

/// Requests that a client may have without an answer, at the most: a byte for each number from the first of them on is
/// kept.
pub(super) const PENDING_MAX: usize = 1 << 20;

/// What answers a request, beside a `rejected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Online,
    Members,
    Subscribed,
    Done,
}

impl Answer {
    /// What answers a message of ours, which is numbered.
    pub(super) fn to(request: &ClientMessage<'_>) -> Self {
        match request {
            ClientMessage::Send(_) => Self::Accepted,
            ClientMessage::Who(_) => Self::Online,
            ClientMessage::Roster(_) => Self::Members,
            ClientMessage::Subscriptions(_) => Self::Subscribed,
            ClientMessage::Join(_) | ClientMessage::Leave(_) | ClientMessage::Watch(_) | ClientMessage::Unwatch(_) => {
                Self::Done
            }
            _ => unreachable!("only requests are numbered"),
        }
    }
}

/// The requests of a session by their numbers, which begin at 1.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Requests up to this number are answered, or are those of another process, of which we know nothing.
    before: u64,
    /// What answers those after it; none if it has come.
    answers: VecDeque<Option<Answer>>,
    /// Up to this number another process sent them.
    foreign: u64,
}

impl Pending {
    /// The session goes on for a process that does not know what the one before it has sent: this many requests.
    pub(super) fn continue_from(&mut self, count: u64) {
        *self = Self { before: count, answers: VecDeque::new(), foreign: count };
    }

    pub(super) fn is_full(&self) -> bool {
        self.answers.len() >= PENDING_MAX
    }

    /// No request waits for its answer.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// The next request.
    pub(super) fn push(&mut self, answer: Answer) {
        self.answers.push_back(Some(answer));
    }

    /// The hub's message answers requests. An error if they were never made, are answered already, or are not answered
    /// like that.
    pub(super) fn take(&mut self, message: &HubMessage<'_>) -> Result<(), ProtocolError> {
        match message {
            HubMessage::Accepted(accepted) => accepted.runs.iter().try_for_each(|run| {
                let last = run.number.saturating_add(run.more.into());
                (run.number..=last).try_for_each(|number| self.take_one(number, Some(Answer::Accepted), Kind::ACCEPTED))
            }),
            HubMessage::Rejected(rejected) => self.take_one(rejected.number, None, Kind::REJECTED),
            HubMessage::Done(done) => self.take_one(done.number, Some(Answer::Done), Kind::DONE),
            HubMessage::Online(page) => self.take_one(page.number, Some(Answer::Online), Kind::ONLINE),
            HubMessage::Members(page) => self.take_one(page.number, Some(Answer::Members), Kind::MEMBERS),
            HubMessage::Subscribed(page) => self.take_one(page.number, Some(Answer::Subscribed), Kind::SUBSCRIBED),
            _ => Ok(()),
        }
    }

    fn take_one(&mut self, number: u64, answer: Option<Answer>, kind: Kind) -> Result<(), ProtocolError> {
        if (1..=self.foreign).contains(&number) {
            return Ok(());
        }
        let error = ProtocolError::InvalidValue { kind };
        let index = number.checked_sub(self.before + 1).and_then(|index| usize::try_from(index).ok()).ok_or(error)?;
        let slot = self.answers.get_mut(index).ok_or(error)?;
        match *slot {
            Some(expected) if answer.is_none_or(|answer| answer == expected) => *slot = None,
            _ => return Err(error),
        }
        while let Some(None) = self.answers.front() {
            self.answers.pop_front();
            self.before += 1;
        }
        Ok(())
    }
}
