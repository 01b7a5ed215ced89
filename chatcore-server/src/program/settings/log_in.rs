//! Who may have which name: settings, and the file of passwords.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::LogIn as Pool;
use crate::program::log_in::{Gate, Guests, Passwords, Rules};
use chatcore::UserName;

/// Threads that decide, at the most.
const THREADS_MAX: u16 = 256;

/// What is set, and who decides.
#[derive(Clone, Debug)]
pub(super) struct LogIn {
    pub(super) guests: Guests,
    pub(super) password_file: Option<String>,
    pub(super) unix_users: bool,
    pub(super) certificate_users: bool,
    pub(super) threads: u16,
    pub(super) origin_failures_max: u32,
    /// What is in the file.
    pub(super) passwords: Option<Arc<Passwords>>,
    gate: Gate,
    pool: Pool,
}

impl Default for LogIn {
    fn default() -> Self {
        let (rules, gate) = (Rules::default(), Gate::default());
        Self {
            guests: rules.guests,
            password_file: None,
            unix_users: rules.has_unix_users,
            certificate_users: rules.has_certificate_users,
            threads: 1,
            origin_failures_max: rules.origin_failures_max,
            passwords: None,
            pool: gate.log_in(),
            gate,
        }
    }
}

impl LogIn {
    /// Reads the file of passwords. What is not wrong but dangerous is returned.
    ///
    /// # Errors
    ///
    /// What is wrong, and what would be right.
    pub(super) fn load(&mut self) -> Result<Vec<String>, Vec<String>> {
        let Some(path) = &self.password_file else { return Ok(Vec::new()) };
        let (passwords, warnings) = Passwords::read(Path::new(path))?;
        self.passwords = Some(Arc::new(passwords));
        Ok(warnings)
    }

    /// What does not fit together, and what would be right.
    pub(super) fn faults(&self, listen: &[String], has_client_ca: bool) -> Vec<String> {
        let mut faults = Vec::new();
        if self.threads == 0 || self.threads > THREADS_MAX {
            faults.push(format!("log_in_threads is {}: it must be 1 to {THREADS_MAX}", self.threads));
        }
        if self.origin_failures_max == 0 {
            faults.push("origin_log_in_failures_max is 0: it must be at least 1".into());
        }
        if self.unix_users && !listen.iter().any(|address| address.starts_with("unix:")) {
            faults.push("unix_users needs a Unix socket: an address unix:///path in listen".into());
        }
        if self.certificate_users && !has_client_ca {
            faults.push("certificate_users needs tls_client_ca: the file that says who issues the certificates".into());
        }
        let has_users = self.password_file.is_some() || self.unix_users || self.certificate_users;
        if self.guests == Guests::No && !has_users {
            faults.push(
                "guests is no, so nobody could log in: there must be a password_file, unix_users or certificate_users"
                    .into(),
            );
        }
        faults
    }

    fn rules(&self, reserved: &[UserName]) -> Rules {
        let mut rules = Rules {
            guests: self.guests,
            passwords: self.passwords.clone(),
            has_unix_users: self.unix_users,
            has_certificate_users: self.certificate_users,
            origin_failures_max: self.origin_failures_max,
            threads: usize::from(self.threads),
            reserved: HashSet::new(),
        };
        let nobodys = reserved.iter().filter(|name| !rules.is_owned(name));
        rules.reserved = nobodys.map(|name| name.confusable_key().into_owned()).collect();
        rules
    }

    /// Lets those decide who are asked what is set here from now on.
    pub(super) fn apply(&self, reserved: &[UserName]) {
        self.gate.set_rules(self.rules(reserved));
    }

    /// The server's part.
    pub(super) fn pool(&self) -> Pool {
        let threads = usize::from(self.threads);
        self.pool.clone().with_threads(threads).with_memory_bytes(self.rules(&[]).memory_bytes())
    }

    /// The names that the server is to keep from everybody.
    pub(super) fn reserved(&self, reserved: &[UserName]) -> Vec<UserName> {
        let rules = self.rules(&[]);
        reserved.iter().filter(|name| !rules.is_owned(name)).cloned().collect()
    }
}
