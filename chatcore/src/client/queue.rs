//! Events that wait for the program.

use alloc::collections::VecDeque;
use core::mem::{size_of, size_of_val};

use super::event::Event;
use crate::wire::AcceptedRun;

/// Events in order. Many messages that were accepted at once take the room of one.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    /// Of all frames that wait.
    bytes: usize,
    /// What all entries take.
    memory_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    event: Event,
    /// This many more messages were accepted.
    more: u16,
    /// Numbered frames that nothing waits of any more when this is gone: its own, and those after it that tell nothing.
    frames: u32,
    /// What these frames had, also when nobody counts them any more.
    bytes: usize,
}

/// Of which our drivers know that it is less than 16 times the shortest frame.
const ENTRY_BYTES_MAX: usize = 128;

const _: () = assert!(size_of::<Entry>() <= ENTRY_BYTES_MAX);

impl Entry {
    /// What it takes: itself, its texts, and its lists, of which an element takes more room here than on the wire.
    fn memory_bytes(&self) -> usize {
        let lists = match &self.event {
            Event::Report { ids, .. } => size_of_val(&ids[..]),
            Event::Online { users, .. } | Event::Members { users, .. } => size_of_val(&users[..]),
            Event::Subscribed { rooms, users, .. } => size_of_val(&rooms[..]) + size_of_val(&users[..]),
            _ => 0,
        };
        size_of::<Self>() + self.bytes + lists
    }
}

/// The next event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) event: Event,
    /// Numbered frames that nothing waits of any more, and their bytes.
    pub(super) frames: u32,
    pub(super) bytes: usize,
}

impl Queue {
    /// Something that no numbered frame tells.
    pub(super) fn push_back(&mut self, event: Event) {
        self.push(event, 0, (0, 0));
    }

    /// What a numbered frame with this many bytes tells.
    pub(super) fn push_frame(&mut self, event: Event, bytes: usize) {
        self.push(event, 0, (1, bytes));
    }

    /// Messages that are accepted; with the bytes of the numbered frame of which they are the last.
    pub(super) fn push_accepted(&mut self, AcceptedRun { number, id, more }: AcceptedRun, bytes: Option<usize>) {
        let (frames, bytes) = bytes.map_or((0, 0), |bytes| (1, bytes));
        self.push(Event::Accepted { number, id }, more, (frames, bytes));
    }

    /// A numbered frame that tells nothing. False if it has nothing to wait for.
    pub(super) fn push_silent(&mut self, bytes: usize) -> bool {
        let Some(last) = self.entries.iter_mut().rev().find(|entry| entry.frames > 0) else { return false };
        last.frames += 1;
        last.bytes += bytes;
        self.bytes += bytes;
        self.memory_bytes += bytes;
        true
    }

    fn push(&mut self, event: Event, more: u16, (frames, bytes): (u32, usize)) {
        let entry = Entry { event, more, frames, bytes };
        self.bytes += bytes;
        self.memory_bytes += entry.memory_bytes();
        self.entries.push_back(entry);
    }

    pub(super) fn pop_front(&mut self) -> Option<Next> {
        if let Some(Entry { event: Event::Accepted { number, id }, more: more @ 1.., .. }) = self.entries.front_mut() {
            let event = Event::Accepted { number: *number, id: *id };
            (*number, id.0, *more) = (*number + 1, id.0 + 1, *more - 1);
            return Some(Next { event, frames: 0, bytes: 0 });
        }
        let entry = self.entries.pop_front()?;
        self.memory_bytes -= entry.memory_bytes();
        let Entry { event, frames, bytes, .. } = entry;
        let bytes = if frames > 0 { bytes } else { 0 };
        self.bytes -= bytes;
        Some(Next { event, frames, bytes })
    }

    /// The next event is the last of its frame.
    #[cfg(any(feature = "sim", test))]
    pub(super) fn ends_frame(&self) -> bool {
        self.entries.front().is_some_and(|entry| entry.more == 0 && entry.frames > 0)
    }

    /// What waits is all there will ever be of its session: nobody counts its frames any more. It takes as much memory
    /// as before.
    pub(super) fn forget_frames(&mut self) {
        for entry in &mut self.entries {
            entry.frames = 0;
        }
        self.bytes = 0;
    }

    /// Bytes of the numbered frames that wait.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// About what all that waits takes, of whichever session it is.
    pub(super) const fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// How many events wait.
    pub(super) fn len(&self) -> usize {
        self.entries.iter().map(|entry| 1 + usize::from(entry.more)).sum()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::wire::{DeliveryStatus, MessageId};

    fn next(event: Event, frames: u32, bytes: usize) -> Next {
        Next { event, frames, bytes }
    }

    #[test]
    fn several_that_are_accepted_come_one_by_one_and_their_frame_with_the_last() {
        let mut queue = Queue::default();
        queue.push_accepted(AcceptedRun { number: 7, id: MessageId(100), more: 2 }, Some(20));
        queue.push_frame(Event::Done { number: 10 }, 5);
        assert_eq!((queue.len(), queue.bytes()), (4, 25));
        for (number, id) in [(7, 100), (8, 101), (9, 102)] {
            let event = Event::Accepted { number, id: MessageId(id) };
            let (frames, bytes) = if queue.ends_frame() { (1, 20) } else { (0, 0) };
            assert_eq!((frames == 1, queue.pop_front()), (number == 9, Some(next(event, frames, bytes))));
        }
        assert_eq!(queue.pop_front(), Some(next(Event::Done { number: 10 }, 1, 5)));
        assert_eq!((queue.pop_front(), queue.bytes()), (None, 0));
    }

    #[test]
    fn what_tells_nothing_goes_with_what_was_before_it() {
        let mut queue = Queue::default();
        queue.push_back(Event::Resumed);
        assert!(!queue.push_silent(3), "nothing of a frame is before it");
        queue.push_frame(Event::Done { number: 1 }, 5);
        queue.push_back(Event::Resumed);
        assert!(queue.push_silent(3));
        assert_eq!(queue.pop_front(), Some(next(Event::Resumed, 0, 0)));
        assert_eq!(queue.pop_front(), Some(next(Event::Done { number: 1 }, 2, 8)));
        assert_eq!(queue.pop_front(), Some(next(Event::Resumed, 0, 0)));
    }

    #[test]
    fn what_waits_takes_memory_until_it_is_gone_also_of_a_session_that_is_lost() {
        const ENTRY_BYTES: usize = size_of::<Entry>();
        let mut queue = Queue::default();
        queue.push_frame(Event::Done { number: 1 }, 5);
        assert!(queue.push_silent(3));
        queue.push_back(Event::Resumed);
        let ids = vec![MessageId(1), MessageId(2)];
        let report = Event::Report { status: DeliveryStatus::Unconfirmed, to: "bob".parse().unwrap(), ids };
        queue.push_frame(report, 9);
        let all = 3 * ENTRY_BYTES + 5 + 3 + 9 + 2 * 8;
        assert_eq!((queue.bytes(), queue.memory_bytes()), (17, all));
        queue.forget_frames();
        assert_eq!((queue.bytes(), queue.memory_bytes()), (0, all));
        queue.push_frame(Event::Done { number: 1 }, 5);
        assert_eq!((queue.bytes(), queue.memory_bytes()), (5, all + ENTRY_BYTES + 5));
        assert_eq!(queue.pop_front(), Some(next(Event::Done { number: 1 }, 0, 0)));
        assert_eq!((queue.bytes(), queue.memory_bytes()), (5, all - 3));
        while queue.pop_front().is_some() {}
        assert_eq!((queue.bytes(), queue.memory_bytes()), (0, 0));
    }
}
