//! What the program around a server decides and hears.

use std::future::ready;
use std::sync::Arc;

use chatcore::{Admission, Asking, HubEvent, Question, Refusal, Registration, RejectCode, UserLimits};

/// What the program around an [`AsyncServer`](super::AsyncServer) decides and hears. Each method has a default: `()`
/// admits everybody and hears nothing.
///
/// A panic in a hook ends nothing but what it was called for: in a decision the connection that asked, in
/// [`event`](Self::event) that one call. All hooks may call
/// [`with_hub`](super::AsyncServer::with_hub). Hooks that keep a clone of their server keep it, and themselves, for
/// ever: give them one end of a channel instead, as the example `moderated_room` does.
///
/// ```
/// use chatcore_server::Hooks;
/// use chatcore_server::chatcore::{Admission, Refusal, Registration};
///
/// struct Members(Vec<String>);
///
/// impl Hooks for Members {
///     async fn decide(&self, registration: &Registration) -> Result<Admission, Refusal> {
///         // Here a database could be asked.
///         let is_member = self.0.iter().any(|name| name == registration.name().as_str());
///         if is_member { Ok(Admission::NewUser) } else { Err(Refusal::Denied) }
///     }
/// }
/// ```
pub trait Hooks: Send + Sync + 'static {
    /// Decides about a client that asks for a name. If the answer is yes, the hub admits the client, or still refuses
    /// it. The [`Admission`] says what the hub does if somebody has the name already. After a refusal the client may
    /// ask again.
    ///
    /// The decision may take its time: nobody waits for it but this client, and when
    /// [`undecided_max`](super::AsyncConfig::undecided_max) decisions are open, others who ask for names. The server
    /// drops the future
    ///
    /// - when the client's connection is gone, or the server stops;
    /// - after [`Limits::decision_time_max`](chatcore::Limits::decision_time_max): then the client gets a goodbye.
    ///
    /// So work that the future awaits ends with it; what it has given to other threads goes on. A future
    /// must not block its thread: a hash belongs on a pool of threads, such as that of `spawn_blocking`.
    fn decide(&self, registration: &Registration) -> impl Future<Output = Result<Admission, Refusal>> + Send {
        let _ = registration;
        ready(Ok(Admission::NewUser))
    }

    /// As [`decide`](Self::decide), about a client that asks for the session that it had. It proves its right with the
    /// session's token, which the hub checks when the answer is yes. It sends no credential. It does not wait for
    /// decisions about names; there may be [`undecided_max`](super::AsyncConfig::undecided_max) of these decisions
    /// beside them.
    fn decide_resume(&self, registration: &Registration) -> impl Future<Output = Result<(), Refusal>> + Send {
        let _ = registration;
        ready(Ok(()))
    }

    /// Limits of its own for a user about whom [`decide`](Self::decide) has just said yes, in place of those of the hub
    /// ([`Registration::with_limits`]): more for a bot, for example. None leaves the user those that it has. The call
    /// should be short and must not block: what a database is to be asked for, [`decide`](Self::decide) keeps at hand.
    /// Limits that cannot be are an error in the log, and the client is refused.
    ///
    /// For a user who is there, call [`Hub::set_user_limits`](chatcore::Hub::set_user_limits) with
    /// [`with_hub`](super::AsyncServer::with_hub).
    fn limits(&self, registration: &Registration) -> Option<UserLimits> {
        let _ = registration;
        None
    }

    /// About which requests of clients the hub asks ([`Hub::with_asking`](chatcore::Hub::with_asking)); called once,
    /// when the server starts.
    fn asking(&self) -> Asking {
        Asking::new()
    }

    /// Answers a question of the hub: at once, or none, and then the program answers later, with
    /// [`with_hub`](super::AsyncServer::with_hub) and [`Hub::answer`](chatcore::Hub::answer). It is called on the
    /// server's own task, so it should be short and must not block.
    ///
    /// Requests that the same session made before may not be done yet
    /// ([`Hub::with_asking`](chatcore::Hub::with_asking)). A program whose answers depend on them answers all questions
    /// in one place, in their order.
    fn question(&self, question: Question) -> Option<Result<(), RejectCode>> {
        let _ = question;
        Some(Ok(()))
    }

    /// Whether [`event`](Self::event) hears who joins and leaves which room, too
    /// ([`Hub::with_room_events`](chatcore::Hub::with_room_events)); called once, when the server starts.
    fn wants_room_events(&self) -> bool {
        false
    }

    /// Hears what has happened at the hub, in order, on the server's own task. The call should be short and must not
    /// block: a program that has more to do puts the event into a channel. It may call
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
    fn decide(&self, registration: &Registration) -> impl Future<Output = Result<Admission, Refusal>> + Send {
        H::decide(self, registration)
    }

    fn decide_resume(&self, registration: &Registration) -> impl Future<Output = Result<(), Refusal>> + Send {
        H::decide_resume(self, registration)
    }

    fn limits(&self, registration: &Registration) -> Option<UserLimits> {
        H::limits(self, registration)
    }

    fn asking(&self) -> Asking {
        H::asking(self)
    }

    fn question(&self, question: Question) -> Option<Result<(), RejectCode>> {
        H::question(self, question)
    }

    fn wants_room_events(&self) -> bool {
        H::wants_room_events(self)
    }

    fn event(&self, event: &HubEvent) {
        H::event(self, event);
    }
}
