//! What is wrong with TLS: at the client, and with the certificate of the server.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Send};
use rcgen::{CertificateParams, date_time_ymd};
use rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use rustls::crypto::ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, ProtocolVersion, SupportedCipherSuite,
};

use crate::support::{PROGRAM, Peer, connect};
use crate::tls::{Identity, Stream, TlsServer, read_to_end};

/// Bytes in front of each record (RFC 8446, 5.1): its type, a version, and its length.
const RECORD_HEADER_BYTES: usize = 5;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// A client that has begun, and its first record.
fn hello(config: Arc<ClientConfig>) -> (ClientConnection, Vec<u8>) {
    let name = ServerName::try_from("localhost").expect("it is a name");
    let mut session = ClientConnection::new(config, name).expect("the configuration is right");
    let mut record = Vec::new();
    session.write_tls(&mut record).expect("memory takes all");
    (session, record)
}

/// Messages go from the user to itself.
fn talks_to_itself<S: Read + Write>(user: &mut Peer<S>, name: &str) {
    user.say(&ClientMessage::Send(Send { to: name, body: b"hello" }));
    // What became of the one before may come first.
    while !matches!(user.take(), HubMessage::Deliver(_)) {}
}

#[test]
fn who_does_not_finish_a_handshake_is_closed_in_time() {
    let tls = TlsServer::start(&["--handshake-time-max", "0.3"]);
    let (_, hello) = hello(tls.identity.client(&TLS13));
    for said in [&hello[..], &hello[..hello.len() / 2], b""] {
        let mut stream = connect(tls.tls_address());
        stream.write_all(said).expect("the server reads");
        read_to_end(&mut stream).1.expect("the server closes in an orderly way");
    }
}

#[test]
fn a_handshake_of_a_byte_at_a_time_is_over_when_its_time_is_and_nobody_else_notices() {
    let mut tls = TlsServer::start(&["--handshake-time-max", "0.5"]);
    let mut alice = Peer::registered_over(tls.connect(), "alice");
    let (_, hello) = hello(tls.identity.client(&TLS13));
    let mut slow = connect(tls.tls_address());
    slow.set_read_timeout(Some(Duration::from_millis(20))).expect("a time-out can be set");
    let mut said = Vec::new();
    // At this pace it would take seconds.
    let mut bytes = hello.iter();
    let mut answer = [0; 64];
    loop {
        if let Some(byte) = bytes.next() {
            // The server may have closed.
            let _ = slow.write_all(&[*byte]);
        }
        match slow.read(&mut answer) {
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(&answer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("the server closes in an orderly way: {error}"),
        }
    }
    assert!(bytes.len() > 0, "it has not said all");
    assert_eq!(said.first().copied().unwrap_or(ALERT), ALERT, "an alert, or nothing: {said:?}");
    let line = tls.server.logged(&["closed before it had a name"]);
    assert!(line.contains("time") && line.contains("peer=127.0.0.1"), "{line}");
    talks_to_itself(&mut alice, "alice");
    assert_eq!(tls.server.count_logged(&["closed before it had a name"]), 1);
}

#[test]
fn a_hello_in_records_of_one_byte_begins_a_session() {
    let tls = TlsServer::start(&[]);
    for (version, name) in [(&TLS12, "alice"), (&TLS13, "bob")] {
        let (session, hello) = hello(tls.identity.client(version));
        let mut stream = connect(tls.tls_address());
        for byte in &hello[RECORD_HEADER_BYTES..] {
            stream.write_all(&[HANDSHAKE, 3, 1, 0, 1, *byte]).expect("the server reads");
        }
        let mut user = Peer::registered_over(Stream::new(session, stream), name);
        talks_to_itself(&mut user, name);
    }
}

/// How a client speaks TLS 1.2 and gives away its keys.
fn open_client(identity: &Identity) -> Arc<ClientConfig> {
    let cipher_suites = vec![TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256];
    let provider = CryptoProvider { cipher_suites, ..ring::default_provider() };
    let mut config = identity.client_builder(provider, &TLS12).with_no_client_auth();
    config.enable_secret_extraction = true;
    Arc::new(config)
}

/// The type of the next record.
fn record_type(stream: &mut impl Read) -> u8 {
    let mut header = [0; RECORD_HEADER_BYTES];
    stream.read_exact(&mut header).expect("a record comes");
    let length = u16::from_be_bytes([header[3], header[4]]);
    stream.read_exact(&mut vec![0; length.into()]).expect("the rest of it comes");
    header[0]
}

#[test]
fn who_asks_for_other_keys_is_told_no_and_then_closed_and_nobody_else_notices() {
    let mut tls = TlsServer::start(&[]);
    let mut alice = Peer::registered_over(tls.connect(), "alice");
    let mallory = Peer::registered_over(tls.connect_with(&open_client(&tls.identity)), "mallory");
    let (session, mut stream) = mallory.stream.into_parts();
    let (mut sequence, keys) = session.dangerous_extract_secrets().expect("the configuration allows it").tx;
    let SupportedCipherSuite::Tls12(suite) = TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 else { unreachable!() };
    let ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } = keys else { panic!("they are of that suite") };
    let mut encrypter = suite.aead_alg.encrypter(key, iv.as_ref(), &[]);
    let (_, hello) = hello(open_client(&tls.identity));
    let mut ask = || {
        let message = OutboundPlainMessage {
            typ: ContentType::Handshake,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(&hello[RECORD_HEADER_BYTES..]),
        };
        let record = encrypter.encrypt(message, sequence).expect("it is short").encode();
        sequence += 1;
        stream.write_all(&record).expect("the server reads");
        while record_type(&mut stream) != ALERT {}
    };
    // The first answer is `no_renegotiation` (RFC 5246, 7.2.2), and the second one ends the connection.
    ask();
    talks_to_itself(&mut alice, "alice");
    assert_eq!(tls.server.count_logged(&["mallory", "lost"]), 0);
    ask();
    tls.server.logged(&["INFO closed", "TooManyRenegotiationRequests"]);
    tls.server.logged(&["lost its connection", "mallory"]);
    talks_to_itself(&mut alice, "alice");
}

/// Certificates and keys that cannot be used, with what is said of them: what is wrong, with which file, and what would
/// be right. The right ones are these.
fn unusable(right: &Identity) -> Vec<(Identity, &'static [&'static str])> {
    let dated = |from, until| {
        let mut params = CertificateParams::new(["localhost".into()]).expect("it is a name");
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        Identity::of(&params)
    };
    let of = |certificate: &str, key: &str| Identity { certificate: certificate.into(), key: key.into() };
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA";
    let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    vec![
        (of("", &right.key), &["cert.pem\": there is no certificate in it", "BEGIN CERTIFICATE"]),
        (of(&right.key, &right.key), &["cert.pem\": there is no certificate in it", "BEGIN CERTIFICATE"]),
        (of("no PEM at all \u{1}", &right.key), &["cert.pem\": there is no certificate in it", "PEM is needed"]),
        (of(cut, &right.key), &["cert.pem\": it is not in PEM", "the certificate is needed"]),
        (of(hollow, &right.key), &["cert.pem\": the certificate cannot be read", "X.509, version 3"]),
        (of(&right.certificate, ""), &["key.pem\": there is no key in it", "BEGIN PRIVATE KEY"]),
        (of(&right.certificate, "no PEM"), &["key.pem\": there is no key in it", "PEM is needed"]),
        (
            of(&right.certificate, &Identity::new().key),
            &["cert.pem", "key.pem", "the key is not that of the certificate", "must be the first"],
        ),
        (dated(2020, 2021), &["cert.pem\": the certificate ended", "days ago: get a new one"]),
        (dated(3000, 3001), &["cert.pem\": the certificate is not valid before", "look at the clock"]),
    ]
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_with_what_would_be_right() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let words = |identity: &Identity, folder: &Path| {
        let [certificate, key] = identity.write(folder);
        let mut command = Command::new(PROGRAM);
        command.args(["--listen", "tls://127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key]);
        let output = command.stdin(Stdio::null()).output().expect("the program runs");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("it is text")
    };
    for (identity, expected) in unusable(&Identity::new()) {
        let said = words(&identity, folder.path());
        assert!(expected.iter().all(|words| said.contains(words)), "{expected:?} in: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let output = Command::new(PROGRAM).args(["--listen", "tls://127.0.0.1:0"]).output().expect("the program runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("--tls-cert and --tls-key"), "{words}");
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_at_a_reload_and_the_old_one_stays() {
    let mut tls = TlsServer::start(&[]);
    let mut alice = Peer::registered_over(tls.connect(), "alice");
    let kept = |tls: &mut TlsServer| tls.server.count_logged(&["all settings stay as they are"]);
    for (count, (identity, expected)) in unusable(&tls.identity).into_iter().enumerate() {
        identity.write(tls.folder.path());
        tls.server.signal("HUP");
        while kept(&mut tls) <= count {
            tls.server.assert_running();
        }
        // One says what is wrong, and one what comes of it.
        let told: Vec<_> = tls.server.lines_logged(&["ERROR"]).skip(2 * count).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(expected.iter().all(|words| told[0].contains(words)), "{expected:?} in: {told:?}");
        let mut bob = Peer::registered_over(tls.connect(), &format!("bob{count}"));
        talks_to_itself(&mut bob, &format!("bob{count}"));
    }
    fs::remove_file(tls.folder.path().join("key.pem")).expect("it is there");
    tls.server.signal("HUP");
    tls.server.logged(&["ERROR", "tls_key is", "key.pem"]);
    talks_to_itself(&mut alice, "alice");
}
