//! What a hub says to a user, as far as the model needs it.

use chatcore::wire::{AcceptedRun, Deliver, HubMessage, Rejected, Sent};
use chatcore::{MessageId, RejectCode};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted { number: u64, id: MessageId },
    Rejected { number: u64, code: RejectCode },
}

/// The room into which this says that the user of this name has come.
pub(crate) fn own_room<'a>(message: &HubMessage<'a>, own: &str) -> Option<&'a str> {
    match message {
        HubMessage::Joined(joined) if joined.name == own => Some(joined.room),
        _ => None,
    }
}

/// The name that a session is told to have from now on.
pub(crate) fn new_name<'a>(message: &HubMessage<'a>) -> Option<&'a str> {
    match message {
        HubMessage::Renamed(renamed) => Some(renamed.name),
        _ => None,
    }
}

/// The id of the last message that this tells of.
pub(crate) fn accepted_id(message: &HubMessage<'_>) -> Option<MessageId> {
    match message {
        HubMessage::Deliver(Deliver { id, .. }) | HubMessage::Sent(Sent { id, .. }) => Some(*id),
        HubMessage::Accepted(accepted) => accepted.runs.last().map(|run| MessageId(run.id.0 + u64::from(run.more))),
        _ => None,
    }
}

/// What a message says of messages that were sent.
pub(crate) fn answers(message: &HubMessage<'_>) -> Vec<Answer> {
    match message {
        HubMessage::Accepted(accepted) => accepted
            .runs
            .iter()
            .flat_map(|AcceptedRun { number, id, more }| {
                (0..=u64::from(*more))
                    .map(move |more| Answer::Accepted { number: number + more, id: MessageId(id.0 + more) })
            })
            .collect(),
        HubMessage::Rejected(Rejected { number, code }) => vec![Answer::Rejected { number: *number, code: *code }],
        _ => Vec::new(),
    }
}
