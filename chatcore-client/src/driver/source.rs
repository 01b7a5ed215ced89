//! A driver as a source of mio: all of its sockets under one token.

use std::io;

use mio::event::Source;
use mio::{Interest, Registry, Token};

use super::Driver;
use super::dialing::Dialing;
use super::link::{Link, Registration};

impl Driver {
    /// All its sockets: one while a connection stands, and perhaps several while one is made.
    fn each_link(&mut self, mut act: impl FnMut(&mut Link) -> io::Result<()>) -> io::Result<()> {
        let dialed = match &mut self.dialing {
            Some(Dialing::Attempting(attempts)) => Some(attempts.links_mut()),
            _ => None,
        };
        dialed.into_iter().flatten().chain(&mut self.link).try_for_each(&mut act)
    }
}

impl Source for Driver {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.registration = Some(Registration::new(registry, token, interests)?);
        self.each_link(|link| link.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.registration = Some(Registration::new(registry, token, interests)?);
        self.each_link(|link| link.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.registration = None;
        self.each_link(|link| link.deregister(registry))
    }
}
