//! Whether the peer is still there: silence first asks, then ends.

use core::time::Duration;

use crate::time::Instant;

/// When something was last heard, and whether the silence since has been asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Liveness {
    heard: Instant,
    /// Until when something must be heard, because somebody waits for that; or one of the two that follow.
    answer_by: Instant,
}

/// The peer was not asked.
const NOT_PROBED: Instant = Instant::MAX;

/// The peer was asked, and nobody waits for its answer.
const PROBED: Instant = Instant::from_nanos(u64::MAX - 1);

/// What a silence calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Nothing yet.
    Short,
    /// A ping.
    Probe,
    /// The end, after the whole time.
    Dead,
    /// The end, because somebody waited for an answer.
    Unanswered,
}

impl Liveness {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { heard: now, answer_by: NOT_PROBED }
    }

    pub(crate) const fn touch(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// When something was last heard.
    pub(crate) const fn heard_at(&self) -> Instant {
        self.heard
    }

    /// When [`Liveness::check`] will say something else than [`Silence::Short`].
    pub(crate) fn due(&self, probe_after: Duration, dead_after: Duration) -> Instant {
        let due = self.heard + if self.is_probed() { dead_after } else { probe_after.min(dead_after) };
        due.min(self.answer_by)
    }

    /// Somebody wants to know whether the peer is there. True if the peer is to be sent a ping; false if somebody waits
    /// for the answer to one already.
    pub(crate) fn probe(&mut self, now: Instant, within: Duration) -> bool {
        let is_first = !self.is_awaited();
        if is_first {
            // What is not read cannot be heard: that time does not count.
            self.answer_by = self.heard.max(now) + within;
        }
        is_first
    }

    /// Somebody waits for an answer of the peer.
    pub(crate) fn is_awaited(&self) -> bool {
        self.answer_by < PROBED
    }

    /// The peer was asked, and has not answered.
    pub(crate) fn is_probed(&self) -> bool {
        self.answer_by != NOT_PROBED
    }

    /// When the peer will count as dead if nothing is heard from it.
    pub(crate) fn dead_at(&self, dead_after: Duration) -> Instant {
        (self.heard + dead_after).min(self.answer_by)
    }

    /// What the silence calls for now; a probe is called for once.
    pub(crate) fn check(&mut self, now: Instant, probe_after: Duration, dead_after: Duration) -> Silence {
        let silence = now - self.heard;
        if silence >= dead_after {
            Silence::Dead
        } else if self.answer_by <= now {
            Silence::Unanswered
        } else if silence >= probe_after && self.answer_by == NOT_PROBED {
            self.answer_by = PROBED;
            Silence::Probe
        } else {
            Silence::Short
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE_AFTER: Duration = Duration::from_secs(30);
    const DEAD_AFTER: Duration = Duration::from_secs(60);

    fn seconds(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_silent_peer_is_asked_once_and_is_dead_later() {
        let mut liveness = Liveness::new(seconds(0));
        assert_eq!(liveness.due(PROBE_AFTER, DEAD_AFTER), seconds(30));
        assert_eq!(liveness.check(seconds(29), PROBE_AFTER, DEAD_AFTER), Silence::Short);
        assert_eq!(liveness.check(seconds(30), PROBE_AFTER, DEAD_AFTER), Silence::Probe);
        assert_eq!(liveness.check(seconds(31), PROBE_AFTER, DEAD_AFTER), Silence::Short);
        assert_eq!(liveness.due(PROBE_AFTER, DEAD_AFTER), seconds(60));
        assert_eq!(liveness.check(seconds(60), PROBE_AFTER, DEAD_AFTER), Silence::Dead);
        liveness.touch(seconds(60));
        assert_eq!(liveness.due(PROBE_AFTER, DEAD_AFTER), seconds(90), "it is asked anew after a sign of life");
    }

    #[test]
    fn a_peer_that_somebody_waits_for_has_less_time_be_it_asked_before_or_not() {
        for asked_before in [false, true] {
            let mut liveness = Liveness::new(seconds(0));
            let now = if asked_before {
                assert_eq!(liveness.check(seconds(30), PROBE_AFTER, DEAD_AFTER), Silence::Probe);
                seconds(31)
            } else {
                seconds(28)
            };
            let dead_at = now + Duration::from_secs(5);
            assert!(liveness.probe(now, Duration::from_secs(5)), "it is asked");
            assert!(!liveness.probe(now, Duration::from_secs(5)), "the first one waits for the same answer");
            assert_eq!((liveness.dead_at(DEAD_AFTER), liveness.due(PROBE_AFTER, DEAD_AFTER)), (dead_at, dead_at));
            assert_eq!(
                liveness.check(now + PROBE_AFTER / 10, PROBE_AFTER, DEAD_AFTER),
                Silence::Short,
                "asked already"
            );
            assert_eq!(liveness.check(dead_at, PROBE_AFTER, DEAD_AFTER), Silence::Unanswered);
        }
    }
}
