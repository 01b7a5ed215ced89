//! One connection at a hub, from its first byte to its last.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use crate::handshake::{Handshake, QuotaSource, Refusal, Registration};
use crate::hub::{Admission, CONNECTION_COST, ConnId, Hub, NotAdmitted, cost_of_read};
use crate::outbox::Chunks;
use crate::received::Received;
use crate::reconnect::Reconnect;
use crate::redacted::Length;
use crate::time::Instant;

/// How many times larger the memory may be in which a connection keeps its input than the input. A hub counts the input
/// alone.
const INPUT_TIMES_MAX: usize = 2;

/// Bytes of that memory that are not given back for being too many.
const INPUT_BYTES_MIN: usize = 1024;

/// One connection at a hub: its [`Handshake`], then what the hub calls it, and the input that is not used yet.
///
/// A driver that has one of these for each transport gives it the bytes that arrive, writes what it transmits, and does
/// what each call says is [next](Next). `Handshake` and [`Hub::receive`] do the same for drivers that keep the input
/// themselves.
///
/// ```
/// use chatcore::{Action, Client, ClientConfig, Hub, HubConnection, Instant, Limits, Next, QuotaKey};
///
/// let now = Instant::ZERO;
/// let mut hub = Hub::new(Limits::default(), [7; 32]);
/// let mut client = Client::new(now, ClientConfig::default(), 7);
/// client.register(now, "alice", b"")?;
/// let mut connection = HubConnection::new(now, &mut hub, QuotaKey::default());
///
/// // What arrives goes in.
/// let bytes = client.transmit().concat();
/// client.transmitted(now, bytes.len());
/// let mut next = connection.receive(now, &mut hub, &bytes);
/// // A client asks for a name: let it in, or refuse.
/// if let Next::Decide(registration) = next {
///     next = connection.admit(now, &mut hub, *registration);
/// }
/// assert!(matches!(next, Next::Read));
/// // What the hub wants done. Here there is one connection; else `conn` says which one is meant.
/// while let Some(action) = hub.poll_action() {
///     while hub.poll_event().is_some() {} // who has come and gone
///     match action {
///         Action::Write { conn } if connection.conn() == Some(conn) => {}
///         Action::Close { conn, .. } if connection.conn() == Some(conn) => connection.close(),
///         _ => unreachable!("there is one connection"),
///     }
/// }
/// // What is to be written goes out.
/// let bytes = connection.transmit(&hub).concat();
/// connection.transmitted(now, &mut hub, bytes.len());
/// let _ = client.receive(now, &mut &bytes[..]);
/// assert!(matches!(client.poll_event(), Some(chatcore::Event::Registered { .. })));
/// # Ok::<(), chatcore::ClientError>(())
/// ```
pub struct HubConnection {
    stage: Stage,
    /// The start of a frame that is not whole, or what is not taken yet.
    input: Vec<u8>,
    /// Nothing is taken before this.
    paused_until: Option<Instant>,
    /// Bytes of the handshake that the driver has taken, and has not reported as transmitted.
    on_their_way: usize,
}

enum Stage {
    Handshaking(Box<Beginning>),
    /// The handshake is over, and its last frame is to be written.
    Ending(Box<Beginning>),
    Open(ConnId),
    Closed,
}

/// A connection without a session.
struct Beginning {
    handshake: Handshake,
    source: QuotaSource,
}

/// What a driver does next with a [`HubConnection`]. It must do each, so the enum is not `#[non_exhaustive]`.
#[derive(Debug)]
#[must_use]
pub enum Next {
    /// Read from the transport, and give what arrives to [`receive`](HubConnection::receive).
    Read,
    /// Not all is taken. Drain the hub's actions, give other connections their turn, then call
    /// [`go_on`](HubConnection::go_on). Read nothing meanwhile.
    GoOn,
    /// The connection or its origin has used up its rate. Read nothing, and call [`go_on`](HubConnection::go_on) at
    /// this time.
    Paused {
        /// When it may go on.
        until: Instant,
    },
    /// The client asks for a name or a session. Its origin has been charged for that, and may ask
    /// ([`Hub::charge_registration`]). Call [`admit`](HubConnection::admit) or [`refuse`](HubConnection::refuse), now
    /// or later, but before [`poll_timeout`](HubConnection::poll_timeout).
    Decide(Box<Registration>),
    /// A registration waits for its decision: read nothing.
    Undecided,
    /// Read nothing more. Write what there is, and close the transport when [`is_closed`](HubConnection::is_closed).
    End,
}

impl HubConnection {
    /// A transport that has just been made, and where it comes from: a number for its origin, or that with its site.
    /// The origin is charged for it ([`CONNECTION_COST`]).
    pub fn new(now: Instant, hub: &mut Hub, source: impl Into<QuotaSource>) -> Self {
        let source = source.into();
        let handshake = Handshake::new(now, hub.limits());
        let stage = Stage::Handshaking(Box::new(Beginning { handshake, source }));
        let paused_until = hub.charge_origin(now, source, CONNECTION_COST);
        Self { stage, input: Vec::new(), paused_until, on_their_way: 0 }
    }

    /// What the hub calls it; none before it is admitted, and after it is closed.
    pub const fn conn(&self) -> Option<ConnId> {
        if let Stage::Open(conn) = self.stage { Some(conn) } else { None }
    }

    /// Nothing more is to be written, and nothing is on its way: close the transport.
    pub const fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed) && self.on_their_way == 0
    }

    /// Bytes of input that are kept: the start of a frame that is not whole, or what is not taken yet. The memory for
    /// them is at most twice as large, or a KiB.
    pub const fn input_bytes(&self) -> usize {
        self.input.len()
    }

    // ---- what happened ----

    /// Bytes have arrived. What is not used stays here: to bound it, a driver reads only when it is told to
    /// ([`Next::Read`]). Bytes that end no frame are charged as well ([`Hub::charge`], [`cost_of_read`]).
    pub fn receive(&mut self, now: Instant, hub: &mut Hub, bytes: &[u8]) -> Next {
        let before = self.input.len();
        let next = if self.input.is_empty() {
            let mut rest = bytes;
            let next = self.take(now, hub, &mut rest);
            self.keep(rest);
            next
        } else {
            self.input.extend_from_slice(bytes);
            self.go_on(now, hub)
        };
        let is_any_taken = self.input.len() < before + bytes.len();
        match next {
            Next::Read if !is_any_taken => self.charge(now, hub, cost_of_read(bytes.len())),
            next => next,
        }
    }

    /// Charges the connection for a read of which nothing is taken.
    fn charge(&mut self, now: Instant, hub: &mut Hub, cost: u32) -> Next {
        if cost > 0 {
            self.paused_until = match &self.stage {
                Stage::Open(conn) => hub.charge(now, *conn, cost).unwrap_or_default(),
                Stage::Handshaking(beginning) => hub.charge_origin(now, beginning.source, cost),
                Stage::Ending(_) | Stage::Closed => None,
            };
        }
        self.paused_until.map_or(Next::Read, |until| Next::Paused { until })
    }

    /// Goes on with what has arrived.
    pub fn go_on(&mut self, now: Instant, hub: &mut Hub) -> Next {
        let mut input = mem::take(&mut self.input);
        let mut rest = &input[..];
        let next = self.take(now, hub, &mut rest);
        if input.capacity() > INPUT_BYTES_MIN.max(INPUT_TIMES_MAX * rest.len()) {
            // It may stay for as long as the connection does.
            self.input = rest.to_vec();
        } else {
            let used = input.len() - rest.len();
            input.drain(..used);
            self.input = input;
        }
        self.keep(&[]);
        next
    }

    /// Lets a client in, which then has its welcome, or refuses it as the hub says. The registration must be the one
    /// that this connection gave with [`Next::Decide`]: that of another connection is not noticed.
    ///
    /// # Panics
    ///
    /// If there is no registration to be decided about.
    pub fn admit(&mut self, now: Instant, hub: &mut Hub, registration: Registration) -> Next {
        let admitted = self.try_admit(now, hub, registration, Admission::NewUser);
        admitted.unwrap_or_else(|not_admitted| self.refuse(now, hub, &not_admitted.refusal))
    }

    /// Lets a client in that the program knows, as [`Hub::admit_as`]. If the hub does not admit it, this gives its
    /// registration back, and it is still to be decided about. As with [`admit`](Self::admit), the registration must be
    /// of this connection.
    ///
    /// # Errors
    ///
    /// Why the hub does not admit it, and the registration.
    ///
    /// # Panics
    ///
    /// If there is no registration to be decided about.
    pub fn try_admit(
        &mut self,
        now: Instant,
        hub: &mut Hub,
        registration: Registration,
        admission: Admission,
    ) -> Result<Next, Box<NotAdmitted>> {
        let Stage::Handshaking(beginning) = &self.stage else { return Ok(self.undecided()) };
        assert!(
            beginning.handshake.is_undecided(),
            "no registration is undecided here: decide once about each that Next::Decide gives, on its own connection"
        );
        self.stage = Stage::Open(hub.admit_as(now, registration, admission)?);
        Ok(self.go_on(now, hub))
    }

    /// Answers a registration with no. The client may ask again.
    ///
    /// # Panics
    ///
    /// If there is no registration to be decided about.
    pub fn refuse(&mut self, now: Instant, hub: &mut Hub, refusal: &Refusal) -> Next {
        let Stage::Handshaking(beginning) = &mut self.stage else { return self.undecided() };
        if beginning.handshake.refuse(now, refusal).is_err() {
            return self.end();
        }
        self.go_on(now, hub)
    }

    /// A decision that comes too late, about a connection that has ended meanwhile.
    fn undecided(&self) -> Next {
        assert!(
            !matches!(self.stage, Stage::Open(_)),
            "this connection is admitted: its registration is decided already"
        );
        Next::End
    }

    /// This many bytes of [`transmit`](Self::transmit) are on their way: the driver has given them to a transport that
    /// tells later what became of them. They count as sent, and [`transmit`](Self::transmit) gives what follows. When
    /// the transport has taken them, report them to [`transmitted`](Self::transmitted), as late as you like.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`transmit`](Self::transmit) gave.
    pub fn transmitting(&mut self, now: Instant, hub: &mut Hub, count: usize) {
        if let Stage::Open(conn) = self.stage {
            hub.transmitting(now, conn, count).unwrap_or_else(|error| panic!("{error}: close() follows Action::Close"));
        } else {
            self.transmitted_of_handshake(count);
            self.on_their_way += count;
        }
    }

    /// The transport has taken this many bytes: first of those that are on their way
    /// ([`transmitting`](Self::transmitting)), if there are any, and then of what is to be written. After
    /// [`close`](Self::close) and [`disconnect`](Self::disconnect) this does nothing: the transport may tell then, too.
    ///
    /// # Panics
    ///
    /// If that is more than there was, or if the hub has closed the connection and [`close`](Self::close) was not
    /// called.
    pub fn transmitted(&mut self, now: Instant, hub: &mut Hub, count: usize) {
        let late = count.min(self.on_their_way);
        self.on_their_way -= late;
        match self.stage {
            Stage::Open(conn) => hub
                .transmitted(now, conn, count - late)
                .unwrap_or_else(|error| panic!("{error}: close() follows Action::Close")),
            _ => self.transmitted_of_handshake(count - late),
        }
    }

    fn transmitted_of_handshake(&mut self, count: usize) {
        match &mut self.stage {
            Stage::Handshaking(beginning) => beginning.handshake.transmitted(count),
            Stage::Ending(ending) => {
                ending.handshake.transmitted(count);
                if ending.handshake.transmit().is_empty() {
                    self.stage = Stage::Closed;
                }
            }
            // What the transport tells after the end.
            Stage::Open(_) | Stage::Closed => {}
        }
    }

    /// The transport broke or ended. The hub keeps the session for a while, if there is one.
    pub fn disconnect(&mut self, now: Instant, hub: &mut Hub) {
        self.on_their_way = 0;
        if let Stage::Open(conn) = mem::replace(&mut self.stage, Stage::Closed) {
            // The hub may have closed it just now.
            let _ = hub.disconnect(now, conn);
        }
    }

    /// The hub closes this connection ([`Action::Close`](crate::Action::Close)): everything is written.
    pub fn close(&mut self) {
        self.on_their_way = 0;
        self.stage = Stage::Closed;
    }

    /// The server stops: a connection without a session is told so. The hub tells the others.
    pub fn shut_down(&mut self, reconnect: Option<&Reconnect>) -> Next {
        if let Stage::Handshaking(beginning) = &mut self.stage {
            beginning.handshake.shut_down(reconnect);
            return self.end();
        }
        if self.conn().is_some() { Next::Read } else { Next::End }
    }

    /// The time has come that [`poll_timeout`](Self::poll_timeout) named.
    pub fn handle_timeout(&mut self, now: Instant, hub: &mut Hub) -> Next {
        if let Stage::Handshaking(beginning) = &mut self.stage
            && beginning.handshake.handle_timeout(now).is_err()
        {
            return self.end();
        }
        self.go_on(now, hub)
    }

    // ---- what is to be done ----

    /// When [`handle_timeout`](Self::handle_timeout) is due; none if never. The hub has
    /// [times of its own](Hub::poll_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Handshaking(beginning) => {
                [self.paused_until, beginning.handshake.poll_timeout()].into_iter().flatten().min()
            }
            Stage::Open(_) => self.paused_until,
            Stage::Ending(_) | Stage::Closed => None,
        }
    }

    /// The bytes to write. Not copied: tell [`transmitted`](Self::transmitted) how many the transport took, or
    /// [`transmitting`](Self::transmitting) that it will.
    pub fn transmit<'a>(&'a self, hub: &'a Hub) -> Chunks<'a> {
        match &self.stage {
            Stage::Handshaking(beginning) | Stage::Ending(beginning) => beginning.handshake.transmit(),
            Stage::Open(conn) => hub.transmit(*conn),
            Stage::Closed => Chunks::of(&[]),
        }
    }

    /// Takes input as far as it goes.
    fn take(&mut self, now: Instant, hub: &mut Hub, input: &mut &[u8]) -> Next {
        if let Some(until) = self.paused_until {
            if now < until {
                return Next::Paused { until };
            }
            self.paused_until = None;
        }
        match &mut self.stage {
            Stage::Handshaking(beginning) => loop {
                let Beginning { handshake, source } = &mut **beginning;
                let source = *source;
                let received = handshake.receive(now, input);
                let cost = handshake.take_cost();
                let is_undecided = handshake.is_undecided();
                if cost > 0 {
                    self.paused_until = hub.charge_origin(now, source, cost);
                }
                return match (received, self.paused_until) {
                    (Ok(Some(registration)), _) => {
                        let mut registration = registration.with_source(source);
                        match hub.charge_registration(now, &mut registration) {
                            Ok(()) => Next::Decide(Box::new(registration)),
                            Err(refusal) if handshake.refuse(now, &refusal).is_ok() => continue,
                            Err(_) => self.end(),
                        }
                    }
                    (Ok(None), _) if is_undecided => Next::Undecided,
                    (Ok(None), Some(until)) => Next::Paused { until },
                    (Ok(None), None) => Next::Read,
                    (Err(_), _) => self.end(),
                };
            },
            Stage::Open(conn) => match hub.receive(now, *conn, input) {
                Ok(Received::NeedInput) => Next::Read,
                Ok(Received::More) => Next::GoOn,
                Ok(Received::Paused { until }) => {
                    self.paused_until = Some(until);
                    Next::Paused { until }
                }
                Ok(Received::Closed) | Err(_) => Next::End,
            },
            Stage::Ending(_) | Stage::Closed => Next::End,
        }
    }

    fn keep(&mut self, rest: &[u8]) {
        self.input.extend_from_slice(rest);
        // Most connections are silent most of the time.
        if self.input.is_empty() {
            self.input = Vec::new();
        }
    }

    /// The handshake is over. If there is nothing to say, so is the connection.
    fn end(&mut self) -> Next {
        self.input = Vec::new();
        self.stage = match mem::replace(&mut self.stage, Stage::Closed) {
            Stage::Handshaking(beginning) if !beginning.handshake.transmit().is_empty() => Stage::Ending(beginning),
            _ => Stage::Closed,
        };
        Next::End
    }
}

/// Shows no byte that has come: there may be a credential or a token among them.
impl fmt::Debug for HubConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Handshaking(_) => "Handshaking",
            Stage::Ending(_) => "Ending",
            Stage::Open(_) => "Open",
            Stage::Closed => "Closed",
        };
        f.debug_struct("HubConnection")
            .field("stage", &stage)
            .field("conn", &self.conn())
            .field("input", &Length(self.input.len()))
            .field("paused_until", &self.paused_until)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::handshake::QuotaKey;
    use crate::limits::Limits;
    use crate::wire::{ClientMessage, Message, Preface, Register, Send};

    const NOW: Instant = Instant::from_millis(1);

    #[test]
    fn the_start_of_a_frame_holds_no_memory_that_is_far_larger() {
        let mut hub = Hub::new(Limits::default(), [7; 32]);
        let mut connection = HubConnection::new(NOW, &mut hub, QuotaKey::default());
        let mut opening = Preface::OURS.encode().to_vec();
        ClientMessage::Register(Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX })
            .encode(&mut opening);
        let Next::Decide(registration) = connection.receive(NOW, &mut hub, &opening) else { panic!("it asks") };
        let _ = connection.admit(NOW, &mut hub, *registration);
        let mut frame = Vec::new();
        ClientMessage::Send(Send { to: "nobody", body: &vec![b'x'; 60_000] }).encode(&mut frame);
        // After the rest of the frame comes a byte of the next.
        let next = [&frame[..], &frame[..1]].concat();
        for parts in
            [&[&next[..40_000], &next[40_000..]][..], &[&next[1..30_000], &next[30_000..45_000], &next[45_000..]]]
        {
            for part in parts {
                let mut next = connection.receive(NOW, &mut hub, part);
                while let Next::GoOn = next {
                    next = connection.go_on(NOW, &mut hub);
                }
                assert!(matches!(next, Next::Read), "{next:?}");
            }
            assert_eq!(connection.input, &frame[..1]);
            let capacity = connection.input.capacity();
            assert!(capacity <= INPUT_BYTES_MIN, "{capacity} bytes are held for one");
        }
        // It goes on as if nothing had been moved.
        assert!(matches!(connection.receive(NOW, &mut hub, &frame[1..]), Next::Read));
        assert_eq!(connection.input_bytes(), 0);
    }
}
