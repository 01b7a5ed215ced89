//! Registrations that wait for their decision, and how many they may be.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chatcore::{Admission, Denial, QuotaKey, Refusal, Registration};
use tokio::sync::Semaphore;
use tracing::error;

use super::config::AsyncConfig;
use super::hooks::Hooks;

/// When a client may ask again that was refused because too many of its origin wait.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Counts the undecided registrations.
#[derive(Debug)]
pub(super) struct Undecided {
    /// One for each that the hooks decide about.
    places: Semaphore,
    of_origin_max: usize,
    of_origins: Mutex<HashMap<QuotaKey, usize>>,
}

impl Undecided {
    pub(super) fn new(config: &AsyncConfig) -> Self {
        let places = Semaphore::new(config.undecided_max.min(Semaphore::MAX_PERMITS));
        Self { places, of_origin_max: config.undecided_of_origin_max, of_origins: Mutex::default() }
    }

    /// Asks the hooks when it is the registration's turn.
    pub(super) async fn ask<H: Hooks>(
        &self,
        hooks: &H,
        origin: QuotaKey,
        registration: &Registration,
    ) -> Result<Admission, Refusal> {
        let _counted = self.count(origin)?;
        let _place = self.places.acquire().await.expect("the semaphore is never closed");
        if registration.is_resumption() {
            hooks.decide_resume(registration).await.map(|()| Admission::NewUser)
        } else {
            hooks.decide(registration).await
        }
    }

    fn count(&self, origin: QuotaKey) -> Result<Counted<'_>, Refusal> {
        let mut of_origins = self.of_origins.lock().unwrap_or_else(PoisonError::into_inner);
        let count = of_origins.entry(origin).or_default();
        // Where there is nobody yet there is a place, so that no origin is left at zero.
        if *count >= self.of_origin_max {
            return Err(Refusal::RateLimited { wait: AGAIN_AFTER });
        }
        *count += 1;
        Ok(Counted { undecided: self, origin })
    }
}

/// A registration that is counted until this is dropped.
struct Counted<'a> {
    undecided: &'a Undecided,
    origin: QuotaKey,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let mut of_origins = self.undecided.of_origins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of_origins.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                of_origins.remove(&self.origin);
            }
        }
    }
}

/// Gives a registration that may be admitted the limits that the program has for its user.
pub(super) fn with_limits<H: Hooks>(
    hooks: &H,
    mut registration: Box<Registration>,
    mut decision: Result<Admission, Refusal>,
) -> (Box<Registration>, Result<Admission, Refusal>) {
    if decision.is_ok()
        && !registration.is_resumption()
        && let Some(limits) = hooks.limits(&registration)
    {
        match limits.check() {
            Ok(()) => *registration = registration.with_limits(limits).expect("they are checked"),
            Err(error) => {
                error!(name = %registration.name(), %error, "the hook gives limits that cannot be: the client is refused");
                decision = Err(Refusal::Custom(Denial::new("the server has no right limits for this user")));
            }
        }
    }
    (registration, decision)
}
