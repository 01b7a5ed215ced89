//! The chat client as a program: for people at a terminal, and a filter for scripts. It is no part of the library's
//! interface.

mod args;
mod command;
mod console;
mod escape;
mod failure;
mod full;
mod password;
mod report;
mod requests;
mod session;
mod signals;
mod state;
mod terminal;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::args::Args;
use self::escape::escape;
use self::failure::Failure;
use self::password::Password;
use self::report::Report;
use self::session::Session;
use self::terminal::Settings;

/// What the shell is told when the command line is wrong.
const USAGE: u8 = 2;

/// Runs the program, and says what to exit with.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let terminal = args.is_interactive().then(Settings::save).flatten();
    if args.name.is_none() && terminal.is_none() {
        let error = Args::command().error(
            clap::error::ErrorKind::MissingRequiredArgument,
            "without a terminal to ask on, --name NAME is needed",
        );
        let _ = error.print();
        return ExitCode::from(USAGE);
    }
    let password = Password::of(&args.password, args.name.as_deref()).map_err(Failure::Password);
    let outcome =
        password.and_then(|password| Session::start(&args, password, terminal.clone())).and_then(Session::run);
    // What is said from here on is said on a terminal as it was.
    drop(terminal);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has gone: there is nobody to tell.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            if args.json {
                let closed = Report::Closed { reason: failure.reason().to_owned() };
                let _ = writeln!(io::stdout(), "{}", closed.json());
            }
            // Where nobody reads the words, the exit code still tells.
            let _ = writeln!(io::stderr(), "chatcore-client: {}", escape(failure.to_string().as_bytes()));
            ExitCode::FAILURE
        }
    }
}
