//! The requests of a program, as methods of a whole connection and of the half that sends.

/// For a type that has a method `until`, which tries until there is something.
macro_rules! requests {
    (&mut $self:ident) => {
        requests!(($self) &mut $self);
    };
    (&$self:ident) => {
        requests!(($self) &$self);
    };
    (($self:ident) $($receiver:tt)*) => {
        /// Sends a message to a user or a room. Returns the number of the request: [`Event::Accepted`] or
        /// [`Event::Rejected`] answers, with this number. The call waits only while the client's outbox is full, and
        /// goes on receiving meanwhile. All requests wait like this.
        ///
        /// # Errors
        ///
        /// [`Error::Command`] if the client cannot send this, [`Error::TimedOut`] if there was no room for it in time,
        /// [`Error::Unreceived`] if too many events wait to be received, [`Error::Closed`] or [`Error::Poll`]. The
        /// client sends nothing then; only after [`Error::Poll`] it may have sent the message.
        pub fn send($($receiver)*, to: &str, body: &[u8], timeout: Duration) -> Result<u64, Error> {
            $self.until(Deadline::after(timeout), |inner| inner.ask(|driver| driver.send(to, body)))
        }

        /// Asks for a page of the users who are online. The cursor is 0 for the first page, and for each further page
        /// the `next` of the page before. [`Event::Online`] answers, with the number that this returns.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn who($($receiver)*, cursor: u64, timeout: Duration) -> Result<u64, Error> {
            $self.until(Deadline::after(timeout), |inner| inner.ask(|driver| driver.who(cursor)))
        }

        /// Joins a room; `#` is part of its name. [`Event::Done`] or [`Event::Rejected`] answers, with the number that
        /// this returns.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn join($($receiver)*, room: &str, timeout: Duration) -> Result<u64, Error> {
            $self.until(Deadline::after(timeout), |inner| inner.ask(|driver| driver.join(room)))
        }

        /// Leaves a room. [`Event::Done`] or [`Event::Rejected`] answers, with the number that this returns.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn leave($($receiver)*, room: &str, timeout: Duration) -> Result<u64, Error> {
            $self.until(Deadline::after(timeout), |inner| inner.ask(|driver| driver.leave(room)))
        }

        /// Asks for a page of the members of a room that we are in. The cursor is as in [`who`](Self::who).
        /// [`Event::Members`] or [`Event::Rejected`] answers, with the number that this returns.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn roster($($receiver)*, room: &str, cursor: u64, timeout: Duration) -> Result<u64, Error> {
            $self.until(Deadline::after(timeout), |inner| inner.ask(|driver| driver.roster(room, cursor)))
        }

        /// Watches users. An [`Event::Presence`] for each tells its present state, and then [`Event::Done`] follows.
        /// After that, an [`Event::Presence`] tells each change. Or [`Event::Rejected`] answers, and none of them is
        /// watched.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn watch($($receiver)*, names: &[&str], timeout: Duration) -> Result<u64, Error> {
            $self.until(Deadline::after(timeout), |inner| inner.ask(|driver| driver.watch(names)))
        }

        /// Ends the watching of users. [`Event::Done`] answers, with the number that this returns.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn unwatch($($receiver)*, names: &[&str], timeout: Duration) -> Result<u64, Error> {
            $self.until(Deadline::after(timeout), |inner| inner.ask(|driver| driver.unwatch(names)))
        }

        /// Asks for a page of the rooms that we are in and the users that we watch: a program that was started again
        /// does after [`Event::Resumed`]. The cursor is as in [`who`](Self::who). [`Event::Subscribed`] answers, with
        /// the number that this returns.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn subscriptions($($receiver)*, cursor: u64, timeout: Duration) -> Result<u64, Error> {
            $self.until(Deadline::after(timeout), |inner| inner.ask(|driver| driver.subscriptions(cursor)))
        }
    };
}

pub(super) use requests;
