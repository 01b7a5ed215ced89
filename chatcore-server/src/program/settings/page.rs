//! The page for browsers: whether there is one, and where.

use crate::Config;
use crate::listen::{BindError, check_websocket};

/// Where a server that nobody has told where to listen has a page, too: on this machine alone. A phone that sleeps and
/// a tab that is hidden lose their connections for minutes, so their sessions wait longer than those of programs.
const LISTEN_DEFAULT: &str = "127.0.0.1:12380?resume=10m";

/// What stands for no address.
const NONE: &str = "none";

#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) is_served: bool,
    pub(super) listen: PageListen,
}

/// The page is on where it is built in.
impl Default for Page {
    fn default() -> Self {
        let listen = cfg!(feature = "page").then(|| LISTEN_DEFAULT.into());
        Self { is_served: cfg!(feature = "page"), listen: PageListen(listen) }
    }
}

/// An address for browsers alone, if there is one: `host:port`, or with `ws://` or `wss://` before it, and with
/// options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageListen(pub(super) Option<String>);

impl PageListen {
    pub(super) fn new(given: String) -> Self {
        Self((given != NONE).then_some(given))
    }

    /// What comes before the options.
    pub(super) fn host_port(&self) -> Option<&str> {
        self.0.as_deref().map(|given| given.split('?').next().unwrap_or(given))
    }

    /// The address as one of those that the library listens on.
    fn address(&self) -> Option<String> {
        let given = self.0.as_ref()?;
        Some(if given.contains("://") { given.clone() } else { format!("ws://{given}") })
    }
}

impl Page {
    /// The same configuration with this page.
    pub(super) fn add_to(&self, mut config: Config) -> Config {
        config.listen.extend(self.listen.address());
        #[cfg(feature = "page")]
        if self.is_served {
            config.files = Some(crate::page());
        }
        config
    }

    /// What does not fit together, and what would be right.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.is_served && !cfg!(feature = "page") {
            faults.push("page is yes, but this program is built without a page: the feature page builds it in".into());
        }
        let Some(address) = self.listen.address() else { return faults };
        if !self.is_served {
            faults.push("page_listen is an address, but page is no: one of the two must change".into());
        }
        if let Some(given) = &self.listen.0
            && let Err(right) = check_websocket(&address)
        {
            faults.push(format!("page_listen is {given:?}: {right}"));
        }
        faults
    }

    /// Whether an error is about the form of the address, which [`faults`](Self::faults) tells.
    pub(super) fn tells(&self, error: &BindError) -> bool {
        matches!(error, BindError::Syntax { given, .. } if Some(given) == self.listen.address().as_ref())
    }
}
