//! The conditions of a network: how bad it is.

use core::time::Duration;

use super::random::{CERTAIN, Random};
use crate::setters::setters;

/// What a network does to the bytes that it carries. Chances are in millionths ([`CERTAIN`]).
///
/// ```
/// use chatcore::sim::{CERTAIN, NetworkConditions};
///
/// let breaks = NetworkConditions::calm().with_cut_chance(CERTAIN).with_cut_bytes_max(100);
/// assert_eq!(breaks.loss_chance, 0, "what is on its way arrives");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkConditions {
    /// Bytes that travel in one piece, at the most: what is written at once arrives in pieces, each with its own delay.
    pub piece_bytes_max: usize,
    /// How long a piece travels, at the least.
    pub delay_min: Duration,
    /// How long a piece travels, at the most, if nothing stalls.
    pub delay_max: Duration,
    /// The chance that one direction stalls at a piece: everything after it waits, too.
    pub stall_chance: u32,
    /// How long a stall lasts, at the most.
    pub stall_max: Duration,
    /// The chance that a new connection will break after some bytes.
    pub cut_chance: u32,
    /// How many bytes in one direction such a connection carries, at the most.
    pub cut_bytes_max: u64,
    /// The chance that a break loses bytes which were on their way.
    pub loss_chance: u32,
    /// The chance that an end which closes a connection resets it: bytes on their way to the other end are lost.
    pub reset_chance: u32,
    /// The chance, for each end, that it does not learn of a break: the connection is half open.
    pub half_open_chance: u32,
    /// After which time an end that learns of a break does so, at the most.
    pub notice_max: Duration,
    /// Bytes that each direction holds for a reader that does not read.
    pub buffer_bytes: usize,
}

setters! {
    NetworkConditions {
        with_piece_bytes_max(piece_bytes_max: usize),
        with_delay_min(delay_min: Duration),
        with_delay_max(delay_max: Duration),
        with_stall_chance(stall_chance: u32),
        with_stall_max(stall_max: Duration),
        with_cut_chance(cut_chance: u32),
        with_cut_bytes_max(cut_bytes_max: u64),
        with_loss_chance(loss_chance: u32),
        with_reset_chance(reset_chance: u32),
        with_half_open_chance(half_open_chance: u32),
        with_notice_max(notice_max: Duration),
        with_buffer_bytes(buffer_bytes: usize),
    }
}

impl NetworkConditions {
    /// Nothing goes wrong: bytes take a millisecond, and stay together.
    pub const fn calm() -> Self {
        Self {
            piece_bytes_max: usize::MAX,
            delay_min: Duration::from_millis(1),
            delay_max: Duration::from_millis(1),
            stall_chance: 0,
            stall_max: Duration::ZERO,
            cut_chance: 0,
            cut_bytes_max: 0,
            loss_chance: 0,
            reset_chance: 0,
            half_open_chance: 0,
            notice_max: Duration::from_millis(1),
            buffer_bytes: 64 << 10,
        }
    }

    /// Draws bad conditions, of another kind each time.
    pub fn draw(random: &mut Random) -> Self {
        let mut at_times = |millionths| if random.chance(CERTAIN / 2) { random.below(millionths) } else { 0 };
        let [stall, cut, loss, reset, half_open] = [20_000, 1_000_000, 1_000_000, 500_000, 500_000]
            .map(|most| u32::try_from(at_times(most)).unwrap_or(CERTAIN));
        Self {
            piece_bytes_max: random.pick(&[1, 4, 64, 1024, usize::MAX]),
            delay_min: Duration::from_micros(random.upto(5_000)),
            delay_max: Duration::from_micros(5_000 + random.upto(500_000)),
            stall_chance: stall,
            stall_max: Duration::from_secs(random.within(1..=40)),
            cut_chance: cut,
            cut_bytes_max: random.pick(&[100, 1_000, 10_000]),
            loss_chance: loss,
            reset_chance: reset,
            half_open_chance: half_open,
            notice_max: Duration::from_millis(random.upto(60_000)),
            buffer_bytes: random.pick(&[64, 700, 4_096, 64 << 10]),
        }
    }
}
