//! One connection, from its first byte to its last: a future.
//!
//! The hub is held for short calls, and never while the transport is read or written: what arrives goes through a
//! buffer on the stack, and what is to be written is copied into another. What the transport does not take is kept, and
//! so a connection that is silent has no buffer at all.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use chatcore::{Admission, Hub, HubConnection, Instant, Next, Refusal, Registration};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::{debug, info};

use super::byte_stream::ByteStream;
use super::hooks::Hooks;
use super::origin::Origin;
use super::shared::Shared;
use super::state::State;
use super::timer::Timer;
use super::undecided::with_limits;
use crate::load::{Load, Usage};
use crate::origin::origin_of;
use crate::rests::slow_read_bytes;

/// Bytes of one read.
const READ_BYTES: usize = 16 << 10;

/// Bytes of one read while a connection has no session.
pub(super) const SMALL_READ_BYTES: usize = 1 << 10;

/// Bytes that are read while a registration is undecided, to find out whether its connection still stands.
pub(super) const UNDECIDED_INPUT_BYTES_MAX: usize = 4 << 10;

/// Bytes that are copied out of the hub for one write.
pub(super) const WRITE_BYTES: usize = 16 << 10;

/// Writes to one connection before others have their turn.
const WRITES_MAX: usize = 8;

/// Turns of one connection before others have theirs.
const TURNS_MAX: usize = 8;

/// While the hub is behind, a connection with much to say reads in one of this many turns.
const BEHIND_TURNS: u32 = 8;

/// How the input goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Read,
    /// What is kept is given to the hub first.
    GoOn,
    /// Nothing is read until the time that the core knows.
    Paused,
    /// A registration is being decided. Little is read, and kept.
    Undecided,
    /// Nothing is read any more.
    End,
}

/// How a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The hub or the handshake has said all. What is still to be written is written.
    Closed,
    /// The peer has ended its side.
    ByPeer,
    /// The transport broke.
    Broken,
}

type Deciding<'a> = Pin<Box<dyn Future<Output = (Box<Registration>, Result<Admission, Refusal>)> + Send + 'a>>;

/// A connection that is served. When this is dropped, the hub is told that the connection is gone.
pub(super) struct Connection<'a, S, H: Hooks> {
    shared: &'a Shared<H>,
    pub(super) stream: ByteStream<S>,
    core: HubConnection,
    key: usize,
    origin: Origin,
    flow: Flow,
    deciding: Option<Deciding<'a>>,
    timer: Timer,
    usage: Usage,
    /// Turns in which the hub was behind and this connection read nothing.
    turns_held: u32,
    is_hub_behind: bool,
    /// So much input waits for the hub that little is read.
    are_rests_long: bool,
    /// The peer has ended its side, and has until then for the answers to what it has asked.
    answered_by: Option<Instant>,
    ended: Option<Ended>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin, H: Hooks> Connection<'a, S, H> {
    /// A connection that has been let in, under this key.
    pub(super) fn new(shared: &'a Shared<H>, stream: S, origin: Origin, core: HubConnection, key: usize) -> Self {
        Self {
            shared,
            stream: ByteStream::new(stream),
            core,
            key,
            origin,
            // Its origin may have used up its rate, which the core knows.
            flow: Flow::GoOn,
            deciding: None,
            timer: Timer::default(),
            usage: Usage::default(),
            turns_held: 0,
            is_hub_behind: false,
            are_rests_long: false,
            answered_by: None,
            ended: None,
        }
    }

    /// Serves until the connection has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if let Some(ended) = self.ended {
            return Poll::Ready(ended);
        }
        for _ in 0..TURNS_MAX {
            // Reading comes before what is due: a server that was away for long finds the signs of life that came
            // meanwhile. It comes before writing: two ends that only want to write would wait for each other for ever.
            let was_decided = self.decide(cx);
            let is_held = self.is_held();
            let has_read = !is_held && self.read(cx);
            let was_due = self.handle_timeout(cx);
            let has_written = self.write(cx);
            self.end_if_answered(cx);
            if let Some(ended) = self.ended {
                return Poll::Ready(ended);
            }
            if is_held || self.flow == Flow::GoOn {
                // Others have their turn first.
                break;
            }
            if !(was_decided || has_read || was_due || has_written) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    // ---- the hub ----

    /// Holds the hub for an input of this connection. None if the hub is lost, and then the connection has ended.
    fn hold<T>(&mut self, input: impl FnOnce(Instant, &mut HubConnection, &mut State) -> T) -> Option<T> {
        let Self { shared, core, key, is_hub_behind, are_rests_long, .. } = self;
        let output = shared.hold(|now, state| {
            if state.is_closed(*key) {
                core.close();
            }
            let output = input(now, core, state);
            state.note_rest(*key, core);
            (*is_hub_behind, *are_rests_long) = (state.hub.is_behind(), state.has_long_rests(*key));
            output
        });
        if output.is_none() {
            self.ended = Some(Ended::Broken);
        } else if self.core.is_closed() {
            self.ended.get_or_insert(Ended::Closed);
        }
        output
    }

    /// Gives the hub an input, and does what follows from it.
    fn input(&mut self, input: impl FnOnce(&mut HubConnection, Instant, &mut Hub) -> Next) {
        let key = self.key;
        let next = self.hold(|now, core, state| {
            let before = core.conn();
            let next = input(core, now, &mut state.hub);
            if before.is_none()
                && let Some(conn) = core.conn()
            {
                state.open(key, conn);
            }
            next
        });
        if let Some(next) = next {
            self.follow(next);
        }
    }

    /// The same with so many bytes that came from the peer, which are noted as what it has to say.
    fn input_of(&mut self, bytes: usize, input: impl FnOnce(&mut HubConnection, Instant, &mut Hub) -> Next) {
        let (is_open, mut usage) = (self.core.conn().is_some(), self.usage);
        self.input(|core, now, hub| {
            let next = input(core, now, hub);
            let cost = if is_open { hub.last_cost() } else { 0 };
            usage.add(now, cost.max(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)));
            next
        });
        self.usage = usage;
    }

    fn follow(&mut self, next: Next) {
        self.flow = match next {
            Next::Read => Flow::Read,
            Next::GoOn => Flow::GoOn,
            Next::Paused { .. } => Flow::Paused,
            Next::Decide(registration) if !registration.is_resumption() && self.is_in_reserve() => {
                self.turn_away();
                Flow::End
            }
            Next::Decide(registration) => {
                if let Err(refusal) = self.check_resume(&registration) {
                    return self.input(|core, now, hub| core.refuse(now, hub, &refusal));
                }
                let (shared, origin) = (self.shared, self.origin);
                self.deciding = Some(Box::pin(async move {
                    let decision = shared.undecided.ask(&shared.hooks, origin, &registration).await;
                    with_limits(&shared.hooks, registration, decision)
                }));
                Flow::Undecided
            }
            Next::Undecided => Flow::Undecided,
            Next::End => {
                self.deciding = None;
                Flow::End
            }
        };
    }

    /// Whether the hub may give a client the session that it asks for. Who asks for another one takes no place among
    /// those that wait for the program.
    fn check_resume(&mut self, registration: &Registration) -> Result<(), Refusal> {
        self.hold(|_, _, state| state.hub.check_resume(registration)).unwrap_or(Err(Refusal::SessionOver))
    }

    /// Whether the connections that are left are for those who resume a session.
    fn is_in_reserve(&mut self) -> bool {
        let config = &self.shared.config;
        self.hold(|_, _, state| state.is_in_reserve(config)).unwrap_or_default()
    }

    /// Tells one who wants to register that there is no room, and ends: its place is for somebody else.
    fn turn_away(&mut self) {
        let refusal = Refusal::ConnectionsReserved;
        info!(origin = %origin_of(self.origin.key()), reason = %refusal, "turned away");
        let words = self.hold(|now, core, state| {
            // It ends, whatever else it has sent.
            let _ = core.refuse(now, &mut state.hub, &refusal);
            core.transmit(&state.hub).concat()
        });
        self.stream.push(&words.unwrap_or_default());
        self.ended.get_or_insert(Ended::Closed);
    }

    // ---- a turn ----

    /// True if a registration was decided.
    fn decide(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deciding) = &mut self.deciding else { return false };
        let Poll::Ready((registration, decision)) = deciding.as_mut().poll(cx) else { return false };
        self.deciding = None;
        self.input(|core, now, hub| match decision {
            Ok(admission) => {
                let admitted = core.try_admit(now, hub, *registration, admission);
                admitted.unwrap_or_else(|not_admitted| core.refuse(now, hub, &not_admitted.refusal))
            }
            Err(refusal) => core.refuse(now, hub, &refusal),
        });
        true
    }

    /// Whether it lets others go first, because the hub is behind and it has much to say.
    fn is_held(&mut self) -> bool {
        let is_held = self.is_hub_behind
            && self.flow != Flow::End
            && self.turns_held < BEHIND_TURNS - 1
            && self.usage.load(self.shared.now()) == Load::Heavy;
        self.turns_held = if is_held { self.turns_held + 1 } else { 0 };
        is_held
    }

    /// Takes what is there, or goes on with what was. True if something was.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let bytes_max = match self.flow {
            Flow::GoOn => {
                self.input_of(0, HubConnection::go_on);
                return true;
            }
            Flow::Read if self.core.conn().is_some() => READ_BYTES,
            Flow::Read => SMALL_READ_BYTES,
            Flow::Undecided => UNDECIDED_INPUT_BYTES_MAX.saturating_sub(self.core.input_bytes()).min(SMALL_READ_BYTES),
            Flow::Paused | Flow::End => 0,
        };
        let bytes_max = if self.are_rests_long { bytes_max.min(self.slow_read_bytes()) } else { bytes_max };
        if bytes_max == 0 {
            return false;
        }
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space[..bytes_max]);
        match self.stream.poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                let bytes = buffer.filled();
                self.input_of(bytes.len(), |core, now, hub| core.receive(now, hub, bytes));
            }
            Poll::Ready(Ok(())) => self.end_of_input(cx),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => self.broke(&error),
        }
        true
    }

    /// Bytes of one read while much input waits for the hub.
    fn slow_read_bytes(&self) -> usize {
        let has_session = self.core.conn().is_some();
        slow_read_bytes(if has_session { self.usage.load(self.shared.now()) } else { Load::Heavy })
    }

    /// True if something was due. Otherwise the task is woken when something is.
    fn handle_timeout(&mut self, cx: &mut Context<'_>) -> bool {
        let due = [self.core.poll_timeout(), self.answered_by].into_iter().flatten().min();
        let due = due.and_then(|due| self.shared.to_tokio(due));
        let Some(due) = due else {
            self.timer.clear();
            return false;
        };
        let is_due = self.timer.poll(cx, due).is_ready();
        if is_due {
            self.input(HubConnection::handle_timeout);
        }
        is_due
    }

    /// Writes what there is, up to a bound. True if there may be more to do. Otherwise the task is woken when there is.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..WRITES_MAX {
            if self.ended.is_some() {
                return false;
            }
            match self.stream.poll_write_rest(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Pending => {
                    let key = self.key;
                    let _ = self.hold(|_, _, state| state.wait(key, cx));
                    return self.ended.is_some();
                }
                Poll::Ready(Err(error)) => {
                    self.broke(&error);
                    return true;
                }
            }
            let mut space = [const { MaybeUninit::uninit() }; WRITE_BYTES];
            let mut output = ReadBuf::uninit(&mut space);
            self.take_output(cx, &mut output);
            let bytes = output.filled();
            let written = if bytes.is_empty() { self.stream.flush(cx) } else { self.stream.write(cx, bytes) };
            if let Err(error) = written {
                self.broke(&error);
                return true;
            }
            if bytes.is_empty() {
                return self.ended.is_some();
            }
        }
        true
    }

    /// Copies what the hub, or the handshake, has to say. If that is nothing, waits to be told of more.
    fn take_output(&mut self, cx: &Context<'_>, output: &mut ReadBuf<'_>) {
        let key = self.key;
        let next = self.hold(|now, core, state| {
            let mut next = None;
            if core.conn().is_none()
                && !core.is_closed()
                && let Some(stopping) = &state.stopping
            {
                next = Some(core.shut_down(stopping.reconnect.as_ref()));
            }
            if core.conn().is_none() || state.has_output(key) {
                for chunk in core.transmit(&state.hub).take_bytes(output.remaining()) {
                    output.put_slice(chunk);
                }
                core.transmitted(now, &mut state.hub, output.filled().len());
                state.set_output(key, !core.transmit(&state.hub).is_empty());
            }
            if output.filled().is_empty() {
                state.wait(key, cx);
            }
            next
        });
        if let Some(Some(next)) = next {
            self.follow(next);
        }
    }

    // ---- the end ----

    /// The peer has ended its side. If it has a session, it may still read the answers to what it has asked.
    fn end_of_input(&mut self, cx: &mut Context<'_>) {
        debug!(conn = ?self.core.conn(), "the client ended the connection");
        self.flow = Flow::End;
        if self.answered_by.is_some() {
            return;
        }
        if self.core.conn().is_some() {
            self.answered_by = self.hold(|now, _, state| now + state.hub.limits().flush_time_max);
            self.shared.drain();
        } else {
            self.write(cx);
            self.disconnect(Ended::ByPeer);
        }
    }

    /// Ends a connection whose peer has ended its side, when the peer has all answers or its time is over.
    fn end_if_answered(&mut self, cx: &Context<'_>) {
        let Some(answered_by) = self.answered_by.filter(|_| self.ended.is_none()) else { return };
        if answered_by <= self.shared.now() {
            return self.disconnect(Ended::ByPeer);
        }
        if self.stream.has_unwritten() {
            return;
        }
        let answers = self.hold(|_, core, state| {
            let hub = &state.hub;
            let is_answered = core.transmit(hub).is_empty() && core.conn().is_none_or(|conn| !hub.owes_answers(conn));
            (is_answered, hub.has_flushed_answers())
        });
        match answers {
            Some((true, _)) => self.disconnect(Ended::ByPeer),
            Some((false, false)) => {
                // It may be that nothing is left to be written with the answer, and then nobody wakes it.
                self.shared.drain();
                cx.waker().wake_by_ref();
            }
            _ => {}
        }
    }

    fn broke(&mut self, error: &io::Error) {
        debug!(conn = ?self.core.conn(), %error, "the connection broke");
        self.disconnect(Ended::Broken);
    }

    fn disconnect(&mut self, ended: Ended) {
        // What broke now may have been closed before.
        self.ended.get_or_insert(ended);
        self.deciding = None;
        let _ = self.hold(|now, core, state| core.disconnect(now, &mut state.hub));
    }
}

impl<S, H: Hooks> Drop for Connection<'_, S, H> {
    fn drop(&mut self) {
        let Self { shared, core, key, .. } = self;
        shared.leave(|now, state| {
            if state.is_closed(*key) {
                core.close();
            }
            core.disconnect(now, &mut state.hub);
            state.remove(*key);
        });
    }
}
