//! The program around the library: flags, logs, signals, exit codes.

mod args;
#[cfg(feature = "tls")]
mod tls_files;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::thread;

use chatcore_server::{BindError, Handle, Server};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use tracing_subscriber::EnvFilter;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    start_logging(&args.log);
    let config = args.config();
    #[cfg(feature = "tls")]
    let config = match args.tls() {
        None => config,
        Some((certificate, key)) => match tls_files::load(certificate, key) {
            Ok(tls) => config.with_tls(Some(tls)),
            Err(error) => return failure(&error),
        },
    };
    let server = match Server::bind(config) {
        Ok(server) => server,
        Err(
            error @ (BindError::Limits(_) | BindError::Driver(_) | BindError::NoAddress | BindError::Syntax { .. }),
        ) => usage(&error),
        Err(error @ BindError::Memory { .. }) => usage(&format_args!(
            "{error}; the flags are --users-max, --connections-max, --buffer-bytes-max, --memberships-max, \
             --hub-watches-max, --rooms-max and --memory-bytes-max"
        )),
        #[cfg(feature = "tls")]
        Err(error @ BindError::NoCertificate { .. }) => {
            usage(&format_args!("{error}; the flags are --tls-cert and --tls-key"))
        }
        Err(error) => return failure(&error),
    };
    if let Err(error) = stop_on_signals(server.handle()) {
        return failure(&format_args!("cannot wait for signals: {error}"));
    }
    announce(&server);
    match server.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&format_args!("the system does not report events any more: {error}")),
    }
}

/// Tells where the server listens, for people and for programs that have asked for port 0. Nobody has to
/// read it: the server serves even if stdout is closed.
fn announce(server: &Server) {
    let mut stdout = io::stdout().lock();
    for endpoint in server.endpoints() {
        let _ = writeln!(stdout, "listening on {endpoint}");
    }
    let _ = stdout.flush();
}

fn start_logging(filter: &str) {
    let filter = match EnvFilter::try_new(filter) {
        Ok(filter) => filter,
        Err(error) => {
            usage(&format_args!("{filter:?} is not a log filter ({error}): info is, or chatcore_server=debug"))
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // It would print to stderr that printing to stderr failed, and panic over it.
        .log_internal_errors(false)
        .init();
}

/// The first signal stops the server, the second the process.
fn stop_on_signals(server: Handle) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            server.shut_down();
        }
        if let Some(signal) = signals.next() {
            // It ends the process, or the signal does nothing.
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

/// The command line is wrong: exits with 2.
fn usage(error: &dyn std::fmt::Display) -> ! {
    Args::command().error(ErrorKind::ValueValidation, error).exit()
}

/// Something else is wrong: one line, and 1 to exit with.
fn failure(error: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "chatcore-server: {error}");
    ExitCode::FAILURE
}
