//! The load generator at work, with little of everything: the figures are there, and no message is lost.
#![cfg(target_os = "linux")]

use std::process::Command;

use serde_json::Value;

/// Ours and the bare forwarder: they are always there.
const SERVERS: &str = "floor,chatcore";

fn load(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_chatcore-bench"))
        .args(["load", "--rounds", "2", "--crowd", "40", "--rate", "2000"])
        .args(if args.contains(&"--servers") { &[][..] } else { &["--servers", SERVERS] })
        .args(args)
        .output()
        .expect("the load generator runs")
}

#[test]
fn every_work_gives_its_figures() {
    let directory = tempfile::tempdir().unwrap();
    let output = load(&[
        "--json",
        "--members",
        "10",
        "--users",
        "8",
        "--seconds",
        "0.05",
        "--sizes",
        "16,2000",
        "--plot",
        directory.path().to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let sections = report["sections"].as_array().unwrap();
    let works: Vec<&str> = sections.iter().map(|section| section["work"].as_str().unwrap()).collect();
    assert_eq!(works, ["direct", "direct", "room", "latency", "idle", "many", "storm"]);
    let figure = |work: &str, server: usize, figure: &str| {
        let section = sections.iter().find(|section| section["work"] == work).unwrap();
        section["servers"][server]["figures"][figure]["median"].as_f64().unwrap_or_else(|| panic!("{work} {figure}"))
    };
    for server in [0, 1] {
        for work in ["direct", "room", "many"] {
            assert!(figure(work, server, "cpu_us_per_message") > 0.0, "{work}: {report:#}");
            assert!(figure(work, server, "messages_per_second") > 0.0, "{work}: {report:#}");
        }
        assert!(figure("latency", server, "latency_p50_us") > 1.0, "{report:#}");
        assert!(figure("latency", server, "latency_p50_us") <= figure("latency", server, "latency_p99_us"));
        assert!(figure("idle", server, "set_up_cpu_us_per_user") > 0.0, "{report:#}");
        assert!(figure("idle", server, "resident_kib_per_user") < 1000.0, "{report:#}");
        assert!(figure("storm", server, "return_cpu_us_per_user") > 0.0, "{report:#}");
    }
    let plots = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(plots, 2 + 1 + 2 + 2 + 1 + 1, "one for each figure that is compared");
}

#[test]
fn the_table_compares_with_the_floor() {
    let output = load(&["--work", "direct", "--seconds", "0.05", "--sizes", "64"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{table}");
    assert!(table.contains("× floor"), "{table}");
    let floor = table.lines().find(|line| line.trim_start().starts_with("floor ")).unwrap();
    assert!(floor.contains(" 1.00 "), "the floor is compared with itself: {table}");
    assert!(table.contains("chatcore-server 0."), "{table}");
}

#[test]
fn what_a_transport_costs_is_beside_tcp() {
    // Longer than what one record holds, and than what is encrypted at once.
    let works = ["--work", "direct,idle,storm", "--seconds", "0.05", "--sizes", "64,20000"];
    let output = load(&[&works[..], &["--servers", "chatcore,chatcore-tls,chatcore-ws,chatcore-wss"]].concat());
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{table}{}", String::from_utf8_lossy(&output.stderr));
    assert!(table.matches("× TCP").count() >= 4, "{table}");
    for over in [" over tls ", " over ws ", " over wss "] {
        let rows = table.lines().filter(|line| line.contains(over)).count();
        assert_eq!(rows, 4, "two sizes and two more works: {table}");
    }
}

#[test]
fn a_room_may_have_one_listener() {
    let output = load(&["--work", "room", "--seconds", "0.05", "--members", "2", "--senders", "1"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn who_does_not_start_is_named() {
    let output = load(&["--work", "idle", "--beside", "/nowhere/server"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("/nowhere/server does not start"), "{error}");
}

#[test]
fn only_our_server_gets_further_arguments() {
    // Too few users for the crowd: the floor lets it in all the same.
    let output = load(&["--work", "idle", "--seconds", "0.05", "--server-arg", "--sessions-max", "--server-arg", "10"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("chatcore-server"), "{error}");
    assert!(!error.contains("floor"), "{error}");

    let output = load(&["--work", "idle", "--seconds", "0.05", "--server-arg=--sessions-max=1000"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for (args, said) in [
        (["--users", "7"], "come in pairs"),
        (["--senders", "200"], "of --members there must be more"),
        (["--seconds", "0"], "must be 0.01"),
    ] {
        let output = load(&args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(said), "{args:?}: {error}");
    }
}
