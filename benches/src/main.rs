//! The load generator: what a running server costs for each message, beside others (`load --help`). And what the core
//! alone costs, in instructions.

#[cfg(target_os = "linux")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "these are figures for people, and no count comes near the limits of its type"
)]
mod attack;
#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod conform;
#[cfg(target_os = "linux")]
mod failure;
#[cfg(target_os = "linux")]
mod floor;
#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "no count comes near the limits of its type")]
mod instructions;
#[cfg(target_os = "linux")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "these are figures for people, and no count comes near the limits of its type"
)]
mod latencies;
#[cfg(target_os = "linux")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "these are figures for people, and no count comes near the limits of its type"
)]
mod load;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod over;
#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "this is a figure for people")]
mod process;
#[cfg(target_os = "linux")]
mod program;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    use clap::Parser;

    /// Measures chat servers.
    #[derive(Debug, Parser)]
    #[command(version)]
    enum Command {
        /// Drives servers with a load, each in turn, and prints what a message costs them.
        Load(Box<load::Options>),
        /// Attacks chatcore-server, and fails if its other users notice more than they may.
        Attack(Box<attack::Options>),
        /// Plays the dialogues of the protocol with a server or a client, and fails if one fails.
        Conformance(Box<conform::Options>),
        /// Runs the bare forwarder that the others are compared with.
        Floor {
            /// Where to listen.
            #[arg(long, value_name = "ADDRESS:PORT")]
            listen: std::net::SocketAddr,
        },
        /// Counts the instructions of the core's benches with valgrind, and fails if they have become more.
        Instructions(instructions::Options),
        /// Does one of those this many times.
        #[command(hide = true)]
        Repeat { case: String, times: u32 },
    }

    let done = match Command::parse() {
        Command::Load(options) => load::run(&options),
        Command::Attack(options) => attack::run(&options),
        Command::Conformance(options) => conform::run(&options),
        Command::Floor { listen } => floor::run(listen).map_err(failure::Failure::from),
        Command::Instructions(options) => instructions::run(&options),
        Command::Repeat { case, times } => instructions::repeat(&case, times),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("chatcore-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("chatcore-bench: the load generator reads /proc, so it needs Linux; cargo bench works everywhere");
    std::process::ExitCode::FAILURE
}
