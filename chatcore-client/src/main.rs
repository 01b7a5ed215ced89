//! The program is a module of the library, so that fuzzing can reach what reads keys and shows what others send.

use std::process::ExitCode;

fn main() -> ExitCode {
    chatcore_client::program::main()
}
