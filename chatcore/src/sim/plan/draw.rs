//! What is drawn for a plan: each kind of it.

use alloc::vec::Vec;
use core::time::Duration;

use super::mixed::{FLOODS_DRAWN_FIRST, mix_floods};
use super::{FaultEvent, Plan};
use crate::sim::conditions::NetworkConditions;
use crate::sim::flood::Flood;
use crate::sim::random::{CERTAIN, Random};
use crate::sim::server::turn_units_max;
use crate::{Backoff, ClientConfig, Limits, Rate};

/// How often users are renamed in a run, roughly at the most: no session has so many names that the hub forgets one.
const RENAMES_MAX: u64 = 10;

/// A burst is shorter than the longest by this factor, on average: most are short.
const BURST_MEAN_OF_MAX: u64 = 6;

/// Users who have several devices, at the most.
const DEVICE_USERS_MAX: usize = 4;

/// Connections that flood the hub, at the most.
const ATTACKERS_MAX: usize = 60;

/// The time that a unit of the hub's work takes beside attackers, and the steps in which time goes on there.
const TURN_UNIT: Duration = Duration::from_nanos(250);
const ATTACK_TICK: Duration = Duration::from_micros(500);

impl Plan {
    /// Draws a plan with a fault phase: in some plans little goes wrong, in some everything at once.
    pub fn draw(random: &mut Random) -> Self {
        let users = 2 + random.index(5);
        let is_tight = random.chance(CERTAIN / 4);
        let fault_events = FaultEvent::ALL.map(|fault_event| {
            let is_there = fault_event.weight() > 0 && random.chance(CERTAIN / 2);
            (
                fault_event,
                if is_there {
                    u32::try_from(random.below(u64::from(fault_event.weight()) + 1)).unwrap_or(0)
                } else {
                    0
                },
            )
        });
        let body_bytes_max = random.pick(&[10, 300, 1_152]);
        let fault_phase = Duration::from_millis(random.within(1_000..=60_000));
        let burst_max = random.pick(&[1, 1, 1, 20, 200]);
        let bursts = random.within(20..=600) / (1 + burst_max / BURST_MEAN_OF_MAX);
        let plan = Self {
            users,
            rooms: 1 + random.index(3),
            limits: draw_limits(random, users, is_tight),
            config: draw_config(random, is_tight),
            conditions: NetworkConditions::draw(random),
            fault_phase,
            pace: fault_phase / u32::try_from(bursts.max(1)).unwrap_or(u32::MAX),
            body_bytes_max,
            fault_event_pace: random
                .chance(CERTAIN / 10 * 9)
                .then(|| Duration::from_millis(random.within(100..=10_000))),
            fault_events,
            auth_delay_chance: random.pick(&[0, 0, CERTAIN / 4]),
            dial_fails: random.pick(&[0, CERTAIN / 10, CERTAIN / 2]),
            origins: 1 + random.index(users),
            burst_max,
            tick: Duration::from_micros(random.pick(&[0, 0, 100, 5_000])),
            takes_late: random.pick(&[0, 0, CERTAIN / 10]),
            report_delay_max: Duration::from_millis(random.pick(&[0, 0, 20, 2_000])),
            ..Self::calm(users)
        };
        // What is drawn for devices does not change the runs of those who have one.
        plan.draw_devices(&mut random.clone(), is_tight).mix(random)
    }

    /// In some plans users have several devices. Then there are fewer users, so that a run takes no longer, and the hub
    /// has room for more sessions than there are devices: some have forgotten theirs. In some plans it has hardly more.
    fn draw_devices(self, random: &mut Random, is_tight: bool) -> Self {
        if !random.chance(CERTAIN / 4) {
            return self;
        }
        let plan = Self { users: self.users.min(DEVICE_USERS_MAX), devices: 2 + random.index(2), ..self };
        let all = u32::try_from(plan.all_devices()).unwrap_or(u32::MAX);
        let devices = u32::try_from(plan.devices).unwrap_or(u32::MAX);
        let limits = Limits {
            sessions_max: all + random.pick(&[0, 2, all, 10 * all]),
            sessions_of_user_max: devices + random.pick(&[0, 1, 5]),
            // A device that comes needs a place in the rooms of its user, and asks until there is one.
            members_max: if is_tight { all } else { plan.limits.members_max },
            ..plan.limits
        };
        Self { limits, ..plan }
    }

    /// As [`draw`](Self::draw), and an operator renames users, a few times or very often.
    pub fn draw_renaming(random: &mut Random) -> Self {
        let plan = Self::draw(random);
        let renames = u32::try_from(random.within(1..=RENAMES_MAX)).unwrap_or(1);
        let rename_pace = Some(plan.fault_phase / renames);
        Self { rename_pace, ..plan }
    }

    /// Draws a plan of a few seconds with hundreds of users. Some of them talk, in rooms that most of them are in.
    pub fn draw_crowd(random: &mut Random) -> Self {
        let users = 200 + random.index(801);
        let fault_phase = Duration::from_millis(random.within(1_000..=4_000));
        let conditions = NetworkConditions {
            delay_min: Duration::from_millis(random.within(1..=20)),
            delay_max: Duration::from_millis(20 + random.upto(100)),
            buffer_bytes: random.pick(&[4_096, 64 << 10]),
            ..NetworkConditions::calm()
        };
        let limits = draw_limits(random, users, false);
        let limits = Limits {
            outbox_bytes_max: random.pick(&[4 * limits.frame_bytes_max(), 64 << 10, 4 << 20]),
            session_rate: Limits::default().session_rate,
            origin_rate: random.pick(&[Rate::UNLIMITED, Limits::default().origin_rate]),
            announced_members_max: random.pick(&[0, 100]),
            idle_time_max: Duration::from_secs(60),
            ..limits
        };
        Self {
            rooms: 2,
            limits,
            conditions,
            fault_phase,
            pace: fault_phase / u32::try_from(random.within(100..=600)).unwrap_or(u32::MAX),
            body_bytes_max: 100,
            fault_event_pace: random.chance(CERTAIN / 2).then_some(fault_phase / 2),
            fault_events: FaultEvent::ALL.map(|fault_event| match fault_event {
                FaultEvent::CutAll | FaultEvent::Crash | FaultEvent::SlowReader => (fault_event, 1),
                _ => (fault_event, 0),
            }),
            origins: 1 + random.index(users),
            burst_max: random.pick(&[1, 20]),
            tick: Duration::from_millis(random.within(2..=10)),
            ..Self::calm(users)
        }
    }

    /// Draws a plan with attackers, beside pairs of users who talk to each other over a calm network. The server's work
    /// takes time, and a user's message must not wait for longer than a few turns of the server.
    pub fn draw_attack(random: &mut Random) -> Self {
        let mut floods: Vec<Flood> =
            (0..=random.index(3)).map(|_| random.pick(&Flood::ALL[..FLOODS_DRAWN_FIRST])).collect();
        mix_floods(&mut floods, random);
        Self::draw_attack_of(random, &floods)
    }

    /// As [`draw_attack`](Self::draw_attack), with floods of these kinds. There must be at least one.
    pub fn draw_attack_of(random: &mut Random, floods: &[Flood]) -> Self {
        let users = 2 * (1 + random.index(10));
        let attackers = 2 * (1 + random.index(ATTACKERS_MAX / 2));
        let limits = draw_attacked_limits(random);
        // The turn that runs already when a message arrives, and the one that hears it: it is heard there before those
        // who have much to say, and written in the same turn. What was said in rooms before it goes first: at the most
        // it waits for a turn of that before it is taken, and for another before it is written.
        let turns = if floods.iter().any(|flood| flood.is_for_rooms()) { 4 } else { 2 };
        let turn = TURN_UNIT.saturating_mul(u32::try_from(turn_units_max(&limits)).unwrap_or(u32::MAX));
        Self {
            limits,
            config: ClientConfig { ack_delay: Duration::from_millis(10), ..ClientConfig::default() },
            fault_phase: Duration::from_millis(random.within(50..=300)),
            pace: Duration::from_millis(50) / u32::try_from(users).unwrap_or(1),
            body_bytes_max: 100,
            is_paired: true,
            origins: users,
            attackers: (0..attackers).map(|_| random.pick(floods)).collect(),
            attack_origins: random.pick(&[1, attackers]),
            // Each has a site of its own, or all attackers have one, and all users.
            origins_of_site: random.clone().pick(&[0, 1, 1_000]),
            unit: TURN_UNIT,
            tick: ATTACK_TICK,
            delay_max: Some(turn * turns + NetworkConditions::calm().delay_max * 2 + ATTACK_TICK * 4),
            ..Self::calm(users)
        }
    }
}

fn draw_limits(random: &mut Random, users: usize, is_tight: bool) -> Limits {
    let seconds = |seconds| Duration::from_secs(seconds);
    let all = u32::try_from(users).unwrap_or(u32::MAX);
    let limits = Limits {
        body_bytes_max: 1_152,
        sessions_max: all + u32::try_from(random.below(3)).unwrap_or_default(),
        handshake_time_max: seconds(random.within(5..=30)),
        idle_time_max: seconds(random.pick(&[2, 10, 60])),
        // Longer than a client waits with an acknowledgement.
        stall_time_max: seconds(random.within(3..=10)),
        resume_time_max: seconds(random.pick(&[0, 5, 60, 60, 300])),
        probe_time_max: seconds(random.within(1..=5)),
        flush_time_max: seconds(random.within(1..=5)),
        session_rate: draw_rate(random),
        origin_rate: draw_rate(random),
        presence_time_min: Duration::from_millis(random.pick(&[0, 50, 1_000, 5_000])),
        ..Limits::default()
    };
    if !is_tight {
        return limits;
    }
    let outbox_bytes_max = 4 * limits.frame_bytes_max() + u32::try_from(random.upto(20_000)).unwrap_or_default();
    let origin_buffer_bytes_max = u64::from(outbox_bytes_max) * 5 / 4 * random.within(1..=users as u64);
    Limits {
        outbox_bytes_max,
        detached_max: u32::try_from(random.below(users as u64 + 1)).unwrap_or_default(),
        detached_of_origin_max: u32::try_from(random.below(users as u64 + 1)).unwrap_or_default(),
        origin_buffer_bytes_max,
        buffer_bytes_max: origin_buffer_bytes_max * random.within(1..=3),
        rooms_of_user_max: 2,
        rooms_max: 2,
        members_max: all - 1,
        announced_members_max: random.pick(&[0, 1, 3, 100]),
        watches_max: 3,
        ..limits
    }
}

/// Limits that attackers use up: some within what a fraction of a second lets them send.
fn draw_attacked_limits(random: &mut Random) -> Limits {
    let limits = Limits { body_bytes_max: random.pick(&[1_152, 64 << 10]), ..Limits::default() };
    let outbox_bytes_max = random.pick(&[4 * limits.frame_bytes_max(), 4 << 20]);
    let origin_buffer_bytes_max = u64::from(outbox_bytes_max) * 5 / 4 * random.within(1..=10);
    let slow = Rate { per_s: 20_000, burst: 20_000 };
    Limits {
        outbox_bytes_max,
        origin_buffer_bytes_max,
        buffer_bytes_max: origin_buffer_bytes_max * random.within(1..=3),
        session_rate: random.pick(&[limits.session_rate, slow]),
        origin_rate: random.pick(&[Rate::UNLIMITED, limits.origin_rate]),
        // Those who read acknowledge sooner.
        stall_time_max: Duration::from_millis(random.pick(&[100, 60_000])),
        resume_time_max: Duration::from_secs(1),
        presence_time_min: Duration::from_millis(random.pick(&[0, 50])),
        announced_members_max: random.pick(&[0, 100]),
        ..limits
    }
}

/// No bound, the usual one, or one that makes those wait who say much at once.
fn draw_rate(random: &mut Random) -> Rate {
    let slow = Rate {
        per_s: u32::try_from(random.within(200..=5_000)).unwrap_or(u32::MAX),
        burst: u32::try_from(random.within(500..=2_000)).unwrap_or(u32::MAX),
    };
    random.pick(&[Rate::UNLIMITED, Limits::default().session_rate, slow])
}

fn draw_config(random: &mut Random, is_tight: bool) -> ClientConfig {
    let first = Duration::from_millis(random.within(10..=1_000));
    ClientConfig {
        outbox_bytes_max: if is_tight { 4_000 } else { 1 << 20 },
        answer_time_max: Duration::from_secs(random.within(2..=30)),
        flush_time_max: Duration::from_secs(random.within(1..=5)),
        ack_delay: Duration::from_millis(random.pick(&[0, 50, 1_000])),
        ack_frames: random.pick(&[1, 4, 64]),
        reconnect: Some(Backoff { first, max: first * 8, ..Backoff::default() }),
        ..ClientConfig::default()
    }
}
