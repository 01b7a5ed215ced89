//! What may stand after the `?` of an address to listen on.

use std::time::Duration;

/// What holds for all who connect to an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// They are proxies, and say so.
    pub(crate) is_proxied: bool,
    /// How long their sessions wait when their connections break, in place of the hub's time.
    pub(crate) resume_time_max: Option<Duration>,
    /// Who may connect to a Unix socket.
    #[cfg(unix)]
    pub(super) mode: Option<u32>,
}

/// What an option is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Proxy,
    Resume,
    /// Unix sockets alone can have it.
    #[cfg(unix)]
    Mode,
}

/// How the keys are written. No other key has an effect, so what begins with one of these after a path is no part of
/// it.
const KEYS: &[(&str, Key)] = &[
    ("proxy", Key::Proxy),
    ("resume", Key::Resume),
    #[cfg(unix)]
    ("mode", Key::Mode),
];

const UNITS_S: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60)];

const RESUME_DAYS_MAX: u64 = 49;

impl Options {
    /// What stands before the options, and these.
    ///
    /// # Errors
    ///
    /// What would be right.
    pub(super) fn split(rest: &str) -> Result<(&str, Self), String> {
        let Some((rest, options)) = rest.split_once('?') else { return Ok((rest, Self::default())) };
        let mut given = Self::default();
        given.take(options, false)?;
        Ok((rest, given))
    }

    /// The same after a path, which may have a `?` of its own.
    #[cfg(unix)]
    pub(super) fn split_from_path(rest: &str) -> Result<(&str, Self), String> {
        let key_of = |options: &str| Key::read(options.split('=').next().unwrap_or_default());
        let has_options = |(_, options): &(&str, &str)| key_of(options).is_some();
        let Some((path, options)) = rest.rsplit_once('?').filter(has_options) else {
            return Ok((rest, Self::default()));
        };
        let mut given = Self::default();
        given.take(options, true)?;
        Ok((path, given))
    }

    fn take(&mut self, options: &str, has_mode: bool) -> Result<(), String> {
        let mut keys = Vec::new();
        for option in options.split('&') {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            match Key::read(key) {
                Some(Key::Proxy) if value == "yes" => self.is_proxied = true,
                Some(Key::Resume) => self.resume_time_max = Some(time(value)?),
                #[cfg(unix)]
                Some(Key::Mode) if has_mode => self.mode = Some(mode(value)?),
                _ => return Err(format!("{option:?} is no option: {}", right(has_mode))),
            }
            if keys.contains(&key) {
                return Err(format!("the option {key} is there twice: once is right"));
            }
            keys.push(key);
        }
        Ok(())
    }
}

impl Key {
    fn read(written: &str) -> Option<Self> {
        KEYS.iter().find(|(known, _)| *known == written).map(|(_, key)| *key)
    }
}

/// What is right where something else is no option.
fn right(has_mode: bool) -> String {
    let proxy = "?proxy=yes is one, for an address at which proxies connect";
    let resume = "?resume=10m, for how long a user whose connection broke keeps its session";
    let all = if has_mode {
        format!("{proxy}, {resume}, and ?mode=660, for who may connect")
    } else {
        format!("{proxy}, and {resume}")
    };
    format!("{all}; between two of them comes &")
}

/// A number of seconds, minutes, hours or days.
fn time(given: &str) -> Result<Duration, String> {
    let (number, unit) = given.split_at(given.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(given.len()));
    let size = UNITS_S.iter().find(|(known, _)| *known == unit).map(|(_, size)| *size);
    let seconds = size.and_then(|size| number.parse::<u64>().ok()?.checked_mul(size));
    let seconds = seconds.filter(|seconds| *seconds <= RESUME_DAYS_MAX * 24 * 60 * 60);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        format!("{given:?} is no time: a number with s, m, h or d is one, like ?resume=10m, up to {RESUME_DAYS_MAX}d")
    })
}

/// The mode of a file, like 660.
#[cfg(unix)]
fn mode(given: &str) -> Result<u32, String> {
    let is_octal = (3..=4).contains(&given.len()) && given.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let mode = is_octal.then(|| u32::from_str_radix(given, 8)).and_then(Result::ok).filter(|mode| *mode <= 0o777);
    let right = "three octal digits are one, like ?mode=660 for the owner and the group of the socket";
    mode.ok_or_else(|| format!("{given:?} is no mode: {right}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_is_no_longer_than_a_welcome_can_tell() {
        for (given, seconds) in [("0s", 0), ("90s", 90), ("10m", 600), ("2h", 7_200), ("49d", 4_233_600)] {
            let given = format!("h:1?resume={given}");
            let (rest, options) = Options::split(&given).unwrap();
            assert_eq!((rest, options.resume_time_max), ("h:1", Some(Duration::from_secs(seconds))));
        }
        for given in ["", "10", "m", "-1s", "1.5h", "10 m", "10M", "50d", "18446744073709551615d", "1h1m"] {
            let error = Options::split(&format!("h:1?resume={given}")).unwrap_err();
            assert!(error.starts_with(&format!("{given:?} is no time: a number with s, m, h or d is one")), "{error}");
        }
    }

    #[test]
    fn options_come_in_any_order_and_each_once() {
        assert_eq!(Options::split("h:1"), Ok(("h:1", Options::default())), "and there may be none");
        let both = Options { is_proxied: true, resume_time_max: Some(Duration::from_secs(60)), ..Options::default() };
        for given in ["h:1?proxy=yes&resume=1m", "h:1?resume=1m&proxy=yes"] {
            assert_eq!(Options::split(given), Ok(("h:1", both)));
        }
        let twice = Options::split("h:1?resume=1m&resume=2m").unwrap_err();
        assert_eq!(twice, "the option resume is there twice: once is right");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_may_have_options_and_a_question_mark_of_its_own() {
        let resume_time_max = Some(Duration::from_secs(3_600));
        let all = Options { is_proxied: true, resume_time_max, mode: Some(0o660) };
        assert_eq!(Options::split_from_path("/a?b?resume=1h&mode=660&proxy=yes"), Ok(("/a?b", all)));
        assert_eq!(Options::split_from_path("/a?b"), Ok(("/a?b", Options::default())));
        let error = Options::split_from_path("/a?mode=660&b").unwrap_err();
        assert!(error.starts_with("\"b\" is no option: ?proxy=yes is one"), "{error}");
        assert!(error.contains("and ?mode=660, for who may connect"), "{error}");
        for (name, _) in KEYS {
            let without_value = Options::split_from_path(&format!("/a?{name}")).map(|(path, _)| path.to_owned());
            assert!(without_value.is_err(), "the key {name} is taken for a part of a path: {without_value:?}");
        }
    }

    #[test]
    fn an_address_without_a_path_has_no_mode_and_none_is_called_right_there() {
        let error = Options::split("h:1?mode=660").unwrap_err();
        assert!(error.starts_with("\"mode=660\" is no option: ?proxy=yes is one"), "{error}");
        assert!(!error.contains("?mode"), "{error}");
    }
}
