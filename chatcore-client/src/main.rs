//! The chat client as a program: for people at a terminal, and a filter for scripts.

mod args;
mod command;
mod escape;
mod input;
mod report;
mod screen;
mod session;
mod terminal;

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::Args;
use crate::screen::Screen;
use crate::session::Session;

/// What the shell is told when the command line is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    let interactive = args.is_interactive();
    if args.name.is_none() && !interactive {
        let error = Args::command().error(
            clap::error::ErrorKind::MissingRequiredArgument,
            "without a terminal to ask on, --name NAME is needed",
        );
        let _ = error.print();
        return ExitCode::from(USAGE);
    }
    let settings = interactive.then(terminal::Settings::save).flatten();
    let outcome = Session::start(&args, interactive).and_then(Session::run);
    if let Some(settings) = settings {
        settings.restore();
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads our output has gone: there is nobody to tell.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            Screen::last_words(interactive, &error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Why the program ends with an error: one line each.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Connect(#[from] chatcore_client::ConnectError),
    #[error("{name}: {detail}")]
    Refused { name: String, detail: String },
    #[error("{0}")]
    Closed(chatcore_client::Closed),
    #[error("{0} of the messages sent were not answered in time")]
    Unanswered(usize),
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    #[error("cannot start: {0}")]
    Start(io::Error),
}
