//! What is waited for: a name that somebody has, and a server that says nothing.

use std::time::{Duration, Instant};

use crate::{ConnectError, Driver};

use super::parts::{Session, Stage};
use super::waits::{NameWait, Silence};
use crate::program::failure::Failure;
use crate::program::input::Ask;
use crate::program::report::Report;

/// Silence that a person is told of.
const SILENCE_TOLD: Duration = Duration::from_secs(10);

/// How long to wait for a name if the server does not say, and for a server that cannot be reached meanwhile.
const NAME_WAIT: Duration = Duration::from_secs(10);

/// How long to wait for a name at the most, until the server is asked again.
const NAME_WAIT_MAX: Duration = Duration::from_secs(600);

impl Session {
    // ---- a name ----

    /// Whether a name is asked for again that somebody has: by a person, and by a script that says for how long.
    pub(super) fn waits_for_names(&self) -> bool {
        self.console.is_interactive() || self.reconnect_for.is_some_and(|patience| !patience.is_zero())
    }

    /// The name is somebody else's, perhaps for so long. The server does not wait, so the connection is let go.
    pub(super) fn wait_for_name(&mut self, detail: String, wait: Option<Duration>) -> Result<(), Failure> {
        let now = Instant::now();
        let patience = self.reconnect_for.and_then(|patience| now.checked_add(patience));
        let known = self.name_wait.take().filter(|waited| waited.name == self.own.name);
        let (is_told, until) = known.map_or((false, patience), |waited| (true, waited.until));
        let wait = wait.unwrap_or(NAME_WAIT).min(NAME_WAIT_MAX);
        let again_at = until.map_or(now + wait, |until| until.min(now + wait));
        if again_at <= now {
            return self.refused(NAME_IN_USE, detail);
        }
        self.forget();
        self.driver = None;
        let (name, after) = (self.own.name.clone(), again_at - now);
        let words = self.who_has_the_name().unwrap_or_else(|| format!("{name}: {detail}"));
        self.name_wait = Some(NameWait { name, again_at, until, words, told_s: None });
        let is_interactive = self.console.is_interactive();
        if is_interactive {
            self.stage = Stage::Naming;
        }
        if is_told {
            return Ok(());
        }
        let told = self.told_wait(seconds(after));
        self.complain(NAME_IN_USE, told)?;
        if is_interactive {
            self.console.ask(Ask::Name);
        }
        Ok(())
    }

    /// That a program of this machine has the name, if one does.
    pub(super) fn who_has_the_name(&self) -> Option<String> {
        self.own.held.as_ref().map(|held| format!("the name is in use here: {held}"))
    }

    /// What is waited for, and for how long.
    fn told_wait(&self, seconds: u64) -> String {
        let words = self.name_wait.as_ref().map(|waited| waited.words.as_str()).unwrap_or_default();
        let advice = if self.console.is_interactive() { ", unless you give another name" } else { "" };
        format!("{words}; asking again in {seconds} s{advice}")
    }

    /// Counts the wait down for whoever looks on.
    pub(super) fn count_wait_down(&mut self) -> Result<(), Failure> {
        if !self.console.is_interactive() {
            return Ok(());
        }
        let Some(again_at) = self.asks_again_at() else { return Ok(()) };
        let left = seconds(again_at.saturating_duration_since(Instant::now()));
        match &mut self.name_wait {
            Some(waited) if waited.told_s != Some(left) => waited.told_s = Some(left),
            _ => return Ok(()),
        }
        self.show(&Report::AskingAgain { detail: self.told_wait(left) })
    }

    /// When [`count_wait_down`](Self::count_wait_down) has something to do.
    pub(super) fn counts_down_at(&self) -> Option<Instant> {
        let told_s = self.name_wait.as_ref().and_then(|waited| waited.told_s)?;
        self.asks_again_at()?.checked_sub(Duration::from_secs(told_s.saturating_sub(1)))
    }

    /// Asks for the name again that somebody had.
    pub(super) fn ask_again_if_due(&mut self) -> Result<(), Failure> {
        if self.asks_again_at().is_none_or(|at| at > Instant::now()) {
            return Ok(());
        }
        let Some(name) = self.name_wait.as_ref().map(|waited| waited.name.clone()) else { return Ok(()) };
        self.ask_for_again(&name)
    }

    /// A person does not want to wait any longer: for a connection, or for a name.
    pub(super) fn hurry(&mut self) {
        if let Some(driver) = &mut self.driver {
            driver.hurry();
        }
        if let Some(waited) = &mut self.name_wait {
            waited.again_at = Instant::now();
        }
    }

    /// When [`ask_again_if_due`](Self::ask_again_if_due) has something to do.
    pub(super) fn asks_again_at(&self) -> Option<Instant> {
        // Who is typing another name may want it.
        let is_waiting = self.driver.is_none() && !self.is_asking() && !self.console.is_answering();
        let may_ask = matches!(self.stage, Stage::Naming | Stage::Registering);
        self.name_wait.as_ref().filter(|_| is_waiting && may_ask).map(|waited| waited.again_at)
    }

    /// Whether a name is about to be asked for.
    fn is_asking(&self) -> bool {
        self.restoring.is_some() || self.connecting.is_some()
    }

    /// There is no connection for a name. If it is one that was waited for, the server may be away for a while, too.
    pub(super) fn wait_for_server(&mut self, error: ConnectError) -> Result<(), Failure> {
        let now = Instant::now();
        let is_over = |waited: &NameWait| waited.until.is_some_and(|until| until <= now);
        match self.name_wait.as_mut().filter(|waited| !is_over(waited)) {
            Some(waited) => {
                waited.again_at = waited.until.unwrap_or(now + NAME_WAIT).min(now + NAME_WAIT);
                waited.words = error.to_string();
            }
            None => return Err(error.into()),
        }
        if self.console.is_interactive() {
            self.stage = Stage::Naming;
        }
        self.complain("cannot_connect", error.to_string())
    }

    // ---- a server ----

    /// Says that the server says nothing, and that it does again.
    pub(super) fn tell_silence(&mut self) -> Result<(), Failure> {
        let silence = self.driver.as_ref().and_then(Driver::silence).unwrap_or_default();
        let is_connected = self.driver.as_ref().is_some_and(Driver::connected);
        match self.silence_told {
            None if silence >= SILENCE_TOLD => {
                self.silence_told = Some(Silence { is_connected });
                self.show(&Report::Silent { after: silence })
            }
            // Of a connection that is gone, or was not there, others tell.
            Some(told) if silence < SILENCE_TOLD => {
                self.silence_told = None;
                if told.is_connected && is_connected { self.show(&Report::Heard) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// After how long there is a silence to tell of; none if nothing is awaited.
    pub(super) fn silence_due(&self) -> Option<Duration> {
        let silence = self.driver.as_ref().filter(|_| self.silence_told.is_none())?.silence()?;
        Some(SILENCE_TOLD.saturating_sub(silence))
    }
}

/// A time in whole seconds, of which the last has begun.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// The protocol's word for it.
const NAME_IN_USE: &str = "name_in_use";
