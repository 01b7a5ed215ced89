//! What of a hub can change while it runs.

use core::time::Duration;

use super::parts::Hub;
use crate::limits::Limits;
use crate::limits_error::LimitsError;
use crate::name::UserName;
use crate::time::Instant;

impl Hub {
    /// Gives the hub other limits while it runs. They hold for what comes from now on: nobody is ended because there
    /// are more users, rooms or members than a lower limit allows, and a connection in its handshake keeps the times
    /// that it began with. Those limits that sessions rely on, or that are spread over all sessions, cannot change:
    /// [`Limits::check_change`] names them. The call takes time in proportion to the origins if
    /// [`origin_rate`](Limits::origin_rate) changes, and otherwise none.
    ///
    /// ```
    /// use chatcore::{Hub, Instant, Limits, LimitsError};
    ///
    /// let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// let fewer = Limits::default().with_sessions_max(500);
    /// assert_eq!(hub.set_limits(Instant::ZERO, fewer.clone()), Ok(()));
    /// assert_eq!(hub.limits(), &fewer);
    /// let longer = fewer.with_body_bytes_max(100);
    /// assert_eq!(hub.set_limits(Instant::ZERO, longer), Err(LimitsError::Fixed { name: "body_bytes_max" }));
    /// ```
    ///
    /// # Errors
    ///
    /// If the limits do not fit together, or one differs that cannot change. Then all limits stay as they are.
    pub fn set_limits(&mut self, now: Instant, limits: Limits) -> Result<(), LimitsError> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        sessions.limits.check_change(&limits)?;
        sessions.set_limits(limits);
        Ok(())
    }

    /// Says how many times the limits of an origin hold for each site, in place of what
    /// [`Registration::with_site`](crate::Registration::with_site) has said before. What the next registration or
    /// charge from a site says holds for that: a driver that says a factor says the new one from then on. 0 counts as
    /// 1. The call takes time in proportion to the sites.
    pub fn set_site_factor(&mut self, now: Instant, factor: u32) {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        sessions.origins.set_factors(factor.max(1), &sessions.origin_pace);
    }

    /// Sets the Unix time of [`Instant::ZERO`](crate::Instant::ZERO) anew, as
    /// [`with_unix_epoch`](Self::with_unix_epoch) does for a hub that begins: the wall clock was set, or the machine
    /// slept while the clock of the driver stood still. The ids of the messages that come from now on hold the new
    /// time. If it is earlier than before, they keep the latest time that an id has held, and rise, until the clock has
    /// caught up.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use chatcore::{Hub, Instant, Limits};
    ///
    /// let mut hub = Hub::new(Limits::default(), [7; 32]).with_unix_epoch(Duration::from_secs(1_800_000_000));
    /// // An hour after its start, the wall clock is put forward by a minute.
    /// let now = Instant::from_millis(3_600_000);
    /// hub.set_unix_epoch(now, Duration::from_secs(1_800_000_060));
    /// ```
    pub fn set_unix_epoch(&mut self, now: Instant, unix_epoch: Duration) {
        self.clock(now);
        self.unix_epoch_ms = u64::try_from(unix_epoch.as_millis()).unwrap_or(u64::MAX);
        self.delivery.lowest_id = self.lowest_id();
    }

    /// Reserves these names from now on, and no others: as [`with_reserved`](Self::with_reserved), while the hub runs.
    /// Who has such a name already keeps it; [`kick`](Self::kick) ends its sessions.
    pub fn set_reserved(&mut self, names: impl IntoIterator<Item = UserName>) {
        self.reserved = names.into_iter().map(|name| name.confusable_key().into_owned()).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::QuotaKey;
    use crate::rate::Rate;

    #[test]
    fn an_origin_pays_off_no_more_than_a_burst_of_its_new_rate() {
        let origin = QuotaKey(7);
        let slow = Limits::default().with_origin_rate(Rate { per_s: 1, burst: 100_000 });
        let mut hub = Hub::new(slow.clone(), [7; 32]);
        let now = Instant::from_millis(1);
        assert_eq!(hub.charge_origin(now, origin, 200_000).map(|until| until > now), Some(true));

        let quick = slow.with_origin_rate(Rate { per_s: 1_000, burst: 1_000 });
        assert_eq!(hub.set_limits(now, quick), Ok(()));
        assert_eq!(hub.charge_origin(now, origin, 0), None, "the bucket is empty, and not below");
        let until = hub.charge_origin(now, origin, 500).expect("it is empty");
        assert_eq!(until.saturating_since(now), core::time::Duration::from_millis(500));
    }

    #[test]
    fn limits_that_do_not_fit_or_cannot_change_leave_all_as_they_are() {
        let mut hub = Hub::new(Limits::default(), [7; 32]);
        let before = hub.limits().clone();
        let wrong = before.clone().with_rooms_max(0).with_sessions_max(5);
        assert_eq!(hub.set_limits(Instant::ZERO, wrong), Err(LimitsError::Zero { name: "rooms_max" }));
        let fixed = before.clone().with_idle_time_max(core::time::Duration::from_secs(1)).with_sessions_max(5);
        assert_eq!(hub.set_limits(Instant::ZERO, fixed), Err(LimitsError::Fixed { name: "idle_time_max" }));
        assert_eq!(hub.limits(), &before);
    }
}
