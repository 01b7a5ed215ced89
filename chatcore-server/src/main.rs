//! The program is a module of the library, so that fuzzing can reach what reads its settings.

use std::process::ExitCode;

fn main() -> ExitCode {
    chatcore_server::program::main()
}
