//! What can be chosen about the log.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// Bytes of a filter, at the most. The work of reading one grows with the square of them.
const FILTER_BYTES_MAX: usize = 4096;

/// What to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter(String);

impl Filter {
    /// # Errors
    ///
    /// What would be right, to be said after the value.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        const RIGHT: &str = "it must be a log filter, like info or info,chatcore_server=debug";
        if text.len() > FILTER_BYTES_MAX {
            return Err(format!("{RIGHT}, of at most {FILTER_BYTES_MAX} bytes"));
        }
        // A word alone would be taken for a part of the program, of which all is logged, and of others nothing.
        let is_part = |directive: &&str| !directive.contains(['=', '[']) && directive.parse::<LevelFilter>().is_err();
        if let Some(part) = text.split(',').map(str::trim).find(is_part) {
            return Err(format!("{RIGHT} ({part:?} is no level: error, warn, info, debug, trace or off)"));
        }
        match read(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(error) => Err(format!("{RIGHT} ({error})")),
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
        read(&self.0).expect("it was read before")
    }
}

/// Values of fields are compared as they are: a pattern could take any time to be read. Blanks around a directive are
/// left out, because the parser counts from the first letter after them in the text with them: it takes other names for
/// the parts of the program, or panics.
fn read(text: &str) -> Result<EnvFilter, ParseError> {
    let directives: Vec<_> = text.split(',').map(str::trim).collect();
    EnvFilter::builder().with_regex(false).parse(directives.join(","))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_no_filter() {
        for right in ["info", "off", "INFO", "info,chatcore_server=debug", "warn,chatcore_server::server[{conn}]=trace"]
        {
            assert!(Filter::new(right).is_ok(), "{right}");
        }
        for wrong in ["loud", "none", "info,chatcore_server", "chatcore_server=loud"] {
            let right = Filter::new(wrong).expect_err(wrong);
            assert!(right.contains("like info or info,chatcore_server=debug"), "{right}");
        }
        assert!(Filter::new("\na\u{e9}=B[c*\u{fffd}-").is_err());
        let long = "info,".repeat(FILTER_BYTES_MAX);
        assert!(Filter::new(&long).unwrap_err().contains("at most 4096 bytes"));
    }

    #[test]
    fn blanks_around_a_part_of_a_filter_mean_nothing() {
        let read = |text: &str| Filter::new(text).unwrap().to_env_filter().to_string();
        assert_eq!(read("info, chatcore_server=debug "), read("info,chatcore_server=debug"));
    }
}
