//! What goes to the hub beside the requests: acknowledgements, the request for a name, goodbyes and errors.

use alloc::string::ToString;
use core::mem;
use core::time::Duration;

use super::acks::ACK_RETRY_MIN;
use super::event::{Closed, Event};
use super::parts::Client;
use crate::outbox::{Outbox, Pool};
use crate::time::Instant;
use crate::transition::State;
use crate::wire::{Ack, ClientMessage, ErrorMessage, Goodbye, GoodbyeCode, Ping, Register, cut_detail};

impl Client {
    /// Reports that this many bytes of [`transmit`](Self::transmit) are on their way: the driver has given them to a
    /// transport that tells later what became of them. Call this before any other input or command: they may change
    /// what is to be written. From now on [`transmit`](Self::transmit) gives what follows these bytes, and they count
    /// as sent. When the transport has taken them, report them to [`transmitted`](Self::transmitted), as late as you
    /// like. When the connection is gone, this does nothing.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`transmit`](Self::transmit) gave.
    pub fn transmitting(&mut self, now: Instant, count: usize) {
        self.clock(now);
        if self.transport.is_online() {
            let (outbox, pool) = self.speaker();
            outbox.transmitted(count, pool);
            self.transport.on_their_way += count;
        }
    }

    /// Reports that the transport, or a buffer in front of it, took this many bytes: first of those that are on their
    /// way ([`transmitting`](Self::transmitting)), if there are any, and then of [`transmit`](Self::transmit). For the
    /// latter call this before any other input or command: they may change what is to be written. When the connection
    /// is gone, this does nothing. Do not report for an older connection what the transport tells after the next one
    /// stands.
    ///
    /// # Panics
    ///
    /// If `count` is more than that.
    pub fn transmitted(&mut self, now: Instant, count: usize) {
        self.clock(now);
        if self.transport.is_online() {
            let late = count.min(self.transport.on_their_way);
            self.transport.on_their_way -= late;
            let (outbox, pool) = self.speaker();
            outbox.transmitted(count - late, pool);
        }
    }

    /// What is written to the present connection, and the buffers for it.
    pub(super) fn speaker(&mut self) -> (&mut Outbox, &mut Pool) {
        (self.resume_outbox.as_mut().unwrap_or(&mut self.outbox), &mut self.pool)
    }

    /// Pushes an ack, a ping or a pong, if there is room. Such messages may use a quarter more than requests. A hub
    /// that asks without end and never reads gets no answers.
    pub(super) fn push_control(&mut self, message: &ClientMessage<'_>) -> bool {
        let bytes_max = self.config.outbox_bytes_max;
        let possible = self.may_speak() && self.outbox.has_room(0, bytes_max.saturating_add(bytes_max / 4));
        if possible {
            self.outbox.push(message, &mut self.pool);
        }
        possible
    }

    /// Asks the hub for a sign of life, if there is room.
    pub(super) fn ping(&mut self) -> bool {
        self.asked_at = self.now;
        self.push_control(&ClientMessage::Ping(Ping { nonce: self.now.as_nanos() }))
    }

    /// Nothing follows a goodbye or an error.
    pub(super) fn may_speak(&self) -> bool {
        !self.closing && self.state != State::Closed
    }

    /// Asks for the name that was last asked for.
    pub(super) fn ask(&mut self) {
        // After a refusal, the program decides what to ask for next.
        let Some((name, credential)) = &self.asked else { return };
        let frame_bytes_max = self.config.frame_bytes_max;
        self.outbox.push(
            &ClientMessage::Register(Register { name, credential: credential.as_bytes(), frame_bytes_max }),
            &mut self.pool,
        );
        self.state = State::Registering;
        self.asked_at = self.now;
        self.answer_by = Some(self.now + self.config.answer_time_max);
    }

    // ---- acknowledgements ----

    /// How long an acknowledgement waits: the hub must get it before it takes the session for stalled.
    pub(super) fn ack_delay(&self) -> Duration {
        let stall = self.limits.map_or(Duration::MAX, |limits| Duration::from_millis(limits.stall_ms_max.into()));
        self.config.ack_delay.min(stall / 2)
    }

    /// When what is taken now is to be acknowledged.
    pub(super) fn ack_at(&self) -> Instant {
        self.now + self.ack_delay()
    }

    /// When what is taken is to be acknowledged; none if nothing is, or after our goodbye or error.
    pub(super) fn ack_due(&self) -> Option<Instant> {
        self.acks.due().filter(|_| self.may_speak() && self.state == State::Registered)
    }

    /// Sends what can be acknowledged, if there is room.
    pub(super) fn push_ack(&mut self) {
        if self.push_control(&ClientMessage::Ack(Ack { count: self.acks.count() })) {
            self.acks.acknowledge();
        } else {
            // Even without a delay some time has to pass, or this would be due for ever.
            self.acks.wait(self.now + self.ack_delay().max(ACK_RETRY_MIN));
        }
    }

    /// Sends the acknowledgement that waits for its time, if there is one.
    pub(super) fn flush_ack(&mut self) {
        if self.ack_due().is_some() {
            self.push_ack();
        }
    }

    // ---- the end ----

    pub(super) fn say_goodbye(&mut self) {
        let goodbye = Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None };
        let (outbox, pool) = self.speaker();
        outbox.push(&ClientMessage::Goodbye(goodbye), pool);
    }

    /// The transport has taken our goodbye, and everything before it.
    pub(super) fn is_goodbye_written(&self) -> bool {
        self.closing && self.resume_outbox.is_none() && self.outbox.is_written()
    }

    /// Ends the client because of what the hub sent, and tells a hub that broke the protocol how.
    pub(super) fn fail(&mut self, closed: Closed) {
        if let Closed::ProtocolError(error) = &closed
            && self.may_speak()
        {
            self.flush_ack();
            let detail = error.to_string();
            let message = ErrorMessage { code: error.code(), detail: cut_detail(&detail) };
            let (outbox, pool) = self.speaker();
            outbox.push(&ClientMessage::Error(message), pool);
        }
        self.end(closed);
    }

    pub(super) fn end(&mut self, closed: Closed) {
        if mem::replace(&mut self.state, State::Closed) != State::Closed {
            self.closed = Some(closed.clone());
            self.events.push_back(Event::Closed(closed));
        }
    }
}
