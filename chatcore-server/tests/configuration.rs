//! The configuration of the program: where values come from, what is said when they are wrong, and what changes while
//! it runs.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use chatcore::wire::{ClientMessage, HubMessage, Preface, Register};
use chatcore::{Event, RefusalCode};
use tempfile::TempDir;

use support::{PROGRAM, Peer, Server, User};

/// A file in a folder of its own.
struct File(TempDir);

impl File {
    fn with(text: &str) -> Self {
        let file = Self(TempDir::new().unwrap());
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("server.toml")
    }

    /// A server with this file, on a free port.
    fn server(&self, flags: &[&str]) -> Server {
        let path = self.path();
        Server::start(&[&["--config", path.to_str().unwrap()], flags].concat())
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(self.path()).args(flags).env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn printed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.arg("--print-config").output().unwrap();
    assert_eq!((status.code(), text(&stderr)), (Some(0), String::new()));
    text(&stdout)
}

#[track_caller]
fn assert_line(printed: &str, line: &str) {
    assert!(printed.lines().any(|printed| printed == line), "no {line:?} in:\n{printed}");
}

/// How a registration for a name is refused.
fn refusal(server: &Server, name: &str) -> RefusalCode {
    let mut peer = Peer::connect(server.address());
    peer.put(&Preface::OURS.encode());
    peer.say(&ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }));
    peer.take_preface();
    match peer.take() {
        HubMessage::Refused(refused) => refused.code,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_flag_comes_before_a_variable_that_before_the_file_and_that_before_the_default() {
    let file = File::with("sessions_max = 10\nrooms_max = 11\nmembers_max = 12\n");
    let printed = printed(
        file.command(&["--sessions-max", "30"])
            .env("CHATCORE_SESSIONS_MAX", "20")
            .env("CHATCORE_ROOMS_MAX", "21")
            .env("CHATCORE_LISTEN", "127.0.0.1:1,localhost:2")
            .env("CHATCORE_IDLE_TIME_MAX", "90")
            .env("CHATCORE_STALL_TIME_MAX", "")
            .env("RUST_LOG", "warn"),
    );
    assert_line(&printed, "sessions_max = 30  # --sessions-max");
    assert_line(&printed, "rooms_max = 21  # CHATCORE_ROOMS_MAX");
    assert_line(&printed, &format!("members_max = 12  # {}:3", file.path().display()));
    assert_line(&printed, "memberships_max = 4000000  # default");
    assert_line(&printed, "listen = [\"127.0.0.1:1\", \"localhost:2\"]  # CHATCORE_LISTEN");
    assert_line(&printed, "idle_time_max = \"90s\"  # CHATCORE_IDLE_TIME_MAX");
    assert_line(&printed, "stall_time_max = \"60s\"  # default");
    assert_line(&printed, "log_level = \"warn\"  # RUST_LOG");
}

#[test]
fn the_file_can_be_named_by_a_variable_and_its_own_variable_comes_before_an_older_one() {
    let file = File::with("sessions_max = 10\n");
    let mut command = Command::new(PROGRAM);
    command.env("CHATCORE_CONFIG", file.path()).env("CHATCORE_LOG_LEVEL", "debug").env("RUST_LOG", "warn");
    let printed = printed(&mut command);
    assert_line(&printed, &format!("sessions_max = 10  # {}:1", file.path().display()));
    assert_line(&printed, "log_level = \"debug\"  # CHATCORE_LOG_LEVEL");
}

#[test]
fn a_check_says_that_all_is_right_or_each_fault_with_its_line() {
    let file = File::with("sessions_max = 10\n");
    let output = file.command(&["--check-config"]).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "the configuration is right\n"));

    file.write("sessions_max = 10\nroms_max = 5\nidle_time_max = \"10\"\n");
    for flags in [&["--check-config"][..], &["--listen", "127.0.0.1:0"]] {
        let output = file.command(flags).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(text(&output.stdout), "");
        let path = file.path();
        for line in [
            format!(
                "chatcore-server: {}:2: there is no setting \"roms_max\"; rooms_max is the nearest",
                path.display()
            ),
            format!("chatcore-server: {}:3: idle_time_max is \"10\": it needs a unit: \"10s\"", path.display()),
        ] {
            assert!(said.lines().any(|said| said.starts_with(&line)), "no {line:?} in:\n{said}");
        }
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}

#[test]
fn a_variable_that_the_server_does_not_know_is_told_and_hinders_nothing() {
    let file = File::with("");
    let told = "the server knows no variable CHATCORE_SESSION_MAX; CHATCORE_SESSIONS_MAX is the nearest";
    let output = file.command(&["--check-config"]).env("CHATCORE_SESSION_MAX", "5").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), format!("chatcore-server: warning: {told}\n"));

    let mut server = Server::listening(1, file.command(&["--listen", "127.0.0.1:0"]).env("CHATCORE_SESSION_MAX", "5"));
    server.logged(&["WARN", told]);
}

#[test]
fn a_reload_takes_over_what_can_change_and_says_what_cannot() {
    let file = File::with("sessions_max = 2\n");
    let mut server = file.server(&["--rooms-max", "50"]);
    let mut alice = User::registered(server.address(), "alice");
    User::registered(server.address(), "admin").close();

    file.write(
        "sessions_max = 1\nreserved_names = [\"admin\"]\nidle_time_max = \"30s\"\nrooms_max = 7\nlog_level = \"debug\"\n",
    );
    server.signal("HUP");
    server.logged(&["INFO changed", "setting=sessions_max", "from=2", "to=1"]);
    server.logged(&["INFO changed", "setting=reserved_names", "from=none", "to=admin"]);
    server.logged(&["WARN changes with a restart", "setting=idle_time_max", "from=60s", "to=30s"]);
    server.logged(&["INFO reloaded", "changed=3", "need_a_restart=1"]);
    assert_eq!(server.count_logged(&["setting=rooms_max"]), 0, "the flag comes before the file");

    assert_eq!(refusal(&server, "admin"), RefusalCode::Denied);
    assert_eq!(refusal(&server, "bob"), RefusalCode::HubFull);
    server.logged(&["DEBUG connected"]);
    alice.tell_oneself("alice");

    file.write("sessions_max = 2\n");
    server.signal("HUP");
    server.logged(&["INFO changed", "setting=sessions_max", "from=1", "to=2"]);
    User::registered(server.address(), "admin").close();
    alice.close();
}

#[test]
fn a_reload_of_a_broken_file_changes_nothing_and_says_why() {
    let file = File::with("sessions_max = 1\n");
    let mut server = file.server(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let broken = [
        ("sessions_max = 5\nrooms_max = \"many\"\n", ":2: rooms_max is"),
        ("sessions_max = 5\n[", ": this is not TOML"),
        ("sessions_max = 0\n", "sessions_max is 0: it must be at least 1"),
        ("session_max = 5\n", "sessions_max is the nearest"),
        (
            "buffer_bytes_max = \"9MiB\"\n",
            ":1: buffer_bytes_max is 9437184: it must be at least origin_buffer_bytes_max",
        ),
    ];
    for (count, (text, words)) in broken.into_iter().enumerate() {
        file.write(text);
        server.signal("HUP");
        let line = server.logged(&["ERROR", words]);
        assert!(line.contains(&file.path().display().to_string()), "{line}");
        while server.count_logged(&["all settings stay as they are"]) <= count {
            server.assert_running();
        }
        assert_eq!(refusal(&server, "bob"), RefusalCode::HubFull, "{text}");
    }
    alice.tell_oneself("alice");
    file.write("sessions_max = 2\n");
    server.signal("HUP");
    server.logged(&["INFO reloaded", "changed=1"]);
    User::registered(server.address(), "bob").close();
}

#[test]
fn a_reload_whose_change_does_not_fit_what_needs_a_restart_changes_nothing() {
    let few = "sessions_max = 100\nconnections_max = 100\nrooms_max = 10\nmemberships_max = 10\nhub_watches_max = 10\n";
    let file = File::with(&format!("{few}memory_bytes_max = \"2500MiB\"\n"));
    let mut server = file.server(&[]);
    // It would fit if the buffers became smaller at once.
    let less = "buffer_bytes_max = \"512MiB\"\norigin_buffer_bytes_max = \"256MiB\"\nmemory_bytes_max = \"1500MiB\"\n";
    file.write(&format!("{few}{less}"));
    server.signal("HUP");
    server.logged(&["ERROR all settings stay as they are", "by its limits this server needs at most"]);
    User::registered(server.address(), "alice").close();
}

#[test]
fn a_reload_lets_those_in_who_wait_for_a_higher_limit() {
    let file = File::with("connections_max = 1\n");
    let mut server = file.server(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = Peer::connect(server.address());
    bob.put(&support::opening("bob"));
    server.logged(&["WARN no more connections are accepted for now"]);
    file.write("connections_max = 2\n");
    server.signal("HUP");
    bob.take_preface();
    assert!(matches!(bob.take(), HubMessage::Welcome(_)));
    alice.tell_oneself("alice");
}

#[test]
fn without_a_file_a_hangup_changes_nothing() {
    let mut server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "alice");
    server.signal("HUP");
    server.logged(&["INFO reloaded", "changed=0", "need_a_restart=0"]);
    alice.tell_oneself("alice");
    server.signal("TERM");
    assert!(matches!(alice.event(), Event::Reconnecting { .. }));
    drop(alice);
    assert_eq!(server.exit_status().code(), Some(0));
}
