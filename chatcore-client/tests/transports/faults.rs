//! What can be wrong with TLS, in the program's words.

use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, IsCa, KeyPair, PKCS_ED25519, date_time_ymd};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::identity::{Authority, Identity, params};
use crate::programs::{NOWHERE, Server, run};
use crate::tls::TlsServer;
use crate::{hang_up, listen, registered};

/// Connects by the program, which fails; returns the line that says why.
#[track_caller]
fn why(address: &str, args: &[&str]) -> String {
    let all = [&["--connect", address, "--name", "alice", "--json"], args].concat();
    let (code, stdout, stderr) = run(&all, "");
    assert_eq!((code, stdout.len(), stderr.len()), (1, 1, 1), "{stdout:?} {stderr:?}");
    assert!(stdout[0].starts_with(r#"{"event":"closed","reason":"#), "{stdout:?}");
    stderr[0].strip_prefix("chatcore-client: ").expect("it says who speaks").to_owned()
}

/// A server of TLS that nobody here wrote: it does a handshake, and hangs up. Returns its address.
fn shows(config: Arc<ServerConfig>) -> String {
    let (listener, port) = listen();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("somebody connects");
            let session = ServerConnection::new(Arc::clone(&config)).expect("the configuration is right");
            let mut tls: StreamOwned<_, TcpStream> = StreamOwned::new(session, stream);
            // It fails, on purpose, in most tests.
            while tls.conn.is_handshaking() && tls.conn.complete_io(&mut tls.sock).is_ok() {}
            while tls.conn.wants_write() && tls.conn.write_tls(&mut tls.sock).is_ok() {}
            hang_up(&tls.sock);
        }
    });
    format!("tls://127.0.0.1:{port}")
}

struct Trusted {
    authority: Authority,
    ca: String,
    folder: TempDir,
}

impl Trusted {
    fn new() -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("there is room for a folder"));
        Self { ca: authority.file(folder.path()), authority, folder }
    }
}

#[test]
fn nobody_vouches_for_it() {
    let tls = TlsServer::start();
    let other = Trusted::new();
    assert_eq!(
        why(&tls.server.address, &["--ca", &other.ca]),
        format!(
            "cannot speak TLS with {}: nobody who is trusted here vouches for its certificate; if you know whose it is, --ca \
             FILE trusts the authority whose certificate the file holds, and no other",
            tls.server.address
        )
    );
}

#[test]
fn somebody_with_the_name_of_an_authority_vouches_for_it() {
    let (real, other) = (Authority::named("authority"), Authority::named("authority"));
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let words = why(&shows(other.vouches_for(&["127.0.0.1"]).server(None)), &["--ca", &real.file(folder.path())]);
    assert!(words.contains("nobody who is trusted here vouches for its certificate"), "{words}");
}

#[test]
fn somebody_with_the_name_of_an_authority_and_another_kind_of_key_vouches_for_it() {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("there is randomness");
    let (real, other) = (Authority::with_key("localhost", key), Authority::named("localhost"));
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let words = why(&shows(other.vouches_for(&["127.0.0.1"]).server(None)), &["--ca", &real.file(folder.path())]);
    assert!(
        words.contains("not with that authority's kind of key: another one has the same name; if you know"),
        "{words}"
    );
}

#[test]
fn it_is_for_another_host() {
    let tls = TlsServer::for_hosts(&["chat.example", "192.0.2.7"], &[]);
    let words = why(&tls.server.address, &["--ca", &tls.ca]);
    let expected =
        "its certificate is not for 127.0.0.1, but for chat.example, 192.0.2.7; connect to the server under a name";
    assert!(words.contains(expected), "{words}");
    let words = why(&tls.server.address.replace("127.0.0.1", "localhost"), &["--ca", &tls.ca]);
    assert!(words.contains("its certificate is not for localhost, but for chat.example"), "{words}");
}

#[test]
fn it_is_over_or_not_valid_yet() {
    let trusted = Trusted::new();
    let mut old = params(&["127.0.0.1"]);
    (old.not_before, old.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let mut new = params(&["127.0.0.1"]);
    (new.not_before, new.not_after) = (date_time_ymd(4000, 1, 1), date_time_ymd(4001, 1, 1));
    let words =
        [old, new].map(|params| why(&shows(trusted.authority.vouches(&params).server(None)), &["--ca", &trusted.ca]));
    let days = words[0].split_once("its certificate ended ").and_then(|(_, rest)| rest.strip_suffix(" days ago"));
    let days: u32 = days.and_then(|days| days.parse().ok()).unwrap_or_else(|| panic!("{}", words[0]));
    assert!(days > 5 * 365, "{days}");
    assert!(
        words[1].contains("not valid before ") && words[1].contains("is the clock of this machine right?"),
        "{}",
        words[1]
    );
}

#[test]
fn it_is_an_authoritys_own() {
    let trusted = Trusted::new();
    let mut params = params(&["127.0.0.1"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let words = why(&shows(trusted.authority.vouches(&params).server(None)), &["--ca", &trusted.ca]);
    assert!(words.contains("it is that of an authority: one for a server has CA:FALSE"), "{words}");
}

#[test]
fn a_certificate_that_vouches_for_itself_can_be_trusted() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let identity = Identity::alone(&params(&["127.0.0.1"]));
    let [certificate, key] = identity.files(folder.path(), "server");
    let server = Server::listening(&["--listen", "tls://127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key]);
    let alice = server.client(&["--ca", &certificate, "--name", "alice", "--json"]);
    alice.expect(&registered("alice"));
}

#[test]
fn tls_meets_no_tls() {
    let server = Server::start();
    let address = format!("tls://{}", server.address);
    let trusted = Trusted::new();
    let words = why(&address, &["--ca", &trusted.ca]);
    let expected = "it takes neither TLS 1.3 nor TLS 1.2 at this port, or no TLS at all; HOST:PORT without tls://";
    assert!(words.contains(expected), "{words}");

    let tls = TlsServer::start();
    let tcp = tls.server.address.strip_prefix("tls://").unwrap();
    let expected = format!("{tcp}: the server speaks TLS, not chatcore; tls://HOST:PORT connects over TLS");
    assert_eq!(why(tcp, &[]), expected);

    let (listener, port) = listen();
    let web = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        crate::say(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        hang_up(&stream);
    });
    let words = why(&format!("tls://127.0.0.1:{port}"), &["--ca", &trusted.ca]);
    assert!(words.contains("it speaks no TLS at this port; HOST:PORT without tls://"), "{words}");
    web.join().unwrap();
}

#[test]
fn it_ends_the_connection_in_the_middle() {
    let trusted = Trusted::new();
    let (listener, port) = listen();
    let quits = thread::spawn(move || hang_up(&listener.accept().unwrap().0));
    let words = why(&format!("tls://127.0.0.1:{port}"), &["--ca", &trusted.ca]);
    assert!(words.contains("it ended the connection before TLS stood"), "{words}");
    quits.join().unwrap();
}

#[test]
fn it_speaks_tls_and_something_else() {
    let trusted = Trusted::new();
    let mut config = Arc::unwrap_or_clone(trusted.authority.vouches_for(&["127.0.0.1"]).server(None));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let words = why(&shows(Arc::new(config)), &["--ca", &trusted.ca]);
    assert!(words.contains("it speaks TLS at this port, but not chatcore"), "{words}");
}

#[test]
fn it_wants_to_see_a_certificate() {
    let (trusted, clients) = (Trusted::new(), Authority::new());
    let server = trusted.authority.vouches_for(&["127.0.0.1"]).server(Some(&clients));
    let words = why(&shows(server), &["--ca", &trusted.ca]);
    assert!(words.contains("it wants a certificate of the client; --cert FILE and --key FILE show one"), "{words}");

    let server = trusted.authority.vouches_for(&["127.0.0.1"]).server(Some(&clients));
    let [certificate, key] = Authority::new().vouches_for(&["alice"]).files(trusted.folder.path(), "stranger");
    let words = why(&shows(server), &["--ca", &trusted.ca, "--cert", &certificate, "--key", &key]);
    assert!(words.contains("it does not take the client's certificate"), "{words}");
}

#[test]
fn files_that_are_wrong_are_named_with_what_would_be_right() {
    let trusted = Trusted::new();
    let [certificate, key] = trusted.authority.vouches_for(&["alice"]).files(trusted.folder.path(), "client");
    let [_, other_key] = trusted.authority.vouches_for(&["bob"]).files(trusted.folder.path(), "other");
    // As a key has to be, so that what is in it is looked at.
    fs::set_permissions(&certificate, Permissions::from_mode(0o600)).unwrap();
    let none = trusted.folder.path().join("none.pem").to_str().unwrap().to_owned();
    let address = format!("tls://{NOWHERE}");
    for (args, expected) in [
        (&["--ca", &none][..], "none.pem: No such file"),
        (&["--ca", &key], "client.key.pem: there is no certificate in it: PEM is needed"),
        (
            &["--ca", &trusted.ca, "--cert", &certificate, "--key", &certificate],
            "client.cert.pem: there is no key in it",
        ),
        (&["--ca", &trusted.ca, "--cert", &key, "--key", &key], "client.key.pem: there is no certificate in it"),
        (
            &["--ca", &trusted.ca, "--cert", &certificate, "--key", &other_key],
            "client.cert.pem: the key is not that of the certificate",
        ),
    ] {
        let words = why(&address, args);
        assert!(words.contains(expected), "{words}");
    }
    // That is no fault of the server.
    let (code, _, stderr) = run(&["--connect", NOWHERE, "--ca", &trusted.ca, "--name", "alice"], "");
    let words = format!("chatcore-client: --ca is for TLS, and {NOWHERE} is without: tls://HOST:PORT is with it");
    assert_eq!((code, stderr), (2, vec![words]));
    let (code, _, stderr) = run(&["--cert", &certificate, "--name", "alice"], "");
    assert_eq!(code, 2, "{stderr:?}");
}
