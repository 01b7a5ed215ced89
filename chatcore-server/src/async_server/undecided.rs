//! Registrations that wait for their decision.

use chatcore::{Admission, Denial, Refusal, Registration};
use tracing::error;

use super::config::AsyncConfig;
use super::hooks::Hooks;
use super::line::Line;
use super::origin::Origin;

/// Bounds the undecided registrations. Who resumes a session does not wait behind those who ask for names: a session
/// whose connection broke is over soon.
#[derive(Debug)]
pub(super) struct Undecided {
    names: Line,
    resumes: Line,
}

impl Undecided {
    pub(super) fn new(config: &AsyncConfig) -> Self {
        Self { names: Line::of_names(config), resumes: Line::of_resumes(config) }
    }

    /// Asks the hooks when it is the registration's turn.
    pub(super) async fn ask<H: Hooks>(
        &self,
        hooks: &H,
        origin: Origin,
        registration: &Registration,
    ) -> Result<Admission, Refusal> {
        if registration.is_resumption() {
            let _turn = self.resumes.enter(origin).await?;
            hooks.decide_resume(registration).await.map(|()| Admission::NewUser)
        } else {
            let _turn = self.names.enter(origin).await?;
            hooks.decide(registration).await
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
