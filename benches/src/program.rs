//! Programs: where they are, and which version they have.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};

/// Builds `chatcore-server` in the profile of this program, and tells where it is.
pub(crate) fn build_server() -> Result<PathBuf> {
    build("chatcore-server")
}

/// Builds a program of this workspace, which has the name of its package, and tells where it is.
pub(crate) fn build(name: &str) -> Result<PathBuf> {
    let program = env::current_exe()?.with_file_name(name);
    // `cargo run` sets it. Without it, an earlier build is taken.
    if let Some(cargo) = env::var_os("CARGO") {
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--package", name, "--bin", name]);
        command.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        if !command.status()?.success() {
            return Err(Failure::new(format_args!("{name} cannot be built")));
        }
    }
    if !program.exists() {
        return Err(Failure::new(format_args!("{} is not there: build it first", program.display())));
    }
    Ok(program)
}

/// Where a program is installed, if it is. Servers are often where only administrators look.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    directories.map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// The first number with dots in what a program prints for `--version`; empty if there is none.
pub(crate) fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.map(|word| word.trim_matches('.')).find(|word| word.contains('.')).unwrap_or_default().to_owned()
}
