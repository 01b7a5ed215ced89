//! From a name that somebody gives to a session: what is kept for it, a connection, and the server's word.

use crate::program::command;
use crate::program::failure::Failure;
use crate::program::input::Ask;
use crate::program::password::Password;
use crate::{ClientError, RefusalCode, UserName};

use super::connecting::Connecting;
use super::parts::{Session, Shown, Stage, is_message};
use super::restoring::Restored;

impl Session {
    /// Takes a name that was typed.
    pub(super) fn take_name(&mut self, typed: &str) -> Result<(), Failure> {
        // The chat that this one grew from registered with `#alice`.
        let name = command::without_room_sign(typed.trim());
        if name.is_empty() {
            self.console.ask(Ask::Name);
            return Ok(());
        }
        self.ask_for(name)
    }

    /// Asks for the same name again, with a password; without one, for another name.
    pub(super) fn take_password(&mut self, password: &str) -> Result<(), Failure> {
        if password.is_empty() {
            self.own.password = None;
            self.stage = Stage::Naming;
            self.console.ask(Ask::Name);
            return Ok(());
        }
        if self.own.password.replace(Password::typed(password)).is_none() {
            // A connection that was made without a password waits for an answer no longer than for one to a name.
            self.driver = None;
        }
        let name = self.own.name.clone();
        self.ask_for(&name)
    }

    /// Asks for a name that was typed. A name that was waited for is given up for it.
    fn ask_for(&mut self, name: &str) -> Result<(), Failure> {
        self.name_wait = None;
        if !self.own.name.is_empty() && !is_same_user(&self.own.name, name) {
            self.become_another()?;
        }
        self.ask_for_again(name)
    }

    /// Somebody takes another name: what belongs to the one before is kept for that one, and goes to nobody else.
    fn become_another(&mut self) -> Result<(), Failure> {
        self.save_kept();
        // What could not be kept was the other one's.
        (self.own.password, self.own.is_restored, self.own.unkept) = (None, false, None);
        self.console.forget();
        let unsent = self.held.drain(..).filter(is_message).count();
        if unsent == 0 {
            return Ok(());
        }
        let detail = format!("messages that were not sent yet: {unsent}. They were typed as {}", self.own.name);
        self.complain("not_sent", detail)
    }

    /// Asks for a name, as soon as what is kept for it is read.
    pub(super) fn ask_for_again(&mut self, name: &str) -> Result<(), Failure> {
        // It may be the same name once more.
        self.let_place_go();
        self.begin_to_restore(name.to_owned())
    }

    /// Reads what is kept for a name, while the program goes on.
    pub(super) fn begin_to_restore(&mut self, name: String) -> Result<(), Failure> {
        self.stage = Stage::Registering;
        let for_person = self.console.is_interactive() && !self.own.is_restored;
        let restoring = self.connect.begin_to_restore(name, for_person, &self.waker);
        self.restoring = Some(restoring.map_err(Failure::System)?);
        Ok(())
    }

    /// Takes what was kept for a name, and asks for the name, on a new connection if the server has not waited.
    pub(super) fn take_restored(&mut self) -> Result<(), Failure> {
        let Some(restoring) = self.restoring.take() else { return Ok(()) };
        let Some(outcome) = restoring.outcome() else {
            self.restoring = Some(restoring);
            return Ok(());
        };
        let (name, restored) = (restoring.name, outcome.map_err(Failure::System)?);
        if self.driver.is_some() && restored.ticket.is_none() {
            return self.register(&name, restored);
        }
        (self.driver, self.shown) = (None, Shown::default());
        self.begin_to_connect(Some(name), restored)
    }

    /// Makes a connection while the program goes on: for a name, or for whoever is still to give one.
    pub(super) fn begin_to_connect(&mut self, name: Option<String>, restored: Restored) -> Result<(), Failure> {
        if name.is_some() {
            self.stage = Stage::Registering;
        }
        let password = self.own.password.clone();
        let connecting = Connecting::begin(&self.connect, name, restored, password, &self.waker);
        self.connecting = Some(connecting.map_err(Failure::System)?);
        Ok(())
    }

    /// Takes a connection that was made, and asks for the name for which that was.
    pub(super) fn take_connected(&mut self) -> Result<(), Failure> {
        let Some(connecting) = self.connecting.take() else { return Ok(()) };
        let Some(outcome) = connecting.outcome(self.poll.registry()) else {
            self.connecting = Some(connecting);
            return Ok(());
        };
        let Connecting { name, restored, .. } = connecting;
        match outcome {
            Ok(driver) => {
                self.driver = Some(driver);
                name.map_or(Ok(()), |name| self.register(&name, restored))
            }
            Err(Failure::Connect(error)) => {
                // What is kept has its place still.
                self.take_place(restored)?;
                self.wait_for_server(error)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Asks for a name, or for the session that was saved for it.
    pub(super) fn register(&mut self, name: &str, restored: Restored) -> Result<(), Failure> {
        let is_saved = restored.ticket.is_some();
        // A session that was saved under this name may have another one since.
        self.own.name = restored.ticket.as_ref().map_or_else(|| name.to_owned(), |ticket| ticket.name.to_string());
        self.stage = Stage::Registering;
        self.take_place(restored)?;
        // With a ticket, it is asked for already.
        let Some(driver) = self.driver.as_mut().filter(|_| !is_saved) else { return Ok(()) };
        let credential = self.own.password.as_ref().map(Password::as_bytes).unwrap_or_default();
        // If nobody can have it, the server is not even asked.
        let asked = driver.register(name, credential);
        match asked {
            // The connection broke as soon as it stood, and the event that follows tells why; or it was asked for while
            // the connection was made.
            Ok(()) | Err(ClientError::Closed | ClientError::Registered) => Ok(()),
            Err(error) => self.refused(&RefusalCode::InvalidName.to_string(), error.to_string()),
        }
    }
}

/// Whether two texts are one user's name.
fn is_same_user(a: &str, b: &str) -> bool {
    a == b || matches!((UserName::new(a), UserName::new(b)), (Ok(a), Ok(b)) if a == b)
}
