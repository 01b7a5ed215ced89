//! What comes of any input, for the fuzzer.

use std::ffi::OsString;
use std::path::Path;

use super::file;
use super::flags::Invocation;
use super::load::Loaded;
use crate::Config;

/// What settings that are right mean.
#[derive(Debug)]
pub struct Accepted {
    /// The library's part.
    pub config: Config,
    /// What `--print-config` prints.
    pub printed: String,
}

/// What is wrong with others.
#[derive(Debug)]
pub enum Refused {
    /// With the flags: what the program prints, which is also the help that is asked for.
    Flags(String),
    /// With the values: a line for each fault.
    Faults(Vec<String>),
}

/// Does with flags, variables and a file of this name and with these bytes what the program does, but for a look at the
/// files that they name.
///
/// # Errors
///
/// What the program would say.
pub fn outcome(
    flags: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    path: &Path,
    file: &[u8],
) -> Result<Accepted, Refused> {
    let args = [OsString::from("chatcore-server")].into_iter().chain(flags);
    let invocation = Invocation::new(args, variables).map_err(|error| Refused::Flags(error.render().to_string()))?;
    let text = file::text(path, file.into()).map_err(|fault| Refused::Faults(vec![fault.to_string()]))?;
    let loaded =
        Loaded::of_text(&invocation, path, &text).map_err(|faults| Refused::Faults(faults.lines().collect()))?;
    Ok(Accepted { config: loaded.settings.config(), printed: loaded.to_string() })
}
