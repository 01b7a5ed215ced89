//! Threads that decide about registrations, and how the event loop gets what they decide.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use chatcore::{Admission, Refusal, Registration};
use tracing::error;

use super::{Authenticator, LogIn, LogInRequest};
#[cfg(feature = "tls")]
use crate::client_certificate::ClientCertificate;
use crate::counts::Place;
use crate::peer::Peer;
use crate::turn_queue::TurnQueue;

/// When to come again if too many wait.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// A registration about which something is to be decided.
#[derive(Debug)]
pub(super) struct Job {
    asker: Weak<()>,
    key: usize,
    registration: Registration,
    facts: Facts,
}

/// What is known of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) peer: Peer,
    pub(crate) place: Place,
    pub(crate) is_proxied: bool,
    pub(crate) is_encrypted: bool,
    #[cfg(feature = "tls")]
    pub(crate) certificate: Option<ClientCertificate>,
}

impl Facts {
    fn request<'a>(&'a self, registration: &'a Registration) -> LogInRequest<'a> {
        LogInRequest {
            registration,
            address: self.peer.address(),
            origin: self.place.origin,
            site: self.place.site,
            is_origin_shared: self.place.is_shared,
            is_proxied: self.is_proxied,
            is_encrypted: self.is_encrypted,
            uid: self.peer.uid(),
            #[cfg(feature = "tls")]
            client_certificate: self.certificate.as_ref(),
        }
    }
}

/// What was decided about a registration.
#[derive(Debug)]
pub(crate) struct Decision {
    asker: Weak<()>,
    /// The connection that asked. Another one may have the same key by now.
    pub(crate) key: usize,
    pub(crate) registration: Registration,
    pub(crate) outcome: Result<Admission, Refusal>,
}

impl Decision {
    /// The decision is what this one waits for.
    pub(crate) fn is_for(&self, undecided: &Undecided) -> bool {
        Weak::ptr_eq(&self.asker, &Arc::downgrade(&undecided.0))
    }
}

/// What a connection holds while it waits for a decision. When it is dropped, there need be none.
#[derive(Debug)]
pub(crate) struct Undecided(Arc<()>);

/// The threads end with it, each after the decision at which it is.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    decisions: Receiver<Decision>,
    /// For what is decided without a thread.
    sender: Sender<Decision>,
    wake: Box<dyn Fn() + Send>,
    authenticator: Arc<dyn Authenticator>,
    waiting_of_origin_max: usize,
    pub(crate) do_guests_make_way: bool,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to decide, or no more will be.
    news: Condvar,
}

struct Waiting {
    queue: TurnQueue<Job>,
    is_over: bool,
}

impl Pool {
    /// `wake` is called after each decision.
    pub(crate) fn start(log_in: &LogIn, wake: impl Fn() + Clone + Send + 'static) -> io::Result<Self> {
        let queue = TurnQueue::new(log_in.waiting_max);
        let waiting = Mutex::new(Waiting { queue, is_over: false });
        let shared = Arc::new(Shared { waiting, news: Condvar::new() });
        let (sender, decisions) = mpsc::channel();
        // From now on the threads that were started end if another one cannot be.
        let authenticator = Arc::clone(&log_in.authenticator);
        let &LogIn { waiting_of_origin_max, do_guests_make_way, .. } = log_in;
        let (own_sender, own_wake) = (sender.clone(), Box::new(wake.clone()));
        let pool = Self {
            shared,
            decisions,
            sender: own_sender,
            wake: own_wake,
            authenticator,
            waiting_of_origin_max,
            do_guests_make_way,
        };
        for number in 0..log_in.threads {
            let (shared, sender, wake) = (Arc::clone(&pool.shared), sender.clone(), wake.clone());
            let authenticator = Arc::clone(&log_in.authenticator);
            thread::Builder::new()
                .name(format!("log-in {number}"))
                .spawn(move || shared.decide_all(&*authenticator, &sender, &wake))?;
        }
        Ok(pool)
    }

    /// Decides about the registration of a connection if that takes no time.
    pub(crate) fn decide_at_once(
        &self,
        registration: &Registration,
        facts: &Facts,
    ) -> Option<Result<Admission, Refusal>> {
        let request = facts.request(registration);
        catch(registration, || self.authenticator.authenticate_at_once(&request)).unwrap_or(Some(Err(Refusal::Denied)))
    }

    /// Asks about the registration of a connection. Gives the refusal if too many wait. If others of some site are too
    /// many, one of them is refused in its place.
    pub(crate) fn ask(
        &self,
        key: usize,
        place: Place,
        registration: Registration,
        facts: Facts,
    ) -> Result<Undecided, Refusal> {
        let undecided = Undecided(Arc::new(()));
        let asker = Arc::downgrade(&undecided.0);
        let of_origin_max = if facts.place.is_shared { usize::MAX } else { self.waiting_of_origin_max };
        let job = Job { asker, key, registration, facts };
        let refusal = Refusal::RateLimited { wait: AGAIN_AFTER };
        let pushed = self.shared.lock().queue.push(place, of_origin_max, job);
        let Ok(displaced) = pushed else { return Err(refusal) };
        if let Some(Job { asker, key, registration, .. }) = displaced {
            // The other end is ours.
            let _ = self.sender.send(Decision { asker, key, registration, outcome: Err(refusal) });
            (self.wake)();
        }
        self.shared.news.notify_one();
        Ok(undecided)
    }

    /// The next decision that was made.
    pub(crate) fn poll_decision(&self) -> Option<Decision> {
        self.decisions.try_recv().ok()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be decided next. None if nothing ever will be.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if waiting.is_over {
                return None;
            }
            if let Some(job) = waiting.queue.pop() {
                // Nobody waits for a decision about a connection that is gone.
                if job.asker.strong_count() > 0 {
                    return Some(job);
                }
                continue;
            }
            waiting = self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn decide_all(&self, authenticator: &dyn Authenticator, decisions: &Sender<Decision>, wake: &impl Fn()) {
        while let Some(Job { asker, key, registration, facts }) = self.next() {
            let request = facts.request(&registration);
            let outcome = catch(&registration, || authenticator.authenticate(&request)).unwrap_or(Err(Refusal::Denied));
            if decisions.send(Decision { asker, key, registration, outcome }).is_err() {
                return;
            }
            wake();
        }
    }
}

/// Calls an authenticator: one client's fault must not take the thread from the others. None if it panics.
fn catch<T>(registration: &Registration, call: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(call));
    if outcome.is_err() {
        error!(name = %registration.name(), "deciding about a client panicked: it is refused");
    }
    outcome.ok()
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.news.notify_all();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
