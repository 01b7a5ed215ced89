//! Who has little to say, and who has much.

use std::time::Duration;

use chatcore::Instant;

/// What a connection may cost all the time, and has little to say: a unit, as the hub counts them, in so long.
const LIGHT_UNIT_TIME: Duration = Duration::from_micros(500);

/// What it may cost at once beyond that.
const LIGHT_COST_MAX: u32 = 512;

/// What is remembered, at the most: who stops costing much is light again after two seconds.
const REMEMBERED_COST_MAX: u32 = 8 * LIGHT_COST_MAX;

/// How much a connection has to say, from what it has cost lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Little: it is served first.
    Light,
    /// Much, or it has no session: nobody knows what comes of it.
    Heavy,
}

/// What a connection has cost lately, as the time at which that is made up for if it costs nothing more: a token
/// bucket, which is slower than the hub's and takes nothing away.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    made_up_at: Instant,
}

impl Usage {
    pub(crate) fn add(&mut self, now: Instant, cost: u32) {
        let latest = now + LIGHT_UNIT_TIME * REMEMBERED_COST_MAX;
        self.made_up_at = latest.min(self.made_up_at.max(now) + LIGHT_UNIT_TIME * cost);
    }

    pub(crate) fn load(self, now: Instant) -> Load {
        if self.made_up_at - now <= LIGHT_UNIT_TIME * LIGHT_COST_MAX { Load::Light } else { Load::Heavy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_costs_much_is_heavy_until_that_is_made_up_for() {
        let (start, mut usage) = (Instant::from_millis(1), Usage::default());
        usage.add(start, LIGHT_COST_MAX);
        assert_eq!(usage.load(start), Load::Light);
        usage.add(start, 5);
        assert_eq!(usage.load(start), Load::Heavy);
        assert_eq!(usage.load(start + LIGHT_UNIT_TIME * 4), Load::Heavy);
        assert_eq!(usage.load(start + LIGHT_UNIT_TIME * 5), Load::Light);
        usage.add(start, 1_000_000);
        assert_eq!(usage.load(start + Duration::from_secs(2)), Load::Light, "what is long ago is forgotten");
        // A message of 64 KiB, or to a room of 100, twenty times a second.
        let (mut now, mut usage) = (start, Usage::default());
        for _ in 0..100 {
            usage.add(now, 100);
            assert_eq!(usage.load(now), Load::Light);
            now = now + Duration::from_millis(50);
        }
    }
}
