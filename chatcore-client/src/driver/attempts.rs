//! Attempts to connect to several addresses of a host: one begins after the other, and the first that stands wins (RFC
//! 8305, 5).

use std::collections::VecDeque;
use std::io;

use chatcore::Instant;
#[cfg(feature = "websocket")]
use chatcore::websocket::AnswerError;

use super::link::{Link, Progress, Registration};
use crate::addresses::ATTEMPT_DELAY;
use crate::endpoint::Target;
#[cfg(feature = "tls")]
use crate::tls::TlsFault;

/// The attempts that are under way, and those that may follow.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    waiting: VecDeque<Target>,
    under_way: Vec<Link>,
    /// When the next one begins, if none fails before.
    next_at: Instant,
    failed: Option<Failed>,
}

/// An attempt that came to nothing.
#[derive(Debug)]
pub(super) struct Failed {
    /// Where it led.
    pub(super) address: String,
    pub(super) error: io::Error,
}

/// What has become of the attempts.
#[derive(Debug)]
pub(super) enum Outcome {
    Waits,
    /// A connection stands. This many bytes of the protocol came with the last of what it needed, and are in the
    /// buffer.
    Stands(Box<Link>, usize),
    /// None can be made: of the errors the one that tells most.
    Failed(Failed),
}

impl Attempts {
    /// Attempts to reach these, in this order.
    pub(super) fn to(targets: impl IntoIterator<Item = Target>) -> Self {
        Self { waiting: targets.into_iter().collect(), ..Self::default() }
    }

    /// One that has begun already.
    pub(super) fn begun(link: Link, now: Instant) -> Self {
        Self { under_way: vec![link], next_at: now + ATTEMPT_DELAY, ..Self::default() }
    }

    /// Further ones, after those that wait.
    pub(super) fn extend(&mut self, targets: impl IntoIterator<Item = Target>) {
        self.waiting.extend(targets);
    }

    /// The one that began last; none if none is under way.
    pub(super) fn latest(&self) -> Option<&Link> {
        self.under_way.last()
    }

    /// Those that are under way.
    pub(super) fn links_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        self.under_way.iter_mut()
    }

    /// When [`advance`](Self::advance) begins another one; none if none waits.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.next_at)
    }

    /// Goes on with all of them, as far as that goes without waiting.
    pub(super) fn advance(&mut self, now: Instant, registration: Option<&Registration>, buffer: &mut [u8]) -> Outcome {
        if let Some((link, count)) = self.advance_begun(now, buffer) {
            return Outcome::Stands(Box::new(link), count);
        }
        while self.next_at <= now
            && let Some(target) = self.waiting.pop_front()
        {
            let address = target.address.to_string();
            match Link::begin(target, registration) {
                Ok(link) => {
                    self.under_way.push(link);
                    self.next_at = now + ATTEMPT_DELAY;
                }
                Err(error) => self.fail(Failed { address, error }),
            }
        }
        match self.failed.take_if(|_| self.under_way.is_empty() && self.waiting.is_empty()) {
            Some(failed) => Outcome::Failed(failed),
            None => Outcome::Waits,
        }
    }

    /// The first that stands.
    fn advance_begun(&mut self, now: Instant, buffer: &mut [u8]) -> Option<(Link, usize)> {
        let mut index = 0;
        while let Some(link) = self.under_way.get_mut(index) {
            match link.advance(buffer) {
                Ok(Progress::Waits) => index += 1,
                Ok(Progress::Stands(count)) => return Some((self.under_way.remove(index), count)),
                Err(error) => {
                    let link = self.under_way.remove(index);
                    self.fail(Failed { address: link.target.address.to_string(), error });
                    // The next one need not wait for it any more.
                    self.next_at = now;
                }
            }
        }
        None
    }

    fn fail(&mut self, failed: Failed) {
        if self.failed.as_ref().is_none_or(|earlier| !is_telling(&earlier.error)) {
            self.failed = Some(failed);
        }
    }
}

/// An error that is not of the system says that somebody is there.
fn is_telling(error: &io::Error) -> bool {
    #[cfg(feature = "tls")]
    if TlsFault::of(error).is_some() {
        return true;
    }
    #[cfg(feature = "websocket")]
    if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<AnswerError>) {
        return true;
    }
    let _ = error;
    false
}
