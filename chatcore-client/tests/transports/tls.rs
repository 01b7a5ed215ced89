//! TLS, with the server's program.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use chatcore_client::{Connection, Endpoint, Event, Tls};
use tempfile::TempDir;

use crate::identity::Authority;
use crate::programs::proxy::Proxy;
use crate::programs::{PATIENCE, Server, environment, own_address, run, timeless};
use crate::{LEFT, registered};

/// A server that listens over TLS and over TCP, and whom a client must trust.
pub(crate) struct TlsServer {
    pub(crate) server: Server,
    pub(crate) tcp: String,
    pub(crate) authority: Authority,
    /// The file with the authority's certificate.
    pub(crate) ca: String,
    pub(crate) folder: TempDir,
}

impl TlsServer {
    pub(crate) fn start() -> Self {
        Self::for_hosts(&["localhost", "127.0.0.1"], &[])
    }

    pub(crate) fn for_hosts(hosts: &[&str], flags: &[&str]) -> Self {
        let authority = Authority::new();
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let (server, tcp) = serve(&authority, hosts, folder.path(), flags);
        let ca = authority.file(folder.path());
        Self { server, tcp, authority, ca, folder }
    }

    /// Another server whose certificate is of the same authority.
    pub(crate) fn another(&self, hosts: &[&str], flags: &[&str]) -> Server {
        serve(&self.authority, hosts, self.folder.path(), flags).0
    }

    pub(crate) fn tls(&self) -> Tls {
        Tls::trusting(self.authority.certificate.as_bytes()).expect("it is a certificate")
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.server.endpoint().with_tls(self.tls())
    }
}

fn serve(authority: &Authority, hosts: &[&str], folder: &std::path::Path, flags: &[&str]) -> (Server, String) {
    let [certificate, key] = authority.vouches_for(hosts).files(folder, "server");
    let listen = ["--listen", "tls://127.0.0.1:0", "--listen", "127.0.0.1:0"];
    let server = Server::listening(&[&listen, &["--tls-cert", &certificate, "--tls-key", &key], flags].concat());
    let line = server.program.line();
    let tcp = line.strip_prefix("listening on tcp ").expect("it listens there, too").to_owned();
    (server, tcp)
}

#[test]
fn people_over_tls_and_over_tcp_talk_to_each_other() {
    let tls = TlsServer::start();
    let bob = tls.server.client_at(&tls.tcp, &["--json", "--name", "bob", "--stay"]);
    bob.expect(&registered("bob"));
    for address in [tls.server.address.clone(), tls.server.address.replace("127.0.0.1", "localhost")] {
        // More than one record of TLS, and than the sockets hold at once.
        let body = "x".repeat(60_000);
        let input = format!("@bob:{body}\n").repeat(20);
        let args = ["--connect", &address, "--ca", &tls.ca, "--name", "alice", "--json"];
        let (code, stdout, stderr) = run(&args, &input);
        let stdout: Vec<String> = stdout.iter().map(|line| timeless(line)).collect();
        assert_eq!((code, stderr), (0, vec![]), "{address}");
        let accepted = vec![r#"{"event":"accepted","to":"bob"}"#.to_owned(); 20];
        assert_eq!(stdout, [vec![registered("alice")], accepted, vec![LEFT.into()]].concat());
        for _ in 0..20 {
            assert_eq!(bob.event()["body"], body);
        }
    }
}

#[test]
fn a_password_goes_elsewhere_over_tls_alone() {
    let Some(ip) = own_address() else {
        eprintln!("this machine has no address but its own loopback: nothing to try");
        return;
    };
    let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("there is room for a folder"));
    let [certificate, key] = authority.vouches_for(&[&ip.to_string()]).files(folder.path(), "server");
    let ca = authority.file(folder.path());
    let [tls, tcp] = ["tls://", ""].map(|scheme| format!("{scheme}{ip}:0"));
    let args = ["--guests", "no", "--listen", &tls, "--listen", &tcp, "--tls-cert", &certificate, "--tls-key", &key];
    let server = Server::with_passwords(&[("alice", "secret")], &args);
    let [tls, tcp] = ["tls", "tcp"].map(|scheme| {
        let line = server.program.line();
        line.strip_prefix(&format!("listening on {scheme} ")).expect("it listens there, too").to_owned()
    });
    let file = folder.path().join("secret");
    std::fs::write(&file, "secret\n").expect("the folder is ours");
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("the file is ours");
    let args = ["--ca", &ca, "--name", "alice", "--json", "--password-file", file.to_str().expect("it is text")];
    let (code, stdout, stderr) = run(&[&["--connect", &format!("tls://{tls}")], &args[..]].concat(), "");
    assert_eq!((code, stdout, stderr), (0, vec![registered("alice"), LEFT.into()], vec![]));
    let (code, stdout, stderr) = run(&[&["--connect", &tcp], &args[2..]].concat(), "");
    assert_eq!((code, stdout), (1, vec![r#"{"event":"closed","reason":"not_private"}"#.to_owned()]), "{stderr:?}");
}

#[test]
fn whom_the_system_trusts_is_trusted_without_a_word() {
    let tls = TlsServer::start();
    let client = |file: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatcore-client"));
        command.args(["--connect", &tls.server.address, "--name", "alice", "--no-state", "--json"]);
        command.env_clear().envs(environment()).env("SSL_CERT_FILE", file);
        let output = command.stdin(std::process::Stdio::null()).output();
        let output = output.expect("the program runs");
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    if cfg!(any(target_os = "macos", windows)) {
        // There the system judges, and takes no file.
        return;
    }
    assert_eq!(client(&tls.ca), (Some(0), format!("{}\n{LEFT}\n", registered("alice")), String::new()));
    let other = Authority::new().file(tempfile::tempdir().expect("there is room").keep().as_path());
    let (code, _, words) = client(&other);
    assert_eq!(code, Some(1));
    assert!(words.contains("nobody who is trusted here vouches for its certificate"), "{words}");
}

#[test]
fn a_session_over_tls_outlives_its_connections() {
    const COUNT: usize = 2_000;
    let body = |i| format!("message {i} {}", "x".repeat(500));
    let tls = TlsServer::start();
    let tcp = tls.server.address.strip_prefix("tls://").expect("it is over TLS");
    // A handshake has some 3 000 bytes, and is to succeed mostly.
    let proxy = Proxy::start_with(tcp, 20, 7, 40_000);
    let address = format!("tls://{}", proxy.address);
    // No session holds for long enough to begin anew with short waits.
    let args = ["--ca", &tls.ca, "--json", "--stay", "--reconnect-wait-max", "0.2", "--name"];
    // The first connection may be cut: then it is made anew, until it stands.
    let bob = loop {
        let bob = tls.server.client_at(&address, &[&args[..], &["bob"]].concat());
        let line = bob.line();
        if line == registered("bob") {
            break bob;
        }
        assert!(line.contains("closed"), "{line}");
    };
    let mut alice = Connection::connect(&tls.tcp, PATIENCE).unwrap();
    alice.register("alice", PATIENCE).unwrap();
    for i in 0..COUNT {
        alice.send("bob", body(i).as_bytes(), PATIENCE).unwrap();
    }
    let mut resumed = 0;
    let mut bodies = std::iter::repeat_with(|| bob.event()).filter(|event| {
        resumed += usize::from(event["event"] == "resumed");
        event["event"] == "message"
    });
    for i in 0..COUNT {
        assert_eq!(bodies.next().unwrap()["body"], body(i));
    }
    drop(bodies);
    assert!(resumed > 5, "it was cut {resumed} times");
}

#[test]
fn a_client_that_was_killed_finds_its_session_by_the_address() {
    let tls = TlsServer::start();
    let start = |address: &str| tls.server.client_at(address, &["--ca", &tls.ca, "--json", "--name", "alice"]);
    let alice = start(&tls.server.address);
    alice.expect(&registered("alice"));
    alice.signal("KILL");
    drop(alice);
    let alice = start(&tls.server.address.replace("tls", "TLS"));
    alice.expect(r#"{"event":"resumed","name":"alice"}"#);
    alice.signal("KILL");
    drop(alice);
    // To what speaks no TLS, the secret of the session does not go.
    let other = tls.server.client_at(&tls.tcp, &["--json", "--name", "alice"]);
    other.expect(r#"{"event":"closed","reason":"name_in_use"}"#);
}

#[test]
fn a_program_that_embeds_the_library_speaks_tls() {
    let tls = TlsServer::start();
    let config = chatcore_client::ClientConfig::default();
    let mut alice = Connection::connect_with(&tls.endpoint(), PATIENCE, &config).unwrap();
    alice.register("alice", PATIENCE).unwrap();
    alice.send("alice", b"hello", PATIENCE).unwrap();
    while !matches!(alice.receive(PATIENCE).unwrap(), Some(Event::Message { body, .. }) if body == b"hello") {}
    let ticket = alice.detach().unwrap();
    let mut alice = Connection::resume(&tls.endpoint(), PATIENCE, &config, &ticket, b"").unwrap();
    assert_eq!(alice.receive(PATIENCE).unwrap(), Some(Event::Resumed));
    alice.close(PATIENCE).unwrap();
}
