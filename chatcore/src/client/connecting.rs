//! The connection under a session: made, lost, made again.

use alloc::string::String;
use core::time::Duration;

use super::event::{Closed, Event};
use super::parts::Client;
use super::pending::Pending;
use super::transport::{Stage, Transport};
use crate::outbox::Outbox;
use crate::reconnect::Reconnect;
use crate::time::Instant;
use crate::transition::State;
use crate::wire::{ClientMessage, RefusalCode, Resume};

impl Client {
    /// Reports that the transport stands which [`Event::Connect`] asked for. At any other time this does nothing.
    pub fn connected(&mut self, now: Instant) {
        self.clock(now);
        if self.transport.stage != Stage::Connecting || self.state == State::Closed {
            return;
        }
        self.transport.stage = Stage::Online { preface_seen: false };
        self.liveness.touch(self.now);
        if self.ticket.is_some() {
            self.start_resume();
        } else {
            self.outbox = Outbox::with_preface();
            self.ask();
        }
    }

    /// What the client wants of its transport now.
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, Closed, Event, Instant, Transport};
    ///
    /// let now = Instant::ZERO;
    /// let mut client = Client::new(now, ClientConfig::default(), 7);
    /// assert_eq!(client.transport(), Transport::Use);
    /// client.disconnect(now); // without a session, a lost connection is the end
    /// assert_eq!(client.transport(), Transport::Drop);
    /// assert_eq!(client.poll_event(), Some(Event::Closed(Closed::Disconnected)));
    /// ```
    pub fn transport(&self) -> Transport<'_> {
        match self.transport.stage {
            _ if self.state == State::Closed => Transport::Drop,
            Stage::Online { .. } => Transport::Use,
            Stage::Connecting => Transport::Connect { address: self.transport.address.as_deref() },
            Stage::Offline { .. } | Stage::Gone => Transport::Drop,
        }
    }

    /// Reports that the transport is gone: the hub closed it, or it broke, or it cannot be made. With a session, or
    /// with [`ClientConfig::keeps_trying`](super::ClientConfig::keeps_trying), [`Event::Reconnecting`] follows, and
    /// otherwise [`Event::Closed`]. After a refusal that stands, [`Event::Disconnected`] follows. If the client has
    /// given this transport up itself, this does nothing.
    pub fn disconnect(&mut self, now: Instant) {
        self.clock(now);
        // The client gave this transport up already, and has told so.
        if self.transport.retry_at().is_none() {
            self.lose(Closed::Disconnected);
        }
        if self.state == State::Closed {
            self.transport.stage = Stage::Gone;
        }
    }

    /// Ends the wait before an attempt to connect, also one that the hub has asked for, and counts attempts from the
    /// beginning. On a connection with a session, asks the hub for a sign of life; without one within
    /// [`ClientConfig::probe_time_max`](super::ClientConfig::probe_time_max), the client takes the connection for lost.
    /// Call this when a person does not want to wait; for what a program notices by itself there is
    /// [`probe`](Self::probe). Otherwise this does nothing.
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, ClientError, Instant, Transport};
    ///
    /// let now = Instant::ZERO;
    /// let config = ClientConfig::default().with_keeps_trying(true);
    /// let mut client = Client::new(now, config, 7);
    /// client.register(now, "bob", b"")?;
    /// client.disconnect(now);
    /// assert!(client.poll_timeout() > Some(now), "it waits");
    /// client.hurry(now);
    /// client.handle_timeout(now);
    /// assert!(matches!(client.transport(), Transport::Connect { .. }));
    /// # Ok::<(), ClientError>(())
    /// ```
    pub fn hurry(&mut self, now: Instant) {
        self.clock(now);
        self.transport.hurry(self.now);
        self.ask_for_life();
    }

    /// As [`hurry`](Self::hurry), but a wait that the hub has asked for goes on: a hub that drains wants all to come
    /// later, also those whose screen is looked at. Call this when something speaks for it that the client cannot know:
    /// the machine has slept, or the network is back.
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, ClientError, Instant, Transport};
    ///
    /// let now = Instant::ZERO;
    /// let config = ClientConfig::default().with_keeps_trying(true);
    /// let mut client = Client::new(now, config, 7);
    /// client.register(now, "bob", b"")?;
    /// client.disconnect(now);
    /// client.probe(now); // the client waits by its own choice
    /// client.handle_timeout(now);
    /// assert!(matches!(client.transport(), Transport::Connect { .. }));
    /// # Ok::<(), ClientError>(())
    /// ```
    pub fn probe(&mut self, now: Instant) {
        self.clock(now);
        self.transport.probe(self.now);
        self.ask_for_life();
    }

    /// Asks the hub for a sign of life if there is a session on a connection.
    fn ask_for_life(&mut self) {
        let may_ask = self.state == State::Registered && self.transport.is_online() && !self.liveness.is_awaited();
        if may_ask && self.ping() {
            self.liveness.probe(self.now, self.config.probe_time_max);
        }
    }

    /// Whether the hub is asked for the session, and has not answered. A driver that reads no more because too much
    /// waits for the program reads this answer all the same: without it, the client takes the connection for lost.
    pub fn is_resuming(&self) -> bool {
        self.state == State::Resuming
    }

    /// Asks the hub for the session, on a connection that stands.
    pub(super) fn start_resume(&mut self) {
        let Some(ticket) = &mut self.ticket else { unreachable!("there is a session to ask for") };
        let received = self.acks.tell();
        ticket.attempt = ticket.attempt.saturating_add(1);
        let mut resume_outbox = Outbox::with_preface();
        resume_outbox.push(
            &ClientMessage::Resume(Resume {
                name: ticket.name.as_str(),
                token: ticket.token,
                received,
                attempt: ticket.attempt,
                frame_bytes_max: self.config.frame_bytes_max,
            }),
            &mut self.pool,
        );
        self.resume_outbox = Some(resume_outbox);
        self.state = State::Resuming;
        self.asked_at = self.now;
        self.answer_by = Some(self.now + self.config.answer_time_max);
    }

    /// The connection is lost. If there was a session, or there is to be one in any case, another one is made.
    pub(super) fn lose(&mut self, why: Closed) {
        self.schedule_reconnect(why, None);
    }

    /// As [`lose`](Self::lose), with what the hub says about the next connection.
    pub(super) fn schedule_reconnect(&mut self, why: Closed, hint: Option<Reconnect>) {
        if self.state == State::Closed {
            return;
        }
        if self.closing {
            return self.end(if self.is_goodbye_written() { Closed::Left } else { why });
        }
        let Some(backoff) = self.config.reconnect.filter(|_| self.persistent || self.config.keeps_trying) else {
            return self.end(why);
        };
        let attempt = self.transport.next_attempt(self.now, backoff.reset_after);
        let mut after = backoff.wait(attempt, &mut self.jitter);
        // The address of an older hint is dropped when it did not help: the first place may know a newer one.
        self.transport.address = None;
        self.transport.is_announced = hint.as_ref().is_some_and(|hint| !hint.after.is_zero());
        if let Some(hint) = hint {
            // The hub may tell the same to everybody: its time comes first, and then each waits for its own.
            after = after.saturating_add(hint.after.min(backoff.announced_max));
            self.transport.address = hint.address;
        }
        self.transport.stage = Stage::Offline { retry_at: self.now + after };
        self.transport.on_their_way = 0;
        self.state = State::Unregistered;
        self.resume_outbox = None;
        self.answer_by = None;
        self.acks.disconnect();
        self.events.push_back(if self.has_request() {
            Event::Reconnecting { why, attempt, after }
        } else {
            Event::Disconnected { why }
        });
    }

    /// There is something to ask the hub for: a session, or a name.
    const fn has_request(&self) -> bool {
        self.ticket.is_some() || self.asked.is_some()
    }

    /// When a connection is to be made; none if there is one, or nothing to ask for with it.
    pub(super) fn connect_at(&self) -> Option<Instant> {
        self.transport.retry_at().filter(|_| self.has_request())
    }

    pub(super) fn connect_if_due(&mut self) {
        if self.connect_at().is_some_and(|due| due <= self.now) {
            self.transport.stage = Stage::Connecting;
            self.asked_at = self.now;
            self.answer_by = Some(self.now + self.config.answer_time_max);
            self.events.push_back(Event::Connect { address: self.transport.address.clone() });
        }
    }

    /// The hub will not go on with the session.
    pub(super) fn refused_to_resume(&mut self, code: RefusalCode, detail: String, wait: Option<Duration>) {
        if code != RefusalCode::SessionOver {
            return self.schedule_reconnect(Closed::Refused { code, detail, wait }, wait.map(Reconnect::new));
        }
        let unsent_from = self.unsent_from();
        self.numbers_before += self.outbox.next_number() - 1;
        self.events.push_back(Event::SessionLost { unsent_from });
        self.ticket = None;
        self.limits = None;
        self.pending = Pending::default();
        self.acks.start_over();
        self.events.forget_frames();
        self.outbox = self.resume_outbox.take().expect("a session is asked for with a resume");
        if self.closing {
            self.say_goodbye();
            return self.end(Closed::Left);
        }
        self.ask();
    }
}
