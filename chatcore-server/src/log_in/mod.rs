//! Who gets a name: decided beside the event loop, on threads that may take their time.

mod pool;
mod queue;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use chatcore::{Admission, Refusal, Registration};

pub(crate) use self::pool::{Decision, Pool, Undecided};

/// Decides which clients get the names that they ask for. The server calls it on threads of its own, so a call may take its
/// time and block: a hash of a password, a question to a directory.
///
/// ```
/// use chatcore_server::chatcore::{Admission, Refusal};
/// use chatcore_server::{Authenticator, Config, LogIn, LogInRequest};
///
/// struct Members;
///
/// impl Authenticator for Members {
///     fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal> {
///         let is_member = request.registration.credential() == b"the club's word";
///         if is_member { Ok(Admission::NewUser) } else { Err(Refusal::Denied) }
///     }
/// }
///
/// let config = Config::default().with_log_in(Some(LogIn::new(Members)));
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Decides about a client that asks for a name. If the answer is yes, the hub admits the client, or still refuses it;
    /// the [`Admission`] says what the hub does if somebody has the name already. After a refusal the client may ask again.
    ///
    /// Clients that resume a session are not asked about: they prove their right with the session's token. A client waits
    /// for [`Limits::decision_time_max`](chatcore::Limits::decision_time_max) at the most, and then gets a goodbye. If the
    /// call panics, the client is refused as denied.
    ///
    /// # Errors
    ///
    /// Why the client does not get the name.
    fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal>;
}

/// What is known of a client that asks for a name.
#[derive(Debug)]
#[non_exhaustive]
pub struct LogInRequest<'a> {
    /// The name and the credential.
    pub registration: &'a Registration,
    /// The address that the client comes from; none over a Unix socket.
    pub address: Option<IpAddr>,
    /// The connection is encrypted.
    pub is_encrypted: bool,
}

impl LogInRequest<'_> {
    /// Nobody else can read what the client sends: its connection is encrypted, or does not leave this machine.
    pub fn is_private(&self) -> bool {
        self.is_encrypted || self.address.is_none_or(|address| address.to_canonical().is_loopback())
    }
}

/// How a server finds out who its users are: an [`Authenticator`], and the limits of its work.
#[derive(Clone)]
pub struct LogIn {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) threads: usize,
    pub(crate) waiting_max: usize,
    pub(crate) waiting_of_origin_max: usize,
}

impl LogIn {
    /// Asks this authenticator, on one thread.
    pub fn new(authenticator: impl Authenticator) -> Self {
        Self { authenticator: Arc::new(authenticator), threads: 1, waiting_max: 1024, waiting_of_origin_max: 32 }
    }

    /// Decides about this many clients at a time; at least 1. Default 1.
    #[must_use]
    pub const fn with_threads(mut self, threads: usize) -> Self {
        self.threads = if threads == 0 { 1 } else { threads };
        self
    }

    /// Lets this many clients wait for a decision. Others are refused with
    /// [`rate_limited`](chatcore::RefusalCode::RateLimited), and may come again. Default 1024.
    #[must_use]
    pub const fn with_waiting_max(mut self, waiting_max: usize) -> Self {
        self.waiting_max = waiting_max;
        self
    }

    /// Lets this many clients of one origin wait. The threads take origins in turn, so that a flood from one holds up no
    /// other. Default 32.
    #[must_use]
    pub const fn with_waiting_of_origin_max(mut self, waiting_of_origin_max: usize) -> Self {
        self.waiting_of_origin_max = waiting_of_origin_max;
        self
    }
}

impl fmt::Debug for LogIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogIn")
            .field("threads", &self.threads)
            .field("waiting_max", &self.waiting_max)
            .field("waiting_of_origin_max", &self.waiting_of_origin_max)
            .finish_non_exhaustive()
    }
}

/// The same authenticator, with the same limits.
impl PartialEq for LogIn {
    fn eq(&self, other: &Self) -> bool {
        let limits = |log_in: &Self| (log_in.threads, log_in.waiting_max, log_in.waiting_of_origin_max);
        Arc::ptr_eq(&self.authenticator, &other.authenticator) && limits(self) == limits(other)
    }
}

impl Eq for LogIn {}
