//! Every limit of a hub, with its unit and what happens at it.

use alloc::vec::Vec;
use core::time::Duration;

use crate::limits_error::LimitsError;
use crate::name::NAME_BYTES_MAX;
use crate::rate::Rate;
use crate::setters::setters;
use crate::wire::{Announced, HANDSHAKE_FRAME_BYTES_MAX, OVERHEAD_BYTES_MAX, PAGE_USERS_MAX};

/// The limits of a hub and of the handshakes before it. [`check`](Self::check) tells whether they fit together.
///
/// Limits are made from the default ones, with a method for each field. Where a field gives no smallest value, it may
/// be 0. No time is longer than 49 days, which is what the protocol can tell. *Rejected* and *refused* with a code mean
/// the answers of protocol.md, *accepted and rejected* and *refused*.
///
/// With the feature `serde`, a limit that is missing is the default one, times are text with a unit (`"30s"`,
/// `"250ms"`), and limits that do not fit together are an error.
///
/// ```
/// use chatcore::{Limits, LimitsError};
///
/// let limits = Limits::default().with_body_bytes_max(4096).with_sessions_max(50);
/// assert_eq!(limits.check(), Ok(()));
///
/// let none = Limits::default().with_sessions_max(0);
/// assert_eq!(none.check(), Err(LimitsError::Zero { name: "sessions_max" }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a message's body. The hub rejects a longer body with `body_too_long`; or it ends the connection with
    /// `frame_too_long`, if the frame is longer than [`frame_bytes_max`](Self::frame_bytes_max). Default 65 536; 1 to
    /// 16 MiB.
    pub body_bytes_max: u32,
    /// Bytes that the hub keeps for one user until the user acknowledges them. The hub rejects a user's message that
    /// does not fit with `recipient_full`, and a member misses a room's message that does not fit. Answers to the
    /// user's own requests may take a quarter more. When that is full, too, the hub ends the session as a slow
    /// consumer. Default 4 MiB; at least four of the longest frames ([`frame_bytes_max`](Self::frame_bytes_max)), and
    /// at most 2³¹ - 1.
    pub outbox_bytes_max: u32,
    /// Sessions of a hub, and so its users. The hub refuses more with `hub_full`. Default 1 000 000; at least 1.
    pub sessions_max: u32,
    /// Sessions that come from one origin ([`QuotaKey`](crate::QuotaKey)), detached ones included. The hub refuses more
    /// with `hub_full`. Who resumes a session is not refused for this. Default 10 000; at least 1.
    pub sessions_of_origin_max: u32,
    /// Sessions of one user, for a program that admits more than one
    /// ([`Admission::AnotherSession`](crate::Admission::AnotherSession)). The hub refuses more with
    /// `too_many_sessions`. Default 8; 1 to 64.
    pub sessions_of_user_max: u32,
    /// Requests of one session that wait for answers of the program ([`Hub::with_asking`](crate::Hub::with_asking)),
    /// and for those before them. While there are so many, the hub pauses the connection. Default 64; at least 1.
    pub waiting_of_session_max: u32,
    /// The same of all sessions together. Default 16 384; at least 1.
    pub waiting_max: u32,
    /// The same of all sessions of one origin ([`QuotaKey`](crate::QuotaKey)). While there are so many, the hub pauses
    /// these. Default 2 048; at least 1.
    pub waiting_of_origin_max: u32,
    /// Refusals on one connection. After this many, the hub ends the connection with `too_many_attempts`. Default 8; at
    /// least 1.
    pub registration_attempts_max: u32,
    /// The time from the connection to the first registration, and from a refusal to the next registration. After it,
    /// the hub closes the connection. Default 30 s; at least 1 ns.
    pub handshake_time_max: Duration,
    /// The silence of a client that has a session. After half of it the hub pings. After all of it the hub closes the
    /// connection as timed out, and the session is detached. Default 60 s; 1 ms to 49 days.
    pub idle_time_max: Duration,
    /// How long a session may acknowledge none of the frames that wait for it, however few they are. After that, the
    /// hub ends the session as a slow consumer if anything else has come from its client lately: within half of this,
    /// and within half of [`idle_time_max`](Self::idle_time_max). If not, the connection is probably lost, and the
    /// session is detached. Default 60 s; at least 1 ns.
    pub stall_time_max: Duration,
    /// How long the hub keeps a session after its connection broke. Meanwhile the name stays taken, and messages for
    /// the session wait. Zero ends sessions with their connections. A registration may have another time
    /// ([`Registration::with_resume_time_max`](crate::Registration::with_resume_time_max)). Default 60 s; at most 49
    /// days.
    pub resume_time_max: Duration,
    /// Detached sessions, in all. If there are that many and one more session loses its connection, the hub makes room:
    /// the session ends whose time is over first, of the origin that has most of them. Default 100 000.
    pub detached_max: u32,
    /// Detached sessions of one origin ([`QuotaKey`](crate::QuotaKey)). If there are that many and one more session of
    /// the origin loses its connection, the session of the origin ends whose time is over first. With 0 each ends with
    /// its connection. Default 10 000.
    pub detached_of_origin_max: u32,
    /// Bytes of memory for everything that peers can make a hub keep: outboxes, those of detached sessions included,
    /// bytes that are still to be written to closing connections, and the starts of frames ([`Memory`](crate::Memory)).
    /// When it is used up, the hub takes the origin that holds most, and ends the session that holds most there.
    /// Default 1 GiB; at least [`origin_buffer_bytes_max`](Self::origin_buffer_bytes_max).
    pub buffer_bytes_max: u64,
    /// The share of [`buffer_bytes_max`](Self::buffer_bytes_max) for one origin ([`QuotaKey`](crate::QuotaKey)). When
    /// it is used up, the hub rejects users' messages for and from sessions of the origin with `recipient_full`, and
    /// the sessions miss rooms' messages. When an eighth more is used up, the hub ends the session that holds most
    /// there.
    ///
    /// A session that holds less than 4 KiB does not count here. Bytes that several outboxes of an origin share, such
    /// as a long message to a room, count once for each of them. Default 256 MiB; at least
    /// [`outbox_bytes_max`](Self::outbox_bytes_max) and a quarter of it.
    pub origin_buffer_bytes_max: u64,
    /// The cost that the requests of one session may have. Beyond it, the hub pauses the session
    /// ([`Received::Paused`](crate::Received::Paused)). Default 50 000 a second and 100 000 at once.
    pub session_rate: Rate,
    /// The cost that the connections, registrations, resumes and requests of one origin ([`QuotaKey`](crate::QuotaKey))
    /// may have together. Beyond it, the hub pauses the sessions of the origin, and refuses registrations from it with
    /// `rate_limited`. Default 250 000 a second and 1 000 000 at once.
    pub origin_rate: Rate,
    /// How long the driver may take to decide about a registration. After that, the hub closes the connection. And how
    /// long the program may take to answer a question ([`Hub::with_asking`](crate::Hub::with_asking)). After that, the
    /// hub rejects the request with `unavailable`. Default 30 s; at least 1 ns.
    pub decision_time_max: Duration,
    /// How long a client may be silent after another client has asked for its name. After that, its connection counts
    /// as broken. Default 5 s; at least 1 ns.
    pub probe_time_max: Duration,
    /// Holders of names of whom the registrations of one origin ([`QuotaKey`](crate::QuotaKey)) may demand a sign of
    /// life within [`probe_time_max`](Self::probe_time_max), because they ask for the names. Beyond it, the holders
    /// have the time that they have anyway. Default 1 a second and 30 at once.
    pub probe_rate: Rate,
    /// Rooms that a user may be in at a time. The hub rejects one more join with `too_many_rooms`. Default 64; at most
    /// 4 096.
    pub rooms_of_user_max: u32,
    /// Rooms of a hub. The hub rejects a join that would make one more with `hub_rooms_full`. Default 100 000; at least
    /// 1.
    pub rooms_max: u32,
    /// Rooms that users of one origin ([`QuotaKey`](crate::QuotaKey)) have opened, as the first who joined, until the
    /// last member leaves. The hub rejects a join that would open one more with `hub_rooms_full`. Default 10 000; at
    /// least 1.
    pub rooms_of_origin_max: u32,
    /// Members of a room, where each session of a user counts. The hub rejects a join that would make more of them with
    /// `room_full`. A user who is in the room brings its further sessions with it, whether the room is full or not: so
    /// a room has at most this many users, each with [`sessions_of_user_max`](Self::sessions_of_user_max) sessions.
    /// Default 10 000; at least 1.
    pub members_max: u32,
    /// Members of a room whose sessions come from one origin ([`QuotaKey`](crate::QuotaKey)). The hub rejects a join
    /// that would make more of them with `room_full`. Default 2 000; at least 1.
    pub members_of_origin_max: u32,
    /// Memberships of all sessions in rooms. The hub rejects one more join with `hub_rooms_full`, and refuses another
    /// session of a user with `hub_full` if its rooms are too many. Default 4 000 000; at least 1.
    pub memberships_max: u32,
    /// Memberships of the sessions of one origin ([`QuotaKey`](crate::QuotaKey)). The hub rejects one more join with
    /// `hub_rooms_full`. Default 400 000; at least 1.
    pub memberships_of_origin_max: u32,
    /// Names that all users watch together. The hub rejects a watch of more with `hub_watches_full`. Default 4 000 000.
    pub hub_watches_max: u32,
    /// The same of the users of one origin ([`QuotaKey`](crate::QuotaKey)). Default 400 000.
    pub watches_of_origin_max: u32,
    /// The time from one presence to the next about the same user. The hub merges the changes in between. Default 1 s;
    /// with 0 it tells each change at once.
    pub presence_time_min: Duration,
    /// Members up to which the hub tells a room who joins and leaves. In a room with more, it tells nobody. Default
    /// 100.
    pub announced_members_max: u32,
    /// Names that a user may watch at a time. The hub rejects a watch of more with `too_many_watches`. Default 256; at
    /// most 4 096.
    pub watches_max: u32,
    /// How long the hub may take to write out a closing connection. After that, it drops the connection. Default 5 s;
    /// at least 1 ns.
    pub flush_time_max: Duration,
}

setters! {
    form Limits {
        with_body_bytes_max(body_bytes_max: u32),
        with_outbox_bytes_max(outbox_bytes_max: u32),
        with_sessions_max(sessions_max: u32),
        with_sessions_of_origin_max(sessions_of_origin_max: u32),
        with_sessions_of_user_max(sessions_of_user_max: u32),
        with_waiting_of_session_max(waiting_of_session_max: u32),
        with_waiting_max(waiting_max: u32),
        with_waiting_of_origin_max(waiting_of_origin_max: u32),
        with_registration_attempts_max(registration_attempts_max: u32),
        with_handshake_time_max(handshake_time_max: Duration as "duration"),
        with_idle_time_max(idle_time_max: Duration as "duration"),
        with_stall_time_max(stall_time_max: Duration as "duration"),
        with_resume_time_max(resume_time_max: Duration as "duration"),
        with_detached_max(detached_max: u32),
        with_detached_of_origin_max(detached_of_origin_max: u32),
        with_buffer_bytes_max(buffer_bytes_max: u64),
        with_origin_buffer_bytes_max(origin_buffer_bytes_max: u64),
        with_session_rate(session_rate: Rate),
        with_origin_rate(origin_rate: Rate),
        with_decision_time_max(decision_time_max: Duration as "duration"),
        with_probe_time_max(probe_time_max: Duration as "duration"),
        with_probe_rate(probe_rate: Rate),
        with_rooms_of_user_max(rooms_of_user_max: u32),
        with_rooms_max(rooms_max: u32),
        with_rooms_of_origin_max(rooms_of_origin_max: u32),
        with_members_max(members_max: u32),
        with_members_of_origin_max(members_of_origin_max: u32),
        with_memberships_max(memberships_max: u32),
        with_memberships_of_origin_max(memberships_of_origin_max: u32),
        with_hub_watches_max(hub_watches_max: u32),
        with_watches_of_origin_max(watches_of_origin_max: u32),
        with_presence_time_min(presence_time_min: Duration as "duration"),
        with_announced_members_max(announced_members_max: u32),
        with_watches_max(watches_max: u32),
        with_flush_time_max(flush_time_max: Duration as "duration"),
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 << 10,
            outbox_bytes_max: 4 << 20,
            sessions_max: 1_000_000,
            sessions_of_origin_max: 10_000,
            sessions_of_user_max: 8,
            waiting_of_session_max: 64,
            waiting_max: 16_384,
            waiting_of_origin_max: 2_048,
            registration_attempts_max: 8,
            handshake_time_max: Duration::from_secs(30),
            idle_time_max: Duration::from_secs(60),
            stall_time_max: Duration::from_secs(60),
            resume_time_max: Duration::from_secs(60),
            detached_max: 100_000,
            detached_of_origin_max: 10_000,
            buffer_bytes_max: 1 << 30,
            origin_buffer_bytes_max: 256 << 20,
            session_rate: Rate { per_s: 50_000, burst: 100_000 },
            origin_rate: Rate { per_s: 250_000, burst: 1_000_000 },
            decision_time_max: Duration::from_secs(30),
            probe_time_max: Duration::from_secs(5),
            probe_rate: Rate { per_s: 1, burst: 30 },
            rooms_of_user_max: 64,
            rooms_max: 100_000,
            rooms_of_origin_max: 10_000,
            members_max: 10_000,
            members_of_origin_max: 2_000,
            memberships_max: 4_000_000,
            memberships_of_origin_max: 400_000,
            hub_watches_max: 4_000_000,
            watches_of_origin_max: 400_000,
            presence_time_min: Duration::from_secs(1),
            announced_members_max: 100,
            watches_max: 256,
            flush_time_max: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// Checks whether the limits fit together. [`Hub::new`](crate::Hub::new) panics if they do not.
    ///
    /// # Errors
    ///
    /// The first limit that is out of its range or does not fit another, with both numbers.
    pub fn check(&self) -> Result<(), LimitsError> {
        self.faults().into_iter().next().map_or(Ok(()), Err)
    }

    /// All that [`check`](Self::check) finds wrong, for people who want to know it at once.
    ///
    /// ```
    /// use chatcore::Limits;
    ///
    /// let faults = Limits::default().with_rooms_max(0).with_members_max(0).faults();
    /// assert_eq!(faults[1].to_string(), "members_max is 0: it must be at least 1");
    /// ```
    pub fn faults(&self) -> Vec<LimitsError> {
        const BODY_BYTES_MAX: u32 = 16 << 20;
        let mut faults = Vec::new();
        if (1..=BODY_BYTES_MAX).contains(&self.body_bytes_max) {
            self.find_misfits(&mut faults);
        } else {
            // Others are measured by it.
            faults.push(LimitsError::Body { given: self.body_bytes_max, bytes_max: BODY_BYTES_MAX });
        }
        self.find_zeros(&mut faults);
        let idle_ms = self.idle_time_max.as_millis();
        if !(1..=u128::from(u32::MAX)).contains(&idle_ms) {
            faults.push(LimitsError::Idle { given: self.idle_time_max });
        }
        if self.resume_time_max.as_millis() > u128::from(u32::MAX) {
            faults.push(LimitsError::Resume { given: self.resume_time_max });
        }
        let times = [
            ("handshake_time_max", self.handshake_time_max),
            ("decision_time_max", self.decision_time_max),
            ("stall_time_max", self.stall_time_max),
            ("probe_time_max", self.probe_time_max),
            ("presence_time_min", self.presence_time_min),
            ("flush_time_max", self.flush_time_max),
        ];
        let times = times.into_iter().filter(|(_, given)| given.as_millis() > u128::from(u32::MAX));
        faults.extend(times.map(|(name, given)| LimitsError::Long { name, given }));
        let per_user = [
            ("rooms_of_user_max", self.rooms_of_user_max, PER_USER_MAX),
            ("watches_max", self.watches_max, PER_USER_MAX),
            ("sessions_of_user_max", self.sessions_of_user_max, SESSIONS_OF_USER_MAX),
        ];
        faults.extend(per_user.into_iter().filter_map(|of_user| Self::check_per_user(of_user).err()));
        faults
    }

    /// Limits that are below what they must hold.
    fn find_misfits(&self, faults: &mut Vec<LimitsError>) {
        let bytes_min = 4 * self.frame_bytes_max();
        if self.outbox_bytes_max < bytes_min || self.outbox_bytes_max > u32::MAX / 2 {
            faults.push(LimitsError::Outbox { given: self.outbox_bytes_max, bytes_min });
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
                faults.push(LimitsError::Share { name, given, part, bytes_min });
            }
        }
    }

    /// Checks whether a hub with these limits can go on with others ([`Hub::set_limits`](crate::Hub::set_limits)).
    /// These cannot change, because clients count on what their welcome announced, or because bytes are counted by
    /// them: `body_bytes_max`, `outbox_bytes_max`, `buffer_bytes_max`, `origin_buffer_bytes_max`, `stall_time_max`,
    /// `idle_time_max`, `resume_time_max`, `session_rate`, `rooms_of_user_max`, `watches_max`.
    ///
    /// # Errors
    ///
    /// If the others do not fit together, or the first that cannot change.
    pub fn check_change(&self, others: &Self) -> Result<(), LimitsError> {
        others.check()?;
        let fixed = [
            ("body_bytes_max", self.body_bytes_max == others.body_bytes_max),
            ("outbox_bytes_max", self.outbox_bytes_max == others.outbox_bytes_max),
            ("buffer_bytes_max", self.buffer_bytes_max == others.buffer_bytes_max),
            ("origin_buffer_bytes_max", self.origin_buffer_bytes_max == others.origin_buffer_bytes_max),
            ("stall_time_max", self.stall_time_max == others.stall_time_max),
            ("idle_time_max", self.idle_time_max == others.idle_time_max),
            ("resume_time_max", self.resume_time_max == others.resume_time_max),
            ("session_rate", self.session_rate == others.session_rate),
            ("rooms_of_user_max", self.rooms_of_user_max == others.rooms_of_user_max),
            ("watches_max", self.watches_max == others.watches_max),
        ];
        let changed = fixed.into_iter().find(|(_, is_same)| !is_same);
        changed.map_or(Ok(()), |(name, _)| Err(LimitsError::Fixed { name }))
    }

    pub(crate) const fn check_per_user((name, given, max): (&'static str, u32, u32)) -> Result<(), LimitsError> {
        if given > max { Err(LimitsError::PerUser { name, given, max }) } else { Ok(()) }
    }

    /// Limits of zero that would let nothing happen.
    fn find_zeros(&self, faults: &mut Vec<LimitsError>) {
        let counts = [
            ("sessions_max", self.sessions_max),
            ("sessions_of_origin_max", self.sessions_of_origin_max),
            ("sessions_of_user_max", self.sessions_of_user_max),
            ("waiting_of_session_max", self.waiting_of_session_max),
            ("waiting_max", self.waiting_max),
            ("waiting_of_origin_max", self.waiting_of_origin_max),
            ("registration_attempts_max", self.registration_attempts_max),
            ("rooms_max", self.rooms_max),
            ("rooms_of_origin_max", self.rooms_of_origin_max),
            ("members_max", self.members_max),
            ("members_of_origin_max", self.members_of_origin_max),
            ("memberships_max", self.memberships_max),
            ("memberships_of_origin_max", self.memberships_of_origin_max),
        ];
        let times = [
            ("handshake_time_max", self.handshake_time_max),
            ("decision_time_max", self.decision_time_max),
            ("stall_time_max", self.stall_time_max),
            ("probe_time_max", self.probe_time_max),
            ("flush_time_max", self.flush_time_max),
        ];
        let bursts =
            [("session_rate", self.session_rate), ("origin_rate", self.origin_rate), ("probe_rate", self.probe_rate)];
        let has_no_burst = |(_, rate): &(_, Rate)| rate.per_s > 0 && rate.burst == 0;
        let bursts = bursts.into_iter().filter(has_no_burst);
        faults.extend(bursts.map(|(name, _)| LimitsError::NoBurst { name }));
        let counts = counts.into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name);
        let times = times.into_iter().filter(|(_, time)| time.is_zero()).map(|(name, _)| name);
        faults.extend(counts.chain(times).map(|name| LimitsError::Zero { name }));
    }

    /// The most bytes of a frame's content once there is a session: [`body_bytes_max`](Self::body_bytes_max) + 256, and
    /// at least [`HANDSHAKE_FRAME_BYTES_MAX`].
    pub const fn frame_bytes_max(&self) -> u32 {
        let bytes = self.body_bytes_max + OVERHEAD_BYTES_MAX;
        if bytes > HANDSHAKE_FRAME_BYTES_MAX { bytes } else { HANDSHAKE_FRAME_BYTES_MAX }
    }

    /// Bytes of an outbox with the reserve for answers to its own user.
    pub(crate) const fn outbox_bytes_hard_max(&self) -> usize {
        self.outbox_bytes_max as usize + self.outbox_bytes_max as usize / 4
    }

    /// Bytes of the users or names on one page of a list: those of a full page without display names, or what fits a
    /// frame of a client that takes bodies of this many bytes if that is less. No frame need be shorter than a
    /// handshake's.
    pub(crate) const fn page_bytes_max(body_bytes_max: u32) -> usize {
        const FULL: usize = PAGE_USERS_MAX * (NAME_BYTES_MAX + 2);
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

/// Bytes of a list in a frame of a client that takes bodies of this many bytes.
const fn list_bytes_max(body_bytes_max: u32) -> usize {
    const BYTES_MIN: u32 = HANDSHAKE_FRAME_BYTES_MAX - OVERHEAD_BYTES_MAX;
    (if body_bytes_max > BYTES_MIN { body_bytes_max } else { BYTES_MIN }) as usize
}

/// Rooms, or watched names, of one user, at the most: the hub searches all of them for a request, and leaves all of
/// them, in one step.
pub(crate) const PER_USER_MAX: u32 = 4_096;

/// Sessions of one user, at the most: a message is copied into the outboxes of all of them in one step.
pub(crate) const SESSIONS_OF_USER_MAX: u32 = 64;

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
        assert_eq!(check(Limits { sessions_max: 0, ..default() }), LimitsError::Zero { name: "sessions_max" });
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
    fn no_time_is_longer_than_can_be_told() {
        const LONGEST: Duration = Duration::from_millis(u32::MAX as u64);
        type Change = fn(Limits, Duration) -> Limits;
        let changes: [(&str, Change); 8] = [
            ("handshake_time_max", Limits::with_handshake_time_max),
            ("decision_time_max", Limits::with_decision_time_max),
            ("idle_time_max", Limits::with_idle_time_max),
            ("stall_time_max", Limits::with_stall_time_max),
            ("resume_time_max", Limits::with_resume_time_max),
            ("probe_time_max", Limits::with_probe_time_max),
            ("presence_time_min", Limits::with_presence_time_min),
            ("flush_time_max", Limits::with_flush_time_max),
        ];
        for (name, change) in changes {
            assert_eq!(change(Limits::default(), LONGEST).check(), Ok(()), "{name}");
            for longer in [LONGEST + Duration::from_millis(1), Duration::MAX] {
                let error = change(Limits::default(), longer).check().unwrap_err().to_string();
                assert!(error.starts_with(name) && error.ends_with("49 days"), "{error}");
            }
        }
    }
}
