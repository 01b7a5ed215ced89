//! What every driver passes on to its client.

use std::io;

use chatcore::{Client, ClientError, Event};

/// The next event for the program. That a connection is to be made is the driver's business.
pub(crate) fn next_event(client: &mut Client) -> Option<Event> {
    loop {
        match client.poll_event()? {
            Event::Connect { .. } => {}
            event => return Some(event),
        }
    }
}

/// That a credential goes nowhere where others could read it.
pub(crate) fn not_private() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, ClientError::NotPrivate)
}

/// The commands of [`Client`], as methods of a driver that has a `client` and a method `now`; with when they go out.
macro_rules! commands {
    ($when:literal) => {
        /// The client, for its state: [`Client::limits`], [`Client::ticket`], [`Client::position`] and others.
        pub const fn client(&self) -> &Client {
            &self.client
        }

        /// See [`Client::hurry`]. When the driver notices that the machine has slept, it calls [`Client::probe`] by
        /// itself.
        pub fn hurry(&mut self) {
            self.client.hurry(self.now());
        }

        /// How long nothing has been heard though something of the hub is awaited; none if nothing is: see
        /// [`Client::silent_since`].
        pub fn silence(&self) -> Option<Duration> {
            self.client.silent_since().map(|since| self.now() - since)
        }

        /// See [`Client::take_events`].
        pub fn take_events(&mut self, position: Position) {
            self.client.take_events(self.now(), position);
        }

        /// See [`Client::acknowledge`].
        #[doc = concat!("The acknowledgement goes out with the next ", $when, ".")]
        pub fn acknowledge(&mut self) {
            self.client.acknowledge(self.now());
        }

        /// See [`Client::register`]. A credential goes over connections alone that are [private](Self::is_private).
        ///
        /// # Errors
        ///
        /// [`ClientError::NotPrivate`] if there is a credential and others could read it, and those of
        /// [`Client::register`].
        pub fn register(&mut self, name: &str, credential: &[u8]) -> Result<(), ClientError> {
            self.guard(credential)?;
            self.client.register(self.now(), name, credential)
        }

        /// See [`Client::send`].
        #[doc = concat!("The message goes out with the next ", $when, ", as all requests do.")]
        ///
        /// # Errors
        ///
        /// Those of [`Client::send`].
        pub fn send(&mut self, to: &str, body: &[u8]) -> Result<u64, ClientError> {
            self.client.send(self.now(), to, body)
        }

        /// See [`Client::who`].
        ///
        /// # Errors
        ///
        /// Those of [`Client::who`].
        pub fn who(&mut self, cursor: u64) -> Result<u64, ClientError> {
            self.client.who(self.now(), cursor)
        }

        /// See [`Client::join`].
        ///
        /// # Errors
        ///
        /// Those of [`Client::join`].
        pub fn join(&mut self, room: &str) -> Result<u64, ClientError> {
            self.client.join(self.now(), room)
        }

        /// See [`Client::leave`].
        ///
        /// # Errors
        ///
        /// Those of [`Client::leave`].
        pub fn leave(&mut self, room: &str) -> Result<u64, ClientError> {
            self.client.leave(self.now(), room)
        }

        /// See [`Client::roster`].
        ///
        /// # Errors
        ///
        /// Those of [`Client::roster`].
        pub fn roster(&mut self, room: &str, cursor: u64) -> Result<u64, ClientError> {
            self.client.roster(self.now(), room, cursor)
        }

        /// See [`Client::watch`].
        ///
        /// # Errors
        ///
        /// Those of [`Client::watch`].
        pub fn watch(&mut self, names: &[&str]) -> Result<u64, ClientError> {
            self.client.watch(self.now(), names)
        }

        /// See [`Client::unwatch`].
        ///
        /// # Errors
        ///
        /// Those of [`Client::unwatch`].
        pub fn unwatch(&mut self, names: &[&str]) -> Result<u64, ClientError> {
            self.client.unwatch(self.now(), names)
        }

        /// See [`Client::subscriptions`].
        ///
        /// # Errors
        ///
        /// Those of [`Client::subscriptions`].
        pub fn subscriptions(&mut self, cursor: u64) -> Result<u64, ClientError> {
            self.client.subscriptions(self.now(), cursor)
        }
    };
}

pub(crate) use commands;
