//! The program around the library: settings, the log, signals, exit codes. It is no part of the library's interface.

mod bind;
mod log;
mod log_in;
mod settings;
mod signals;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

pub use self::settings::{Accepted, Refused, outcome};

use self::log::Control;
use self::log_in::PasswordCommand;
use self::settings::{Action, Called, Faults, Invocation, Loaded};
use self::signals::Signals;
use crate::Endpoint;

/// What was asked for is wrong.
const USAGE: u8 = 2;

/// Does what the command line asks for, and says what to exit with.
pub fn main() -> ExitCode {
    let invocation = match Invocation::of_process() {
        Called::Serve(invocation) => invocation,
        Called::Password(command) => return passwords(&command),
    };
    if invocation.action != Action::Serve {
        invocation.unknown_variables().for_each(|line| warn(&line));
    }
    let loaded = match Loaded::load(&invocation) {
        Ok(loaded) => loaded,
        Err(faults) => return usage(&faults),
    };
    match invocation.action {
        Action::Serve => serve(invocation, loaded),
        Action::PrintConfig => print(&loaded),
        Action::CheckConfig => {
            loaded.warnings.iter().for_each(|line| warn(line));
            print(&"the configuration is right\n")
        }
    }
}

fn serve(invocation: Invocation, loaded: Loaded) -> ExitCode {
    let settings = &loaded.settings.log;
    let log = match Control::start(&settings.level, settings.format, settings.rates) {
        Ok(log) => log,
        Err(error) => return failure(&format_args!("cannot start the log: {error}")),
    };
    for line in invocation.unknown_variables() {
        tracing::warn!("{line}");
    }
    let outcome = run(invocation, loaded, &log);
    log.end();
    outcome
}

fn run(invocation: Invocation, mut loaded: Loaded, log: &Control) -> ExitCode {
    let open_files = crate::raise_open_files();
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    loaded.settings.apply_log_in();
    let server = match bind::bind(&mut loaded) {
        Ok(server) => server,
        Err(error) => {
            // What was logged before comes first.
            log.end();
            return failure(&error);
        }
    };
    match open_files {
        Ok(Some(open_files)) => tracing::info!("the system allows up to {open_files} open files"),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "cannot raise the limit on open files"),
    }
    let signals = Signals { invocation, settings: loaded.settings, log: log.clone(), server: server.handle() };
    if let Err(error) = signals.handle() {
        return failure(&format_args!("cannot wait for signals: {error}"));
    }
    announce(server.endpoints(), server.page_addresses());
    match server.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the system does not report events any more");
            ExitCode::FAILURE
        }
    }
}

/// Tells where the server listens, for people and for programs that have asked for port 0. Nobody has to read it: the
/// server serves even if stdout is closed, or full.
fn announce(endpoints: &[Endpoint], pages: &[String]) {
    let endpoints = endpoints.iter().map(|endpoint| format!("listening on {endpoint}\n"));
    let pages = pages.iter().map(|address| format!("chat in a browser at {address}\n"));
    let lines: String = endpoints.chain(pages).collect();
    let announce = move || {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush());
    };
    if let Err(error) = thread::Builder::new().name("announce".into()).spawn(announce) {
        tracing::warn!(%error, "cannot tell on stdout where the server listens");
    }
}

/// Prints something that was asked for.
fn print(text: &dyn fmt::Display) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&format_args!("cannot print it: {error}")),
    }
}

/// Changes the file of passwords.
fn passwords(command: &PasswordCommand) -> ExitCode {
    match command.run() {
        Ok(said) => print(&said),
        Err(error) => failure(&error),
    }
}

/// Something may be wrong: one line.
fn warn(line: &str) {
    let _ = writeln!(io::stderr(), "chatcore-server: warning: {line}");
}

/// The settings are wrong: a line for each fault.
fn usage(faults: &Faults) -> ExitCode {
    for line in faults.lines() {
        failure(&line);
    }
    ExitCode::from(USAGE)
}

/// Something else is wrong: one line, and 1 to exit with.
fn failure(error: &dyn fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "chatcore-server: {error}");
    ExitCode::FAILURE
}
