//! Every limit of a hub, with its unit and what happens at it.

use core::time::Duration;

use crate::name::{NAME_BYTES_MAX, SPELLING_BYTES_MAX};
use crate::wire::{Announced, OVERHEAD_BYTES_MAX};

/// Bytes of a credential, at the most. A longer one makes a frame that is too long before registration.
pub const CREDENTIAL_BYTES_MAX: usize = 1024;

/// Bytes of a frame's content before registration, at the most: a registration with the longest name and
/// credential, and nothing larger, so that strangers cannot make a driver buffer much.
pub const HANDSHAKE_FRAME_BYTES_MAX: u32 = 128 + 1024 + OVERHEAD_BYTES_MAX;
const _: () = assert!(
    HANDSHAKE_FRAME_BYTES_MAX as usize == SPELLING_BYTES_MAX + CREDENTIAL_BYTES_MAX + OVERHEAD_BYTES_MAX as usize
);

/// Names on one page of who is online, at the most.
pub const ONLINE_NAMES_MAX: usize = 500;

/// Bytes of a detail text in an error, a refusal or a goodbye, at the most; longer ones are cut.
pub const DETAIL_BYTES_MAX: usize = 200;

/// The limits of a hub and of the handshakes before it.
///
/// ```
/// use chatcore::Limits;
///
/// let limits = Limits { body_bytes_max: 4096, users_max: 50, ..Limits::default() };
/// assert_eq!(limits.check(), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a message's body. A longer one is rejected with `body_too_long`, or ends the connection
    /// when its frame is too long. Default 65 536; 1 to 16 MiB.
    pub body_bytes_max: u32,
    /// Bytes that are kept for one user until it acknowledges them. Messages that do not fit are rejected
    /// to their senders with `recipient_full`. Answers to the user's own requests may take a quarter more;
    /// when that is full too, the user is closed as a slow consumer. Default 4 MiB; at least four of
    /// the longest frames.
    pub outbox_bytes_max: u32,
    /// Users of a hub. More are refused with `hub_full`. Default 1 000 000.
    pub users_max: u32,
    /// Refused registrations on one connection. At this many the connection is closed. Default 8.
    pub registration_attempts_max: u32,
    /// From one registration attempt to the next, and from the connection to the first. Then the
    /// connection is closed. Default 30 s.
    pub handshake_time_max: Duration,
    /// Silence of a registered user. After half of it the hub pings; after all of it the user is closed as
    /// timed out. Default 60 s; at least 1 ms.
    pub idle_time_max: Duration,
    /// How long a session may acknowledge nothing of what waits for it, however little that is. Then it ends as a slow
    /// consumer if anything was heard from it meanwhile; if not, it has most likely lost its connection, and is
    /// detached. Default 60 s; at least 1 ns.
    pub stall_time_max: Duration,
    /// How long a session is kept when its connection broke: its name stays taken, and what comes for it waits for
    /// it. Zero ends sessions with their connections. Default 60 s; at most 49 days.
    pub resume_time_max: Duration,
    /// Sessions without a connection that are kept, in all. When one more loses its connection, it ends.
    /// Default 100 000.
    pub detached_max: u32,
    /// The same for each origin, which is a [`QuotaKey`](crate::QuotaKey). Default 1 000.
    pub detached_of_origin_max: u32,
    /// Bytes of memory for everything that peers can make a hub keep: outboxes, also of detached sessions, what is still
    /// to be written to closing connections, and the starts of frames. When it is used up, the session that holds most of
    /// the origin that holds most ends. Default 1 GiB.
    pub buffer_bytes_max: u64,
    /// The share of that for one origin, which is a [`QuotaKey`](crate::QuotaKey). When it is used up, messages for
    /// sessions of that origin, and from them, are rejected with `recipient_full` or missed; beyond that, the session that
    /// holds most of it ends. A session that holds less than 4 KiB does not count here.
    /// What several outboxes of an origin share, such as a long message to a room, counts once for each of them.
    /// Default 256 MiB.
    pub origin_buffer_bytes_max: u64,
    /// Cost that the requests of one session may have. Beyond it the session is paused. Default 50 000 a second and
    /// 100 000 at once.
    pub session_rate: Rate,
    /// Cost that the connections, registrations, resumes and requests of one origin, which is a
    /// [`QuotaKey`](crate::QuotaKey), may have together. Beyond it its sessions are paused, and its registrations refused
    /// with `rate_limited`. Default 250 000 a second and 1 000 000 at once.
    pub origin_rate: Rate,
    /// How long a decision about a registration may take. Then the connection is closed. Default 30 s.
    pub decision_time_max: Duration,
    /// How long the user of a name may be silent when somebody else asks for the name. Then its connection
    /// counts as broken. Default 5 s.
    pub probe_time_max: Duration,
    /// Rooms that a user may be in at a time. Joining one more is rejected with `too_many_rooms`. Default 64; at most
    /// 65 536.
    pub rooms_of_user_max: u32,
    /// Rooms of a hub. One more is rejected with `hub_rooms_full`. Default 100 000.
    pub rooms_max: u32,
    /// Members of a room. Joining it beyond that is rejected with `room_full`. Default 10 000.
    pub members_max: u32,
    /// Memberships in rooms, of all users together. Joining beyond that is rejected with `hub_rooms_full`. Default
    /// 4 000 000.
    pub memberships_max: u32,
    /// Names that are watched, of all users together. Watching more is rejected with `hub_watches_full`. Default
    /// 4 000 000.
    pub hub_watches_max: u32,
    /// How long the hub waits after it told of a user's presence before it tells of it again. Changes in between are
    /// merged. Default 1 s; 0 tells each at once.
    pub presence_time_min: Duration,
    /// Members of a room that are told who comes and goes. A room with more tells nobody. Default 100.
    pub announced_members_max: u32,
    /// Names that a user may watch at a time. Watching more is rejected with `too_many_watches`. Default 256; at most
    /// 65 536.
    pub watches_max: u32,
    /// How long a closing connection may take to be written out before it is dropped. Default 5 s; at least 1 ns.
    pub flush_time_max: Duration,
}

/// A token bucket: how much cost it lets through, in the units of protocol.md, *Cost*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units a second in the long run; 0 lets everything through.
    pub per_s: u32,
    /// Units at once, after a pause.
    pub burst: u32,
}

impl Rate {
    /// Lets everything through.
    pub const UNLIMITED: Self = Self { per_s: 0, burst: 0 };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 << 10,
            outbox_bytes_max: 4 << 20,
            users_max: 1_000_000,
            registration_attempts_max: 8,
            handshake_time_max: Duration::from_secs(30),
            idle_time_max: Duration::from_secs(60),
            stall_time_max: Duration::from_secs(60),
            resume_time_max: Duration::from_secs(60),
            detached_max: 100_000,
            detached_of_origin_max: 1_000,
            buffer_bytes_max: 1 << 30,
            origin_buffer_bytes_max: 256 << 20,
            session_rate: Rate { per_s: 50_000, burst: 100_000 },
            origin_rate: Rate { per_s: 250_000, burst: 1_000_000 },
            decision_time_max: Duration::from_secs(30),
            probe_time_max: Duration::from_secs(5),
            rooms_of_user_max: 64,
            rooms_max: 100_000,
            members_max: 10_000,
            memberships_max: 4_000_000,
            hub_watches_max: 4_000_000,
            presence_time_min: Duration::from_secs(1),
            announced_members_max: 100,
            watches_max: 256,
            flush_time_max: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// Whether the limits fit together.
    ///
    /// # Errors
    ///
    /// The first limit that is out of its range or does not fit another, with both numbers.
    pub fn check(&self) -> Result<(), LimitsError> {
        const BODY_BYTES_MAX: u32 = 16 << 20;
        if !(1..=BODY_BYTES_MAX).contains(&self.body_bytes_max) {
            return Err(LimitsError::Body { given: self.body_bytes_max, bytes_max: BODY_BYTES_MAX });
        }
        let bytes_min = 4 * self.frame_bytes_max();
        if self.outbox_bytes_max < bytes_min || self.outbox_bytes_max > u32::MAX / 2 {
            return Err(LimitsError::Outbox { given: self.outbox_bytes_max, bytes_min });
        }
        let shares = [
            (
                "origin_buffer_bytes_max",
                self.origin_buffer_bytes_max,
                "outbox_bytes_max with its reserve",
                self.outbox_bytes_hard_max() as u64,
            ),
            ("buffer_bytes_max", self.buffer_bytes_max, "origin_buffer_bytes_max", self.origin_buffer_bytes_max),
        ];
        for (name, given, part, bytes_min) in shares {
            if given < bytes_min {
                return Err(LimitsError::Share { name, given, part, bytes_min });
            }
        }
        self.check_zeros()?;
        let idle_ms = self.idle_time_max.as_millis();
        if !(1..=u128::from(u32::MAX)).contains(&idle_ms) {
            return Err(LimitsError::Idle { given: self.idle_time_max });
        }
        if self.resume_time_max.as_millis() > u128::from(u32::MAX) {
            return Err(LimitsError::Resume { given: self.resume_time_max });
        }
        for (name, given) in [("rooms_of_user_max", self.rooms_of_user_max), ("watches_max", self.watches_max)] {
            if given > PER_USER_MAX {
                return Err(LimitsError::PerUser { name, given });
            }
        }
        Ok(())
    }

    /// A limit of zero that would let nothing happen.
    fn check_zeros(&self) -> Result<(), LimitsError> {
        let counts = [
            ("users_max", self.users_max),
            ("registration_attempts_max", self.registration_attempts_max),
            ("rooms_max", self.rooms_max),
            ("members_max", self.members_max),
            ("memberships_max", self.memberships_max),
        ];
        let times = [
            ("handshake_time_max", self.handshake_time_max),
            ("decision_time_max", self.decision_time_max),
            ("stall_time_max", self.stall_time_max),
            ("probe_time_max", self.probe_time_max),
            ("flush_time_max", self.flush_time_max),
        ];
        let bursts = [("session_rate", self.session_rate), ("origin_rate", self.origin_rate)];
        let is_zero = counts.into_iter().find(|(_, count)| *count == 0).map(|(name, _)| name);
        let is_zero = is_zero.or_else(|| times.into_iter().find(|(_, time)| time.is_zero()).map(|(name, _)| name));
        let has_no_burst = |(_, rate): &(_, Rate)| rate.per_s > 0 && rate.burst == 0;
        if let Some((name, _)) = bursts.into_iter().find(has_no_burst) {
            return Err(LimitsError::NoBurst { name });
        }
        is_zero.map_or(Ok(()), |name| Err(LimitsError::Zero { name }))
    }

    /// Bytes of a frame's content, at the most, once registered: a body and what goes with it, and never
    /// less than a handshake's.
    pub const fn frame_bytes_max(&self) -> u32 {
        let bytes = self.body_bytes_max + OVERHEAD_BYTES_MAX;
        if bytes > HANDSHAKE_FRAME_BYTES_MAX { bytes } else { HANDSHAKE_FRAME_BYTES_MAX }
    }

    /// Bytes of an outbox with the reserve for answers to its own user.
    pub(crate) const fn outbox_bytes_hard_max(&self) -> usize {
        self.outbox_bytes_max as usize + self.outbox_bytes_max as usize / 4
    }

    /// Bytes of the users on one page of a list: those of a full page without display names, or what fits a frame of a
    /// client that takes bodies of so many bytes if that is less. No frame need be shorter than a handshake's.
    pub(crate) const fn page_bytes_max(body_bytes_max: u32) -> usize {
        const FULL: usize = ONLINE_NAMES_MAX * (NAME_BYTES_MAX + 2);
        let fit = list_bytes_max(body_bytes_max);
        if fit < FULL { fit } else { FULL }
    }

    /// Ids of messages in one report: likewise.
    pub(crate) const fn report_ids_max(body_bytes_max: u32) -> usize {
        const ID_BYTES_MAX: usize = 9;
        list_bytes_max(body_bytes_max) / ID_BYTES_MAX
    }

    /// What a welcome says of them.
    pub(crate) fn announced(&self) -> Announced {
        let milliseconds = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        Announced {
            frame_bytes_max: self.frame_bytes_max(),
            body_bytes_max: self.body_bytes_max,
            outbox_bytes_max: self.outbox_bytes_max,
            stall_ms_max: milliseconds(self.stall_time_max),
            idle_ms_max: milliseconds(self.idle_time_max),
            resume_ms_max: milliseconds(self.resume_time_max),
            rooms_max: self.rooms_of_user_max,
            watches_max: self.watches_max,
            cost_per_s: self.session_rate.per_s,
            cost_burst: self.session_rate.burst,
        }
    }
}

/// Bytes of a list in a frame of a client that takes bodies of so many bytes.
const fn list_bytes_max(body_bytes_max: u32) -> usize {
    const BYTES_MIN: u32 = HANDSHAKE_FRAME_BYTES_MAX - OVERHEAD_BYTES_MAX;
    (if body_bytes_max > BYTES_MIN { body_bytes_max } else { BYTES_MIN }) as usize
}

/// Limits that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitsError {
    /// The body limit is out of its range.
    #[error("body_bytes_max is {given}: it must be 1 to {bytes_max}")]
    Body {
        /// The limit given.
        given: u32,
        /// The largest possible.
        bytes_max: u32,
    },
    /// An outbox must hold a few of the longest frames.
    #[error("outbox_bytes_max is {given}: with this body_bytes_max it must be {bytes_min} to 2147483647")]
    Outbox {
        /// The limit given.
        given: u32,
        /// The smallest possible.
        bytes_min: u32,
    },
    /// A limit for all is below one of its parts.
    #[error("{name} is {given}: it must be at least {part}, which is {bytes_min}")]
    Share {
        /// The limit's name.
        name: &'static str,
        /// The limit given.
        given: u64,
        /// The part.
        part: &'static str,
        /// How large that is.
        bytes_min: u64,
    },
    /// A rate without a burst would let nothing through.
    #[error("the burst of {name} is 0: it must be at least 1, or the rate 0 for no bound")]
    NoBurst {
        /// The limit's name.
        name: &'static str,
    },
    /// A limit of zero would let nothing happen at all.
    #[error("{name} is 0: it must be at least 1")]
    Zero {
        /// The limit's name.
        name: &'static str,
    },
    /// The resume time is out of its range.
    #[error("resume_time_max is {given:?}: it must be at most 49 days")]
    Resume {
        /// The limit given.
        given: Duration,
    },
    /// A user may be in too many rooms, or watch too many names.
    #[error("{name} is {given}: it must be at most {PER_USER_MAX}")]
    PerUser {
        /// The limit's name.
        name: &'static str,
        /// The limit given.
        given: u32,
    },
    /// The idle time is out of its range.
    #[error("idle_time_max is {given:?}: it must be 1 ms to 49 days")]
    Idle {
        /// The limit given.
        given: Duration,
    },
}

/// Rooms, or watched names, of one user, at the most: the hub searches all of them for each.
const PER_USER_MAX: u32 = 65_536;

/// Cuts a detail text at its limit, at a character's border.
pub(crate) fn cut_detail(detail: &str) -> &str {
    let mut end = detail.len().min(DETAIL_BYTES_MAX);
    while !detail.is_char_boundary(end) {
        end -= 1;
    }
    &detail[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_defaults_fit_together() {
        assert_eq!(Limits::default().check(), Ok(()));
    }

    #[test]
    fn limits_that_do_not_fit_are_named() {
        let check = |limits: Limits| limits.check().unwrap_err();
        let default = Limits::default;
        assert!(matches!(check(Limits { body_bytes_max: 0, ..default() }), LimitsError::Body { given: 0, .. }));
        assert!(matches!(check(Limits { body_bytes_max: (16 << 20) + 1, ..default() }), LimitsError::Body { .. }));
        assert!(matches!(check(Limits { outbox_bytes_max: 65_536, ..default() }), LimitsError::Outbox { .. }));
        assert_eq!(check(Limits { users_max: 0, ..default() }), LimitsError::Zero { name: "users_max" });
        let no_time = Limits { stall_time_max: Duration::ZERO, ..default() };
        assert_eq!(check(no_time), LimitsError::Zero { name: "stall_time_max" });
        let no_flush_time = Limits { flush_time_max: Duration::ZERO, ..default() };
        assert_eq!(check(no_flush_time), LimitsError::Zero { name: "flush_time_max" });
        assert_eq!(
            check(Limits { buffer_bytes_max: 1000, ..default() }).to_string(),
            "buffer_bytes_max is 1000: it must be at least origin_buffer_bytes_max, which is 268435456"
        );
        let share = Limits { origin_buffer_bytes_max: 5_000_000, ..default() };
        assert!(matches!(check(share), LimitsError::Share { name: "origin_buffer_bytes_max", .. }));
        let no_burst = Limits { session_rate: Rate { per_s: 1, burst: 0 }, ..default() };
        assert_eq!(check(no_burst), LimitsError::NoBurst { name: "session_rate" });
        assert!(matches!(check(Limits { idle_time_max: Duration::ZERO, ..default() }), LimitsError::Idle { .. }));
    }

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let detail = "é".repeat(101);
        assert_eq!(cut_detail(&detail).len(), DETAIL_BYTES_MAX);
        let odd = alloc::format!("x{detail}");
        assert_eq!(cut_detail(&odd).len(), DETAIL_BYTES_MAX - 1);
    }
}
