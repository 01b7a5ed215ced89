//! Who gets a name from the program: with a password, as a guest, or as a user of this machine.

#![cfg(unix)]

#[path = "passwords/guesses.rs"]
mod guesses;
mod support;

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use chatcore::wire::{ClientMessage, HubMessage, Preface, Refused, Register};
use chatcore::{CREDENTIAL_BYTES_MAX, GoodbyeCode, RefusalCode};
use tempfile::TempDir;

use support::{PATIENCE, PROGRAM, Peer, Server, connect};

/// A folder with a file of passwords.
struct Folder(TempDir);

impl Folder {
    /// With these passwords, as `password add` sets them.
    fn with(users: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("there is a place for temporary files"));
        for (name, password) in users {
            folder.add(name, password);
        }
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("passwords")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).expect("the file is there")
    }

    fn lines(&self) -> Vec<String> {
        self.text().lines().map(Into::into).collect()
    }

    fn start(&self, args: &[&str], password: &str) -> Child {
        let mut child = Command::new(PROGRAM)
            .arg("password")
            .args(args)
            .arg("--password-file")
            .arg(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // It may end without having read it.
        let _ = child.stdin.take().expect("it is piped").write_all(format!("{password}\n").as_bytes());
        child
    }

    fn run(&self, args: &[&str], password: &str) -> Output {
        self.start(args, password).wait_with_output().expect("the program runs")
    }

    fn add(&self, name: &str, password: &str) {
        let output = self.run(&["add", name], password);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    fn flags(&self) -> [String; 2] {
        ["--password-file".into(), self.path().to_str().expect("it is text").into()]
    }

    fn server(&self, flags: &[&str]) -> Server {
        let own = self.flags();
        Server::start(&[&[own[0].as_str(), &own[1]], flags].concat())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it is text")
}

/// What becomes of a registration.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Welcome,
    Refused { code: RefusalCode, detail: String, wait_ms: Option<u32> },
}

impl Answer {
    fn code(&self) -> Option<RefusalCode> {
        match self {
            Self::Welcome => None,
            Self::Refused { code, .. } => Some(*code),
        }
    }
}

fn answer<S: Read + Write>(peer: &mut Peer<S>, name: &str, password: &str) -> Answer {
    peer.say(&register(name, password));
    take_answer(peer)
}

fn register<'a>(name: &'a str, password: &'a str) -> ClientMessage<'a> {
    ClientMessage::Register(Register { name, credential: password.as_bytes(), frame_bytes_max: u32::MAX })
}

fn take_answer<S: Read + Write>(peer: &mut Peer<S>) -> Answer {
    match peer.take() {
        HubMessage::Welcome(_) => Answer::Welcome,
        HubMessage::Refused(Refused { code, detail, wait_ms }) => {
            Answer::Refused { code, detail: detail.into(), wait_ms }
        }
        other => panic!("{other:?} in place of an answer"),
    }
}

/// A peer that has said what it speaks. The server says it with its first answer.
fn log_in_over<S: Read + Write>(stream: S, name: &str, password: &str) -> (Answer, Peer<S>) {
    let mut peer = Peer::over(stream);
    peer.put(&Preface::OURS.encode());
    peer.say(&register(name, password));
    peer.take_preface();
    let answer = take_answer(&mut peer);
    (answer, peer)
}

fn log_in(server: &Server, name: &str, password: &str) -> (Answer, Peer) {
    log_in_over(connect(server.address()), name, password)
}

#[test]
fn a_wrong_name_and_a_wrong_password_get_the_same_answer_for_the_same_work() {
    let folder = Folder::with(&[("alice", "one")]);
    let mut server = folder.server(&["--guests", "no", "--log-level", "debug"]);
    let hashes = |server: &mut Server| server.count_logged(&["hashed a password"]);
    let mut answers = Vec::new();
    for (tries, name) in ["alice", "carol"].into_iter().enumerate() {
        answers.push(log_in(&server, name, "two").0);
        // The refusal is logged after the hash.
        server.logged(&["INFO log-in refused", "origin=127.0.0.1", name, "the name or the password is wrong"]);
        assert_eq!(hashes(&mut server), tries + 1, "{name}");
    }
    assert_eq!(answers[0].code(), Some(RefusalCode::Denied));
    assert_eq!(answers[0], answers[1]);
    let (without, mut peer) = log_in(&server, "alice", "");
    assert_eq!(without, log_in(&server, "carol", "").0);
    assert!(matches!(&without, Answer::Refused { detail, .. } if detail.contains("needs a password")), "{without:?}");
    // On the same connection, and under another spelling.
    assert_eq!(answer(&mut peer, "ALICE", "one"), Answer::Welcome);
    server.logged(&["INFO joined", "alice"]);
    assert_eq!(hashes(&mut server), 3, "without a password there is nothing to hash");
    let (other, _device) = log_in(&server, "alice", "one");
    assert_eq!(other, Answer::Welcome, "on another device");
    assert_eq!(server.count_logged(&["two"]), 0, "no password is logged");
}

#[test]
fn guests_have_the_names_that_have_no_password() {
    let folder = Folder::with(&[("Cop", "one")]);
    let server = folder.server(&[]);
    assert_eq!(log_in(&server, "bob", "").0, Answer::Welcome);
    assert_eq!(log_in(&server, "cop", "").0.code(), Some(RefusalCode::Denied));
    assert_eq!(log_in(&server, "\u{441}\u{43e}\u{440}", "").0.code(), Some(RefusalCode::Confusable));
    assert_eq!(log_in(&server, "cop", "one").0, Answer::Welcome);
}

#[test]
fn of_reserved_names_only_owners_get_theirs() {
    let folder = Folder::with(&[("admin", "one")]);
    let flags = ["--reserve-name", "admin", "--reserve-name", "server"];
    let server = folder.server(&[&["--guests", "reserved-only"][..], &flags].concat());
    for (name, password, code) in [
        ("admin", "", Some(RefusalCode::Denied)),
        ("admin", "one", None),
        ("server", "", Some(RefusalCode::Denied)),
        ("bob", "", None),
    ] {
        assert_eq!(log_in(&server, name, password).0.code(), code, "{name} {password:?}");
    }
    let server = folder.server(&flags);
    assert_eq!(log_in(&server, "admin", "one").0.code(), Some(RefusalCode::Denied), "by default nobody does");
}

#[test]
fn a_password_that_others_could_read_is_refused() {
    let folder = Folder::with(&[("alice", "one")]);
    let mut server = folder.server(&["--listen", "0.0.0.0:0", "--log-level", "debug"]);
    let Some(address) = own_address() else {
        eprintln!("this machine has no address but its own loopback: nothing to try");
        return;
    };
    let port = second_port(&mut server);
    let stream = || connect(SocketAddr::new(address, port));
    for (name, password, words) in [
        ("alice", "one", "connect over TLS"),
        ("alice", "two", "connect over TLS"),
        ("carol", "one", "connect over TLS"),
        ("alice", "", "a connection over TLS"),
    ] {
        let (answer, _) = log_in_over(stream(), name, password);
        let Answer::Refused { code, detail, .. } = &answer else { panic!("{answer:?}") };
        assert!(*code == RefusalCode::Denied && detail.contains(words), "{name} {password:?}: {detail}");
    }
    assert_eq!(log_in_over(stream(), "bob", "").0, Answer::Welcome);
    assert_eq!(log_in(&server, "alice", "one").0, Answer::Welcome, "over loopback nobody reads along");
    server.logged(&["INFO joined", "alice"]);
    assert_eq!(server.count_logged(&["hashed a password"]), 1);
}

/// An address of this machine in a network, if it has one. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// The port of the second listener, which the log tells.
fn second_port(server: &mut Server) -> u16 {
    let line = server.logged(&["DEBUG listening", "0.0.0.0:"]);
    let (_, rest) = line.split_once("0.0.0.0:").expect("the line has it");
    rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|port| port.parse().ok()).expect("it is a port")
}

#[test]
fn a_reload_takes_over_the_passwords_and_keeps_them_if_anything_is_wrong() {
    let folder = Folder::with(&[("alice", "one")]);
    let mut server = folder.server(&[]);
    folder.add("alice", "two");
    folder.add("bob", "three");
    assert_eq!(log_in(&server, "alice", "one").0, Answer::Welcome, "nobody has said that it changed");
    let (_, mut guest) = log_in(&server, "bob", "");
    server.signal("HUP");
    server.logged(&["INFO the passwords were read again", "users=2"]);
    assert_eq!(log_in(&server, "alice", "one").0.code(), Some(RefusalCode::Denied));
    assert_eq!(log_in(&server, "alice", "two").0, Answer::Welcome);
    let (owner, mut bob) = log_in(&server, "bob", "three");
    assert_eq!(owner, Answer::Welcome);
    guest.assert_goodbye(GoodbyeCode::Kicked);

    fs::write(folder.path(), "carol:secret\n").expect("the file is ours");
    server.signal("HUP");
    let line = server.logged(&["ERROR", "the hash of carol must begin with $argon2id$"]);
    assert!(line.contains(&format!("{}:1: ", folder.path().display())) && !line.contains("secret"), "{line}");
    server.logged(&["all settings stay as they are"]);
    fs::remove_file(folder.path()).expect("it is there");
    server.signal("HUP");
    server.logged(&["ERROR", "is not there", "password add"]);
    assert_eq!(log_in(&server, "carol", "").0, Answer::Welcome);
    assert_eq!(log_in(&server, "alice", "two").0, Answer::Welcome);
    bob.say(&ClientMessage::Who(chatcore::wire::Who { cursor: 0 }));
    let online = bob.take_beside_acks();
    assert!(matches!(online, HubMessage::Online(_)), "{online:?}");
}

#[test]
fn what_is_wrong_with_the_file_or_the_settings_is_told_at_the_start_and_by_a_check() {
    let folder = Folder::with(&[("alice", "one")]);
    let [flag, path] = folder.flags();
    let check = |flags: &[&str]| {
        let output = Command::new(PROGRAM).args(flags).env_remove("RUST_LOG").output().expect("the program runs");
        (output.status.code(), text(&output.stderr))
    };
    let file = [flag.as_str(), &path];
    assert_eq!(check(&[&["--check-config"], &file[..]].concat()), (Some(0), String::new()));
    fs::set_permissions(folder.path(), Permissions::from_mode(0o644)).expect("the file is ours");
    let (code, warning) = check(&[&["--check-config"], &file[..]].concat());
    assert_eq!(code, Some(0));
    assert!(warning.contains(&format!("every user of this machine can read or change {path}: chmod o= {path}")));
    let mut server = folder.server(&[]);
    server.logged(&["WARN every user of this machine can read"]);

    fs::write(folder.path(), format!("{}x y:z\nbob\n", folder.text())).expect("the file is ours");
    for action in [&["--check-config"][..], &["--listen", "127.0.0.1:0"]] {
        let (code, said) = check(&[action, &file].concat());
        assert_eq!(code, Some(2), "{said}");
        for words in ["passwords:2: \"x y\" cannot be a name", "passwords:3: a line must be name:hash"] {
            assert!(said.contains(words), "{words} in: {said}");
        }
    }
    for (flags, words) in [
        (&["--guests", "no"][..], "guests is no, so nobody could log in"),
        (&["--unix-users", "yes"], "unix_users needs a Unix socket"),
        (&["--log-in-threads", "0"], "log_in_threads is 0: it must be 1 to 256"),
        (&["--guests", "some"], "it must be one of yes, reserved-only, no"),
        (&["--password-file", "/"], "password_file is \"/\": the file must be a regular file"),
    ] {
        let (code, said) = check(&[flags, &["--check-config"]].concat());
        assert!(code == Some(2) && said.contains(words), "{flags:?}: {said}");
    }
}

#[test]
fn the_memory_for_passwords_is_part_of_the_sum() {
    let folder = Folder::with(&[("alice", "one")]);
    let sum = |flags: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(["--memory-bytes-max", "1MiB", "--check-config"]).args(flags);
        let said = text(&command.output().expect("the program runs").stderr);
        let (_, rest) = said.split_once("needs at most ").expect("it says how much");
        rest.split_whitespace().next().and_then(|gib| gib.parse::<f64>().ok()).expect("it is a number")
    };
    let [flag, path] = folder.flags();
    // 64 threads with 19 MiB and a stack each, and from the sixth on with wrong passwords to be counted.
    let more = sum(&[&flag, &path, "--log-in-threads", "64"]) - sum(&[&flag, &path]);
    assert!((1.5..1.8).contains(&more), "{more}");
}

#[test]
fn the_file_keeps_its_other_lines_its_mode_and_its_place() {
    let folder = Folder::with(&[("alice", "one")]);
    assert_eq!(fs::metadata(folder.path()).expect("it is there").permissions().mode() & 0o777, 0o600);
    fs::write(folder.path(), format!("# the users\n\n{}# the end", folder.text())).expect("the file is ours");
    let alice = folder.lines()[2].clone();
    folder.add("Bob", "two");
    let bob = folder.lines()[4].clone();
    assert!(bob.starts_with("bob:$argon2id$v=19$m=19456,t=2,p=1$"), "{bob}");
    assert_eq!(folder.lines(), ["# the users", "", &alice, "# the end", &bob]);

    fs::set_permissions(folder.path(), Permissions::from_mode(0o640)).expect("the file is ours");
    let link = folder.0.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).expect("the folder is ours");
    let output = Command::new(PROGRAM)
        .args(["password", "remove", "ALICE"])
        .env("CHATCORE_PASSWORD_FILE", &link)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(folder.lines(), ["# the users", "", "# the end", &bob]);
    assert!(link.is_symlink(), "the link still leads there");
    assert_eq!(fs::metadata(folder.path()).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(folder.0.path()).expect("it is there").count(), 2, "nothing is left beside it");

    folder.add("bob", "three");
    assert_ne!(folder.lines()[3], bob);
    assert_eq!(folder.lines().len(), 4);
    folder.add("alice", "four");
    let output = folder.run(&["list"], "");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "alice\nbob\n"));
}

#[test]
fn what_cannot_be_set_is_told_and_changes_nothing() {
    let folder = Folder::with(&[("cop", "one")]);
    let before = folder.text();
    let [long, megabyte] = [CREDENTIAL_BYTES_MAX + 1, 1 << 20].map(|bytes| "x".repeat(bytes));
    for (args, password, words) in [
        (&["add", "a b"][..], "two", "\"a b\" cannot be a name"),
        (&["add", "bob"], "", "the password is empty"),
        (&["add", "bob"], &long, "it must have at most 1024 bytes"),
        (&["add", "bob"], &megabyte, "it must have at most 1024 bytes"),
        (&["add", "\u{441}\u{43e}\u{440}"], "two", "looks like cop, who has a password"),
        (&["remove", "bob"], "", "bob has no password in"),
    ] {
        let output = folder.run(args, password);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(words), "{args:?}: {said}");
        assert_eq!(folder.text(), before, "{args:?}");
    }
    folder.add("bob", &long[1..]);

    let config = folder.0.path().join("server.toml");
    fs::write(&config, format!("sessions_max = 5\npassword_file = {:?}\n", folder.path())).expect("the folder is ours");
    let list = |config: &PathBuf| {
        Command::new(PROGRAM).args(["password", "list", "--config"]).arg(config).output().expect("the program runs")
    };
    assert_eq!(text(&list(&config).stdout), "bob\ncop\n");
    fs::write(&config, "sessions_max = 5\n").expect("the folder is ours");
    assert!(text(&list(&config).stderr).contains("no password file is given"));
}

#[test]
fn changes_at_the_same_time_all_count() {
    let folder = Folder::with(&[]);
    let names = ["alice", "bob", "carol", "dave", "eve"];
    let children = names.map(|name| folder.start(&["add", name], "secret"));
    for child in children {
        let output = child.wait_with_output().expect("the program runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert_eq!(text(&folder.run(&["list"], "").stdout), names.join("\n") + "\n");
}

/// The system's name of the user who runs this.
fn own_name() -> String {
    let output = Command::new("id").arg("-un").output().expect("id runs");
    text(&output.stdout).trim().into()
}

#[test]
fn a_user_of_this_machine_has_its_name_over_a_unix_socket_and_nobody_else_gets_it() {
    let folder = Folder::with(&[]);
    let path = folder.0.path().join("chat.sock");
    let listen = format!("unix://{}", path.display());
    let server = Server::start(&["--unix-users", "yes", "--listen", &listen]);
    let unix = || {
        let stream = UnixStream::connect(&path).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream
    };
    let own = own_name();
    let (refused, mut peer) = log_in_over(unix(), "no-such-user", "");
    let Answer::Refused { code: RefusalCode::Denied, detail, .. } = refused else { panic!("{refused:?}") };
    assert!(detail.contains(&format!("you are {own}")), "{detail}");
    assert_eq!(answer(&mut peer, &own, ""), Answer::Welcome);
    assert_eq!(log_in_over(unix(), &own, "").0, Answer::Welcome, "on another terminal");

    assert_eq!(log_in(&server, &own, "").0.code(), Some(RefusalCode::Denied));
    assert_eq!(log_in(&server, "no-such-user", "").0, Answer::Welcome);
}

/// `password add` at a terminal, and all that it said.
struct Asked {
    pty: pty_process::blocking::Pty,
    child: Child,
    said: String,
}

impl Asked {
    fn start(folder: &Folder) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("there are terminals");
        let child = pty_process::blocking::Command::new(PROGRAM)
            .args(["password", "add", "alice", "--password-file"])
            .arg(folder.path())
            .spawn(pts)
            .expect("the program starts");
        Self { pty, child, said: String::new() }
    }

    #[track_caller]
    fn until(&mut self, words: &str) {
        let mut buffer = [0; 1024];
        while !self.said.contains(words) {
            // It fails when the program is gone.
            let count = (&self.pty).read(&mut buffer).unwrap_or(0);
            assert!(count > 0, "no {words:?} in {:?}", self.said);
            self.said.push_str(str::from_utf8(&buffer[..count]).expect("it is ASCII"));
        }
    }

    fn types(&mut self, keys: &str) {
        (&self.pty).write_all(keys.as_bytes()).expect("the terminal takes it");
    }
}

#[test]
fn a_password_is_asked_for_twice_and_is_not_shown() {
    let folder = Folder::with(&[]);
    for (again, is_set) in [("other", false), ("secret", true)] {
        let mut asked = Asked::start(&folder);
        asked.until("password for alice: ");
        asked.types("secret\n");
        asked.until("once more: ");
        asked.types(&format!("{again}\n"));
        asked.until(if is_set { "alice has a password now" } else { "the two differ" });
        assert_eq!(asked.child.wait().expect("it ends").success(), is_set);
        assert!(!asked.said.contains("secret"), "{:?}", asked.said);
        assert_eq!(folder.path().exists(), is_set);
    }
    let server = folder.server(&[]);
    assert_eq!(log_in(&server, "alice", "secret").0, Answer::Welcome);
}

#[test]
fn who_interrupts_the_question_finds_the_terminal_as_it_was() {
    use nix::sys::termios::{LocalFlags, tcgetattr};
    let folder = Folder::with(&[]);
    let mut asked = Asked::start(&folder);
    asked.until("password for alice: ");
    asked.types("sec\x03");
    let status = asked.child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(2), "{status}");
    let flags = tcgetattr(&asked.pty).expect("it is a terminal").local_flags;
    assert!(flags.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG), "{flags:?}");
    assert!(!folder.path().exists());
}
