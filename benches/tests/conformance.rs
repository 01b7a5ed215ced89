//! The dialogues, played by the program with our programs over real sockets.
#![cfg(target_os = "linux")]

use std::net::TcpListener;
use std::process::{Command, Output};

use chatcore_server::{Config as ServerConfig, Handle, Server};

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
    let [server, client] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert!(server.contains(" dialogues passed, ") && client.contains(" dialogues passed"), "{told}");
    // No flag asks for credentials, lets a user have several sessions, or decides about requests; and none makes a
    // client take shorter frames.
    for (line, left_out) in [(server, 6), (client, 1)] {
        let end = format!(", {left_out} left out that need another configuration (--list, --config)");
        assert!(line.ends_with(&end), "{line}");
    }
}

/// Where something listens that is no server.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || drop(listener.accept()));
    address
}

#[test]
fn a_server_that_is_none_fails_and_is_told_where() {
    let address = nobody();
    let output = conformance(&["--server", &address, "--only", "ack-beyond"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(told.contains("FAIL hub/requests.txt, line ") && told.contains("0 of 1 dialogues passed"), "{told}");
}

/// A server of ours that runs as long as this.
struct Running {
    address: String,
    handle: Handle,
}

impl Running {
    fn start() -> Self {
        let server = Server::bind(ServerConfig::default().with_listen(["127.0.0.1:0"])).unwrap();
        let (address, handle) = (server.local_addrs()[0].to_string(), server.handle());
        std::thread::spawn(move || server.run().unwrap());
        Self { address, handle }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shut_down();
    }
}

#[test]
fn a_dialogue_goes_through_a_program_that_carries_its_bytes() {
    let server = Running::start();
    // The shell's own client for TCP.
    let carry =
        |filter: &str| format!("bash -c 'exec 3<>/dev/tcp/${{0/:/\\/}}; {filter} <&0 >&3 & exec cat <&3' {{address}}");
    let play = |through: &str| {
        let args = ["--server", &server.address, "--only", "send-user,send-body", "--patience", "10"];
        conformance(&[&args[..], &["--through", through]].concat())
    };
    let output = play(&carry("cat"));
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("2 of 2 dialogues passed"), "{output:?}");
    // The first byte is lost on the way.
    let output = play(&carry("dd bs=1 skip=1 status=none"));
    assert!(text(&output.stdout).contains("0 of 2 dialogues passed"), "{output:?}");
    // A program that is none has ended.
    let output = play("/nowhere/client {address}");
    assert!(text(&output.stdout).contains("0 of 2 dialogues passed"), "{output:?}");

    let output = conformance(&["--through", "cat"]);
    assert!(text(&output.stderr).contains("--server"), "{output:?}");
}

#[test]
fn a_dialogue_that_needs_a_configuration_is_played_with_a_server_that_has_it() {
    let only = ["--server", &nobody(), "--only", "register-full"];
    let output = conformance(&only);
    let told = text(&output.stdout);
    assert!(
        output.status.success() && told.contains("0 of 0 dialogues passed, 1 left out that need another"),
        "{told}"
    );
    let told = text(&conformance(&[&only[..], &["--config", "sessions_max=1"]].concat()).stdout);
    assert!(told.contains("FAIL hub/limits.txt") && told.contains("0 of 1 dialogues passed\n"), "{told}");
    let listed = text(&conformance(&["--list", "--only", "register-full"]).stdout);
    assert!(listed.ends_with(" (config sessions_max=1)\n"), "{listed}");

    for (wrong, error) in
        [("sessions_max=1", "--config is for --server or --client"), ("users=1", "there is no setting")]
    {
        let output = conformance(&["--config", wrong]);
        assert!(!output.status.success() && text(&output.stderr).contains(error), "{output:?}");
    }
}

#[test]
fn a_rule_that_is_not_there_is_refused() {
    let output = conformance(&["--list", "--only", "no-rule"]);
    assert!(
        !output.status.success() && text(&output.stderr).contains("no dialogue is about \"no-rule\""),
        "{output:?}"
    );
}
