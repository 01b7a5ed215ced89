//! The dialogues, played by the program with our programs over real sockets.
#![cfg(target_os = "linux")]

use std::net::TcpListener;
use std::process::{Command, Output};

fn conformance(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatcore-bench"));
    command.arg("conformance").args(args).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn our_programs_pass_all_that_takes_no_long_time() {
    let output = conformance(&["--wait-max", "2"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines.iter().all(|line| line.contains(" dialogues passed")), "{told}");
}

#[test]
fn a_server_that_is_none_fails_and_is_told_where() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || drop(listener.accept()));
    let output = conformance(&["--server", &address, "--only", "ack-beyond"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(told.contains("FAIL hub/requests.txt, line ") && told.contains("0 of 1 dialogues passed"), "{told}");
}

#[test]
fn a_rule_that_is_not_there_is_refused() {
    let output = conformance(&["--list", "--only", "no-rule"]);
    assert!(
        !output.status.success() && text(&output.stderr).contains("no dialogue is about \"no-rule\""),
        "{output:?}"
    );
}
