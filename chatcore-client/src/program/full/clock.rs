//! The time of messages, as people at this place tell it.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The rules of a place about its time.
pub(crate) struct Clock {
    zone: TimeZone,
}

impl Clock {
    /// The rules of the machine (`TZ`, or `/etc/localtime`), or UTC if it tells none.
    pub(crate) fn of_machine() -> Self {
        Self { zone: TimeZone::try_system().unwrap_or(TimeZone::UTC) }
    }

    pub(crate) const fn utc() -> Self {
        Self { zone: TimeZone::UTC }
    }

    fn at(&self, time_ms: u64) -> Option<DateTime> {
        let time = Timestamp::from_millisecond(i64::try_from(time_ms).ok()?).ok()?;
        Some(self.zone.to_datetime(time))
    }

    /// Hours and minutes, in five columns.
    pub(crate) fn minute(&self, time_ms: u64) -> String {
        match self.at(time_ms) {
            Some(time) => format!("{:02}:{:02}", time.hour(), time.minute()),
            // Later than any calendar.
            None => "--:--".to_owned(),
        }
    }

    /// The day on which it was.
    pub(crate) fn day(&self, time_ms: u64) -> Option<Date> {
        self.at(time_ms).map(DateTime::date)
    }

    /// The day in words. That the time is nobody's own is said with it.
    pub(crate) fn day_in_words(&self, time_ms: u64) -> String {
        let Some(time) = self.at(time_ms) else { return "a day beyond the calendar".to_owned() };
        let zone = if self.zone == TimeZone::UTC { " (UTC)" } else { "" };
        format!("{}{zone}", time.strftime("%A, %-d %B %Y"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME_MS: u64 = 1_796_000_000_000;

    #[test]
    fn a_time_is_told_as_it_is_at_the_place() {
        let place = |zone: TimeZone| Clock { zone };
        let india = place(TimeZone::posix("IST-5:30").unwrap());
        assert_eq!(Clock::utc().minute(TIME_MS), "00:53");
        assert_eq!(india.minute(TIME_MS), "06:23");
        let west = place(TimeZone::posix("EST5").unwrap());
        assert_eq!(west.minute(TIME_MS), "19:53");
        assert_ne!(west.day(TIME_MS), india.day(TIME_MS));
        assert_eq!(west.day_in_words(TIME_MS), "Sunday, 29 November 2026");
    }

    #[test]
    fn utc_is_said_to_be_that() {
        assert_eq!(Clock::utc().day_in_words(TIME_MS), "Monday, 30 November 2026 (UTC)");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_no_fault() {
        assert_eq!(Clock::utc().minute(u64::MAX), "--:--");
        assert_eq!(Clock::utc().day(u64::MAX), None);
        assert_eq!(Clock::utc().day_in_words(u64::MAX), "a day beyond the calendar");
    }
}
