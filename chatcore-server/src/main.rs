//! The chat server as a program.

mod args;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::thread;

use chatcore_server::{BindError, Handle, Server};
use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::Args;

/// What the shell is told when the command line is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(error) = start_log(&args.log) {
        eprintln!("chatcore-server: --log {}: {error}", args.log);
        return ExitCode::from(USAGE);
    }
    let server = match Server::bind(args.into_config()) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("chatcore-server: {error}");
            let usage = matches!(error, BindError::Limits(_) | BindError::Zero { .. });
            return if usage { ExitCode::from(USAGE) } else { ExitCode::FAILURE };
        }
    };
    match announce(&server).and_then(|()| stop_on_signals(server.handle())).and_then(|()| server.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatcore-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start_log(filter: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = tracing_subscriber::EnvFilter::builder().parse(filter)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    Ok(())
}

/// Says where to connect. Whoever started the server and does not want to know may have closed its output.
fn announce(server: &Server) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for address in server.local_addrs()? {
        match writeln!(stdout, "listening on tcp {address}").and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The first signal asks everybody to leave; the second ends the program at once.
fn stop_on_signals(handle: Handle) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 || handle.shut_down().is_err() {
                std::process::exit(128 + signal);
            }
        }
    })?;
    Ok(())
}
