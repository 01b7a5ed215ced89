//! The configuration file: servers by name, and how the screen looks. A flag comes before a variable, and that before
//! the file.
//!
//! `place` finds the file, `parse` reads it with the `keys` that a server may have, and `faults` collects what is
//! wrong.

mod faults;
mod keys;
mod parse;
mod place;
mod values;

use std::path::Path;

use self::faults::{Fault, Faults};
use self::keys::Server;
use self::parse::Config;
use crate::Endpoint;
use crate::program::args::Args;
use crate::program::nearest::nearest;

/// Adds to the arguments what the file says of the server that they choose, and how the screen is to look.
///
/// # Errors
///
/// All that is wrong, a line each.
pub(crate) fn load(args: &mut Args) -> Result<(), Vec<String>> {
    let place = place::of(args.config.as_deref());
    let result = match &place {
        Some(place) => place::read(place).and_then(|text| match text {
            Some(text) => apply(args, &place.path, &text),
            None => none(args, &place.path),
        }),
        None => none(args, Path::new("client.toml")),
    };
    result.map_err(Faults::lines)
}

/// There is no file, which is well if nothing of it is wanted.
fn none(args: &Args, path: &Path) -> Result<(), Faults> {
    match &args.server {
        Some(server) => Err(Fault::new(format!("{}: {}", unknown(server, &Config::default()), no_file(path))).into()),
        None => Ok(()),
    }
}

fn no_file(path: &Path) -> String {
    format!("the file {} is not there, where each has a part like [servers.work]", path.display())
}

fn apply(args: &mut Args, path: &Path, text: &str) -> Result<(), Faults> {
    let mut config = parse::parse(path, text)?;
    args.screen = std::mem::take(&mut config.screen);
    let chosen = match (&args.server, &args.connect) {
        (Some(server), _) => Some(server),
        (None, None) => config.default.as_ref(),
        // Who names an address wants no other server.
        (None, Some(_)) => None,
    };
    let Some(chosen) = chosen else { return Ok(()) };
    let Some(server) = config.servers.remove(chosen) else {
        return Err(Fault::new(format!("{}: {}", unknown(chosen, &config), there_are(path, &config))).into());
    };
    fill(args, server);
    Ok(())
}

/// That there is no such server, and what was meant, if that is clear.
fn unknown(server: &str, config: &Config) -> String {
    match nearest(server, config.servers.keys()) {
        _ if server.parse::<Endpoint>().is_ok() => {
            format!("there is no server {server:?}; --connect {server} connects to an address")
        }
        Some(nearest) => format!("there is no server {server:?}; {nearest} is the nearest"),
        None => format!("there is no server {server:?}"),
    }
}

fn there_are(path: &Path, config: &Config) -> String {
    let names: Vec<_> = config.servers.keys().map(String::as_str).collect();
    match &names[..] {
        [] => format!("{} has none, which would be a part like [servers.work]", path.display()),
        names => format!("{} has {}", path.display(), names.join(", ")),
    }
}

/// Takes of a server what the arguments do not say.
fn fill(args: &mut Args, server: Server) {
    // What belongs to an address, and secrets above all, goes to no other.
    let is_elsewhere = args.connect.as_ref().is_some_and(|connect| !is_same(connect, &server.connect));
    args.name = args.name.take().or(server.name);
    args.rooms = server.rooms;
    args.reconnect_for = args.reconnect_for.or(server.reconnect_for);
    args.history = server.history;
    if is_elsewhere {
        return;
    }
    args.connect = Some(server.connect);
    args.ca = args.ca.take().or(server.ca);
    if args.cert.is_none() {
        (args.cert, args.key) = server.certificate.unzip();
    }
    if args.follow.is_empty() {
        args.follow = server.follow;
    }
    if !args.password.is_given() && !args.password.is_about_keyring() {
        args.password = server.password.unwrap_or_default();
    }
}

/// Whether two texts are for one address.
fn is_same(a: &str, b: &str) -> bool {
    matches!((a.parse::<Endpoint>(), b.parse::<Endpoint>()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests;
