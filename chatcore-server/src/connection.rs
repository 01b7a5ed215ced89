//! One transport and what it is used for at present. As small as it can be: most connections are silent.

use std::fmt;
use std::time::Duration;

use chatcore::{ConnId, Handshake, Instant};

use crate::buffers::Buffers;
use crate::load::{Load, Usage};
use crate::log_in::Undecided;
use crate::peer::Peer;
use chatcore_transport::{ProxyReader, Transport};

#[expect(clippy::struct_excessive_bools, reason = "they say one thing each, and none follows from another")]
pub(crate) struct Connection {
    pub(crate) transport: Transport,
    pub(crate) peer: Peer,
    pub(crate) stage: Stage,
    /// The two fields of [`Kept`], which would be padded. Empty most of the time, and then without memory.
    kept_bytes: Vec<u8>,
    kept_used: u32,
    /// [`Flow`] in half of its size: until when nothing is read, or one of two times that are never waited for.
    paused_until: Instant,
    /// What it has cost lately.
    pub(crate) usage: Usage,
    /// It is among those that wait for their go.
    pub(crate) in_read_queue: bool,
    /// It is among those that are to be written to.
    pub(crate) in_write_queue: bool,
    /// Many share its origin ([`Place::is_shared`](crate::counts::Place::is_shared)). Set when it comes: what is
    /// counted is taken away in the same place.
    pub(crate) is_origin_shared: bool,
    /// The peer has ended its side, and is still to get the answers to what it has asked.
    pub(crate) has_ended: bool,
    pub(crate) readiness: Readiness,
}

/// Shows no input: [`Kept`] says why.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("stage", &self.stage)
            .field("kept", &format_args!("{{ bytes: {}, used: {} }}", self.kept_bytes.len(), self.kept_used))
            .field("flow", &self.flow())
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}

/// All that an idle connection takes of the server's own memory. With debug assertions mio adds to its socket.
#[cfg(all(target_pointer_width = "64", target_os = "linux", not(debug_assertions)))]
const _: () = assert!(size_of::<Connection>() <= 104);

/// What a client needs to say who it is: some round trips, over TLS and a long way.
const FIRST_WORDS_TIME: Duration = Duration::from_millis(200);

/// [`Flow::Read`] among the times until when nothing is read.
const READ: Instant = Instant::MAX;

/// [`Flow::Continue`] among them.
const CONTINUE: Instant = Instant::ZERO;

/// What the system has told of a transport. It tells each once, so that it must be remembered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Readiness {
    /// There may be something to read.
    pub(crate) readable: bool,
    /// The transport took less than there was, and will tell when it takes more.
    pub(crate) blocked: bool,
    /// The transport has told of its end, and will tell nothing more.
    pub(crate) ending: bool,
}

/// Input that a connection keeps: the start of a frame that is not whole, or what the hub did not take yet. The latter
/// is one read at the most, because nothing is read while there is some.
///
/// `Debug` shows how many bytes it is: a registration holds a credential, and a resume a token.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    /// Bytes at the front that are used. They stay for a while, so that taking little from much does not move the rest.
    pub(crate) used: u32,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("bytes", &self.bytes.len()).field("used", &self.used).finish()
    }
}

impl Kept {
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.used as usize..]
    }

    /// The same in a buffer that is not far larger.
    pub(crate) fn fit(self, buffers: &mut Buffers) -> Self {
        let (bytes, used) = buffers.fit(self.bytes, self.used as usize);
        Self { bytes, used: u32::try_from(used).expect("less is read at once") }
    }

    /// All but the last bytes are used.
    pub(crate) fn leave(&mut self, rest_bytes: usize) {
        self.used = u32::try_from(self.bytes.len() - rest_bytes).expect("less is read at once");
    }
}

/// How the input of a connection goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flow {
    /// What is kept is the start of a frame: more is to be read.
    #[default]
    Read,
    /// What is kept is given to the hub before anything is read.
    Continue,
    /// Nothing is read. What is kept is given to the hub when the time has come.
    Paused {
        /// That time.
        until: Instant,
    },
}

/// What a connection is used for.
#[derive(Debug)]
pub(crate) enum Stage {
    /// It has no name yet. Boxed, because most connections have left this stage behind.
    Handshaking(Box<Handshaking>),
    /// The hub has it.
    Open(ConnId),
    /// The hub had it, and is to be told that it broke.
    Broken {
        /// The transport can still tell the peer why.
        can_tell: bool,
    },
    /// It is closed, but what the peer sends is still taken and thrown away: were it left lying, the system
    /// would reset the connection, and a reset destroys what the peer has not read yet (RFC 1122, 4.2.2.13).
    Lingering {
        until: Instant,
        bytes_left: u32,
        /// There was no room for it. The table bounds how many of these there are.
        is_turned_away: bool,
    },
}

/// A connection without a name.
#[derive(Debug)]
pub(crate) struct Handshaking {
    pub(crate) handshake: Handshake,
    /// When it came.
    came: Instant,
    /// How long its session waits when it breaks, if that is not the hub's time.
    pub(crate) resume_time_max: Option<Duration>,
    /// Its entry among the deadlines, which may be earlier than the handshake's deadline, never later.
    pub(crate) armed: Instant,
    /// By what the census knows it.
    pub(crate) serial: u64,
    /// What has come of the header with which a proxy says whose connection it is, until that is whole.
    pub(crate) proxy: Option<Box<ProxyReader>>,
    /// A proxy carries it, and has said whose it is.
    pub(crate) is_proxied: bool,
    /// The proxy says that the client speaks TLS with it.
    pub(crate) is_encrypted_before: bool,
    /// The decision that it waits for.
    pub(crate) undecided: Option<Undecided>,
}

impl Connection {
    /// A connection that comes now.
    pub(crate) fn new(now: Instant, transport: Transport, peer: Peer, handshake: Handshake) -> Self {
        let armed = handshake.poll_timeout().unwrap_or(Instant::MAX);
        Self {
            transport,
            peer,
            stage: Stage::Handshaking(Box::new(Handshaking {
                handshake,
                came: now,
                resume_time_max: None,
                armed,
                serial: 0,
                proxy: None,
                is_proxied: false,
                is_encrypted_before: false,
                undecided: None,
            })),
            kept_bytes: Vec::new(),
            kept_used: 0,
            paused_until: READ,
            usage: Usage::default(),
            in_read_queue: false,
            in_write_queue: false,
            is_origin_shared: false,
            has_ended: false,
            readiness: Readiness::default(),
        }
    }

    /// How much it has to say. Without a session nobody knows what comes of it, so it lets the others go first.
    pub(crate) fn load(&self, now: Instant) -> Load {
        if let Stage::Open(_) = self.stage { self.usage.load(now) } else { Load::Heavy }
    }

    /// By what the census knows it, if it has no name yet.
    pub(crate) fn nameless(&self) -> Option<u64> {
        match &self.stage {
            Stage::Handshaking(handshaking) => Some(handshaking.serial),
            _ => None,
        }
    }

    /// It has no name although it has had the time to say who it is, and all that it said is read.
    pub(crate) fn has_had_its_time(&self, now: Instant) -> bool {
        let Stage::Handshaking(handshaking) = &self.stage else { return false };
        !self.in_read_queue && now.saturating_since(handshaking.came) >= FIRST_WORDS_TIME
    }

    /// It lingers because there was no room for it.
    pub(crate) const fn is_turned_away(&self) -> bool {
        matches!(self.stage, Stage::Lingering { is_turned_away: true, .. })
    }

    pub(crate) const fn flow(&self) -> Flow {
        match self.paused_until {
            READ => Flow::Read,
            CONTINUE => Flow::Continue,
            until => Flow::Paused { until },
        }
    }

    pub(crate) fn set_flow(&mut self, flow: Flow) {
        debug_assert!(![READ, CONTINUE].map(|until| Flow::Paused { until }).contains(&flow), "a pause has another end");
        self.paused_until = match flow {
            Flow::Read => READ,
            Flow::Continue => CONTINUE,
            Flow::Paused { until } => until,
        };
    }

    /// What it keeps of its input.
    pub(crate) fn kept(&self) -> &[u8] {
        &self.kept_bytes[self.kept_used as usize..]
    }

    /// Bytes of memory for that.
    pub(crate) const fn kept_capacity(&self) -> usize {
        self.kept_bytes.capacity()
    }

    pub(crate) fn take_kept(&mut self) -> Kept {
        Kept { bytes: std::mem::take(&mut self.kept_bytes), used: std::mem::take(&mut self.kept_used) }
    }

    pub(crate) fn set_kept(&mut self, Kept { bytes, used }: Kept) {
        (self.kept_bytes, self.kept_used) = (bytes, used);
    }

    /// The connection's entry among the driver's deadlines.
    pub(crate) fn armed(&self) -> Option<Instant> {
        match (&self.stage, self.flow()) {
            (Stage::Handshaking(handshaking), Flow::Paused { until }) => Some(handshaking.armed.min(until)),
            (Stage::Handshaking(handshaking), _) => Some(handshaking.armed),
            (Stage::Lingering { until, .. }, _) => Some(*until),
            (Stage::Open(_), Flow::Paused { until }) => Some(until),
            (Stage::Open(_), Flow::Read | Flow::Continue) | (Stage::Broken { .. }, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_input_shows_its_length_and_nothing_else() {
        let kept = Kept { bytes: b"secret".to_vec(), used: 2 };
        assert_eq!(format!("{kept:?}"), "Kept { bytes: 6, used: 2 }");
    }
}
