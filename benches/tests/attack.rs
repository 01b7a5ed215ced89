//! The attack bench at work: its table is whole, and it fails when a goal is missed. How the server fares is for the
//! bench itself to say, on a machine that does nothing else.
#![cfg(target_os = "linux")]

use std::process::{Command, Output};

fn attack(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chatcore-bench")).arg("attack").args(args).output().expect("the attack bench runs")
}

/// The cells of each row, without those of the head.
fn rows(output: &Output) -> Vec<Vec<String>> {
    let table = String::from_utf8_lossy(&output.stdout);
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn every_kind_of_script_attacks_beside_fair_users() {
    let output = attack(&["--quick", "--seconds", "0.3", "--quiet-seconds", "0.3", "--pairs", "5"]);
    let rows = rows(&output);
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["send-room", "ping", "names-send", "resume-full", "register-vanish"], "{output:?}");
    for row in &rows {
        let latencies: Vec<f64> = row[2].split('/').map(|figure| figure.trim().parse().unwrap()).collect();
        assert!(latencies[0] > 0.0 && latencies.is_sorted(), "fair users talk before the attack: {row:?}");
        assert_eq!(row[6], "0", "no fair message is lost: {row:?}");
        assert!(row[11].starts_with("PASS") || row[11].starts_with("MISS"), "{row:?}");
    }
    let has_worked = |row: &Vec<String>| row[8] != "0" || row[9] != "0";
    assert!(rows.iter().all(has_worked), "something was sent, or connections were made: {rows:?}");
    let is_passed = rows.iter().all(|row| row[11] == "PASS");
    assert_eq!(output.status.success(), is_passed, "{output:?}");
}

#[test]
fn connections_that_never_become_sessions_attack_over_tls_and_websocket() {
    for (over, only) in [
        ("tls", "silent-inside,trickle-inside,handshakes,register-leave"),
        ("ws", "trickle,handshakes,register-leave,resume-full,page,page-long,page-unfinished"),
        ("wss", "handshakes,register-leave,page,page-long"),
    ] {
        attack_over(over, only);
    }
}

fn attack_over(over: &str, only: &str) {
    let few = ["--connections", "3", "--seconds", "1.2", "--quiet-seconds", "0.3", "--pairs", "5"];
    let output = attack(&[&few[..], &["--over", over, "--only", only]].concat());
    let rows = rows(&output);
    assert_eq!(rows.len(), only.split(',').count(), "{output:?}");
    for row in &rows {
        let before: Vec<f64> = row[2].split('/').map(|figure| figure.trim().parse().unwrap()).collect();
        assert!(before[0] > 0.0, "fair users talk over {over}: {row:?}");
        assert_eq!(row[6], "0", "no fair message is lost: {row:?}");
        assert!(row[9].parse::<u64>().unwrap() > 3, "one connection follows another: {row:?}");
    }
    assert!(String::from_utf8_lossy(&output.stdout).contains(&format!(" attacks over {over} in ")), "{output:?}");
}

#[test]
fn frames_in_small_pieces_attack() {
    for (over, only) in [("tcp", "trickle-frame"), ("wss", "trickle-frame,tls-records"), ("tls", "tls-records")] {
        let few = ["--connections", "2", "--seconds", "1", "--quiet-seconds", "0.3", "--pairs", "5"];
        let output = attack(&[&few[..], &["--over", over, "--only", only]].concat());
        let rows = rows(&output);
        assert_eq!(rows.len(), only.split(',').count(), "{output:?}");
        // The fair users talk, nobody is ended, and nothing is lost.
        assert!(rows.iter().all(|row| row[5] == "0" && row[6] == "0"), "over {over}: {rows:?}");
    }
}

#[test]
fn the_server_gets_the_surroundings_that_an_attack_needs() {
    let few = ["--connections", "2", "--seconds", "0.3", "--quiet-seconds", "0.1", "--pairs", "1"];
    let output = attack(&[&few[..], &["--only", "full-log,descriptors"]].concat());
    let rows = rows(&output);
    assert_eq!(rows.len(), 2, "{output:?}");
    // So many files that the fair users and the bystanders have come in, and not as many as there are connections.
    assert!(rows.iter().all(|row| row[6] == "0" && row[9] != "0"), "{output:?}");
}

#[test]
fn an_attack_is_refused_over_a_transport_that_lacks_what_it_attacks() {
    for (args, words) in [
        (&["--only", "handshakes"][..], "\"handshakes\" needs a handshake, and tcp has none"),
        (&["--only", "page", "--over", "tls"], "\"page\" needs a WebSocket, and tls has none"),
        (&["--only", "tls-records", "--over", "ws"], "\"tls-records\" needs TLS, and ws has none"),
    ] {
        let output = attack(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(words), "{error}");
    }
}

#[test]
fn a_missed_goal_fails_the_run() {
    let args = ["--seconds", "0.1", "--quiet-seconds", "0.1", "--pairs", "1", "--connections", "1"];
    let output = attack(&[&args[..], &["--only", "ack", "--memory-max", "1"]].concat());
    assert!(rows(&output)[0][11].contains("memory"), "{output:?}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_does_not_start_is_named() {
    let output = attack(&["--only", "ping", "--server", "/nowhere/server"]);
    assert!(!output.status.success());
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("/nowhere/server does not start"), "{output:?}");
}

#[test]
fn an_attack_that_is_not_there_is_refused() {
    let output = attack(&["--only", "ping,pong"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("no attack \"pong\""), "{error}");
}
