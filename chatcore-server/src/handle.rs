//! What other threads may ask of a server.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::{Registry, Token, Waker};

use crate::config::Config;
use crate::listen::BindError;

/// Stops a server from another thread, or changes its configuration: [`Server::handle`](crate::Server::handle) gives
/// it. Clones are about the same server.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

struct Shared {
    waker: Waker,
    stop: AtomicBool,
    status: AtomicBool,
    reload: AtomicBool,
    config: Mutex<Config>,
}

impl Handle {
    pub(crate) fn new(registry: &Registry, token: Token, config: Config) -> io::Result<Self> {
        Ok(Self(Arc::new(Shared {
            waker: Waker::new(registry, token)?,
            stop: AtomicBool::new(false),
            status: AtomicBool::new(false),
            reload: AtomicBool::new(false),
            config: Mutex::new(config),
        })))
    }

    /// Asks the server to stop, and returns at once. The server listens no more, and says goodbye to every client.
    /// [`Server::run`](crate::Server::run) returns when all connections are gone. For what is still to be written, the
    /// server waits for [`Limits::flush_time_max`](chatcore::Limits::flush_time_max) at the most, and then for
    /// [`DriverLimits::linger_time_max`](crate::DriverLimits::linger_time_max) for the clients to close.
    ///
    /// A second call, or one after the server has stopped, does nothing.
    pub fn shut_down(&self) {
        self.ask(&self.0.stop);
    }

    /// Gives the server another configuration while it runs, and returns at once: the server takes it over in its next
    /// turn. Limits that are lower now end nobody: they hold for what comes from then on. The times of connections that
    /// are in their handshake stay as they are.
    ///
    /// ```
    /// use chatcore_server::{Config, Server};
    /// # use chatcore_server::chatcore::UserName;
    ///
    /// let config = Config::default().with_listen(["127.0.0.1:0"]);
    /// let server = Server::bind(config.clone())?;
    /// let admin = UserName::new("admin").expect("it can be a name");
    /// server.handle().reload(config.with_reserved_names([admin]))?;
    /// # Ok::<(), chatcore_server::BindError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the configuration is wrong, or differs in what cannot change ([`Config::check_change`]). Then the server goes
    /// on as it was.
    pub fn reload(&self, config: Config) -> Result<(), BindError> {
        let mut current = self.config();
        current.check_change(&config)?;
        *current = config;
        drop(current);
        self.ask(&self.0.reload);
        Ok(())
    }

    /// Asks the server to log one line about its state: its users, sessions, rooms and connections, the memory that
    /// they take, and its counters. Returns at once.
    pub fn log_status(&self) {
        self.ask(&self.0.status);
    }

    pub(crate) fn is_asked_to_stop(&self) -> bool {
        self.0.stop.load(Ordering::Acquire)
    }

    /// Whether a status is asked for, since this was last asked.
    pub(crate) fn is_asked_for_status(&self) -> bool {
        take(&self.0.status)
    }

    /// A configuration that the server has not taken over yet.
    pub(crate) fn new_config(&self) -> Option<Config> {
        take(&self.0.reload).then(|| self.config().clone())
    }

    fn config(&self) -> MutexGuard<'_, Config> {
        // Whoever panicked has left one configuration or the other.
        self.0.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, flag: &AtomicBool) {
        flag.store(true, Ordering::Release);
        self.wake();
    }

    /// Lets the server look at what is asked and decided.
    pub(crate) fn wake(&self) {
        // It fails only if the poll is gone, and then the server is.
        let _ = self.0.waker.wake();
    }
}

/// Whether a flag is set, which it is not afterwards.
fn take(flag: &AtomicBool) -> bool {
    // It is looked at in every turn of the server.
    flag.load(Ordering::Acquire) && flag.swap(false, Ordering::Acquire)
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("asked_to_stop", &self.is_asked_to_stop()).finish()
    }
}
