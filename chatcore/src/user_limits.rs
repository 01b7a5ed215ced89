//! Limits that one user has in place of the hub's.

use crate::limits::{Limits, PER_USER_MAX, SESSIONS_OF_USER_MAX};
use crate::limits_error::LimitsError;
use crate::rate::Rate;
use crate::wire::Announced;

/// Limits of one user's own, in place of those of the hub ([`Limits`]): more for an administrator or a bot, or less.
/// What is none is the hub's limit. [`Registration::with_limits`](crate::Registration::with_limits) gives them to a
/// user who comes, and [`Hub::set_user_limits`](crate::Hub::set_user_limits) to one who is there.
///
/// The limits for all users together hold all the same: a user may be in many rooms, but not in more than the hub's
/// [`memberships_max`](Limits::memberships_max) lets in, and its rate is bounded by the
/// [`origin_rate`](Limits::origin_rate) of where it comes from. One call of a hub does as much as the largest of these
/// limits makes it do: a user in 4 000 rooms leaves all of them in one step.
///
/// With the feature `serde`, a limit that is missing is none, and limits that cannot be are an error.
///
/// ```
/// use chatcore::{LimitsError, Rate, UserLimits};
///
/// let bot = UserLimits::default().with_session_rate(Rate::UNLIMITED).with_watches_max(4_000);
/// assert_eq!(bot.check(), Ok(()));
///
/// let nobody = UserLimits::default().with_sessions_of_user_max(0);
/// assert_eq!(nobody.check(), Err(LimitsError::Zero { name: "sessions_of_user_max" }));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserLimits {
    /// In place of [`Limits::session_rate`], for each session of the user. [`Rate::UNLIMITED`] bounds nothing.
    pub session_rate: Option<Rate>,
    /// In place of [`Limits::rooms_of_user_max`]; at most 4 096.
    pub rooms_of_user_max: Option<u32>,
    /// In place of [`Limits::watches_max`]; at most 4 096.
    pub watches_max: Option<u32>,
    /// In place of [`Limits::sessions_of_user_max`]; 1 to 64.
    pub sessions_of_user_max: Option<u32>,
}

impl UserLimits {
    /// The same with this rate for each session.
    #[must_use]
    pub const fn with_session_rate(mut self, session_rate: Rate) -> Self {
        self.session_rate = Some(session_rate);
        self
    }

    /// The same with this many rooms at a time.
    #[must_use]
    pub const fn with_rooms_of_user_max(mut self, rooms_of_user_max: u32) -> Self {
        self.rooms_of_user_max = Some(rooms_of_user_max);
        self
    }

    /// The same with this many names that it watches at a time.
    #[must_use]
    pub const fn with_watches_max(mut self, watches_max: u32) -> Self {
        self.watches_max = Some(watches_max);
        self
    }

    /// The same with this many sessions at a time.
    #[must_use]
    pub const fn with_sessions_of_user_max(mut self, sessions_of_user_max: u32) -> Self {
        self.sessions_of_user_max = Some(sessions_of_user_max);
        self
    }

    /// Checks whether the limits can be. What takes them checks them, too.
    ///
    /// # Errors
    ///
    /// The first limit that is out of its range, with its number.
    pub fn check(&self) -> Result<(), LimitsError> {
        let Self { session_rate, rooms_of_user_max, watches_max, sessions_of_user_max } = *self;
        if session_rate.is_some_and(|rate| rate.per_s > 0 && rate.burst == 0) {
            return Err(LimitsError::NoBurst { name: "session_rate" });
        }
        if sessions_of_user_max == Some(0) {
            return Err(LimitsError::Zero { name: "sessions_of_user_max" });
        }
        for (name, given, max) in [
            ("rooms_of_user_max", rooms_of_user_max, PER_USER_MAX),
            ("watches_max", watches_max, PER_USER_MAX),
            ("sessions_of_user_max", sessions_of_user_max, SESSIONS_OF_USER_MAX),
        ] {
            Limits::check_per_user((name, given.unwrap_or_default(), max))?;
        }
        Ok(())
    }

    /// What a welcome says of them.
    pub(crate) fn announce_in(&self, announced: &mut Announced) {
        if let Some(rate) = self.session_rate {
            (announced.cost_per_s, announced.cost_burst) = (rate.per_s, rate.burst);
        }
        announced.rooms_max = self.rooms_of_user_max.unwrap_or(announced.rooms_max);
        announced.watches_max = self.watches_max.unwrap_or(announced.watches_max);
    }
}

#[cfg(feature = "serde")]
crate::form::form! {
    UserLimits {
        session_rate: Option<Rate>,
        rooms_of_user_max: Option<u32>,
        watches_max: Option<u32>,
        sessions_of_user_max: Option<u32>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn limits_that_cannot_be_are_named() {
        let default = UserLimits::default;
        assert_eq!(default().check(), Ok(()));
        let stuck = default().with_session_rate(Rate { per_s: 1, burst: 0 });
        assert_eq!(stuck.check(), Err(LimitsError::NoBurst { name: "session_rate" }));
        let nowhere = default().with_sessions_of_user_max(0);
        assert_eq!(nowhere.check().unwrap_err().to_string(), "sessions_of_user_max is 0: it must be at least 1");
        for (name, limits) in [
            ("rooms_of_user_max", default().with_rooms_of_user_max(4_097)),
            ("watches_max", default().with_watches_max(4_097)),
        ] {
            assert_eq!(limits.check(), Err(LimitsError::PerUser { name, given: 4_097, max: 4_096 }));
            assert_eq!(limits.check().unwrap_err().to_string(), format!("{name} is 4097: it must be at most 4096"));
        }
        let many = LimitsError::PerUser { name: "sessions_of_user_max", given: 65, max: 64 };
        assert_eq!(default().with_sessions_of_user_max(65).check(), Err(many));
        assert_eq!(Limits::default().with_sessions_of_user_max(65).check(), Err(many), "nor may all have so many");
        assert_eq!(Limits::default().with_sessions_of_user_max(64).check(), Ok(()));
        let least = default().with_rooms_of_user_max(0).with_watches_max(0).with_session_rate(Rate::UNLIMITED);
        assert_eq!(least.check(), Ok(()), "who may join no room and watch nobody");
    }
}
