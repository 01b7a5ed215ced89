//! A connection for a name, made while the program goes on.

use std::io;
use std::sync::Arc;

use mio::{Interest, Registry, Waker};

use super::apart::Apart;
use super::connect::{Connect, SOCKET};
use super::restoring::Restored;
use crate::Driver;
use crate::program::failure::Failure;
use crate::program::password::Password;

/// A connection that is being made on a thread of its own.
pub(super) struct Connecting {
    /// For whom; none if nobody has given a name.
    pub(super) name: Option<String>,
    pub(super) restored: Restored,
    driver: Apart<Result<Driver, Failure>>,
}

impl Connecting {
    /// Connects while the program goes on: it can take long.
    pub(super) fn begin(
        connect: &Connect,
        name: Option<String>,
        restored: Restored,
        password: Option<Password>,
        waker: &Arc<Waker>,
    ) -> io::Result<Self> {
        let (connect, asked, ticket) = (connect.clone(), name.clone(), restored.ticket.clone());
        let driver = Apart::begin("connect", waker, move || {
            connect.connect(asked.as_deref(), ticket.as_ref(), password.as_ref())
        })?;
        Ok(Self { name, restored, driver })
    }

    /// What has become of it, at the program's own poll; none if it is still being made.
    pub(super) fn outcome(&self, registry: &Registry) -> Option<Result<Driver, Failure>> {
        let connected = self.driver.outcome()?.map_err(Failure::System).and_then(|connected| connected);
        Some(connected.and_then(|mut driver| {
            let interests = Interest::READABLE | Interest::WRITABLE;
            registry.register(&mut driver, SOCKET, interests).map_err(Failure::System)?;
            Ok(driver)
        }))
    }
}
