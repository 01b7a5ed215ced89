//! What can be chosen about the log.

use tracing_subscriber::EnvFilter;

/// What to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter(String);

impl Filter {
    /// # Errors
    ///
    /// What would be right, to be said after the value.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        match EnvFilter::try_new(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(error) => Err(format!("it must be a log filter, like info or info,chatcore_server=debug ({error})")),
        }
    }

    /// All that somebody wants who looks for a fault.
    pub(crate) fn verbose() -> Self {
        Self("debug".into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn to_env_filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self("info".into())
    }
}

/// How to log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// The words for them.
pub(crate) const FORMATS: &[&str] = &["text", "json"];

impl Format {
    pub(crate) fn new(word: &str) -> Option<Self> {
        [Self::Text, Self::Json].into_iter().find(|format| format.as_str() == word)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => FORMATS[0],
            Self::Json => FORMATS[1],
        }
    }
}
