//! The connection under a session: made, lost, made again.

use alloc::string::String;

use super::pending::Pending;
use super::{Client, Closed, Event, Reconnect};
use crate::outbox::Outbox;
use crate::time::Instant;
use crate::transition::State;
use crate::wire::{ClientMessage, RefusalCode, Resume};

/// What a client wants of its transport. Whoever looks at this after each call need not wait for
/// [`Event::Reconnecting`] and [`Event::Connect`], which may stand behind much that the program has not taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// It stands, and is to be used.
    Use,
    /// If there is one, it is to be dropped. There may be last words to be written first.
    Drop,
    /// A new one is to be made, as [`Event::Connect`] says.
    Connect {
        /// Where to, in the transport's notation, if the hub said so; none for the same place. The hub's words.
        address: Option<&'a str>,
    },
}

/// What there is of a connection, and when there was none, how often one was tried.
#[derive(Debug)]
pub(super) struct Line {
    stage: Stage,
    attempt: u32,
    /// Where the hub wants us to connect to.
    address: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Online {
        preface_seen: bool,
    },
    Offline {
        retry_at: Instant,
    },
    /// The driver makes a connection.
    Connecting,
    /// It is over.
    Gone,
}

impl Line {
    /// A connection that is there from the beginning.
    pub(super) const fn fresh() -> Self {
        Self { stage: Stage::Online { preface_seen: false }, attempt: 0, address: None }
    }

    pub(super) const fn is_online(&self) -> bool {
        matches!(self.stage, Stage::Online { .. })
    }

    pub(super) const fn preface_seen(&self) -> bool {
        matches!(self.stage, Stage::Online { preface_seen: true })
    }

    pub(super) const fn see_preface(&mut self) {
        self.stage = Stage::Online { preface_seen: true };
    }

    /// The session goes on: the next loss is the first.
    pub(super) fn settle(&mut self) {
        (self.attempt, self.address) = (0, None);
    }

    /// When a connection is to be made.
    pub(super) const fn retry_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::Offline { retry_at } => Some(retry_at),
            Stage::Online { .. } | Stage::Connecting | Stage::Gone => None,
        }
    }
}

impl Client {
    /// A transport stands that [`Event::Connect`] asked for. At any other time this does nothing.
    pub fn connected(&mut self, now: Instant) {
        self.clock(now);
        if self.line.stage != Stage::Connecting || self.state == State::Closed {
            return;
        }
        self.line.stage = Stage::Online { preface_seen: false };
        self.liveness.touch(self.now);
        if self.ticket.is_some() {
            self.greet();
        } else {
            self.outbox = Outbox::with_preface();
            self.ask();
        }
    }

    /// What is to be done about the transport now.
    pub fn transport(&self) -> Transport<'_> {
        match self.line.stage {
            _ if self.state == State::Closed => Transport::Drop,
            Stage::Online { .. } => Transport::Use,
            Stage::Connecting => Transport::Connect { address: self.line.address.as_deref() },
            Stage::Offline { .. } | Stage::Gone => Transport::Drop,
        }
    }

    /// The transport is gone, closed by the hub or broken; or it cannot be made.
    pub fn disconnect(&mut self, now: Instant) {
        self.clock(now);
        // Of a transport that was given up already, nothing more need be said.
        if self.line.retry_at().is_none() {
            self.lose(Closed::Disconnected);
        }
        if self.state == State::Closed {
            self.line.stage = Stage::Gone;
        }
    }

    /// Asks for the session, on a connection that stands.
    pub(super) fn greet(&mut self) {
        let Some(ticket) = &mut self.ticket else { unreachable!("there is a session to ask for") };
        let received = self.acks.tell();
        ticket.attempt = ticket.attempt.saturating_add(1);
        let mut greeting = Outbox::with_preface();
        greeting.push(
            &ClientMessage::Resume(Resume {
                name: ticket.name.as_str(),
                token: ticket.token,
                received,
                attempt: ticket.attempt,
                frame_bytes_max: self.config.frame_bytes_max,
            }),
            &mut self.pool,
        );
        self.greeting = Some(greeting);
        self.state = State::Resuming;
        self.answer_by = Some(self.now + self.config.answer_time_max);
    }

    /// The connection is lost. If there was a session, another one is made.
    pub(super) fn lose(&mut self, why: Closed) {
        self.retreat(why, None);
    }

    /// As [`lose`](Self::lose), with what the hub says about the next connection.
    pub(super) fn retreat(&mut self, why: Closed, hint: Option<Reconnect>) {
        if self.state == State::Closed {
            return;
        }
        if self.leaving {
            return self.close(if self.has_left() { Closed::Left } else { why });
        }
        let Some(backoff) = self.config.reconnect.filter(|_| self.persistent) else {
            return self.close(why);
        };
        if self.state == State::Resuming && self.line.is_online() {
            self.unanswered += 1;
        }
        self.line.attempt = self.line.attempt.saturating_add(1);
        let attempt = self.line.attempt;
        let mut after = backoff.wait(attempt, &mut self.jitter);
        // Where one was sent in vain, or that is gone, too, one does not stay: the place from before may know more.
        self.line.address = None;
        if let Some(hint) = hint {
            after = after.max(hint.after);
            self.line.address = hint.address;
        }
        self.line.stage = Stage::Offline { retry_at: self.now + after };
        self.state = State::Unregistered;
        self.greeting = None;
        self.answer_by = None;
        self.acks.disconnect();
        self.events.push_back(Event::Reconnecting { why, attempt, after });
    }

    /// When a connection is to be made; none if there is one, or nothing to ask for with it.
    pub(super) fn connect_at(&self) -> Option<Instant> {
        self.line.retry_at().filter(|_| self.ticket.is_some() || self.asked.is_some())
    }

    pub(super) fn connect_if_due(&mut self) {
        if self.connect_at().is_some_and(|due| due <= self.now) {
            self.line.stage = Stage::Connecting;
            self.answer_by = Some(self.now + self.config.answer_time_max);
            self.events.push_back(Event::Connect { address: self.line.address.clone() });
        }
    }

    /// The hub will not go on with the session.
    pub(super) fn refused_to_resume(&mut self, code: RefusalCode, detail: String, hint: Option<Reconnect>) {
        if code != RefusalCode::SessionOver {
            return self.retreat(Closed::Refused { code, detail }, hint);
        }
        let unsent_from = self.numbers_before + self.outbox.first_unwritten();
        self.numbers_before += self.outbox.next_number() - 1;
        self.events.push_back(Event::SessionLost { unsent_from });
        self.ticket = None;
        self.limits = None;
        self.pending = Pending::default();
        self.acks.start_over();
        self.events.forget_frames();
        self.outbox = self.greeting.take().expect("a session is asked for with a greeting");
        if self.leaving {
            self.say_goodbye();
            return self.close(Closed::Left);
        }
        self.ask();
    }
}
