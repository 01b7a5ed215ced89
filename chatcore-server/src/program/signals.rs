//! What each signal does. No signal whose default is to end the process ends it without a goodbye.

use std::io::{self, IsTerminal};
use std::thread;

use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM};
use signal_hook::low_level::{emulate_default_handler, signal_name};
use tracing::{error, info, warn};

use super::log::{Control, Filter};
use super::settings::{Changes, Invocation, Loaded, Settings};
use crate::Handle;

/// What signals act on.
pub(crate) struct Signals {
    pub(crate) invocation: Invocation,
    /// Those that hold.
    pub(crate) settings: Settings,
    pub(crate) log: Control,
    pub(crate) server: Handle,
}

impl Signals {
    /// Handles signals from now on, on a thread of its own.
    pub(crate) fn handle(self) -> io::Result<()> {
        let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM];
        let mut signals = signal_hook::iterator::Signals::new(all)?;
        thread::Builder::new().name("signals".into()).spawn(move || self.run(signals.forever()))?;
        Ok(())
    }

    /// The first signal that stops the server lets it say goodbye, the second ends the process.
    fn run(mut self, signals: impl Iterator<Item = i32>) {
        // A terminal that is closed sends this. Nobody could reach a server that stayed.
        let is_hangup_an_end = self.invocation.config().is_none() && io::stdin().is_terminal();
        let (mut is_stopping, mut is_verbose) = (false, false);
        for signal in signals {
            match signal {
                SIGHUP if !is_hangup_an_end => {
                    // It sets the level of the log, unless all stays as it is.
                    is_verbose &= !self.reload();
                }
                SIGHUP | SIGINT | SIGQUIT | SIGTERM if !is_stopping => {
                    is_stopping = true;
                    self.server.shut_down();
                }
                SIGHUP | SIGINT | SIGQUIT | SIGTERM => {
                    // It ends the process, or the signal does nothing.
                    let _ = emulate_default_handler(signal);
                }
                SIGUSR1 => self.server.log_status(),
                SIGUSR2 => {
                    is_verbose = !is_verbose;
                    self.set_verbose(is_verbose);
                }
                _ => info!(signal = signal_name(signal), "ignored"),
            }
        }
    }

    /// Takes over what has changed, or nothing of it. Returns whether it has.
    fn reload(&mut self) -> bool {
        let loaded = match Loaded::load(&self.invocation) {
            Ok(loaded) => loaded,
            Err(faults) => {
                for line in faults.lines() {
                    error!("{line}");
                }
                error!("the configuration is wrong: all settings stay as they are");
                return false;
            }
        };
        for warning in &loaded.warnings {
            warn!("{warning}");
        }
        let changes = Changes::new(&self.settings, &loaded.settings);
        // What stays may not fit what changes.
        if let Err(error) = self.server.reload(changes.settings.config()) {
            error!(%error, "all settings stay as they are: what needs a restart does not fit what has changed");
            return false;
        }
        changes.settings.apply_log_in();
        self.log.set_filter(&changes.settings.log.level);
        self.log.set_limits(changes.settings.log.rates);
        self.settings = changes.settings;
        if self.settings.has_certificate() {
            info!("the certificate was read again");
        }
        if let Some(users) = self.settings.passwords() {
            info!(users, "the passwords were read again");
        }
        for change in &changes.live {
            info!(setting = change.setting.name, from = change.from, to = change.to, "changed");
        }
        for change in &changes.restart {
            warn!(setting = change.setting.name, from = change.from, to = change.to, "changes with a restart");
        }
        info!(changed = changes.live.len(), need_a_restart = changes.restart.len(), "reloaded");
        true
    }

    fn set_verbose(&self, is_verbose: bool) {
        let verbose = Filter::verbose();
        let filter = if is_verbose { &verbose } else { &self.settings.log.level };
        // One of the two may not log this.
        info!(level = filter.as_str(), "the log changes");
        self.log.set_filter(filter);
    }
}
