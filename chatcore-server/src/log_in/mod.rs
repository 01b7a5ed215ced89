//! Who gets a name: decided in the event loop where that takes no time, and beside it on threads that may take theirs.

mod pool;

use std::fmt;
use std::mem::size_of;
use std::net::IpAddr;
use std::sync::Arc;

use chatcore::{Admission, HANDSHAKE_FRAME_BYTES_MAX, QuotaKey, Refusal, Registration};

use self::pool::Job;
pub(crate) use self::pool::{Decision, Facts, Pool, Undecided};
#[cfg(feature = "tls")]
use crate::client_certificate::ClientCertificate;
use crate::memory::HANDSHAKE_OUTPUT_BYTES;

/// Bytes of a thread's stack: those that std gives it.
const THREAD_BYTES: u64 = 2 << 20;

/// Decides which clients get the names that they ask for. The server calls it on threads of its own, so a call may take
/// its time and block: a hash of a password, a question to a directory.
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
    /// Decides about a client that asks for a name. If the answer is yes, the hub admits the client, or still refuses
    /// it; the [`Admission`] says what the hub does if somebody has the name already. After a refusal the client may
    /// ask again.
    ///
    /// Clients that resume a session are not asked about: they prove their right with the session's token. A client
    /// waits for [`Limits::decision_time_max`](chatcore::Limits::decision_time_max) at the most, and then gets a
    /// goodbye. If the call panics, the client is refused as denied.
    ///
    /// # Errors
    ///
    /// Why the client does not get the name.
    fn authenticate(&self, request: &LogInRequest<'_>) -> Result<Admission, Refusal>;

    /// Decides about a client for whom that takes no time, before [`authenticate`](Self::authenticate) is asked: a
    /// guest, or one that has to wait. None leaves the client to `authenticate`. So nobody waits behind the others for
    /// what is known at once, and a client that is refused here takes no place among those that wait.
    ///
    /// The server calls it in its event loop: it must neither block nor compute for long. Without this method, all
    /// clients are left to `authenticate`. If the call panics, the client is refused as denied.
    fn authenticate_at_once(&self, request: &LogInRequest<'_>) -> Option<Result<Admission, Refusal>> {
        let _ = request;
        None
    }
}

/// What is known of a client that asks for a name.
#[derive(Debug)]
#[non_exhaustive]
pub struct LogInRequest<'a> {
    /// The name and the credential.
    pub registration: &'a Registration,
    /// The address that the client comes from; none over a Unix socket.
    pub address: Option<IpAddr>,
    /// The origin in which the server counts the client: its address, or the network of it that
    /// [`DriverLimits::ipv6_origin_bits`](crate::DriverLimits::ipv6_origin_bits) makes. Over Unix
    /// sockets, each user of the machine is one.
    pub origin: QuotaKey,
    /// The site that the origin belongs to, if the client comes from an address of IPv6
    /// ([`DriverLimits::ipv6_site_bits`](crate::DriverLimits::ipv6_site_bits)).
    pub site: Option<QuotaKey>,
    /// Many users come from there, as from a proxy: the origin is among
    /// [`DriverLimits::uncounted_origins`](crate::DriverLimits::uncounted_origins), or the client comes over a Unix
    /// socket.
    pub is_origin_shared: bool,
    /// A proxy carries the connection, and has said where the client comes from, or that it does not know.
    pub is_proxied: bool,
    /// The connection is encrypted, or is up to a proxy that says so.
    pub is_encrypted: bool,
    /// The number of the user of this machine whose program the client is, over a Unix socket: the system tells it, and
    /// nobody can claim another one. None over a network, and on systems that do not tell.
    pub uid: Option<u32>,
    /// The certificate that the client has shown over TLS, if the server asks for one
    /// ([`Tls::with_client_authorities`](crate::Tls::with_client_authorities)) and the client has one. It is good: an
    /// authority has issued it, and the client has its key.
    #[cfg(feature = "tls")]
    pub client_certificate: Option<&'a ClientCertificate>,
}

impl LogInRequest<'_> {
    /// Nobody else can read what the client sends: its connection is encrypted, or does not leave this machine. What a
    /// proxy carries is private only if it is encrypted: who knows where it has been.
    pub fn is_private(&self) -> bool {
        let is_local = || self.address.is_none_or(|address| address.to_canonical().is_loopback());
        self.is_encrypted || (!self.is_proxied && is_local())
    }
}

/// How a server finds out who its users are: an [`Authenticator`], and the limits of its work.
#[derive(Clone)]
pub struct LogIn {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) threads: usize,
    pub(crate) waiting_max: usize,
    pub(crate) waiting_of_origin_max: usize,
    pub(crate) memory_bytes: u64,
    pub(crate) do_guests_make_way: bool,
}

impl LogIn {
    /// Asks this authenticator, on one thread.
    pub fn new(authenticator: impl Authenticator) -> Self {
        Self {
            authenticator: Arc::new(authenticator),
            threads: 1,
            waiting_max: 1024,
            waiting_of_origin_max: 32,
            memory_bytes: 0,
            do_guests_make_way: false,
        }
    }

    /// Decides about this many clients at a time; at least 1. Default 1.
    #[must_use]
    pub const fn with_threads(mut self, threads: usize) -> Self {
        self.threads = if threads == 0 { 1 } else { threads };
        self
    }

    /// Lets this many clients wait for a decision. Others are refused with
    /// [`rate_limited`](chatcore::RefusalCode::RateLimited), and may come again. Then the last one of those who have
    /// most makes room for who has fewer, where all origins of a site of IPv6 count together. Default 1024.
    #[must_use]
    pub const fn with_waiting_max(mut self, waiting_max: usize) -> Self {
        self.waiting_max = waiting_max;
        self
    }

    /// Lets this many clients of one origin wait, but for a
    /// [shared](LogInRequest::is_origin_shared) one. The threads take sites in turn, and in a site its origins, so that
    /// a flood from one holds up no other. Default 32.
    #[must_use]
    pub const fn with_waiting_of_origin_max(mut self, waiting_of_origin_max: usize) -> Self {
        self.waiting_of_origin_max = waiting_of_origin_max;
        self
    }

    /// Says how many bytes of memory the authenticator itself needs at the most, for all threads together: for the
    /// hashes that it computes, for example. They are part of [`Config::memory_bytes`](crate::Config::memory_bytes). A
    /// [`Handle::reload`](crate::Handle::reload) may change them. Default 0.
    #[must_use]
    pub const fn with_memory_bytes(mut self, memory_bytes: u64) -> Self {
        self.memory_bytes = memory_bytes;
        self
    }

    /// Lets guests make way for the owners of names. A guest is a user that began with [`Admission::NewUser`], an owner
    /// a client that is to be admitted in another way. If a guest has the name of an owner who comes, the server ends
    /// its sessions with the goodbye `kicked`, and the owner begins anew. So no owner gets to see what a guest was
    /// sent, and no guest what is sent to the owner. This happens if a program lets a guest have a name that has an
    /// owner later. Default false: an owner joins, or takes over, whoever has the name.
    #[must_use]
    pub const fn with_guests_making_way(mut self, do_guests_make_way: bool) -> Self {
        self.do_guests_make_way = do_guests_make_way;
        self
    }

    /// Bytes of memory for decisions, at the most: threads, what the authenticator needs, and clients that wait.
    pub(crate) fn memory_bytes_max(&self) -> u64 {
        // What the handshake has to say goes with a registration, beside what the handshake keeps.
        let waiting = size_of::<Job>() + HANDSHAKE_FRAME_BYTES_MAX as usize + HANDSHAKE_OUTPUT_BYTES;
        (self.threads as u64)
            .saturating_mul(THREAD_BYTES)
            .saturating_add((self.waiting_max as u64).saturating_mul(waiting as u64))
            .saturating_add(self.memory_bytes)
    }

    /// A server that has one of them can go on with the other.
    pub(crate) fn can_become(&self, other: &Self) -> bool {
        let fixed = |log_in: &Self| Self { memory_bytes: 0, ..log_in.clone() };
        fixed(self) == fixed(other)
    }
}

impl fmt::Debug for LogIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogIn")
            .field("threads", &self.threads)
            .field("waiting_max", &self.waiting_max)
            .field("waiting_of_origin_max", &self.waiting_of_origin_max)
            .field("memory_bytes", &self.memory_bytes)
            .field("do_guests_make_way", &self.do_guests_make_way)
            .finish_non_exhaustive()
    }
}

/// The same authenticator, with the same limits.
impl PartialEq for LogIn {
    fn eq(&self, other: &Self) -> bool {
        let limits = |log_in: &Self| {
            let Self { threads, waiting_max, waiting_of_origin_max, memory_bytes, do_guests_make_way, .. } = *log_in;
            (threads, waiting_max, waiting_of_origin_max, memory_bytes, do_guests_make_way)
        };
        Arc::ptr_eq(&self.authenticator, &other.authenticator) && limits(self) == limits(other)
    }
}

impl Eq for LogIn {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Authenticator for Nobody {
        fn authenticate(&self, _: &LogInRequest<'_>) -> Result<Admission, Refusal> {
            Err(Refusal::Denied)
        }
    }

    #[test]
    fn what_decisions_take_is_counted() {
        let log_in = LogIn::new(Nobody);
        let bytes = log_in.memory_bytes_max();
        assert!(bytes > THREAD_BYTES, "{bytes}");
        assert!(log_in.clone().with_threads(2).memory_bytes_max() > bytes);
        assert!(log_in.clone().with_waiting_max(2048).memory_bytes_max() > bytes);
        assert_eq!(log_in.with_memory_bytes(7).memory_bytes_max(), bytes + 7);
    }

    #[test]
    fn a_server_goes_on_with_another_need_of_memory_alone() {
        let log_in = LogIn::new(Nobody);
        assert!(log_in.can_become(&log_in.clone().with_memory_bytes(7)));
        assert!(!log_in.can_become(&log_in.clone().with_threads(2)));
        assert!(!log_in.can_become(&LogIn::new(Nobody)));
    }
}
