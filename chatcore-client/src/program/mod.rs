//! The chat client as a program: for people at a terminal, and a filter for scripts. It is no part of the library's
//! interface.

mod args;
mod command;
mod config;
mod console;
mod descriptors;
mod escape;
mod failure;
mod files;
mod full;
mod input;
mod nearest;
mod panics;
mod password;
mod report;
mod requests;
mod session;
mod signals;
mod state;
mod stop;
mod terminal;
mod time;
mod turn;
mod writer;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;

use self::args::Args;
use self::descriptors::write_within;
use self::escape::escape;
use self::failure::Failure;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub use self::full::Trial;
use self::password::Password;
use self::report::Report;
use self::session::Session;
use self::stop::LAST_WORDS_TIME_MAX;
use self::terminal::Settings;
use crate::Endpoint;

/// What the shell is told when the command line is wrong.
const USAGE: u8 = 2;

/// Runs the program, and says what to exit with.
pub fn main() -> ExitCode {
    let mut args = Args::of_process();
    if let Err(faults) = config::load(&mut args) {
        for fault in faults {
            // Where nobody reads the words, the exit code still tells.
            let _ = writeln!(io::stderr(), "chatcore-client: {fault}");
        }
        return ExitCode::from(USAGE);
    }
    let terminal = args.is_interactive().then(Settings::save).flatten();
    let needed = if args.password.needs_name() {
        Some("--name NAME is needed: whose password is it?")
    } else if terminal.is_none() {
        Some("without a terminal to ask on, --name NAME is needed")
    } else {
        None
    };
    if let Some(needed) = needed.filter(|_| args.name.is_none()) {
        let _ = Args::command().error(clap::error::ErrorKind::MissingRequiredArgument, needed).print();
        return ExitCode::from(USAGE);
    }
    // If it cannot be, the program works as well, as long as no file is too long.
    let _ = signals::outlive_long_files();
    panics::tell(terminal.clone());
    let outcome = if args.password.is_about_keyring() { change_keyring(&args) } else { chat(&args, terminal.clone()) };
    // What is said from here on is said on a terminal as it was.
    drop(terminal);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.has_no_reader() => ExitCode::SUCCESS,
        Err(failure) => {
            // Where nobody reads the words, the exit code still tells.
            let words = format!("chatcore-client: {}\n", escape(failure.to_string().as_bytes()));
            write_within(LAST_WORDS_TIME_MAX, io::stderr(), words.into_bytes());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn chat(args: &Args, terminal: Option<Settings>) -> Result<(), Failure> {
    let password = Password::of(&args.password, &server(args), args.name.as_deref()).map_err(Failure::Password);
    let session = password.and_then(|password| Session::start(args, password, terminal));
    session.inspect_err(|failure| show_closed(args, failure))?.run(args.exit_status)
}

/// Tells a program that nothing follows, where nobody else writes the output.
fn show_closed(args: &Args, failure: &Failure) {
    if args.json {
        let closed = Report::Closed { reason: failure.reason().to_owned() };
        write_within(LAST_WORDS_TIME_MAX, io::stdout(), (closed.json() + "\n").into_bytes());
    }
}

fn change_keyring(args: &Args) -> Result<(), Failure> {
    let name = args.name.as_deref().unwrap_or_default();
    let done = args.password.change_keyring(&server(args), name).map_err(Failure::Password);
    let done = done.inspect_err(|failure| show_closed(args, failure))?;
    writeln!(io::stdout(), "{}", escape(done.as_bytes())).map_err(Failure::Output)
}

/// The address in the form that all texts for it have in common.
fn server(args: &Args) -> String {
    let address = args.address();
    address.parse::<Endpoint>().map_or_else(|_| address.to_owned(), |endpoint| endpoint.to_string())
}
