//! What is bounded in number.

use core::ops::{AddAssign, SubAssign};

/// A site may have at most so many of four, if that is more than one origin may have.
const SITE_SHARE_OF_FOUR: u64 = 3;

/// What is bounded in number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::hub) struct Numbers {
    pub(in crate::hub) sessions: u32,
    /// Rooms that it has opened.
    pub(in crate::hub) rooms: u32,
    pub(in crate::hub) detached: u32,
    pub(in crate::hub) memberships: u32,
    pub(in crate::hub) watches: u32,
    /// Requests that wait for answers of the program.
    pub(in crate::hub) waiting: u32,
}

impl AddAssign for Numbers {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.rooms += other.rooms;
        self.detached += other.detached;
        self.memberships += other.memberships;
        self.watches += other.watches;
        self.waiting += other.waiting;
    }
}

impl SubAssign for Numbers {
    fn sub_assign(&mut self, other: Self) {
        self.sessions -= other.sessions;
        self.rooms -= other.rooms;
        self.detached -= other.detached;
        self.memberships -= other.memberships;
        self.watches -= other.watches;
        self.waiting -= other.waiting;
    }
}

/// How many of something there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub(super) of_origin: u32,
    pub(super) of_all: u32,
}

impl Bound {
    fn site_max(self, factor: u32) -> u32 {
        let most = u32::try_from(u64::from(self.of_all) * SITE_SHARE_OF_FOUR / 4).unwrap_or(u32::MAX);
        self.of_origin.saturating_mul(factor).min(most.max(self.of_origin))
    }

    /// Whether there may be so many more beside those that there are. If not, how many there may be.
    pub(super) fn check(self, more: u32, of_origin: u32, of_site: Option<(u32, u32)>) -> Result<(), u32> {
        let site = of_site.map(|(number, factor)| (number, self.site_max(factor)));
        let mut both = [Some((of_origin, self.of_origin)), site].into_iter().flatten();
        both.find(|(number, max)| number.saturating_add(more) > *max).map_or(Ok(()), |(_, max)| Err(max))
    }
}
