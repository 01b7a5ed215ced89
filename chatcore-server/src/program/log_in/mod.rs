//! Who gets a name in the program: guests, users with a password, and users of this machine over a Unix socket.

mod attempts;
mod buckets;
mod command;
mod homes;
mod origin;
mod passwords;
mod recent;
#[cfg(test)]
mod tests;
mod unix_users;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use chatcore::{Admission, Denial, QuotaKey, Refusal, UserName};
use tracing::info;

use self::attempts::Attempts;
pub(crate) use self::command::PasswordCommand;
use self::origin::Origin;
pub(crate) use self::passwords::Passwords;
use crate::{Authenticator, ClientCertificate, LogIn, LogInRequest};

/// Who may have a name without a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Guests {
    /// Everybody, under each name that is nobody's. Reserved names are nobody's at all.
    #[default]
    Yes,
    /// The same, but a reserved name is for who has its password.
    ReservedOnly,
    /// Nobody.
    No,
}

/// What they are called.
pub(crate) const GUESTS: &[&str] = &["yes", "reserved-only", "no"];

impl Guests {
    pub(crate) fn new(text: &str) -> Option<Self> {
        let all = [Self::Yes, Self::ReservedOnly, Self::No];
        all.into_iter().find(|guests| guests.as_str() == text)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        GUESTS[self as usize]
    }
}

/// What decides, but for what has happened before.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) guests: Guests,
    pub(crate) passwords: Option<Arc<Passwords>>,
    /// Over a Unix socket, users of this machine have their own names, and no others.
    pub(crate) has_unix_users: bool,
    /// Clients have the names that their certificates say.
    pub(crate) has_certificate_users: bool,
    /// Wrong passwords from one origin before it waits.
    pub(crate) origin_failures_max: u32,
    /// Threads that hash passwords.
    pub(crate) threads: usize,
    /// What the names look like that nobody gets.
    pub(crate) reserved: HashSet<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            guests: Guests::default(),
            passwords: None,
            has_unix_users: false,
            has_certificate_users: false,
            origin_failures_max: 20,
            threads: 1,
            reserved: HashSet::new(),
        }
    }
}

/// Decides who gets a name. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    rules: RwLock<Arc<Rules>>,
    attempts: Mutex<Attempts>,
}

/// A client that asks for a name.
#[derive(Clone, Copy, Debug)]
struct Asker<'a> {
    name: &'a UserName,
    password: &'a [u8],
    origin: Origin,
    /// The site that the origin belongs to.
    site: Option<QuotaKey>,
    /// Many come from there.
    is_origin_shared: bool,
    /// Nobody else can read what it sends.
    is_private: bool,
    /// Its certificate says that the name is its own.
    is_certified: bool,
}

/// What decides about a client.
#[derive(Debug)]
enum Way {
    /// It is known at once.
    Decided(Result<Admission, Refusal>),
    /// Its password.
    Password,
    /// Whether the name is that of a user of this machine.
    Guest,
    /// Which user of this machine it is.
    UnixUser { uid: u32 },
}

impl Gate {
    /// The server's part of it.
    pub(crate) fn log_in(&self) -> LogIn {
        LogIn::new(self.clone()).with_guests_making_way(true)
    }

    /// Other rules from now on. What has happened before still counts.
    pub(crate) fn set_rules(&self, rules: Rules) {
        self.attempts().set_threads(rules.threads);
        *self.0.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.0.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        // Whoever panicked has counted a try, or not.
        self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide_at_once(&self, now: Instant, asker: Asker<'_>) -> Option<Result<Admission, Refusal>> {
        let rules = self.rules();
        match rules.way(asker) {
            Way::Decided(outcome) => Some(outcome),
            Way::Password => {
                let wait = self.attempts().wait(now, asker.name, asker.origin, rules.origin_burst(asker));
                (!wait.is_zero()).then_some(Err(Refusal::LockedOut { wait }))
            }
            Way::Guest | Way::UnixUser { .. } => None,
        }
    }

    /// May take its time.
    fn decide(&self, now: Instant, asker: Asker<'_>) -> Result<Admission, Refusal> {
        let rules = self.rules();
        match rules.way(asker) {
            Way::Decided(outcome) => outcome,
            Way::Password => {
                let passwords = rules.passwords.as_ref().expect("without passwords there is no such way");
                let begun = self.attempts().begin(now, asker.name, asker.origin, rules.origin_burst(asker));
                let begun = begun.map_err(|wait| Refusal::LockedOut { wait })?;
                if !passwords.verify(asker.name, asker.password) {
                    return Err(Refusal::Denied);
                }
                self.attempts().succeeded(begun, asker.site);
                Ok(Admission::AnotherSession)
            }
            Way::Guest => unix_users::guest(asker.name),
            Way::UnixUser { uid } => unix_users::own(uid, asker.name),
        }
    }
}

impl Rules {
    /// Bytes of memory for the decisions of all threads, at the most.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let Some(passwords) = &self.passwords else { return 0 };
        let hashes = (self.threads as u64).saturating_mul(passwords.hash_bytes_max());
        hashes.saturating_add(passwords.bytes()).saturating_add(attempts::bytes_max(self.threads))
    }

    /// A reserved name that its owner gets all the same.
    pub(crate) fn is_owned(&self, reserved: &UserName) -> bool {
        self.guests != Guests::Yes && self.passwords.as_ref().is_some_and(|passwords| passwords.has(reserved))
    }

    /// How many wrong passwords an origin may send at once for all names; none if one of its users would use them up
    /// for all.
    fn origin_burst(&self, asker: Asker<'_>) -> Option<u32> {
        (!asker.is_origin_shared).then_some(self.origin_failures_max)
    }

    fn way(&self, asker: Asker<'_>) -> Way {
        let refuse = |refusal| Way::Decided(Err(refusal));
        if self.has_unix_users
            && let Origin::Local { uid } = asker.origin
        {
            return match uid {
                Some(uid) => Way::UnixUser { uid },
                None => refuse(denial("the system does not tell whose program this is, so it can have no name")),
            };
        }
        if self.reserved.contains(&*asker.name.confusable_key()) {
            return refuse(Refusal::Reserved);
        }
        if self.has_certificate_users && asker.is_certified {
            return Way::Decided(Ok(Admission::AnotherSession));
        }
        match &self.passwords {
            // Whoever sends a password wants to log in, whether there is such a user or not.
            Some(_) if !asker.password.is_empty() && asker.is_private => return Way::Password,
            Some(_) if !asker.password.is_empty() => {
                return refuse(denial(
                    "a password must not be sent where others can read it: connect over TLS, or from the server's own \
                     machine; and change it",
                ));
            }
            Some(passwords) if self.guests == Guests::No || passwords.has(asker.name) => {
                return refuse(denial(if asker.is_private {
                    "the name needs a password"
                } else {
                    "the name needs a password, and that a connection over TLS, or from the server's own machine"
                }));
            }
            Some(passwords) if passwords.like(asker.name).is_some() => return refuse(Refusal::Confusable),
            None if self.guests == Guests::No && self.has_certificate_users => {
                return refuse(denial("the name needs a certificate whose subject it is"));
            }
            None if self.guests == Guests::No => {
                return refuse(denial("the server takes the users of its own machine alone, over its Unix socket"));
            }
            Some(_) | None => {}
        }
        if self.has_unix_users { Way::Guest } else { Way::Decided(Ok(Admission::NewUser)) }
    }
}

fn denial(reason: &str) -> Refusal {
    Refusal::Custom(Denial::new(reason))
}

impl Asker<'_> {
    fn of<'a>(request: &'a LogInRequest<'_>) -> Asker<'a> {
        let registration = request.registration;
        let origin = match request.address {
            Some(_) => Origin::Network(request.origin),
            None => Origin::Local { uid: request.uid },
        };
        let (name, password) = (registration.name(), registration.credential());
        let subject = request.client_certificate.and_then(ClientCertificate::subject);
        let is_certified =
            subject.and_then(|subject| UserName::new(&subject).ok()).is_some_and(|subject| subject == *name);
        // Users of this machine are told apart, over a Unix socket.
        let is_origin_shared = request.is_origin_shared && request.address.is_some();
        Asker {
            name,
            password,
            origin,
            site: request.site,
            is_origin_shared,
            is_private: request.is_private(),
            is_certified,
        }
    }

    /// Tells who was refused that wanted to log in. That guests do not get a name is no news.
    fn log(&self, refusal: &Refusal) {
        let (name, origin) = (self.name, self.origin);
        match refusal {
            Refusal::Denied => info!(%origin, %name, reason = "the name or the password is wrong", "log-in refused"),
            refusal => info!(%origin, %name, reason = %refusal, "log-in refused"),
        }
    }
}

impl Authenticator for Gate {
    fn authenticate_at_once(&self, request: &LogInRequest<'_>) -> Option<Result<Admission, Refusal>> {
        let asker = Asker::of(request);
        let outcome = self.decide_at_once(Instant::now(), asker);
        if let Some(Err(refusal)) = &outcome
            && !asker.password.is_empty()
        {
            asker.log(refusal);
        }
        outcome
    }

    fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal> {
        let asker = Asker::of(request);
        self.decide(Instant::now(), asker).inspect_err(|refusal| asker.log(refusal))
    }
}
