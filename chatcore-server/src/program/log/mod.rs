//! The log: lines on stderr that another thread writes. Whoever logs never waits for those who read the log: when they
//! do not keep up, lines are dropped and counted.

mod choice;
mod event;
mod layer;
mod line;
mod queue;
mod rates;
mod writer;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use self::layer::{LogLayer, Shared};
use self::line::Style;
use self::queue::Queue;
use self::rates::Rates;

pub(crate) use self::choice::{FORMATS, Filter, Format};
pub(crate) use self::rates::RateLimits;

/// How long the end of the program waits for the last lines to be taken.
const END_WAIT_MAX: Duration = Duration::from_millis(100);

/// Changes the log, and ends it.
#[derive(Clone)]
pub(crate) struct Control {
    filter: reload::Handle<EnvFilter, Registry>,
    shared: Arc<Shared>,
}

impl Control {
    /// Starts to log. What is logged before is lost.
    pub(crate) fn start(filter: &Filter, format: Format, limits: RateLimits) -> io::Result<Self> {
        let stderr = io::stderr();
        let style = Style { format, is_coloured: is_coloured(stderr.is_terminal(), |name| env::var_os(name)) };
        let shared = Arc::new(Shared { style, queue: Queue::default(), rates: Rates::new(limits) });
        // A descriptor of its own: nobody else waits for the lock on stderr while the log waits for its readers.
        let output = std::fs::File::from(stderr.as_fd().try_clone_to_owned()?);
        let written = Arc::clone(&shared);
        thread::Builder::new().name("log".into()).spawn(move || writer::write(&written, output))?;
        let (layer, handle) = reload::Layer::new(filter.to_env_filter());
        tracing_subscriber::registry().with(layer).with(LogLayer(Arc::clone(&shared))).init();
        Ok(Self { filter: handle, shared })
    }

    /// Logs other things from now on.
    pub(crate) fn set_filter(&self, filter: &Filter) {
        // It fails only if the subscriber is gone, which it never is.
        let _ = self.filter.reload(filter.to_env_filter());
    }

    pub(crate) fn set_limits(&self, limits: RateLimits) {
        self.shared.rates.set_limits(limits);
    }

    /// Waits until everything is written, but not for long.
    pub(crate) fn end(&self) {
        self.shared.queue.end(END_WAIT_MAX);
    }
}

/// Whether a terminal is to show colours. An empty `NO_COLOR` means nothing (no-color.org).
fn is_coloured(is_terminal: bool, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    is_terminal && !has("NO_COLOR") && variable("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_colours_only_at_a_terminal_that_has_them_and_for_those_who_want_them() {
        let coloured = |is_terminal, variables: &[(&str, &str)]| {
            is_coloured(is_terminal, |name| variables.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).into()))
        };
        assert!(coloured(true, &[("TERM", "xterm")]));
        assert!(coloured(true, &[("TERM", "xterm"), ("NO_COLOR", "")]));
        assert!(coloured(true, &[]));
        assert!(!coloured(false, &[("TERM", "xterm")]));
        assert!(!coloured(true, &[("TERM", "xterm"), ("NO_COLOR", "1")]));
        assert!(!coloured(true, &[("TERM", "dumb")]));
    }
}
