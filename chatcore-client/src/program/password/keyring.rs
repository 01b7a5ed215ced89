//! The system's keyring, where there is one.

use super::secret::Password;

/// Whose password it is: a name at a server.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) server: String,
    pub(super) name: String,
}

impl Account {
    /// What a person reads beside the password in the system's own program.
    fn shown(&self) -> String {
        format!("{}@{}", self.name, self.server)
    }
}

#[cfg(feature = "keyring")]
mod system {
    use std::sync::mpsc::sync_channel;
    use std::thread;
    use std::time::Duration;

    use keyring_core::{Entry, Error};

    use super::{Account, Password};

    /// What the passwords of this program are filed under.
    pub(super) const SERVICE: &str = "chatcore";

    /// How long the keyring may take. It may ask a person for its own password.
    const TIME_MAX: Duration = Duration::from_secs(120);

    impl Account {
        pub(crate) fn password(&self) -> Result<Password, String> {
            let secret = self.ask(Entry::get_secret).map_err(|why| format!("cannot ask the keyring: {why}"))?;
            secret.map(Password::kept).ok_or_else(|| {
                format!(
                    "the keyring has no password for {}: --set-password in place of --keyring keeps one",
                    self.shown()
                )
            })
        }

        pub(crate) fn set(&self, password: &Password) -> Result<(), String> {
            let password = password.clone();
            self.ask(move |entry| entry.set_secret(password.as_bytes()))
                .map(drop)
                .map_err(|why| format!("cannot keep the password in the keyring: {why}"))
        }

        pub(crate) fn forget(&self) -> Result<(), String> {
            let forgotten = self.ask(Entry::delete_credential);
            match forgotten.map_err(|why| format!("cannot remove the password from the keyring: {why}"))? {
                Some(()) => Ok(()),
                None => Err(format!("the keyring has no password for {}", self.shown())),
            }
        }

        /// None if the keyring knows nothing of it. A keyring that does not answer is left.
        fn ask<T: Send + 'static>(
            &self,
            question: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
        ) -> Result<Option<T>, String> {
            let user = self.shown();
            let (sender, answer) = sync_channel(1);
            let asking = move || {
                let answer = store().and_then(|()| Entry::new(SERVICE, &user)).and_then(|entry| question(&entry));
                let _ = sender.send(answer);
            };
            thread::Builder::new().name("keyring".into()).spawn(asking).map_err(|error| error.to_string())?;
            match answer.recv_timeout(TIME_MAX) {
                Ok(Ok(answer)) => Ok(Some(answer)),
                Ok(Err(Error::NoEntry)) => Ok(None),
                Ok(Err(error)) => Err(explain(&error)),
                Err(_) => Err(format!("it did not answer within {} s", TIME_MAX.as_secs())),
            }
        }
    }

    /// In words that have nothing of a password in them, as some errors have.
    fn explain(error: &Error) -> String {
        match error {
            Error::PlatformFailure(_) | Error::NoDefaultStore => {
                "this system has none that runs; --password-file FILE and --password-command COMMAND do without".into()
            }
            Error::NoStorageAccess(_) => "it is locked".into(),
            Error::Ambiguous(_) => "it has several passwords for this: remove all but one".into(),
            Error::TooLong(..) => "the password is too long for it".into(),
            _ => "it does not understand what it is asked".into(),
        }
    }

    #[cfg(not(test))]
    fn store() -> Result<(), Error> {
        match keyring::Entry::store_status() {
            Ok(()) => Ok(()),
            Err(_) => Err(Error::NoDefaultStore),
        }
    }

    /// The tests' keyring is in memory, and theirs alone.
    #[cfg(test)]
    fn store() -> Result<(), Error> {
        if keyring_core::get_default_store().is_some() { Ok(()) } else { Err(Error::NoDefaultStore) }
    }
}

#[cfg(not(feature = "keyring"))]
impl Account {
    pub(super) fn password(&self) -> Result<Password, String> {
        Err(self.without())
    }

    pub(super) fn set(&self, _: &Password) -> Result<(), String> {
        Err(self.without())
    }

    pub(super) fn forget(&self) -> Result<(), String> {
        Err(self.without())
    }

    fn without(&self) -> String {
        format!(
            "this program is built without the feature `keyring`, so it cannot ask the system's for the password of {}; \
             --password-file FILE and --password-command COMMAND give one",
            self.shown()
        )
    }
}

#[cfg(all(test, feature = "keyring"))]
mod tests {
    use super::*;

    fn account(name: &str) -> Account {
        Account { server: "tls://chat.example:12346".into(), name: name.into() }
    }

    #[test]
    fn a_keyring_keeps_a_password_for_a_name_at_a_server_until_it_is_to_forget_it() {
        let told = account("alice").password().unwrap_err();
        assert!(told.contains("this system has none that runs; --password-file"), "{told}");
        keyring_core::set_default_store(keyring_core::mock::Store::new().unwrap());
        let none = "the keyring has no password for alice@tls://chat.example:12346";
        assert!(account("alice").password().unwrap_err().starts_with(none));
        account("alice").set(&Password::typed("opensesame")).unwrap();
        assert_eq!(account("alice").password(), Ok(Password::typed("opensesame")));
        assert!(account("bob").password().is_err());
        let elsewhere = Account { server: "tls://other.example:12346".into(), ..account("alice") };
        assert!(elsewhere.password().is_err(), "a password is for one server");
        account("alice").forget().unwrap();
        assert_eq!(account("alice").forget().unwrap_err(), none);
        assert!(
            keyring_core::Entry::new(system::SERVICE, "alice@tls://chat.example:12346").unwrap().get_secret().is_err()
        );
        keyring_core::unset_default_store();
    }
}
