//! What a program asks a client for: bytes to write, events, and how far they are taken.

use super::acks::Position;
use super::event::Event;
use super::parts::Client;
use super::queue::Next;
use crate::outbox::Chunks;
use crate::time::Instant;

impl Client {
    /// The bytes to write. Report to [`transmitted`](Self::transmitted) how many of them the transport took, or to
    /// [`transmitting`](Self::transmitting) that it will. The call may add an acknowledgement that waited for something
    /// to travel with.
    pub fn transmit(&mut self) -> Chunks<'_> {
        let bytes_max = self.limits.map_or(usize::MAX, |limits| limits.outbox_bytes_max as usize / 16);
        let is_large = self.acks.is_large(self.config.ack_frames, bytes_max);
        if self.ack_due().is_some() && (is_large || !self.outbox.is_written()) {
            self.push_ack();
        }
        if self.transport.is_online() { self.speaker().0.transmit() } else { Chunks::of(&[]) }
    }

    /// Whether the transport has taken everything and the hub has acknowledged it.
    pub fn is_drained(&self) -> bool {
        self.outbox.is_written() && !self.outbox.awaits_ack() && self.transport.on_their_way == 0
    }

    /// The number of the first request that certainly has not gone out: the hub has none from this one on. If all have
    /// gone out, it is the number of the next request. What is half written has not gone out, because the hub can do
    /// nothing with it. What was reported to [`transmitting`](Self::transmitting) has.
    ///
    /// A program asks for this when it ends, to tell what was not sent from what may be lost. Before that, anything may
    /// go out at any time. The call takes the longer the more frames wait.
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, Instant};
    ///
    /// let client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    /// assert_eq!(client.unsent_from(), 1, "nothing was asked for");
    /// ```
    pub fn unsent_from(&self) -> u64 {
        self.numbers_before + self.outbox.first_unwritten()
    }

    /// The next event; none if there is no further one. With this call the program *takes* the event, and the client
    /// acknowledges it soon; unless [`ClientConfig::takes_later`](crate::ClientConfig::takes_later) is set. A program
    /// that is not ready for an event does not call this.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.next_event().map(|next| next.event)
    }

    /// The same, with whether it is the last of what the hub has told with one frame.
    #[cfg(feature = "sim")]
    pub(crate) fn poll_event_of_frame(&mut self) -> Option<(Event, bool)> {
        let ends_frame = self.events.ends_frame();
        self.next_event().map(|next| (next.event, ends_frame))
    }

    fn next_event(&mut self) -> Option<Next> {
        let next = self.events.pop_front()?;
        if next.frames > 0 {
            self.give(next.frames, next.bytes);
        }
        Some(next)
    }

    /// The program has got all that this many frames tell.
    fn give(&mut self, frames: u32, bytes: usize) {
        self.acks.give(frames, bytes);
        if !self.config.takes_later {
            let due = self.ack_at();
            self.acks.take(self.acks.given_ever(), due);
        }
    }

    /// The place in the stream of events after the last event that [`poll_event`](Self::poll_event) returned, for
    /// [`take_events`](Self::take_events).
    pub const fn position(&self) -> Position {
        Position(self.acks.given_ever())
    }

    /// Takes all events before this place, with [`ClientConfig::takes_later`](crate::ClientConfig::takes_later). A
    /// program calls this, for example, when it has stored what the events told. The client acknowledges them then.
    /// Without [`ClientConfig::takes_later`](crate::ClientConfig::takes_later), this does nothing.
    pub fn take_events(&mut self, now: Instant, position: Position) {
        self.clock(now);
        let due = self.ack_at();
        self.acks.take(position.0, due);
    }

    /// Sends the acknowledgement of what the program has taken at once. Otherwise it waits for something to travel
    /// with, for [`ClientConfig::ack_delay`](crate::ClientConfig::ack_delay) at the most. Call this when nobody may
    /// look at [`poll_timeout`](Self::poll_timeout) in time: a browser slows the timers of a page that is not shown,
    /// and a program that is about to stand still has none. If nothing is to be acknowledged, or no connection has the
    /// session, this does nothing.
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, Instant};
    ///
    /// let now = Instant::ZERO;
    /// let mut client = Client::new(now, ClientConfig::default(), 7);
    /// while let Some(event) = client.poll_event() {
    ///     println!("{event:?}");
    /// }
    /// client.acknowledge(now);
    /// let bytes = client.transmit().concat(); // the acknowledgement of these events is among them
    /// ```
    pub fn acknowledge(&mut self, now: Instant) {
        self.clock(now);
        self.flush_ack();
    }

    /// How many events wait for [`poll_event`](Self::poll_event). The call looks at each of them.
    pub fn waiting_events(&self) -> usize {
        self.events.len()
    }

    /// How many bytes the fields of the frames of the waiting events have. The hub keeps the same frames, so this is at
    /// most what its outbox holds ([`Announced::outbox_bytes_max`](crate::wire::Announced::outbox_bytes_max) and a
    /// quarter more). What waits of a session that is lost does not count.
    pub const fn waiting_bytes(&self) -> usize {
        self.events.bytes()
    }

    /// About how many bytes of memory the waiting events take, of all sessions: the shortest takes some 100, of which
    /// its frame has a few. A driver that reads nothing while this is too much bounds what a hub can fill that keeps to
    /// no rule; see [`waiting_bytes`](Self::waiting_bytes) for the others.
    pub const fn waiting_memory_bytes(&self) -> usize {
        self.events.memory_bytes()
    }
}
