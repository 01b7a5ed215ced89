//! Events that wait for the program.

use alloc::collections::VecDeque;

use super::Event;
use crate::wire::MessageId;

/// Events in order. Many messages that were accepted at once take the room of one.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<(Event, u16)>);

impl Queue {
    pub(super) fn push_back(&mut self, event: Event) {
        self.0.push_back((event, 0));
    }

    /// A message is accepted, and so many more behind it.
    pub(super) fn push_accepted(&mut self, number: u64, id: MessageId, more: u16) {
        self.0.push_back((Event::Accepted { number, id }, more));
    }

    /// The next event, and whether nothing more came with it.
    pub(super) fn pop_front(&mut self) -> Option<(Event, bool)> {
        if let Some((Event::Accepted { number, id }, more @ 1..)) = self.0.front_mut() {
            let first = Event::Accepted { number: *number, id: *id };
            (*number, id.0, *more) = (*number + 1, id.0 + 1, *more - 1);
            return Some((first, false));
        }
        self.0.pop_front().map(|(event, _)| (event, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_that_are_accepted_come_one_by_one() {
        let mut queue = Queue::default();
        queue.push_accepted(7, MessageId(100), 2);
        queue.push_back(Event::Done { number: 10 });
        for (number, id) in [(7, 100), (8, 101), (9, 102)] {
            assert_eq!(queue.pop_front(), Some((Event::Accepted { number, id: MessageId(id) }, number == 9)));
        }
        assert_eq!(queue.pop_front(), Some((Event::Done { number: 10 }, true)));
        assert_eq!(queue.pop_front(), None);
    }
}
