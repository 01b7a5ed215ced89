//! What of a configuration can be checked before a server listens, or goes on with it.

use chatcore::HUB_NUMBER_MAX;
#[cfg(feature = "websocket")]
use chatcore::websocket::UpgradeRules;

use crate::config::Config;
use crate::listen::{self, BindError};
use crate::log_in::LogIn;

impl Config {
    /// Checks all that [`Server::bind`](crate::Server::bind) checks before it listens: whether the limits fit together
    /// and into the memory, the number of the hub, how the addresses are written, and that those for TLS have a
    /// certificate.
    ///
    /// ```
    /// use chatcore_server::{BindError, Config};
    ///
    /// assert!(Config::default().check().is_ok());
    /// let wrong = Config::default().with_listen(["localhost"]);
    /// assert!(matches!(wrong.check(), Err(BindError::Syntax { .. })), "there is no port");
    /// ```
    ///
    /// # Errors
    ///
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), BindError> {
        self.faults().into_iter().next().map_or(Ok(()), Err)
    }

    /// All that [`check`](Self::check) finds wrong, for people who want to know it at once.
    ///
    /// ```
    /// use chatcore_server::chatcore::Limits;
    /// use chatcore_server::Config;
    ///
    /// let limits = Limits::default().with_rooms_max(0).with_members_max(0);
    /// let wrong = Config::default().with_limits(limits).with_listen(["localhost"]);
    /// assert_eq!(wrong.faults().len(), 3);
    /// ```
    pub fn faults(&self) -> Vec<BindError> {
        let limits = self.limits.faults();
        let is_measured = limits.is_empty();
        let mut faults: Vec<BindError> = limits.into_iter().map(Into::into).collect();
        faults.extend(self.driver.faults().map(BindError::from));
        if self.hub_number > HUB_NUMBER_MAX {
            faults.push(BindError::HubNumber(self.hub_number));
        }
        // Limits that are out of their range say nothing about memory.
        if let Some(bytes_max) = self.memory_bytes_max.filter(|_| is_measured) {
            let needed = self.memory_bytes();
            if needed > bytes_max {
                faults.push(BindError::Memory { needed, bytes_max });
            }
        }
        faults.extend(listen::faults(self));
        #[cfg(feature = "websocket")]
        faults.extend(self.upgrade_faults());
        faults
    }

    /// Checks whether a server with this configuration can go on with another
    /// ([`Handle::reload`](crate::Handle::reload)). Its addresses, its number, who decides about names, and what makes
    /// an origin cannot change, nor the limits of its hub that [`Limits::check_change`](chatcore::Limits::check_change)
    /// names.
    ///
    /// ```
    /// use chatcore_server::{BindError, Config};
    ///
    /// let config = Config::default();
    /// assert!(config.check_change(&config).is_ok());
    /// let elsewhere = Config::default().with_listen(["127.0.0.1:0"]);
    /// assert!(matches!(config.check_change(&elsewhere), Err(BindError::Fixed { name: "listen", .. })));
    /// ```
    ///
    /// # Errors
    ///
    /// If the other configuration is wrong, or the first that cannot change.
    pub fn check_change(&self, other: &Self) -> Result<(), BindError> {
        other.check()?;
        self.limits.check_change(&other.limits)?;
        let fixed = [
            ("listen", self.listen == other.listen),
            ("hub_number", self.hub_number == other.hub_number),
            ("log_in", can_become(self.log_in.as_ref(), other.log_in.as_ref())),
            ("ipv6_origin_bits", self.driver.ipv6_origin_bits == other.driver.ipv6_origin_bits),
            ("ipv6_site_bits", self.driver.ipv6_site_bits == other.driver.ipv6_site_bits),
        ];
        let changed = fixed.into_iter().find(|(_, is_same)| !is_same);
        changed.map_or(Ok(()), |(name, _)| Err(BindError::Fixed { name }))
    }
}

#[cfg(feature = "websocket")]
impl Config {
    /// Who may open a WebSocket, but for the path.
    pub(crate) fn upgrade_rules(&self) -> Result<UpgradeRules, BindError> {
        let wrong = |name| move |source| BindError::WebSocketRule { name, source };
        let mut rules = UpgradeRules::default();
        for host in &self.websocket_hosts {
            rules = rules.with_host(host).map_err(wrong("websocket_hosts"))?;
        }
        for origin in &self.websocket_origins {
            rules = rules.with_origin(origin).map_err(wrong("websocket_origins"))?;
        }
        Ok(rules)
    }

    /// All that is wrong with these.
    fn upgrade_faults(&self) -> impl Iterator<Item = BindError> {
        let hosts =
            self.websocket_hosts.iter().map(|host| ("websocket_hosts", UpgradeRules::default().with_host(host)));
        let origins = self.websocket_origins.iter();
        let origins = origins.map(|origin| ("websocket_origins", UpgradeRules::default().with_origin(origin)));
        let wrong = |(name, rules): (_, Result<UpgradeRules, _>)| {
            rules.err().map(|source| BindError::WebSocketRule { name, source })
        };
        hosts.chain(origins).filter_map(wrong)
    }
}

/// Whether the threads that decide about names can go on.
fn can_become(log_in: Option<&LogIn>, other: Option<&LogIn>) -> bool {
    match (log_in, other) {
        (Some(log_in), Some(other)) => log_in.can_become(other),
        (log_in, other) => log_in == other,
    }
}
