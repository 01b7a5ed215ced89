//! The program is a module of the library, so that fuzzing can reach what reads keys and shows what others send.

#[cfg(unix)]
use std::process::ExitCode;

#[cfg(not(unix))]
compile_error!(
    "the program `chatcore-client` is for Unix systems: Linux, macOS and the BSDs, and Linux in Windows. The library is for \
     others, too: take it with `default-features = false` and the features that you need"
);

#[cfg(unix)]
fn main() -> ExitCode {
    chatcore_client::program::main()
}
