//! What the program around a server decides and hears.

use std::future::ready;
use std::sync::Arc;

use chatcore::{HubEvent, Refusal, Registration};

/// What the program around an [`AsyncServer`](super::AsyncServer) decides and hears. Each method has a default: `()` admits
/// everybody and hears nothing.
///
/// A panic in a hook ends nothing but what it was called for: in a decision the connection that asked, in
/// [`event`](Self::event) that one call. Hooks that keep a clone of their server keep it alive until it is shut down.
///
/// ```
/// use chatcore_server::Hooks;
/// use chatcore_server::chatcore::{Refusal, Registration};
///
/// struct Members(Vec<String>);
///
/// impl Hooks for Members {
///     async fn decide(&self, registration: &Registration) -> Result<(), Refusal> {
///         // Here a database could be asked.
///         let is_member = self.0.iter().any(|name| name == registration.name().as_str());
///         if is_member { Ok(()) } else { Err(Refusal::Denied) }
///     }
/// }
/// ```
pub trait Hooks: Send + Sync + 'static {
    /// Decides about a client that asks for a name. If the answer is yes, the hub admits the client, or still refuses it, for
    /// example because the name is in use. After a refusal the client may ask again.
    ///
    /// The decision may take its time: nobody but this client waits for it. The server drops the future
    ///
    /// - when the client's connection is gone, or the server stops;
    /// - after [`Limits::decision_time_max`](chatcore::Limits::decision_time_max): then the client gets a goodbye.
    ///
    /// So work that the future awaits ends with it; what it has given to other threads goes on.
    /// [`undecided_max`](super::AsyncConfig::undecided_max) bounds how many of these futures there are at a time. A future
    /// must not block its thread: a hash belongs on a pool of threads, such as that of `spawn_blocking`.
    fn decide(&self, registration: &Registration) -> impl Future<Output = Result<(), Refusal>> + Send {
        let _ = registration;
        ready(Ok(()))
    }

    /// As [`decide`](Self::decide), about a client that asks for the session that it had. It proves its right with the
    /// session's token, which the hub checks when the answer is yes. It sends no credential.
    fn decide_resume(&self, registration: &Registration) -> impl Future<Output = Result<(), Refusal>> + Send {
        let _ = registration;
        ready(Ok(()))
    }

    /// Hears what has happened at the hub, in order, on the server's own task. The call should be short and must not block: a
    /// program that has more to do puts the event into a channel. It may call
    /// [`with_hub`](super::AsyncServer::with_hub). What the event names may be gone by now.
    ///
    /// While 65 536 events wait for a slow hook, the hub takes nothing more from clients.
    fn event(&self, event: &HubEvent) {
        let _ = event;
    }
}

/// Admits everybody.
impl Hooks for () {}

/// Hooks that the program keeps hold of.
impl<H: Hooks> Hooks for Arc<H> {
    fn decide(&self, registration: &Registration) -> impl Future<Output = Result<(), Refusal>> + Send {
        H::decide(self, registration)
    }

    fn decide_resume(&self, registration: &Registration) -> impl Future<Output = Result<(), Refusal>> + Send {
        H::decide_resume(self, registration)
    }

    fn event(&self, event: &HubEvent) {
        H::event(self, event);
    }
}
