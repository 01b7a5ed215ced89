//! What comes from the hub, and what it means.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::event::{Closed, Event, SessionTicket, User};
use super::parts::Client;
use crate::name::{ROOM_SIGN, RoomName, UserName};
use crate::outbox::Outbox;
use crate::received::Received;
use crate::reconnect::Reconnect;
use crate::time::Instant;
use crate::transition::{self, State};
use crate::wire::{
    self, Accepted, AcceptedRun, Content, Goodbye, GoodbyeCode, HANDSHAKE_FRAME_BYTES_MAX, HubMessage, Kind, Message,
    Ping, Pong, PrefaceError, ProtocolError, RefusalCode, Refused, Renamed, Resumed, UserInfo, Welcome,
};

/// What a hub may say that was sent before a program was started again, at the most: far beyond what anybody can send,
/// and far below where counts end.
const COUNT_MAX: u64 = 1 << 62;

impl Client {
    /// Takes bytes that have arrived. The call advances `input` past the bytes that it used. With
    /// [`Received::NeedInput`], the caller keeps the rest, which is the start of a frame, and gives it again in front
    /// of the bytes that arrive next. With [`Received::Closed`], the client has given up this connection, and all input
    /// is used up.
    ///
    /// A hub that breaks the protocol is no error of the call: [`Event::Closed`] tells it.
    pub fn receive(&mut self, now: Instant, input: &mut &[u8]) -> Received {
        self.clock(now);
        if !input.is_empty() {
            self.liveness.touch(self.now);
        }
        while self.state != State::Closed && self.transport.is_online() {
            match self.step(input) {
                Ok(true) => {}
                Ok(false) => return Received::NeedInput,
                Err(closed) => self.fail(closed),
            }
        }
        *input = &[];
        Received::Closed
    }

    /// Takes one thing off the input. False if it is not whole yet.
    fn step(&mut self, input: &mut &[u8]) -> Result<bool, Closed> {
        if !self.transport.preface_seen() {
            return match wire::take_preface(input) {
                Ok(None) => Ok(false),
                Ok(Some(_)) => {
                    self.transport.see_preface();
                    Ok(true)
                }
                Err(PrefaceError::OtherProtocol(other)) => Err(Closed::OtherProtocol(other)),
                Err(PrefaceError::ProtocolError(error)) => Err(Closed::ProtocolError(error)),
            };
        }
        let frame_bytes_max = match self.limits {
            Some(limits) if self.state == State::Registered => limits.frame_bytes_max.min(self.config.frame_bytes_max),
            _ => HANDSHAKE_FRAME_BYTES_MAX,
        };
        match wire::take(input, frame_bytes_max).map_err(Closed::ProtocolError)? {
            Some(content) => self.handle(content).map_err(Closed::ProtocolError).map(|()| true),
            None => Ok(false),
        }
    }

    fn handle(&mut self, content: Content<'_>) -> Result<(), ProtocolError> {
        let message = HubMessage::decode(content)?;
        let before = self.state;
        let state = match &message {
            Some(message) => transition::at_client(self.state, message.kind())?,
            None => transition::may_skip(self.state, content.kind).map(|()| self.state)?,
        };
        if state != State::Closed {
            self.state = state;
        }
        let bytes = content.fields.len();
        if content.kind.is_numbered() {
            let due = self.ack_at();
            if !self.acks.arrive(bytes, due) {
                // It came over a connection before this one, and waits for the program, or is with it.
                return Ok(());
            }
        }
        let Some(message) = message else {
            // Unknown and optional: skipped, but it counts if it is numbered.
            if content.kind.is_numbered() && !self.events.push_silent(bytes) {
                let due = self.ack_at();
                self.acks.skip(bytes, due);
            }
            return Ok(());
        };
        self.pending.take(&message)?;
        match message {
            HubMessage::Welcome(welcome) => self.welcome(&welcome)?,
            HubMessage::Resumed(resumed) => self.resumed(resumed)?,
            HubMessage::Refused(refused) => self.refused(before, &refused)?,
            HubMessage::Ack(ack) => self.outbox.acknowledge(ack.count, &mut self.pool).map(drop)?,
            HubMessage::Ping(Ping { nonce }) => {
                self.push_control(&wire::ClientMessage::Pong(Pong { nonce }));
            }
            // It has done its work by being heard.
            HubMessage::Pong(_) => {}
            HubMessage::Goodbye(goodbye) => self.goodbye(&goodbye),
            HubMessage::Error(error) => {
                self.end(Closed::Error { code: error.code, detail: error.detail.into() });
            }
            HubMessage::Accepted(accepted) => self.accepted(&accepted, bytes),
            HubMessage::Renamed(renamed) => self.renamed(&renamed, bytes)?,
            other => {
                let event = self.event(content.kind, other)?;
                self.events.push_frame(event, bytes);
            }
        }
        Ok(())
    }

    fn welcome(&mut self, welcome: &Welcome<'_>) -> Result<(), ProtocolError> {
        let User { name, display_name } = shown(Kind::WELCOME, welcome.name, welcome.display_name)?;
        // Without the tables of Unicode, the hub's word is taken for the spelling that was asked for.
        let asked = self.asked.as_ref().map(|(spelling, _)| spelling.as_str());
        let is_confirmed = |spelling: &&str| asked == Some(*spelling) && name.may_have_spelling(spelling);
        let display_name = display_name.or_else(|| welcome.display_name.filter(is_confirmed).map(Into::into));
        let ticket =
            SessionTicket { name: name.clone(), display_name: display_name.clone(), token: welcome.token, attempt: 0 };
        self.ticket = Some(ticket);
        self.limits = Some(welcome.limits);
        self.answer_by = self.answer_by.filter(|_| self.closing);
        self.persistent = true;
        self.transport.begin_session(self.now);
        self.events.push_back(Event::Registered { name, display_name, limits: welcome.limits });
        // From now on the hub keeps the session for us when the connection breaks.
        self.push_ack();
        Ok(())
    }

    /// The hub still has the session. The frames that it lacks follow the resume.
    fn resumed(&mut self, resumed: Resumed) -> Result<(), ProtocolError> {
        match self.acks.told() {
            Some(told) if told != resumed.sent => {
                return Err(ProtocolError::InvalidValue { kind: Kind::RESUMED });
            }
            Some(_) => self.outbox.resume_at(resumed.received, &mut self.pool)?,
            None if resumed.received.max(resumed.sent) > COUNT_MAX => {
                return Err(ProtocolError::InvalidValue { kind: Kind::RESUMED });
            }
            None => {
                self.outbox.continue_from(resumed.received);
                self.pending.continue_from(resumed.received);
            }
        }
        self.acks.resume(resumed.sent);
        let resume_outbox = self.resume_outbox.take().expect("a session is asked for with a resume");
        self.outbox.restart(resume_outbox, &mut self.pool);
        self.limits = Some(resumed.limits);
        self.answer_by = self.answer_by.filter(|_| self.closing);
        self.transport.begin_session(self.now);
        self.events.push_back(Event::Resumed);
        if self.closing {
            self.say_goodbye();
        }
        Ok(())
    }

    /// We have another name: the session, and another one if this one is lost.
    fn renamed(&mut self, renamed: &Renamed<'_>, bytes: usize) -> Result<(), ProtocolError> {
        let User { name, display_name } = shown(Kind::RENAMED, renamed.name, renamed.display_name)?;
        let Some(ticket) = &mut self.ticket else { unreachable!("who is registered has a session") };
        let from = mem::replace(&mut ticket.name, name.clone());
        ticket.display_name.clone_from(&display_name);
        if let Some((asked, _)) = &mut self.asked {
            *asked = display_name.clone().unwrap_or_else(|| name.to_string());
        }
        let detail = renamed.detail.into();
        self.events.push_frame(Event::Renamed { from, name, display_name, detail }, bytes);
        Ok(())
    }

    fn refused(&mut self, before: State, refused: &Refused<'_>) -> Result<(), ProtocolError> {
        let (code, detail) = (refused.code, refused.detail.into());
        let wait = refused.wait_ms.map(|wait| Duration::from_millis(u64::from(wait)));
        if before == State::Resuming {
            let is_asked = self.resume_outbox.as_ref().is_some_and(Outbox::is_written);
            if code == RefusalCode::SessionOver && !is_asked {
                // It would bring the credential out, in the place of the session's token: of a hub that was not asked.
                return Err(ProtocolError::Unexpected { kind: Kind::REFUSED, state: State::Unregistered.words() });
            }
            self.refused_to_resume(code, detail, wait);
            return Ok(());
        }
        if self.config.keeps_trying && !self.closing && (code.passes() || wait.is_some()) {
            // A hub waits less long for another registration on this connection than the client may have to.
            let why = Closed::Refused { code, detail, wait };
            self.schedule_reconnect(why, wait.map(Reconnect::new));
            return Ok(());
        }
        self.asked = None;
        self.answer_by = self.answer_by.filter(|_| self.closing);
        self.events.push_back(Event::Refused { code, detail, wait });
        Ok(())
    }

    fn goodbye(&mut self, goodbye: &Goodbye<'_>) {
        let hint = goodbye.reconnect.map(Reconnect::from);
        let code = goodbye.code;
        if code == GoodbyeCode::Left && self.closing {
            return self.end(Closed::Left);
        }
        let why = Closed::Goodbye { code, detail: goodbye.detail.into(), reconnect: hint.clone() };
        match code {
            // The session goes on, or the hub comes back, or another one has the session.
            GoodbyeCode::TimedOut | GoodbyeCode::ShuttingDown => self.schedule_reconnect(why, hint),
            GoodbyeCode::Elsewhere if hint.is_some() => self.schedule_reconnect(why, hint),
            // The session is over: it is asked for, and then another one.
            GoodbyeCode::SlowConsumer if self.config.keeps_trying => self.schedule_reconnect(why, hint),
            _ => self.end(why),
        }
    }

    fn accepted(&mut self, accepted: &Accepted, bytes: usize) {
        let Some((last, others)) = accepted.runs.split_last() else { unreachable!("there is at least one") };
        for run in others {
            self.events.push_accepted(self.numbered(*run), None);
        }
        self.events.push_accepted(self.numbered(*last), Some(bytes));
    }

    /// A run with the numbers that the program knows.
    fn numbered(&self, run: AcceptedRun) -> AcceptedRun {
        AcceptedRun { number: self.numbers_before.saturating_add(run.number), ..run }
    }

    /// What a message says to the program.
    fn event(&self, kind: Kind, message: HubMessage<'_>) -> Result<Event, ProtocolError> {
        let number = |number| self.numbers_before.saturating_add(number);
        Ok(match message {
            HubMessage::Deliver(message) => Event::Message {
                id: message.id,
                from: user(kind, message.from)?,
                room: None,
                body: message.body.to_vec(),
            },
            HubMessage::RoomDeliver(message) => Event::Message {
                id: message.id,
                from: user(kind, message.from)?,
                room: Some(room(kind, message.room)?),
                body: message.body.to_vec(),
            },
            HubMessage::Sent(sent) => Event::Sent { id: sent.id, to: user(kind, sent.to)?, body: sent.body.to_vec() },
            HubMessage::Done(done) => Event::Done { number: number(done.number) },
            HubMessage::Rejected(rejected) => Event::Rejected { number: number(rejected.number), code: rejected.code },
            HubMessage::Online(page) => {
                Event::Online { number: number(page.number), users: users(kind, &page.users)?, next: page.next }
            }
            HubMessage::Members(page) => {
                Event::Members { number: number(page.number), users: users(kind, &page.users)?, next: page.next }
            }
            HubMessage::Subscribed(page) => {
                let (rooms, users) = subscriptions(kind, &page.names)?;
                Event::Subscribed { number: number(page.number), rooms, users, next: page.next }
            }
            HubMessage::Joined(joined) => {
                let User { name, display_name } = shown(kind, joined.name, joined.display_name)?;
                Event::Joined { room: room(kind, joined.room)?, name, display_name }
            }
            HubMessage::Left(left) => {
                Event::Left { room: room(kind, left.room)?, name: user(kind, left.name)?, code: left.code }
            }
            HubMessage::Missed(missed) => Event::Missed {
                room: room(kind, missed.room)?,
                first_id: missed.first_id,
                last_id: missed.last_id,
                count: missed.count,
            },
            HubMessage::Stale(stale) => Event::Stale { room: room(kind, stale.room)? },
            HubMessage::Presence(presence) => {
                let User { name, display_name } = shown(kind, presence.name, presence.display_name)?;
                Event::Presence { name, online: presence.online, display_name }
            }
            HubMessage::Report(report) => {
                Event::Report { status: report.status, to: user(kind, report.to)?, ids: report.ids }
            }
            _ => unreachable!("the others are no news for the program"),
        })
    }
}

fn user(kind: Kind, name: &str) -> Result<UserName, ProtocolError> {
    UserName::from_hub(name).ok_or(ProtocolError::InvalidValue { kind })
}

fn users(kind: Kind, users: &[UserInfo<'_>]) -> Result<Vec<User>, ProtocolError> {
    users.iter().map(|info| shown(kind, info.name, info.display_name)).collect()
}

/// A user, with what may be shown in place of its name. A hub may know more of Unicode than this client: what does not
/// map to the name here is left out.
fn shown(kind: Kind, name: &str, display_name: Option<&str>) -> Result<User, ProtocolError> {
    let name = user(kind, name)?;
    let display_name = display_name.filter(|spelling| name.has_spelling(spelling)).map(Into::into);
    Ok(User { name, display_name })
}

fn room(kind: Kind, name: &str) -> Result<RoomName, ProtocolError> {
    RoomName::from_hub(name).ok_or(ProtocolError::InvalidValue { kind })
}

/// The names of rooms, and those of users.
fn subscriptions(kind: Kind, names: &[&str]) -> Result<(Vec<RoomName>, Vec<UserName>), ProtocolError> {
    let (mut rooms, mut users) = (Vec::new(), Vec::new());
    for name in names {
        if name.starts_with(ROOM_SIGN) {
            rooms.push(room(kind, name)?);
        } else {
            users.push(user(kind, name)?);
        }
    }
    Ok((rooms, users))
}
