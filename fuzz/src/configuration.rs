//! Any configuration, from a file, from flags and from variables.

use std::ffi::OsString;
use std::path::Path;

use chatcore_server::BindError;
use chatcore_server::program::{Accepted, Refused, outcome};

/// Up to the first byte of zero comes the file. The parts between more of them are flags if they begin with a hyphen,
/// and variables with their values if they have a `=`.
///
/// What is accepted is printed as a file that means the same. Each fault is one line, which names its place and says
/// what would be right.
pub fn configuration(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0);
    let file = parts.next().unwrap_or_default();
    let (mut flags, mut variables) = (Vec::new(), Vec::new());
    for part in parts {
        let part = String::from_utf8_lossy(part);
        if part.starts_with('-') {
            flags.push(OsString::from(&*part));
        } else if let Some((name, value)) = part.split_once('=') {
            variables.push((OsString::from(name), OsString::from(value)));
        }
    }
    match outcome(flags, variables, Path::new(PATH), file) {
        Ok(accepted) => check_accepted(&accepted),
        Err(Refused::Flags(said)) => assert!(!said.is_empty(), "it is said what is wrong with the flags"),
        Err(Refused::Faults(lines)) => check_faults(&lines),
    }
}

/// The name that the file has.
const PATH: &str = "FILE";

/// Lines of faults, and one that counts the others.
const LINES_MAX: usize = 51;

/// Letters that are left of a longer line.
const CUT_LETTERS_MIN: usize = 1000;

/// Letters of a line, and those of what a control character in it becomes.
const LETTERS_MAX: usize = 1000 * "\\u{9f}".len();

fn check_accepted(accepted: &Accepted) {
    let mut faults = accepted.config.faults();
    // The files with a certificate are not read here.
    faults.retain(|error| !matches!(error, BindError::NoCertificate { .. }));
    assert!(faults.is_empty(), "the library can work with it: {faults:?}");
    let again = outcome([], [], Path::new(PATH), accepted.printed.as_bytes());
    let again = again.unwrap_or_else(|refused| panic!("{refused:?}:\n{}", accepted.printed));
    // Who decides about clients is another one each time.
    let config = |accepted: &Accepted| accepted.config.clone().with_log_in(None);
    assert_eq!(config(&again), config(accepted));
    assert_eq!(values(&again), values(accepted), "all that is printed is the same, but for where it comes from");
}

/// The lines without the last comments.
fn values(accepted: &Accepted) -> Vec<&str> {
    let lines = accepted.printed.lines().filter(|line| !line.starts_with('#') || line.ends_with(" is not set"));
    lines.map(|line| line.rsplit_once("  # ").map_or(line, |(value, _)| value)).collect()
}

fn check_faults(lines: &[String]) {
    assert!((1..=LINES_MAX).contains(&lines.len()), "{lines:#?}");
    for line in lines {
        assert!(!line.contains(char::is_control) && line.chars().count() <= LETTERS_MAX, "{line:?}");
        let is_count = |words: &str| words.strip_suffix(" more").is_some_and(|count| count.parse::<usize>().is_ok());
        if line.strip_prefix("and ").is_some_and(is_count) {
            continue;
        }
        let place = ["FILE:", "--", "CHATCORE_", "RUST_LOG"];
        assert!(place.iter().any(|place| line.starts_with(place)), "no place: {line}");
        // A value that fills a line by itself, and is named twice, may leave no room for the words between.
        let is_cut = line.contains(" … ") && line.chars().count() > CUT_LETTERS_MIN;
        assert!(is_cut || RIGHT.iter().any(|words| line.contains(words)), "nothing that would be right: {line}");
    }
}

/// One of these is in each sentence that says what would be right.
const RIGHT: [&str; 26] = [
    "must be ",
    "it needs a unit",
    "must have",
    "is the nearest",
    "--print-config shows all",
    "at the top",
    " comes ",
    " come ",
    " is too many",
    "write ",
    " ends with ",
    " begins with ",
    " begin with ",
    "has quotes",
    "has digits alone",
    "has letters",
    "remove one of the two",
    " needs ",
    " is one",
    " are one",
    " only tcp",
    "lower sessions_max",
    "give at least one",
    "cannot be a name: ",
    "a line looks like",
    " as in ",
];
